//! One listener, as light as it can be: it reads lines from its socket and looks at the ids.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::reads::Reads;
use crate::table::Outcome;

/// What all listeners of a case got. Cheap to clone.
#[derive(Debug, Default, Clone)]
pub struct Tally(Rc<RefCell<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    greeted: usize,
    delivered: u64,
    missing: u64,
    doubles: u64,
    lost: u64,
    /// Microseconds from the moment before an event was written to the moment a listener had it.
    latencies: Vec<u64>,
}

impl Tally {
    pub fn greeted(&self) -> usize {
        self.0.borrow().greeted
    }

    pub fn delivered(&self) -> u64 {
        self.0.borrow().delivered
    }

    pub fn outcome(&self, reads: &Reads) -> Outcome {
        let mut counts = self.0.borrow_mut();
        Outcome {
            delivered: counts.delivered,
            missing: counts.missing,
            doubles: counts.doubles,
            lost: counts.lost,
            events: percentiles(&mut counts.latencies),
            ..reads.outcome()
        }
    }
}

/// The middle, and what one of a hundred takes longer than.
pub fn percentiles(samples: &mut [u64]) -> Option<(Duration, Duration)> {
    samples.sort_unstable();
    let at = |part: usize| samples.get(samples.len() * part / 100).copied().map(Duration::from_micros);
    Some((at(50)?, at(99)?))
}

pub struct Listener {
    stream: TcpStream,
    tally: Tally,
    sampled: bool,
    last: Option<u64>,
    /// A line whose end has not come yet.
    line: Vec<u8>,
}

impl Listener {
    pub async fn open(address: &str, path: &str, token: &str, tally: Tally, sampled: bool) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("asked");
        Self { stream, tally, sampled, last: None, line: Vec::new() }
    }

    /// Reads until the stream ends.
    pub async fn run(mut self) {
        thread_local!(static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]));
        loop {
            if self.stream.readable().await.is_err() {
                break;
            }
            let more = BUFFER.with_borrow_mut(|buffer| match self.stream.try_read(buffer) {
                Ok(0) => false,
                Ok(count) => {
                    self.read(&buffer[..count]);
                    true
                }
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            });
            if !more {
                break;
            }
        }
        self.tally.0.borrow_mut().lost += 1;
    }

    /// A frame is one piece of the answer's body, so lines are never split by the sizes of pieces.
    fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            if self.line.is_empty() {
                self.see(&rest[..end]);
            } else {
                self.line.extend_from_slice(&rest[..end]);
                let line = std::mem::take(&mut self.line);
                self.see(&line);
            }
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
    }

    fn see(&mut self, line: &[u8]) {
        if let Some(id) = line.strip_prefix(b"id: ") {
            self.count(number(id).expect("an id"));
        } else if self.sampled && line.starts_with(b"data: ") {
            let sent = line.windows(3).position(|part| part == b" t=").and_then(|at| number(&line[at + 3..]));
            if let Some(sent) = sent {
                self.tally.0.borrow_mut().latencies.push(now().saturating_sub(sent));
            }
        } else if line.starts_with(b"HTTP/1.1 ") {
            assert!(line.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(line));
        }
    }

    fn count(&mut self, id: u64) {
        let mut counts = self.tally.0.borrow_mut();
        match self.last.replace(id) {
            None => counts.greeted += 1,
            Some(last) if id > last => {
                counts.delivered += 1;
                counts.missing += id - last - 1;
            }
            Some(_) => counts.doubles += 1,
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    u64::try_from(now.as_micros()).expect("a time")
}
