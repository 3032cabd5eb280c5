//! Where a listener begins: what it is told of the past (protocol C.5).

use std::collections::VecDeque;

use super::ends_operation;
use crate::server::store::events::HeadRow;

/// What is under way, for one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Something is under way; the feed waits.
    Moving,
    /// Nothing is under way, and the listener wants to stay.
    Idle,
    /// Nothing is under way, or nothing is left; the feed ends.
    Over,
}

/// What a listener is told before it is told what is new.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// The event that is told as a snapshot.
    pub(super) snapshot: Option<i64>,
    /// Everything after this number is told ...
    pub(super) cursor: i64,
    /// ... but these.
    pub(super) leave_out: VecDeque<i64>,
}

/// The beginning of someone who comes for the first time.
pub(super) fn fresh(heads: &[HeadRow], state: State, is_session: bool) -> Start {
    let Some(newest) = heads.last() else { return Start::default() };
    let from_the_oldest = Start { cursor: heads.first().map_or(0, |head| head.seq - 1), ..Start::default() };
    // A session has one operation only, even when a restart ended it.
    if is_session {
        return from_the_oldest;
    }
    let between_phases = newest.event_type == "infrastructure_ready";
    let quiet = match state {
        State::Moving => false,
        State::Over => !between_phases,
        State::Idle => true,
    };
    if quiet {
        // What came after the snapshot, an operation that begins just now, is still to be told.
        let last = heads.iter().rev().find(|head| ends_operation(&head.event_type));
        return last.map_or(from_the_oldest, |head| Start {
            snapshot: Some(head.seq),
            cursor: head.seq,
            ..Start::default()
        });
    }
    let of_this = |head: &&HeadRow| head.operation == newest.operation;
    let first = heads.iter().find(of_this).map_or(newest.seq, |head| head.seq);
    let others = heads.iter().filter(|head| head.seq > first && !of_this(head));
    Start { snapshot: None, cursor: first - 1, leave_out: others.map(|head| head.seq).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(rows: &[(i64, &str, &str)]) -> Vec<HeadRow> {
        let head = |&(seq, operation, kind): &(i64, &str, &str)| HeadRow {
            seq,
            operation: operation.into(),
            event_type: kind.into(),
        };
        rows.iter().map(head).collect()
    }

    #[test]
    fn an_operation_that_begins_during_the_snapshot_is_not_swallowed() {
        let heads = heads(&[(10, "a", "tenant_ready"), (11, "b", "vm_provisioning_progress")]);
        for state in [State::Idle, State::Over] {
            assert_eq!(fresh(&heads, state, false), Start { snapshot: Some(10), cursor: 10, ..Start::default() });
        }
    }

    #[test]
    fn only_the_operation_that_is_under_way_is_told() {
        let heads = heads(&[
            (4, "a", "tenant_ready"),
            (5, "b", "vm_provisioning_progress"),
            (6, "c", "vm_provisioning_progress"),
            (7, "b", "vm_provisioned"),
        ]);
        let start = fresh(&heads, State::Moving, false);
        assert_eq!(start, Start { snapshot: None, cursor: 4, leave_out: [6].into() });
        assert_eq!(fresh(&heads, State::Moving, true), Start { cursor: 3, ..Start::default() });
        assert_eq!(fresh(&[], State::Moving, false), Start::default());
    }

    #[test]
    fn between_the_phases_the_first_is_told_from_its_beginning() {
        let heads = heads(&[(1, "a", "tenant_created"), (2, "a", "infrastructure_ready")]);
        assert_eq!(fresh(&heads, State::Over, false), Start::default());
        assert_eq!(fresh(&heads, State::Idle, false), Start { snapshot: Some(2), cursor: 2, ..Start::default() });
    }
}
