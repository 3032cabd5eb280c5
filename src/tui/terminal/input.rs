//! What is typed, as a stream that can be ended for certain: another program that gets the terminal must not share
//! its input with a thread of this one. Must not know what keys mean.

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use futures_util::task::AtomicWaker;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

/// How long the thread that reads may take to let go; one that is in the middle of a sequence waits for its end.
const LET_GO: Duration = Duration::from_millis(200);
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(1);
/// Events that may have been read and not taken; more than a terminal sends in a moment.
const READ_AHEAD: usize = 4096;

/// The terminal's events.
pub struct Input {
    stream: EventStream,
    call: Arc<Call>,
}

/// Wakes whoever asks now. The thread that reads for the stream holds a copy for as long as it reads, and in no other
/// way says that it has stopped.
struct Call(AtomicWaker);

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

impl Input {
    /// Reads from now on. There must be no other one.
    #[must_use]
    pub fn open() -> Self {
        Self { stream: EventStream::new(), call: Arc::new(Call(AtomicWaker::new())) }
    }

    /// The next event; `None` at the end. May be dropped and asked again without missing one.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        poll_fn(|context| {
            self.call.0.register(context.waker());
            let waker = Waker::from(Arc::clone(&self.call));
            self.stream.poll_next_unpin(&mut Context::from_waker(&waker))
        })
        .await
    }

    /// Reads no more when this returns, and has forgotten what was typed ahead: it was not meant for the screen that
    /// comes afterwards. Takes no longer than a moment, also where the terminal is gone.
    pub fn close(self) {
        let Self { stream, call } = self;
        drop(stream);
        let until = Instant::now() + LET_GO;
        // Nobody may look for events before: it would take the wake-up that is meant for that thread.
        while Arc::strong_count(&call) > 1 {
            if Instant::now() >= until {
                return;
            }
            std::thread::sleep(LOOK);
        }
        let mut was_nothing = false;
        for _ in 0..READ_AHEAD {
            let read = matches!(crossterm::event::poll(Duration::ZERO), Ok(true)) && crossterm::event::read().is_ok();
            // Once it may be a wake-up that came too late, and that looks like nothing.
            if !read && was_nothing {
                return;
            }
            was_nothing = !read;
        }
    }
}
