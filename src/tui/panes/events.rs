//! The events pane: what happens to the selected tenant, live, each event once, with the time since the
//! one before.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

use super::feed::Feed;
use super::frame::{draw_lines, pane, readable, spread, wrapped};
use crate::model::{EventKind, ProvisioningEvent, TenantId, TenantState};
use crate::tui::app::{App, Pane};
use crate::tui::format;
use crate::tui::scroll::Scroll;
use crate::tui::theme::spinner;

/// Events kept for each tenant.
const KEPT: usize = 1_000;

/// One event as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    event: ProvisioningEvent,
    at: Option<jiff::Timestamp>,
    /// Since the event before; unknown where the server says no times, none for the first of an operation.
    since: Option<Duration>,
}

/// The events of one tenant or of one purchase.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    entries: VecDeque<Entry>,
    keys: HashSet<String>,
    dropped: u64,
}

impl List {
    /// Adds an event unless it is there; true when it was new.
    pub fn add(&mut self, event: ProvisioningEvent) -> bool {
        if !self.keys.insert(identity(&event)) {
            return false;
        }
        let at = event.at.as_deref().and_then(format::moment);
        // Between the end of one operation and the next one the person thinks; no step took that time.
        let before = self.entries.back().filter(|entry| !ends(&entry.event)).and_then(|entry| entry.at);
        let since = at.zip(before).and_then(|(at, before)| Duration::try_from(at.duration_since(before)).ok());
        self.entries.push_back(Entry { event, at, since });
        if self.entries.len() > KEPT
            && let Some(old) = self.entries.pop_front()
        {
            self.keys.remove(&identity(&old.event));
            self.dropped += 1;
        }
        true
    }

    /// How many there are.
    #[cfg(test)]
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn numbers(&self) -> Range<u64> {
        self.dropped..self.dropped + self.entries.len() as u64
    }
}

/// True where nothing follows by itself.
fn ends(event: &ProvisioningEvent) -> bool {
    event.event_type.is_terminal() || event.event_type == EventKind::InfrastructureReady
}

/// What makes two events the same: the server's key, else everything that they say.
fn identity(event: &ProvisioningEvent) -> String {
    match &event.event_key {
        Some(key) => key.clone(),
        None => format!("{}|{}|{:?}|{:?}", event.event_type.as_str(), event.status, event.message, event.at),
    }
}

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    lists: BTreeMap<TenantId, List>,
    /// Events of a purchase whose tenant has no id yet.
    purchase: List,
    /// The purchase's events are shown instead of the selected tenant's.
    pub shows_purchase: bool,
    /// Where the list is looked at.
    pub scroll: Scroll,
    /// The stream.
    pub feed: Feed,
    /// The tenant that the stream follows.
    pub feed_of: Option<TenantId>,
}

impl State {
    /// Adds an event of a tenant's stream; true when it was new.
    pub fn add(&mut self, id: &TenantId, event: ProvisioningEvent) -> bool {
        self.lists.entry(id.clone()).or_default().add(event)
    }

    /// Adds an event of a purchase's stream; true when it was new.
    pub fn add_to_purchase(&mut self, event: ProvisioningEvent) -> bool {
        self.purchase.add(event)
    }

    /// The tenant of the purchase is known: its events are the tenant's.
    pub fn adopt(&mut self, id: &TenantId) {
        let waiting = std::mem::take(&mut self.purchase);
        let list = self.lists.entry(id.clone()).or_default();
        for entry in waiting.entries {
            list.add(entry.event);
        }
    }

    /// Forgets the events of an older purchase.
    pub fn begin_purchase(&mut self) {
        self.purchase = List::default();
    }

    /// Forgets tenants that are no longer listed.
    pub fn retain(&mut self, keep: impl Fn(&TenantId) -> bool) {
        self.lists.retain(|id, _| keep(id));
    }

    /// The events of a tenant.
    #[cfg(test)]
    #[must_use]
    pub fn of(&self, id: &TenantId) -> Option<&List> {
        self.lists.get(id)
    }
}

/// The list that the pane shows.
fn shown(app: &App) -> Option<&List> {
    if app.events.shows_purchase && !app.events.purchase.is_empty() {
        return Some(&app.events.purchase);
    }
    let bought = app.purchase.as_ref().and_then(|purchase| purchase.tenant.as_ref());
    let id = match bought {
        Some(id) if app.events.shows_purchase => id,
        _ => &app.selected()?.id,
    };
    app.events.lists.get(id)
}

/// Moves the view by lines when `page` of them fit.
pub fn scroll(app: &mut App, delta: i64, page: usize) {
    let numbers = shown(app).map_or(0..0, List::numbers);
    app.events.scroll.by(delta, &numbers, page);
}

/// Draws the pane.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let state = &app.events;
    let purchase = app.purchase.as_ref().filter(|_| state.shows_purchase);
    let subject = match (purchase, app.selected()) {
        (Some(purchase), _) => purchase.tenant_name.clone().unwrap_or_else(|| "purchase".to_owned()),
        (None, Some(tenant)) => tenant.name.clone(),
        (None, None) => String::new(),
    };
    let feed = purchase.map_or(&state.feed, |purchase| &purchase.feed);
    let mut note = feed.title(app, "live");
    if !state.scroll.follows() {
        note = vec![Span::styled("G follows again", theme.warn)];
    }
    let inner = readable(pane(app, frame, area, Pane::Events, &subject, &note));
    let columns = usize::from(inner.width);
    let mut rows = usize::from(inner.height);
    let sentence = feed.sentence().map_or_else(Vec::new, |text| wrapped(&text, 0, columns, 2, theme.warn));
    let list = shown(app).filter(|list| !list.is_empty());
    let Some(list) = list else {
        let mut lines = if sentence.is_empty() { empty(app) } else { Vec::new() };
        lines.extend(sentence);
        draw_lines(frame, inner, lines);
        return;
    };
    rows = rows.saturating_sub(sentence.len());
    let numbers = list.numbers();
    let window = state.scroll.window(&numbers, rows);
    let moving = purchase.is_some() || app.selected().is_some_and(|tenant| tenant.state().is_moving());
    let mut lines: Vec<Line<'static>> = window
        .filter_map(|number| {
            let place = usize::try_from(number - list.dropped).ok()?;
            let newest = place + 1 == list.entries.len();
            list.entries.get(place).map(|entry| line(app, entry, newest && moving, columns))
        })
        .collect();
    lines.extend(sentence);
    draw_lines(frame, inner, lines);
}

/// Columns of the step.
fn step_columns(columns: usize) -> usize {
    match columns {
        // As wide as the platform's own words: the step says more than the sentence behind it.
        0..60 => 14,
        60..90 => 16,
        _ => 20,
    }
}

fn line(app: &App, entry: &Entry, under_way: bool, columns: usize) -> Line<'static> {
    let theme = &app.theme;
    let event = &entry.event;
    let (glyph, colour) = match &event.event_type {
        EventKind::ProvisioningFailed => ("✕", theme.bad),
        EventKind::TenantReady => ("●", theme.good),
        EventKind::InfrastructureReady => ("○", theme.info),
        _ if under_way => (spinner(app.frame), theme.accent),
        _ => ("✓", theme.good),
    };
    let time = entry.at.map_or_else(|| "–".to_owned(), |at| format::clock(at, &app.zone));
    let words = match (event.words(), &event.app_url) {
        (Some(words), _) => words.to_owned(),
        (None, Some(url)) => url.clone(),
        (None, None) => event.status.replace('_', " "),
    };
    let weight = if event.event_type.is_terminal() { theme.strong } else { theme.text };
    let left = vec![
        Span::styled(format!("{}  ", format::pad(&time, 8)), theme.dim),
        Span::styled(format!("{glyph} "), colour),
        Span::styled(format!("{} ", format::pad(&event.title(), step_columns(columns))), weight),
        Span::styled(words, if event.event_type == EventKind::ProvisioningFailed { theme.bad } else { theme.text }),
    ];
    let since = entry.since.map_or_else(String::new, format::duration);
    spread(left, Span::styled(format::pad_left(&since, 8), theme.dim), columns)
}

fn empty(app: &App) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let words = match app.selected() {
        None if app.tenants.is_loading() => "",
        None => "The steps of a new tenant appear here as they happen.",
        Some(_) if app.events.feed == Feed::Connecting => "",
        Some(tenant) if tenant.state() == TenantState::Running => "Nothing has happened to it since you came.",
        Some(_) => "No events yet.",
    };
    vec![Line::styled(words, theme.dim)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::event;

    #[test]
    fn an_event_is_shown_once_whichever_stream_it_came_from() {
        let mut list = List::default();
        assert!(list.add(event("k1", "tenant_created", 1)));
        assert!(!list.add(event("k1", "tenant_created", 1)));
        let keyless = ProvisioningEvent { event_key: None, ..event("", "database_created", 2) };
        assert!(list.add(keyless.clone()));
        assert!(!list.add(keyless));
        assert_eq!(list.len(), 2);
        assert_eq!(list.entries[1].since, Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_first_step_of_an_operation_did_not_take_the_time_since_the_last_one() {
        let mut list = List::default();
        for (second, kind) in
            [(1, "infrastructure_ready"), (60, "tenant_created"), (61, "tenant_ready"), (90, "tenant_created")]
        {
            list.add(event(&second.to_string(), kind, second));
        }
        let since: Vec<_> = list.entries.iter().map(|entry| entry.since).collect();
        assert_eq!(since, [None, None, Some(Duration::from_secs(1)), None]);
    }

    #[test]
    fn a_list_is_bounded_and_its_numbers_go_on() {
        let mut list = List::default();
        for number in 0..1_500 {
            list.add(event(&format!("k{number}"), "vm_provisioning_progress", number));
        }
        assert_eq!((list.len(), list.keys.len()), (KEPT, KEPT));
        assert_eq!(list.numbers(), 500..1_500);
    }
}
