//! What was delivered already, so that what a server repeats after a cut is shown once.
//!
//! This module must not know connections: it is told when there is a new one.

use std::collections::{HashSet, VecDeque};

use crate::model::{LogEntry, ProvisioningEvent};

/// How many ids and keys are remembered; servers keep 1000 events (protocol C.5).
const REMEMBERED: usize = 4096;

/// Tells repeated items from new ones.
pub(super) trait Continuity<T> {
    /// A connection begins. `resumed` is true where the server was told the last id.
    fn connected(&mut self, resumed: bool);
    /// The server's ids begin anew.
    fn reset(&mut self);
    /// True for an item that was delivered before; remembers it otherwise.
    fn is_repeated(&mut self, id: Option<&str>, item: &T) -> bool;
}

/// A set that forgets its oldest members.
#[derive(Debug, Default)]
struct Recent {
    members: HashSet<String>,
    order: VecDeque<String>,
}

impl Recent {
    /// False where `member` is in the set already.
    fn insert(&mut self, member: &str) -> bool {
        if !self.members.insert(member.to_owned()) {
            return false;
        }
        self.order.push_back(member.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.members.remove(&oldest);
        }
        true
    }

    fn clear(&mut self) {
        self.members.clear();
        self.order.clear();
    }
}

/// Provisioning events: the same `event_key`, or for events without one the same id.
#[derive(Debug, Default)]
pub(super) struct Events {
    ids: Recent,
    keys: Recent,
}

impl Continuity<ProvisioningEvent> for Events {
    fn connected(&mut self, _resumed: bool) {}

    fn reset(&mut self) {
        // Keys name events for good; ids only name places in a stream.
        self.ids.clear();
    }

    fn is_repeated(&mut self, id: Option<&str>, event: &ProvisioningEvent) -> bool {
        let id_is_new = id.is_none_or(|id| self.ids.insert(id));
        match &event.event_key {
            Some(key) => !self.keys.insert(key),
            None => !id_is_new,
        }
    }
}

/// Log lines. Where they have ids, these tell; where not, a new connection begins with the last lines
/// again, and those that are not newer than what was delivered are repeated. A line may well be logged
/// twice within one moment, so lines of the newest moment are counted, not only compared.
#[derive(Debug, Default)]
pub(super) struct Logs {
    ids: Recent,
    newest: Option<jiff::Timestamp>,
    /// The lines of the newest moment.
    of_newest: Vec<LogEntry>,
    /// While lines are being repeated: those of the newest moment that are still to come again.
    expected: Option<Vec<LogEntry>>,
}

impl Continuity<LogEntry> for Logs {
    fn connected(&mut self, resumed: bool) {
        self.expected = (!resumed && self.newest.is_some()).then(|| self.of_newest.clone());
    }

    fn reset(&mut self) {
        self.ids.clear();
        self.connected(false);
    }

    fn is_repeated(&mut self, id: Option<&str>, entry: &LogEntry) -> bool {
        if id.is_some_and(|id| !self.ids.insert(id)) {
            return true;
        }
        let Ok(moment) = entry.timestamp.parse::<jiff::Timestamp>() else { return false };
        let order = self.newest.map_or(std::cmp::Ordering::Greater, |newest| moment.cmp(&newest));
        match order {
            std::cmp::Ordering::Less => self.expected.is_some(),
            std::cmp::Ordering::Equal => {
                let place = self.expected.as_ref().and_then(|lines| lines.iter().position(|line| line == entry));
                if let (Some(lines), Some(place)) = (&mut self.expected, place) {
                    lines.remove(place);
                    return true;
                }
                if self.of_newest.len() < REMEMBERED {
                    self.of_newest.push(entry.clone());
                }
                false
            }
            std::cmp::Ordering::Greater => {
                self.newest = Some(moment);
                self.of_newest = vec![entry.clone()];
                self.expected = None;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(key: Option<&str>) -> ProvisioningEvent {
        let key = key.map_or_else(|| "null".to_owned(), |key| format!("{key:?}"));
        let json = format!(r#"{{"event_type":"tenant_created","status":"provisioning","event_key":{key}}}"#);
        serde_json::from_str(&json).expect("an event")
    }

    #[test]
    fn keys_tell_before_ids() {
        let mut events = Events::default();
        assert!(!events.is_repeated(Some("1"), &event(Some("a"))));
        assert!(events.is_repeated(Some("1"), &event(Some("a"))));
        assert!(events.is_repeated(Some("9"), &event(Some("a"))), "mirrored under another id");
        assert!(!events.is_repeated(Some("1"), &event(Some("b"))), "another event, its server began anew");
        assert!(!events.is_repeated(Some("2"), &event(None)));
        assert!(events.is_repeated(Some("2"), &event(None)));
        assert!(!events.is_repeated(None, &event(None)));
        assert!(!events.is_repeated(None, &event(None)), "nothing tells these apart, so both are shown");
        events.reset();
        assert!(!events.is_repeated(Some("2"), &event(None)));
        assert!(events.is_repeated(Some("3"), &event(Some("a"))));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let mut recent = Recent::default();
        for number in 0..2 * REMEMBERED {
            assert!(recent.insert(&number.to_string()));
        }
        assert_eq!((recent.members.len(), recent.order.len()), (REMEMBERED, REMEMBERED));
    }

    fn line(timestamp: &str, message: &str) -> LogEntry {
        LogEntry { timestamp: timestamp.into(), message: message.into(), level: None }
    }

    #[test]
    fn repeated_log_lines_are_recognised_without_ids() {
        let (early, late) = ("2026-01-09T10:09:31Z", "2026-01-09T10:09:31.5Z");
        let mut logs = Logs::default();
        logs.connected(false);
        for entry in [line(early, "a"), line(late, "b"), line(late, "b"), line("", "no time")] {
            assert!(!logs.is_repeated(None, &entry), "{entry:?}");
        }
        logs.connected(false);
        let told: Vec<_> = [
            line(early, "a"),
            line("2026-01-09T10:09:31.500Z", "b"),
            line(late, "b"),
            line(late, "b"),
            line(late, "c"),
            line("2026-01-09T10:09:32Z", "a"),
        ]
        .into_iter()
        .map(|entry| logs.is_repeated(None, &entry))
        .collect();
        // The second line writes its moment differently, so it is no equal line: shown rather than lost.
        assert_eq!(told, [true, false, true, true, false, false]);
        assert!(!logs.is_repeated(None, &line(early, "late arrival")), "live lines may come out of order");
    }

    #[test]
    fn log_lines_with_ids_are_recognised_by_them() {
        let mut logs = Logs::default();
        assert!(!logs.is_repeated(Some("1"), &line("2026-01-09T10:09:31Z", "a")));
        logs.connected(true);
        assert!(logs.is_repeated(Some("1"), &line("2026-01-09T10:09:31Z", "a")));
        assert!(!logs.is_repeated(Some("2"), &line("2026-01-09T10:09:31Z", "a")));
    }
}
