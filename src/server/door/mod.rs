//! The front door: every tenant has an address that stays the same while the machine behind it changes.
//!
//! Requests come by host name through one port ([`front`]), and by the tenant's own loopback port ([`direct`]). Both go
//! to the target that the tenant's place has now; what is under way stays where it is until it ends. Must not know
//! containers, and of the database only what it says when there is no machine.

mod address;
mod body;
mod direct;
mod exchange;
mod front;
mod headers;
mod host;
mod listen;
mod place;
mod say;
mod traffic;

pub use address::Addresses;
pub use front::{Front, Serves};
pub use listen::listen;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::direct::Direct;
use self::place::Place;
use crate::model::TenantId;

/// One tenant's door.
#[derive(Debug, Default)]
struct Door {
    place: Arc<Place>,
    /// Its own port, where it could be had.
    direct: Option<Direct>,
}

#[derive(Debug, Default)]
struct Table {
    doors: HashMap<TenantId, Door>,
    /// By which names they are asked for: a tenant's short name, or a whole custom domain.
    names: HashMap<String, TenantId>,
}

/// The doors of all tenants. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    table: Arc<Mutex<Table>>,
}

impl Doors {
    /// None is open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the tenant's door and its port. Open already on that port is success and changes nothing. Where the port
    /// cannot be had the door is open all the same.
    pub async fn open(&self, tenant: &TenantId, port: u16) -> io::Result<()> {
        let place = {
            let mut table = self.table();
            table.names.insert(tenant.short(), tenant.clone());
            let door = table.doors.entry(tenant.clone()).or_default();
            if door.direct.as_ref().is_some_and(|direct| direct.address().port() == port) {
                return Ok(());
            }
            Arc::clone(&door.place)
        };
        let direct = Direct::open(port, Arc::clone(&place)).await?;
        let before = {
            let mut table = self.table();
            match table.doors.get_mut(tenant) {
                // Not another door of that tenant, opened after this one was closed.
                Some(door) if Arc::ptr_eq(&door.place, &place) => door.direct.replace(direct),
                _ => Some(direct),
            }
        };
        if let Some(before) = before {
            before.close().await;
        }
        Ok(())
    }

    /// Opens the tenant's door on the first of `candidates` that no other program has; `None` when there is none.
    pub async fn reserve(&self, tenant: &TenantId, candidates: &[u16]) -> Option<u16> {
        for port in candidates {
            match self.open(tenant, *port).await {
                Ok(()) => return Some(*port),
                Err(error) => tracing::info!(port, %error, "a port of the range is taken by another program"),
            }
        }
        self.close(tenant);
        None
    }

    /// Where the tenant's own port is, if it is open.
    #[must_use]
    pub fn address(&self, tenant: &TenantId) -> Option<SocketAddr> {
        self.table().doors.get(tenant).and_then(|door| door.direct.as_ref()).map(Direct::address)
    }

    /// Where the tenant's new requests go now.
    #[must_use]
    pub fn target(&self, tenant: &TenantId) -> Option<SocketAddr> {
        self.place(tenant).and_then(|place| *place.target.borrow())
    }

    /// Switches the tenant's door. One that is not open has nothing to switch.
    pub fn set_target(&self, tenant: &TenantId, target: Option<SocketAddr>) {
        if let Some(place) = self.place(tenant) {
            place.set_target(target);
        } else {
            tracing::warn!(%tenant, "a door that is not open was switched");
        }
    }

    /// Switches the tenant's door if it still leads where the caller thinks; true when it did.
    #[must_use]
    pub fn replace_target(&self, tenant: &TenantId, from: Option<SocketAddr>, to: Option<SocketAddr>) -> bool {
        self.place(tenant).is_some_and(|place| place.replace_target(from, to))
    }

    /// Waits until no request and no connection goes to `machine` any more, at most `limit`. True if none does: after
    /// a switch, the old machine can be stopped without cutting anybody off. A door that is not open has none.
    pub async fn drained(&self, tenant: &TenantId, machine: SocketAddr, limit: Duration) -> bool {
        match self.place(tenant) {
            Some(place) => place.traffic.drained(machine, limit).await,
            None => true,
        }
    }

    /// Lets a custom domain lead to the tenant, if its door is open.
    pub fn lead(&self, domain: &str, tenant: &TenantId) {
        let mut table = self.table();
        if table.doors.contains_key(tenant) {
            table.names.insert(domain.to_owned(), tenant.clone());
        }
    }

    /// A custom domain does not lead to the tenant any more. Another tenant's stays.
    pub fn unlead(&self, domain: &str, tenant: &TenantId) {
        let mut table = self.table();
        if table.names.get(domain) == Some(tenant) {
            table.names.remove(domain);
        }
    }

    /// Closes the tenant's door without waiting for it: port, names and connections through the port are gone a moment
    /// later, requests by name end with the machine. Closed already is success.
    pub fn close(&self, tenant: &TenantId) {
        let mut table = self.table();
        table.names.retain(|_, owner| owner != tenant);
        if let Some(door) = table.doors.remove(tenant) {
            door.place.set_target(None);
        }
    }

    /// Closes all of them and waits until that is done.
    pub async fn close_all(&self) {
        let doors: Vec<Door> = {
            let mut table = self.table();
            table.names.clear();
            table.doors.drain().map(|(_, door)| door).collect()
        };
        for door in doors {
            door.place.set_target(None);
            if let Some(direct) = door.direct {
                direct.close().await;
            }
        }
    }

    /// The tenant that is asked for by `name`.
    fn find(&self, name: &str) -> Option<(TenantId, Arc<Place>)> {
        let table = self.table();
        let tenant = table.names.get(name)?;
        Some((tenant.clone(), Arc::clone(&table.doors.get(tenant)?.place)))
    }

    fn place(&self, tenant: &TenantId) -> Option<Arc<Place>> {
        self.table().doors.get(tenant).map(|door| Arc::clone(&door.place))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn each_tenant_has_one_door() {
        let doors = Doors::default();
        let (a, b) = (TenantId::new("a").expect("valid"), TenantId::new("b").expect("valid"));
        let free = Direct::open(0, Arc::default()).await.expect("opens");
        let port = free.address().port();
        assert!(doors.open(&a, port).await.is_err(), "the port is taken");
        free.close().await;
        doors.open(&a, port).await.expect("opens");
        doors.open(&a, port).await.expect("open already");
        assert_eq!(doors.reserve(&b, &[port]).await, None, "another tenant's port");
        let machine = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        doors.set_target(&a, Some(machine));
        doors.set_target(&b, Some(machine));
        assert_eq!((doors.target(&a), doors.target(&b)), (Some(machine), None));
        assert_eq!(doors.address(&a).map(|address| address.port()), Some(port));
        doors.close_all().await;
        assert_eq!(doors.address(&a), None);
        doors.close(&a);
    }

    #[tokio::test]
    async fn names_lead_to_their_tenant_and_go_with_it() {
        let doors = Doors::default();
        let (a, b) = (TenantId::new("a").expect("valid"), TenantId::new("b").expect("valid"));
        let found = |name: &str| doors.find(name).map(|(tenant, _)| tenant);
        // A port that is taken: the door is open all the same.
        let taken = Direct::open(0, Arc::default()).await.expect("opens");
        assert!(doors.open(&a, taken.address().port()).await.is_err());
        doors.open(&b, 0).await.expect("opens");
        doors.lead("app.orchard.example", &a);
        assert_eq!(found("app.orchard.example"), Some(a.clone()));
        assert_eq!((found(&a.short()), found(&b.short())), (Some(a.clone()), Some(b.clone())));
        doors.unlead("app.orchard.example", &b);
        assert_eq!(found("app.orchard.example"), Some(a.clone()), "not b's to take away");
        doors.unlead("app.orchard.example", &a);
        assert_eq!(found("app.orchard.example"), None);
        doors.lead("app.orchard.example", &a);
        doors.close(&a);
        assert_eq!((found("app.orchard.example"), found(&a.short())), (None, None));
        assert_eq!(found(&b.short()), Some(b));
    }
}
