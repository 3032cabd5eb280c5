//! For the benches alone: parts of this room that are private otherwise, and the whole screen as something that takes
//! keys, lines and events and draws itself. No clock, no terminal of its own.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::Backend;
use std::collections::HashMap;
use std::time::Duration;

use super::app::{App, Moment, Options};
use super::backend::{Live, TenantList};
use super::effect::Effect;
use super::jobs::{Slot, Ticket};
use super::key::Chord;
pub use super::log::*;
use super::msg::{Answer, Msg};
use super::theme::{Depth, Theme};
use super::update::update;
use super::view::view;
use crate::model::{LogEntry, ProvisioningEvent, Tenant, TenantId};

/// Something that happens to the screen, made before it is timed.
#[derive(Debug)]
pub struct Happening(Vec<Msg>);

/// A started program whose list is loaded and whose first tenant is followed.
#[derive(Debug)]
pub struct Screen {
    app: App,
    tickets: HashMap<Slot, Ticket>,
    first: TenantId,
}

impl Screen {
    /// A program on a terminal of these columns and rows; `None` without tenants.
    #[must_use]
    pub fn new(size: (u16, u16), tenants: Vec<Tenant>) -> Option<Self> {
        let first = tenants.first()?.id.clone();
        let now = Moment { wall: Timestamp::UNIX_EPOCH, running: Duration::ZERO };
        let app = App::new(Options::default(), Theme::new(Depth::Full), TimeZone::UTC, now, size);
        let mut screen = Self { app, tickets: HashMap::new(), first };
        screen.take(Happening(vec![Msg::Started]));
        let list = Answer::Tenants(Ok(TenantList { tenants, rejected: Vec::new() }));
        let list = screen.answer(Slot::Tenants, list);
        screen.take(list);
        Some(screen)
    }

    #[allow(clippy::needless_pass_by_value, reason = "a slot is written where it is answered")]
    fn answer(&self, slot: Slot, answer: Answer) -> Happening {
        Happening(self.tickets.get(&slot).map(|ticket| Msg::Answer(ticket.clone(), answer)).into_iter().collect())
    }

    /// Keys, as the configuration writes them: `g l`, `pagedown`. What cannot be read is no key.
    #[must_use]
    pub fn keys(keys: &str) -> Happening {
        let chord = keys.parse::<Chord>();
        Happening(chord.iter().flat_map(Chord::keys).map(|key| Msg::Key(*key)).collect())
    }

    /// Time passes, since the start of the program.
    #[must_use]
    pub fn time(running: Duration) -> Happening {
        Happening(vec![Msg::Tick(Moment { wall: Timestamp::UNIX_EPOCH, running })])
    }

    /// Lines of the first tenant's log, as one message.
    #[must_use]
    pub fn lines(&self, entries: impl IntoIterator<Item = LogEntry>) -> Happening {
        let news = entries.into_iter().map(Live::Item).collect();
        self.answer(Slot::LogFeed(self.first.clone()), Answer::Logs(self.first.clone(), news))
    }

    /// Events of the first tenant, as one message.
    #[must_use]
    pub fn events(&self, events: impl IntoIterator<Item = ProvisioningEvent>) -> Happening {
        self.answer(Slot::EventFeed, Answer::TenantEvents(events.into_iter().map(Live::Item).collect()))
    }

    /// Takes what happens.
    pub fn take(&mut self, happening: Happening) {
        for msg in happening.0 {
            for effect in update(&mut self.app, msg) {
                if let Effect::Start(ticket, _) = effect {
                    self.tickets.insert(ticket.slot.clone(), ticket);
                }
            }
        }
    }

    /// Draws the picture; false where the terminal did not take it.
    pub fn draw<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> bool {
        self.app.shared.dirty = false;
        terminal.draw(|frame| view(&self.app, frame)).is_ok()
    }

    /// How many log lines are kept or were dropped.
    #[must_use]
    pub fn lines_seen(&self) -> u64 {
        self.app.panes.logs.seen()
    }

    /// How many events of the first tenant are kept.
    #[must_use]
    pub fn events_kept(&self) -> usize {
        self.app.panes.events.of(&self.first).map_or(0, |list| list.events().count())
    }
}
