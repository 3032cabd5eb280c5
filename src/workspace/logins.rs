//! Who is logged in where, as this machine remembers it: a file of the state directory, without any token. The tokens are
//! in the keyring, found by what stands here; what stands nowhere here is not asked for there.
//!
//! A lost file costs nobody more than another login. One that cannot be understood is put aside and not written over.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Project, StateDirectory, WorkspaceError, aside, atomic, history, reading};
use crate::model::text;

/// The file's name, and that of its lock: a lock on the file itself would be lost when it is replaced.
const FILE: &str = "logins.json";
/// As many projects are remembered; folders come and go.
const PROJECTS: usize = 500;

/// A login whose token is in the keyring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLogin {
    /// The API's address, without trailing slash.
    #[serde(deserialize_with = "text::harmless")]
    pub api: String,
    /// The context that it is for; `None` serves every one of this API.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub context: Option<String>,
    /// The user's e-mail address.
    #[serde(deserialize_with = "text::harmless")]
    pub user_email: String,
    /// The user's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub user_id: Option<String>,
    /// When the login happened, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub authenticated_at: Option<String>,
    /// When the token ends, as it says itself, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub expires_at: Option<String>,
}

/// Which login a project used last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectLogin {
    /// The API's address.
    #[serde(deserialize_with = "text::harmless")]
    pub api: String,
    /// The context.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub context: Option<String>,
    /// The token is in the project's own file, whatever the keyring has for other projects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_file: bool,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Logins {
    /// One for each API and context.
    #[serde(default)]
    pub logins: Vec<KnownLogin>,
    /// By the project's root.
    #[serde(default)]
    projects: BTreeMap<String, ProjectLogin>,
}

impl Logins {
    /// The login of this API that a context uses: its own, else the one that serves all.
    #[must_use]
    pub fn of(&self, api: &str, context: Option<&str>) -> Option<&KnownLogin> {
        let find = |wanted: Option<&str>| {
            self.logins.iter().find(|login| login.api == api && login.context.as_deref() == wanted)
        };
        context.and_then(|name| find(Some(name))).or_else(|| find(None))
    }

    /// The login that a project used last.
    #[must_use]
    pub fn of_project(&self, project: &Project) -> Option<&ProjectLogin> {
        self.projects.get(&root(project))
    }

    /// Adds a login; one of the same API and context is replaced.
    pub fn put(&mut self, login: KnownLogin) {
        self.forget(&login.api, login.context.as_deref());
        self.logins.push(login);
    }

    /// Removes the login of exactly this API and context. True where there was one.
    pub fn forget(&mut self, api: &str, context: Option<&str>) -> bool {
        let before = self.logins.len();
        self.logins.retain(|login| login.api != api || login.context.as_deref() != context);
        self.logins.len() < before
    }

    /// Remembers which login a project uses.
    pub fn put_project(&mut self, project: &Project, login: ProjectLogin) {
        let root = root(project);
        if self.projects.len() >= PROJECTS && !self.projects.contains_key(&root) {
            self.projects.retain(|root, _| std::path::Path::new(root).is_dir());
        }
        if self.projects.len() < PROJECTS || self.projects.contains_key(&root) {
            self.projects.insert(root, login);
        }
    }

    /// Forgets which login a project uses.
    pub fn forget_project(&mut self, project: &Project) {
        self.projects.remove(&root(project));
    }
}

fn root(project: &Project) -> String {
    project.root.to_string_lossy().into_owned()
}

impl StateDirectory {
    /// Where the logins are remembered.
    #[must_use]
    pub fn logins_file(&self) -> PathBuf {
        self.path().join(FILE)
    }

    /// What is remembered; nothing where the file is not there or cannot be understood. Blocks on the disk.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn logins(&self) -> Result<Logins, WorkspaceError> {
        self.known_logins().map(Option::unwrap_or_default)
    }

    /// Changes what is remembered, one program after the other. Blocks on the disk.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn change_logins<T>(&self, change: impl FnOnce(&mut Logins) -> T) -> Result<T, WorkspaceError> {
        self.folder("")?;
        let path = self.logins_file();
        let _held = history::lock_beside(&path)?;
        let known = self.known_logins()?;
        if known.is_none() {
            aside::put(&path)?;
        }
        let mut logins = known.unwrap_or_default();
        let result = change(&mut logins);
        let mut json = serde_json::to_vec_pretty(&logins)
            .map_err(|error| WorkspaceError::Write { path: path.clone(), cause: error.into() })?;
        json.push(b'\n');
        atomic::write(&path, &json, 0o600)?;
        Ok(result)
    }

    /// `None` where there is a file that cannot be understood.
    fn known_logins(&self) -> Result<Option<Logins>, WorkspaceError> {
        let path = self.logins_file();
        let Some(bytes) = reading::small_file(&path)? else { return Ok(Some(Logins::default())) };
        let read = serde_json::from_slice(&bytes);
        if let Err(error) = &read {
            tracing::warn!(path = %path.display(), line = error.line(), "the list of logins cannot be understood");
        }
        Ok(read.ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(api: &str, context: Option<&str>, email: &str) -> KnownLogin {
        KnownLogin {
            api: api.to_owned(),
            context: context.map(str::to_owned),
            user_email: email.to_owned(),
            user_id: None,
            authenticated_at: None,
            expires_at: None,
        }
    }

    fn directory() -> (tempfile::TempDir, StateDirectory) {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateDirectory::at(folder.path().join("state"));
        (folder, state)
    }

    #[test]
    fn a_context_has_its_own_login_or_that_of_its_api() {
        let (_folder, state) = directory();
        assert_eq!(state.logins().expect("nothing yet"), Logins::default());
        state
            .change_logins(|logins| {
                logins.put(login("https://a", None, "mara@orchard.example"));
                logins.put(login("https://a", Some("staging"), "nils@harbour.example"));
                logins.put(login("https://b", Some("staging"), "eve@elsewhere.example"));
                logins.put(login("https://a", None, "mara@new.example"));
            })
            .expect("written");
        let logins = state.logins().expect("read");
        let of = |api: &str, context| logins.of(api, context).map(|login| login.user_email.clone());
        assert_eq!(of("https://a", None).as_deref(), Some("mara@new.example"));
        assert_eq!(of("https://a", Some("staging")).as_deref(), Some("nils@harbour.example"));
        assert_eq!(of("https://a", Some("live")).as_deref(), Some("mara@new.example"));
        assert_eq!(of("https://b", None), None);
        assert_eq!(logins.logins.len(), 3);
    }

    #[test]
    fn a_project_knows_its_login_again_until_it_is_forgotten() {
        let (folder, state) = directory();
        let project = Project { root: folder.path().to_owned() };
        let used = ProjectLogin { api: "https://a".into(), context: Some("staging".into()), in_file: false };
        state.change_logins(|logins| logins.put_project(&project, used.clone())).expect("written");
        assert_eq!(state.logins().expect("read").of_project(&project), Some(&used));
        state.change_logins(|logins| logins.forget_project(&project)).expect("written");
        assert_eq!(state.logins().expect("read").of_project(&project), None);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_put_aside_and_not_lost() {
        let (_folder, state) = directory();
        std::fs::create_dir_all(state.path()).expect("made");
        std::fs::write(state.logins_file(), "[ not this").expect("written");
        assert_eq!(state.logins().expect("read"), Logins::default());
        state.change_logins(|logins| logins.put(login("https://a", None, "m@o.example"))).expect("written");
        let aside = state.logins_file().with_extension("json.bak");
        assert_eq!(std::fs::read_to_string(aside).ok().as_deref(), Some("[ not this"));
        assert_eq!(state.logins().expect("read").logins.len(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(state.logins_file()).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn two_programs_at_once_lose_nothing() {
        let (_folder, state) = directory();
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let state = state.clone();
                std::thread::spawn(move || {
                    let login = login(&format!("https://{number}"), None, "m@o.example");
                    state.change_logins(|logins| logins.put(login)).expect("written");
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("it ended");
        }
        assert_eq!(state.logins().expect("read").logins.len(), 8);
    }
}
