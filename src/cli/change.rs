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

/// What else there is to say of credentials: where they are, and that they are lost where that is nowhere.
pub(super) fn where_stored(stored: &Stored) -> Value {
    match stored {
        Stored::Profile { name, path } => json!({ "kind": "profile", "profile": name, "path": path }),
        Stored::Kept { path, why } => json!({ "kind": "file", "path": path, "problem": why }),
        Stored::Nowhere(problem) => json!({ "kind": "nowhere", "problem": problem }),
    }
}

/// A problem where nobody has what was handed out: it is stored nowhere, and was not shown.
pub(super) fn must_not_be_lost(stored: &Stored, shown: bool) -> Result<(), Problem> {
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
}
