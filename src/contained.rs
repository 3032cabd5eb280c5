//! Panics that are expected of somebody else's code and caught: told apart from our own.
//!
//! A panic of this program gives the terminal back and ends the screen. A library that panics at bytes from the
//! network must not be able to do that. Stands outside of the rooms, because the room that contains a panic and
//! the room that owns the terminal may not know each other.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// A panic that was caught. What it said is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught;

/// A future whose panics are caught. After one it must not be polled again.
#[derive(Debug)]
pub struct Contained<F>(F);

impl<F: Future + Unpin> Contained<F> {
    /// Contains `future`.
    pub fn new(future: F) -> Self {
        Self(future)
    }
}

impl<F: Future + Unpin> Future for Contained<F> {
    type Output = Result<F::Output, Caught>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let before = CONTAINED.replace(true);
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx)));
        CONTAINED.set(before);
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(_panic) => Poll::Ready(Err(Caught)),
        }
    }
}

/// For panic hooks: true when the panic of this thread will be caught.
#[must_use]
pub fn is_caught() -> bool {
    CONTAINED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_contained_panic_is_known_as_such_while_it_happens() {
        struct Panics;
        impl Future for Panics {
            type Output = ();
            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
                assert!(!is_caught(), "on purpose, with the flag set");
                Poll::Ready(())
            }
        }
        assert!(!is_caught());
        assert_eq!(Contained::new(Panics).await, Err(Caught));
        assert!(!is_caught());
        assert_eq!(Contained::new(std::future::ready(7)).await, Ok(7));
    }
}
