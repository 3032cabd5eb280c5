//! The events pane: what happens to the selected tenant, live, grouped by operation, each event once. The list is in
//! `events/list.rs`, how it looks in `events/draw.rs`.

mod draw;
mod list;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::collections::BTreeMap;
use std::time::Duration;

pub use list::List;

use super::PaneView;
use super::feed::Feed;
use super::frame::{draw_lines, fit, readable, wrapped};
use crate::model::{EventKind, ProvisioningEvent, TenantId, TenantState};
use crate::tui::app::Shared;
use crate::tui::backend::Live;
use crate::tui::commands::Command;
use crate::tui::dialogs::new_tenant::Purchase;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;
use crate::tui::scroll::Scroll;
use crate::tui::update::timers;

/// The rows: what moves about in the list is everybody's.
pub const COMMANDS: &[Command] = &[];

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
    /// When the stream was lost, while it is.
    lost: Option<Timestamp>,
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
        for event in waiting.events() {
            list.add(event.clone());
        }
    }

    /// Forgets the events of an older purchase.
    pub fn begin_purchase(&mut self) {
        self.purchase = List::default();
    }

    /// The events of a tenant.
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
            self.note_cut(shared, &live);
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

    /// Remembers since when the stream is lost, and says it in the list once it is back.
    fn note_cut<T>(&mut self, shared: &Shared, live: &Live<T>) {
        let now = shared.now.wall;
        match live {
            Live::Interrupted { .. } => self.lost = self.lost.or(Some(now)),
            Live::Failed(_) | Live::Ended => self.lost = None,
            Live::Connected | Live::Item(_) => {
                let list = shared.followed.as_ref().and_then(|id| self.lists.get_mut(id));
                if let (Some(lost), Some(list)) = (self.lost.take(), list) {
                    list.reconnected(now, Duration::try_from(now.duration_since(lost)).unwrap_or_default());
                }
            }
        }
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

    /// What stands below the list: that the stream is lost, or what helps against a failure.
    fn below(&self, shared: &Shared, columns: usize) -> Vec<Line<'static>> {
        let theme = &shared.theme;
        if let Some(text) = self.feed_in_sight(shared).sentence() {
            return wrapped(&text, 0, columns, 2, theme.warn);
        }
        if self.shown(shared).and_then(List::failure).is_none() {
            return Vec::new();
        }
        let mut spans = vec![Span::styled("what helps", theme.dim)];
        for (id, words) in [("tenant.retry", "retry"), ("go.logs", "its log"), ("tenant.delete", "delete it")] {
            spans.push(Span::styled(format!("   {}", shared.key_of(id)), theme.accent));
            spans.push(Span::styled(format!(" {words}"), theme.text));
        }
        vec![Line::from(fit(spans, columns))]
    }

    fn empty(&self, shared: &Shared) -> Vec<Line<'static>> {
        let words = match shared.selected() {
            None if shared.tenants.is_loading() => "",
            None => "The steps of a new tenant appear here as they happen.",
            Some(tenant) if tenant.is_local() => "A database on this machine has no events.",
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

    fn foot(&self, shared: &Shared) -> Vec<Span<'static>> {
        match self.shown(shared).map_or(0, List::dropped) {
            0 => Vec::new(),
            dropped => vec![Span::styled(format!("{dropped} older rows dropped"), shared.theme.dim)],
        }
    }

    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        if !self.scroll.follows() {
            return vec![Span::styled("G follows again", shared.theme.warn)];
        }
        self.feed_in_sight(shared).title(shared, "live")
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        let area = readable(area);
        let columns = usize::from(area.width);
        let Some(list) = self.shown(shared).filter(|list| !list.is_empty()) else {
            let sentence = self.below(shared, columns);
            let mut lines = if sentence.is_empty() { self.empty(shared) } else { Vec::new() };
            lines.extend(sentence);
            draw_lines(frame, area, lines);
            return;
        };
        let below = self.below(shared, columns);
        let rows = usize::from(area.height).saturating_sub(below.len());
        let numbers = list.numbers();
        let purchase = self.purchase_in_sight(shared);
        let moving = purchase.is_some() || shared.selected().is_some_and(|tenant| tenant.state().is_moving());
        let mut lines: Vec<Line<'static>> = self
            .scroll
            .window(&numbers, rows)
            .filter_map(|number| {
                let newest = number + 1 == numbers.end;
                list.row(number).map(|row| draw::line(shared, row, newest && moving, columns))
            })
            .collect();
        lines.extend(below);
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
