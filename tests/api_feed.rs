//! Event streams against a server that is scripted byte by byte: cuts everywhere, refusals in the middle,
//! and things that are no event stream at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_util::stream::{self, StreamExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenantry::api::{ApiError, BaseUrl, Client, Feed, FeedItem, Pace};
use tenantry::model::{LogEntry, ProvisioningEvent, Secret, SessionId, TenantId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const TOKEN: &str = "hunter2.token.value";
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

/// What the server saw of a request: its first line, and its headers by lower-case name.
#[derive(Debug, Clone)]
struct Seen {
    line: String,
    headers: HashMap<String, String>,
}

impl Seen {
    fn last_event_id(&self) -> Option<&str> {
        self.headers.get("last-event-id").map(String::as_str)
    }
}

/// Reads one request.
async fn request(socket: &mut TcpStream) -> Option<Seen> {
    let mut raw = Vec::new();
    while !raw.ends_with(b"\r\n\r\n") {
        raw.push(socket.read_u8().await.ok()?);
    }
    let raw = String::from_utf8(raw).expect("a request in ASCII");
    let mut lines = raw.lines();
    let line = lines.next().expect("a request line").to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Seen { line, headers })
}

/// A server whose answer to the n-th connection (from 0) is made by `answer`; then it hangs up.
struct Server {
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(answer: impl Fn(usize, &Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                let Some(request) = request(&mut socket).await else { continue };
                let number = log.lock().expect("unpoisoned").len();
                let bytes = answer(number, &request);
                log.lock().expect("unpoisoned").push(request);
                // The client may have gone already; then there is nobody to serve.
                let _ = socket.write_all(&bytes).await;
                let _ = socket.shutdown().await;
            }
        });
        Self { base, seen, task }
    }

    /// One scripted answer per connection; the last one is repeated.
    async fn scripted(answers: Vec<Vec<u8>>) -> Self {
        Self::start(move |number, _| answers[number.min(answers.len() - 1)].clone()).await
    }

    fn client(&self) -> Client {
        client(&self.base, Pace::quick())
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("unpoisoned").clone()
    }
}

fn client(base: &str, pace: Pace) -> Client {
    Client::with_pace(BaseUrl::parse(base).expect("a base"), Secret::new(TOKEN), pace).expect("a client")
}

fn tenant() -> TenantId {
    TenantId::new("3f6c1b8e").expect("an id")
}

fn session() -> SessionId {
    SessionId::new("cs_8Wn2").expect("an id")
}

fn stream_of(frames: &str) -> Vec<u8> {
    format!("{HEAD}{frames}").into_bytes()
}

fn refusal(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Refused\r\n{headers}content-length: 5\r\nconnection: close\r\n\r\nwords").into_bytes()
}

/// One event with its id; the key is the same on every stream.
fn frame(id: u32, kind: &str) -> String {
    format!(
        "id: {id}\nevent: provisioning\ndata: {{\"event_type\":\"{kind}\",\"status\":\"provisioning\",\"message\":\"ü{id}\"}}\n\n"
    )
}

/// What a stream said, in short: `+` connected, `!n` interrupted, `failed`, or an event's message.
async fn next(feed: &mut Feed<ProvisioningEvent>) -> Option<String> {
    Some(match feed.next().await? {
        FeedItem::Connected => "+".into(),
        FeedItem::Item(event) => event.message.unwrap_or_default(),
        FeedItem::Interrupted { attempt, problem, .. } => {
            assert_eq!(problem.title, "Live updates interrupted.");
            assert!(!format!("{problem:?}").contains("hunter2"));
            format!("!{attempt}")
        }
        FeedItem::Failed(error) => {
            assert!(!format!("{error} {error:?} {}", error.problem()).contains("hunter2"));
            "failed".into()
        }
    })
}

async fn all(mut feed: Feed<ProvisioningEvent>) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(word) = next(&mut feed).await {
        said.push(word);
    }
    said
}

async fn some(feed: &mut Feed<ProvisioningEvent>, count: usize) -> Vec<String> {
    let mut said = Vec::new();
    while said.len() < count {
        said.push(next(feed).await.expect("more to come"));
    }
    said
}

/// The events of a whole checkout, with what a real stream has between them.
fn recording() -> Vec<String> {
    vec![
        "retry: 2000\n\n".into(),
        frame(1, "subscription_created"),
        frame(2, "tenant_created"),
        "event: heartbeat\ndata: {}\n\n".into(),
        frame(3, "a_new_word"),
        ": comment\r\n\r\n".into(),
        frame(4, "vm_provisioned").replace('\n', "\r\n"),
        frame(5, "infrastructure_ready"),
    ]
}

/// The part of the recording that a server replays after `id`.
fn replay(after: Option<&str>) -> String {
    let after: u32 = after.map_or(0, |id| id.parse().expect("an id of ours"));
    let is_over = |frame: &String| {
        let id = frame.lines().find_map(|line| line.strip_prefix("id: "));
        id.is_some_and(|id| id.parse::<u32>().expect("a number") <= after)
    };
    recording().into_iter().filter(|frame| !is_over(frame)).collect()
}

const WHOLE: [&str; 5] = ["ü1", "ü2", "ü3", "ü4", "ü5"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_cut_at_every_byte_loses_nothing_and_repeats_nothing() {
    let whole = stream_of(&replay(None));
    stream::iter(0..=whole.len())
        .for_each_concurrent(16, |cut| async move {
            let server = Server::start(move |number, seen| {
                let mut bytes = stream_of(&replay(seen.last_event_id()));
                if number == 0 {
                    bytes.truncate(cut);
                }
                bytes
            })
            .await;
            let said = all(server.client().checkout_events(&session())).await;
            let events: Vec<_> = said.iter().filter(|word| word.starts_with('ü')).collect();
            assert_eq!(events, WHOLE, "cut at {cut}: {said:?}");
            let interruptions = said.iter().filter(|word| *word == "!1").count();
            assert_eq!(interruptions + 1, server.seen().len(), "cut at {cut}: {said:?}");
            assert!(interruptions <= 1, "cut at {cut}: {said:?}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_memory_repeats_itself_and_the_client_does_not() {
    // Replays everything every time, one frame more each.
    let server = Server::start(|number, _| {
        let frames = recording();
        stream_of(&frames[..(number + 2).min(frames.len())].concat())
    })
    .await;
    let said = all(server.client().checkout_events(&session())).await;
    let events: Vec<_> = said.iter().filter(|word| word.starts_with('ü')).collect();
    assert_eq!(events, WHOLE, "{said:?}");
}

#[tokio::test]
async fn interruptions_are_shown_and_requests_are_fresh_and_whole() {
    let server = Server::scripted(vec![
        stream_of(&frame(1, "tenant_created")),
        // An event without id and one with an empty id leave the cursor where it was.
        stream_of("id:\ndata: {\"event_type\":\"x\",\"status\":\"y\",\"message\":\"no id\"}\n\ndata: broken\n\n"),
        stream_of(&format!("{}{}", frame(1, "tenant_created"), frame(2, "tenant_ready"))),
    ])
    .await;
    let said = all(server.client().tenant_events(&tenant(), false)).await;
    assert_eq!(said, ["+", "ü1", "!1", "+", "no id", "!1", "+", "ü2"]);
    let seen = server.seen();
    let cursors: Vec<_> = seen.iter().map(Seen::last_event_id).collect();
    assert_eq!(cursors, [None, Some("1"), Some("1")]);
    for request in seen {
        assert_eq!(request.line, "GET /api/v1/tenants/3f6c1b8e/events HTTP/1.1");
        assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(request.headers["accept"], "text/event-stream");
    }
}

#[tokio::test]
async fn a_terminal_event_ends_the_stream_of_its_kind() {
    for (kind, checkout_ends, tenant_ends) in [
        ("tenant_ready", true, true),
        ("provisioning_failed", true, true),
        ("infrastructure_ready", true, false),
        ("vm_provisioned", false, false),
    ] {
        let server = Server::scripted(vec![stream_of(&frame(1, kind))]).await;
        let client = server.client();
        for (feed, ends) in
            [(client.checkout_events(&session()), checkout_ends), (client.tenant_events(&tenant(), false), tenant_ends)]
        {
            let said = all(feed).await;
            let wanted: &[&str] = if ends {
                &["+", "ü1"]
            } else {
                &["+", "ü1", "!1", "+", "!2", "+", "!3", "+", "!4", "+", "!5", "+", "failed"]
            };
            assert_eq!(said, wanted, "{kind}");
        }
    }
}

#[tokio::test]
async fn what_comes_after_a_terminal_event_is_another_operation() {
    let first = format!("{}{}", frame(1, "tenant_ready"), frame(2, "vm_provisioning_progress"));
    let server = Server::scripted(vec![stream_of(&first), stream_of(&frame(3, "tenant_ready"))]).await;
    let said = all(server.client().tenant_events(&tenant(), false)).await;
    assert_eq!(said, ["+", "ü1", "ü2", "!1", "+", "ü3"]);
}

#[tokio::test]
async fn refusals_that_stay_are_final_and_others_are_not() {
    for status in [400, 401, 403, 404, 410, 302] {
        let server = Server::start(move |number, seen| match number {
            0 => stream_of(&frame(1, "tenant_created")),
            1 => refusal(status, ""),
            // Whether the login itself is over is asked once.
            2 if seen.line.starts_with("GET /api/v1/auth/me ") => refusal(status, ""),
            _ => stream_of(""),
        })
        .await;
        let mut feed = server.client().tenant_events(&tenant(), true);
        // An endless stream that the server ended is taken up again without a word.
        assert_eq!(some(&mut feed, 2).await, ["+", "ü1"]);
        let Some(FeedItem::Failed(error)) = feed.next().await else { panic!("not final: {status}") };
        assert_eq!((error.status(), error.problem().requires_login), (Some(status), status == 401));
        assert!(feed.next().await.is_none());
        assert_eq!(server.seen().len(), 2 + usize::from(status == 401));
    }
    for status in [408, 429, 500, 502, 503, 504] {
        let server =
            Server::scripted(vec![refusal(status, "retry-after: 1\r\n"), stream_of(&frame(1, "tenant_ready"))]).await;
        assert_eq!(all(server.client().tenant_events(&tenant(), false)).await, ["!1", "+", "ü1"], "{status}");
    }
}

#[tokio::test]
async fn for_nobody_no_stream_is_asked_for() {
    let server = Server::scripted(vec![stream_of(&frame(1, "tenant_created"))]).await;
    let client = Client::nobody(BaseUrl::parse(&server.base).expect("a base")).expect("a client");
    let mut feed = client.tenant_events(&tenant(), true);
    let Some(FeedItem::Failed(error)) = feed.next().await else { panic!("it was asked for") };
    assert!(error.problem().requires_login);
    assert!(feed.next().await.is_none() && server.seen().is_empty());
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it() {
    let server = Server::scripted(vec![
        refusal(503, "retry-after: 7\r\n"),
        stream_of(&format!("retry: 4000\n{}", frame(1, "tenant_created"))),
        stream_of(&frame(2, "tenant_ready")),
    ])
    .await;
    let mut feed = server.client().tenant_events(&tenant(), false);
    let mut pauses = Vec::new();
    while let Some(item) = feed.next().await {
        if let FeedItem::Interrupted { retry_in, .. } = item {
            pauses.push(retry_in.as_micros());
        }
    }
    // A second of the quick pace is a millisecond; jitter only adds, up to a quarter.
    assert_eq!(pauses.len(), 2);
    assert!((7000..=8750).contains(&pauses[0]) && (4000..=5000).contains(&pauses[1]), "{pauses:?}");
}

#[tokio::test]
async fn something_else_than_a_stream_is_said_with_its_beginning() {
    let html =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<h1>Log in to the \x1b[2Jproxy</h1>";
    let server = Server::scripted(vec![html.into()]).await;
    let mut feed = server.client().checkout_events(&session());
    let mut interruptions = 0;
    let error = loop {
        match feed.next().await.expect("an end") {
            FeedItem::Interrupted { attempt, problem, .. } => {
                interruptions += 1;
                assert_eq!(attempt, interruptions);
                assert!(problem.detail.is_some_and(|detail| detail.contains("<h1>Log in to the proxy</h1>")));
            }
            FeedItem::Failed(error) => break error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(interruptions, 5);
    assert!(matches!(error, ApiError::GaveUp { attempts: 5, .. }), "{error}");
    assert!(error.problem().detail.is_some_and(|detail| detail.contains("no event stream")));
    assert!(feed.next().await.is_none());
}

#[tokio::test]
async fn nothing_more_to_say_is_a_regular_end() {
    let server = Server::scripted(vec![refusal(204, "")]).await;
    assert_eq!(all(server.client().checkout_events(&session())).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_followed_stream_is_taken_up_again_without_end() {
    let server = Server::start(|number, _| match number {
        0 => stream_of(&frame(1, "tenant_ready")),
        // More failures than any other stream would survive.
        1..=9 => b"HTTP/1.1 ".to_vec(),
        _ => stream_of(&frame(2, "tenant_ready")),
    })
    .await;
    let mut feed = server.client().tenant_events(&tenant(), true);
    let said = some(&mut feed, 13).await;
    assert_eq!(said, ["+", "ü1", "!2", "!3", "!4", "!5", "!6", "!7", "!8", "!9", "!10", "+", "ü2"]);
    assert!(server.seen()[0].line.contains("/events?follow=true "));
}

#[tokio::test]
async fn a_reset_begins_the_ids_anew() {
    let keyless = frame(1, "tenant_created").replace("ü1", "other");
    let server = Server::scripted(vec![
        stream_of(&format!("{}{}", frame(1, "tenant_created"), frame(2, "vm_provisioned"))),
        stream_of(&format!("event: reset\ndata: {{}}\n\n{keyless}{}", frame(2, "tenant_ready").replace("ü2", "last"))),
    ])
    .await;
    let said = all(server.client().tenant_events(&tenant(), false)).await;
    assert_eq!(said, ["+", "ü1", "ü2", "!1", "+", "other", "last"]);
}

#[tokio::test]
async fn events_too_long_and_ids_that_fit_no_header_do_no_harm() {
    let long = frame(2, "x").replace("ü2", &"x".repeat(1_100_000));
    let id = "x".repeat(5000);
    let server = Server::scripted(vec![
        stream_of(&format!(
            "{}{long}{}{}",
            frame(1, "tenant_created"),
            frame(3, "vm_provisioned"),
            frame(4, "x").replace("id: 4", &format!("id: {id}"))
        )),
        stream_of(&frame(5, "tenant_ready").replace("id: 5", "id: ü")),
    ])
    .await;
    let said = all(server.client().tenant_events(&tenant(), false)).await;
    assert_eq!(said, ["+", "ü1", "ü3", "ü4", "!1", "+", "ü5"]);
    assert_eq!(server.seen()[1].last_event_id(), Some("3"));
}

#[tokio::test]
async fn log_lines_are_neither_lost_nor_repeated_when_the_last_ones_come_again() {
    let line = |second: u32, words: &str| {
        format!("event: log\ndata: {{\"timestamp\":\"2026-01-09T10:09:{second:02}Z\",\"message\":\"{words}\"}}\n\n")
    };
    let server = Server::scripted(vec![
        stream_of(&[line(1, "a"), line(2, "tick"), line(2, "tick")].concat()),
        stream_of(&[line(2, "tick"), line(2, "tick"), line(2, "tick"), line(3, "b")].concat()),
        refusal(404, ""),
    ])
    .await;
    let mut feed: Feed<LogEntry> = server.client().follow_logs(&tenant(), 20);
    let mut lines = Vec::new();
    while let Some(item) = feed.next().await {
        if let FeedItem::Item(entry) = item {
            lines.push(entry.message);
        }
    }
    assert_eq!(lines, ["a", "tick", "tick", "tick", "b"]);
    assert_eq!(server.seen()[0].line, "GET /api/v1/tenants/3f6c1b8e/logs?lines=20&follow=true HTTP/1.1");
}

/// A server that sends the head of a stream, one event, and then nothing, until the client hangs up.
async fn silent_server() -> (String, mpsc::Receiver<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, told) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                request(&mut socket).await?;
                let event = stream_of(&frame(1, "tenant_created"));
                socket.write_all(&event).await.ok()?;
                sender.send("opened").await.ok()?;
                let closed = socket.read_u8().await.is_err();
                sender.send(if closed { "closed" } else { "spoke" }).await.ok()
            });
        }
    });
    (base, told)
}

#[tokio::test]
async fn dropping_a_feed_closes_its_connection() {
    let (base, mut told) = silent_server().await;
    // Without the limit on silence nothing but the drop can end the connection.
    let pace = Pace { silence: Duration::from_hours(1), ..Pace::quick() };
    let mut feed = client(&base, pace).tenant_events(&tenant(), true);
    assert_eq!(some(&mut feed, 2).await, ["+", "ü1"]);
    assert_eq!(told.recv().await, Some("opened"));
    drop(feed);
    let closed = tokio::time::timeout(Duration::from_mins(1), told.recv()).await;
    assert_eq!(closed, Ok(Some("closed")), "the connection outlived its feed");
}

#[tokio::test]
async fn dropping_a_feed_whose_reader_lags_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let feed = client(&base, Pace::quick()).tenant_events(&tenant(), true);
    let (mut socket, _) = listener.accept().await.expect("a connection");
    request(&mut socket).await.expect("a request");
    let mut id = 0;
    socket.write_all(HEAD.as_bytes()).await.expect("written");
    // More than the feed and the socket's buffers can hold: the stream itself is slowed down.
    let is_full = loop {
        id += 1;
        let event = frame(id, "x").replace('ü', &"ü".repeat(30_000));
        match tokio::time::timeout(Duration::from_millis(300), socket.write_all(event.as_bytes())).await {
            Ok(written) => written.expect("written"),
            Err(_) => break true,
        }
        if id > 2000 {
            break false;
        }
    };
    assert!(is_full, "a reader that does not read must not fill the memory");
    drop(feed);
    while socket.write_all(&[b'\n'; 1024]).await.is_ok() {}
}

#[tokio::test]
async fn a_silent_connection_counts_as_dead() {
    let (base, mut told) = silent_server().await;
    let pace = Pace { silence: Duration::from_millis(50), ..Pace::quick() };
    let mut feed = client(&base, pace).tenant_events(&tenant(), true);
    // On a busy machine the first answers may be late as well: waits for the first one that was not.
    let mut live = false;
    loop {
        match feed.next().await.expect("no end") {
            FeedItem::Item(_) => live = true,
            FeedItem::Interrupted { problem, .. } if live => {
                assert!(problem.detail.is_some_and(|detail| detail.contains("No answer in time")));
                break;
            }
            FeedItem::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
    // The reader still holds the feed: it is the client that hangs up.
    while told.recv().await.expect("a server") != "closed" {}
}

/// A server whose first connections bring `poison` after an event, and then `drip` after `drip` without end.
/// A client that comes back for what follows that event gets it.
async fn dripping_server(poison: &'static [u8], drip: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let seen = request(&mut socket).await?;
                if seen.last_event_id() == Some("1") {
                    return socket.write_all(&stream_of(&frame(2, "tenant_ready"))).await.ok();
                }
                socket.write_all(&stream_of(&frame(1, "tenant_created"))).await.ok()?;
                socket.write_all(poison).await.ok()?;
                // Far more often than the limit on silence, which bytes alone must not hold off.
                let mut drops = tokio::time::interval(Duration::from_millis(10));
                loop {
                    drops.tick().await;
                    socket.write_all(drip).await.ok()?;
                }
            });
        }
    });
    base
}

#[tokio::test]
async fn bytes_that_never_become_an_event_do_not_keep_a_connection() {
    let heartbeat = b"event: heartbeat\ndata: {}\n\n";
    for (poison, drip) in [
        (&b"data: a\xffb\n\n"[..], &heartbeat[..]),
        (b"data: begin", b" and on and on"),
        (b"", b"data: one more line\n"),
        (b"", b": comment\n\n"),
    ] {
        let base = dripping_server(poison, drip).await;
        let pace = Pace { silence: Duration::from_millis(300), ..Pace::quick() };
        let mut feed = client(&base, pace).tenant_events(&tenant(), true);
        let mut interruption = None;
        let mut events = Vec::new();
        let reading = async {
            while events.len() < 2 {
                match feed.next().await.expect("no end") {
                    FeedItem::Item(event) => events.push(event.message.expect("words")),
                    FeedItem::Interrupted { problem, .. } if !events.is_empty() => interruption = problem.detail,
                    FeedItem::Failed(error) => panic!("{error}"),
                    _ => {}
                }
            }
        };
        let read = tokio::time::timeout(Duration::from_mins(1), reading).await;
        assert!(read.is_ok(), "the connection was kept: {poison:?} {drip:?}");
        assert_eq!(events, ["ü1", "ü2"]);
        assert!(interruption.is_some_and(|detail| detail.contains("No answer in time")));
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_no_regular_end() {
    let marked = format!("\u{feff}{}", frame(1, "tenant_ready"));
    let server = Server::scripted(vec![stream_of(&marked), stream_of(&frame(1, "tenant_ready"))]).await;
    assert_eq!(all(server.client().tenant_events(&tenant(), false)).await, ["+", "!1", "+", "ü1"]);
}

#[tokio::test]
async fn an_event_without_id_is_not_taken_for_the_one_before_it() {
    let keyless = frame(9, "x").replace("id: 9\n", "");
    let server = Server::scripted(vec![stream_of(
        &[&frame(1, "tenant_created"), &frame(1, "tenant_created"), &keyless, &frame(2, "tenant_ready")]
            .map(String::as_str)
            .concat(),
    )])
    .await;
    assert_eq!(all(server.client().tenant_events(&tenant(), false)).await, ["+", "ü1", "ü9", "ü2"]);
}

#[tokio::test]
async fn a_connection_that_stands_long_enough_is_progress() {
    let pace = Pace { stable: Duration::ZERO, ..Pace::quick() };
    let server = Server::start(|number, _| match number {
        0..12 => stream_of("event: heartbeat\ndata: {}\n\n"),
        _ => stream_of(&frame(1, "tenant_ready")),
    })
    .await;
    let said = all(client(&server.base, pace).tenant_events(&tenant(), false)).await;
    assert_eq!(said.len(), 2 * 12 + 2);
    assert!(said.iter().all(|word| ["+", "!1", "ü1"].contains(&word.as_str())), "{said:?}");
}
