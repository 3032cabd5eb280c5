//! The credentials of a tenant that can be read once (protocol D.5): fetched, written to the disk before anything else
//! is done with them, then shown.

use super::stored::{self, Place, Stored};
use super::{Session, kept_tenants};
use crate::api::ApiError;
use crate::model::{OneTimeCredentials, Problem, Remedy, Secret, TenantId, database_url};
use crate::workspace::SecretsDraft;

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The values. They cannot be fetched again.
    pub credentials: OneTimeCredentials,
    /// The database's address as people outside reach it, where that is switched on and known.
    pub external_database_url: Option<Secret>,
    /// Where they are now.
    pub stored: Stored,
}

/// Fetches and stores them. It can be done once, so the caller asks first. Goes on to its end also where the future is
/// dropped.
///
/// # Errors
/// A problem that offers a rotation where there are none to fetch, or where they were lost on the way; one before
/// anything is fetched where they would have no place.
pub async fn run(session: &Session, tenant: &TenantId) -> Result<Fetched, Problem> {
    let (session, tenant) = (session.clone(), tenant.clone());
    stored::unbroken(async move { fetch_and_store(&session, &tenant).await }).await
}

async fn fetch_and_store(session: &Session, tenant: &TenantId) -> Result<Fetched, Problem> {
    let place = Place::find(session, tenant).await?;
    place.try_out().await?;
    let client = session.client();
    let status = client.status(tenant).await.map_err(|error| error.problem())?;
    let link = status.secrets_url.ok_or_else(|| gone(place.kept().as_deref()))?;
    let record = client.tenant(tenant).await.map_err(|error| error.problem())?;
    let credentials = fetch(session, tenant, &link).await?;
    let is_open = record.external_db_access == Some(true);
    let outside = credentials.inside().and_then(database_url::outside).filter(|_| is_open);
    let stored = {
        let (credentials, outside) = (credentials.clone(), outside.clone());
        let put = move |draft: &mut SecretsDraft| {
            if let Some(inside) = credentials.inside() {
                stored::put_addresses(draft, inside, outside.as_ref(), is_open);
                // A profile without any main address gets one.
                draft.set_missing(stored::MAIN, inside);
            }
            put_others(draft, &credentials);
        };
        place.store(put).await
    };
    if let Some(inside) = credentials.inside() {
        kept_tenants::put_addresses(session, &record, inside, outside.as_ref()).await;
    }
    Ok(Fetched { credentials, external_database_url: outside, stored })
}

/// Asks for them, once.
pub(super) async fn fetch(session: &Session, tenant: &TenantId, link: &Secret) -> Result<OneTimeCredentials, Problem> {
    match session.client().one_time_credentials(tenant, link).await {
        Ok(credentials) if credentials.is_empty() => Err(lost("The server sent nothing that could be used.")),
        Ok(credentials) => Ok(credentials),
        Err(error @ (ApiError::TooLarge { .. } | ApiError::Unreadable { .. })) => Err(lost(&error.problem().title)),
        Err(error) if error.answer_was_lost() => {
            let why = error.problem();
            let detail = format!("{} They may have been handed out without reaching this machine.", why.title);
            Err(Problem::new("The credentials did not arrive.")
                .detail(detail)
                .hint("Try again; where they are gone by then, rotate to get new ones.")
                .remedy(Remedy::Retry)
                .remedy(Remedy::Rotate))
        }
        Err(error) => Err(error.problem()),
    }
}

/// Puts what is no address. The platform's own secret is the server's to make; a key of an AI provider is the project's,
/// and stays where it has one.
pub(super) fn put_others(draft: &mut SecretsDraft, credentials: &OneTimeCredentials) {
    if let Some(secret) = &credentials.jwt_secret {
        draft.set("jwt_secret", secret);
    }
    for (key, value) in [
        ("anthropic", &credentials.anthropic_api_key),
        ("openai", &credentials.openai_api_key),
        ("gemini", &credentials.gemini_api_key),
    ] {
        if let Some(value) = value {
            draft.set_missing(key, value);
        }
    }
}

fn gone(kept: Option<&str>) -> Problem {
    let detail = match kept {
        Some(path) => format!("They were fetched already; what came then is in {path}."),
        None => "They were fetched already, or the tenant has none yet.".to_owned(),
    };
    Problem::new("There are no credentials to fetch.")
        .detail(detail)
        .hint("Rotate to get new ones; the old password is invalid then.")
        .remedy(Remedy::Rotate)
}

fn lost(why: &str) -> Problem {
    Problem::new("The credentials are lost.")
        .detail(format!("{why} They can be fetched only once."))
        .hint("Rotate to get new ones.")
        .remedy(Remedy::Rotate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering_at, asked, in_folder, place, profile_file, refusal, ten_1};
    use serde_json::{Value, json};
    use tempfile::TempDir;
    use wiremock::{MockServer, ResponseTemplate};

    const INNER: &str = "postgres://tenant_1:h8T@sp-postgres.internal:5432/site_1?sslmode=disable";

    /// A server whose status has this link, in which `{}` stands for the tenant's place, and `{port}` for its port.
    async fn offering(
        link: Option<&str>,
        credentials: ResponseTemplate,
        files: &[(&str, &str)],
    ) -> (MockServer, TempDir, Session) {
        let server = MockServer::start().await;
        let port = server.address().port().to_string();
        let link = link.map(|link| link.replace("{}", &place(&server)).replace("{port}", &port));
        let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        let calls = [
            ("GET", "", ok(json!({"data": {"id": "ten_1", "name": "orchard", "external_db_access": true}}))),
            ("GET", "/status", ok(json!({"data": {"status": "ready", "secrets_url": link}}))),
            ("GET", "/credentials/sct_Zk3", credentials),
        ];
        let (folder, session) = answering_at(&server, &calls, files).await;
        (server, folder, session)
    }

    fn one_time() -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(json!({"database_url": INNER, "internal_database_url": INNER,
            "app_url": "https://3f6c1b8e52d4.systemprompt.io", "jwt_secret": "j64", "anthropic_api_key": null}))
    }

    const LINK: Option<&str> = Some("{}/credentials/sct_Zk3");

    #[tokio::test]
    async fn they_are_on_the_disk_before_they_are_told() {
        let profile = [("profile.yaml", "cloud: {tenant_id: ten_1}"), ("secrets.json", r#"{"anthropic": "sk-own"}"#)];
        let (_server, folder, session) = offering(LINK, one_time(), &profile).await;
        let fetched = run(&session, &ten_1()).await.expect("fetched");
        assert!(!format!("{fetched:?}").contains("h8T") && !format!("{fetched:?}").contains("j64"));
        assert_eq!(fetched.credentials.inside().map(Secret::reveal), Some(INNER));
        let outer = "postgres://tenant_1:h8T@db.systemprompt.io:5432/site_1?sslmode=require";
        assert_eq!(fetched.external_database_url.as_ref().map(Secret::reveal), Some(outer));
        let file = profile_file(&folder, "secrets.json");
        let json: Value = serde_json::from_slice(&std::fs::read(&file).expect("read")).expect("json");
        assert_eq!(
            json,
            json!({"anthropic": "sk-own", "database_url": outer, "internal_database_url": INNER, "jwt_secret": "j64"})
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn they_reach_the_disk_also_where_nobody_waits_any_more() {
        let late = one_time().set_delay(std::time::Duration::from_millis(100));
        let profile = [("profile.yaml", "cloud: {tenant_id: ten_1}")];
        let (server, folder, session) = offering(LINK, late, &profile).await;
        let asked_for = async {
            while !asked(&server, "GET").await.iter().any(|path| path.contains("sct_")) {
                tokio::task::yield_now().await;
            }
        };
        let tenant = ten_1();
        tokio::select! {
            () = asked_for => {}
            done = run(&session, &tenant) => panic!("too early: {done:?}"),
        }
        let file = profile_file(&folder, "secrets.json");
        let stored = async {
            while !file.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_mins(1), stored).await.expect("they are stored");
    }

    #[tokio::test]
    async fn where_there_are_none_a_rotation_is_offered() {
        let gone = || refusal(404, "not_found", Some("secrets_already_retrieved"));
        for (link, answer, title) in [
            (None, one_time(), "There are no credentials to fetch."),
            (LINK, gone(), "The one-time credentials are gone."),
            (LINK, refusal(400, "bad_request", None), "The one-time credentials are gone."),
            (LINK, ResponseTemplate::new(200).set_body_json(json!({})), "The credentials are lost."),
            (LINK, ResponseTemplate::new(200).set_body_string("sct_Zk3 h8T"), "The credentials are lost."),
        ] {
            let (_server, _folder, session) = offering(link, answer, &[]).await;
            let problem = run(&session, &ten_1()).await.expect_err(title);
            assert_eq!(problem.title, title);
            assert!(problem.remedies.contains(&Remedy::Rotate), "{problem:?}");
            assert!(
                !format!("{problem:?}").contains("sct_Zk3") && !format!("{problem:?}").contains("h8T"),
                "{problem:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_link_that_leads_elsewhere_is_not_followed() {
        for link in [
            "https://evil.example/api/v1/tenants/ten_1/credentials/sct_Zk3",
            "http://localhost:{port}/api/v1/tenants/ten_1/credentials/sct_Zk3",
            "http://user@127.0.0.1:{port}/api/v1/tenants/ten_1/credentials/sct_Zk3",
            "/api/v1/tenants/ten_1/credentials/sct_Zk3",
            "{}/credentials/",
            "{}/credentials/a/b",
            "{}/credentials/a%2Fb",
            "{}/secrets",
        ] {
            let (server, _folder, session) = offering(Some(link), one_time(), &[]).await;
            let problem = run(&session, &ten_1()).await.expect_err(link);
            assert_eq!(problem.title, "The link to the credentials cannot be used.", "{link}");
            assert!(!format!("{problem:?}").contains("sct_Zk3"), "{problem:?}");
            assert_eq!(asked(&server, "GET").await, ["/status", ""], "{link}");
        }
    }

    #[tokio::test]
    async fn nothing_is_fetched_that_would_have_no_place() {
        let (_folder, session) = in_folder::<&str>(&[], false);
        let problem = run(&session, &ten_1()).await.expect_err("no place");
        assert_eq!(problem.title, "The credentials cannot be stored.");
    }
}
