//! How the overview looks: groups of labels and values, then what can be done now and why the rest cannot.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::State;
use crate::model::{Tenant, TenantStatus};
use crate::tui::actions::{Offer, address, context, offers};
use crate::tui::app::Shared;
use crate::tui::format::{self, cut_middle, pad};
use crate::tui::panes::frame::{draw_lines, fit, readable, wrapped};
use crate::tui::panes::parts::{
    Field, LABEL, ago, day, failed, fields, loading, nobody, not_fresh, rule, scrolled, stamp,
};
use crate::tui::tenants::memory;

/// Columns by which the lines are counted for scrolling: a narrow pane has the most.
const NARROW: usize = 58;
/// Columns of a key, and of a command with its key.
const KEY: usize = 5;
/// See [`KEY`].
const OFFER: usize = 28;

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let area = readable(area);
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    draw_lines(frame, area, scrolled(lines(state, shared, columns, rows), state.scroll, rows));
}

/// How many lines there are at most.
pub(super) fn count(state: &State, shared: &Shared) -> usize {
    lines(state, shared, NARROW, usize::MAX).len()
}

fn lines(state: &State, shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let Some(listed) = shared.selected().filter(|tenant| !tenant.is_local()) else { return nobody(shared) };
    let status = state.status.of(shared).map(AsRef::as_ref);
    let mut lines = Vec::new();
    let record = match (state.record.of(shared), state.record.problem(shared)) {
        (Some(record), problem) => {
            lines.extend(problem.into_iter().flat_map(|problem| not_fresh(shared, problem, columns)));
            current(record, listed)
        }
        (None, Some(problem)) => {
            // What the list says of it is still true, and still useful.
            lines.extend(failed(shared, problem, columns, rows));
            listed.clone()
        }
        (None, None) => {
            lines.extend(loading(shared, "its record"));
            listed.clone()
        }
    };
    lines.extend(groups(state, shared, &record, status, columns));
    lines.extend(next(shared, listed, columns));
    lines
}

/// The full record, with what changes often as the list says it: the list is the newer of the two.
fn current(record: &Tenant, listed: &Tenant) -> Tenant {
    let mut current = record.clone();
    current.name.clone_from(&listed.name);
    for (newer, place) in [
        (&listed.status, &mut current.status),
        (&listed.fly_status, &mut current.fly_status),
        (&listed.phase, &mut current.phase),
    ] {
        if newer.is_some() {
            place.clone_from(newer);
        }
    }
    current
}

/// Gathers the fields that have a value.
struct Group<'a> {
    shared: &'a Shared,
    columns: usize,
    fields: Vec<Field>,
}

impl Group<'_> {
    fn short(&mut self, label: &'static str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.fields.push(Field::new(label, value, self.shared.theme.text));
        }
    }

    fn long(&mut self, label: &'static str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            let room = self.columns.saturating_sub(LABEL);
            self.fields.push(Field::new(label, cut_middle(value.as_ref(), room), self.shared.theme.text).long());
        }
    }
}

fn groups(
    state: &State,
    shared: &Shared,
    tenant: &Tenant,
    status: Option<&TenantStatus>,
    columns: usize,
) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = Vec::new();
    let mut group = |title: &str, fill: &dyn Fn(&mut Group<'_>), more: Vec<Line<'static>>| {
        let mut group = Group { shared, columns, fields: Vec::new() };
        fill(&mut group);
        if !group.fields.is_empty() {
            lines.push(rule(theme, title, columns));
            lines.extend(fields(theme, group.fields, columns));
            lines.extend(more);
        }
    };
    group("tenant", &|group| about(group, tenant, status), troubles(shared, tenant, status, columns));
    group(
        "address",
        &|group| {
            let url = address(tenant);
            group.long("address", Some(url.as_deref().unwrap_or("none yet")));
            group.long("own port", tenant.direct_url.as_ref());
            group.long("host", tenant.hostname.as_ref().or(tenant.fly_hostname.as_ref()));
            group.long("internal", tenant.internal_hostname.as_ref());
            group.long("own domain", tenant.custom_domain.as_ref());
        },
        Vec::new(),
    );
    group("machine", &|group| machine(group, tenant, status), Vec::new());
    group("database", &|group| database(group, state, tenant, status), Vec::new());
    group("image", &|group| image(group, tenant, status), Vec::new());
    group(
        "subscription",
        &|group| {
            group.short("subscription", tenant.subscription_status.clone());
            group.short("plan", tenant.plan.as_ref().map(|plan| plan.name.clone()));
            group.long("its id", tenant.subscription_id.as_ref());
        },
        Vec::new(),
    );
    lines
}

fn about(group: &mut Group<'_>, tenant: &Tenant, status: Option<&TenantStatus>) {
    let shared = group.shared;
    let (glyph, style) = shared.theme.tenant(tenant.state(), shared.frame);
    let name = Span::styled(tenant.name.clone(), shared.theme.strong);
    group.fields.push(Field::of("name", vec![name]).long());
    group.long("id", Some(tenant.id.as_str()));
    let word = format!("{glyph} {}", tenant.state().word());
    group.fields.push(Field::of("status", vec![Span::styled(word, style)]));
    group.short("phase", tenant.phase.clone());
    group.short("created", tenant.created_at.as_deref().map(|at| day(shared, at)));
    let updated = tenant.updated_at.as_deref().or(status.and_then(|status| status.updated_at.as_deref()));
    group.short("changed", updated.and_then(format::moment).map(|at| ago(shared, at)));
    group.long("says", status.and_then(|status| status.message.as_ref()));
}

/// What is wrong with it, and what waits for a restart.
fn troubles(shared: &Shared, tenant: &Tenant, status: Option<&TenantStatus>, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = Vec::new();
    if let Some(error) = &tenant.last_error {
        let told = wrapped(&format!("✕ {error}"), LABEL, columns, 4, theme.bad);
        lines.extend(told.into_iter().enumerate().map(|(number, line)| {
            if number > 0 {
                return line;
            }
            let text = line.spans.iter().map(|span| span.content.trim_start()).collect::<String>();
            Line::from(vec![Span::styled(pad("last error", LABEL), theme.dim), Span::styled(text, theme.bad)])
        }));
    }
    if status.is_some_and(|status| status.restart_required) {
        let key = shared.key_of("tenant.restart");
        lines.push(Line::from(fit(
            vec![
                Span::styled(pad("restart", LABEL), theme.dim),
                Span::styled("! what was set takes effect after a restart  ", theme.warn),
                Span::styled(key, theme.accent),
            ],
            columns,
        )));
    }
    lines
}

fn machine(group: &mut Group<'_>, tenant: &Tenant, status: Option<&TenantStatus>) {
    group.short("region", tenant.region.clone());
    group.short("machine is", status.and_then(|status| status.machine_state.clone()));
    group.short("memory", Some(memory(tenant)).filter(|mb| *mb > 0).map(|mb| format!("{mb} MB")));
    let volume = tenant.volume_gb.or(tenant.plan.as_ref().map(|plan| plan.volume_gb)).filter(|gb| *gb > 0);
    group.short("volume", volume.map(|gb| format!("{gb} GB")));
    group.long("app", tenant.fly_app_name.as_ref());
    group.short("machine id", tenant.fly_machine_id.clone());
    group.short("volume id", tenant.fly_volume_id.clone());
}

fn database(group: &mut Group<'_>, state: &State, tenant: &Tenant, status: Option<&TenantStatus>) {
    let kind = tenant.database.as_deref().or(status.and_then(|status| status.database.as_deref()));
    let kind = kind.map(|kind| match kind {
        "simulated" => "simulated: credentials alone".to_owned(),
        other => other.to_owned(),
    });
    group.short("database", kind);
    group.short("from outside", tenant.external_db_access.map(|open| if open { "open" } else { "closed" }));
    group.short("name", tenant.database_name.clone());
    group.short("role", tenant.user_name.clone());
    let outside = state.outside.as_ref().filter(|(id, _)| *id == tenant.id && tenant.external_db_access != Some(false));
    group.long("outside", outside.map(|(_, url)| url));
}

fn image(group: &mut Group<'_>, tenant: &Tenant, status: Option<&TenantStatus>) {
    let shared = group.shared;
    let runs = status.and_then(|status| status.image.as_deref());
    let digest = tenant.image_digest.as_deref().or(runs).and_then(format::digest);
    group.short("digest", digest);
    let at = tenant.deployed_at.as_deref().or(status.and_then(|status| status.deployed_at.as_deref()));
    let at = at.and_then(format::moment);
    group.short("deployed", at.map(|at| format!("{}, {}", ago(shared, at), stamp(shared, at))));
    group.long("image", tenant.image.as_deref().or(runs));
}

/// What can be done now, and below it what cannot, with the reason.
fn next(shared: &Shared, tenant: &Tenant, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = vec![rule(theme, "what can be done", columns)];
    if let Err(problem) = context::is_open(shared) {
        lines.extend(wrapped(&format!("! {}", crate::tui::app::words(&problem)), 0, columns, 2, theme.warn));
    }
    let (possible, rest): (Vec<Offer>, Vec<Offer>) =
        offers(shared, tenant).into_iter().partition(|offer| offer.refused.is_none() && !offer.is_locked);
    let across = (columns / OFFER).max(1);
    for row in possible.chunks(across) {
        let mut spans = Vec::new();
        for offer in row {
            spans.push(Span::styled(pad(&offer.key, KEY), theme.accent));
            spans.push(Span::styled(pad(offer.title, OFFER - KEY), theme.text));
        }
        lines.push(Line::from(fit(spans, columns)));
    }
    for offer in rest {
        let why = offer.refused.map_or_else(String::new, |problem| problem.title);
        let words = format!("{}{}{why}", pad(&offer.key, KEY), pad(offer.title, OFFER - KEY));
        lines.push(Line::from(fit(vec![Span::styled(words, theme.dim)], columns)));
    }
    lines
}
