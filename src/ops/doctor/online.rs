//! What the Management API must agree to: the login, the tenant, the registry.

use jiff::Timestamp;

use super::finding::Finding;
use crate::api::ApiError;
use crate::model::{Me, Problem, RegistryToken, Remedy, Tenant, TenantId, TenantState};
use crate::ops::Session;

/// A login that ends sooner is worth a warning, minutes (protocol D.0).
const SOON: i64 = 60;

/// What was answered.
#[derive(Debug, Default)]
pub(super) struct Online {
    pub(super) tenant: Option<Tenant>,
    pub(super) registry_token: Option<RegistryToken>,
}

/// Asks everything at once. Where the login is refused nothing else is reported: it would be refused too.
pub(super) async fn ask(session: &Session, tenant: Option<&TenantId>) -> (Vec<Finding>, Online) {
    let client = session.client();
    let Some(id) = tenant else {
        return (vec![login(client.me().await, client.expires_at(), Timestamp::now())], Online::default());
    };
    let (me, tenant, token) = tokio::join!(client.me(), client.tenant(id), client.registry_token(id));
    let mut found = vec![login(me, client.expires_at(), Timestamp::now())];
    let mut online = Online::default();
    if found.iter().any(Finding::has_failed) {
        return (found, online);
    }
    let tenant = tenant.map_err(|error| error.problem());
    let is_good = tenant.and_then(|tenant| {
        let good = deployable(&tenant).map(|()| format!("{} is {}", tenant.name, tenant.state().word()));
        // Also where it cannot be deployed to: what failed is remembered under its name.
        online.tenant = Some(tenant);
        good
    });
    match is_good {
        Ok(words) => found.push(Finding::pass("tenant", words)),
        // Why there is no token for it then needs no telling.
        Err(problem) => {
            found.push(Finding::fail("tenant", problem));
            return (found, online);
        }
    }
    match token {
        Ok(token) => {
            found.push(registry(&token));
            online.registry_token = Some(token);
        }
        Err(error) => found.push(Finding::fail("registry", error.problem())),
    }
    (found, online)
}

fn login(me: Result<Me, ApiError>, expires_at: Option<Timestamp>, now: Timestamp) -> Finding {
    const NAME: &str = "login";
    let me = match me {
        Ok(me) => me,
        Err(error) => return Finding::fail(NAME, error.problem()),
    };
    let email = me.user.email;
    let Some(end) = expires_at else { return Finding::pass(NAME, email) };
    match (end.as_second() - now.as_second()) / 60 {
        // The server took it, so one of the two clocks is wrong.
        ..0 => Finding::warn(NAME, format!("{email}; the login ended by this machine's clock"), "Check the clock."),
        left @ 0..SOON => {
            Finding::warn(NAME, format!("{email}; the login expires in {left} min"), "Log in again soon.")
        }
        left => Finding::pass(NAME, format!("{email}, for {} h more", left / 60)),
    }
}

fn registry(token: &RegistryToken) -> Finding {
    const NAME: &str = "registry";
    match token.image() {
        Ok(image) => Finding::pass(NAME, format!("a token for {image}")),
        Err(error) => Finding::fail(NAME, error.into()),
    }
}

/// Refuses what the server would refuse anyway (protocol F.3), in words that help.
fn deployable(tenant: &Tenant) -> Result<(), Problem> {
    let name = &tenant.name;
    match tenant.state() {
        TenantState::ToDeploy | TenantState::Running | TenantState::Unknown | TenantState::Local(_) => Ok(()),
        TenantState::Failed if tenant.phase.as_deref() != Some("failed_infra") => Ok(()),
        TenantState::Failed => Err(Problem::new("No infrastructure to deploy to.")
            .detail(format!("{name}: {}", tenant.last_error.as_deref().unwrap_or("its provisioning failed.")))
            .hint("Retry the provisioning, then deploy.")),
        TenantState::Provisioning => Err(Problem::new("Still being provisioned.")
            .detail(format!("{name} has no infrastructure yet."))
            .hint("Wait for it to say “to deploy”, then deploy.")
            .remedy(Remedy::Retry)),
        TenantState::Deploying | TenantState::Restarting => Err(Problem::new("Another operation is running on it.")
            .detail(format!("{name} is {}.", tenant.state().word()))
            .hint("Watch its events; deploy when it is done.")
            .remedy(Remedy::Retry)),
        TenantState::Suspended => Err(Problem::new("Not possible while suspended.")
            .detail(format!("{name} is stopped and kept."))
            .hint("Activate it, then deploy.")),
        TenantState::Deleting => {
            Err(Problem::new("Tenant is being deleted.").detail(name).hint("Deploy to another tenant."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CheckResult;

    fn tenant(phase: &str) -> Tenant {
        serde_json::from_str(&format!(r#"{{"id":"t","name":"orchard","phase":"{phase}"}}"#)).expect("a tenant")
    }

    #[test]
    fn only_phases_that_the_server_accepts_go_on() {
        for phase in ["awaiting_deploy", "running", "failed_deploy"] {
            assert_eq!(deployable(&tenant(phase)), Ok(()), "{phase}");
        }
        for phase in ["created", "provisioning", "deploying", "restarting", "suspended", "failed_infra", "deleting"] {
            let problem = deployable(&tenant(phase)).expect_err(phase);
            assert!(problem.hint.is_some() && problem.detail.is_some(), "{phase}: {problem}");
        }
    }

    #[test]
    fn a_login_that_ends_soon_is_told() {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let me = || -> Result<Me, ApiError> {
            Ok(serde_json::from_str(r#"{"user":{"id":"u","email":"mara@orchard.example"}}"#).expect("me"))
        };
        for (minutes, result, words) in [
            (Some(-5), CheckResult::Warn, "clock"),
            (Some(12), CheckResult::Warn, "in 12 min"),
            (Some(59), CheckResult::Warn, "in 59 min"),
            (Some(60), CheckResult::Pass, "for 1 h more"),
            (None, CheckResult::Pass, "mara@orchard.example"),
        ] {
            let end = minutes.map(|minutes| Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time"));
            let check = login(me(), end, now).check;
            assert_eq!(check.result, result, "{minutes:?}");
            assert!(check.detail.contains(words), "{}", check.detail);
        }
        let refused = login(Err(ApiError::Token), None, now);
        assert!(
            refused.has_failed() && super::super::finding::first_failure(&[refused]).is_some_and(|p| p.requires_login)
        );
    }

    #[test]
    fn a_registry_that_cannot_be_named_is_refused() {
        let token = |registry: &str| -> RegistryToken {
            serde_json::from_value(serde_json::json!({
                "registry": registry, "username": "x", "token": "hunter2", "repository": "images", "tag": "tenant-a"
            }))
            .expect("a token")
        };
        assert!(!registry(&token("127.0.0.1:5000")).has_failed());
        let refused = registry(&token("not a host"));
        assert!(refused.has_failed() && !format!("{refused:?}").contains("hunter2"));
    }
}
