//! Finds the login of a seat: in the environment, in the keyring, in the project's file, in this order. A token that is for
//! another API is none.

use jiff::Timestamp;
use std::path::PathBuf;

use super::Seat;
use super::seat::TOKEN_VARIABLE;
use crate::api::BaseUrl;
use crate::keyring::Key;
use crate::model::{Me, Problem, Secret, text};
use crate::settings::Login;
use crate::workspace::Credentials;

/// Where a token is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In `TENANTRY_TOKEN`.
    Variable,
    /// Where the context's own setting says. In words.
    Setting(String),
    /// In the keyring.
    Keyring,
    /// In the project's `credentials.json`.
    File(PathBuf),
}

impl Kept {
    /// As a sentence goes on after "kept in".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Variable => TOKEN_VARIABLE.to_owned(),
            Self::Setting(words) => words.clone(),
            Self::Keyring => "the keyring".to_owned(),
            Self::File(path) => text::line(&path.to_string_lossy()),
        }
    }

    /// A word for scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Variable | Self::Setting(_) => "environment",
            Self::Keyring => "keyring",
            Self::File(_) => "file",
        }
    }
}

/// A login that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The token.
    pub token: Secret,
    /// The API that it is for.
    pub base: BaseUrl,
    /// Where it is kept.
    pub kept: Kept,
    /// The user's id, where it is known without asking.
    pub user_id: Option<String>,
    /// The user's e-mail address, where it is known without asking.
    pub email: Option<String>,
    /// When somebody logged in, RFC 3339, where that is known.
    pub authenticated_at: Option<String>,
}

impl Found {
    /// What knows the account again: its id, else its e-mail address.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.user_id.as_deref().or(self.email.as_deref())
    }

    /// When the login ends, as the token says itself.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        crate::api::expires_at(&self.token)
    }
}

impl Seat {
    /// The login, where there is one. May ask the person to unlock the keyring, and takes half a minute at most.
    ///
    /// # Errors
    /// A place that cannot be read, where no other one has a token.
    pub async fn find(&self) -> Result<Option<Found>, Problem> {
        if let Some(found) = self.in_settings().await? {
            return Ok(Some(found));
        }
        if let Some(token) = &self.variable {
            let (token, base) = (token.clone(), self.base.clone());
            return Ok(Some(Found {
                token,
                base,
                kept: Kept::Variable,
                user_id: None,
                email: None,
                authenticated_at: None,
            }));
        }
        if self.uses_file()
            && let Ok(Some(found)) = self.in_file().await
        {
            return Ok(Some(found));
        }
        let in_keyring = self.in_keyring().await;
        if let Ok(Some(found)) = in_keyring {
            return Ok(Some(found));
        }
        match (self.in_file().await, in_keyring) {
            (Ok(None), Err(problem)) => Err(problem),
            (found, _) => found,
        }
    }

    /// What a context says about its token goes before everything else.
    async fn in_settings(&self) -> Result<Option<Found>, Problem> {
        let Some(context) = self.context.clone().filter(|context| context.login != Login::Project) else {
            return Ok(None);
        };
        let words = match &context.login {
            Login::Env(name) => name.clone(),
            Login::File(path) => text::line(&path.to_string_lossy()),
            Login::Project => return Ok(None),
        };
        let token = super::blocking(move || context.token(None).map_err(|error| error.problem())).await?;
        let base = self.base.clone();
        let kept = Kept::Setting(words);
        Ok(token.map(|token| Found { token, base, kept, user_id: None, email: None, authenticated_at: None }))
    }

    async fn in_keyring(&self) -> Result<Option<Found>, Problem> {
        let Some(known) = &self.known else { return Ok(None) };
        let key = Key { api: known.api.clone(), context: known.context.clone() };
        let token = self.keyring.read(&key).await.map_err(|error| {
            let problem = error.problem();
            let problem = if problem.hint.is_some() { problem } else { problem.hint("Log in again.") };
            problem.needs_login()
        })?;
        Ok(token.map(|token| Found {
            token,
            base: self.base.clone(),
            kept: Kept::Keyring,
            user_id: known.user_id.clone(),
            email: Some(known.user_email.clone()),
            authenticated_at: known.authenticated_at.clone(),
        }))
    }

    /// True where the project's last login was this account of this API: what its files say of tenants is of that account.
    pub(super) async fn was_of(&self, me: &Me) -> bool {
        let used = self.project.as_ref().and_then(|project| self.logins.of_project(project));
        let in_file = self.in_file().await.ok().flatten();
        let (api, account) = match (used, &in_file) {
            (Some(used), _) if !used.in_file => {
                let account = self.known.as_ref().map(|known| known.user_id.as_deref().unwrap_or(&known.user_email));
                (used.api.clone(), account)
            }
            (_, Some(found)) => (found.base.to_string(), found.account()),
            _ => return false,
        };
        api == self.base.to_string() && account.is_some_and(|known| known == me.user.id || known == me.user.email)
    }

    /// A file that is another context's is not this one's: one API may have an account for each.
    pub(super) fn is_for_here(&self, stored: &Credentials) -> bool {
        match (&stored.context, &self.context) {
            (Some(theirs), Some(here)) => *theirs == here.name,
            _ => true,
        }
    }

    /// The project's own file, which the platform's command line writes too.
    pub(super) async fn in_file(&self) -> Result<Option<Found>, Problem> {
        let Some(project) = self.project.clone() else { return Ok(None) };
        let path = Credentials::path(&project);
        let stored = super::blocking(move || Credentials::read(&project).map_err(|error| error.problem())).await?;
        let Some(stored) = stored.filter(|stored| self.is_for_here(stored)) else { return Ok(None) };
        let base = BaseUrl::parse(&stored.api_url).map_err(|error| error.problem());
        if self.is_exact && base.as_ref() != Ok(&self.base) {
            return Ok(None);
        }
        Ok(Some(Found {
            token: stored.token,
            base: base?,
            kept: Kept::File(path),
            user_id: stored.user_id,
            email: Some(stored.email),
            authenticated_at: stored.authenticated_at,
        }))
    }
}

/// What a person is told who is not logged in.
#[must_use]
pub fn not_logged_in(seat: &Seat) -> Problem {
    let title = match seat.context() {
        Some(context) => format!("Not logged in to {}.", context.name),
        None => "Not logged in.".to_owned(),
    };
    Problem::new(title)
        .detail(format!("No login for {} was found.", seat.base()))
        .hint("Log in with `tenantry login`.")
        .needs_login()
}
