//! Lines as text that leaves the screen, for the clipboard or a file: whole, without colours. Must not know either.
//!
//! Many lines take long: they are taken as they are, and become text wherever there is time for it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

use super::Log;
use super::chunk::Line;
use super::list::Key;
use super::source::Source;
use super::view::{Selection, Times, View};

/// The line's own time.
#[must_use]
pub(super) fn moment(line: &Line<'_>) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(line.moment)).ok().filter(|_| line.timed)
}

/// Lines as they were when somebody took them: what arrives, what is dropped and what is shown afterwards changes nothing.
/// While they are held, what the log drops meanwhile stays in memory: at most once more what it may keep.
#[derive(Debug, Clone)]
pub struct Taken {
    log: Log,
    selection: Selection,
    view: View,
}

impl Taken {
    /// What they say, as [`Log::copy`] does.
    #[must_use]
    pub fn text(&self) -> String {
        self.log.copy(self.selection, &self.view)
    }
}

impl Log {
    /// Takes the lines of a selection, for [`Taken::text`]. What is kept of them is shared and not copied.
    #[must_use]
    pub fn take(&self, selection: Selection, view: &View) -> Taken {
        let log = Self {
            cap: self.cap,
            store: self.store.taken(),
            sources: self.sources.iter().map(|source| Source::new(source.name.clone())).collect(),
            order: self.order,
            newest: self.newest,
            filter: self.filter.clone(),
            shown: self.shown.clone(),
            search: None,
            found: None,
        };
        Taken { log, selection, view: view.clone() }
    }

    /// The lines of a selection that are shown, each ending with a newline. With times (RFC 3339) and names where the view
    /// has columns of them.
    #[must_use]
    pub fn copy(&self, selection: Selection, view: &View) -> String {
        let mut out = String::new();
        for line in self.selected(selection).filter_map(|number| self.line(number)) {
            if let Some(at) = moment(&line) {
                let zone = if view.times == Times::Utc { TimeZone::UTC } else { view.zone.clone() };
                let _ = match view.times {
                    Times::Off => Ok(()),
                    Times::Utc => write!(out, "{at}  "),
                    Times::Local => write!(out, "{}  ", at.display_with_offset(zone.to_offset(at))),
                };
            }
            if view.names {
                let _ = write!(out, "{}  ", self.name(line.source));
            }
            out.push_str(line.text);
            out.push('\n');
        }
        out
    }

    /// How many lines of a selection are shown.
    #[must_use]
    pub fn selected_len(&self, selection: Selection) -> u64 {
        let (start, end) = self.ends(selection);
        self.rank(behind(end)) - self.rank(start)
    }

    /// The first and the last line, in the order that the lines have here: that of several tenants goes by time, that of
    /// one by arrival.
    pub(super) fn ends(&self, selection: Selection) -> (Key, Key) {
        let Selection { anchor, head } = selection;
        let is_turned = self.order.compared(head) < self.order.compared(anchor);
        if is_turned { (head, anchor) } else { (anchor, head) }
    }

    fn selected(&self, selection: Selection) -> impl Iterator<Item = u64> {
        let (start, end) = self.ends(selection);
        let end = self.order.compared(end);
        self.from(start).take_while(move |number| self.order.key(&self.store, *number) <= end)
    }

    /// The line that is shown `delta` lines behind the one at `key` (before it where negative), or the last on the way.
    #[must_use]
    pub fn beside(&self, key: Key, delta: i64) -> Option<Key> {
        let distance = usize::try_from(delta.unsigned_abs()).unwrap_or(usize::MAX);
        let number = if delta < 0 {
            self.before(key).take(distance).last().or_else(|| self.from(key).next())
        } else {
            self.from(key).take(distance.saturating_add(1)).last().or_else(|| self.before(key).next())
        };
        self.key(number?)
    }
}

fn behind(key: Key) -> Key {
    Key { number: key.number.saturating_add(1), ..key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogEntry;
    use crate::tui::log::SourceId;

    #[test]
    fn a_selection_goes_by_arrival_where_the_lines_do() {
        let mut log = Log::new(1 << 20, "orchard");
        // Their times go back.
        log.push(SourceId::FIRST, &[entry("2026-11-20T12:00:09Z", "one"), entry("2026-11-20T12:00:01Z", "two")]);
        let (first, last) = (log.key(0).unwrap(), log.key(1).unwrap());
        for selection in [Selection { anchor: first, head: last }, Selection { anchor: last, head: first }] {
            assert_eq!(log.selected_len(selection), 2);
            let view = View { times: Times::Off, ..View::default() };
            assert_eq!(log.copy(selection, &view), "one\ntwo\n");
        }
    }

    fn entry(timestamp: &str, message: &str) -> LogEntry {
        LogEntry { timestamp: timestamp.to_owned(), message: message.to_owned(), level: None }
    }

    fn log() -> Log {
        let mut log = Log::new(1 << 20, "orchard");
        log.push(
            SourceId::FIRST,
            [
                entry("2026-11-20T12:00:01.5Z", "INFO \u{1b}[31mone\u{1b}[0m"),
                entry("", "two"),
                entry("2026-11-20T12:00:03Z", "three"),
            ],
        );
        log
    }

    #[test]
    fn lines_are_copied_whole_and_without_colours() {
        let log = log();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let mut view = View { times: Times::Off, zone, ..View::default() };
        assert_eq!(log.copy(Selection::ALL, &view), "INFO one\ntwo\nthree\n");
        view.times = Times::Utc;
        view.names = true;
        assert_eq!(
            log.copy(Selection::ALL, &view),
            "2026-11-20T12:00:01.5Z  orchard  INFO one\norchard  two\n2026-11-20T12:00:03Z  orchard  three\n"
        );
        view.times = Times::Local;
        let key = |number| log.key(number).unwrap();
        let two = Selection { anchor: key(2), head: key(1) };
        assert_eq!(log.copy(two, &view), "orchard  two\n2026-11-20T14:00:03+02:00  orchard  three\n");
        assert_eq!((log.selected_len(two), log.selected_len(Selection::ALL)), (2, 3));
    }

    #[test]
    fn lines_that_were_taken_say_what_they_said() {
        let mut log = log();
        let view = View { times: Times::Utc, names: true, ..View::default() };
        let before = log.copy(Selection::ALL, &view);
        let taken = log.take(Selection::ALL, &view);
        log.set_filter(crate::tui::log::Filter {
            since: Timestamp::MAX.checked_sub(jiff::SignedDuration::from_hours(1)).ok(),
            ..Default::default()
        });
        log.rename(SourceId::FIRST, "docs");
        log.push(
            SourceId::FIRST,
            (0..60_000).map(|number| entry("2026-11-20T12:00:04Z", &format!("line {number} of many"))),
        );
        while log.work(1 << 20) {}
        assert!(log.dropped() > 3, "{}", log.dropped());
        assert_eq!(taken.text(), before);
    }

    #[test]
    fn from_one_line_to_the_others() {
        let log = log();
        let key = |number| log.key(number).unwrap();
        for (from, delta, to) in [(0, 1, 1), (0, 5, 2), (2, -1, 1), (2, -9, 0), (1, 0, 1)] {
            assert_eq!(log.beside(key(from), delta), Some(key(to)));
        }
        assert_eq!(log.beside(Key::LAST, 0), Some(key(2)));
        assert_eq!(Log::new(1000, "x").beside(Key::FIRST, 1), None);
    }
}
