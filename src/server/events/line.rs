//! One stream as its listeners share it: its newest events, ready for the wire, and what the store said last about
//! its subject.
//!
//! Each wake makes what the store said last doubtful. One listener looks again, for all; the others are woken only
//! when it found something. What is kept here is bounded, and only ever a copy of what was committed: a listener that
//! is too slow for it reads from the store. Must not know how a listener began or when it ends.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

use super::frame;
use crate::model::Phase;
use crate::server::store::events::EventRow;

/// Most events that are kept in memory for the listeners of a stream.
pub(super) const MOST_FRAMES: usize = 256;
/// Most bytes that they may have together.
const MOST_BYTES: usize = 256 * 1024;

/// What the store said about a stream's subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// A session, and whether it has said its last word.
    Session { over: bool },
    /// A tenant's phase; `None` when it is gone.
    Tenant(Option<Phase>),
}

/// What a line has for a listener.
#[derive(Debug)]
pub(super) enum Taken {
    /// The next event.
    Frame(Bytes),
    /// The next event is older than what is kept in memory.
    Behind,
    /// Nothing is known after it.
    Nothing,
}

/// What is known about the subject, as of the last wake.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// This.
    Known(Stand),
    /// Nothing; whoever gets this has to look.
    Look(Looking<'a>),
    /// Nothing; someone looks.
    Wait,
}

#[derive(Debug)]
pub(super) struct Line {
    stream: String,
    news: watch::Sender<()>,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    /// The number before the first frame; `None` until someone looked.
    base: Option<i64>,
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Counts what makes the stand doubtful.
    doubts: u64,
    /// The last stand, and how many doubts it answers.
    stand: Option<(u64, Stand)>,
    looking: bool,
    /// Someone waits who does not know the stand before.
    strangers: bool,
}

impl Inside {
    /// The number of the newest event that is known; frames reach up to it without a hole.
    fn end(&self, base: i64) -> i64 {
        base + i64::try_from(self.frames.len()).unwrap_or(i64::MAX)
    }

    /// Keeps the event if it is the next one.
    fn push(&mut self, seq: i64, json: &str) {
        let Some(base) = self.base else { return };
        if seq != self.end(base) + 1 {
            return;
        }
        let frame = frame::event(seq, json);
        self.bytes += frame.len();
        self.frames.push_back(frame);
        while self.frames.len() > MOST_FRAMES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.len();
            self.base = self.base.map(|base| base + 1);
        }
    }

    fn begin_after(&mut self, seq: i64) {
        self.frames.clear();
        self.bytes = 0;
        self.base = Some(seq);
    }
}

impl Line {
    pub(super) fn new(stream: String) -> Self {
        let inside = Inside {
            base: None,
            frames: VecDeque::new(),
            bytes: 0,
            doubts: 1,
            stand: None,
            looking: false,
            strangers: false,
        };
        Self { stream, news: watch::Sender::new(()), inside: Mutex::new(inside) }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Hears of every wake from now on.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Something was committed: this event, or a change that has none.
    pub(super) fn wake(&self, event: Option<(i64, &str)>) {
        {
            let mut inside = self.lock();
            inside.doubts += 1;
            if let Some((seq, json)) = event {
                inside.push(seq, json);
            }
        }
        self.news.send_replace(());
    }

    /// What the store said last may be older than what somebody read just now.
    pub(super) fn doubt(&self) {
        self.lock().doubts += 1;
    }

    /// The event after this number.
    pub(super) fn take(&self, cursor: i64) -> Taken {
        let inside = self.lock();
        let Some(base) = inside.base else { return Taken::Nothing };
        match usize::try_from(cursor - base) {
            Ok(index) => inside.frames.get(index).cloned().map_or(Taken::Nothing, Taken::Frame),
            Err(_) => Taken::Behind,
        }
    }

    /// What is known about the subject, for a listener that knows what `judged` means for it. Who has to wait is woken when
    /// something else is found.
    pub(super) fn verdict(&self, judged: Option<Stand>) -> Verdict<'_> {
        let mut inside = self.lock();
        match inside.stand {
            Some((answers, stand)) if answers == inside.doubts => Verdict::Known(stand),
            stand if inside.looking => {
                inside.strangers |= stand.map(|(_, stand)| stand) != judged;
                Verdict::Wait
            }
            _ => {
                inside.looking = true;
                let known = inside.base.map(|base| inside.end(base));
                Verdict::Look(Looking { line: self, answers: inside.doubts, known, done: false })
            }
        }
    }
}

/// Someone looks for all. When it is dropped before it found out, someone else has to.
#[derive(Debug)]
pub(super) struct Looking<'a> {
    line: &'a Line,
    answers: u64,
    /// The newest event that the line knew when it began.
    pub(super) known: Option<i64>,
    done: bool,
}

impl Looking<'_> {
    /// Tells what was found: the stand, the number of the newest event as of the same moment, and events up to it that
    /// the line does not have.
    pub(super) fn found(mut self, stand: Stand, newest: i64, missing: &[EventRow]) {
        self.done = true;
        let changed = {
            let mut inside = self.line.lock();
            inside.looking = false;
            let before = inside.base.map(|base| inside.end(base));
            if before.is_none() {
                inside.begin_after(newest);
            }
            for row in missing {
                // Old ones went before they were read: listeners that had not seen them are behind.
                if inside.base.is_some_and(|base| row.seq > inside.end(base) + 1) {
                    inside.begin_after(row.seq - 1);
                }
                inside.push(row.seq, &row.json);
            }
            if inside.base.is_some_and(|base| newest > inside.end(base)) {
                inside.begin_after(newest);
            }
            let strangers = std::mem::take(&mut inside.strangers);
            let same = inside.stand.is_some_and(|(_, old)| old == stand);
            inside.stand = Some((self.answers, stand));
            strangers || !same || inside.doubts != self.answers || before != inside.base.map(|base| inside.end(base))
        };
        if changed {
            self.line.news.send_replace(());
        }
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.line.lock().looking = false;
            self.line.news.send_replace(());
        }
    }
}
