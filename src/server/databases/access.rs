//! The switch for access from outside (protocol B.37).
//!
//! Off in the row means shut at the database, at every moment: the row says "on" before the door opens, and "off" only
//! after it is shut.

use super::Names;
use crate::model::{Phase, TenantId};
use crate::server::error::Failure;
use crate::server::state::Server;
use crate::server::store::audit;
use crate::server::store::tenants::{self, TenantRow};

/// Opens or shuts; the same again asserts it again. Goes on when the caller leaves. Answers the tenant as it is then.
pub async fn switch(server: &Server, id: &TenantId, open: bool, user: &str) -> Result<TenantRow, Failure> {
    let (worker, id, user) = (server.clone(), id.clone(), user.to_owned());
    server.unbroken(async move { decide(&worker, &id, open, &user).await }).await
}

async fn decide(server: &Server, id: &TenantId, open: bool, user: &str) -> Result<TenantRow, Failure> {
    let _turn = server.databases.switching.lock().await;
    let tenant = alive(server, id).await?;
    let before = tenant.external_db_access != 0;
    let backend = server.databases.of(&tenant)?;
    let names = Names::of(&tenant);
    if open {
        write(server, id, true, None).await?;
        if let Err(error) = backend.set_outside(&names, true).await {
            if !before && backend.set_outside(&names, false).await.is_ok() {
                write(server, id, false, None).await?;
            }
            return Err(error.into());
        }
    } else {
        backend.set_outside(&names, false).await?;
    }
    write(server, id, open, Some(user).filter(|_| open != before)).await?;
    alive(server, id).await
}

async fn alive(server: &Server, id: &TenantId) -> Result<TenantRow, Failure> {
    let tenant = tenants::get(&mut *server.store.read().await?, id).await?;
    let tenant = tenant.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    match tenant.phase() {
        Phase::Deleting | Phase::Deleted => Err(Failure::operation_running()),
        Phase::Created | Phase::Provisioning | Phase::FailedInfra => Err(Failure::not_provisioned()),
        _ => Ok(tenant),
    }
}

async fn write(server: &Server, id: &TenantId, open: bool, user: Option<&str>) -> Result<(), Failure> {
    let mut tx = server.store.write().await?;
    tenants::set_external_access(&mut tx, id, open).await?;
    if let Some(user) = user {
        let action = if open { "external_db_access on" } else { "external_db_access off" };
        audit::record(&mut tx, user, Some(id.as_str()), action).await?;
    }
    tx.commit().await?;
    Ok(())
}
