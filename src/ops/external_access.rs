//! Whether a tenant's database can be reached from outside (protocol B.37, D.2 step 9).

use super::stored::{self, Place, Stored};
use super::{Session, kept_tenants};
use crate::model::{Problem, Secret, TenantId, database_url};
use crate::workspace::SecretsDraft;

/// How it stands after the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// On or off.
    pub enabled: bool,
    /// As people outside reach the database, the password masked. Harmless text, empty where the server does not say.
    pub masked_url: String,
    /// The same with its password, where it is on and this machine knows the password.
    pub database_url: Option<Secret>,
    /// Where the main address was stored; absent where the tenant has no profile, or the password is not known.
    pub stored: Option<Stored>,
}

/// Switches it. The password stays the same: the server shows it masked, and what is stored here completes it.
pub async fn switch(session: &Session, tenant: &TenantId, enabled: bool) -> Result<Access, Problem> {
    let place = Place::find(session, tenant).await?;
    let answer = session.client().external_access(tenant, enabled).await.map_err(|error| error.problem())?;
    let enabled = answer.external_db_access;
    // Not every server masks it.
    let given = answer.database_url;
    let is_shown = given.is_empty() || database_url::is_masked(&given);
    let masked_url = if is_shown { given } else { database_url::masked(&Secret::new(given)) };
    let mut access = Access { enabled, masked_url, database_url: None, stored: None };
    // An address of another database is somebody's own.
    let Some(inside) = place.known.inside(&access.masked_url).cloned() else {
        kept_tenants::switch_access(session, tenant, enabled, &access.masked_url, None).await;
        return Ok(access);
    };
    if enabled {
        let shown = database_url::unmasked(&access.masked_url, &inside);
        access.database_url = shown.or_else(|| database_url::outside(&inside));
    }
    let outside = access.database_url.as_ref();
    kept_tenants::switch_access(session, tenant, enabled, &access.masked_url, outside).await;
    if place.is_profile() && (access.database_url.is_some() || !enabled) {
        let outside = access.database_url.clone();
        let put = move |draft: &mut SecretsDraft| stored::put_addresses(draft, &inside, outside.as_ref(), enabled);
        access.stored = Some(place.store(put).await);
    }
    Ok(access)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering, profile_file, ten_1};
    use serde_json::{Value, json};
    use wiremock::ResponseTemplate;

    const INNER: &str = "postgres://tenant_1:h8T@inner:5432/site_1";
    const SHOWN: &str = "postgres://tenant_1_out:***@outer:5432/site_1?sslmode=require";
    const OUTER: &str = "postgres://tenant_1_out:h8T@outer:5432/site_1?sslmode=require";

    async fn switched(enabled: bool, secrets: &str) -> (Access, Value) {
        let answer = json!({"data": {"tenant_id": "ten_1", "external_db_access": enabled, "database_url": SHOWN}});
        let calls = [("PUT", "/external-db-access", ResponseTemplate::new(200).set_body_json(answer))];
        let profile = [("profile.yaml", "cloud: {tenant_id: ten_1}"), ("secrets.json", secrets)];
        let (_server, folder, session) = answering(&calls, &profile).await;
        let access = switch(&session, &ten_1(), enabled).await.expect("switched");
        let file = std::fs::read(profile_file(&folder, "secrets.json")).expect("read");
        (access, serde_json::from_slice(&file).expect("json"))
    }

    #[tokio::test]
    async fn the_stored_password_completes_what_is_shown() {
        let (access, json) = switched(true, &format!(r#"{{"internal_database_url": "{INNER}"}}"#)).await;
        assert_eq!(access.database_url.as_ref().map(Secret::reveal), Some(OUTER));
        assert!(access.enabled && matches!(access.stored, Some(Stored::Profile { .. })));
        assert_eq!(json, json!({"internal_database_url": INNER, "database_url": OUTER}));
        let both = format!(r#"{{"internal_database_url": "{INNER}", "database_url": "{OUTER}"}}"#);
        let (access, json) = switched(false, &both).await;
        assert_eq!((access.enabled, access.database_url), (false, None));
        assert_eq!(json["database_url"], INNER);
    }

    #[tokio::test]
    async fn without_a_password_it_is_only_shown() {
        for (key, url) in [
            ("database_url", "postgres://t:***@inner/site_1"),
            ("internal_database_url", "postgres://t:***@inner:5432/site_1"),
            ("database_url", "postgres://me:mine@localhost/dev"),
            ("internal_database_url", "postgres://me:mine@localhost/dev"),
        ] {
            let before = json!({(key): url});
            for enabled in [true, false] {
                let (access, json) = switched(enabled, &before.to_string()).await;
                assert_eq!((access.database_url, access.stored), (None, None), "{url}");
                assert_eq!((access.masked_url.as_str(), json), (SHOWN, before.clone()));
            }
        }
    }
}
