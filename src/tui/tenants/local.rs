//! A database on this machine as a row among the tenants.

use crate::model::{LocalState, LocalStatus, LocalTenant, Tenant};

/// The row; `None` where its name and id are not what a list can show.
pub(super) fn row(status: &LocalStatus) -> Option<Tenant> {
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
