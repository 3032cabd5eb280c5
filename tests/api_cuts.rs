//! Event streams that are cut again and again, at any byte, by servers that remember differently: no event is lost and none
//! is shown twice, wherever ids, keys or times tell them apart (protocol C.5). Of events with none of these nobody can
//! tell; they are shown once more rather than lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenantry::api::{BaseUrl, Client, Feed, FeedItem, Pace};
use tenantry::model::{LogEntry, ProvisioningEvent, Secret, SessionId, TenantId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The head of a request.
async fn request(socket: &mut TcpStream) -> Option<String> {
    let mut raw = Vec::new();
    while !raw.ends_with(b"\r\n\r\n") {
        raw.push(socket.read_u8().await.ok()?);
    }
    Some(String::from_utf8(raw).expect("a request in ASCII").to_ascii_lowercase())
}

fn last_event_id(head: &str) -> Option<usize> {
    head.lines().find_map(|line| line.strip_prefix("last-event-id: ")).map(|id| id.parse().expect("an id of ours"))
}

/// A server that answers the n-th request (from 0) with what `answer` makes of its head, and hangs up. Ends when dropped.
struct Server {
    base: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(mut answer: impl FnMut(usize, &str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move {
            let mut number = 0;
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                let Some(head) = request(&mut socket).await else { continue };
                let _ = socket.write_all(&answer(number, &head)).await;
                let _ = socket.shutdown().await;
                number += 1;
            }
        });
        Self { base, task }
    }

    fn client(&self, pace: Pace) -> Client {
        client(&self.base, "hunter2", pace)
    }
}

fn client(base: &str, token: &str, pace: Pace) -> Client {
    Client::with_pace(BaseUrl::parse(base).expect("a base"), Secret::new(token), pace).expect("a client")
}

fn tenant() -> TenantId {
    TenantId::new("3f6c1b8e").expect("an id")
}

/// How an answer is put on the wire.
#[derive(Debug, Clone, Copy)]
enum Framing {
    /// Its end is the end of the connection.
    Close,
    /// In chunks of so many bytes.
    Chunked(usize),
}

impl Framing {
    fn of(self, body: &str) -> Vec<u8> {
        const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";
        match self {
            Self::Close => format!("{HEAD}\r\n{body}").into_bytes(),
            Self::Chunked(size) => {
                let mut wire = format!("{HEAD}transfer-encoding: chunked\r\n\r\n").into_bytes();
                for chunk in body.as_bytes().chunks(size) {
                    wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    wire.extend(chunk);
                    wire.extend(b"\r\n");
                }
                wire.extend(b"0\r\n\r\n");
                wire
            }
        }
    }
}

/// What comes between the client and a whole answer.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// The answer is cut; where, in thousandths of it.
    Cut(usize),
    /// The server is being started again: nobody answers.
    Down,
    /// Or somebody answers for it.
    Unavailable,
}

impl Trouble {
    fn strike(self, mut wire: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Cut(place) => wire.truncate(wire.len() * place / 1000),
            Self::Down => wire.clear(),
            Self::Unavailable => wire = b"HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        }
        wire
    }
}

/// What the server knows of what it sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// It goes on after the last id.
    Cursor,
    /// It sends ids, and everything again.
    Ids,
    /// It sends keys alone, and everything again.
    Keys,
    /// It no longer knows the id, says so, and sends everything that has a key.
    Reset,
}

/// The events of a checkout as this server sends them, with what a real stream has between them.
fn checkout(memory: Memory, after: Option<usize>) -> String {
    let kinds = ["subscription_created", "tenant_created", "a_new_word", "vm_provisioned", "infrastructure_ready"];
    let mut body = String::from("retry: 2000\n\n");
    if memory == Memory::Reset && after.is_some() {
        body += "event: reset\ndata: {}\n\n";
    }
    let after = after.filter(|_| memory == Memory::Cursor).unwrap_or_default();
    for (number, kind) in kinds.into_iter().enumerate().map(|(index, kind)| (index + 1, kind)).skip(after) {
        if memory != Memory::Keys {
            let _ = writeln!(body, "id: {number}");
        }
        let key = if memory == Memory::Ids { "null".to_owned() } else { format!("\"key-{number}\"") };
        let _ = write!(
            body,
            "event: provisioning\r\ndata: {{\"event_type\":\"{kind}\",\"status\":\"provisioning\",\
             \"message\":\"ü{number}\",\"event_key\":{key}}}\n\n: comment\n\nevent: heartbeat\ndata: {{}}\n\n"
        );
    }
    body
}

/// A log in which a moment may have any number of lines, of which any number are alike: (moment, words).
type Log = Vec<(u32, u8)>;

fn log(lines: &Log, has_ids: bool, after: Option<usize>) -> String {
    let mut body = String::new();
    for (index, (moment, words)) in lines.iter().enumerate().skip(after.unwrap_or_default()) {
        if has_ids {
            let _ = writeln!(body, "id: {}", index + 1);
        }
        let at = format!("2026-01-09T10:{:02}:{:02}Z", moment / 60, moment % 60);
        let _ = write!(body, "event: log\ndata: {{\"timestamp\":\"{at}\",\"message\":\"ä{words}\"}}\n\n");
        if index % 3 == 0 {
            body += "event: heartbeat\ndata: {}\n\n";
        }
    }
    body
}

/// What a feed said until it ended.
async fn items<T>(mut feed: Feed<T>) -> Result<Vec<T>, TestCaseError> {
    let mut items = Vec::new();
    let reading = async {
        while let Some(item) = feed.next().await {
            match item {
                FeedItem::Item(item) => items.push(item),
                // The end of a log that is followed: see below.
                FeedItem::Failed(error) if error.status() == Some(410) => break,
                FeedItem::Failed(error) => return Err(TestCaseError::fail(error.to_string())),
                FeedItem::Connected | FeedItem::Interrupted { .. } => {}
            }
        }
        Ok(())
    };
    let ended = tokio::time::timeout(Duration::from_mins(1), reading).await;
    ended.map_err(|_| TestCaseError::fail("it does not end"))??;
    Ok(items)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![Just(Framing::Close), (1..200usize).prop_map(Framing::Chunked)]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![8 => (0..=1000usize).prop_map(Trouble::Cut), 1 => Just(Trouble::Down), 1 => Just(Trouble::Unavailable)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn events_survive_any_number_of_cuts(
        memory in prop_oneof![
            Just(Memory::Cursor), Just(Memory::Ids), Just(Memory::Keys), Just(Memory::Reset)
        ],
        framing in framing(),
        // After more than five without progress an operation's stream is given up.
        troubles in prop::collection::vec(trouble(), 0..=5),
    ) {
        let said = run(async move {
            let server = Server::start(move |number, head| {
                let wire = framing.of(&checkout(memory, last_event_id(head)));
                troubles.get(number).map_or(wire.clone(), |trouble| trouble.strike(wire))
            })
            .await;
            let session = SessionId::new("cs_8Wn2").expect("an id");
            items(server.client(Pace::quick()).checkout_events(&session)).await
        })?;
        let said: Vec<_> = said.into_iter().filter_map(|event: ProvisioningEvent| event.message).collect();
        prop_assert_eq!(said, ["ü1", "ü2", "ü3", "ü4", "ü5"]);
    }

    #[test]
    fn log_lines_survive_any_number_of_cuts(
        steps in prop::collection::vec((0..2u32, 0..3u8), 1..20),
        has_ids in any::<bool>(),
        framing in framing(),
        troubles in prop::collection::vec(trouble(), 0..=8),
    ) {
        let mut moment = 0;
        let lines: Log = steps.into_iter().map(|(step, words)| {
            moment += step;
            (moment, words)
        }).collect();
        let whole = lines.clone();
        let said = run(async move {
            let server = Server::start(move |number, head| match troubles.get(number) {
                Some(trouble) => trouble.strike(framing.of(&log(&lines, has_ids, last_event_id(head)))),
                None if number == troubles.len() => framing.of(&log(&lines, has_ids, last_event_id(head))),
                None => b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
            })
            .await;
            items(server.client(Pace::quick()).follow_logs(&tenant(), 100)).await
        })?;
        let said: Vec<_> = said.into_iter().map(|entry: LogEntry| entry.message).collect();
        let whole: Vec<_> = whole.into_iter().map(|(_, words)| format!("ä{words}")).collect();
        prop_assert_eq!(said, whole);
    }
}

/// One of a line of events, of which the last one ends an operation.
fn event(number: usize, last: usize) -> String {
    let kind = if number == last { "tenant_ready" } else { "vm_provisioning_progress" };
    format!("id: {number}\ndata: {{\"event_type\":\"{kind}\",\"status\":\"x\",\"message\":\"{number}\"}}\n\n")
}

fn numbers(events: Vec<ProvisioningEvent>) -> Vec<usize> {
    events.into_iter().map(|event| event.message.expect("words").parse().expect("a number")).collect()
}

#[tokio::test]
async fn a_login_that_ends_in_the_middle_and_comes_again_neither_loses_nor_repeats() {
    let login =
        |number: u32| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"mara\",\"n\":{number}}}")));
    let (first, second) = (login(1), login(2));
    let old = first.to_ascii_lowercase();
    let carried = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&carried);
    let server = Server::start(move |number, head| {
        let is_old = head.contains(&old);
        if head.starts_with("get /api/v1/tenants/3f6c1b8e/events ") {
            log.lock().expect("unpoisoned").push((is_old, last_event_id(head)));
        }
        match (number, is_old) {
            (0, _) => Framing::Close.of(&[event(1, 4), event(2, 4)].concat()),
            (_, true) => b"HTTP/1.1 401 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
            (_, false) => {
                let after = last_event_id(head).unwrap_or_default();
                Framing::Close.of(&(after + 1..=4).map(|number| event(number, 4)).collect::<String>())
            }
        }
    })
    .await;
    let client = client(&server.base, &first, Pace::quick());
    client.when_the_login_is_over(Arc::new(move || {
        let second = second.clone();
        Box::pin(async move { Some(Secret::new(second)) })
    }));
    let said = items(client.tenant_events(&tenant(), false)).await.expect("an end");
    assert_eq!(numbers(said), [1, 2, 3, 4]);
    let carried = carried.lock().expect("unpoisoned").clone();
    assert_eq!(carried, [(true, None), (true, Some(2)), (false, Some(2))]);
}

#[tokio::test]
async fn what_is_held_back_for_too_long_and_then_comes_at_once_is_whole() {
    const MANY: usize = 500;
    const SILENCE: Duration = Duration::from_millis(400);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let task = tokio::spawn(async move {
        let mut number = 0;
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let Some(asked) = request(&mut socket).await else { continue };
            number += 1;
            if number == 1 {
                // Holds everything back until the client thinks that nobody is there, and hangs up.
                let _ = socket.read_u8().await;
                continue;
            }
            // Then for as long as the client still waits; and more comes in one piece than waits for a reader.
            let after = last_event_id(&asked).unwrap_or_default();
            let rest = (after + 1..=MANY).map(|number| event(number, MANY)).collect::<String>();
            let wire = Framing::Close.of(&rest);
            let (begin, rest) = wire.split_at(wire.len() - rest.len() + 10);
            let _ = socket.write_all(begin).await;
            tokio::time::sleep(SILENCE / 4).await;
            let _ = socket.write_all(rest).await;
            let _ = socket.shutdown().await;
        }
    });
    let pace = Pace { silence: SILENCE, ..Pace::quick() };
    let said = items(client(&base, "hunter2", pace).tenant_events(&tenant(), false)).await.expect("an end");
    assert_eq!(numbers(said), (1..=MANY).collect::<Vec<_>>());
    task.abort();
}
