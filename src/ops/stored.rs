//! Where credentials of a tenant go that the server hands out only once: into the secrets of its profile, else into a
//! file of this program's own.
//!
//! The place is looked for before the server is asked, so that nothing is fetched that cannot be stored. Must not know
//! how credentials are got.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;
use tokio_util::task::TaskTracker;

use super::Session;
use crate::model::{Problem, Secret, TenantId, database_url, text};
use crate::workspace::{
    Profile, Project, SecretsDraft, StateDirectory, WorkspaceError, atomic, profile, profile_change,
};

/// The address of the database as machines reach it.
pub(super) const INSIDE: &str = "internal_database_url";
/// The one that is used from this machine.
pub(super) const MAIN: &str = "database_url";
/// As people outside reach it.
const OUTSIDE: &str = "external_database_url";

/// There is no profile, and no state directory.
const NOWHERE: &str = "No profile of this project names the tenant, and there is no home directory.";

/// Where they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// In the secrets of the tenant's profile.
    Profile {
        /// The profile's name.
        name: String,
        /// The file. Harmless text.
        path: String,
    },
    /// In a file of this program's own.
    Kept {
        /// The file. Harmless text.
        path: String,
        /// Why they are not in the profile; absent where the tenant has none.
        why: Option<Problem>,
    },
    /// Nowhere but in the reply: show them, or they are lost.
    Nowhere(Problem),
}

/// Where they will go.
#[derive(Debug, Clone)]
pub(super) struct Place {
    project: Project,
    tenant: TenantId,
    profile: Option<Profile>,
    state: Option<StateDirectory>,
    /// What the place holds already.
    pub known: Known,
}

/// What a place holds of databases.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The address as machines reach the tenant's, with its password.
    inside: Option<Secret>,
    /// The one that is used from this machine: of the tenant's database, or of one of the project's own.
    main: Option<Secret>,
    /// When that was stored, RFC 3339 UTC.
    changed_at: Option<String>,
}

impl Known {
    /// The inner address, where it is of the same database as `url`.
    pub fn inside(&self, url: &str) -> Option<&Secret> {
        self.inside.as_ref().filter(|known| database_url::same_database(known.reveal(), url))
    }

    /// Since when this machine has an address of the same database as `url`, RFC 3339 UTC.
    pub fn since(&self, url: &Secret) -> Option<String> {
        let mut all = [&self.inside, &self.main].into_iter().flatten();
        let has_it = all.any(|known| database_url::same_database(known.reveal(), url.reveal()));
        self.changed_at.clone().filter(|_| has_it)
    }
}

impl Place {
    /// Looks for it.
    ///
    /// # Errors
    /// A problem where there is a file that cannot be understood, or where more than one profile names the tenant.
    pub async fn find(session: &Session, tenant: &TenantId) -> Result<Self, Problem> {
        let (project, state, tenant) = (session.project().clone(), session.state().cloned(), tenant.clone());
        let name = session.profile().map(str::to_owned);
        blocking(move || look(&project, state, tenant, name.as_deref())).await
    }

    /// Tries whether something can be written there, before the server is asked for what it hands out only once. Leaves
    /// nothing behind but the folder.
    ///
    /// # Errors
    /// Where neither the profile nor the file of one's own can be written.
    pub async fn try_out(&self) -> Result<(), Problem> {
        let place = self.clone();
        blocking(move || Ok(place.is_writable())).await?
    }

    fn is_writable(&self) -> Result<(), Problem> {
        let of_profile = self.profile.as_ref().map(|profile| atomic::try_out(&profile.secrets_file()));
        if matches!(of_profile, Some(Ok(()))) {
            return Ok(());
        }
        let of_ones_own = self.state.as_ref().map(|state| {
            state.credentials_draft(&self.tenant)?;
            atomic::try_out(&state.credentials_file(&self.tenant))
        });
        match (of_profile, of_ones_own) {
            (_, Some(Ok(()))) => Ok(()),
            (Some(Err(error)), _) | (None, Some(Err(error))) => Err(not_asked(&error.to_string())),
            _ => Err(not_asked(NOWHERE)),
        }
    }

    /// True where a profile names the tenant.
    pub fn is_profile(&self) -> bool {
        self.profile.is_some()
    }

    /// The file of one's own, as people may read it, where it is there.
    pub fn kept(&self) -> Option<String> {
        let path = self.state.as_ref()?.credentials_file(&self.tenant);
        path.is_file().then(|| shown(&path))
    }

    /// Lets `change` change what is there, and writes it. Never fails: where the profile's file cannot be written there is
    /// the other one.
    pub async fn store(&self, change: impl Fn(&mut SecretsDraft) + Send + Sync + 'static) -> Stored {
        let place = self.clone();
        let stored = tokio::task::spawn_blocking(move || place.write(&change)).await;
        stored.unwrap_or_else(|stopped| Stored::Nowhere(unstored(&stopped.to_string())))
    }

    fn write(&self, change: &dyn Fn(&mut SecretsDraft)) -> Stored {
        // Read anew: another program may have written there since.
        let write = |draft: Result<SecretsDraft, WorkspaceError>| {
            let mut draft = draft?;
            change(&mut draft);
            draft.write()?;
            Ok::<_, WorkspaceError>(shown(draft.path()))
        };
        let mut why = None;
        if let Some(profile) = &self.profile {
            // Somebody may be editing the same file. Where there is no lock to be had, what cannot be had again counts more.
            let _lock = profile_change::lock(&self.project).inspect_err(|error| tracing::warn!(%error, "not locked"));
            match write(SecretsDraft::open(profile.secrets_file())) {
                Ok(path) => return Stored::Profile { name: profile.name.clone(), path },
                Err(error) => why = Some(error.problem()),
            }
        }
        match (&self.state, why) {
            (Some(state), why) => match write(state.credentials_draft(&self.tenant)) {
                Ok(path) => Stored::Kept { path, why },
                Err(error) => Stored::Nowhere(why.unwrap_or_else(|| error.problem())),
            },
            (None, Some(why)) => Stored::Nowhere(why),
            (None, None) => Stored::Nowhere(nowhere()),
        }
    }
}

fn look(
    project: &Project,
    state: Option<StateDirectory>,
    tenant: TenantId,
    name: Option<&str>,
) -> Result<Place, WorkspaceError> {
    let profile = profile::of_tenant(project, &tenant, name)?;
    let draft = match (&profile, &state) {
        (Some(profile), _) => Some(SecretsDraft::open(profile.secrets_file())?),
        (None, Some(state)) => Some(SecretsDraft::open(state.credentials_file(&tenant))?),
        (None, None) => None,
    };
    let known = draft.map(|draft| known(&draft)).unwrap_or_default();
    Ok(Place { project: project.clone(), tenant, profile, state, known })
}

fn known(draft: &SecretsDraft) -> Known {
    let whole = |key| draft.get(key).filter(|url| !database_url::is_masked(url.reveal())).cloned();
    let changed_at = draft.changed_at().and_then(|at| jiff::Timestamp::try_from(at).ok());
    Known { inside: whole(INSIDE), main: whole(MAIN), changed_at: changed_at.map(|at| format!("{at:.0}")) }
}

/// Puts the addresses of a tenant's database in their places (protocol D.4). The outer one becomes the main one where the
/// database can be reached from outside; otherwise a main address of this database gets the inner one, because the
/// password in it is no longer good. One of another database is somebody's own and stays.
pub(super) fn put_addresses(draft: &mut SecretsDraft, inside: &Secret, outside: Option<&Secret>, is_open: bool) {
    let holds_it = |draft: &SecretsDraft, key: &str| {
        let known = draft.get(key);
        known.is_some_and(|known| database_url::same_database(known.reveal(), inside.reveal()))
    };
    match outside.filter(|_| is_open) {
        Some(outside) => draft.set_address(MAIN, outside),
        None if holds_it(draft, MAIN) => draft.set_address(MAIN, inside),
        None => {}
    }
    if let Some(outside) = outside
        && holds_it(draft, OUTSIDE)
    {
        draft.set_address(OUTSIDE, outside);
    }
    draft.set_address(INSIDE, inside);
}

/// There is no profile, and no place for anything else.
fn nowhere() -> Problem {
    unstored(NOWHERE)
}

/// Told before anything is asked for.
fn not_asked(why: &str) -> Problem {
    Problem::new("The credentials cannot be stored.")
        .detail(format!("{}. Nothing was asked for.", why.trim_end_matches('.')))
        .hint("Name a folder that can be written to in TENANTRY_STATE, or see to it that the profile's can be.")
}

fn unstored(detail: &str) -> Problem {
    Problem::new("The credentials cannot be stored.").detail(detail).hint(
        "Make a profile whose cloud.tenant_id is the tenant's, or name a directory in TENANTRY_STATE. What is shown now \
         cannot be shown again.",
    )
}

fn shown(path: &Path) -> String {
    text::line(&path.to_string_lossy())
}

/// Work that goes on whoever waits for it.
static UNBROKEN: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// Waits for what must not be broken off, such as credentials on their way to the disk; whoever ends the program does, or
/// they are lost with it. At most `limit`; true where all of it came to its end.
pub async fn finish_unbroken(limit: Duration) -> bool {
    UNBROKEN.close();
    tokio::time::timeout(limit, UNBROKEN.wait()).await.is_ok()
}

/// Does the work to its end also where nobody waits for it any more: what the server hands out once has to reach the
/// disk.
pub(super) async fn unbroken<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    match UNBROKEN.spawn(work).await {
        Ok(done) => done,
        Err(stopped) => Err(Problem::new("The operation broke off.").detail(stopped.to_string())),
    }
}

/// Reads files without holding up anybody else.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WorkspaceError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.problem()),
        Err(stopped) => Err(Problem::new("The project's files cannot be read.").detail(stopped.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{in_folder, profile_file, ten_1};

    #[tokio::test]
    async fn what_must_not_be_broken_off_is_waited_for() {
        let (release, wait) = tokio::sync::oneshot::channel::<()>();
        let (done, mut is_done) = tokio::sync::oneshot::channel::<()>();
        let work = unbroken(async move {
            let _ = wait.await;
            done.send(()).map_err(|()| Problem::new("nobody listens"))
        });
        // As Ctrl-C does it: nobody waits for the answer any more.
        assert!(tokio::time::timeout(Duration::from_millis(1), work).await.is_err());
        assert!(!finish_unbroken(Duration::from_millis(1)).await);
        release.send(()).expect("it goes on");
        assert!(finish_unbroken(Duration::from_secs(20)).await);
        assert!(is_done.try_recv().is_ok());
    }

    const INNER: &str = "postgres://t:Qm4@inner:5432/site";
    const OUTER: &str = "postgres://t_out:Qm4@outer:5432/site?sslmode=require";

    fn put(content: &str, outside: Option<&str>, is_open: bool) -> serde_json::Value {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.json");
        std::fs::write(&path, content).expect("written");
        let mut draft = SecretsDraft::open(&path).expect("a draft");
        put_addresses(&mut draft, &Secret::new(INNER), outside.map(Secret::new).as_ref(), is_open);
        draft.write().expect("written");
        serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("json")
    }

    #[test]
    fn addresses_find_their_places() {
        let old = "postgres://t:old@inner:5432/site";
        let own = "postgres://me:mine@localhost/dev";
        for (content, outside, is_open, main) in [
            ("{}".to_owned(), Some(OUTER), true, Some(OUTER)),
            ("{}".to_owned(), Some(OUTER), false, None),
            ("{}".to_owned(), None, true, None),
            (format!(r#"{{"database_url": "{old}"}}"#), Some(OUTER), true, Some(OUTER)),
            (format!(r#"{{"database_url": "{old}"}}"#), Some(OUTER), false, Some(INNER)),
            (format!(r#"{{"database_url": "{old}"}}"#), None, true, Some(INNER)),
            (format!(r#"{{"database_url": "{own}"}}"#), Some(OUTER), false, Some(own)),
        ] {
            let json = put(&content, outside, is_open);
            assert_eq!(json["internal_database_url"], INNER, "{content}");
            assert_eq!(json.get("database_url").and_then(|url| url.as_str()), main, "{content} {is_open}");
            assert_eq!(json.get("external_database_url"), None);
        }
        let json = put(&format!(r#"{{"external_database_url": "{old}"}}"#), Some(OUTER), false);
        assert_eq!(json["external_database_url"], OUTER);
    }

    #[tokio::test]
    async fn the_profile_is_first_and_the_file_of_ones_own_second() {
        let (folder, session) = in_folder(&[("profile.yaml", "cloud: {tenant_id: ten_1}")], true);
        let place = Place::find(&session, &ten_1()).await.expect("a place");
        assert!(place.is_profile());
        let set = |draft: &mut SecretsDraft| draft.set("a", &Secret::new("1"));
        let Stored::Profile { name, path } = place.store(set).await else { panic!("not in the profile") };
        assert_eq!((name.as_str(), path.ends_with("prod/secrets.json")), ("prod", true));

        // Its file has become a directory meanwhile.
        let file = profile_file(&folder, "secrets.json");
        std::fs::remove_file(&file).expect("removed");
        std::fs::create_dir(&file).expect("made");
        let Stored::Kept { path, why } = place.store(set).await else { panic!("not kept") };
        assert!(path.ends_with("credentials/ten_1.json") && why.is_some(), "{path}");
        assert_eq!(place.kept(), Some(path));
    }

    #[tokio::test]
    async fn without_any_place_it_is_said() {
        let (_folder, session) = in_folder::<&str>(&[], false);
        let place = Place::find(&session, &ten_1()).await.expect("looked");
        assert!(place.try_out().await.is_err());
        let stored = place.store(|draft| draft.set("a", &Secret::new("1"))).await;
        assert!(matches!(stored, Stored::Nowhere(_)), "{stored:?}");
    }

    #[tokio::test]
    async fn a_damaged_file_is_told_before_anything_is_asked() {
        let files = [("profile.yaml", "cloud: {tenant_id: ten_1}"), ("secrets.json", "{\"a\": hunter2}")];
        let (_folder, session) = in_folder(&files, true);
        let problem = Place::find(&session, &ten_1()).await.expect_err("damaged");
        assert_eq!(problem.title, "Secrets cannot be read.");
    }
}
