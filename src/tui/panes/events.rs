//! The events pane: what happens to the selected tenant, live, each event once, with the time since the
//! one before.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

use super::PaneView;
use super::feed::Feed;
use super::frame::{draw_lines, readable, spread, wrapped};
use crate::model::{EventKind, ProvisioningEvent, TenantId, TenantState};
use crate::tui::app::Shared;
use crate::tui::backend::Live;
use crate::tui::commands::Command;
use crate::tui::dialogs::new_tenant::Purchase;
use crate::tui::effect::{Effect, Request};
use crate::tui::format;
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;
use crate::tui::scroll::Scroll;
use crate::tui::theme::spinner;
use crate::tui::update::timers;

/// The rows: what moves about in the list is everybody's.
pub const COMMANDS: &[Command] = &[];

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

    /// The events of a tenant.
    #[cfg(test)]
    #[must_use]
    pub fn of(&self, id: &TenantId) -> Option<&List> {
        self.lists.get(id)
    }
}

impl State {
    /// Another tenant was selected by a person: the purchase is not what is looked at.
    pub fn leave_purchase(&mut self) {
        self.shows_purchase = false;
        self.scroll.follow();
    }

    /// Takes what the stream says; true where it says that a tenant is ready.
    pub fn hear(&mut self, shared: &mut Shared, answer: Answer) -> bool {
        let Answer::TenantEvents(news) = answer else { return false };
        shared.dirty = true;
        let mut ready = false;
        for live in news {
            match &live {
                Live::Failed(problem) => {
                    shared.problem = Some(problem.clone());
                    shared.jobs.end(&Slot::EventFeed);
                }
                Live::Ended => shared.jobs.end(&Slot::EventFeed),
                Live::Connected | Live::Item(_) | Live::Interrupted { .. } => {}
            }
            let Some(event) = self.feed.note(live) else { continue };
            let Some(id) = shared.followed.clone() else { continue };
            let is_ready = event.event_type == EventKind::TenantReady;
            if self.add(&id, event) {
                timers::list_soon(shared);
                ready |= is_ready;
            }
        }
        ready
    }

    /// Opens the stream again where it is not open.
    pub fn reopen(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if matches!(self.feed, Feed::Live | Feed::Connecting) { Vec::new() } else { self.follow(shared) }
    }

    fn follow(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(id) = shared.followed.clone() else { return Vec::new() };
        self.feed = Feed::Connecting;
        vec![shared.start(Slot::EventFeed, Request::WatchTenant(id))]
    }

    /// The list that the pane shows.
    fn shown(&self, shared: &Shared) -> Option<&List> {
        if self.shows_purchase && !self.purchase.is_empty() {
            return Some(&self.purchase);
        }
        let bought = shared.purchase.as_ref().and_then(|purchase| purchase.tenant.as_ref());
        let id = match bought {
            Some(id) if self.shows_purchase => id,
            _ => &shared.selected()?.id,
        };
        self.lists.get(id)
    }

    fn purchase_in_sight<'a>(&self, shared: &'a Shared) -> Option<&'a Purchase> {
        shared.purchase.as_ref().filter(|_| self.shows_purchase)
    }

    fn feed_in_sight<'a>(&'a self, shared: &'a Shared) -> &'a Feed {
        self.purchase_in_sight(shared).map_or(&self.feed, |purchase| &purchase.feed)
    }

    fn empty(&self, shared: &Shared) -> Vec<Line<'static>> {
        let words = match shared.selected() {
            None if shared.tenants.is_loading() => "",
            None => "The steps of a new tenant appear here as they happen.",
            Some(_) if self.feed == Feed::Connecting => "",
            Some(tenant) if tenant.state() == TenantState::Running => "Nothing has happened to it since you came.",
            Some(_) => "No events yet.",
        };
        vec![Line::styled(words, shared.theme.dim)]
    }
}

impl PaneView for State {
    fn subject(&self, shared: &Shared) -> String {
        match (self.purchase_in_sight(shared), shared.selected()) {
            (Some(purchase), _) => purchase.tenant_name.clone().unwrap_or_else(|| "purchase".to_owned()),
            (None, Some(tenant)) => tenant.name.clone(),
            (None, None) => String::new(),
        }
    }

    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        if !self.scroll.follows() {
            return vec![Span::styled("G follows again", shared.theme.warn)];
        }
        self.feed_in_sight(shared).title(shared, "live")
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        let theme = &shared.theme;
        let area = readable(area);
        let columns = usize::from(area.width);
        let mut rows = usize::from(area.height);
        let sentence = self.feed_in_sight(shared).sentence();
        let sentence = sentence.map_or_else(Vec::new, |text| wrapped(&text, 0, columns, 2, theme.warn));
        let Some(list) = self.shown(shared).filter(|list| !list.is_empty()) else {
            let mut lines = if sentence.is_empty() { self.empty(shared) } else { Vec::new() };
            lines.extend(sentence);
            draw_lines(frame, area, lines);
            return;
        };
        rows = rows.saturating_sub(sentence.len());
        let window = self.scroll.window(&list.numbers(), rows);
        let purchase = self.purchase_in_sight(shared);
        let moving = purchase.is_some() || shared.selected().is_some_and(|tenant| tenant.state().is_moving());
        let mut lines: Vec<Line<'static>> = window
            .filter_map(|number| {
                let place = usize::try_from(number - list.dropped).ok()?;
                let newest = place + 1 == list.entries.len();
                list.entries.get(place).map(|entry| line(shared, entry, newest && moving, columns))
            })
            .collect();
        lines.extend(sentence);
        draw_lines(frame, area, lines);
    }

    fn move_by(&mut self, shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect> {
        let numbers = self.shown(shared).map_or(0..0, List::numbers);
        self.scroll.by(delta, &numbers, rows);
        Vec::new()
    }

    fn tenant_changed(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let mut effects: Vec<Effect> = shared.stop(Slot::EventFeed).into_iter().collect();
        self.feed = Feed::Off;
        effects.extend(self.follow(shared));
        effects
    }

    fn refresh(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.reopen(shared)
    }

    fn forget(&mut self, gone: &dyn Fn(&TenantId) -> bool) {
        self.lists.retain(|id, _| !gone(id));
    }
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

fn line(shared: &Shared, entry: &Entry, under_way: bool, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    let event = &entry.event;
    let (glyph, colour) = match &event.event_type {
        EventKind::ProvisioningFailed => ("✕", theme.bad),
        EventKind::TenantReady => ("●", theme.good),
        EventKind::InfrastructureReady => ("○", theme.info),
        _ if under_way => (spinner(shared.frame), theme.accent),
        _ => ("✓", theme.good),
    };
    let time = entry.at.map_or_else(|| "–".to_owned(), |at| format::clock(at, &shared.zone));
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
