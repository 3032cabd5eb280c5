//! For tests: invented tenants and events, and the picture of a state as text with its styles.

use jiff::{Timestamp, tz::TimeZone};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use std::fmt::Write as _;
use std::time::Duration;

use super::app::{App, Moment, Options};
use super::backend::Live;
use super::effect::Effect;
use super::jobs::{Slot, Ticket};
use super::key::Key;
use super::msg::{Answer, Msg};
use super::outside::Errand;
use super::theme::{Depth, Theme};
use super::update::update;
use super::view::view;
use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{
    EventKind, LocalState, LocalStatus, LocalTenant, LogEntry, Me, Problem, ProvisioningEvent, Secret, Tenant,
    TenantId, User,
};

/// The wall clock's start in every test: 2026-11-20 12:00:00 UTC.
const START: i64 = 1_795_176_000;

/// `seconds` after the start.
pub fn moment(seconds: u64) -> Moment {
    let wall = Timestamp::from_second(START + i64::try_from(seconds).unwrap()).unwrap();
    Moment { wall, running: Duration::from_secs(seconds) }
}

/// `milliseconds` after the start.
pub fn moment_at(milliseconds: u64) -> Moment {
    Moment { running: Duration::from_millis(milliseconds), ..moment(milliseconds / 1000) }
}

/// The RFC 3339 text of a second after the start; negative is before.
pub fn at(second: i64) -> String {
    Timestamp::from_second(START + second).unwrap().to_string()
}

/// The id of the `number`th tenant.
pub fn tenant_id(number: u8) -> TenantId {
    TenantId::new(format!("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f{number:02x}")).unwrap()
}

/// A tenant in a phase.
pub fn tenant(number: u8, name: &str, phase: &str) -> Tenant {
    let mut tenant: Tenant = serde_json::from_value(serde_json::json!({
        "id": tenant_id(number).as_str(), "name": name, "phase": phase, "region": "fra",
        "plan": { "name": "Basic", "memory_mb": 1024, "volume_gb": 10 },
    }))
    .unwrap();
    if matches!(phase, "running" | "failed_deploy" | "suspended") {
        tenant.app_url = Some(format!("http://127.0.0.1:4915{number}"));
        tenant.image_digest = Some(format!("sha256:5e1f2a9c{}", "0".repeat(56)));
        tenant.deployed_at = Some(at(-180 - i64::from(number) * 86_400));
    }
    tenant
}

/// A local tenant with a container, in a state.
pub fn local(id: &str, name: &str, state: LocalState) -> LocalStatus {
    let tenant = LocalTenant {
        id: TenantId::new(id).unwrap(),
        name: name.to_owned(),
        database_url: Some(Secret::new("postgres://systemprompt:0f9c1b2a3d4e@localhost:5432/systemprompt")),
        docker_project: Some("local_19b9f3a2c41".to_owned()),
        created_at: Some(at(-3600)),
        unfinished: false,
    };
    LocalStatus { tenant, state, detail: None }
}

/// Tenants in every state that looks different.
pub fn tenants() -> Vec<Tenant> {
    let mut failed = tenant(4, "labs", "failed_deploy");
    failed.last_error = Some("machine: exited with 1 before it answered".to_owned());
    vec![
        Tenant { deployed_at: Some(at(-180)), ..tenant(1, "orchard", "running") },
        tenant(2, "orchard-staging", "provisioning"),
        tenant(3, "docs", "awaiting_deploy"),
        failed,
        tenant(5, "archive", "suspended"),
        tenant(6, "果樹園-wide-name-that-is-long", "running"),
    ]
}

/// An event of a second after the start.
pub fn event(key: &str, kind: &str, second: i64) -> ProvisioningEvent {
    ProvisioningEvent {
        tenant_id: Some(tenant_id(1)),
        event_type: EventKind::from_word(kind),
        status: "provisioning".to_owned(),
        step: None,
        message: Some(format!("message of {key}")),
        app_url: None,
        fly_app_name: None,
        checkout_session_id: None,
        tenant_name: None,
        event_key: Some(key.to_owned()),
        at: Some(at(second)),
    }
}

/// The ten events of a purchase's first phase.
pub fn phase_one() -> Vec<ProvisioningEvent> {
    let step = |number: i64, kind: &str, step: &str, message: &str| ProvisioningEvent {
        step: Some(step.to_owned()),
        message: Some(message.to_owned()),
        tenant_id: (number > 1).then(|| tenant_id(1)),
        tenant_name: (number > 1).then(|| "orchard".to_owned()),
        ..event(&format!("e{number}"), kind, number)
    };
    vec![
        step(1, "subscription_created", "payment", "payment confirmed, tenant is being created"),
        step(2, "tenant_created", "tenant", "tenant orchard created"),
        step(3, "database_created", "database", "database and role ready"),
        step(4, "secrets_stored", "secrets_stored", "credentials stored, one-time link armed"),
        step(5, "vm_provisioning_started", "provisioning_started", "creating cloud infrastructure"),
        step(6, "vm_provisioning_progress", "app_created", "app sp-3f6c1b8e52d4"),
        step(7, "vm_provisioning_progress", "volume_created", "volume services, 10 GB, fra"),
        step(8, "vm_provisioning_progress", "ip_allocated", "shared IPv4, then IPv6"),
        step(9, "vm_provisioning_progress", "certificate_added", "loopback needs none"),
        step(10, "infrastructure_ready", "infrastructure", "waiting for the first deploy"),
    ]
}

/// A log line of a second after the start.
pub fn log(second: i64, level: &str, message: &str) -> LogEntry {
    LogEntry { timestamp: at(second), message: message.to_owned(), level: Some(level.to_owned()) }
}

/// Who is logged in.
pub fn me() -> Me {
    Me {
        user: User { id: "u1".to_owned(), email: "mara@orchard.example".to_owned(), name: None },
        customer: None,
        enterprise: None,
    }
}

/// The first tenant's deploy.
pub fn deploy_job() -> Slot {
    Slot::Deploy(tenant_id(1))
}

/// The first tenant's log.
pub fn log_feed() -> Slot {
    Slot::LogFeed(tenant_id(1))
}

/// A word of the first tenant's log.
pub fn log_answer(live: Live<LogEntry>) -> Answer {
    Answer::Logs(tenant_id(1), vec![live])
}

/// A word of the events.
pub fn event_answer(live: Live<ProvisioningEvent>) -> Answer {
    Answer::TenantEvents(vec![live])
}

/// A word of the first tenant's deploy.
pub fn progress_answer(progress: DeployProgress) -> Answer {
    Answer::DeployProgress(tenant_id(1), progress)
}

/// The end of the first tenant's deploy.
pub fn deployed_answer(result: Result<DeployOutcome, Problem>) -> Answer {
    Answer::Deployed(tenant_id(1), result)
}

/// A started program whose first questions are open, with the effects they gave.
#[derive(Clone)]
pub struct Play {
    /// The state.
    pub app: App,
    /// Everything it asked for so far.
    pub effects: Vec<Effect>,
}

impl Play {
    /// A program on a screen of this size.
    pub fn new(width: u16, height: u16) -> Self {
        let options = Options {
            api_label: "127.0.0.1:8765".to_owned(),
            context_label: "sandbox".to_owned(),
            ..Options::default()
        };
        let theme = Theme::new(Depth::Sixteen);
        let app = App::new(options, theme, TimeZone::UTC, moment(0), (width, height));
        let mut play = Self { app, effects: Vec::new() };
        play.send(Msg::Started);
        play
    }

    /// A program whose first questions were answered well.
    pub fn ready(width: u16, height: u16, tenants: Vec<Tenant>) -> Self {
        let mut play = Self::new(width, height);
        play.answer(Slot::Account, Answer::Account(Ok(me())));
        play.answer(Slot::Api, Answer::Api(Ok(Duration::from_millis(3))));
        play.answer(Slot::Engine, Answer::Engine(Ok("default".to_owned())));
        play.list(tenants);
        play
    }

    /// One message.
    pub fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        self.effects.extend(effects);
    }

    /// Time passes.
    pub fn tick(&mut self, seconds: u64) {
        self.send(Msg::Tick(moment(seconds)));
    }

    /// Keys, one after the other.
    pub fn keys(&mut self, keys: &[Key]) {
        for key in keys {
            self.send(Msg::Key(*key));
        }
    }

    /// The answer of the newest job of a kind.
    #[allow(clippy::needless_pass_by_value, reason = "a slot is written where it is answered")]
    pub fn answer(&mut self, slot: Slot, answer: Answer) {
        let slot = &slot;
        let ticket = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Start(ticket, _) if ticket.slot == *slot => Some(ticket.clone()),
            _ => None,
        });
        self.send(Msg::Answer(ticket.expect("a job of this kind was started"), answer));
    }

    /// The answer of the newest errand of a kind.
    #[allow(clippy::needless_pass_by_value, reason = "a slot is written where it is answered")]
    pub fn answer_errand(&mut self, slot: Slot, answer: super::outside::Answer) {
        let ticket = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Errand(ticket, _) if ticket.slot == slot => Some(ticket.clone()),
            _ => None,
        });
        self.send(Msg::Answer(ticket.expect("an errand of this kind was sent"), Answer::Outside(answer)));
    }

    /// The ticket of the current job of a kind.
    #[allow(clippy::needless_pass_by_value, reason = "a slot is written where it is asked for")]
    pub fn ticket(&self, slot: Slot) -> Ticket {
        let tickets = (1..10_000).map(|sequence| Ticket { slot: slot.clone(), sequence });
        tickets.into_iter().find(|ticket| self.app.shared.jobs.is_current(ticket)).expect("a job of this kind runs")
    }

    /// A fresh tenant list.
    pub fn list(&mut self, tenants: Vec<Tenant>) {
        self.answer(Slot::Tenants, Answer::Tenants(Ok(super::TenantList { tenants, rejected: Vec::new() })));
    }

    /// What was copied last.
    pub fn copied(&self) -> Option<(String, bool)> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Errand(_, Errand::Copy(text)) => Some((text.reveal().to_owned(), text.is_secret())),
            _ => None,
        })
    }

    /// What was asked for since the last look.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The picture.
    pub fn picture(&self) -> String {
        picture(&self.app)
    }

    /// The picture as cells.
    pub fn buffer(&self) -> Buffer {
        buffer(&self.app)
    }

    /// The picture without its styles.
    pub fn text(&self) -> String {
        text(&buffer(&self.app)).join("\n")
    }
}

/// Types a text, character by character.
pub fn typed(play: &mut Play, text: &str) {
    for c in text.chars() {
        play.keys(&[Key::Char(c)]);
    }
}

/// The open dialog alone, with its styles and the sentence at the bottom: the screen behind it says nothing about it.
pub fn dialog(app: &App) -> String {
    let mut terminal = Terminal::new(TestBackend::new(app.shared.size.0, app.shared.size.1)).unwrap();
    let draw = |frame: &mut ratatui::Frame<'_>| {
        let area = frame.area();
        let bottom = ratatui::layout::Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
        super::dialogs::draw(app, frame, area, bottom);
    };
    terminal.draw(draw).unwrap();
    let mut out = described(terminal.backend().buffer());
    if let Some(toast) = &app.shared.toast {
        writeln!(out, "--- said\n{}", toast.text).unwrap();
    }
    out
}

fn buffer(app: &App) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(app.shared.size.0, app.shared.size.1)).unwrap();
    terminal.draw(|frame| view(app, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> Vec<String> {
    rows(buffer).map(|row| row.iter().map(|(symbol, _)| symbol.as_str()).collect::<String>()).collect()
}

/// The visible cells of every row; the second half of a wide character is none.
fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<(String, Style)>> + '_ {
    (0..buffer.area.height).map(|y| {
        let mut cells = Vec::new();
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            cells.push((cell.symbol().to_owned(), cell.style()));
            x += u16::try_from(super::format::width(cell.symbol()).max(1)).unwrap();
        }
        cells
    })
}

/// The whole picture: the text in a frame, then for every row the runs of text that have a style.
pub fn picture(app: &App) -> String {
    let buffer = buffer(app);
    let mut out = String::new();
    for row in text(&buffer) {
        writeln!(out, "{}", row.trim_end()).unwrap();
    }
    out.push_str(&styles(&buffer));
    out
}

/// What is drawn without the empty rows, the first of them with its number; then its styles.
fn described(buffer: &Buffer) -> String {
    let mut out = String::new();
    for (number, row) in text(buffer).into_iter().enumerate().filter(|(_, row)| !row.trim().is_empty()) {
        if out.is_empty() {
            writeln!(out, "from row {number}").unwrap();
        }
        writeln!(out, "{}", row.trim_end()).unwrap();
    }
    out.push_str(&styles(buffer));
    out
}

/// For every row the runs of text that have a style.
fn styles(buffer: &Buffer) -> String {
    let mut out = "--- styles\n".to_owned();
    for (number, row) in rows(buffer).enumerate() {
        let mut runs: Vec<(String, String)> = Vec::new();
        for (symbol, style) in row {
            let name = style_name(style);
            match runs.last_mut() {
                Some((last, text)) if *last == name => text.push_str(&symbol),
                _ => runs.push((name, symbol)),
            }
        }
        let shown: Vec<String> = runs
            .into_iter()
            .filter(|(name, text)| !name.is_empty() && !text.trim().is_empty())
            .map(|(name, text)| format!("{name}[{}]", shortened(text.trim())))
            .collect();
        if !shown.is_empty() {
            writeln!(out, "{number:>2} {}", shown.join(" ")).unwrap();
        }
    }
    out
}

/// Long lines of a border say nothing by their length.
fn shortened(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !(c == '─' && out.ends_with('─')) {
            out.push(c);
        }
    }
    out
}

fn style_name(style: Style) -> String {
    let mut parts = Vec::new();
    for (word, colour) in [("", style.fg), ("on ", style.bg)] {
        if let Some(colour) = colour.filter(|colour| *colour != Color::Reset) {
            parts.push(format!("{word}{colour}").to_lowercase());
        }
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::ITALIC, "italic"),
    ] {
        if style.add_modifier.contains(modifier) {
            parts.push(word.to_owned());
        }
    }
    parts.join("+")
}
