//! Bodies on their way through the door, frame by frame: nothing is collected, and one on which nothing moves for too
//! long ends.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::place::Place;
use super::traffic::Passage;

/// Ends what does not move.
#[derive(Debug)]
struct Patience {
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, sleep: Box::pin(tokio::time::sleep(limit)) }
    }

    fn moved(&mut self) {
        self.sleep.as_mut().reset(Instant::now() + self.limit);
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.sleep.as_mut().poll(context).is_ready()
    }
}

/// The body of a request.
#[derive(Debug)]
pub(super) enum Upload {
    /// There is none.
    Nothing(Empty<Bytes>),
    /// As it comes from the caller.
    Caller(CallerBody),
}

/// See [`Upload::Caller`].
#[derive(Debug)]
pub(super) struct CallerBody {
    inner: Body,
    patience: Patience,
}

impl Upload {
    pub(super) fn nothing() -> Self {
        Self::Nothing(Empty::new())
    }

    pub(super) fn caller(inner: Body, limit: Duration) -> Self {
        Self::Caller(CallerBody { inner, patience: Patience::new(limit) })
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let Self::Caller(body) = self.get_mut() else { return Poll::Ready(None) };
        match Pin::new(&mut body.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                body.patience.moved();
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending if body.patience.is_over(context) => Poll::Ready(Some(Err(too_long().into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing(_) => true,
            Self::Caller(body) => body.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing(_) => SizeHint::with_exact(0),
            Self::Caller(body) => body.inner.size_hint(),
        }
    }
}

/// The body of an answer. Until it is over its request counts as under way; then its connection waits for another.
#[derive(Debug)]
pub(super) struct Download {
    inner: Incoming,
    patience: Patience,
    is_over: bool,
    connection: Option<(Arc<Place>, SendRequest<Upload>)>,
    passage: Passage,
    _permit: OwnedSemaphorePermit,
}

impl Download {
    pub(super) fn new(
        inner: Incoming,
        limit: Duration,
        connection: (Arc<Place>, SendRequest<Upload>),
        passage: Passage,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let is_over = inner.is_end_stream();
        let patience = Patience::new(limit);
        Self { inner, patience, is_over, connection: Some(connection), passage, _permit: permit }
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        if polled.is_pending() && this.patience.is_over(context) {
            return Poll::Ready(Some(Err(too_long().into())));
        }
        let frame = ready!(polled);
        this.patience.moved();
        this.is_over = frame.is_none() || matches!(frame, Some(Ok(_))) && this.inner.is_end_stream();
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Some((place, sender)) = self.connection.take().filter(|_| self.is_over) {
            place.keep(self.passage.machine, sender);
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nothing moved for too long")
}
