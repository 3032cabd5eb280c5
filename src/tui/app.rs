//! Everything that the screen knows, as plain data. Only `update` changes it, only `view` draws it; it reads no clock
//! and does no I/O, so every state can be made in a test.
//!
//! [`Shared`] is what several parts of the screen look at; a pane's own state is in [`Panes`], and no pane sees another's.

use jiff::{Timestamp, tz::TimeZone};
use std::time::Duration;

use super::again::{Again, Asked};
use super::bought::{Bought, Ordered};
use super::commands::Scope;
use super::deploys::Deploys;
use super::dialogs::Dialog;
use super::dialogs::new_local::NewLocal;
use super::dialogs::new_tenant::Purchase;
use super::jobs::{Jobs, Slot};
use super::key::Key;
use super::keymap::{Keymap, Own};
use super::lock::Lock;
use super::pace::Pace;
use super::pages::Page;
use super::panes::{Pane, Panes};
use super::tenants::Tenants;
use super::theme::{Theme, Wanted};
use super::update::clipboard::Clipboard;
use super::update::login::LoginState;
use super::view::layout::Splits;
use crate::model::{Me, Problem, Tenant, TenantId};
use crate::settings::{LastTenants, ScreenState, Timestamps};

/// What the program was started with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
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
    /// Change nothing outside of the program.
    pub read_only: bool,
    /// The context is protected: dangerous commands need an unlock that expires.
    pub protected: bool,
    /// How the screen should look.
    pub look: Wanted,
    /// What happens around the screen.
    pub outside: super::outside::Settings,
    /// The person's own keys.
    pub keys: Vec<Own>,
    /// The contexts of the configuration.
    pub contexts: Vec<ContextChoice>,
    /// What is remembered of the last time.
    pub state: ScreenState,
    /// The tenants as they were the last time, to be shown until the API answers.
    pub last_tenants: Option<LastTenants>,
    /// When the login ends, as it says itself.
    pub login_ends: Option<Timestamp>,
    /// What a login that was over broke off, before the screen was opened again.
    pub again: Option<Again>,
    /// What went wrong before the screen opened.
    pub problem: Option<Problem>,
    /// How long an unlock lasts, minutes; nothing set is ten.
    pub unlock_minutes: Option<u32>,
    /// How long a copied secret stays in the clipboard, seconds; nothing set is 45.
    pub clear_secrets_seconds: Option<u32>,
    /// What the logs of all tenants together may take in memory, megabytes of 2^20 bytes; nothing set is 64.
    pub log_megabytes: Option<u32>,
    /// What stands in front of log lines.
    pub timestamps: Timestamps,
    /// The folder that the program works in, where it is no project.
    pub bare_folder: Option<BareFolder>,
    /// The image of a local tenant's database, where the configuration says one.
    pub local_image: Option<String>,
    /// Everything is thrown away at the end: nothing of one's own belongs here.
    pub throw_away: bool,
}

/// A folder that is no project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BareFolder {
    /// Its path, harmless.
    pub shown: String,
    /// Whether the program begins with the question what to do there.
    pub asks: bool,
}

/// A context that can be switched to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextChoice {
    /// What the person calls it.
    pub name: String,
    /// The Management API's host.
    pub api: String,
    /// Whether it is protected.
    pub protected: bool,
}

/// A point in time, twice: for people, and for measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Wall clock.
    pub wall: Timestamp,
    /// Since the program started; never goes back.
    pub running: Duration,
}

/// Whether something we depend on answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// Not asked yet.
    #[default]
    Unknown,
    /// It answers; its name, or its pace in words.
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
    /// The unlock of a protected context ends.
    pub lock: Option<Duration>,
    /// A secret goes out of the clipboard.
    pub clipboard: Option<Duration>,
    /// The login is in its last hour.
    pub login: Option<Duration>,
}

impl Timers {
    /// When the first of them is due.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        let all = [self.spinner, self.toast, self.feeds, self.health, self.list, self.ages, self.lock, self.clipboard];
        all.into_iter().chain([self.login]).flatten().min()
    }
}

/// Takes `timer` if it is due.
pub(super) fn is_due(timer: &mut Option<Duration>, now: Duration) -> bool {
    timer.take_if(|due| *due <= now).is_some()
}

/// What every part of the screen may look at.
#[derive(Debug, Clone)]
pub struct Shared {
    /// What the program was started with.
    pub options: Options,
    /// The styles.
    pub theme: Theme,
    /// The person's time zone.
    pub zone: TimeZone,
    /// Which key does what.
    pub keymap: Keymap,
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
    /// How fast it answers; of its last answer, also while it does not.
    pub pace: Option<Pace>,
    /// The Docker Engine.
    pub engine: Health,
    /// The tenants and the selection.
    pub tenants: Tenants,
    /// When the API said which they are, the last time.
    pub listed_at: Option<Timestamp>,
    /// The tenant that the panes tell about: the selected one, once the selection has come to rest.
    pub followed: Option<TenantId>,
    /// The deploys since the program started.
    pub deploys: Deploys,
    /// The purchase under way, also while its dialog is closed.
    pub purchase: Option<Purchase>,
    /// The purchase that is being begun, also while its dialog is closed.
    pub ordered: Option<Ordered>,
    /// The tenants that were bought on this screen, with what is to be done for them.
    pub bought: Vec<Bought>,
    /// Whether anything may be changed.
    pub lock: Lock,
    /// What is known of the login.
    pub login: LoginState,
    /// What a login that was over broke off.
    pub again: Option<Again>,
    /// What was asked for and may have to be asked for again after a login, until its answer is there.
    pub asked: Vec<(Slot, Asked)>,
    /// What the question whether to go on is about.
    pub go_on: Option<(TenantId, Asked)>,
    /// It was handed over by the screen before a login: now it can be gone on with.
    pub is_again_due: bool,
    /// What is being copied, and the secret that is in the clipboard.
    pub clipboard: Clipboard,
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

impl Shared {
    /// The selected tenant.
    #[must_use]
    pub fn selected(&self) -> Option<&Tenant> {
        self.tenants.selected()
    }

    /// The first key of a command, as it is shown; nothing where it has none.
    #[must_use]
    pub fn key_of(&self, id: &str) -> String {
        self.keymap.shown(id).unwrap_or_default()
    }

    /// How a command is done, within a sentence: `press d`, or where it has no key, `choose "deploy" in the palette`.
    #[must_use]
    pub fn press(&self, id: &str) -> String {
        if let Some(key) = self.keymap.shown(id) {
            return format!("press {key}");
        }
        let title = super::commands::table().find(|command| command.id == id).map_or(id, |command| command.title);
        format!("choose \"{title}\" in the palette")
    }

    /// Says a sentence at the bottom for a while.
    pub fn say(&mut self, text: impl Into<String>) {
        self.toast(text.into(), false);
    }

    /// Says bad news at the bottom for a while.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.toast(text.into(), true);
    }

    fn toast(&mut self, text: String, bad: bool) {
        self.toast = Some(Toast { text, bad });
        self.timers.toast = Some(self.now.running + super::update::TOAST);
        self.dirty = true;
    }

    /// Keeps a problem for its full text, and says its title at the bottom.
    pub fn tell(&mut self, problem: &Problem) {
        let words = words(problem);
        self.problem = Some(problem.clone());
        self.warn(words);
    }
}

/// Title and hint of a problem in one line.
#[must_use]
pub fn words(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{} {hint}", problem.title),
        None => problem.title.clone(),
    }
}

/// The whole state.
#[derive(Debug, Clone)]
pub struct App {
    /// What every part may look at.
    pub shared: Shared,
    /// The panes' own states.
    pub panes: Panes,
    /// The pane that the keys go to.
    pub focus: Pane,
    /// What stands beside the list of tenants.
    pub page: Page,
    /// The focused pane fills the screen.
    pub zoomed: bool,
    /// Where the panes are divided.
    pub splits: Splits,
    /// The border that the mouse holds.
    pub dragged: Option<super::view::layout::Border>,
    /// The mouse works on the screen; else it is the terminal's.
    pub mouse: bool,
    /// What is open above the panes.
    pub dialog: Option<Dialog>,
    /// A local tenant that is being made out of sight, or failed there.
    pub making: Option<Box<NewLocal>>,
    /// Keys of a sequence that has not come to its end.
    pub pending: Vec<Key>,
    /// The commands that were used last, the newest first.
    pub recent: Vec<&'static str>,
}

impl App {
    /// The state before anything happened.
    #[must_use]
    pub fn new(options: Options, theme: Theme, zone: TimeZone, now: Moment, size: (u16, u16)) -> Self {
        let lock = Lock::new(options.read_only, options.protected);
        let mouse = options.outside.mouse;
        let (keymap, refused) = Keymap::new(&options.keys);
        let shared = Shared {
            options,
            theme,
            zone,
            keymap,
            now,
            size,
            frame: 0,
            account: None,
            api: Health::Unknown,
            pace: None,
            engine: Health::Unknown,
            tenants: Tenants::default(),
            listed_at: None,
            followed: None,
            deploys: Deploys::default(),
            purchase: None,
            ordered: None,
            bought: Vec::new(),
            lock,
            login: LoginState::default(),
            again: None,
            asked: Vec::new(),
            go_on: None,
            is_again_due: false,
            clipboard: Clipboard::default(),
            toast: None,
            problem: None,
            timers: Timers::default(),
            jobs: Jobs::default(),
            dirty: true,
        };
        let mut app = Self {
            shared,
            panes: Panes::default(),
            focus: Pane::Tenants,
            page: Page::default(),
            zoomed: false,
            splits: Splits::default(),
            dragged: None,
            mouse,
            dialog: None,
            making: None,
            pending: Vec::new(),
            recent: Vec::new(),
        };
        super::memory::recall(&mut app);
        app.shared.again = app.shared.options.again.take();
        app.shared.is_again_due = app.shared.again.is_some();
        if let Some(id) = app.shared.again.as_ref().and_then(|again| again.tenant.clone()) {
            app.shared.tenants.wanted = Some(id);
        }
        // Once it is known which one to select.
        if let Some(last) = app.shared.options.last_tenants.take() {
            app.shared.tenants.recall(last);
        }
        if app.shared.options.bare_folder.as_ref().is_some_and(|folder| folder.asks) {
            app.dialog = Some(Dialog::FirstStart(super::dialogs::first_start::FirstStart::question()));
        }
        if !refused.is_empty() {
            let problem = Problem::new("Some keys of the configuration are not taken.").detail(refused.join(" "));
            app.shared.tell(&problem.hint("Those commands keep their own keys."));
        }
        if let Some(problem) = app.shared.options.problem.take() {
            app.shared.tell(&problem);
        }
        app
    }

    /// The selected tenant.
    #[must_use]
    pub fn selected(&self) -> Option<&Tenant> {
        self.shared.selected()
    }

    /// The scopes whose keys are read, the strongest first.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        match &self.dialog {
            Some(dialog) => vec![dialog.scope(), Scope::Always],
            None => vec![Scope::Pane(self.focus), Scope::Main, Scope::Always],
        }
    }

    /// True while something on the screen really moves.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        let shared = &self.shared;
        let answers = !matches!(shared.api, Health::Down(_));
        shared.deploys.any_running()
            || shared.jobs.is_running(&Slot::Checkout)
            || shared.jobs.is_running(&Slot::Pay)
            || (answers && (shared.tenants.is_loading() || shared.tenants.any_moving()))
            || self.dialog.as_ref().is_some_and(Dialog::is_moving)
            || super::view::layout::visible(self).into_iter().any(|pane| self.panes.get(pane).is_moving(shared))
    }

    /// When something is due, since the start of the program.
    #[must_use]
    pub fn next_wake(&self) -> Option<Duration> {
        let panes = super::view::layout::visible(self).into_iter().filter_map(|pane| self.panes.get(pane).wake());
        panes.chain(self.shared.timers.next()).min()
    }
}
