//! The events of one tenant or of one purchase: each once, in the order in which they came, grouped by operation, bounded,
//! and saying how many were dropped. Must not know how they look.

use jiff::Timestamp;
use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

use crate::model::{EventKind, ProvisioningEvent};
use crate::tui::format;

/// Rows kept for each list.
pub const KEPT: usize = 20_000;

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The tenant answers, or waits for its first deploy.
    Well,
    /// At a step.
    Failed,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are events")]
pub enum Row {
    /// What follows belongs to one operation.
    Operation {
        /// `first deploy`.
        title: &'static str,
        /// When its first event came.
        at: Option<Timestamp>,
        /// How long it took, once it has ended and the server says times.
        took: Option<Duration>,
        /// How it ended.
        end: Option<End>,
    },
    /// An event.
    Event {
        /// What was said.
        event: ProvisioningEvent,
        /// When.
        at: Option<Timestamp>,
        /// Since the event before; unknown where the server says no times, none for the first of an operation.
        since: Option<Duration>,
    },
    /// The stream was lost and came back here.
    Reconnected {
        /// When.
        at: Timestamp,
        /// How long it was away.
        away: Duration,
    },
}

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    rows: VecDeque<Row>,
    keys: HashSet<String>,
    dropped: u64,
    /// Number of the row that heads the running operation.
    head: Option<u64>,
}

impl List {
    /// Adds an event unless it is there; true when it was new.
    pub fn add(&mut self, event: ProvisioningEvent) -> bool {
        if !self.keys.insert(identity(&event)) {
            return false;
        }
        let at = event.at.as_deref().and_then(format::moment);
        if self.head.is_none() {
            self.head = Some(self.end());
            self.push(Row::Operation { title: title(&event), at, took: None, end: None });
        }
        let since =
            at.zip(self.last_time()).and_then(|(at, before)| Duration::try_from(at.duration_since(before)).ok());
        let end = ends(&event);
        self.push(Row::Event { event, at, since });
        if let Some(how) = end {
            self.close(at, how);
        }
        true
    }

    /// The stream was away for a while and is back.
    pub fn reconnected(&mut self, at: Timestamp, away: Duration) {
        match self.rows.back_mut() {
            // Again and again, and nothing in between: one row says it.
            Some(Row::Reconnected { at: last, away: before }) => (*last, *before) = (at, *before + away),
            Some(_) => self.push(Row::Reconnected { at, away }),
            None => {}
        }
    }

    /// When the newest event of the running operation came; between two operations the person thinks, and no step took
    /// that time.
    fn last_time(&self) -> Option<Timestamp> {
        for row in self.rows.iter().rev() {
            match row {
                Row::Event { at, .. } => return *at,
                Row::Operation { .. } => return None,
                Row::Reconnected { .. } => {}
            }
        }
        None
    }

    /// The running operation has ended.
    fn close(&mut self, now: Option<Timestamp>, how: End) {
        let Some(place) = self.head.take().and_then(|number| number.checked_sub(self.dropped)) else { return };
        let row = usize::try_from(place).ok().and_then(|place| self.rows.get_mut(place));
        if let Some(Row::Operation { at, took, end, .. }) = row {
            *took = now.zip(*at).and_then(|(now, at)| Duration::try_from(now.duration_since(at)).ok());
            *end = Some(how);
        }
    }

    fn push(&mut self, row: Row) {
        self.rows.push_back(row);
        while self.rows.len() > KEPT {
            if let Some(Row::Event { event, .. }) = self.rows.pop_front() {
                self.keys.remove(&identity(&event));
            }
            self.dropped += 1;
        }
    }

    fn end(&self) -> u64 {
        self.dropped + self.rows.len() as u64
    }

    /// The events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &ProvisioningEvent> {
        self.rows.iter().filter_map(|row| match row {
            Row::Event { event, .. } => Some(event),
            Row::Operation { .. } | Row::Reconnected { .. } => None,
        })
    }

    /// True where nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows were dropped at the beginning.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The numbers of the rows that are kept, counted from the first that ever was.
    #[must_use]
    pub fn numbers(&self) -> Range<u64> {
        self.dropped..self.end()
    }

    /// The row of a number.
    #[must_use]
    pub fn row(&self, number: u64) -> Option<&Row> {
        self.rows.get(usize::try_from(number.checked_sub(self.dropped)?).ok()?)
    }

    /// The newest event, where it says that something failed.
    #[must_use]
    pub fn failure(&self) -> Option<&ProvisioningEvent> {
        let newest = self.rows.iter().rev().find_map(|row| match row {
            Row::Event { event, .. } => Some(event),
            Row::Operation { .. } | Row::Reconnected { .. } => None,
        });
        newest.filter(|event| event.event_type == EventKind::ProvisioningFailed)
    }
}

/// How an operation ended with this event, if it did.
fn ends(event: &ProvisioningEvent) -> Option<End> {
    match event.event_type {
        EventKind::TenantReady | EventKind::InfrastructureReady => Some(End::Well),
        EventKind::ProvisioningFailed => Some(End::Failed),
        _ => None,
    }
}

/// What an operation is called, from its first event: the server has no name for it (protocol C.3).
fn title(event: &ProvisioningEvent) -> &'static str {
    match (&event.event_type, event.step.as_deref()) {
        (EventKind::SubscriptionCreated | EventKind::TenantCreated, _) => "new tenant",
        (EventKind::VmProvisioningProgress, Some("cleanup")) => "retry",
        (EventKind::VmProvisioningProgress, Some("machine_stopped" | "machine_started")) => "restart",
        (EventKind::VmProvisioningStarted, Some("provisioning_started")) => "provisioning",
        (EventKind::VmProvisioningStarted, _) => "first deploy",
        (EventKind::VmProvisioningProgress | EventKind::VmProvisioned | EventKind::SecretsConfigured, _) => "deploy",
        (EventKind::ProvisioningFailed, _) => "failure",
        (EventKind::TenantReady, _) => "running",
        _ => "operation",
    }
}

/// What makes two events the same: the server's key, else everything that they say.
fn identity(event: &ProvisioningEvent) -> String {
    match &event.event_key {
        Some(key) => key.clone(),
        None => format!("{}|{}|{:?}|{:?}", event.event_type.as_str(), event.status, event.message, event.at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::event;

    fn since(list: &List) -> Vec<Option<Duration>> {
        let times =
            list.rows.iter().filter_map(|row| if let Row::Event { since, .. } = row { Some(*since) } else { None });
        times.collect()
    }

    #[test]
    fn an_event_is_shown_once_whichever_stream_it_came_from() {
        let mut list = List::default();
        assert!(list.add(event("k1", "tenant_created", 1)));
        assert!(!list.add(event("k1", "tenant_created", 1)));
        let keyless = ProvisioningEvent { event_key: None, ..event("", "database_created", 2) };
        assert!(list.add(keyless.clone()));
        assert!(!list.add(keyless));
        assert_eq!(list.events().count(), 2);
        assert_eq!(since(&list), [None, Some(Duration::from_secs(1))]);
    }

    #[test]
    fn operations_are_told_apart_and_have_their_time() {
        let mut list = List::default();
        for (second, kind) in
            [(1, "tenant_created"), (9, "infrastructure_ready"), (60, "vm_provisioned"), (63, "provisioning_failed")]
        {
            list.add(event(&second.to_string(), kind, second));
        }
        list.add(event("90", "vm_provisioned", 90));
        let heads: Vec<_> = list
            .rows
            .iter()
            .filter_map(|row| match row {
                Row::Operation { title, took, end, .. } => Some((*title, took.map(|took| took.as_secs()), *end)),
                _ => None,
            })
            .collect();
        let expected =
            [("new tenant", Some(8), Some(End::Well)), ("deploy", Some(3), Some(End::Failed)), ("deploy", None, None)];
        assert_eq!(heads, expected);
        assert_eq!(since(&list)[2], None, "the first step did not take the time since the last operation");
        assert!(list.failure().is_none(), "something new has begun");
    }

    #[test]
    fn a_cut_is_told_and_costs_no_event() {
        let mut list = List::default();
        list.add(event("1", "vm_provisioned", 1));
        list.reconnected(Timestamp::UNIX_EPOCH, Duration::from_secs(4));
        list.add(event("1", "vm_provisioned", 1));
        list.add(event("2", "secrets_configured", 3));
        assert_eq!(list.events().count(), 2);
        assert_eq!(since(&list), [None, Some(Duration::from_secs(2))]);
        assert!(matches!(list.row(2), Some(Row::Reconnected { .. })));
    }

    #[test]
    fn a_list_is_bounded_and_its_numbers_go_on() {
        let mut list = List::default();
        for number in 0..i64::try_from(KEPT).unwrap() + 500 {
            list.add(event(&format!("k{number}"), "vm_provisioning_progress", number));
        }
        // One row more is the operation's.
        assert_eq!((list.rows.len(), list.keys.len(), list.dropped()), (KEPT, KEPT, 501));
        assert_eq!(list.numbers(), 501..501 + KEPT as u64);
        list.add(event("end", "tenant_ready", 99));
        assert!(list.row(list.numbers().end - 1).is_some());
    }
}
