//! One listener's way through a stream: from where it begins, by way of the store where it is behind, to what the
//! stream's listeners share.

use bytes::Bytes;
use std::collections::VecDeque;
use tokio::sync::watch;

use super::line::{Line, MOST_FRAMES, Stand, Taken, Verdict};
use super::replay::{self, Start, State};
use super::{Seat, ends_operation, frame};
use crate::model::{Phase, TenantId};
use crate::server::store::events;
use crate::server::store::{Connection, Store, StoreError};

/// Events that a listener which is behind has in its own memory, at most.
const BATCH: i64 = 64;

/// What a listener is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// The listener's last event is not kept any more (or never was): what it knows may be stale.
    Reset,
    /// An event.
    Event {
        /// Its number.
        seq: i64,
        /// As it goes over the wire, with the empty line at its end.
        frame: Bytes,
    },
}

#[derive(Debug)]
pub(super) enum Subject {
    Session,
    Tenant { id: TenantId, follow: bool, compat: bool },
}

impl Subject {
    /// What the store says now, with the number of the newest event. Both are of one moment: whoever ends an operation
    /// writes both in one transaction, so a stand that says "over" comes with the number of the last event.
    async fn look(&self, db: &mut Connection, stream: &str) -> Result<(Stand, i64), StoreError> {
        match self {
            Self::Session => {
                let last = events::last(db, stream).await?;
                let over = last.as_ref().is_some_and(|head| ends_operation(&head.event_type));
                Ok((Stand::Session { over }, last.map_or(0, |head| head.seq)))
            }
            Self::Tenant { id, .. } => {
                let (phase, newest) = events::look(db, stream, id.as_str()).await?;
                let phase = phase.map(|word| Phase::from_word(&word).ok_or(StoreError::Unreadable("phase")));
                Ok((Stand::Tenant(phase.transpose()?), newest))
            }
        }
    }

    /// What a stand means for this listener.
    fn state(&self, stand: Stand) -> State {
        let (phase, follow, compat) = match (stand, self) {
            (Stand::Session { over: false }, _) => return State::Moving,
            (Stand::Session { over: true } | Stand::Tenant(None), _) | (_, Self::Session) => return State::Over,
            (Stand::Tenant(Some(phase)), Self::Tenant { follow, compat, .. }) => (phase, *follow, *compat),
        };
        match phase {
            Phase::Created | Phase::Provisioning | Phase::Deploying | Phase::Restarting | Phase::Deleting => {
                State::Moving
            }
            // Without `compat` a listener between the phases waits for the deploy to come.
            Phase::AwaitingDeploy if !follow && !compat => State::Moving,
            _ if follow => State::Idle,
            _ => State::Over,
        }
    }
}

/// One listener's way through a stream. `next` may be cancelled at any time without losing anything.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    seat: Seat,
    subject: Subject,
    news: watch::Receiver<()>,
    arrival: Arrival,
    cursor: i64,
    leave_out: VecDeque<i64>,
    queue: VecDeque<FeedItem>,
    /// The last stand that did not end it.
    judged: Option<Stand>,
    ended: bool,
}

/// How a listener came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// For the first time.
    Fresh,
    /// Again, having seen this event last.
    After(i64),
    /// It knows where it is.
    Placed,
}

impl Feed {
    pub(super) fn new(store: Store, seat: Seat, subject: Subject, last_event_id: Option<i64>) -> Self {
        Self {
            store,
            news: seat.line.listen(),
            seat,
            subject,
            arrival: last_event_id.map_or(Arrival::Fresh, Arrival::After),
            cursor: 0,
            leave_out: VecDeque::new(),
            queue: VecDeque::new(),
            judged: None,
            ended: false,
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The next item; `None` when the stream is over.
    pub async fn next(&mut self) -> Result<Option<FeedItem>, StoreError> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            if self.arrival != Arrival::Placed {
                self.arrive().await?;
                continue;
            }
            // Before anything is read: what comes after it is read anew.
            self.news.borrow_and_update();
            match self.seat.line.take(self.cursor) {
                Taken::Frame(frame) => self.tell(self.cursor + 1, frame),
                Taken::Behind => self.catch_up().await?,
                Taken::Nothing => self.judge().await?,
            }
        }
    }

    /// Nothing is known after the cursor: ends if that is all, and else waits for more.
    async fn judge(&mut self) -> Result<(), StoreError> {
        let line = &self.seat.line;
        match line.verdict(self.judged) {
            Verdict::Known(stand) if self.subject.state(stand) == State::Over => self.ended = true,
            Verdict::Known(stand) if self.judged != Some(stand) => self.judged = Some(stand),
            Verdict::Known(_) | Verdict::Wait => self.ended = self.news.changed().await.is_err(),
            Verdict::Look(looking) => {
                let mut db = self.store.read().await?;
                let (stand, newest) = self.subject.look(&mut db, line.stream()).await?;
                let most = i64::try_from(MOST_FRAMES).unwrap_or(i64::MAX);
                let missing = match looking.known {
                    Some(known) if known < newest && newest - known <= most => {
                        events::after(&mut db, line.stream(), known, most).await?
                    }
                    _ => Vec::new(),
                };
                looking.found(stand, newest, &missing);
            }
        }
        Ok(())
    }

    /// Reads the next few events from the store.
    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let mut db = self.store.read().await?;
        let rows = events::after(&mut db, self.seat.line.stream(), self.cursor, BATCH).await?;
        drop(db);
        let oldest = rows.first().ok_or(StoreError::Unreadable("stream: events are gone"))?;
        if oldest.seq > self.cursor + 1 {
            // It was so slow that what it waited for is not kept any more.
            self.queue.push_back(FeedItem::Reset);
        }
        for row in rows {
            self.tell(row.seq, frame::event(row.seq, &row.json));
        }
        Ok(())
    }

    fn tell(&mut self, seq: i64, frame: Bytes) {
        self.cursor = seq;
        while self.leave_out.front().is_some_and(|left_out| *left_out < seq) {
            self.leave_out.pop_front();
        }
        if self.leave_out.front() != Some(&seq) {
            self.queue.push_back(FeedItem::Event { seq, frame });
        }
    }

    /// Finds where to begin.
    async fn arrive(&mut self) -> Result<(), StoreError> {
        let line: &Line = &self.seat.line;
        line.doubt();
        let mut db = self.store.read().await?;
        let mut unknown = false;
        if let Arrival::After(last) = self.arrival {
            let (oldest, newest) = events::bounds(&mut db, line.stream()).await?;
            if (0..=newest).contains(&last) {
                if last + 1 < oldest {
                    self.queue.push_back(FeedItem::Reset);
                }
                self.cursor = last.max(oldest - 1);
                self.arrival = Arrival::Placed;
                return Ok(());
            }
            unknown = true;
        }
        // The stand before the events, never after them.
        let (stand, _) = self.subject.look(&mut db, line.stream()).await?;
        let heads = events::heads(&mut db, line.stream()).await?;
        let is_session = matches!(self.subject, Subject::Session);
        let Start { snapshot, cursor, leave_out } = replay::fresh(&heads, self.subject.state(stand), is_session);
        let told = match snapshot {
            Some(seq) => events::after(&mut db, line.stream(), seq - 1, 1).await?.pop().filter(|row| row.seq == seq),
            None => None,
        };
        if unknown {
            self.queue.push_back(FeedItem::Reset);
        }
        self.queue.extend(told.map(|row| FeedItem::Event { seq: row.seq, frame: frame::snapshot(row.seq, &row.json) }));
        (self.cursor, self.leave_out, self.arrival) = (cursor, leave_out, Arrival::Placed);
        Ok(())
    }
}
