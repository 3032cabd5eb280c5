//! Keeps the project's list of tenants as the API has it now (protocol D.2 step 10, D.4, D.6, E.3): whatever tells or changes
//! something of a tenant of the cloud says it here, because the platform's own program works on the same file and refuses a
//! tenant that is not in it.
//!
//! What was done on the server is done, whatever becomes of the file: one that cannot be written is a warning in the log. A
//! damaged one stays as it is; a login offers to put it aside. Outside of a project nothing is written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Session;
use crate::api::TenantList;
use crate::model::{Problem, Secret, Tenant, TenantId, TenantState};
use crate::workspace::tenants_change::{self, Entries};
use crate::workspace::tenants_cloud::Account;

/// The list that was kept last, so that one that comes every few seconds costs nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct LastKept(Arc<Mutex<Last>>);

#[derive(Debug, Default)]
struct Last {
    tenants: Option<Vec<Tenant>>,
    /// Grows with every change that was not a list's.
    changes: u64,
}

impl LastKept {
    fn last(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much was changed so far; to be asked before a list is.
    fn changes(&self) -> u64 {
        self.last().changes
    }

    /// True where it is another list than the last time. One that was asked for before something was changed is none: it
    /// would bring back what has just gone.
    fn is_news(&self, tenants: &[Tenant], asked_at: u64) -> bool {
        let mut last = self.last();
        if last.changes != asked_at || last.tenants.as_deref() == Some(tenants) {
            return false;
        }
        last.tenants = Some(tenants.to_vec());
        true
    }

    /// Whatever comes next is news.
    fn forget(&self) {
        self.last().tenants = None;
    }

    fn changed(&self) {
        let mut last = self.last();
        (last.tenants, last.changes) = (None, last.changes + 1);
    }
}

/// The account's tenants, which are kept, but by a session that only reads.
///
/// # Errors
/// The server's refusal.
pub async fn list(session: &Session) -> Result<TenantList, Problem> {
    let asked_at = session.last_kept().changes();
    let list = session.client().tenants().await.map_err(|error| error.problem())?;
    if !session.reads_only() && session.last_kept().is_news(&list.tenants, asked_at) {
        let account = account(session);
        // One that is being taken away is as good as gone.
        let stays = |tenant: &&Tenant| tenant.state() != TenantState::Deleting;
        let tenants: Vec<Tenant> = list.tenants.iter().filter(stays).cloned().collect();
        // Of a list that is not whole nobody knows what is gone.
        let is_whole = list.rejected.is_empty();
        let kept = change(session, move |entries| {
            if is_whole {
                return entries.merge_cloud(&tenants, account.as_ref(), false);
            }
            for tenant in &tenants {
                entries.put_cloud(tenant, account.as_ref());
            }
        });
        if !kept.await {
            session.last_kept().forget();
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
    session.last_kept().changed();
    change(session, work).await;
}

/// True where the file is so now.
async fn change(session: &Session, work: impl Fn(&mut Entries) + Send + 'static) -> bool {
    let project = session.project().clone();
    let write = move || {
        if project.is_there() { tenants_change::change_where_needed(&project, work) } else { Ok(false) }
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(Ok(_)) => return true,
        Ok(Err(error)) => tracing::warn!(%error, "the project's list of tenants stays as it is"),
        Err(stopped) => tracing::warn!(%stopped, "the project's list of tenants stays as it is"),
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering_at, in_folder, ten_1};
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
        assert!(last.is_news(&[tenant()], 0) && !last.is_news(&[tenant()], 0));
        last.forget();
        assert!(last.is_news(&[tenant()], 0) && last.is_news(&[], 0));
    }

    #[test]
    fn a_list_from_before_a_change_brings_nothing_back() {
        let last = LastKept::default();
        let asked_at = last.changes();
        last.changed();
        assert!(!last.is_news(&[tenant()], asked_at));
        assert!(last.is_news(&[], last.changes()));
    }

    #[tokio::test]
    async fn a_list_that_could_not_be_written_is_tried_again() {
        let server = wiremock::MockServer::start().await;
        let listed = serde_json::json!({"data": [{"id": "ten_1", "name": "orchard"}]});
        let answer = wiremock::ResponseTemplate::new(200).set_body_json(listed);
        wiremock::Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let (_folder, session) = answering_at::<&str>(&server, &[], &[]).await;
        let place = tenants_file::path(session.project());
        for folder in [".systemprompt", "services"] {
            std::fs::create_dir_all(session.project().root.join(folder)).expect("made");
        }
        std::fs::write(&place, "{").expect("written");
        list(&session).await.expect("listed");
        assert_eq!(std::fs::read_to_string(&place).expect("read"), "{", "a damaged one stays");
        std::fs::remove_file(&place).expect("mended");
        list(&session).await.expect("listed");
        assert!(std::fs::read_to_string(&place).expect("written").contains("orchard"));
    }
}
