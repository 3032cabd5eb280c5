//! A new password for a tenant's database (protocol B.24).
//!
//! The new password is written down, sealed, before the database learns it. From then on the rotation goes forward
//! only, unless the database said no: whoever finds the row after a crash gives the role that password again and
//! finishes. So at every moment either the old password works and is the stored one, or the new one is on its way and
//! no machine starts with the old one ([`settled`]).

use std::time::Duration;
use tokio::task::JoinHandle;

use super::{Backend, DatabaseError, Names, step};
use crate::model::{Phase, Secret, TenantId};
use crate::server::error::Failure;
use crate::server::keys;
use crate::server::provisioner::deploy::{self, Job};
use crate::server::provisioner::{StepError, lapse, restart};
use crate::server::state::Server;
use crate::server::store::audit;
use crate::server::store::credentials::{self, OneTimeRow};
use crate::server::store::journal::{self, StepState};
use crate::server::store::rotations::{self, RotationRow};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::transitions::{self, Event};

/// The word in the journal.
const STEP: &str = "credentials";
const ACTION: &str = "rotate_credentials";
/// Under which name the new password is sealed.
const PLACE: &str = "rotation";
/// Pause before a database server that was lost is asked again.
const PAUSE: Duration = Duration::from_secs(2);
/// How often it is tried to write down a password that the database has; after that the next start does.
const TRIES: u32 = 30;
/// How long a caller waits for a database server that was lost.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a machine's start waits for a rotation to end.
const SETTLE: Duration = Duration::from_secs(30);

/// What a caller is told.
#[derive(Debug)]
pub struct Rotated {
    /// For machines.
    pub inside: Secret,
    /// For everybody else.
    pub outside: Secret,
    /// The machine is being started again.
    pub restarts: bool,
}

/// A rotation under way.
struct Work {
    tenant: TenantRow,
    rotation: String,
    password: Secret,
    /// The machine to start again afterwards; the tenant is taken for it.
    job: Option<Job>,
    /// Nobody knows whether the database has the password already.
    doubtful: bool,
}

/// Rotates; goes on when the caller leaves.
pub async fn rotate(server: &Server, id: &TenantId, user: &str) -> Result<Rotated, Failure> {
    let known = tenants::get(&mut *server.store.read().await?, id).await?;
    if known.is_some_and(|tenant| tenant.phase() == Phase::Running) {
        // Otherwise the machine would stay with a password that does not work.
        server.provider.available().await?;
    }
    let (worker, id, user) = (server.clone(), id.clone(), user.to_owned());
    let begun = server.unbroken(async move { accept(&worker, &id, &user).await }).await?;
    match tokio::time::timeout(ANSWER, begun).await {
        Ok(Ok(Some(outcome))) => outcome,
        Ok(Ok(None)) => Err(Failure::unavailable("the server is stopping; it finishes the rotation at its next start")),
        Ok(Err(error)) => Err(Failure::internal(format!("rotation: {error}"))),
        Err(_) => Err(Failure::unavailable(
            "the database server was lost in the middle; the rotation is finished when it answers, and the new \
             credentials can be read with a new one-time link then",
        )),
    }
}

type Begun = JoinHandle<Option<Result<Rotated, Failure>>>;

async fn accept(server: &Server, id: &TenantId, user: &str) -> Result<Begun, Failure> {
    let rotation = format!("rot_{}", uuid::Uuid::new_v4().simple());
    let password = Secret::new(keys::random_word(step::PASSWORD_LENGTH)?);
    let sealed = server.sealer.seal(id.as_str(), PLACE, &password)?;
    let mut tx = server.store.write().await?;
    let tenant = tenants::get(&mut tx, id).await?.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    let next = transitions::ask(&tenant, Event::Rotate)?;
    if rotations::of(&mut tx, id.as_str()).await?.is_some() {
        return Err(Failure::operation_running());
    }
    let row = RotationRow { tenant_id: id.to_string(), id: rotation.clone(), password: sealed };
    rotations::begin(&mut tx, &row).await?;
    journal::note(&mut tx, id.as_str(), &rotation, STEP, StepState::Begun, None).await?;
    let job = if next == Some(Phase::Restarting) {
        Some(restart::begin(&mut tx, &tenant, ACTION, user).await?)
    } else {
        audit::record(&mut tx, user, Some(id.as_str()), ACTION).await?;
        None
    };
    tx.commit().await?;
    server.events.wake_tenant(id);
    let work = Work { tenant, rotation, password, job, doubtful: false };
    let worker = server.clone();
    Ok(server.operation(async move { finish(&worker, work).await }))
}

/// Finishes the rotations that the end of the server cut off, in the background.
pub async fn recover(server: &Server) -> Result<(), StepError> {
    let rows = rotations::all(&mut *server.store.read().await?).await?;
    for row in rows {
        let worker = server.clone();
        drop(server.operation(async move {
            if let Err(error) = go_on(&worker, row).await {
                tracing::error!(%error, "a rotation that was cut off cannot be finished");
            }
        }));
    }
    Ok(())
}

async fn go_on(server: &Server, row: RotationRow) -> Result<(), StepError> {
    let id = TenantId::new(row.tenant_id).map_err(|_| StepError::State("a rotation without a tenant"))?;
    let Some(tenant) = tenants::get(&mut *server.store.read().await?, &id).await? else { return Ok(()) };
    let password = server.sealer.open(id.as_str(), PLACE, &row.password)?;
    let work = Work { tenant, rotation: row.id, password, job: None, doubtful: true };
    match finish(server, work).await {
        Ok(_) => tracing::info!(tenant = %id, "a rotation that was cut off is finished"),
        Err(failure) => tracing::error!(tenant = %id, ?failure, "a rotation that was cut off is given up"),
    }
    Ok(())
}

/// Waits until no rotation of the tenant is under way: what starts now must not start with a password that ends in a
/// moment.
pub async fn settled(server: &Server, id: &TenantId) -> Result<(), StepError> {
    let over = async {
        while rotations::of(&mut *server.store.read().await?, id.as_str()).await?.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    let late = |_| Err(StepError::State("the rotation of the database's password does not end"));
    tokio::time::timeout(SETTLE, over).await.unwrap_or_else(late)
}

async fn finish(server: &Server, mut work: Work) -> Result<Rotated, Failure> {
    let backend = match server.databases.of(&work.tenant) {
        Ok(backend) => backend,
        // Without an administrator's address nothing can have been changed in this run.
        Err(error) if work.doubtful => return Err(error.into()),
        Err(error) => return give_up(server, &work, error).await,
    };
    hang_on_demand(server, "rotation_before_password").await;
    if let Err(error) = change(backend, &mut work).await {
        return give_up(server, &work, error).await;
    }
    hang_on_demand(server, "rotation_after_password").await;
    let names = Names::of(&work.tenant);
    let inside = backend.address().inside(&names, &work.password);
    keep(server, &work, &inside).await?;
    let outside = backend.address().outside(&names, &work.password);
    let restarts = work.job.is_some();
    if let Some(job) = work.job {
        drop(deploy::run(server, job));
    }
    server.events.wake_tenant(work.tenant.id());
    Ok(Rotated { inside, outside, restarts })
}

/// Gives the role its password. An error means that the old one is still the one that works.
async fn change(backend: &dyn Backend, work: &mut Work) -> Result<(), DatabaseError> {
    let names = Names::of(&work.tenant);
    loop {
        let error = match backend.set_password(&names, &work.password).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error {
            DatabaseError::Lost(_) => work.doubtful = true,
            DatabaseError::Unavailable(_) | DatabaseError::Refused(_) if work.doubtful => {}
            error => return Err(error),
        }
        tracing::warn!(tenant = names.tenant, %error, "the new password may be in force or not; asking again");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A test stops the work here for good, as the end of the program would.
async fn hang_on_demand(server: &Server, at: &str) {
    if server.settings.faults.strike(at) {
        std::future::pending::<()>().await;
    }
}

/// The database has the new password: writing it down is not given up easily.
async fn keep(server: &Server, work: &Work, inside: &Secret) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        let Err(failure) = write_down(server, work, inside).await else { return Ok(()) };
        tries += 1;
        if tries == TRIES || failure.is_not_found() {
            return Err(failure);
        }
        tracing::error!(tenant = %work.tenant.id(), ?failure, "a new password cannot be written down; trying again");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Everything that changes with the password, in one transaction.
async fn write_down(server: &Server, work: &Work, inside: &Secret) -> Result<(), Failure> {
    let tenant = &work.tenant;
    let id = tenant.id().as_str();
    let token = Secret::new(format!("sct_{}", keys::random_word(32)?));
    let mut tx = server.store.write().await?;
    if !rotations::end(&mut tx, &work.rotation).await? {
        return Err(Failure::not_found("the tenant was removed meanwhile"));
    }
    let jwt_secret = credentials::one(&mut tx, id, "JWT_SECRET").await?;
    let (jwt_secret, _) = jwt_secret.ok_or_else(|| Failure::internal("the tenant has no JWT secret"))?;
    let jwt_secret = server.sealer.open(id, "JWT_SECRET", &jwt_secret)?;
    let row = OneTimeRow {
        token: server.sealer.seal(id, "link", &token)?,
        database_url: server.sealer.seal(id, "link database_url", inside)?,
        jwt_secret: server.sealer.seal(id, "link jwt_secret", &jwt_secret)?,
    };
    credentials::put(&mut tx, id, step::KEY, &server.sealer.seal(id, step::KEY, inside)?).await?;
    credentials::arm(&mut tx, id, &row).await?;
    tenants::set_password_hash(&mut tx, tenant.id(), &step::hash(&work.password)).await?;
    tenants::environment_changed(&mut tx, tenant.id()).await?;
    journal::note(&mut tx, id, &work.rotation, STEP, StepState::Done, None).await?;
    tx.commit().await?;
    Ok(())
}

/// Nothing was changed at the database: nothing is changed here either.
async fn give_up(server: &Server, work: &Work, error: DatabaseError) -> Result<Rotated, Failure> {
    tracing::warn!(tenant = %work.tenant.id(), %error, "the password was not changed");
    let id = work.tenant.id();
    let mut tx = server.store.write().await?;
    if rotations::end(&mut tx, &work.rotation).await? {
        let detail = error.to_string();
        journal::note(&mut tx, id.as_str(), &work.rotation, STEP, StepState::Undone, Some(&detail)).await?;
    }
    if let Some(job) = &work.job {
        restart::cancel(&mut tx, job).await?;
    }
    tx.commit().await?;
    server.events.wake_tenant(id);
    // What happened to the subscription meanwhile had to wait.
    lapse::heed(server, id).await;
    Err(error.into())
}
