//! The domain pane: the selected tenant's own domain, and the DNS record that makes it lead there. How it looks is in
//! `domain/draw.rs`.

mod draw;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::time::Duration;

use super::fetch::Fetch;
use super::parts::moved;
use super::{Pane, PaneView};
use crate::model::{CustomDomain, DomainStatus, Problem, TenantId};
use crate::ops::call::{Call, Reply};
use crate::tui::actions::done;
use crate::tui::actions::tenant::{begin, can_change, shown};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::Question;
use crate::tui::dialogs::line::Line;
use crate::tui::effect::Effect;
use crate::tui::msg::Answer;
use crate::tui::update::copy;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "domain.copy",
        Scope::Pane(Pane::Domain),
        &["y"],
        "copy value",
        "Copy the value of the DNS record.",
        |app| {
            let Ok(value) = value(app).map(str::to_owned) else { return done() };
            copy(&mut app.shared, value, "the value of the DNS record")
        },
    )
    .hinted()
    .when(|app| value(app).map(drop)),
    command(
        "domain.set",
        Scope::Pane(Pane::Domain),
        &["a"],
        "set domain",
        "Give the tenant a domain of its own.",
        ask_name,
    )
    .hinted()
    .changes()
    .when(can_set),
    command(
        "domain.remove",
        Scope::Pane(Pane::Domain),
        &["x"],
        "remove domain",
        "Take the domain away from the tenant.",
        |app| {
            let Ok(id) = shown(app).map(|tenant| tenant.id.clone()) else { return done() };
            begin(app, "domain-off", &id, can_change, Call::RemoveDomain(id.clone()))
        },
    )
    .hinted()
    .changes()
    .when(|app| removable(app).map(drop))
    .asking(|app| {
        let (tenant, domain) = (shown(app).ok()?, removable(app).ok()?);
        let text = format!("{} no longer leads to {}. Its DNS record is yours to remove.", domain.domain, tenant.name);
        Some(Question::new("Remove the domain?", "Yes, remove").text(text).about([tenant.id.clone()]))
    }),
];

const DOMAIN: &str = "domain";
/// Between two looks at a domain that does not lead here yet.
const PENDING: Duration = Duration::from_secs(30);

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// `None` inside is no domain.
    domain: Fetch<Option<Box<CustomDomain>>>,
    /// The first line in sight.
    scroll: usize,
}

impl State {
    /// The domain of the selected tenant.
    fn of(&self, shared: &Shared) -> Option<&CustomDomain> {
        self.domain.of(shared)?.as_deref()
    }
}

/// True while the server still looks for its record.
fn is_pending(domain: &CustomDomain) -> bool {
    !domain.leads_here() && matches!(domain.status, DomainStatus::PendingDns | DomainStatus::Provisioning)
}

/// What is known of the domain, or why nothing is.
fn known(app: &App) -> Result<Option<&CustomDomain>, Problem> {
    shown(app)?;
    let state = &app.panes.domain;
    match (state.domain.of(&app.shared), state.domain.problem(&app.shared)) {
        (Some(domain), _) => Ok(domain.as_deref()),
        (None, Some(problem)) => Err(problem.clone()),
        (None, None) => Err(Problem::new("Its domain is not known yet.").hint("It is being loaded.")),
    }
}

fn can_set(app: &App) -> Result<(), Problem> {
    can_change(shown(app)?)?;
    match known(app)? {
        None => Ok(()),
        Some(domain) => {
            let press = app.shared.press("domain.remove");
            Err(Problem::new(format!("{} is set.", domain.domain)).hint(format!("Remove it first: {press}.")))
        }
    }
}

fn removable(app: &App) -> Result<&CustomDomain, Problem> {
    can_change(shown(app)?)?;
    known(app)?.ok_or_else(|| Problem::new("There is no domain to remove."))
}

fn value(app: &App) -> Result<&str, Problem> {
    let record = known(app)?.and_then(|domain| domain.dns_instructions.as_ref());
    record.map(|record| record.value.as_str()).ok_or_else(|| Problem::new("There is no DNS record to copy."))
}

fn ask_name(app: &mut App) -> Vec<Effect> {
    let Ok(tenant) = shown(app) else { return done() };
    let about = "The name alone, as in app.orchard.example. The DNS record that it needs is shown afterwards.";
    let line = Line::ask(format!("Domain of {}", tenant.name), about, set).about(tenant.id.as_str());
    app.dialog = Some(Dialog::Line(line));
    done()
}

fn set(app: &mut App, line: &Line) -> Vec<Effect> {
    let Ok(id) = TenantId::new(line.subject()) else { return done() };
    let Some(domain) = name(line.text()) else {
        let problem = Problem::new("That is no domain.").hint("Type a name as in app.orchard.example.");
        app.shared.tell(&problem);
        return done();
    };
    begin(app, "domain", &id, can_change, Call::SetDomain { id: id.clone(), domain })
}

/// The name in what was typed: an address may have been pasted. The server knows the finer rules.
fn name(typed: &str) -> Option<String> {
    let typed = typed.trim().to_lowercase();
    let rest = typed.strip_prefix("https://").or(typed.strip_prefix("http://")).unwrap_or(&typed);
    let name = rest.strip_suffix('/').unwrap_or(rest).trim_end_matches('.');
    let is_name = |name: &str| {
        name.contains('.')
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.')
    };
    is_name(name).then(|| name.to_owned())
}

impl PaneView for State {
    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        self.of(shared).map_or_else(Vec::new, |domain| {
            let (glyph, word, style) = draw::status(shared, domain);
            vec![Span::styled(format!("{glyph} {word}"), style)]
        })
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect> {
        self.scroll = moved(self.scroll, delta, draw::count(self, shared).saturating_sub(rows));
        done()
    }

    fn tenant_changed(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.scroll = 0;
        done()
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.wake().is_some_and(|due| due <= shared.now.running) {
            self.domain.age();
        }
        self.domain.attend(shared, Pane::Domain, DOMAIN, Call::Domain).into_iter().collect()
    }

    fn wake(&self) -> Option<Duration> {
        let domain = self.domain.value()?.as_deref()?;
        if is_pending(domain) { self.domain.due(PENDING) } else { None }
    }

    fn answer(&mut self, shared: &mut Shared, _topic: &'static str, answer: Answer) -> Vec<Effect> {
        let was_pending = self.of(shared).is_some_and(is_pending);
        self.domain.take(answer, |reply| match reply {
            Reply::Domain(domain) => Some(domain),
            _ => None,
        });
        if let Some(domain) = self.of(shared).filter(|domain| was_pending && domain.leads_here()) {
            let words = format!("{} leads here now.", domain.domain);
            shared.say(words);
        }
        done()
    }

    fn action_ended(
        &mut self,
        _shared: &mut Shared,
        action: &'static str,
        tenant: &TenantId,
        result: &Result<Reply, Problem>,
    ) -> Vec<Effect> {
        match (action, result) {
            ("domain", Ok(Reply::Domain(domain))) => self.domain.put(tenant, domain.clone()),
            ("domain-off", Ok(_)) => self.domain.put(tenant, None),
            _ => self.domain.age_of(tenant),
        }
        done()
    }

    fn is_moving(&self, shared: &Shared) -> bool {
        self.domain.is_loading(shared)
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.domain.age();
        done()
    }
}
