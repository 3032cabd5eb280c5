//! Changes that are asked for and answered once: does one, and tells in a sentence what came of it.

use serde_json::{Value, json};

use super::exit::Exit;
use super::frame::{Failure, Output};
use crate::model::{Problem, Tenant, database_url};
use crate::ops::stored::Stored;
use crate::ops::{Call, Reply, Session, perform};

/// Does it, and tells it.
pub(super) async fn perform_and_tell(
    session: &Session,
    tenant: &Tenant,
    call: Call,
    output: Output,
) -> Result<Exit, Failure> {
    let reply = Box::pin(perform(session, call)).await?;
    tell(tenant, &reply, json!({}), output)?;
    Ok(Exit::Done)
}

/// Tells what came of it, with `more` in the document.
pub(super) fn tell(tenant: &Tenant, reply: &Reply, more: Value, output: Output) -> Result<(), Problem> {
    let message = reply.sentence().unwrap_or_else(|| "Done.".to_owned());
    let mut document = json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "message": message });
    if let Reply::Begun { begun, already } = reply {
        document["status"] = json!(begun.status);
        document["already"] = json!(already);
    }
    if let (Some(all), Value::Object(more)) = (document.as_object_mut(), more) {
        all.extend(more);
    }
    output.answer(&document, &format!("{}: {message}\n", tenant.name))
}

/// Tells what handed out credentials, with `words` below it for people. Where nobody has them now, that is a problem: the one of
/// the document, or told beside it.
pub(super) fn tell_handed_out(
    (tenant, reply): (&Tenant, &Reply),
    mut more: Value,
    words: &str,
    (stored, reveal): (&Stored, bool),
    output: Output,
) -> Result<Exit, Failure> {
    let lost = must_not_be_lost(stored, reveal).err();
    if let Some(problem) = &lost {
        more["problem"] = json!(problem);
    }
    tell(tenant, reply, more, output)?;
    if !words.is_empty() {
        output.say(words.trim_end());
    }
    match lost {
        Some(problem) if output.json() => Ok(Exit::of(&problem)),
        Some(problem) => Err(problem.into()),
        None => Ok(Exit::Done),
    }
}

/// What else there is to say of credentials: where they are, and that they are lost where that is nowhere.
pub(super) fn where_stored(stored: &Stored) -> Value {
    match stored {
        Stored::Profile { name, path } => json!({ "kind": "profile", "profile": name, "path": path }),
        Stored::Kept { path, why } => json!({ "kind": "file", "path": path, "problem": why }),
        Stored::Nowhere(problem) => json!({ "kind": "nowhere", "problem": problem }),
    }
}

/// A problem where nobody has what was handed out: it is stored nowhere, and was not shown.
fn must_not_be_lost(stored: &Stored, shown: bool) -> Result<(), Problem> {
    match stored {
        Stored::Nowhere(why) if !shown => Err(Problem::new("The new credentials are stored nowhere.")
            .detail(why.to_string())
            .hint("Rotate again with --reveal, which prints them: tenantry rotate --reveal")),
        _ => Ok(()),
    }
}

/// An address, with its password where that is asked for.
pub(super) fn address(url: &crate::model::Secret, reveal: bool) -> String {
    if reveal { crate::model::text::line(url.reveal()) } else { database_url::masked(url) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn a_password_is_shown_only_where_it_is_asked_for_and_is_not_lost_silently() {
        let url = Secret::new("postgres://u:hunter2@h/d");
        assert_eq!(address(&url, false), "postgres://u:****@h/d");
        assert!(address(&url, true).contains("hunter2"));
        let nowhere = Stored::Nowhere(Problem::new("No."));
        assert!(must_not_be_lost(&nowhere, false).is_err() && must_not_be_lost(&nowhere, true).is_ok());
        assert_eq!(where_stored(&nowhere)["kind"], "nowhere");
    }

    #[test]
    fn what_is_lost_fails_and_with_json_within_the_one_document() {
        let tenant = serde_json::from_value(json!({"id": "ten_1", "name": "orchard"})).expect("a tenant");
        let end = |stored: &Stored, reveal, output| {
            tell_handed_out((&tenant, &Reply::Deleted { already: false }), json!({}), "", (stored, reveal), output)
        };
        let nowhere = Stored::Nowhere(Problem::new("No."));
        // An error would be told in a document of its own.
        assert_eq!(end(&nowhere, false, Output::of("--json")), Ok(Exit::Failed));
        assert!(end(&nowhere, false, Output::default()).is_err_and(|failure| failure.exit() == Exit::Failed));
        assert_eq!(end(&nowhere, true, Output::of("--json")), Ok(Exit::Done));
        let kept = Stored::Kept { path: "/s/c.json".into(), why: None };
        assert_eq!(end(&kept, false, Output::of("--json")), Ok(Exit::Done));
    }
}
