//! A new password for a tenant's database (protocol D.4): asked for once, stored, then told.
//!
//! The call is never repeated. Where its answer was lost, or an old server gives only a word, the new credentials are
//! fetched by the link that the rotation armed.

use super::stored::{self, Place, Stored};
use super::{Session, credentials, kept_tenants};
use crate::api::ApiError;
use crate::model::{
    OneTimeCredentials, Problem, Remedy, Rotation, Secret, TenantId, TenantState, TenantStatus, database_url,
};
use crate::workspace::SecretsDraft;

/// Pause between two looks whether the link is there, seconds (protocol C.4).
const PAUSE: u32 = 2;
/// How many looks.
const LOOKS: u32 = 60;
/// How many where nobody knows whether there was a rotation at all.
const DOUBTFUL_LOOKS: u32 = 3;

/// What a rotation brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// When, RFC 3339 UTC, as this machine's clock says.
    pub rotated_at: String,
    /// When the file was changed last that held the credentials which are invalid now, RFC 3339 UTC; absent where this
    /// machine had none.
    pub previous_at: Option<String>,
    /// The server's words.
    pub message: Option<String>,
    /// The tenant's machine is being started again with them.
    pub restarts: bool,
    /// As machines reach the database.
    pub database_url: Secret,
    /// As people outside reach it, where that is switched on and known.
    pub external_database_url: Option<Secret>,
    /// Where they are now.
    pub stored: Stored,
}

/// Rotates. Each time makes another password, so the caller asks first. Goes on to its end also where the future is dropped.
///
/// # Errors
/// A problem before anything is asked of the server where the new credentials would have no place; the server's refusal;
/// and where the answer was lost and nobody knows which password is good, one that offers to rotate again.
pub async fn run(session: &Session, tenant: &TenantId) -> Result<Rotated, Problem> {
    let (session, tenant) = (session.clone(), tenant.clone());
    stored::unbroken(async move { rotate(&session, &tenant).await }).await
}

async fn rotate(session: &Session, tenant: &TenantId) -> Result<Rotated, Problem> {
    let place = Place::find(session, tenant).await?;
    place.try_out().await?;
    let client = session.client();
    let record = client.tenant(tenant).await.map_err(|error| error.problem())?;
    let before = client.status(tenant).await.map_err(|error| error.problem())?;
    let is_open = record.external_db_access == Some(true);
    // The answer says it only in words.
    let restarts = before.state() == TenantState::Running;
    let armed = before.secrets_url.as_ref();
    let (rotation, fetched) = match client.rotate_credentials(tenant).await {
        Ok(rotation) if rotation.inside().is_some() => (Some(rotation), None),
        Ok(rotation) => {
            // One that stays the same is better than none.
            let link = link(session, tenant, armed, LOOKS).await.or_else(|| armed.cloned()).ok_or_else(never_came)?;
            (Some(rotation), Some(credentials::fetch(session, tenant, &link).await?))
        }
        Err(error) if error.answer_was_lost() => {
            let link = link(session, tenant, armed, DOUBTFUL_LOOKS).await.ok_or_else(|| lost(&error))?;
            (None, Some(credentials::fetch(session, tenant, &link).await?))
        }
        Err(error) => return Err(error.problem()),
    };
    let rotated_at = format!("{:.0}", jiff::Timestamp::now());
    let inside = inside(rotation.as_ref(), fetched.as_ref()).ok_or_else(never_came)?;
    let given = rotation.as_ref().and_then(Rotation::outside).cloned();
    let outside = given.or_else(|| database_url::outside(&inside));
    let stored = {
        let (inside, outside) = (inside.clone(), outside.clone());
        let put = move |draft: &mut SecretsDraft| {
            stored::put_addresses(draft, &inside, outside.as_ref(), is_open);
            if let Some(fetched) = &fetched {
                credentials::put_others(draft, fetched);
            }
        };
        place.store(put).await
    };
    kept_tenants::put_addresses(session, &record, &inside, outside.as_ref()).await;
    Ok(Rotated {
        rotated_at,
        previous_at: place.known.since(&inside),
        message: rotation.and_then(|rotation| rotation.message),
        restarts,
        database_url: inside,
        external_database_url: outside.filter(|_| is_open),
        stored,
    })
}

fn inside(rotation: Option<&Rotation>, fetched: Option<&OneTimeCredentials>) -> Option<Secret> {
    let given = rotation.and_then(Rotation::inside);
    given.or_else(|| fetched.and_then(OneTimeCredentials::inside)).cloned()
}

/// The one-time link, once it is there and another one than `before`.
async fn link(session: &Session, tenant: &TenantId, before: Option<&Secret>, looks: u32) -> Option<Secret> {
    for look in 0..looks {
        if look > 0 {
            tokio::time::sleep(session.client().pace().seconds(PAUSE)).await;
        }
        // One question without an answer costs one look.
        let status = session.client().status(tenant).await;
        if let Ok(TenantStatus { secrets_url: Some(link), .. }) = status
            && Some(&link) != before
        {
            return Some(link);
        }
    }
    None
}

fn never_came() -> Problem {
    Problem::new("The new credentials never came.")
        .detail("The password is another one now, and the server does not say which.")
        .hint("Rotate again.")
        .remedy(Remedy::Rotate)
}

fn lost(error: &ApiError) -> Problem {
    let why = error.problem();
    Problem::new("The answer to the rotation was lost.")
        .detail(format!("{} The password may be another one now.", why.title))
        .hint("Rotate again once the server answers: that makes it certain.")
        .remedy(Remedy::Rotate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering, answering_at, asked, first, place, profile_file, ten_1};
    use serde_json::{Value, json};
    use wiremock::{MockServer, ResponseTemplate};

    const INNER: &str = "postgres://tenant_1:Qm4@inner:5432/site_1?sslmode=disable";
    const OUTER: &str = "postgres://tenant_1:Qm4@outer:5432/site_1?sslmode=require";
    const OLD: &str = "postgres://tenant_1:h8T@inner:5432/site_1?sslmode=disable";

    fn ok(body: &Value) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(body)
    }

    fn profile() -> [(&'static str, String); 2] {
        let secrets = json!({"openai": "sk-x", "database_url": OLD, "internal_database_url": OLD, "own": [1]});
        [("profile.yaml", "cloud: {tenant_id: ten_1}".to_owned()), ("secrets.json", secrets.to_string())]
    }

    fn tenant(is_open: bool) -> ResponseTemplate {
        ok(&json!({"data": {"id": "ten_1", "name": "orchard", "external_db_access": is_open}}))
    }

    fn status(link: Option<&str>) -> ResponseTemplate {
        ok(&json!({"data": {"status": "ready", "phase": "running", "secrets_url": link}}))
    }

    fn stored(folder: &tempfile::TempDir) -> Value {
        serde_json::from_slice(&std::fs::read(profile_file(folder, "secrets.json")).expect("read")).expect("json")
    }

    #[tokio::test]
    async fn both_addresses_are_stored_and_told() {
        for (is_open, main) in [(true, OUTER), (false, INNER)] {
            let answer = json!({"status": "rotated", "message": "new password active; machine restarting",
                                "internal_database_url": INNER, "external_database_url": OUTER});
            let calls = [
                ("GET", "", tenant(is_open)),
                ("GET", "/status", status(None)),
                ("POST", "/rotate-credentials", ok(&answer)),
            ];
            let (server, folder, session) = answering(&calls, &profile()).await;
            let rotated = run(&session, &ten_1()).await.expect("rotated");
            assert!(rotated.restarts && rotated.previous_at.is_some());
            assert_eq!(rotated.database_url.reveal(), INNER);
            assert_eq!(rotated.external_database_url.as_ref().map(Secret::reveal), is_open.then_some(OUTER));
            assert!(matches!(&rotated.stored, Stored::Profile { name, .. } if name == "prod"), "{rotated:?}");
            assert!(!format!("{rotated:?}").contains("Qm4"));
            let expected = json!({"openai": "sk-x", "database_url": main, "internal_database_url": INNER, "own": [1]});
            assert_eq!(stored(&folder), expected);
            assert_eq!(asked(&server, "POST").await, ["/rotate-credentials"]);
        }
    }

    #[tokio::test]
    async fn an_answer_without_addresses_leads_to_the_link() {
        let masked = json!({"status": "rotated", "database_url": "postgres://tenant_1:***@inner/site_1"});
        for answer in [json!({"status": "rotated"}), masked] {
            let one_time = json!({"database_url": INNER, "jwt_secret": "j64", "openai_api_key": "sk-server"});
            let server = MockServer::start().await;
            let link = format!("{}/credentials/sct_new", place(&server));
            let calls = [
                ("GET", "", tenant(false)),
                ("POST", "/rotate-credentials", ok(&answer)),
                ("GET", "/credentials/sct_new", ok(&one_time)),
                ("GET", "/status", status(Some(&link))),
            ];
            let (folder, session) = answering_at(&server, &calls, &profile()).await;
            // Before the rotation there was no link.
            first(&server, "/status", status(None)).await;
            let rotated = run(&session, &ten_1()).await.expect("rotated");
            assert_eq!(rotated.database_url.reveal(), INNER);
            let json = stored(&folder);
            assert_eq!((&json["internal_database_url"], &json["jwt_secret"]), (&json!(INNER), &json!("j64")));
            assert_eq!(json["openai"], "sk-x");
        }
    }

    #[tokio::test]
    async fn a_lost_answer_is_found_by_a_new_link_or_told() {
        let lost = || ResponseTemplate::new(200).set_body_string("<html>");
        let one_time = json!({"internal_database_url": INNER});
        let calls = |server: &MockServer| {
            let link = format!("{}/credentials/sct_new", place(server));
            [
                ("GET", "", tenant(false)),
                ("POST", "/rotate-credentials", lost()),
                ("GET", "/credentials/sct_new", ok(&one_time)),
                ("GET", "/status", status(Some(&link))),
            ]
        };
        let server = MockServer::start().await;
        let (_folder, session) = answering_at(&server, &calls(&server), &profile()).await;
        first(&server, "/status", status(Some("http://h/credentials/sct_old"))).await;
        assert_eq!(run(&session, &ten_1()).await.expect("found").database_url.reveal(), INNER);

        // The link is the one from before: nobody knows.
        let server = MockServer::start().await;
        let (folder, session) = answering_at(&server, &calls(&server), &profile()).await;
        let problem = run(&session, &ten_1()).await.expect_err("lost");
        assert_eq!(
            (problem.title.as_str(), &problem.remedies[..]),
            ("The answer to the rotation was lost.", &[Remedy::Rotate][..])
        );
        assert_eq!(asked(&server, "POST").await.len(), 1);
        assert_eq!(stored(&folder)["internal_database_url"], OLD);
    }

    #[tokio::test]
    async fn without_a_profile_they_are_kept_and_a_damaged_one_stops_it() {
        let answer = json!({"status": "rotated", "database_url": INNER});
        let calls = [
            ("GET", "", tenant(false)),
            ("GET", "/status", status(None)),
            ("POST", "/rotate-credentials", ok(&answer)),
        ];
        let (_server, _folder, session) = answering::<&str>(&calls, &[]).await;
        let rotated = run(&session, &ten_1()).await.expect("rotated");
        let Stored::Kept { path, why: None } = rotated.stored else { panic!("{rotated:?}") };
        let kept: Value = serde_json::from_slice(&std::fs::read(path).expect("read")).expect("json");
        assert_eq!(kept, json!({"internal_database_url": INNER}));

        let damaged = [("profile.yaml", "cloud: {tenant_id: ten_1}".to_owned()), ("secrets.json", "{".to_owned())];
        let (server, _folder, session) = answering(&calls, &damaged).await;
        assert!(run(&session, &ten_1()).await.is_err());
        assert!(server.received_requests().await.expect("recorded").is_empty());
    }
}
