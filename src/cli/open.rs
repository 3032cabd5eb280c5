//! `tenantry` without a command: the full-screen program on the project of the working directory, in a context of the
//! configuration or with the login of the project.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::api::{BaseUrl, Client};
use crate::model::Problem;
use crate::ops::Session;
use crate::settings::{self, Config, Context, ContextKind, ScreenState};
use crate::tui::{self, ContextChoice, Look, Options, Way};
use crate::workspace::{Project, StateDirectory};

/// What the command line says about the screen.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Screen {
    /// Context of the configuration to work in; else the project's own login, else the configuration's default.
    #[arg(long, value_name = "NAME")]
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
    let Opened { config, project, directory, arguments, mut wanted, mut problem, mut state } = opened;
    let mut before: Option<Session> = None;
    loop {
        let choice = choose(&config, wanted.as_deref());
        let (session, context) = match choice.and_then(|context| session(&project, context)) {
            Ok(found) => found,
            // The way back is open: whoever switched stays where they were, and is told.
            Err(failed) => match before.take() {
                Some(session) => {
                    problem = Some(failed);
                    wanted = state.last_context.clone();
                    let context = wanted.as_deref().and_then(|name| config.context(name)).cloned();
                    (session, context)
                }
                None => return Err(failed),
            },
        };
        let mut options = options(&config, &arguments, &session, context.as_ref());
        options.problem = problem.take();
        options.state.clone_from(&state);
        let left = Box::pin(tui::run(Arc::new(session.clone()), options, stop.clone()))
            .await
            .map_err(|error| error.problem())?;
        state = left.state;
        remember(&state, directory.as_ref()).await;
        match left.way {
            Way::Out => return Ok(()),
            Way::Switch(name) => {
                wanted = Some(name);
                before = Some(session);
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
    /// The context to work in; none is the project's own login.
    wanted: Option<String>,
    problem: Option<Problem>,
    state: ScreenState,
}

fn open(arguments: &Screen, here: &Path, directory: Option<StateDirectory>) -> Result<Opened, Problem> {
    let loaded = settings::load().map_err(|error| error.problem())?;
    let problem = loaded.problem();
    let config = loaded.config;
    let project = Project::discover(here).map_err(|error| error.problem())?;
    let state = directory.as_ref().map_or_else(ScreenState::default, ScreenState::load);
    // A login of the project's own is what its folder is about; without one the configuration says where to go.
    let has_login = project.directory().join("credentials.json").exists();
    let fallback = || if has_login { None } else { config.first_context().map(|context| context.name.clone()) };
    let wanted = arguments.context.clone().or_else(fallback);
    Ok(Opened { config, project, directory, arguments: arguments.clone(), wanted, problem, state })
}

fn choose<'a>(config: &'a Config, wanted: Option<&str>) -> Result<Option<&'a Context>, Problem> {
    let Some(name) = wanted else { return Ok(None) };
    config.context(name).map(Some).ok_or_else(|| {
        let known: Vec<&str> = config.contexts.iter().map(|context| context.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Problem::new(format!("There is no context {name:?}."))
            .detail(format!("The configuration has: {known}."))
            .hint("`tenantry --print-config` shows how one is written.")
    })
}

fn session(project: &Project, context: Option<&Context>) -> Result<(Session, Option<Context>), Problem> {
    let Some(context) = context else { return Session::open(project.clone()).map(|session| (session, None)) };
    let token = context.token(Some(project)).map_err(|error| error.problem())?.ok_or_else(|| {
        Problem::new(format!("Not logged in to {}.", context.name))
            .detail(format!("No token for {} was found.", context.api))
            .hint("Set `login` of the context to a variable or a file, or log in within the project.")
            .needs_login()
    })?;
    let base = BaseUrl::parse(context.api.as_str()).map_err(|error| error.problem())?;
    let client = Client::new(base, token).map_err(|error| error.problem())?;
    let session = Session::new(client, project.clone(), StateDirectory::of_user());
    Ok((session, Some(context.clone())))
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|stopped| Problem::new("Reading the configuration stopped.").detail(stopped.to_string()))
}
