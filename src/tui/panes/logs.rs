//! The logs pane: the selected tenant's log, following its end unless scrolled up, bounded in bytes, and
//! saying how many lines it dropped.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::collections::VecDeque;
use std::ops::Range;

use super::PaneView;
use super::feed::Feed;
use super::frame::{draw_lines, fit, wrapped};
use crate::model::{LogEntry, TenantId, TenantState};
use crate::tui::app::Shared;
use crate::tui::backend::Live;
use crate::tui::commands::Command;
use crate::tui::effect::{Effect, Request};
use crate::tui::format;
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;
use crate::tui::scroll::Scroll;
use crate::tui::theme::Theme;

/// The rows.
pub const COMMANDS: &[Command] = &[];

/// Bytes of log text kept.
pub const KEPT_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that an entry takes beside its text, roughly.
const ENTRY_BYTES: usize = 96;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    at: Option<Timestamp>,
    level: Option<String>,
    message: String,
}

impl Entry {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.message.len() + self.level.as_ref().map_or(0, String::len)
    }
}

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    dropped: u64,
    /// Entries up to this moment may come again after a reconnect.
    replay: Option<Timestamp>,
    /// Where the log is looked at.
    pub scroll: Scroll,
    /// The stream.
    pub feed: Feed,
    /// The tenant that the stream follows.
    pub feed_of: Option<TenantId>,
}

impl State {
    /// Begins anew with another tenant.
    pub fn begin(&mut self, id: Option<TenantId>) {
        *self = Self { feed_of: id, ..Self::default() };
    }

    /// The stream was opened (again): it repeats its last lines.
    pub fn expect_replay(&mut self) {
        self.replay = self.entries.iter().rev().find_map(|entry| entry.at);
    }

    /// Adds a line, unless it is one that a reconnect repeats.
    pub fn add(&mut self, raw: LogEntry) {
        let message = without_level(&raw.plain(), raw.level.as_deref()).to_owned();
        let entry = Entry { at: format::moment(&raw.timestamp), level: raw.level, message };
        if let (Some(until), Some(at)) = (self.replay, entry.at) {
            match at.cmp(&until) {
                std::cmp::Ordering::Less => return,
                std::cmp::Ordering::Equal if self.has(&entry) => return,
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => self.replay = None,
            }
        }
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.bytes > KEPT_BYTES {
            let Some(old) = self.entries.pop_front() else { break };
            self.bytes -= old.bytes();
            self.dropped += 1;
        }
    }

    fn has(&self, entry: &Entry) -> bool {
        self.entries.iter().rev().take_while(|old| old.at >= entry.at).any(|old| old == entry)
    }

    /// How many lines are kept.
    #[cfg(test)]
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where no line came yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn numbers(&self) -> Range<u64> {
        self.dropped..self.dropped + self.entries.len() as u64
    }

    /// Moves the view by lines when `page` of them fit.
    pub fn scroll(&mut self, delta: i64, page: usize) {
        let numbers = self.numbers();
        self.scroll.by(delta, &numbers, page);
    }
}

impl State {
    /// Opens the log again where it is not open: after a deploy there is a new machine.
    pub fn reopen(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if matches!(self.feed, Feed::Live | Feed::Connecting) { Vec::new() } else { self.follow(shared) }
    }

    /// Opens what the state of the followed tenant asks for; called after every message.
    pub fn follow_state(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.feed == Feed::Off && can_log(shared) { self.follow(shared) } else { Vec::new() }
    }

    fn follow(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(id) = self.feed_of.clone().filter(|_| can_log(shared)) else { return Vec::new() };
        self.feed = Feed::Connecting;
        self.expect_replay();
        vec![shared.start(Slot::LogFeed(id.clone()), Request::FollowLogs(id))]
    }

    fn empty(&self, shared: &Shared) -> &'static str {
        match shared.selected().map(crate::model::Tenant::state) {
            None if shared.tenants.is_loading() => "",
            None => "The log of a running tenant appears here.",
            Some(TenantState::Provisioning | TenantState::ToDeploy) => "The log begins with the first deploy.",
            Some(TenantState::Deploying) => "The log begins when the machine runs.",
            Some(TenantState::Suspended) => "It is suspended and logs nothing.",
            Some(_) if self.feed == Feed::Connecting => "",
            Some(_) => "It has logged nothing yet.",
        }
    }
}

/// True where the selected tenant has a machine that can log.
fn can_log(shared: &Shared) -> bool {
    shared.selected().is_some_and(|tenant| match tenant.state() {
        TenantState::Running | TenantState::Restarting | TenantState::Unknown => true,
        TenantState::Failed => tenant.phase.as_deref() != Some("failed_infra"),
        // An update has an old machine that still logs; a first deploy has none yet.
        TenantState::Deploying => tenant.deployed_at.is_some(),
        TenantState::Provisioning | TenantState::ToDeploy | TenantState::Suspended | TenantState::Deleting => false,
    })
}

impl PaneView for State {
    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        let theme = &shared.theme;
        let mut note = Vec::new();
        if self.dropped > 0 {
            let dropped = usize::try_from(self.dropped).unwrap_or(usize::MAX);
            note.push(Span::styled(format!("{} dropped · ", format::count(dropped, "line", "lines")), theme.dim));
        }
        if self.scroll.follows() {
            note.extend(self.feed.title(shared, "following"));
        } else {
            note.push(Span::styled("G follows again", theme.warn));
        }
        note
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        let theme = &shared.theme;
        let columns = usize::from(area.width);
        let sentence = self.feed.sentence().map_or_else(Vec::new, |text| wrapped(&text, 0, columns, 2, theme.warn));
        let mut lines = Vec::new();
        if self.is_empty() && sentence.is_empty() {
            lines.push(Line::styled(self.empty(shared), theme.dim));
        }
        let rows = usize::from(area.height).saturating_sub(sentence.len());
        let window = self.scroll.window(&self.numbers(), rows);
        lines.extend(window.filter_map(|number| {
            let place = usize::try_from(number - self.dropped).ok()?;
            self.entries.get(place).map(|entry| line(shared, entry, columns))
        }));
        lines.extend(sentence);
        draw_lines(frame, area, lines);
    }

    fn move_by(&mut self, _shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect> {
        self.scroll(delta, rows);
        Vec::new()
    }

    fn tenant_changed(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let old = self.feed_of.clone();
        let mut effects: Vec<Effect> = old.and_then(|id| shared.stop(Slot::LogFeed(id))).into_iter().collect();
        self.begin(shared.followed.clone());
        effects.extend(self.follow(shared));
        effects
    }

    fn answer(&mut self, shared: &mut Shared, _topic: &'static str, answer: Answer) -> Vec<Effect> {
        let Answer::Logs(id, news) = answer else { return Vec::new() };
        shared.dirty = true;
        for live in news {
            match &live {
                Live::Failed(_) | Live::Ended => shared.jobs.end(&Slot::LogFeed(id.clone())),
                Live::Connected => self.expect_replay(),
                Live::Interrupted { .. } | Live::Item(_) => {}
            }
            if let Some(entry) = self.feed.note(live) {
                self.add(entry);
            }
        }
        Vec::new()
    }

    fn refresh(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.reopen(shared)
    }
}

fn line(shared: &Shared, entry: &Entry, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    let time = entry.at.map_or_else(|| " ".repeat(8), |at| format::clock(at, &shared.zone));
    let (word, style) = level(theme, entry.level.as_deref());
    let text = if style == theme.bad { theme.bad } else { theme.text };
    Line::from(fit(
        vec![
            Span::styled(format!("{time}  "), theme.dim),
            Span::styled(format::pad(&word, 6), style),
            // No more than can be seen: a line may be very long.
            Span::styled(format::cut(&entry.message, columns), text),
        ],
        columns,
    ))
}

fn level(theme: &Theme, level: Option<&str>) -> (String, Style) {
    let word = level.unwrap_or_default().to_ascii_uppercase();
    let style = match word.as_str() {
        "ERROR" | "FATAL" | "CRITICAL" | "PANIC" => theme.bad,
        "WARN" | "WARNING" => theme.warn,
        _ => theme.dim,
    };
    let word = if word == "WARNING" { "WARN".to_owned() } else { word };
    (format::cut(&word, 5), style)
}

/// The message without the level that programs write in front of it: it has a column of its own.
fn without_level<'a>(message: &'a str, level: Option<&str>) -> &'a str {
    let Some(level) = level.filter(|level| !level.is_empty()) else { return message };
    match message.split_at_checked(level.len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case(level) && rest.starts_with([' ', ':']) => {
            rest.trim_start_matches([' ', ':'])
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_shown_once() {
        for (message, level, shown) in [
            ("INFO  listening", Some("info"), "listening"),
            ("warn: no key", Some("WARN"), "no key"),
            ("information", Some("info"), "information"),
            ("INFO", Some("info"), "INFO"),
            ("INFO  listening", None, "INFO  listening"),
            ("\u{e4}", Some("info"), "\u{e4}"),
        ] {
            assert_eq!(without_level(message, level), shown);
        }
    }
    use crate::tui::testing::log;

    #[test]
    fn the_log_is_bounded_in_bytes_and_counts_what_it_drops() {
        let mut state = State::default();
        let long = "x".repeat(1024 * 1024);
        for second in 0..10 {
            state.add(log(second, "info", &long));
        }
        assert!(state.bytes <= KEPT_BYTES);
        assert_eq!((state.len(), state.dropped), (3, 7));
        assert_eq!(state.bytes, state.entries.iter().map(Entry::bytes).sum::<usize>());
    }

    #[test]
    fn a_reconnect_repeats_no_line_and_loses_none() {
        let mut state = State::default();
        for (second, text) in [(1, "a"), (2, "b"), (3, "c")] {
            state.add(log(second, "info", text));
        }
        state.expect_replay();
        for (second, text) in [(2, "b"), (3, "c"), (3, "d"), (4, "e"), (4, "e")] {
            state.add(log(second, "info", text));
        }
        let texts: Vec<_> = state.entries.iter().map(|entry| entry.message.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d", "e", "e"]);
    }
}
