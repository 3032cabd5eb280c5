//! The wizard for a local tenant: what it is called and where its database comes from, the steps of its making, and its
//! address at the end. What the keys lead to is in `update/local.rs`.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::field::Field;
use super::{Dialog, anchored, text_columns, text_rows};
use crate::model::local_tenant::POSTGRES_IMAGE;
use crate::model::progress::LocalStep;
use crate::model::{LocalTenant, Problem, Secret, database_url};
use crate::ops::local::{Order, Source};
use crate::telling::local::LocalRun;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::format::pad;
use crate::tui::panes::frame::{problem_lines, rows_to_lines, wrapped};
use crate::tui::panes::parts::hints;
use crate::tui::theme::Theme;
use crate::tui::update::local;
use Scope::{LocalForm, LocalRun as Making};

/// Columns of a field's label.
const LABEL: usize = 10;
/// Columns of the dialog's text.
const COLUMNS: usize = 68;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("local.create", LocalForm, &["enter"], "create", "Make the local tenant.", local::create).hinted(),
    command("local.next", LocalForm, &["tab", "down"], "next field", "Go to the next field.", |app| {
        local::step(app, true)
    })
    .hinted(),
    command("local.previous", LocalForm, &["shift-tab", "up"], "field before", "Go to the field before.", |app| {
        local::step(app, false)
    }),
    command("local.leave", LocalForm, &["esc"], "leave", "Close without making anything.", local::close).hinted(),
    command(
        "local.done",
        Making,
        &["enter"],
        "go on",
        "Close when it is made; try again when it failed.",
        local::go_on,
    )
    .hinted()
    .when(|app| stage(app, |stage| matches!(stage, Stage::Done(_) | Stage::Failed(..)))),
    command(
        "local.copy",
        Making,
        &["y"],
        "copy address",
        "Copy the database's address, for a while.",
        local::copy_made,
    )
    .hinted()
    .when(|app| stage(app, |stage| matches!(stage, Stage::Done(_)))),
    command(
        "local.hide",
        Making,
        &["h"],
        "go on unseen",
        "Close this; the making goes on, and is among the jobs.",
        local::hide,
    )
    .hinted()
    .when(|app| stage(app, |stage| matches!(stage, Stage::Running(_) | Stage::Stopping(_)))),
    command("local.edit", Making, &["backspace", "left"], "change", "Go back and change what was typed.", local::edit),
    command(
        "local.stop",
        Making,
        &["esc", "c"],
        "stop or close",
        "Stop the making and take back what was made; close when it has ended.",
        local::stop,
    )
    .hinted(),
];

/// Whether the wizard is where a command makes sense.
fn stage(app: &App, fits: fn(&Stage) -> bool) -> Result<(), Problem> {
    match &app.dialog {
        Some(Dialog::NewLocal(dialog)) if fits(&dialog.stage) => Ok(()),
        Some(Dialog::NewLocal(dialog)) if !dialog.is_moving() => Err(Problem::new("It has ended.")),
        _ => Err(Problem::new("It is not made yet.")
            .hint(format!("Wait until it is, or {} to stop it.", app.shared.press("local.stop")))),
    }
}

/// Where the database comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A container that is made for it.
    Container,
    /// One that is there already.
    Existing,
}

/// Where the wizard is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Something is typed.
    Form,
    /// It is being made.
    Running(LocalRun),
    /// It is being taken back.
    Stopping(LocalRun),
    /// It is made.
    Done(Box<LocalTenant>),
    /// It failed at a step; what is known of the others stays in sight.
    Failed(LocalRun, Problem),
}

/// The wizard. `Debug` shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLocal {
    /// Where the database comes from.
    pub kind: Kind,
    /// Where the wizard is.
    pub stage: Stage,
    fields: Vec<(&'static str, Field)>,
    at: usize,
    /// What is wrong with what was typed.
    pub complaint: Option<String>,
}

impl NewLocal {
    /// An empty form.
    #[must_use]
    pub fn new(kind: Kind, image: Option<&str>) -> Self {
        let fields = match kind {
            Kind::Container => vec![
                ("name", Field::default()),
                ("port", Field::default()),
                ("image", Field::with(image.unwrap_or(POSTGRES_IMAGE))),
            ],
            Kind::Existing => vec![("name", Field::default()), ("address", Field::hidden())],
        };
        Self { kind, stage: Stage::Form, fields, at: 0, complaint: None }
    }

    /// Fills in what nobody has typed yet.
    pub fn suggest(&mut self, label: &str, text: &str) {
        let field = self.fields.iter_mut().find(|(known, _)| *known == label);
        if let Some((_, field)) = field.filter(|(_, field)| field.text().is_empty()) {
            *field = Field::with(text);
        }
    }

    /// The field that is being typed in.
    pub fn field(&mut self) -> Option<&mut Field> {
        if self.stage != Stage::Form {
            return None;
        }
        self.complaint = None;
        self.fields.get_mut(self.at).map(|(_, field)| field)
    }

    /// Goes to another field, round and round.
    pub fn step(&mut self, down: bool) {
        let count = self.fields.len();
        self.at = (self.at + if down { 1 } else { count - 1 }) % count;
    }

    /// The steps of its making.
    #[must_use]
    pub fn run(&self) -> LocalRun {
        match self.kind {
            Kind::Container => LocalRun::new(&LocalStep::CONTAINER),
            Kind::Existing => LocalRun::new(&LocalStep::EXISTING),
        }
    }

    /// True while something in it moves.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        matches!(self.stage, Stage::Running(_) | Stage::Stopping(_))
    }

    fn text(&self, label: &str) -> &str {
        let field = self.fields.iter().find(|(known, _)| *known == label);
        field.map_or("", |(_, field)| field.text().trim())
    }

    /// What was typed, as an order.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence, and the field.
    pub fn order(&self) -> Result<Order, (usize, String)> {
        let name = Some(self.text("name")).filter(|name| !name.is_empty()).map(str::to_owned);
        let source = match self.kind {
            Kind::Existing if self.text("address").is_empty() => {
                return Err((1, "Type or paste the address of the database.".to_owned()));
            }
            Kind::Existing => Source::Existing(Secret::new(self.text("address"))),
            Kind::Container => {
                let port = match self.text("port") {
                    "" => None,
                    text => match text.parse::<u16>() {
                        Ok(port) if port > 0 => Some(port),
                        _ => return Err((1, "A port is a number from 1 to 65535.".to_owned())),
                    },
                };
                let image = self.text("image");
                Source::Container { image: if image.is_empty() { POSTGRES_IMAGE } else { image }.to_owned(), port }
            }
        };
        Ok(Order { name, source })
    }

    /// Says what is wrong, at its field.
    pub fn complain(&mut self, at: usize, words: String) {
        self.at = at.min(self.fields.len().saturating_sub(1));
        self.complaint = Some(words);
    }

    /// The scope whose keys it reads.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.stage == Stage::Form { LocalForm } else { Making }
    }
}

/// Draws the wizard. Its fields and its keys can be seen whatever the size: what stands above them says less where there
/// is little room.
pub fn draw(app: &App, dialog: &NewLocal, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, COLUMNS);
    let rows = text_rows(area);
    let turn = app.shared.frame;
    let steps = |run: &LocalRun| rows_to_lines(theme, run.rows(columns, turn));
    let (title, above, mut below, keys): (_, _, _, &[(&str, &str)]) = match &dialog.stage {
        Stage::Form => {
            let fields = fields(theme, dialog, columns);
            let room = rows.saturating_sub(fields.len() + 3).clamp(1, 3);
            let about = wrapped(about(dialog.kind), 0, columns, room, theme.dim);
            let keys = &[("local.create", "creates it"), ("local.next", "next field"), ("local.leave", "close")];
            (title(dialog.kind), about, fields, keys)
        }
        Stage::Running(run) => (
            "New local tenant",
            steps(run),
            Vec::new(),
            &[("local.stop", "stops and takes everything back"), ("local.hide", "goes on unseen")],
        ),
        Stage::Stopping(run) => {
            let below = vec![Line::raw(""), Line::styled("Taking back what was made.", theme.dim)];
            ("New local tenant", steps(run), below, &[])
        }
        Stage::Done(tenant) => (
            "Local tenant",
            done(theme, tenant, columns),
            Vec::new(),
            &[("local.copy", "copies the address"), ("local.done", "close")],
        ),
        Stage::Failed(run, problem) => {
            let mut told = problem_lines(theme, problem, 0, columns, rows.saturating_sub(3).clamp(1, 12));
            told.insert(0, Line::raw(""));
            let keys = &[("local.done", "try again"), ("local.edit", "change"), ("local.stop", "close")];
            // Why it failed counts more than what went well before.
            ("New local tenant", steps(run), told, keys)
        }
    };
    if !keys.is_empty() {
        below.push(Line::raw(""));
        below.push(hints(&app.shared, keys));
    }
    anchored(app, frame, area, title, columns, above, below);
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Container => "New local tenant · container",
        Kind::Existing => "New local tenant · existing database",
    }
}

fn about(kind: Kind) -> &'static str {
    match kind {
        Kind::Container => {
            "A Postgres in a container, on a port that only this machine reaches. Its data is in a volume of its own."
        }
        Kind::Existing => {
            "A database that is there already: postgres://user:password@host:port/database. It is tried first."
        }
    }
}

fn fields(theme: &Theme, dialog: &NewLocal, columns: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::raw("")];
    for (place, (label, field)) in dialog.fields.iter().enumerate() {
        let label = pad(label, LABEL);
        lines.push(if place == dialog.at {
            field.line(theme, columns, &label)
        } else {
            field.at_rest(theme, columns, &label)
        });
    }
    if let Some(words) = &dialog.complaint {
        lines.push(Line::raw(""));
        lines.extend(wrapped(words, 0, columns, 2, theme.bad));
    }
    lines
}

fn done(theme: &Theme, tenant: &LocalTenant, columns: usize) -> Vec<Line<'static>> {
    let said = format!("{} answers and is in the list of tenants.", tenant.name);
    let mut lines = vec![Line::from(vec![Span::styled("✓ ", theme.good), Span::styled(said, theme.strong)])];
    lines.push(Line::raw(""));
    // Whole, however long: it may have to be copied by hand.
    let url = tenant.database_url.as_ref().map(database_url::masked).unwrap_or_default();
    lines.extend(wrapped(&url, 0, columns, usize::MAX, theme.text));
    let words = "The password is in .systemprompt/tenants.json, which only you can read.";
    lines.extend(wrapped(words, 0, columns, 2, theme.dim));
    lines
}
