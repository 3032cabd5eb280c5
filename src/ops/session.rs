//! Who works on what: one account on one Management API, and the project folder at hand.

use std::sync::Arc;

use super::kept_tenants::LastKept;
use super::login::{self, Seat, Wanted};
use crate::api::{BaseUrl, Client};
use crate::engine::Engine;
use crate::model::{Problem, Secret};
use crate::settings::Whose;
use crate::workspace::{Credentials, Project, StateDirectory};

/// What every operation needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    project: Arc<Project>,
    state: Option<StateDirectory>,
    /// Where somebody can log in and out; `None` for a login that was handed in.
    seat: Option<Arc<Seat>>,
    /// What knows the account again before the API is asked, where the login says it.
    account: Option<Arc<str>>,
    /// The list of tenants that went into the project last.
    last_kept: LastKept,
    /// The credentials of a tenant that goes stay on this machine.
    keeps_credentials: bool,
    /// Nothing is changed outside of this program, the project's list of tenants neither.
    reads_only: bool,
    /// The profile that is meant where several name the same tenant.
    profile: Option<Arc<str>>,
}

impl Session {
    /// A session of `client` in `project`, which remembers its deploys in `state`.
    #[must_use]
    pub fn new(client: Client, project: Project, state: Option<StateDirectory>) -> Self {
        Self {
            client,
            project: Arc::new(project),
            state,
            seat: None,
            account: None,
            profile: None,
            last_kept: LastKept::default(),
            keeps_credentials: false,
            reads_only: false,
        }
    }

    /// The session that the login of this project allows, wherever it is kept.
    ///
    /// # Errors
    /// Where nobody is logged in, among others.
    pub async fn open(project: Project) -> Result<Self, Problem> {
        let seat = Seat::of_user(Some(project.clone()), Wanted::default()).await?;
        Self::at(seat, project).await
    }

    /// The session of whoever is logged in at `seat`.
    ///
    /// # Errors
    /// Where nobody is, or where the login cannot be read.
    pub async fn at(seat: Seat, project: Project) -> Result<Self, Problem> {
        let found = seat.find().await?.ok_or_else(|| login::not_logged_in(&seat))?;
        let account = found.account().map(Arc::from);
        let base = found.base.clone();
        let client = Client::new(found.base, found.token).map_err(|error| error.problem())?;
        let kept = seat.clone();
        client.when_the_login_is_over(Arc::new(move || {
            let (seat, base) = (kept.clone(), base.clone());
            Box::pin(async move {
                let found = seat.find().await.ok().flatten();
                // The project's file may be about another API by now.
                found.filter(|found| found.base == base).map(|found| found.token)
            })
        }));
        Ok(Self { account, ..Self::seated(client, seat, project) })
    }

    /// The session of nobody: what needs no login works, and somebody can log in.
    ///
    /// # Errors
    /// Where no connection can be made at all.
    pub fn nobody(seat: Seat, project: Project) -> Result<Self, Problem> {
        let client = Client::nobody(seat.base().clone()).map_err(|error| error.problem())?;
        Ok(Self::seated(client, seat, project))
    }

    fn seated(client: Client, seat: Seat, project: Project) -> Self {
        let state = seat.state().cloned();
        Self { reads_only: seat.reads_only(), seat: Some(Arc::new(seat)), ..Self::new(client, project, state) }
    }

    /// Logs in with a token: asks the server whose it is, and stores it in the project for the next time.
    pub async fn log_in(
        project: Project,
        state: Option<StateDirectory>,
        base: BaseUrl,
        token: Secret,
    ) -> Result<Self, Problem> {
        let client = Client::new(base, token.clone()).map_err(|error| error.problem())?;
        let me = client.me().await.map_err(|error| error.problem())?;
        let credentials = Credentials {
            token,
            api_url: client.base().to_string(),
            email: me.user.email,
            user_id: Some(me.user.id),
            authenticated_at: Some(jiff::Timestamp::now().to_string()),
            context: None,
        };
        let folder = project.clone();
        match tokio::task::spawn_blocking(move || credentials.write(&folder)).await {
            Ok(written) => written.map(drop).map_err(|error| error.problem())?,
            Err(stopped) => return Err(Problem::new("The login could not be stored.").detail(stopped.to_string())),
        }
        Ok(Self::new(client, project, state))
    }

    /// The Management API.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The project folder.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The same session, in which this profile is meant where several name the same tenant.
    #[must_use]
    pub fn with_profile(self, name: Option<String>) -> Self {
        Self { profile: name.map(Arc::from), ..self }
    }

    /// That profile.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Where somebody can log in and out.
    ///
    /// # Errors
    /// For a login that was handed in, which is nobody's to change.
    pub fn seat(&self) -> Result<&Seat, Problem> {
        self.seat.as_deref().ok_or_else(|| {
            Problem::new("This session has a login of its own.").hint("Leave it to log in as somebody else.")
        })
    }

    /// Whose list of tenants it is, as far as the login says so itself.
    #[must_use]
    pub fn whose(&self) -> Option<Whose> {
        let account = self.account.as_deref()?.to_owned();
        Some(Whose { api: self.client.base().to_string(), account })
    }

    /// The same, which keeps what this machine has of the credentials of a tenant that it deletes, where `keeps` is true.
    #[must_use]
    pub fn keeping_credentials(self, keeps: bool) -> Self {
        Self { keeps_credentials: keeps, ..self }
    }

    /// The same, which writes nothing that somebody did not ask for, where `reads_only` is true.
    #[must_use]
    pub fn reading_only(self, reads_only: bool) -> Self {
        Self { reads_only: self.reads_only || reads_only, ..self }
    }

    /// True where nothing is written unasked.
    pub(super) fn reads_only(&self) -> bool {
        self.reads_only
    }

    /// True where they are kept.
    pub(super) fn keeps_credentials(&self) -> bool {
        self.keeps_credentials
    }

    /// What is known of the project's list of tenants.
    pub(super) fn last_kept(&self) -> &LastKept {
        &self.last_kept
    }

    /// Where deploys are remembered; `None` where there is no place for it.
    #[must_use]
    pub fn state(&self) -> Option<&StateDirectory> {
        self.state.as_ref()
    }

    /// The Docker Engine, looked for anew: it may have been started, or another context chosen, since the last time.
    pub async fn engine(&self) -> Result<Engine, Problem> {
        find_engine().await
    }
}

/// The engine, whoever asks for it.
pub(super) async fn find_engine() -> Result<Engine, Problem> {
    // Reads the Docker configuration's files.
    match tokio::task::spawn_blocking(Engine::connect).await {
        Ok(found) => found.map_err(|error| error.problem()),
        Err(stopped) => Err(Problem::new("The search for the Docker Engine stopped.").detail(stopped.to_string())),
    }
}
