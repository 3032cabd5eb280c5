//! The front door: by host name to the tenant's machine, streaming, upgrades, and switches that nobody notices.

use crate::store;
use crate::support::{House, Person, text, within};
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tokio_tungstenite::tungstenite::Message;

pub fn trials() -> Vec<Trial> {
    let mut trials = on_both_stores![
        a_tenants_name_leads_to_its_machine_and_other_names_do_not,
        what_streams_is_not_collected,
        the_caller_is_told_why_there_is_no_machine,
        hostile_hosts_reach_nobody,
        five_redeploys_under_load_lose_nothing,
    ];
    // What one store shows another cannot show differently.
    macro_rules! once {
        ($($test:ident),* $(,)?) => {
            trials.extend([$(store::trial(store::Kind::Sqlite, module_path!(), stringify!($test), $test)),*])
        };
    }
    once![
        a_waiting_connection_that_closes_is_not_noticed,
        a_body_has_one_length,
        what_stands_still_ends,
        tenants_can_have_a_listener_of_their_own,
    ];
    trials
}

/// A machine: a small program that answers HTTP. Dropping it cuts every connection, as the end of a container does.
pub struct Machine {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Machine {
    pub async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let answer = hyper::service::service_fn(move |request| answer(name, request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                connections.spawn(async move { connection.with_upgrades().await });
            }
        });
        Self { address, task }
    }
}

async fn answer(name: &'static str, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let shown = |headers: &HeaderMap| {
        let fields = headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().expect("text"))));
        Value::Object(fields.collect())
    };
    Ok(match request.uri().path() {
        "/headers" => Response::new(Body::from(
            json!({ "uri": request.uri().to_string(), "headers": shown(request.headers()) }).to_string(),
        )),
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Response::new(Body::from(name))
        }
        "/echo" => Response::new(Body::new(request.into_body())),
        "/empty" => Response::builder().status(StatusCode::NO_CONTENT).body(Body::empty()).expect("an answer"),
        "/events" => {
            let (sender, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(4);
            tokio::spawn(async move {
                for number in 0u64.. {
                    if sender.send(Ok(format!("id: {number}\ndata: {name}\n\n").into())).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            let events = Response::builder().header("content-type", "text/event-stream");
            events.body(Body::from_stream(ReceiverStream::new(receiver))).expect("an answer")
        }
        "/socket" => {
            let key = request.headers()["sec-websocket-key"].as_bytes();
            let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key);
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let stream = TokioIo::new(upgrade.await.expect("upgraded"));
                let role = tokio_tungstenite::tungstenite::protocol::Role::Server;
                let mut socket = tokio_tungstenite::WebSocketStream::from_raw_socket(stream, role, None).await;
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_close() || socket.send(message).await.is_err() {
                        return;
                    }
                }
            });
            let switched = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
            let switched = switched.header("connection", "Upgrade").header("upgrade", "websocket");
            switched.header("sec-websocket-accept", accept).body(Body::empty()).expect("an answer")
        }
        _ => Response::builder()
            .header("set-cookie", "a=b")
            .header("x-name", name)
            .body(Body::from(name))
            .expect("an answer"),
    })
}

/// A running tenant at `machine`, and its URL.
async fn running(house: &House, machine: SocketAddr) -> (String, String) {
    house.provider.next_at(machine);
    let id = house.mara.running("one").await;
    let url = text(&house.mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"]["app_url"]);
    (id, url)
}

fn host(url: &str) -> &str {
    url.strip_prefix("http://").expect("plain http")
}

async fn json_of(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
}

/// Writes `raw` to the server and reads until it closes.
async fn raw(base: &str, raw: &str) -> String {
    let mut stream = TcpStream::connect(host(base)).await.expect("connects");
    stream.write_all(raw.as_bytes()).await.expect("writes");
    let mut answer = Vec::new();
    let _ = within("the end of the answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn a_tenants_name_leads_to_its_machine_and_other_names_do_not() {
    let house = House::start().await;
    let mara = &house.mara;
    let (one, two) = (Machine::start("one").await, Machine::start("two").await);
    let (id, url) = running(&house, one.address).await;
    let (_, other) = running(&house, two.address).await;
    let short: String = id.replace('-', "").chars().take(12).collect();
    let port = mara.base.rsplit(':').next().expect("a port");
    assert_eq!(url, format!("http://{short}.localhost:{port}"));
    let record = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    assert_eq!(text(&record["hostname"]), format!("{short}.localhost:{port}"));

    let answer = mara.http.get(&url).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.headers()["set-cookie"]), (200, &"a=b".parse().expect("a value")));
    assert_eq!(answer.text().await.expect("text"), "one");
    assert_eq!(mara.http.get(&other).send().await.expect("an answer").text().await.expect("text"), "two");
    // The tenant's own port, for those who cannot resolve its name.
    let direct = mara.http.get(text(&record["direct_url"])).send().await.expect("an answer");
    assert_eq!(direct.text().await.expect("text"), "one");

    let told = mara.http.get(format!("{url}/headers?a=%20b")).header("x-forwarded-for", "10.0.0.1");
    let told = told
        .header("forwarded", "for=10.0.0.1")
        .header("te", "trailers")
        .header("connection", "x-own")
        .header("x-own", "1");
    let told = json_of(told.send().await.expect("an answer")).await;
    assert_eq!(told["uri"], "/headers?a=%20b");
    let headers = &told["headers"];
    assert_eq!(text(&headers["host"]), host(&url));
    assert_eq!(text(&headers["x-forwarded-for"]), "127.0.0.1");
    assert_eq!(
        (text(&headers["x-forwarded-proto"]), text(&headers["x-forwarded-host"])),
        ("http".into(), host(&url).into())
    );
    assert_eq!(text(&headers["forwarded"]), format!("for=127.0.0.1;host=\"{}\";proto=http", host(&url)));
    assert!(headers.get("te").is_none() && headers.get("x-own").is_none(), "{headers}");

    // The API does not answer under a tenant's name, and an unknown name is nobody's.
    let health = mara.http.get(format!("{url}/health")).send().await.expect("an answer");
    assert_eq!(health.headers()["x-name"], "one");
    let me = mara.request(reqwest::Method::GET, "/api/v1/auth/me");
    let nobody = format!("http://0123456789ab.localhost:{port}/api/v1/auth/me");
    let unknown = mara.http.get(nobody).bearer_auth(&mara.token).send().await.expect("an answer");
    assert_eq!(unknown.status(), 404);
    assert_eq!(json_of(unknown).await["error"]["code"], "not_found");
    assert_eq!(me.send().await.expect("an answer").status(), 200);
    let named = mara.http.get(format!("http://localhost:{port}/health")).send().await.expect("an answer");
    assert_eq!(named.status(), 200);
    let head = mara.http.head(&url).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().expect("text")), (200, "3"));
    let empty = mara.http.get(format!("{url}/empty")).send().await.expect("an answer");
    assert_eq!(empty.status(), 204);
    assert!(empty.headers().get("content-length").is_none());

    assert_eq!(mara.delete(&format!("/api/v1/tenants/{id}")).await.status, 204);
    assert_eq!(mara.http.get(&url).send().await.expect("an answer").status(), 404);
}

async fn what_streams_is_not_collected() {
    let house = House::start().await;
    let mara = &house.mara;
    let machine = Machine::start("one").await;
    let (_, url) = running(&house, machine.address).await;
    // A part is answered before the next one is sent.
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    sender.send(Ok("part 0".into())).await.expect("sent");
    let upload = mara.http.post(format!("{url}/echo")).body(reqwest::Body::wrap_stream(ReceiverStream::new(receiver)));
    let mut answer = within("the head", upload.send()).await.expect("an answer");
    for number in 0..3 {
        let part = within("a part", answer.chunk()).await.expect("whole").expect("a part");
        assert_eq!(part, format!("part {number}"));
        sender.send(Ok(format!("part {}", number + 1).into())).await.expect("sent");
    }
    drop((sender, answer));
    // Much, both ways.
    let large = vec![7u8; 24 * 1024 * 1024];
    let sent = large.len();
    let answer = mara.http.post(format!("{url}/echo")).body(large).send().await.expect("an answer");
    assert_eq!(answer.bytes().await.expect("whole").len(), sent);
    let mut events = mara.http.get(format!("{url}/events")).send().await.expect("an answer").bytes_stream();
    let first = within("an event", events.next()).await.expect("an event").expect("whole");
    assert!(first.starts_with(b"id: 0\n"));
    let mut socket = socket(mara, &url).await;
    socket.send(Message::text("hello")).await.expect("sent");
    assert_eq!(within("the echo", socket.next()).await.expect("an answer").expect("whole"), Message::text("hello"));
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn socket(mara: &Person, url: &str) -> Socket {
    let stream = TcpStream::connect(host(&mara.base)).await.expect("connects");
    let (socket, answer) =
        tokio_tungstenite::client_async(format!("ws://{}/socket", host(url)), stream).await.expect("a socket");
    assert_eq!(answer.status(), 101);
    socket
}

async fn the_caller_is_told_why_there_is_no_machine() {
    let house = House::start().await;
    let mara = &house.mara;
    let fresh = mara.tenant().await;
    let url = text(&mara.get(&format!("/api/v1/tenants/{fresh}")).await.ok()["data"]["app_url"]);
    let told = |url: String, accept: &'static str| {
        let request = mara.http.get(url).header("accept", accept);
        async move {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 503);
            assert!(answer.headers().contains_key("retry-after"));
            let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
            (kind, answer.text().await.expect("text"))
        }
    };
    let (kind, body) = told(url.clone(), "*/*").await;
    assert_eq!(kind, "application/json");
    assert!(body.contains("service_unavailable") && body.contains("was not deployed yet"), "{body}");
    let (kind, body) = told(url, "text/html,*/*").await;
    assert!(kind.starts_with("text/html") && body.contains("was not deployed yet"), "{body}");

    let machine = Machine::start("one").await;
    let (id, url) = running(&house, machine.address).await;
    mara.post(&format!("/api/v1/tenants/{id}/suspend"), Value::Null).await.ok();
    assert!(told(url.clone(), "*/*").await.1.contains("suspended"));
    // A machine at which nothing listens.
    drop(machine);
    let gone = Machine::start("two").await.address;
    house.provider.next_at(gone);
    mara.post(&format!("/api/v1/tenants/{id}/activate"), Value::Null).await.ok();
    mara.wait_for_phase(&id, "running").await;
    within("a refusal", async {
        while !told(url.clone(), "*/*").await.1.contains("does not answer") {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn hostile_hosts_reach_nobody() {
    let house = House::start().await;
    let (one, two) = (Machine::start("one").await, Machine::start("two").await);
    let (_, first) = running(&house, one.address).await;
    let (_, second) = running(&house, two.address).await;
    let base = &house.mara.base;
    let name = |url: &str| host(url).split(':').next().expect("a name").to_owned();
    let (a, b) = (name(&first), name(&second));
    let ask = |target: String, hosts: Vec<String>| async move {
        let hosts: Vec<String> = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        let hosts = hosts.concat();
        let answer = raw(base, &format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")).await;
        let status: u16 = answer.split(' ').nth(1).expect("a status").parse().expect("a number");
        let name = answer.to_ascii_lowercase().split("x-name: ").nth(1).map(|rest| rest[..3].to_owned());
        (status, name)
    };
    let own = Some("one".to_owned());
    for host in [a.clone(), a.to_uppercase(), format!("{a}."), format!("{a}:80"), format!("{a}.:443")] {
        assert_eq!(ask("/".into(), vec![host.clone()]).await, (200, own.clone()), "{host}");
    }
    assert_eq!(ask(format!("http://{a}/"), vec![a.clone()]).await, (200, own.clone()));
    assert_eq!(ask(format!("http://{a}/"), vec![]).await, (200, own));
    for (target, hosts) in [
        ("/".to_owned(), vec![a.clone(), b.clone()]),
        ("/".to_owned(), vec![a.clone(), a.clone()]),
        ("/".to_owned(), vec![format!("user@{a}")]),
        ("/".to_owned(), vec![format!("{a}:80:81")]),
        ("/".to_owned(), vec![format!("{a}:99999")]),
        ("/".to_owned(), vec![format!("{a},{b}")]),
        ("/".to_owned(), vec![format!("{a}/")]),
        (format!("http://{a}/"), vec![b.clone()]),
        (format!("http://user@{a}/"), vec![a.clone()]),
        (format!("http://{a}/health"), vec!["127.0.0.1".to_owned()]),
    ] {
        assert_eq!(ask(target.clone(), hosts.clone()).await, (400, None), "{target} {hosts:?}");
    }
    for host in [format!("x.{a}"), format!(".{a}"), format!("{a}.localhost"), "0123456789ab.localhost".to_owned()] {
        let (status, name) = ask("/health".into(), vec![host.clone()]).await;
        assert!(matches!(status, 400 | 404) && name.is_none(), "{host} {status} {name:?}");
    }
    // Some other name is the API's, as an ordinary caller: never a tenant.
    assert_eq!(ask("/".into(), vec![format!("{a}.evil.example")]).await, (404, None));
    assert_eq!(ask("/health".into(), vec![format!("{a}.evil.example")]).await, (200, None));
}

/// Two lengths of a body, or none that counts: the machine sees one, which the server made.
async fn a_body_has_one_length() {
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let (_, url) = running(&house, listener.local_addr().expect("an address")).await;
    let smuggled = format!("GET /smuggled HTTP/1.1\r\nHost: {}\r\n\r\n", host(&url));
    for fields in ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"]
    {
        let request = format!("POST /x HTTP/1.1\r\nHost: {}\r\n{fields}\r\n\r\n1\r\na\r\n0\r\n\r\n", host(&url));
        let mut caller = TcpStream::connect(host(&house.mara.base)).await.expect("connects");
        caller.write_all(request.as_bytes()).await.expect("writes");
        let (mut machine, _) = within("the machine's connection", listener.accept()).await.expect("accepts");
        let mut seen = Vec::new();
        within("the end of the body", async {
            while !seen.ends_with(b"0\r\n\r\n") {
                assert_ne!(machine.read_buf(&mut seen).await.expect("reads"), 0);
            }
        })
        .await;
        let seen = String::from_utf8(seen).expect("text").to_ascii_lowercase();
        assert_eq!(seen.matches("transfer-encoding: chunked").count(), 1, "{seen}");
        assert!(!seen.contains("content-length") && seen.ends_with("\r\n\r\n1\r\na\r\n0\r\n\r\n"), "{seen}");
    }
    for fields in [
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: +4",
        "Content-Length: 4, 5",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, gzip",
    ] {
        let request = format!("POST /x HTTP/1.1\r\nHost: {}\r\n{fields}\r\n\r\n0\r\n\r\n{smuggled}", host(&url));
        let answer = raw(&house.mara.base, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{fields}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{fields}: {answer}");
    }
}

/// The machine closes a connection that waits in the moment in which the next request goes out on it.
async fn a_waiting_connection_that_closes_is_not_noticed() {
    let house = House::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let (_, url) = running(&house, listener.local_addr().expect("an address")).await;
    let (connections, second) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, seconds) = (Arc::clone(&connections), Arc::clone(&second));
    // Answers once per connection, and closes it only when a second request has come.
    let machine = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let seconds = Arc::clone(&seconds);
            tokio::spawn(async move {
                for turn in 0..2 {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.expect("reads") == 0 {
                            return;
                        }
                    }
                    if turn == 1 {
                        seconds.fetch_add(1, Ordering::Relaxed);
                    } else {
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.expect("writes");
                    }
                }
            });
        }
    });
    for turn in 1..=4 {
        let answer = house.mara.http.get(&url).send().await.expect("an answer");
        assert_eq!((turn, answer.status().as_u16()), (turn, 200));
        assert_eq!(answer.text().await.expect("text"), "ok");
    }
    // Each but the first went out on a connection that waited, was cut off, and came back on a fresh one.
    assert_eq!((connections.load(Ordering::Relaxed), second.load(Ordering::Relaxed)), (4, 3));
    // What must not be repeated gets a fresh connection at once.
    for _ in 0..3 {
        assert_eq!(house.mara.http.post(&url).send().await.expect("an answer").status(), 200);
    }
    assert_eq!((connections.load(Ordering::Relaxed), second.load(Ordering::Relaxed)), (7, 3));
    machine.abort();
}

async fn what_stands_still_ends() {
    let house = House::start_with(|settings| settings.door.idle = Duration::from_millis(200)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let (_, url) = running(&house, listener.local_addr().expect("an address")).await;
    // A machine that takes a request and says nothing, and one that begins and does not go on.
    let machine = tokio::spawn(async move {
        let (_silent, _) = listener.accept().await.expect("accepts");
        let (mut begins, _) = listener.accept().await.expect("accepts");
        begins.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await.expect("writes");
        std::future::pending::<()>().await;
    });
    let silent = within("an answer", house.mara.http.get(&url).send()).await.expect("an answer");
    assert_eq!(silent.status(), 504);
    let begun = within("an answer", house.mara.http.get(&url).send()).await.expect("an answer");
    assert_eq!(begun.status(), 200);
    assert!(within("its end", begun.bytes()).await.is_err(), "it is not whole");
    machine.abort();
    let other = Machine::start("two").await;
    let (_, url) = running(&house, other.address).await;
    let mut socket = socket(&house.mara, &url).await;
    assert!(within("the socket's end", socket.next()).await.is_none_or(|message| message.is_err()));
    let large = "x".repeat(70_000);
    assert!(matches!(
        house.mara.http.get(&url).header("x-large", large).send().await.map(|answer| answer.status().as_u16()),
        Ok(431)
    ));
}

async fn tenants_can_have_a_listener_of_their_own() {
    let house =
        House::start_with(|settings| settings.door.listen = Some("127.0.0.1:0".parse().expect("an address"))).await;
    let machine = Machine::start("one").await;
    let (_, url) = running(&house, machine.address).await;
    let port = |url: &str| url.rsplit(':').next().expect("a port").to_owned();
    assert_ne!(port(&url), port(&house.mara.base));
    assert_eq!(house.mara.http.get(&url).send().await.expect("an answer").text().await.expect("text"), "one");
    let door = url.replace(&url[7..url.rfind(':').expect("a port")], "127.0.0.1");
    assert_eq!(house.mara.http.get(format!("{door}/health")).send().await.expect("an answer").status(), 404);
    let at_api = url.replace(&port(&url), &port(&house.mara.base));
    for path in ["", "/health"] {
        assert_eq!(house.mara.http.get(format!("{at_api}{path}")).send().await.expect("an answer").status(), 404);
    }
    house.stop().await.0.expect("a clean end");
}

/// Requests of all kinds while the tenant is deployed five times: not one fails. Machines that were replaced are cut off
/// the moment the server lets them go.
#[allow(clippy::too_many_lines, reason = "one story")]
async fn five_redeploys_under_load_lose_nothing() {
    const NAMES: [&str; 6] = ["m0", "m1", "m2", "m3", "m4", "m5"];
    let house = House::start_with(|settings| settings.door.drain = Duration::from_mins(2)).await;
    let mara = &house.mara;
    let first = Machine::start(NAMES[0]).await;
    let (id, url) = running(&house, first.address).await;
    let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    // Those whose connection stays, and those who come anew each time.
    let mut callers = JoinSet::new();
    for number in 0..6 {
        let http = if number % 2 == 0 { mara.http.clone() } else { Person::new(String::new(), String::new()).http };
        let (url, over, done) = (url.clone(), Arc::clone(&over), Arc::clone(&done));
        callers.spawn(async move {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let request = match number {
                    0 | 1 => http.get(format!("{url}/")),
                    2 | 3 => http.get(format!("{url}/slow")),
                    _ => http.post(format!("{url}/echo")).body(vec![b'x'; 100_000]),
                };
                let answer = request.send().await.expect("no request fails");
                assert_eq!(answer.status(), 200);
                let body = answer.bytes().await.expect("no answer breaks off");
                if number > 3 {
                    assert_eq!(body.len(), 100_000);
                } else {
                    seen.push(String::from_utf8(body.to_vec()).expect("a name"));
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            seen
        });
    }
    let stream = {
        let (http, url, over) = (mara.http.clone(), url.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let answer = http.get(format!("{url}/events")).send().await.expect("a stream");
            let (mut parts, mut text, mut next) = (answer.bytes_stream(), String::new(), 0u64);
            while !over.load(Ordering::Relaxed) {
                text.push_str(std::str::from_utf8(&parts.next().await.expect("more").expect("whole")).expect("text"));
                while let Some((frame, rest)) = text.split_once("\n\n") {
                    assert_eq!(frame, format!("id: {next}\ndata: m0"));
                    next += 1;
                    text = rest.to_owned();
                }
            }
            next
        })
    };
    let socket = {
        let (mut socket, over) = (socket(mara, &url).await, Arc::clone(&over));
        tokio::spawn(async move {
            let mut sent = 0u64;
            while !over.load(Ordering::Relaxed) {
                socket.send(Message::text(sent.to_string())).await.expect("sent");
                let back = socket.next().await.expect("an answer").expect("whole");
                assert_eq!(back, Message::text(sent.to_string()));
                sent += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            sent
        })
    };
    let progress = |count: usize| {
        let (done, from) = (Arc::clone(&done), done.load(Ordering::Relaxed));
        within("more requests", async move {
            while done.load(Ordering::Relaxed) < from + count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    };
    // The machines that were replaced, each cut off once the server removed it; the first serves stream and socket.
    let mut before: Option<(Machine, String)> = None;
    for name in &NAMES[1..] {
        progress(30).await;
        let machine = Machine::start(name).await;
        house.provider.next_at(machine.address);
        mara.push(&id, name).await;
        let deployed = mara.deploy(&id).await.ok()["data"].clone();
        assert_eq!(text(&deployed["app_url"]), url);
        if let Some((old, id)) = before.replace((machine, text(&deployed["machine_id"]))) {
            let provider = house.provider.clone();
            within("the end of the old machine", async move {
                while provider.world().machines.contains_key(&id) {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            drop(old);
        }
    }
    progress(30).await;
    over.store(true, Ordering::Relaxed);
    let mut seen: Vec<String> = Vec::new();
    while let Some(caller) = callers.join_next().await {
        seen.extend(caller.expect("no request fails"));
    }
    for name in NAMES {
        assert!(seen.iter().any(|seen| seen == name), "{name} was never met");
    }
    let (events, echoes) = (stream.await.expect("no gap"), socket.await.expect("no echo is lost"));
    assert!(events > 5 && echoes > 5, "{events} {echoes}");
    // The first machine served its stream to the end, and goes now.
    within("the end of the first machine", async {
        while house.provider.world().machines.len() != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(first);
}
