//! Custom domains: which names may be one, what their owner has to enter, and the task that looks whether it was done
//! (protocol B.38, F.3).
//!
//! Certificates are not made here: TLS ends at the ingress in front of this server, and it is the one that needs them.

mod lookup;
mod name;

pub use lookup::{Checker, Found};
pub use name::{checked, instructions};

use super::state::Server;
use super::store::domains::{self, DomainRow, Status};
use super::store::{StoreError, tenants};

/// What is said once a name leads here.
const CERTIFICATE: &str = "certificate: belongs to the ingress, where TLS ends";

/// Lets active domains lead to their tenants, and looks for the others until the server stops.
pub async fn start(server: &Server) -> Result<(), StoreError> {
    for row in domains::all(&mut *server.store.read().await?).await? {
        if row.status == Status::Active {
            server.doors.lead(&row.domain, &row.tenant_id.0);
        }
    }
    let worker = server.clone();
    drop(server.background(async move {
        loop {
            if let Err(error) = look(&worker).await {
                tracing::error!(%error, "custom domains cannot be checked now");
            }
            worker.domains.next_round(worker.settings.door.domain_check).await;
        }
    }));
    Ok(())
}

/// One round.
async fn look(server: &Server) -> Result<(), StoreError> {
    let waiting = domains::all(&mut *server.store.read().await?).await?;
    for row in waiting.into_iter().filter(|row| row.status != Status::Active) {
        let domain = row.domain.clone();
        if let Err(error) = check(server, row).await {
            tracing::error!(domain, %error, "a custom domain cannot be checked now");
        }
    }
    Ok(())
}

/// Moves one domain as far as it can be moved now, step by step.
async fn check(server: &Server, mut row: DomainRow) -> Result<(), StoreError> {
    if row.status == Status::Error && !advance(server, &mut row, Status::PendingDns, None).await? {
        return Ok(());
    }
    let wanted = instructions(server.front.addresses(), &row.tenant_id.0, &row.domain);
    let (to, message) = match server.domains.find(&row.domain, &wanted).await {
        Found::Right => (Status::Provisioning, Some(CERTIFICATE.to_owned())),
        Found::Nothing => {
            let message = format!("no {} record is found for {} yet", wanted.record_type, row.domain);
            (Status::PendingDns, Some(message))
        }
        Found::Wrong(found) => {
            let message = format!("{} leads to {found} and not to {}", row.domain, wanted.value);
            (Status::Error, Some(message))
        }
        Found::Unknown(why) => (Status::PendingDns, Some(format!("{} cannot be looked up: {why}", row.domain))),
    };
    // One that a crash left in the middle goes on where it was; one that leads elsewhere by now does not.
    if row.status == Status::Provisioning && to == Status::PendingDns {
        return Ok(());
    }
    if (row.status, to) != (Status::Provisioning, Status::Provisioning)
        && !advance(server, &mut row, to, message.as_deref()).await?
    {
        return Ok(());
    }
    if row.status == Status::Provisioning && advance(server, &mut row, Status::Active, Some(CERTIFICATE)).await? {
        lead(server, &row).await?;
    }
    Ok(())
}

async fn advance(server: &Server, row: &mut DomainRow, to: Status, message: Option<&str>) -> Result<bool, StoreError> {
    let mut tx = server.store.write().await?;
    let moved = domains::advance(&mut tx, row, to, message).await?;
    tx.commit().await?;
    if moved {
        row.status = to;
    }
    Ok(moved)
}

/// Opens the door for an active domain, unless it was taken away meanwhile.
async fn lead(server: &Server, row: &DomainRow) -> Result<(), StoreError> {
    let tenant = &row.tenant_id.0;
    server.doors.lead(&row.domain, tenant);
    // In this order: who takes it away does so in the database first and at the door afterwards.
    let mut db = server.store.read().await?;
    let still = domains::of(&mut db, tenant).await?.is_some_and(|now| now.domain == row.domain);
    if !still || tenants::get(&mut db, tenant).await?.is_none() {
        server.doors.unlead(&row.domain, tenant);
    }
    tracing::info!(domain = row.domain, %tenant, "a custom domain is active");
    Ok(())
}
