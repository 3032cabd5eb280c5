//! Buying a tenant: plan, region, options, payment. The purchase itself lives on when the dialog is closed; what comes
//! after it is in `ready.rs`.

mod options;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::field::Field;
use super::qr::Code;
use super::{Dialog, text_columns, text_rows, window};
use crate::model::{CheckoutSession, Plan, Problem, REGIONS, SessionId, TenantId};
use crate::tui::actions::done;
use crate::tui::app::App;
use crate::tui::bought::{Choice, Ordered};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::effect::Request;
use crate::tui::format::{self, cut, pad};
use crate::tui::jobs::Slot;
use crate::tui::panes::feed::Feed;
use crate::tui::panes::frame::{fit, problem_lines, wrapped};
use crate::tui::panes::parts::hints;
use crate::tui::theme::{Theme, spinner};
use crate::tui::update::{checkout, copy};
pub use options::{Row, name};

/// The rows of the dialog that waits for the payment.
pub const COMMANDS: &[Command] = &[
    command(
        "payment.open",
        Scope::Payment,
        &["o", "enter"],
        "open page",
        "Open the payment page in the browser.",
        |app| match app.shared.purchase.as_ref().map(|purchase| purchase.url.clone()) {
            Some(url) => vec![app.shared.start(Slot::Open, Request::Open(url))],
            None => done(),
        },
    )
    .hinted(),
    command("payment.copy", Scope::Payment, &["y"], "copy", "Copy the address of the payment page.", |app| {
        match app.shared.purchase.as_ref().map(|purchase| purchase.url.clone()) {
            Some(url) => copy(&mut app.shared, url, "the address of the payment page"),
            None => done(),
        }
    })
    .hinted(),
    command("payment.code", Scope::Payment, &["c"], "QR code", "Show the address as a QR code, and back.", |app| {
        if let Some(Dialog::NewTenant(dialog)) = &mut app.dialog {
            dialog.code_alone = !dialog.code_alone;
        }
        done()
    })
    .hinted(),
    command(
        "payment.anew",
        Scope::Payment,
        &["b"],
        "begin anew",
        "Leave this purchase unpaid and choose again.",
        checkout::start_over,
    )
    .hinted(),
    command(
        "payment.close",
        Scope::Payment,
        &["esc"],
        "close",
        "Close the dialog; the purchase keeps waiting.",
        |app| {
            app.dialog = None;
            done()
        },
    )
    .hinted(),
];

/// Where the dialog is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The plans are on their way.
    Loading,
    /// Which plan.
    Plan,
    /// Which region.
    Region,
    /// What else.
    Options,
    /// Its name is being typed.
    Naming,
    /// The purchase is being begun.
    Starting,
    /// Waiting for the payment of the app's purchase.
    Payment,
    /// Plans or purchase did not come; Enter tries again.
    Failed(Problem),
}

/// The dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTenant {
    /// Where it is.
    pub stage: Stage,
    /// What can be bought.
    pub plans: Vec<Plan>,
    /// The selected plan.
    pub plan: usize,
    /// The selected region.
    pub region: usize,
    /// The selected option.
    pub option: usize,
    /// What is chosen besides plan and region.
    pub choice: Choice,
    /// The line in which the name is typed.
    pub field: Field,
    /// What is wrong with what was typed.
    pub complaint: Option<String>,
    /// While it waits for the payment: the QR code has the dialog for itself. For terminals in which it has no room beside
    /// the words.
    pub code_alone: bool,
}

impl NewTenant {
    /// A dialog at `stage`.
    #[must_use]
    pub fn at(stage: Stage) -> Self {
        Self {
            stage,
            plans: Vec::new(),
            plan: 0,
            region: 0,
            option: 0,
            choice: Choice::default(),
            field: Field::default(),
            complaint: None,
            code_alone: false,
        }
    }

    /// The line that is being typed.
    pub fn field(&mut self) -> Option<&mut Field> {
        if self.stage != Stage::Naming {
            return None;
        }
        self.complaint = None;
        Some(&mut self.field)
    }

    /// Moves the selection, and stops at the ends.
    pub fn step(&mut self, down: bool) {
        let (place, count) = match self.stage {
            Stage::Plan => (&mut self.plan, self.plans.len()),
            Stage::Region => (&mut self.region, REGIONS.len()),
            Stage::Options => (&mut self.option, Row::ALL.len()),
            _ => return,
        };
        *place = if down { (*place + 1).min(count.saturating_sub(1)) } else { place.saturating_sub(1) };
    }
}

/// A purchase that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// The page to pay on.
    pub url: String,
    /// What to watch; old servers do not say it.
    pub session: Option<SessionId>,
    /// The plan's name and the region's, for people.
    pub words: String,
    /// What is done once the tenant is there.
    pub choice: Choice,
    /// The stream.
    pub feed: Feed,
    /// The tenant, once it has an id.
    pub tenant: Option<TenantId>,
    /// The tenant's name, once it has one.
    pub tenant_name: Option<String>,
    /// True once the first event came: it is paid.
    pub paid: bool,
    /// Paying or opening the page did not work.
    pub problem: Option<Problem>,
}

impl Purchase {
    /// What the server's answer begins.
    #[must_use]
    pub fn new(session: CheckoutSession, Ordered { words, choice }: Ordered) -> Self {
        let feed = if session.checkout_session_id.is_some() { Feed::Connecting } else { Feed::Off };
        Self {
            url: crate::model::text::line(&session.checkout_url),
            session: session.checkout_session_id,
            words,
            choice,
            feed,
            tenant: None,
            tenant_name: None,
            paid: false,
            problem: None,
        }
    }

    /// True while nothing says that it was paid.
    #[must_use]
    pub fn waits_for_payment(&self) -> bool {
        !self.paid
    }
}

/// Draws the dialog.
pub fn draw(app: &App, dialog: &NewTenant, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 64);
    let (title, lines) = match &dialog.stage {
        Stage::Loading => ("New tenant", vec![under_way(app, "loading plans")]),
        Stage::Starting => ("New tenant", vec![under_way(app, "beginning the purchase")]),
        Stage::Plan => ("New tenant · plan", plans(app, dialog, columns)),
        Stage::Region => ("New tenant · region", regions(app, dialog, columns)),
        Stage::Options => ("New tenant · options", options::list(app, dialog, columns)),
        Stage::Naming => ("New tenant · name", options::naming(app, dialog, columns)),
        Stage::Payment if dialog.code_alone => ("Pay with the phone", code_alone(app, columns, text_rows(area))),
        Stage::Payment => ("New tenant · payment", payment(app, columns, text_rows(area))),
        Stage::Failed(problem) => {
            let mut lines = problem_lines(theme, problem, 0, columns, 10);
            lines.push(Line::raw(""));
            lines.push(hints(&app.shared, &[("choice.take", "try again"), ("choice.close", "close")]));
            ("New tenant", lines)
        }
    };
    window(app, frame, area, title, columns, lines, 0);
}

fn under_way(app: &App, words: &'static str) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{} ", spinner(app.shared.frame)), app.shared.theme.accent),
        Span::styled(words, app.shared.theme.dim),
    ])
}

fn choice(theme: &Theme, selected: bool, name: &str, about: &str, columns: usize) -> Line<'static> {
    let (mark, style) = if selected { ("▌ ", theme.selection) } else { ("  ", theme.text) };
    Line::from(fit(
        vec![
            Span::styled(mark, theme.accent),
            Span::styled(pad(name, 16), style),
            Span::styled(about.to_owned(), if selected { theme.text } else { theme.dim }),
        ],
        columns,
    ))
}

fn plans(app: &App, dialog: &NewTenant, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let mut lines: Vec<_> = dialog
        .plans
        .iter()
        .enumerate()
        .map(|(place, plan)| {
            let mut about = Vec::new();
            if plan.memory_mb_default > 0 {
                about.push(format!("{:>4} MB", plan.memory_mb_default));
            }
            if plan.volume_gb > 0 {
                about.push(format!("{:>2} GB", plan.volume_gb));
            }
            about.extend(plan.cost());
            if let Some(most) = plan.max_tenants {
                about.push(format!("at most {most}"));
            }
            choice(theme, place == dialog.plan, &plan.name, &about.join(" · "), columns)
        })
        .collect();
    lines.push(Line::raw(""));
    lines.push(hints(&app.shared, &[("choice.take", "choose the region next"), ("choice.close", "close")]));
    lines
}

fn regions(app: &App, dialog: &NewTenant, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let mut lines: Vec<_> = REGIONS
        .iter()
        .enumerate()
        .map(|(place, region)| choice(theme, place == dialog.region, region.code, region.name, columns))
        .collect();
    lines.push(Line::raw(""));
    let plan = dialog.plans.get(dialog.plan).map_or("", |plan| plan.name.as_str());
    lines.push(Line::styled(cut(&format!("Plan {plan}."), columns), theme.dim));
    let keys = [("choice.take", "choose the options next"), ("choice.back", "back"), ("choice.close", "close")];
    lines.push(hints(&app.shared, &keys));
    lines
}

/// The code in the middle of the dialog.
fn code(app: &App, url: &str, columns: usize) -> Option<Vec<Line<'static>>> {
    let code = Code::of(url, &app.shared.theme)?;
    let before = columns.checked_sub(code.size().0)? / 2;
    let indented = |mut line: Line<'static>| {
        line.spans.insert(0, Span::raw(" ".repeat(before)));
        line
    };
    Some(code.lines(&app.shared.theme).into_iter().map(indented).collect())
}

fn code_alone(app: &App, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let Some(purchase) = &app.shared.purchase else { return vec![Line::raw("There is no purchase.")] };
    if let Some(lines) = code(app, &purchase.url, columns).filter(|lines| lines.len() <= rows) {
        return lines;
    }
    let why = match Code::of(&purchase.url, theme).map(|code| code.size()) {
        // The border, and what stands above and below the dialog.
        Some((wide, high)) => format!("The code needs a terminal of at least {}×{}.", wide + 6, high + 4),
        None => "There is no code of this address here.".to_owned(),
    };
    let mut lines = wrapped(&why, 0, columns, 3, theme.warn);
    lines.push(Line::raw(""));
    let keys = [("payment.code", "back"), ("payment.open", "opens the page"), ("payment.copy", "copies the address")];
    lines.push(hints(&app.shared, &keys));
    lines
}

fn payment(app: &App, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let Some(purchase) = &app.shared.purchase else { return vec![Line::raw("There is no purchase.")] };
    let about = purchase.choice.words().map_or_else(
        || purchase.words.clone(),
        |choice| if purchase.words.is_empty() { choice } else { format!("{} · {choice}", purchase.words) },
    );
    let mut lines = vec![Line::styled(cut(&about, columns), theme.dim), Line::raw("")];
    lines.push(Line::raw("Pay on this page:"));
    // Whole, however long: it may have to be copied.
    lines.extend(wrapped(&purchase.url, 0, columns, usize::MAX, theme.strong));
    lines.push(Line::raw(""));
    if let Some(problem) = &purchase.problem {
        lines.extend(problem_lines(theme, problem, 0, columns, 6));
    } else if purchase.session.is_none() {
        let [close, refresh, rename, access] =
            ["payment.close", "refresh", "tenant.rename", "tenant.access"].map(|id| app.shared.press(id));
        let words = format!("This server does not say when it is paid. After the payment {close}, then {refresh}.");
        lines.extend(wrapped(&words, 0, columns, 3, theme.warn));
        if !purchase.choice.is_plain() {
            let words =
                format!("What was chosen for it is not done by itself: {rename} to name it, {access} to open it.");
            lines.extend(wrapped(&words, 0, columns, 3, theme.warn));
        }
    } else {
        match purchase.feed.sentence() {
            Some(sentence) => lines.extend(wrapped(&sentence, 0, columns, 3, theme.warn)),
            // Somebody stopped watching it.
            None if !purchase.feed.is_open() => {
                let [close, refresh] = ["payment.close", "refresh"].map(|id| app.shared.press(id));
                let words = format!("Nobody watches whether it is paid: {close}, then {refresh} to look again.");
                lines.extend(wrapped(&words, 0, columns, 3, theme.warn));
            }
            None if app.shared.options.auto_pay => lines.push(under_way(app, "paying through the page's form")),
            // Nothing moves while a person has to act.
            None => lines.push(Line::from(vec![
                Span::styled("○ ", theme.info),
                Span::styled("waiting for the payment", theme.text),
            ])),
        }
    }
    lines.push(Line::raw(""));
    let shown = code(app, &purchase.url, columns).filter(|code| lines.len() + code.len() + 3 <= rows);
    let last = if shown.is_some() { ("payment.copy", "copy") } else { ("payment.code", "QR code") };
    if let Some(code) = shown {
        lines.extend(code);
        lines.push(Line::raw(""));
    }
    let close = if purchase.feed.is_open() { "close, it keeps waiting" } else { "close" };
    let keys = [("payment.open", "open"), last, ("payment.anew", "begin anew"), ("payment.close", close)];
    lines.push(hints(&app.shared, &keys));
    lines
}

/// `Pro · Europe (Frankfurt)`.
#[must_use]
pub fn words(dialog: &NewTenant) -> String {
    let plan = dialog.plans.get(dialog.plan).map_or("–", |plan| plan.name.as_str());
    let region = REGIONS.get(dialog.region).map_or("–", |region| region.name);
    format::cut(&format!("{plan} · {region}"), 80)
}
