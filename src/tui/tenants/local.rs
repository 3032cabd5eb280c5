//! Databases on this machine: what is known of them, and each as a row among the tenants.

use super::Tenants;
use crate::model::{LocalState, LocalStatus, LocalTenant, Tenant, TenantId};

impl Tenants {
    /// How a database on this machine is, and what is known of it beside that.
    #[must_use]
    pub fn local(&self, id: &TenantId) -> Option<&LocalStatus> {
        self.statuses.iter().find(|status| status.tenant.id == *id)
    }

    /// True where the project has databases on this machine.
    #[must_use]
    pub fn any_local(&self) -> bool {
        !self.statuses.is_empty()
    }

    /// Takes the databases on this machine, and how they are.
    pub fn take_statuses(&mut self, statuses: Vec<LocalStatus>) {
        let rows = statuses.iter().filter_map(row).collect();
        self.statuses = statuses;
        self.take_local(rows);
    }
}

/// The row; `None` where its name and id are not what a list can show.
fn row(status: &LocalStatus) -> Option<Tenant> {
    let LocalStatus { tenant, state, .. } = status;
    let row = serde_json::json!({
        "id": tenant.id.as_str(), "name": tenant.name, "region": "local", "created_at": tenant.created_at,
        "status": state.word(),
    });
    serde_json::from_value(row).ok()
}

/// What is known before anybody was asked.
pub fn unasked(tenant: LocalTenant) -> LocalStatus {
    LocalStatus { tenant, state: LocalState::Unknown, detail: None }
}
