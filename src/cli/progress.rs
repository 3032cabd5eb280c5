//! A deploy shown on the command line, from its first word to its end: as a view that is redrawn in place, as lines, or as
//! JSON. Also decides what a signal means meanwhile, and which exit code the end has.

mod json;
mod lines;
mod live;

use clap::Args;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io::IsTerminal;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::frame::{Failure, Output as Asks};
use super::stop::{Suspension, Twice};
use crate::model::progress::{DeployOutcome, DeployProgress, DeployStep};
use crate::model::{Problem, Tenant, TenantId};

/// Between two pictures.
const TURN: Duration = Duration::from_millis(100);
/// What can be said before whoever says it has to wait.
const WAITING: usize = 256;

/// How a tenant's deploy ended; without an outcome where it was only looked at.
pub(super) type Ended = (TenantId, Result<Option<DeployOutcome>, Problem>);

/// How the progress is told. With `--quiet` the tenant's address is: whoever deploys in a script goes on with it.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
#[group(id = "Progress")]
pub(super) struct Output {
    #[command(flatten)]
    asks: Asks,
    /// Print a JSON object per event, one on each line.
    #[arg(long, conflicts_with_all = ["json", "quiet", "plain"])]
    events: bool,
    /// Print lines, also on a terminal.
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    plain: bool,
}

/// See [`Output`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Redrawn in place.
    Live,
    /// A line for everything that happens.
    Lines,
    /// The address at the end.
    Quiet,
    /// One document at the end.
    Json,
    /// An object for everything that happens.
    Events,
}

impl Output {
    /// The mode, where `is_live` says whether a picture can be redrawn.
    pub(super) fn mode(self, is_live: bool) -> Mode {
        match self {
            Self { asks, .. } if asks.json() => Mode::Json,
            Self { events: true, .. } => Mode::Events,
            Self { asks, .. } if asks.quiet() => Mode::Quiet,
            Self { plain: false, .. } if is_live => Mode::Live,
            _ => Mode::Lines,
        }
    }

    /// What every command has of it: whether anything may be asked, for one.
    pub(super) fn asks(self) -> Asks {
        self.asks
    }

    /// The mode for this process's standard output.
    pub(super) fn mode_here(self) -> Mode {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        self.mode(std::io::stdout().is_terminal() && !is_dumb)
    }
}

/// Something that tells deploys.
pub(super) trait Shows {
    /// A tenant's deploy says something.
    fn take(&mut self, tenant: &TenantId, said: DeployProgress);
    /// A tenth of a second has passed.
    fn tick(&mut self) {}
    /// It was asked to stop; `with_server` where the server goes on by itself.
    fn stopping(&mut self, with_server: bool) {
        super::note(if with_server { LEAVING } else { STOPPING });
    }
    /// The process is about to be stopped, and may go on later.
    fn suspend(&mut self) {}
    /// All have ended.
    ///
    /// # Errors
    /// What was asked for could not be printed, now or on the way: a script must not take that for an end like any other.
    fn end(&mut self, ended: &[Ended]) -> Result<(), Problem>;
}

const STOPPING: &str = "Stopping; what runs there goes on running. Ctrl-C again leaves at once.";
const LEAVING: &str = "Leaving it to the server, which goes on by itself. Ctrl-C again leaves at once.";

/// What shows the deploys of `tenants` in this mode. `several` is true where more than one could have been asked for.
pub(super) fn shown(mode: Mode, tenants: &[Tenant], several: bool) -> Box<dyn Shows> {
    let names: Vec<_> = tenants.iter().map(|tenant| (tenant.id.clone(), tenant.name.clone())).collect();
    match mode {
        Mode::Live => Box::new(live::Live::new(names)),
        Mode::Lines => Box::new(lines::Plain::new(names)),
        Mode::Quiet => Box::new(lines::Quiet),
        Mode::Json => Box::new(json::Document { several, names: json::Names::new(names) }),
        Mode::Events => Box::new(json::Events { names: json::Names::new(names), failed: None }),
    }
}

/// A deploy that could not begin, told as the mode wants it.
pub(super) fn not_begun(mode: Mode, failure: &Failure) -> Exit {
    failure.tell(matches!(mode, Mode::Json | Mode::Events))
}

/// Shows `work` as `mode` wants it until its end. The first signal stops it, the second leaves at once.
pub(super) async fn watch<F, Fut>(mode: Mode, shown: Box<dyn Shows>, stop: CancellationToken, work: F) -> Exit
where
    F: FnOnce(Sender<(TenantId, DeployProgress)>, CancellationToken) -> Fut,
    Fut: Future<Output = Vec<Ended>>,
{
    let ended = match Twice::listen() {
        Ok(mut twice) => watch_until(shown, stop, twice.asked(), work).await,
        Err(error) => Err(super::cannot_listen(&error)),
    };
    ended.unwrap_or_else(|problem| not_begun(mode, &problem.into()))
}

/// The same; `hurry` ends when somebody asked twice.
async fn watch_until<F, Fut>(
    mut shown: Box<dyn Shows>,
    stop: CancellationToken,
    hurry: impl Future<Output = ()>,
    work: F,
) -> Result<Exit, Problem>
where
    F: FnOnce(Sender<(TenantId, DeployProgress)>, CancellationToken) -> Fut,
    Fut: Future<Output = Vec<Ended>>,
{
    let mut hurry = std::pin::pin!(hurry);
    let mut suspension = Suspension::listen().map_err(|error| super::cannot_listen(&error))?;
    let (sender, mut said) = mpsc::channel(WAITING);
    let mut work = std::pin::pin!(work(sender, stop.clone()));
    let mut turns = tokio::time::interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut known = Known::default();
    let mut is_stopping = false;
    let ended = loop {
        tokio::select! {
            biased;
            () = &mut hurry => return Err(left_at_once(&known)),
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                shown.stopping(known.is_with_server());
            }
            () = suspension.asked() => {
                shown.suspend();
                Suspension::suspend();
            }
            _ = turns.tick() => shown.tick(),
            Some((tenant, moved)) = said.recv() => known.pass_on(&tenant, moved, shown.as_mut()),
            ended = &mut work => break ended,
        }
    };
    while let Ok((tenant, moved)) = said.try_recv() {
        known.pass_on(&tenant, moved, shown.as_mut());
    }
    let printed = shown.end(&ended);
    let exit = Exit::of_all(ended.iter().map(|(tenant, result)| match result {
        Ok(_) => Exit::Done,
        Err(problem) => Exit::of_deploy(problem, known.failed.get(tenant).copied()),
    }));
    // Standard output is what failed: it is told on the other one.
    let printed = printed.map_err(|problem| Failure::from(problem).tell(false));
    Ok(if exit == Exit::Done { printed.err().unwrap_or(exit) } else { exit })
}

/// What decides about signals and exit codes.
#[derive(Default)]
struct Known {
    /// Where each deploy failed first.
    failed: HashMap<TenantId, DeployStep>,
    /// Whose image the server was asked to run, and has not answered for; the others are still stopped.
    with_server: HashSet<TenantId>,
    /// Those that are under way at all.
    under_way: HashSet<TenantId>,
}

impl Known {
    /// True where nobody can stop what is under way any more.
    fn is_with_server(&self) -> bool {
        !self.with_server.is_empty() && self.with_server.len() == self.under_way.len()
    }

    fn pass_on(&mut self, tenant: &TenantId, said: DeployProgress, shown: &mut dyn Shows) {
        self.under_way.insert(tenant.clone());
        match &said {
            DeployProgress::Failed { step, .. } => {
                self.failed.entry(tenant.clone()).or_insert(*step);
            }
            DeployProgress::Started { step: DeployStep::Deploy } => {
                self.with_server.insert(tenant.clone());
            }
            DeployProgress::Started { step: DeployStep::Rollback } => {
                self.with_server.remove(tenant);
            }
            _ => {}
        }
        shown.take(tenant, said);
    }
}

fn left_at_once(known: &Known) -> Problem {
    let problem = Problem::new("Left before the deploy had stopped.");
    if known.with_server.is_empty() {
        problem.hint("What runs there goes on running.")
    } else {
        problem.hint("The server may have accepted it; `tenantry` shows what the tenant runs.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard {
        said: usize,
        ended: usize,
        stopping: Vec<bool>,
    }

    struct Listens(std::rc::Rc<std::cell::RefCell<Heard>>);

    impl Shows for Listens {
        fn take(&mut self, _: &TenantId, _: DeployProgress) {
            self.0.borrow_mut().said += 1;
        }
        fn stopping(&mut self, with_server: bool) {
            self.0.borrow_mut().stopping.push(with_server);
        }
        fn end(&mut self, ended: &[Ended]) -> Result<(), Problem> {
            self.0.borrow_mut().ended = ended.len();
            Ok(())
        }
    }

    #[tokio::test]
    async fn everything_said_is_shown_and_the_step_makes_the_exit_code() {
        let heard = std::rc::Rc::new(std::cell::RefCell::new(Heard::default()));
        let tenant = TenantId::new("t").expect("an id");
        let shown = Box::new(Listens(heard.clone()));
        let exit = watch(Mode::Lines, shown, CancellationToken::new(), |sender, _| async move {
            let step = DeployStep::Preflight;
            let problem = Problem::new("No Dockerfile.");
            let failed = DeployProgress::Failed { step, problem: problem.clone(), took: Duration::ZERO };
            // Said in the same breath as the end.
            for said in [DeployProgress::Started { step }, failed] {
                sender.send((tenant.clone(), said)).await.expect("heard");
            }
            vec![(tenant, Err(problem))]
        })
        .await;
        assert_eq!(exit, Exit::Preflight);
        assert_eq!((heard.borrow().said, heard.borrow().ended), (2, 1));
    }

    /// The first signal is passed on and told once; the second does not wait for work that never ends.
    #[tokio::test]
    async fn asked_twice_it_leaves_without_waiting() {
        for step in [DeployStep::Build, DeployStep::Deploy] {
            let heard = std::rc::Rc::new(std::cell::RefCell::new(Heard::default()));
            let tenant = TenantId::new("t").expect("an id");
            let stop = CancellationToken::new();
            let (told, stopped) = (heard.clone(), stop.clone());
            let hurry = async move {
                while told.borrow().said == 0 {
                    tokio::task::yield_now().await;
                }
                stopped.cancel();
                while told.borrow().stopping.is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            let ended = watch_until(Box::new(Listens(heard.clone())), stop, hurry, |sender, _| async move {
                sender.send((tenant, DeployProgress::Started { step })).await.expect("heard");
                std::future::pending().await
            })
            .await;
            let with_server = step == DeployStep::Deploy;
            let problem = ended.expect_err("left");
            assert_eq!(problem.title, "Left before the deploy had stopped.");
            assert_eq!(problem.hint.is_some_and(|hint| hint.contains("server may have accepted")), with_server);
            assert_eq!(heard.borrow().stopping, [with_server]);
        }
    }

    #[test]
    fn a_terminal_shows_a_picture_unless_something_else_is_asked_for() {
        let none = Output::default();
        let of = |word| Output { asks: Asks::of(word), ..none };
        for (output, live, mode) in [
            (none, true, Mode::Live),
            (none, false, Mode::Lines),
            (Output { plain: true, ..none }, true, Mode::Lines),
            (of("--json"), true, Mode::Json),
            (Output { events: true, ..none }, false, Mode::Events),
            (of("--quiet"), true, Mode::Quiet),
        ] {
            assert_eq!(output.mode(live), mode);
        }
    }
}
