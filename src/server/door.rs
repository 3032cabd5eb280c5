//! STAND-IN: the doors (one listener per tenant that forwards to its machine) are written on another
//! branch and replace this file at the merge. This one only holds the port.

#![allow(missing_docs, clippy::unused_async)]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::TenantId;

#[derive(Debug, Clone, Default)]
pub struct Doors {
    listeners: Arc<Mutex<HashMap<TenantId, TcpListener>>>,
}

impl Doors {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub async fn open(&self, tenant: &TenantId, port: u16) -> std::io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), listener);
        Ok(())
    }

    pub fn set_target(&self, _tenant: &TenantId, _target: Option<SocketAddr>) {}

    pub async fn drained(&self, _tenant: &TenantId, _machine: SocketAddr, _limit: std::time::Duration) -> bool {
        true
    }

    pub fn close(&self, tenant: &TenantId) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }
}
