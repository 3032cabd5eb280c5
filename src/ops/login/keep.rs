//! Where a login is kept, and how it is forgotten again: in the keyring; in the project's `credentials.json` where somebody
//! asks for it, or where the platform's own command line keeps it there already. Never in a file by itself because the
//! keyring does not answer.

use jiff::Timestamp;
use std::time::Duration;

use super::find::{Found, Kept};
use super::{Failed, Seat};
use crate::api::{BaseUrl, Client};
use crate::keyring::{Key, KeyringError};
use crate::model::{Me, Problem, Secret, text};
use crate::settings::LastTenants;
use crate::workspace::{Credentials, KnownLogin, Project, WorkspaceError};

/// How long the server may take to note a logout that it cannot do anything about.
const GOODBYE: Duration = Duration::from_secs(3);

/// A place that a person can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The desktop's keyring.
    Keyring,
    /// `.systemprompt/credentials.json` of the project, readable by its owner alone.
    File,
}

/// How a logout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedOut {
    /// Where the login was; `None` where nobody was logged in.
    pub was: Option<Kept>,
    /// Where the project's file is now, where it could not be understood. Harmless text.
    pub aside: Option<String>,
}

/// Writes the project's file, and says what went with the one that was there.
fn in_place(mut credentials: Credentials, project: &Project) -> Result<Option<Problem>, WorkspaceError> {
    let path = text::line(&Credentials::path(project).to_string_lossy());
    let before = Credentials::read(project).ok().flatten();
    let mut warning = None;
    if let Some(before) = before {
        let is_same_api = before.api_url.trim_end_matches('/') == credentials.api_url.trim_end_matches('/');
        let is_same_user = match (&before.user_id, &credentials.user_id) {
            (Some(before), Some(now)) => before == now,
            _ => before.email == credentials.email,
        };
        if !(is_same_api && is_same_user) {
            let context = before.context.map(|name| format!(" ({name})")).unwrap_or_default();
            warning = Some(
                Problem::new("The login that was kept there before is replaced.")
                    .detail(format!("It was {} at {}{context}; {path} holds one login.", before.email, before.api_url))
                    .hint("The keyring keeps one for each context: `--store keyring`."),
            );
        } else if before.context != credentials.context {
            // Both contexts have this account.
            credentials.context = None;
        }
    }
    if let Some(aside) = credentials.write(project)? {
        warning = Some(
            Problem::new("The login that was kept there before could not be understood.")
                .detail(format!("It is {} now.", text::line(&aside.to_string_lossy())))
                .hint("Look at it, and remove it: it may hold a token."),
        );
    }
    Ok(warning)
}

impl Seat {
    /// Where a login will go; looked at before anybody is sent to a browser.
    ///
    /// # Errors
    /// Where that place cannot be used.
    pub(super) async fn place(&self, wanted: Option<Store>) -> Result<Store, Failed> {
        self.can_log_in().map_err(Failed::from)?;
        let store = match wanted {
            Some(store) => store,
            None if self.has_file().await => Store::File,
            None => Store::Keyring,
        };
        match store {
            Store::File if self.project.is_none() => {
                let problem = Problem::new("There is no project to keep the login in.")
                    .detail("A file belongs to a project: .systemprompt/credentials.json.")
                    .hint("Change to a project's folder, or use the keyring.");
                Err(problem.into())
            }
            Store::Keyring if self.state.is_none() => {
                Err(Problem::new("There is no place to remember the login.").hint("Set TENANTRY_STATE.").into())
            }
            Store::File => Ok(store),
            Store::Keyring => match self.keyring.ready().await {
                Ok(()) => Ok(store),
                Err(error) => Err(Failed { problem: error.problem(), no_keyring: true }),
            },
        }
    }

    /// True where the platform's own file is there and is about this API, or about nothing that can be understood.
    async fn has_file(&self) -> bool {
        let Some(project) = self.project.clone() else { return false };
        let path = Credentials::path(&project);
        let read = super::blocking(move || Ok(path.exists().then(|| Credentials::read(&project)))).await;
        match read {
            Ok(Some(Ok(Some(stored)))) => {
                BaseUrl::parse(&stored.api_url).is_ok_and(|base| base == self.base) && self.is_for_here(&stored)
            }
            Ok(Some(Err(_))) => true,
            _ => false,
        }
    }

    /// Keeps a login that the server has confirmed. What could not be done beside that is put into `warnings`.
    pub(super) async fn keep(
        &self,
        store: Store,
        token: &Secret,
        me: &Me,
        warnings: &mut Vec<Problem>,
    ) -> Result<Kept, Problem> {
        let authenticated_at = Some(Timestamp::now().to_string());
        match store {
            Store::Keyring => {
                let Key { api, context } = self.key();
                let login = KnownLogin {
                    api,
                    context,
                    user_email: me.user.email.clone(),
                    user_id: Some(me.user.id.clone()),
                    authenticated_at,
                    expires_at: crate::api::expires_at(token).map(|end| end.to_string()),
                };
                self.keyring.write(&self.key(), token).await.map_err(|error| error.problem())?;
                let (used, project) = (self.as_used(false), self.project.clone());
                self.remember(move |logins| {
                    logins.put(login);
                    if let Some(project) = &project {
                        logins.put_project(project, used);
                    }
                })
                .await?;
                Ok(Kept::Keyring)
            }
            Store::File => {
                let Some(project) = self.project.clone() else {
                    return Err(Problem::new("There is no project to keep the login in."));
                };
                let here = self.context.as_ref().map(|context| context.name.clone());
                let credentials = Credentials {
                    token: token.clone(),
                    api_url: self.base.to_string(),
                    authenticated_at,
                    email: me.user.email.clone(),
                    user_id: Some(me.user.id.clone()),
                    context: here,
                };
                let folder = project.clone();
                let written = super::blocking(move || in_place(credentials, &folder).map_err(|error| error.problem()));
                warnings.extend(written.await?);
                // One in the keyring would be found first, and other projects may rely on it.
                let (used, here) = (self.as_used(true), project.clone());
                if let Err(problem) = self.remember(move |logins| logins.put_project(&here, used)).await {
                    // The file is there, and found without that.
                    warnings.push(
                        Problem::new("That this project uses its file cannot be remembered.")
                            .detail(problem.to_string())
                            .hint("Name a folder that can be written to in TENANTRY_STATE."),
                    );
                }
                Ok(Kept::File(Credentials::path(&project)))
            }
        }
    }

    /// Logs out: the login is forgotten wherever it is kept, and the server is told, if it listens. A file that cannot be
    /// understood is put aside: nobody can use it, and nobody knows what is in it.
    ///
    /// # Errors
    /// Where the token is not this program's to remove, or a place cannot be changed.
    pub async fn log_out(&self) -> Result<LoggedOut, Problem> {
        self.can_log_in()?;
        // A file that is about another API, or another context, is somebody else's.
        let is_ours = self.in_file().await.is_ok_and(|stored| stored.is_some_and(|stored| stored.base == self.base));
        let is_damaged = self.has_damaged_file().await;
        // One that cannot be read is forgotten all the same. Where this project's login is the damaged file, one in the keyring
        // is for other projects.
        let found = if self.uses_file() && is_damaged { None } else { self.find().await.ok().flatten() };
        if let Some(found) = &found {
            let _ = tokio::time::timeout(GOODBYE, goodbye(found)).await;
        }
        let mut was = found.map(|found| found.kept);
        let mut aside = Ok(None);
        if let Some(project) = self.project.clone().filter(|_| is_damaged) {
            let put = super::blocking(move || Credentials::put_aside(&project).map_err(|error| error.problem())).await;
            aside = put.map(|path| Some(text::line(&path.to_string_lossy())));
        }
        if let Some(project) = self.project.clone().filter(|_| is_ours) {
            let path = Credentials::path(&project);
            super::blocking(move || Credentials::remove(&project).map_err(|error| error.problem())).await?;
            was = was.or(Some(Kept::File(path)));
        }
        let is_in_file = self.uses_file() && (is_damaged || matches!(was, Some(Kept::File(_))));
        if self.known.is_some() && !is_in_file {
            was = was.or(Some(Kept::Keyring));
        }
        // What the keyring has is for other projects then.
        let removed = if is_in_file { Ok(()) } else { self.remove_token().await };
        self.forget(!is_in_file).await?;
        self.forget_tenants().await;
        removed.map_err(|error| {
            error.problem().hint("The login is forgotten here; its token may still lie in the keyring until it ends.")
        })?;
        // Last: what could be forgotten is.
        Ok(LoggedOut { was, aside: aside? })
    }

    /// True where the project's file is this seat's to take away, and nobody can understand it. One that cannot be read at all
    /// stays.
    async fn has_damaged_file(&self) -> bool {
        let Some(project) = self.project.clone().filter(|_| self.uses_file() || !self.is_exact) else { return false };
        let read = tokio::task::spawn_blocking(move || Credentials::read(&project)).await;
        match read {
            Ok(Ok(Some(stored))) => BaseUrl::parse(&stored.api_url).is_err(),
            Ok(Err(error)) => matches!(error, WorkspaceError::DamagedCredentials { .. }),
            _ => false,
        }
    }

    /// Takes the token out of the keyring; where nothing is known of one, it is not asked.
    async fn remove_token(&self) -> Result<(), KeyringError> {
        let Some(known) = &self.known else { return Ok(()) };
        let key = Key { api: known.api.clone(), context: known.context.clone() };
        self.keyring.remove(&key).await.map(drop)
    }

    /// Forgets which login the project uses, and with `all` what is remembered of the login in the keyring.
    async fn forget(&self, all: bool) -> Result<(), Problem> {
        let (known, project) = (self.known.clone().filter(|_| all), self.project.clone());
        let used = project.as_ref().is_some_and(|project| self.logins.of_project(project).is_some());
        if known.is_none() && !used {
            return Ok(());
        }
        self.remember(move |logins| {
            if let Some(known) = &known {
                logins.forget(&known.api, known.context.as_deref());
            }
            if let Some(project) = &project {
                logins.forget_project(project);
            }
        })
        .await
    }

    /// What the account had is nobody's to see without a login.
    async fn forget_tenants(&self) {
        let Some(state) = self.state.clone() else { return };
        let api = self.base.to_string();
        let forgotten =
            super::blocking(move || LastTenants::forget(&state, &api).map_err(|error| error.problem())).await;
        if let Err(problem) = forgotten {
            tracing::warn!(%problem, "the list of tenants of the last time stays");
        }
    }

    async fn remember(
        &self,
        change: impl FnOnce(&mut crate::workspace::Logins) + Send + 'static,
    ) -> Result<(), Problem> {
        let Some(state) = self.state.clone() else { return Ok(()) };
        super::blocking(move || state.change_logins(change).map_err(|error| error.problem())).await
    }
}

/// Tells the server; whether it hears it changes nothing.
async fn goodbye(found: &Found) {
    let Ok(client) = Client::new(found.base.clone(), found.token.clone()) else { return };
    let user = match &found.user_id {
        Some(id) => id.clone(),
        None => match client.me().await {
            Ok(me) => me.user.id,
            Err(_) => return,
        },
    };
    if let Err(error) = client.activity("cloud_logout", &user).await {
        tracing::debug!(%error, "the logout was not noted");
    }
}
