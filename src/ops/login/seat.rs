//! Where somebody works: the project at hand, the context, the API that a login is for, and what this machine remembers of
//! logins there. Reads files and the environment; asks neither the keyring nor the network.

use crate::api::BaseUrl;
use crate::keyring::{Key, Keyring};
use crate::model::{Problem, Secret};
use crate::outbound::{Network, use_network};
use crate::settings::{self, Config, Context, Login};
use crate::workspace::credentials::PRODUCTION;
use crate::workspace::{Credentials, KnownLogin, Logins, Project, ProjectLogin, StateDirectory};

use super::callback::is_token;

/// A token for scripts and containers; it outweighs every login that is kept.
pub const TOKEN_VARIABLE: &str = "TENANTRY_TOKEN";
/// The API that the token is for; production where it is not set.
pub const API_VARIABLE: &str = "TENANTRY_API_URL";

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A context of the configuration.
    pub context: Option<String>,
    /// An API, instead of all that is remembered.
    pub base: Option<BaseUrl>,
}

/// What is there to choose from. Taken apart from the choice, so that a test can make one.
#[derive(Clone)]
pub struct Surroundings {
    /// The project, where there is one.
    pub project: Option<Project>,
    /// Where this machine remembers things.
    pub state: Option<StateDirectory>,
    /// Where tokens are kept.
    pub keyring: Keyring,
    /// `TENANTRY_TOKEN`.
    pub token: Option<String>,
    /// `TENANTRY_API_URL`.
    pub api: Option<String>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the token.
        f.debug_struct("Surroundings").field("project", &self.project).field("api", &self.api).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_user(project: Option<Project>) -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
        Self {
            project,
            state: StateDirectory::of_user(),
            keyring: Keyring::of_user(),
            token: variable(TOKEN_VARIABLE),
            api: variable(API_VARIABLE),
        }
    }
}

/// The seat. Cheap enough to clone.
#[derive(Debug, Clone)]
pub struct Seat {
    pub(super) project: Option<Project>,
    pub(super) context: Option<Context>,
    pub(super) state: Option<StateDirectory>,
    pub(super) keyring: Keyring,
    /// The API.
    pub(super) base: BaseUrl,
    /// Somebody said which API: a login for another one does not count.
    pub(super) is_exact: bool,
    /// The token of the environment, where it is for this API.
    pub(super) variable: Option<Secret>,
    /// The login in the keyring, without its token.
    pub(super) known: Option<KnownLogin>,
    /// All that is remembered.
    pub(super) logins: Logins,
    /// The configuration says that nothing is changed.
    reads_only: bool,
    /// How addresses are reached from here.
    network: Network,
}

impl Seat {
    /// The seat of this process, with the user's configuration; may block on the disk, which it does elsewhere.
    ///
    /// # Errors
    /// A configuration that cannot be read, an unknown context, or an address that is none.
    pub async fn of_user(project: Option<Project>, wanted: Wanted) -> Result<Self, Problem> {
        super::blocking(move || {
            let config = settings::load().map_err(|error| error.problem())?.config;
            Self::choose(&config, Surroundings::of_user(project), wanted)
        })
        .await
    }

    /// The same for what is about this machine, as forgetting a login is: what is wrong with the way to the API does not
    /// matter; it is then not reached.
    ///
    /// # Errors
    /// As for [`of_user`](Self::of_user), without the way.
    pub async fn of_user_at_home(project: Option<Project>, wanted: Wanted) -> Result<Self, Problem> {
        super::blocking(move || {
            let config = settings::load().map_err(|error| error.problem())?.config;
            let (seat, _) = Self::sit(&config, Surroundings::of_user(project), wanted)?;
            seat.go_its_way();
            Ok(seat)
        })
        .await
    }

    /// Chooses: what is asked for, else what the project used last, else the project's own file, else the configuration's
    /// default, else production. From then on the process reaches addresses as the choice says. Blocks on the disk.
    ///
    /// # Errors
    /// An unknown context, an address that is none, or a token in the environment that is none; and for an API that is not on
    /// this machine a proxy or certificates that are none.
    pub fn choose(config: &Config, around: Surroundings, wanted: Wanted) -> Result<Self, Problem> {
        let (seat, wrong) = Self::sit(config, around, wanted)?;
        match wrong {
            // This machine is reached without either.
            Some(problem) if !seat.base.is_loopback() => return Err(problem),
            Some(problem) => tracing::warn!(%problem, "what is outside of this machine may not be reached"),
            None => {}
        }
        seat.go_its_way();
        Ok(seat)
    }

    /// From now on the process reaches addresses as it is said here; after another seat did not come about.
    pub fn go_its_way(&self) {
        use_network(self.network.clone());
    }

    /// The seat, and what is wrong with the way from it.
    fn sit(config: &Config, around: Surroundings, wanted: Wanted) -> Result<(Self, Option<Problem>), Problem> {
        let Surroundings { project, state, keyring, token, api } = around;
        let logins = match &state {
            Some(state) => state.logins().map_err(|error| error.problem())?,
            None => Logins::default(),
        };
        let token = token.map(|raw| token_of(&raw)).transpose()?;
        let api = api.map(|raw| BaseUrl::parse(&raw).map_err(|error| error.problem())).transpose()?;
        let used = project.as_ref().and_then(|project| logins.of_project(project)).cloned();
        let is_free = wanted.context.is_none() && wanted.base.is_none();
        let context = match &wanted.context {
            Some(name) => Some(known(config, name)?),
            // What the environment says is for no context of its own.
            None if !is_free || token.is_some() || api.is_some() => None,
            None => remembered(config, project.as_ref(), used.as_ref()),
        };
        let (base, is_exact) = match (&context, wanted.base, &api) {
            (_, Some(base), _) => (base, true),
            (Some(context), None, _) => (BaseUrl::parse(context.api.as_str()).map_err(|error| error.problem())?, true),
            (None, None, Some(api)) => (api.clone(), true),
            (None, None, None) if token.is_some() => (production()?, true),
            // What the project used last is as good as said: another API's file is no stand-in for it.
            (None, None, None) => (of_project(project.as_ref(), used.as_ref())?, used.is_some()),
        };
        let (network, wrong) = match config.network(context.as_ref()) {
            Ok(network) => (network, None),
            Err(error) => (config.network_of_this_machine(context.as_ref()), Some(error.problem())),
        };
        // A token is sent to the API that it is for, and to no other.
        let variable = match token {
            Some(token) if base == api.map_or_else(production, Ok)? => Some(token),
            _ => None,
        };
        let name = context.as_ref().map(|context| context.name.as_str());
        let known = logins.of(&base.to_string(), name).cloned();
        let reads_only = config.ui.read_only;
        let seat =
            Self { project, context, state, keyring, base, is_exact, variable, known, logins, reads_only, network };
        Ok((seat, wrong))
    }

    /// True where the configuration says that nothing is changed.
    #[must_use]
    pub fn reads_only(&self) -> bool {
        self.reads_only
    }

    /// The API that a login here is for.
    #[must_use]
    pub fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// The context, where one is worked in.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    /// The project, where there is one.
    #[must_use]
    pub fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// Where deploys are remembered.
    #[must_use]
    pub fn state(&self) -> Option<&StateDirectory> {
        self.state.as_ref()
    }

    /// Why nobody can log in here, where the token comes from a place that is not this program's to write.
    ///
    /// # Errors
    /// What to change instead.
    pub fn can_log_in(&self) -> Result<(), Problem> {
        if self.variable.is_some() {
            return Err(Problem::new(format!("{TOKEN_VARIABLE} is set, and outweighs every other login."))
                .hint(format!("Unset it to log in, or to log out: unset {TOKEN_VARIABLE}")));
        }
        match self.context.as_ref().map(|context| (&context.name, &context.login)) {
            Some((name, Login::Env(variable))) => Err(Problem::new(format!("The token of {name} is in {variable}."))
                .hint("The configuration says so: take `login` out of the context to log in here.")),
            Some((name, Login::File(path))) => {
                Err(Problem::new(format!("The token of {name} is in {}.", path.display()))
                    .hint("The configuration says so: take `login` out of the context to log in here."))
            }
            _ => Ok(()),
        }
    }

    /// What the token of a login here is found by.
    pub(super) fn key(&self) -> Key {
        Key { api: self.base.to_string(), context: self.context.as_ref().map(|context| context.name.clone()) }
    }

    /// How a project remembers this seat.
    pub(super) fn as_used(&self, in_file: bool) -> ProjectLogin {
        let Key { api, context } = self.key();
        ProjectLogin { api, context, in_file }
    }

    /// True where somebody logged in here and wanted the project's file for it.
    pub(super) fn uses_file(&self) -> bool {
        let used = self.project.as_ref().and_then(|project| self.logins.of_project(project));
        used.is_some_and(|used| *used == self.as_used(true))
    }
}

fn known(config: &Config, name: &str) -> Result<Context, Problem> {
    config.context(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = config.contexts.iter().map(|context| context.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Problem::new(format!("There is no context {name:?}."))
            .detail(format!("The configuration has: {known}."))
            .hint("`tenantry --print-config` shows how one is written.")
    })
}

/// The context that nobody named.
fn remembered(config: &Config, project: Option<&Project>, used: Option<&ProjectLogin>) -> Option<Context> {
    if let Some(used) = used {
        return used.context.as_deref().and_then(|name| config.context(name)).cloned();
    }
    // A login of the project's own is what its folder is about.
    if project.is_some_and(|project| Credentials::path(project).exists()) {
        return None;
    }
    config.first_context().cloned()
}

/// The API of a project: of the login that was used there last, else of its own file.
fn of_project(project: Option<&Project>, used: Option<&ProjectLogin>) -> Result<BaseUrl, Problem> {
    if let Some(base) = used.and_then(|used| BaseUrl::parse(&used.api).ok()) {
        return Ok(base);
    }
    // What is wrong with the file is told where its token is needed.
    let stored = project.and_then(|project| Credentials::read(project).ok().flatten());
    match stored {
        Some(stored) => BaseUrl::parse(&stored.api_url).map_err(|error| error.problem()),
        None => production(),
    }
}

fn production() -> Result<BaseUrl, Problem> {
    BaseUrl::parse(PRODUCTION).map_err(|error| error.problem())
}

fn token_of(raw: &str) -> Result<Secret, Problem> {
    let word = raw.trim();
    if is_token(word) {
        return Ok(Secret::new(word));
    }
    Err(Problem::new(format!("{TOKEN_VARIABLE} holds no token."))
        .detail("A token is one word of printable characters.")
        .hint("Put it there: one line, nothing else."))
}
