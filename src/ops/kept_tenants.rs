//! Keeps the project's list of tenants as the API has it now (protocol D.2 step 10, D.4, D.6, E.3): whatever tells or changes
//! something of a tenant of the cloud says it here, because the platform's own program works on the same file and refuses a
//! tenant that is not in it.
//!
//! What was done on the server is done, whatever becomes of the file: one that cannot be written is a warning in the log. A
//! damaged one stays as it is; a login offers to put it aside. Outside of a project nothing is written.

use std::sync::{Arc, Mutex, PoisonError};

use super::Session;
use crate::api::TenantList;
use crate::model::{Problem, Secret, Tenant, TenantId};
use crate::workspace::tenants_change::{self, Entries};
use crate::workspace::tenants_cloud::Account;

/// The list that was kept last, so that one that comes every few seconds costs nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct LastKept(Arc<Mutex<Option<Vec<Tenant>>>>);

impl LastKept {
    /// True where it is another list than the last time.
    fn is_news(&self, tenants: &[Tenant]) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_deref() == Some(tenants) {
            return false;
        }
        *last = Some(tenants.to_vec());
        true
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The account's tenants, which are kept, but by a session that only reads.
///
/// # Errors
/// The server's refusal.
pub async fn list(session: &Session) -> Result<TenantList, Problem> {
    let list = session.client().tenants().await.map_err(|error| error.problem())?;
    if !session.reads_only() && session.last_kept().is_news(&list.tenants) {
        let (account, tenants) = (account(session), list.tenants.clone());
        // Of a list that is not whole nobody knows what is gone.
        if list.rejected.is_empty() {
            change(session, move |entries| entries.merge_cloud(&tenants, account.as_ref(), false)).await;
        } else {
            change(session, move |entries| {
                for tenant in &tenants {
                    entries.put_cloud(tenant, account.as_ref());
                }
            })
            .await;
        }
    }
    Ok(list)
}

/// One that was made or changed.
pub async fn put(session: &Session, tenant: &Tenant) {
    let (account, tenant) = (account(session), tenant.clone());
    changed(session, move |entries| entries.put_cloud(&tenant, account.as_ref())).await;
}

/// New addresses of its database: one that the list lacks is put there.
pub(super) async fn put_addresses(session: &Session, record: &Tenant, inside: &Secret, outside: Option<&Secret>) {
    let (account, record) = (account(session), record.clone());
    let (inside, outside) = (inside.clone(), outside.cloned());
    let is_open = record.external_db_access == Some(true);
    changed(session, move |entries| {
        entries.put_cloud(&record, account.as_ref());
        entries.put_addresses(&record.id, &inside, outside.as_ref(), is_open);
    })
    .await;
}

/// Its database can be reached from outside, at `shown` where the password is masked, or not any more.
pub(super) async fn switch_access(
    session: &Session,
    id: &TenantId,
    enabled: bool,
    shown: &str,
    outside: Option<&Secret>,
) {
    let (id, shown, outside) = (id.clone(), shown.to_owned(), outside.cloned());
    changed(session, move |entries| entries.switch_access(&id, enabled, &shown, outside.as_ref())).await;
}

/// It is gone for good: so is what was kept of it here, its credentials among that, which nothing can use any more.
pub(super) async fn remove(session: &Session, id: &TenantId) {
    let gone = id.clone();
    changed(session, move |entries| entries.remove_cloud(&gone)).await;
    let Some(state) = session.state().cloned().filter(|_| !session.keeps_credentials()) else { return };
    let id = id.clone();
    match tokio::task::spawn_blocking(move || state.forget_credentials(&id)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the credentials of a tenant that is gone stay"),
        Err(stopped) => tracing::warn!(%stopped, "the credentials of a tenant that is gone stay"),
    }
}

/// Whose it is, where the login says it.
fn account(session: &Session) -> Option<Account> {
    session.whose().map(|whose| Account { api: whose.api, id: whose.account })
}

async fn changed(session: &Session, work: impl Fn(&mut Entries) + Send + 'static) {
    session.last_kept().forget();
    change(session, work).await;
}

async fn change(session: &Session, work: impl Fn(&mut Entries) + Send + 'static) {
    let project = session.project().clone();
    let write = move || {
        if project.is_there() { tenants_change::change_where_needed(&project, work) } else { Ok(false) }
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the project's list of tenants stays as it is"),
        Err(stopped) => tracing::warn!(%stopped, "the project's list of tenants stays as it is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{in_folder, ten_1};
    use crate::workspace::tenants_file;

    fn tenant() -> Tenant {
        serde_json::from_value(serde_json::json!({"id": "ten_1", "name": "orchard"})).expect("a tenant")
    }

    #[tokio::test]
    async fn outside_of_a_project_nothing_is_written() {
        let (folder, session) = in_folder::<&str>(&[], false);
        put(&session, &tenant()).await;
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0);
        std::fs::create_dir_all(session.project().directory()).expect("made");
        put(&session, &tenant()).await;
        assert!(!tenants_file::path(session.project()).exists(), "half of a project is none");
    }

    #[tokio::test]
    async fn the_credentials_of_one_that_is_gone_go_unless_somebody_wants_them() {
        let (_folder, session) = in_folder::<&str>(&[], true);
        let state = session.state().expect("a state");
        let mut kept = state.credentials_draft(&ten_1()).expect("a draft");
        kept.set("internal_database_url", &Secret::new("postgres://t:h8T@inner/d"));
        kept.write().expect("written");
        remove(&session.clone().keeping_credentials(true), &ten_1()).await;
        assert!(state.credentials_file(&ten_1()).exists());
        remove(&session, &ten_1()).await;
        assert!(!state.credentials_file(&ten_1()).exists());
        remove(&session, &ten_1()).await;
    }

    #[test]
    fn the_same_list_is_no_news() {
        let last = LastKept::default();
        assert!(last.is_news(&[tenant()]) && !last.is_news(&[tenant()]));
        last.forget();
        assert!(last.is_news(&[tenant()]) && last.is_news(&[]));
    }
}
