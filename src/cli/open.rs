//! `tenantry` without a command: the full-screen program on the project of the working directory, in a context of the
//! configuration or with the login of the project.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use super::first_start;
use crate::model::Problem;
use crate::ops::Session;
use crate::ops::login::{Seat, Surroundings, Wanted};
use crate::settings::{self, Config, Context, ContextKind, LastTenants, ScreenState, Whose};
use crate::tui::{self, ContextChoice, Look, Options, Way};
use crate::workspace::{Project, StateDirectory, WorkspaceError};

/// What the command line says about the screen.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Screen {
    /// Context of the configuration to work in; else the project's own login, else the configuration's default. That of a
    /// command stands behind it: `tenantry plans --context staging`.
    #[arg(long, value_name = "NAME", add = crate::cli::complete::contexts())]
    context: Option<String>,
    /// Change nothing outside of this program.
    #[arg(long)]
    read_only: bool,
    /// Draw with the characters of ASCII alone.
    #[arg(long)]
    ascii: bool,
    /// Print a configuration with every setting, its default and its meaning, and end.
    #[arg(long)]
    print_config: bool,
}

impl Screen {
    /// True where only the template is wanted.
    pub(super) fn wants_template(&self) -> bool {
        self.print_config
    }
}

pub(super) async fn run(arguments: Screen, stop: CancellationToken) -> Result<(), Problem> {
    if !std::io::stdout().is_terminal() {
        return Err(Problem::new("Standard output is not a terminal.")
            .hint("Run `tenantry` in a terminal, or see `tenantry --help` for commands."));
    }
    let here = std::env::current_dir()
        .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
    let directory = StateDirectory::of_user();
    let opened = blocking(move || open(&arguments, &here, directory)).await??;
    let Opened { config, project, directory, arguments, mut problem, mut state } = opened;
    let mut wanted = arguments.context.clone();
    let mut before: Option<Session> = None;
    let mut again = None;
    loop {
        let bare = {
            let (root, state) = (project.root.clone(), state.clone());
            blocking(move || first_start::folder(&root, &state)).await?
        };
        let session = match session(&config, &project, bare.is_none(), wanted.clone()).await {
            Ok(session) => session.reading_only(arguments.read_only),
            // The way back is open: whoever switched stays where they were, and is told.
            Err(failed) => match before.take() {
                Some(session) => {
                    problem = Some(failed);
                    // The seat that did not come about may have turned the process to its own.
                    if let Ok(seat) = session.seat() {
                        seat.go_its_way();
                    }
                    session
                }
                None => return Err(failed),
            },
        };
        let context = session.seat().ok().and_then(|seat| seat.context().cloned());
        wanted = context.as_ref().map(|context| context.name.clone()).or_else(|| arguments.context.clone());
        let mut options = options(&config, &arguments, &session, context.as_ref());
        options.bare_folder = bare;
        options.problem = problem.take().or(options.problem);
        options.again = again.take();
        options.state.clone_from(&state);
        let place = directory.clone().zip(session.whose());
        options.last_tenants = match place.clone() {
            Some((state, whose)) => blocking(move || LastTenants::load(&state, &whose)).await?,
            None => None,
        };
        let left = Box::pin(tui::run(Arc::new(session.clone()), options, stop.clone()))
            .await
            .map_err(|error| error.problem())?;
        state = left.state;
        remember(&state, directory.as_ref()).await;
        // Whoever logged out leaves nothing behind.
        let is_over = left.way == Way::Reopen;
        if let (Some(tenants), Some((state, whose)), false) = (left.tenants, place, is_over) {
            keep(tenants, state, whose).await;
        }
        match left.way {
            Way::Out => return Ok(()),
            Way::Switch(name) => {
                wanted = Some(name);
                before = Some(session);
            }
            Way::Reopen => {
                again = left.again;
                before = None;
            }
        }
    }
}

/// What has been read before the screen opens.
struct Opened {
    config: Config,
    project: Project,
    directory: Option<StateDirectory>,
    arguments: Screen,
    problem: Option<Problem>,
    state: ScreenState,
}

fn open(arguments: &Screen, here: &Path, directory: Option<StateDirectory>) -> Result<Opened, Problem> {
    let loaded = settings::load().map_err(|error| error.problem())?;
    let problem = loaded.problem();
    let config = loaded.config;
    let project = match Project::discover(here) {
        Err(WorkspaceError::NoProject { .. }) => Project { root: here.to_owned() },
        found => found.map_err(|error| error.problem())?,
    };
    let state = directory.as_ref().map_or_else(ScreenState::default, ScreenState::load);
    Ok(Opened { config, project, directory, arguments: arguments.clone(), problem, state })
}

/// The session of a context, or of what the project used last. Without a login it is nobody's: the screen opens all the
/// same, and offers to log in.
async fn session(
    config: &Config,
    project: &Project,
    is_project: bool,
    context: Option<String>,
) -> Result<Session, Problem> {
    // A folder that is no project keeps no login: it would become half of one by that.
    let (config, around) = (config.clone(), Surroundings::of_user(is_project.then(|| project.clone())));
    let wanted = Wanted { context, base: None };
    let seat = blocking(move || Seat::choose(&config, around, wanted)).await??;
    match Session::at(seat.clone(), project.clone()).await {
        // Nobody could log in there: the token comes from elsewhere.
        Err(problem) if problem.requires_login && seat.can_log_in().is_ok() => Session::nobody(seat, project.clone()),
        opened => opened,
    }
}

fn options(config: &Config, arguments: &Screen, session: &Session, context: Option<&Context>) -> Options {
    let mut options = tui::for_session(session);
    let kind = ContextKind::of(session.client().base().url());
    if let Some(context) = context {
        options.context_label.clone_from(&context.name);
        options.protected = context.protected;
    }
    options.look = Look::of(config, context, kind);
    if arguments.ascii {
        options.look.charset = crate::telling::charset::Charset::Ascii;
    }
    options.read_only = arguments.read_only || config.ui.read_only;
    options.unlock_minutes = Some(config.ui.unlock_minutes);
    options.clear_secrets_seconds = Some(config.ui.clear_secrets_seconds);
    options.log_megabytes = Some(config.ui.log_megabytes);
    options.timestamps = config.ui.timestamps;
    options.local_image = Some(config.local.image.clone());
    options.outside.mouse = config.ui.mouse;
    options.outside.notify = config.ui.notify;
    options.outside.editor.clone_from(&config.ui.editor);
    let (keys, mistakes) = tui::own_keys(config);
    options.keys = keys;
    if let Some(first) = mistakes.first() {
        options.problem = Some(Problem::new("Some keys of the configuration cannot be read.").detail(first.clone()));
    }
    options.contexts = config
        .contexts
        .iter()
        .map(|context| ContextChoice {
            name: context.name.clone(),
            api: context.api.host_str().unwrap_or_default().to_owned(),
            protected: context.protected,
        })
        .collect();
    options
}

/// What cannot be remembered is no reason to say anything: the program works without it.
async fn remember(state: &ScreenState, directory: Option<&StateDirectory>) {
    let Some(directory) = directory.cloned() else { return };
    let state = state.clone();
    let saved = blocking(move || state.save(&directory)).await;
    if let Ok(Err(error)) = saved {
        tracing::warn!(%error, "the state of the screen cannot be kept");
    }
}

/// The list of tenants, for the beginning of the next time.
async fn keep(tenants: LastTenants, state: StateDirectory, whose: Whose) {
    let saved = blocking(move || tenants.save(&state, &whose)).await;
    if let Ok(Err(error)) = saved {
        tracing::warn!(%error, "the list of tenants cannot be kept");
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|stopped| Problem::new("Reading the configuration stopped.").detail(stopped.to_string()))
}
