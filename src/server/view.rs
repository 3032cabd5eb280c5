//! A tenant's row as the API shows it (protocol B.2, B.11, B.16). Every word is derived from the phase.

use serde::Serialize;

use super::catalogue;
use super::databases::Kind;
use super::provisioner::app_url;
use super::state::Server;
use super::store::tenants::TenantRow;
use crate::model::{Phase, PlanInfo, Secret, Tenant, TenantStatus};

/// A tenant in the answer of `auth/me`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "fields of protocol B.2")]
pub struct TenantInfo {
    pub id: String,
    pub name: String,
    pub subscription_id: String,
    pub subscription_status: String,
    pub app_id: String,
    pub hostname: Option<String>,
    pub region: String,
    pub status: &'static str,
    pub plan: PlanInfo,
    pub external_db_access: bool,
    /// `postgres`, or `simulated` where there are credentials alone.
    pub database: &'static str,
    pub database_url: String,
}

/// A tenant's plan.
#[must_use]
pub fn plan_of(row: &TenantRow) -> PlanInfo {
    catalogue::by_plan(&row.plan_id).map_or_else(
        || PlanInfo {
            id: Some(row.plan_id.clone()),
            name: row.plan_id.clone(),
            memory_mb: u32::try_from(row.memory_mb).unwrap_or_default(),
            volume_gb: u32::try_from(row.volume_gb).unwrap_or_default(),
        },
        |offer| offer.info(),
    )
}

fn hostname(server: &Server, row: &TenantRow) -> Option<String> {
    row.port().map(|_| server.front.addresses().hostname(row.id()))
}

/// The app exists at the provider from the end of phase 1 on.
fn has_infrastructure(phase: Phase) -> bool {
    !matches!(phase, Phase::Created | Phase::Provisioning | Phase::FailedInfra)
}

/// The full record.
#[must_use]
pub fn full(server: &Server, row: &TenantRow) -> Tenant {
    let phase = row.phase();
    Tenant {
        id: row.id().clone(),
        name: row.name.clone(),
        status: Some(phase.lifecycle().into()),
        fly_status: Some(phase.fly_status(row.machine_id.is_some()).into()),
        phase: Some(phase.as_str().into()),
        fly_app_name: Some(row.app.clone()).filter(|_| has_infrastructure(phase)),
        fly_machine_id: row.machine_id.clone(),
        fly_volume_id: row.volume_id.clone(),
        hostname: hostname(server, row),
        fly_hostname: hostname(server, row),
        internal_hostname: Some(format!("{}.internal", row.app)),
        custom_domain: row.custom_domain.clone(),
        app_url: app_url(server, row),
        direct_url: row.port().map(|port| format!("http://127.0.0.1:{port}")),
        region: Some(row.region.clone()),
        memory_mb: u32::try_from(row.memory_mb).ok(),
        volume_gb: u32::try_from(row.volume_gb).ok(),
        plan: Some(plan_of(row)),
        plan_id: Some(row.plan_id.clone()),
        subscription_id: Some(row.paddle_subscription_id.clone()),
        subscription_status: Some(row.subscription_status.clone()),
        external_db_access: Some(row.external_db_access != 0),
        database: Some(Kind::of(row).word().into()),
        database_name: Some(row.database_name.clone()),
        user_name: Some(row.user_name.clone()),
        image: server.image_of(row.id()).ok().map(|image| image.to_string()),
        image_digest: row.image_digest.clone(),
        deployed_at: row.deployed_at.clone(),
        created_at: Some(row.created_at.clone()),
        updated_at: Some(row.updated_at.clone()),
        last_error: row.last_error.clone(),
    }
}

/// The entry of `auth/me`.
#[must_use]
pub fn info(server: &Server, row: &TenantRow) -> TenantInfo {
    let url = || server.databases.masked_url(row, false);
    TenantInfo {
        id: row.id().to_string(),
        name: row.name.clone(),
        subscription_id: row.paddle_subscription_id.clone(),
        subscription_status: row.subscription_status.clone(),
        app_id: row.app.clone(),
        hostname: hostname(server, row),
        region: row.region.clone(),
        status: row.phase().lifecycle(),
        plan: plan_of(row),
        external_db_access: row.external_db_access != 0,
        database: Kind::of(row).word(),
        database_url: if has_infrastructure(row.phase()) { url() } else { String::new() },
    }
}

/// The machine as it was seen last. The watcher keeps the door in step with the provider, which therefore need not be
/// asked whenever somebody polls.
fn machine_state(server: &Server, row: &TenantRow) -> Option<&'static str> {
    row.machine_id.as_ref()?;
    Some(match (row.phase(), server.doors.target(row.id())) {
        (Phase::Suspended, _) => "stopped",
        (Phase::Deleting, _) => "destroying",
        (_, Some(_)) => "started",
        (Phase::Restarting, None) => "starting",
        (_, None) => "stopped",
    })
}

/// The status, with the one-time link while it is armed.
#[must_use]
pub fn status(server: &Server, row: &TenantRow, link_token: Option<&Secret>) -> TenantStatus {
    let phase = row.phase();
    let link = |token: &Secret| {
        Secret::new(format!("{}/api/v1/tenants/{}/credentials/{}", server.base, row.id(), token.reveal()))
    };
    let image = row.image_digest.as_deref().and_then(|raw| crate::model::Digest::new(raw).ok());
    TenantStatus {
        status: phase.status_word(server.settings.compat).into(),
        message: row.last_error.clone(),
        app_url: row.machine_id.as_ref().and_then(|_| app_url(server, row)),
        // Armed before phase 1 ends, told only afterwards (protocol F.3).
        secrets_url: link_token.filter(|_| has_infrastructure(phase)).map(link),
        phase: Some(phase.as_str().into()),
        fly_status: Some(phase.fly_status(row.machine_id.is_some()).into()),
        image: image.and_then(|digest| server.image_of(row.id()).ok().map(|image| image.at(&digest))),
        deployed_at: row.deployed_at.clone(),
        machine_state: machine_state(server, row).map(Into::into),
        restart_required: row.restart_required(),
        database: Some(Kind::of(row).word().into()),
        updated_at: Some(row.updated_at.clone()),
    }
}
