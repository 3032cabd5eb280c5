//! Everything that the screen knows, as plain data. Only `update` changes it, only `view` draws it; it
//! reads no clock and does no I/O, so every state can be made in a test.

use jiff::{Timestamp, tz::TimeZone};
use std::time::Duration;

use super::commands::Scope;
use super::dialogs::Dialog;
use super::dialogs::new_tenant::Purchase;
use super::jobs::{Jobs, Slot};
use super::panes::{deploy, events, logs, tenants};
use super::theme::Theme;
use crate::model::{Me, Problem, Tenant};

/// What the program was started with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The Management API's host, for the header.
    pub api_label: String,
    /// Which cloud this is: `sandbox`, `production`.
    pub context_label: String,
    /// Pay through the sandbox page's form without a browser.
    pub auto_pay: bool,
    /// One line to keep in sight, such as where the sample project lies.
    pub notice: Option<String>,
    /// Show no colours.
    pub no_color: bool,
    /// What happens around the screen.
    pub outside: super::outside::Settings,
}

/// A point in time, twice: for people, and for measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Wall clock.
    pub wall: Timestamp,
    /// Since the program started; never goes back.
    pub running: Duration,
}

/// The four panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The list of tenants.
    Tenants,
    /// The selected tenant's events.
    Events,
    /// Its deploy.
    Deploy,
    /// Its logs.
    Logs,
}

impl Pane {
    /// All panes in the order of Tab.
    pub const ALL: [Self; 4] = [Self::Tenants, Self::Events, Self::Deploy, Self::Logs];

    /// The word in titles and tabs.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tenants => "Tenants",
            Self::Events => "Events",
            Self::Deploy => "Deploy",
            Self::Logs => "Logs",
        }
    }

    /// The pane `steps` further, around the end.
    #[must_use]
    pub fn step(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// Whether something we depend on answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// Not asked yet.
    #[default]
    Unknown,
    /// It answers; its name where it has one.
    Up(String),
    /// It does not.
    Down(Problem),
}

/// A sentence that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What happened.
    pub text: String,
    /// True where it is bad news.
    pub bad: bool,
}

/// The armed timers: when each is due, since the start of the program. Nothing armed means no wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timers {
    /// The next turn of the spinner; only while something moves.
    pub spinner: Option<Duration>,
    /// The toast goes away.
    pub toast: Option<Duration>,
    /// The feeds follow the selection, once it has come to rest.
    pub feeds: Option<Duration>,
    /// The next questions to API and engine.
    pub health: Option<Duration>,
    /// The tenant list is loaded again.
    pub list: Option<Duration>,
    /// The ages on the screen are old.
    pub ages: Option<Duration>,
}

impl Timers {
    /// When the first of them is due.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        [self.spinner, self.toast, self.feeds, self.health, self.list, self.ages].into_iter().flatten().min()
    }
}

/// Takes `timer` if it is due.
pub(super) fn is_due(timer: &mut Option<Duration>, now: Duration) -> bool {
    timer.take_if(|due| *due <= now).is_some()
}

/// The whole state.
#[derive(Debug, Clone)]
pub struct App {
    /// What the program was started with.
    pub options: Options,
    /// The styles.
    pub theme: Theme,
    /// The person's time zone.
    pub zone: TimeZone,
    /// The time of the newest tick.
    pub now: Moment,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The spinner's turn.
    pub frame: usize,
    /// Who is logged in, or why that is not known.
    pub account: Option<Result<Me, Problem>>,
    /// The Management API.
    pub api: Health,
    /// The Docker Engine.
    pub engine: Health,
    /// The tenants pane.
    pub tenants: tenants::State,
    /// The events pane.
    pub events: events::State,
    /// The deploy pane.
    pub deploy: deploy::State,
    /// The logs pane.
    pub logs: logs::State,
    /// The pane that the keys go to.
    pub focus: Pane,
    /// What is open above the panes.
    pub dialog: Option<Dialog>,
    /// The purchase under way, also while its dialog is closed.
    pub purchase: Option<Purchase>,
    /// A sentence at the bottom.
    pub toast: Option<Toast>,
    /// The newest problem, for its full text.
    pub problem: Option<Problem>,
    /// The armed timers.
    pub timers: Timers,
    /// The background jobs.
    pub jobs: Jobs,
    /// True when the picture is older than the state.
    pub dirty: bool,
}

impl App {
    /// The state before anything happened.
    #[must_use]
    pub fn new(options: Options, theme: Theme, zone: TimeZone, now: Moment, size: (u16, u16)) -> Self {
        Self {
            options,
            theme,
            zone,
            now,
            size,
            frame: 0,
            account: None,
            api: Health::Unknown,
            engine: Health::Unknown,
            tenants: tenants::State::default(),
            events: events::State::default(),
            deploy: deploy::State::default(),
            logs: logs::State::default(),
            focus: Pane::Tenants,
            dialog: None,
            purchase: None,
            toast: None,
            problem: None,
            timers: Timers::default(),
            jobs: Jobs::default(),
            dirty: true,
        }
    }

    /// The selected tenant.
    #[must_use]
    pub fn selected(&self) -> Option<&Tenant> {
        self.tenants.selected()
    }

    /// The scope whose keys are read.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.dialog.as_ref().map_or(Scope::Main, Dialog::scope)
    }

    /// True while something on the screen really moves.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        let answers = !matches!(self.api, Health::Down(_));
        self.deploy.running().is_some()
            || self.jobs.is_running(Slot::Checkout)
            || self.jobs.is_running(Slot::Pay)
            || (answers && (self.tenants.is_loading() || self.tenants.any_moving()))
            || self.dialog.as_ref().is_some_and(Dialog::is_moving)
    }

    /// True where the age of something within the last days is on the screen.
    #[must_use]
    pub fn shows_ages(&self) -> bool {
        self.tenants.list().iter().any(|tenant| tenant.deployed_at.is_some())
    }
}
