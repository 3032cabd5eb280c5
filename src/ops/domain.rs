//! A tenant's own domain (protocol D.7). Whether the record was seen is asked for again by whoever waits for it.

use super::{Session, lifecycle};
use crate::model::{CustomDomain, Problem, TenantId};

/// The domain; `None` where the tenant has none.
pub async fn show(session: &Session, tenant: &TenantId) -> Result<Option<CustomDomain>, Problem> {
    match session.client().custom_domain(tenant).await {
        Ok(domain) => Ok(Some(domain)),
        Err(error) => lifecycle::absent(session, tenant, error, None).await,
    }
}

/// Gives the tenant a domain. What people copy from a browser's address bar is taken for what it means.
pub async fn set(session: &Session, tenant: &TenantId, domain: &str) -> Result<CustomDomain, Problem> {
    let name = plain(domain);
    if name.is_empty() {
        return Err(Problem::new("No domain was named.").hint("Name one, as in app.orchard.example."));
    }
    session.client().set_custom_domain(tenant, name).await.map_err(|error| error.problem())
}

/// Takes it away; false where there was none.
pub async fn remove(session: &Session, tenant: &TenantId) -> Result<bool, Problem> {
    match session.client().remove_custom_domain(tenant).await {
        Ok(()) => Ok(true),
        Err(error) => lifecycle::absent(session, tenant, error, false).await,
    }
}

/// Without scheme, path and blanks.
fn plain(raw: &str) -> &str {
    let raw = raw.trim();
    let raw = raw.split_once("://").map_or(raw, |(_, rest)| rest);
    raw.split(['/', '?', '#']).next().unwrap_or_default().trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering, refusal, ten_1};
    use serde_json::json;
    use wiremock::ResponseTemplate;

    #[tokio::test]
    async fn no_domain_is_told_from_no_tenant() {
        let there = || ResponseTemplate::new(200).set_body_json(json!({"data": {"status": "ready"}}));
        let missing = || refusal(404, "not_found", None);
        let calls = |status| {
            [("GET", "/custom-domain", missing()), ("DELETE", "/custom-domain", missing()), ("GET", "/status", status)]
        };
        let (_server, _folder, session) = answering::<&str>(&calls(there()), &[]).await;
        assert_eq!(show(&session, &ten_1()).await, Ok(None));
        assert_eq!(remove(&session, &ten_1()).await, Ok(false));
        let (_server, _folder, session) = answering::<&str>(&calls(missing()), &[]).await;
        let problem = show(&session, &ten_1()).await.expect_err("gone");
        assert_eq!(problem.title, "Tenant no longer exists on the server.");
        assert!(remove(&session, &ten_1()).await.is_err());
    }

    #[test]
    fn addresses_are_taken_for_the_name_in_them() {
        for (raw, name) in [
            ("app.orchard.example", "app.orchard.example"),
            (" https://app.orchard.example/login?x=1 ", "app.orchard.example"),
            ("app.orchard.example.", "app.orchard.example"),
            ("https://", ""),
            (" ", ""),
        ] {
            assert_eq!(plain(raw), name, "{raw:?}");
        }
    }
}
