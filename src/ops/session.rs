//! Who works on what: one account on one Management API, and the project folder at hand.

use std::sync::Arc;

use crate::api::{BaseUrl, Client};
use crate::engine::Engine;
use crate::model::{Problem, Secret};
use crate::workspace::{Credentials, Project, StateDirectory};

/// What every operation needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    project: Arc<Project>,
    state: Option<StateDirectory>,
}

impl Session {
    /// A session of `client` in `project`, which remembers its deploys in `state`.
    #[must_use]
    pub fn new(client: Client, project: Project, state: Option<StateDirectory>) -> Self {
        Self { client, project: Arc::new(project), state }
    }

    /// The session that the project's stored login allows.
    pub fn open(project: Project) -> Result<Self, Problem> {
        let stored = Credentials::read(&project).map_err(|error| error.problem())?.ok_or_else(not_logged_in)?;
        let base = BaseUrl::parse(&stored.api_url).map_err(|error| error.problem())?;
        let client = Client::new(base, stored.token).map_err(|error| error.problem())?;
        Ok(Self::new(client, project, StateDirectory::of_user()))
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
        };
        let folder = project.clone();
        match tokio::task::spawn_blocking(move || credentials.write(&folder)).await {
            Ok(written) => written.map_err(|error| error.problem())?,
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

fn not_logged_in() -> Problem {
    Problem::new("Not logged in.")
        .detail("The project has no .systemprompt/credentials.json.")
        .hint("Try `tenantry demo`, which logs in by itself, or store a login there.")
        .needs_login()
}
