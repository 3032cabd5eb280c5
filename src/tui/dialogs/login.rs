//! Logging in: which way, then waiting for the browser, and how it ended. A token is typed in a line of its own, hidden.
//! What happens at each step is in `update/login.rs`.

use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::line::Line as Typed;
use super::pick::{Entry, Pick};
use super::{Dialog, anchored, text_columns};
use crate::model::Problem;
use crate::ops::login::{Failed, How, LoggedIn, Provider, Store};
use crate::tui::app::{App, Moment, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::format::{self, cut};
use crate::tui::panes::frame::{fit, problem_lines, wrapped};
use crate::tui::panes::parts::hints;
use crate::tui::theme::{Theme, spinner};
use crate::tui::update::login;
use Scope::LogIn;

/// The rows of the dialog that waits.
pub const COMMANDS: &[Command] = &[
    command(
        "login.open",
        LogIn,
        &["o", "enter"],
        "open page",
        "Open the sign-in page in the browser.",
        login::open_page,
    )
    .hinted(),
    command("login.copy", LogIn, &["y"], "copy address", "Copy the address of the sign-in page.", login::copy_address)
        .hinted(),
    command("login.token", LogIn, &["t"], "token", "Log in with a token instead.", login::ask_token).hinted(),
    command("login.close", LogIn, &["esc"], "stop", "Stop logging in.", login::close).hinted(),
];

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The API is asked where the sign-in goes on, and the keyring whether it is there.
    Starting,
    /// The browser is away.
    Browser {
        /// Where the sign-in goes on.
        url: String,
        /// The browser could not be opened.
        trouble: Option<Problem>,
    },
    /// The API is asked whose the token is.
    Checking,
    /// Somebody is logged in.
    Done(Box<LoggedIn>),
    /// Nobody is.
    Failed(Box<Failed>),
}

/// The dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// How far it is.
    pub stage: Stage,
    /// The way that was chosen, for another try.
    pub how: How,
    /// The place that was chosen.
    pub store: Option<Store>,
}

impl Login {
    /// A login that begins.
    #[must_use]
    pub fn new(how: How, store: Option<Store>) -> Self {
        Self { stage: Stage::Starting, how, store }
    }

    /// The scope whose keys it reads.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self.stage {
            Stage::Starting | Stage::Browser { .. } | Stage::Checking => LogIn,
            Stage::Done(_) | Stage::Failed(_) => Scope::Choice,
        }
    }

    /// True while something in it moves; nothing does while a person has to act.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        matches!(self.stage, Stage::Starting | Stage::Checking)
    }
}

/// The value of the entry for a token.
pub const TOKEN: &str = "token";

/// Which way.
#[must_use]
pub fn choice(app: &App, about: String) -> Dialog {
    let mut entries: Vec<Entry> = Provider::ALL
        .into_iter()
        .map(|provider| Entry::new(provider.word(), provider.label(), "sign in on its page in the browser"))
        .collect();
    entries.push(Entry::new(TOKEN, "Token", "paste one, where there is no browser"));
    let title = format!("Log in · {}", cut(&app.shared.options.api_label, 40));
    Dialog::Pick(Pick::new(title, about, entries, login::chosen).or_else(login::left))
}

/// The line for a token.
#[must_use]
pub fn token_line(shared: &Shared) -> Dialog {
    let about = format!(
        "Paste a login token and {}. It is shown nowhere, and kept once the server knows it.",
        shared.press("line.take")
    );
    Dialog::Line(Typed::ask("Log in · token", about, login::token_typed).hidden().or_else(login::left))
}

/// The keys once it failed.
const AGAIN: &[(&str, &str)] = &[("choice.take", "try again"), ("choice.close", "close")];
/// The same, where there is no keyring.
const KEEP: &[(&str, &str)] = &[("choice.take", "keep it in that file"), ("choice.close", "close")];

/// Draws the dialog.
pub fn draw(app: &App, dialog: &Login, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 64);
    let title = match &dialog.how {
        How::Browser { provider, .. } => format!("Log in · {}", provider.label()),
        How::Token(_) => "Log in · token".to_owned(),
    };
    let (above, keys): (_, &[(&str, &str)]) = match &dialog.stage {
        Stage::Starting => (vec![under_way(app, "asking where to sign in")], &[("login.close", "stop")]),
        Stage::Checking => (vec![under_way(app, "asking the server whose the token is")], &[]),
        Stage::Browser { url, trouble } => (
            waiting(theme, url, trouble.as_ref(), columns),
            &[
                ("login.open", "opens the page"),
                ("login.copy", "copies it"),
                ("login.token", "token instead"),
                ("login.close", "stop"),
            ],
        ),
        Stage::Done(logged_in) => {
            (done(theme, logged_in, app.shared.now, &app.shared.zone, columns), &[("choice.take", "go on")])
        }
        Stage::Failed(failed) => {
            let keys = if failed.no_keyring { KEEP } else { AGAIN };
            (failure(theme, failed, columns), keys)
        }
    };
    let mut below = Vec::new();
    if !keys.is_empty() {
        below.extend([Line::raw(""), hints(&app.shared, keys)]);
    }
    anchored(app, frame, area, &title, columns, above, below);
}

fn under_way(app: &App, words: &'static str) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{} ", spinner(app.shared.frame)), app.shared.theme.accent),
        Span::styled(words, app.shared.theme.dim),
    ])
}

fn waiting(theme: &Theme, url: &str, trouble: Option<&Problem>, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::raw("Sign in on this page:")];
    // Whole, however long: it may have to be copied.
    lines.extend(wrapped(url, 0, columns, usize::MAX, theme.strong));
    lines.push(Line::raw(""));
    if let Some(problem) = trouble {
        let words = format!("{} Open the page in a browser on this machine.", problem.title);
        lines.extend(wrapped(&words, 0, columns, 3, theme.warn));
        lines.push(Line::raw(""));
    }
    lines.push(Line::from(vec![Span::styled("○ ", theme.info), Span::styled("waiting for the browser", theme.text)]));
    lines
}

fn done(theme: &Theme, logged_in: &LoggedIn, now: Moment, zone: &TimeZone, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![
        Line::from(fit(
            vec![
                Span::styled("✓ ", theme.good),
                Span::styled("Logged in as ", theme.text),
                Span::styled(logged_in.me.user.email.clone(), theme.strong),
            ],
            columns,
        )),
        Line::raw(""),
    ];
    let ends = match logged_in.expires_at {
        Some(end) => {
            let date = end.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
            format!("{date}, in {}", format::estimate(end.duration_since(now.wall).unsigned_abs()))
        }
        None => "the token does not say when".to_owned(),
    };
    for (name, value) in [("API", logged_in.api.clone()), ("kept in", logged_in.kept.words()), ("ends", ends)] {
        lines.push(Line::from(fit(
            vec![Span::styled(format!("{name:<9}"), theme.dim), Span::styled(value, theme.text)],
            columns,
        )));
    }
    for warning in &logged_in.warnings {
        lines.push(Line::raw(""));
        lines.extend(problem_lines(theme, warning, 0, columns, 6));
    }
    lines
}

fn failure(theme: &Theme, failed: &Failed, columns: usize) -> Vec<Line<'static>> {
    let mut lines = problem_lines(theme, &failed.problem, 0, columns, 10);
    if failed.no_keyring {
        let words = "The login can be kept in the project's .systemprompt/credentials.json, readable by you alone.";
        lines.push(Line::raw(""));
        lines.extend(wrapped(words, 0, columns, 3, theme.text));
    }
    lines
}
