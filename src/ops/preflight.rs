//! What must hold before anything is built: a deploy that is known to fail must not cost a build first.

use super::Session;
use super::reporter::Done;
use crate::engine::Engine;
use crate::model::{Problem, Remedy, Tenant, TenantId, TenantState};
use crate::workspace::BuildCommand;

/// What the checks found, for the steps that follow.
pub(super) struct Cleared {
    pub(super) engine: Engine,
    pub(super) dockerfile: String,
    pub(super) build_command: Option<BuildCommand>,
    pub(super) tenant: Tenant,
}

/// Runs the checks, the cheap and likely ones first.
pub(super) async fn check(session: &Session, id: &TenantId) -> Result<Done<Cleared>, Problem> {
    let dockerfile = session.project().dockerfile().map_err(|error| error.problem())?;
    let build_command = session.project().build_command().map_err(|error| error.problem())?;
    let engine = session.engine().await?;
    let info = engine.ping().await.map_err(|error| error.problem())?;
    let tenant = session.client().tenant(id).await.map_err(|error| error.problem())?;
    deployable(&tenant)?;
    let summary = format!("4 checks passed · Docker {} · {dockerfile}", info.version);
    Ok(Done::new(Cleared { engine, dockerfile, build_command, tenant }, summary))
}

/// Refuses what the server would refuse anyway (protocol F.3), in words that help.
fn deployable(tenant: &Tenant) -> Result<(), Problem> {
    let name = &tenant.name;
    match tenant.state() {
        TenantState::ToDeploy | TenantState::Running | TenantState::Unknown => Ok(()),
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
}
