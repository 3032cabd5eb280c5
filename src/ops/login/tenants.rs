//! The project's list of tenants, where the platform's own programs look for them, as a login brings it up to date (protocol
//! D.1, E.3, M). Whoever is logged in stays so, whatever becomes of it.
//!
//! A list that cannot be understood has local tenants and passwords in it that are nowhere else: it is told, and put aside
//! only where somebody says so.

use super::{CHECK, Seat, blocking, check_found, not_logged_in, slow};
use crate::api::Client;
use crate::model::{Me, Problem, Tenant, text};
use crate::workspace::tenants_cloud::Account;
use crate::workspace::{Project, WorkspaceError, tenants_change};

/// Why the list is not up to date.
pub(super) enum Unkept {
    /// It cannot be understood.
    Damaged(Problem),
    /// The server does not tell, or the file cannot be written.
    Other(Problem),
}

/// Puts the account's tenants into the project's list; with `whole` those of which nobody knows whose they were are its own.
pub(super) async fn keep(seat: &Seat, client: &Client, me: &Me, whole: bool) -> Result<(), Unkept> {
    let Some(project) = seat.project().cloned() else { return Ok(()) };
    let tenants = list(client).await.map_err(|why| Unkept::Other(not_kept(&why)))?;
    let account = account(seat, me);
    let written = tokio::task::spawn_blocking(move || write(&project, &tenants, &account, whole)).await;
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error @ WorkspaceError::DamagedTenants { .. })) => Err(Unkept::Damaged(error.problem())),
        Ok(Err(error)) => Err(Unkept::Other(not_kept(&error.problem()))),
        Err(stopped) => Err(Unkept::Other(not_kept(&Problem::new(stopped.to_string())))),
    }
}

/// Puts a list aside that cannot be understood, and fetches the account's tenants anew. Answers where it is now, as harmless
/// text; `None` where it was whole, and is up to date now. Its local tenants are in what was put aside alone.
///
/// # Errors
/// Where nobody is logged in at `seat`, there is no project, or the server does not tell: then nothing is put aside.
pub async fn renew(seat: &Seat) -> Result<Option<String>, Problem> {
    let Some(project) = seat.project().cloned() else {
        return Err(Problem::new("There is no project here.").hint("Change to a project's folder."));
    };
    let found = seat.find().await?.ok_or_else(|| not_logged_in(seat))?;
    let client = Client::new(found.base, found.token).map_err(|error| error.problem())?;
    let me = check_found(&client).await?;
    let tenants = list(&client).await?;
    let account = account(seat, &me);
    blocking(move || {
        let aside = tenants_change::put_damaged_aside(&project).map_err(|error| error.problem())?;
        write(&project, &tenants, &account, false).map_err(|error| error.problem())?;
        Ok(aside.map(|path| text::line(&path.to_string_lossy())))
    })
    .await
}

fn account(seat: &Seat, me: &Me) -> Account {
    Account { api: seat.base().to_string(), id: me.user.id.clone() }
}

/// The account's tenants, all of them.
async fn list(client: &Client) -> Result<Vec<Tenant>, Problem> {
    match tokio::time::timeout(CHECK, client.tenants()).await {
        Ok(Ok(list)) if list.rejected.is_empty() => Ok(list.tenants),
        // Of a list that is not whole nobody knows what is gone.
        Ok(Ok(list)) => {
            let why = list.rejected.first().cloned().unwrap_or_default();
            Err(Problem::new("The server's list of tenants cannot be understood.").detail(why))
        }
        Ok(Err(error)) => Err(error.problem()),
        Err(_) => Err(slow(client)),
    }
}

fn write(project: &Project, tenants: &[Tenant], account: &Account, whole: bool) -> Result<(), WorkspaceError> {
    tenants_change::change(project, |entries| {
        entries.merge_cloud(tenants, Some(account), whole);
        entries.synced();
        Ok(())
    })
}

fn not_kept(why: &Problem) -> Problem {
    Problem::new("The project's list of tenants is not brought up to date.")
        .detail(why.to_string())
        .hint("`tenantry tenant list` tries again.")
}
