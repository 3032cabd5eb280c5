//! Bodies that break off: a call's on its way in, an answer's on its way out.

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{CutAnswer, Faults};

/// What was sent before the break has to leave the program before the connection is closed.
const FLUSH: Duration = Duration::from_millis(20);

/// The body of a call up to so many bytes, then a break.
pub(super) fn call(body: Body, faults: Faults, id: u64, after_bytes: u64, cut: Arc<AtomicBool>) -> Body {
    if body.size_hint().exact().is_some_and(|length| length <= after_bytes) {
        return body;
    }
    let come = AtomicU64::new(0);
    let pieces = body.into_data_stream().map(move |piece| {
        let piece = piece.map_err(io::Error::other)?;
        let total = come.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        if total > after_bytes && (cut.load(Ordering::Relaxed) || faults.strike_by_id(id)) {
            cut.store(true, Ordering::Relaxed);
            return Err(io::Error::other("cut on demand"));
        }
        Ok(piece)
    });
    Body::from_stream(pieces)
}

/// The body of an answer up to so many events or bytes, then a break.
pub(super) fn answer(body: Body, faults: Faults, at: CutAnswer) -> Body {
    if let (Some(length), Some(most)) = (body.size_hint().exact(), at.after_bytes)
        && length <= most
        && at.after_events.is_none()
    {
        return body;
    }
    let meter = Meter { bytes_left: at.after_bytes, events_left: at.after_events, ..Meter::default() };
    let cutter = Cutter { pieces: Box::pin(body.into_data_stream()), faults, id: at.id, meter, broken: false };
    Body::from_stream(stream::unfold(cutter, |mut cutter| async move {
        let piece = cutter.next().await?;
        Some((piece, cutter))
    }))
}

struct Cutter {
    pieces: std::pin::Pin<Box<axum::body::BodyDataStream>>,
    faults: Faults,
    id: u64,
    meter: Meter,
    broken: bool,
}

impl Cutter {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.broken {
            tokio::time::sleep(FLUSH).await;
            return Some(Err(io::Error::other("cut on demand")));
        }
        if !self.meter.is_full() {
            let mut piece = match self.pieces.next().await? {
                Ok(piece) => piece,
                Err(error) => return Some(Err(io::Error::other(error))),
            };
            let fits = self.meter.fill(&piece);
            if !self.meter.is_full() || !self.faults.strike_by_id(self.id) {
                return Some(Ok(piece));
            }
            self.broken = true;
            piece.truncate(fits);
            return Some(Ok(piece));
        }
        // Nothing at all is let through.
        if self.faults.strike_by_id(self.id) {
            self.broken = true;
            return Some(Ok(Bytes::new()));
        }
        self.meter = Meter::default();
        Some(Ok(Bytes::new()))
    }
}

/// Counts bytes and events until one of them is enough.
#[derive(Debug, Default)]
struct Meter {
    bytes_left: Option<u64>,
    events_left: Option<u64>,
    /// The beginning of the line that is being read, as far as it matters.
    line: Vec<u8>,
    has_data: bool,
    is_heartbeat: bool,
}

const HEARTBEAT: &[u8] = b"event: heartbeat";

impl Meter {
    fn is_full(&self) -> bool {
        self.bytes_left == Some(0) || self.events_left == Some(0)
    }

    /// How many bytes of the piece are let through.
    fn fill(&mut self, piece: &[u8]) -> usize {
        for (index, byte) in piece.iter().enumerate() {
            if self.events_left.is_some() {
                self.read(*byte);
            }
            if let Some(left) = &mut self.bytes_left {
                *left -= 1;
            }
            if self.is_full() {
                return index + 1;
            }
        }
        piece.len()
    }

    fn read(&mut self, byte: u8) {
        if byte != b'\n' {
            if self.line.len() < HEARTBEAT.len() {
                self.line.push(byte);
            }
            return;
        }
        if self.line.is_empty() {
            if self.has_data && !self.is_heartbeat {
                self.events_left = self.events_left.map(|left| left.saturating_sub(1));
            }
            (self.has_data, self.is_heartbeat) = (false, false);
        } else {
            self.has_data |= self.line.starts_with(b"data:");
            self.is_heartbeat |= self.line == HEARTBEAT;
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b"retry: 2000\nid: 1\ndata: {}\n\nevent: heartbeat\ndata: {}\n\nid: 2\ndata: {}\n\nid: 3\ndata: {}\n\n";

    #[test]
    fn events_are_counted_and_heartbeats_are_not() {
        for (events, rest) in [(1, "event: heartbeat"), (2, "id: 3")] {
            for size in [1, 7, STREAM.len()] {
                let mut meter = Meter { events_left: Some(events), ..Meter::default() };
                let mut through = 0;
                for piece in STREAM.chunks(size) {
                    if meter.is_full() {
                        break;
                    }
                    through += meter.fill(piece);
                }
                let rest_is = String::from_utf8_lossy(&STREAM[through..]).into_owned();
                assert!(rest_is.starts_with(rest), "{events} {size} {rest_is}");
            }
        }
    }

    #[test]
    fn bytes_are_counted() {
        let mut meter = Meter { bytes_left: Some(10), ..Meter::default() };
        assert_eq!((meter.fill(&[0; 8]), meter.is_full()), (8, false));
        assert_eq!((meter.fill(&[0; 8]), meter.is_full()), (2, true));
    }
}
