//! The addresses of tenants: which port each one answers on, and what stands behind it. Opens a port when
//! it is reserved and keeps it open until the tenant is gone, so that no other program can take it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::door::Doors;
use crate::model::TenantId;

/// The doors, and which of them are open.
pub struct Addresses {
    doors: Doors,
    open: Mutex<HashMap<TenantId, u16>>,
}

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Addresses").field("open", &self.open).finish_non_exhaustive()
    }
}

impl Addresses {
    /// No door is open.
    #[must_use]
    pub fn new(doors: Doors) -> Self {
        Self { doors, open: Mutex::default() }
    }

    /// Opens the first of `candidates` that no other program has; `None` when there is none.
    pub async fn reserve(&self, tenant: &TenantId, candidates: &[u16]) -> Option<u16> {
        for port in candidates {
            match self.open(tenant, *port).await {
                Ok(()) => return Some(*port),
                Err(error) => tracing::info!(port, %error, "a port of the range is taken by another program"),
            }
        }
        None
    }

    /// Opens the tenant's door, if it is not open.
    pub async fn open(&self, tenant: &TenantId, port: u16) -> std::io::Result<()> {
        if self.open.lock().unwrap_or_else(PoisonError::into_inner).get(tenant) == Some(&port) {
            return Ok(());
        }
        self.doors.open(tenant, port).await?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), port);
        Ok(())
    }

    /// Lets the door lead to a machine, or to nothing.
    pub fn point(&self, tenant: &TenantId, machine: Option<SocketAddr>) {
        self.doors.set_target(tenant, machine);
    }

    /// Waits until nobody talks to `machine` through the door any more, at most `limit`.
    pub async fn drained(&self, tenant: &TenantId, machine: SocketAddr, limit: Duration) {
        if !self.doors.drained(tenant, machine, limit).await {
            tracing::info!(%tenant, "connections to the replaced machine are cut");
        }
    }

    /// Closes the door.
    pub fn close(&self, tenant: &TenantId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
        self.doors.close(tenant);
    }

    /// Closes every door.
    pub fn close_all(&self) {
        let open: Vec<TenantId> =
            self.open.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(tenant, _)| tenant).collect();
        for tenant in open {
            self.doors.close(&tenant);
        }
    }
}
