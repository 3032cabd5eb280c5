//! Ten thousand requests that nobody means well, made from the list of routes by a generator with a seed, against a
//! server in a process of its own: each is refused, and nothing is left of them.

use crate::process::Server;
use crate::store::{self, Kind};
use crate::support::{NILS, Person, within};
use futures_util::stream::{self, StreamExt as _};
use libtest_mimic::Trial;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use sqlx::Row as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use tenantry::server::auth::LoginTokens;
use tenantry::server::store::{Database, Store, accounts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const REQUESTS: usize = 10_000;
/// Every ninth goes over a raw connection.
const RAW: usize = 9;
const SEED: u64 = 5;
/// Requests at a time.
const AT_A_TIME: usize = 24;
/// What a debug build may keep of ten thousand requests: allocators do not give everything back at once.
const GROWTH_KIB: u64 = 12 * 1024;

pub fn trials() -> Vec<Trial> {
    vec![store::trial(Kind::Sqlite, module_path!(), "ten_thousand_hostile_requests_change_nothing", hostile)]
}

/// The methods and paths of the API, and whether a call brings a body. `{}` stands for whatever comes there.
const ROUTES: [(&str, &str, bool); 34] = [
    ("GET", "/api/v1/auth/me", false),
    ("GET", "/api/v1/checkout/plans", false),
    ("POST", "/api/v1/checkout", true),
    ("GET", "/api/v1/checkout/{}/events", false),
    ("GET", "/api/v1/checkout/complete", false),
    ("POST", "/api/v1/webhooks/paddle", true),
    ("GET", "/pay/{}", false),
    ("POST", "/pay/{}", true),
    ("GET", "/api/v1/tenants", false),
    ("GET", "/api/v1/tenants/{}", false),
    ("PATCH", "/api/v1/tenants/{}", true),
    ("DELETE", "/api/v1/tenants/{}", false),
    ("GET", "/api/v1/tenants/{}/status", false),
    ("GET", "/api/v1/tenants/{}/events", false),
    ("GET", "/api/v1/tenants/{}/credentials/{}", false),
    ("GET", "/api/v1/tenants/{}/registry-token", false),
    ("POST", "/api/v1/tenants/{}/deploy", true),
    ("POST", "/api/v1/tenants/{}/retry-provision", false),
    ("GET", "/api/v1/tenants/{}/deployments", false),
    ("POST", "/api/v1/tenants/{}/restart", false),
    ("POST", "/api/v1/tenants/{}/suspend", false),
    ("POST", "/api/v1/tenants/{}/activate", false),
    ("GET", "/api/v1/tenants/{}/environment", false),
    ("GET", "/api/v1/tenants/{}/logs", false),
    ("GET", "/api/v1/tenants/{}/secrets", false),
    ("POST", "/api/v1/tenants/{}/secrets", true),
    ("PUT", "/api/v1/tenants/{}/secrets", true),
    ("PATCH", "/api/v1/tenants/{}/secrets/{}", true),
    ("DELETE", "/api/v1/tenants/{}/secrets/{}", false),
    ("GET", "/v2/systemprompt-images/manifests/{}", false),
    ("PUT", "/v2/systemprompt-images/manifests/{}", true),
    ("GET", "/v2/systemprompt-images/blobs/{}", false),
    ("POST", "/v2/systemprompt-images/blobs/uploads/", true),
    ("PATCH", "/v2/systemprompt-images/blobs/uploads/{}", true),
];

/// Parts of paths that look for a way out.
const PARTS: [&str; 16] = [
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%00",
    "a%00b",
    ".",
    "%2f",
    "%5c..%5c",
    "%ff%fe",
    "%",
    "%zz",
    "'%20OR%201=1--",
    "%3Cscript%3E",
    "%F0%9F%92%A9",
    "-1",
    "18446744073709551616",
];

struct Hostile {
    rng: StdRng,
    /// A tenant of somebody else.
    foreign: String,
}

/// One request of an HTTP client.
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    /// With a login that is good.
    logged_in: bool,
}

impl Hostile {
    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(0..choices.len())]
    }

    /// Whatever comes where an id should.
    fn part(&mut self) -> String {
        match self.rng.random_range(0..5) {
            0 => self.foreign.clone(),
            1 => uuid::Uuid::from_u128(self.rng.random()).to_string(),
            2 => "a".repeat(self.rng.random_range(1..5000)),
            _ => self.one_of(&PARTS).to_owned(),
        }
    }

    fn body(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..10) {
            0 => Vec::new(),
            1 => br#"{"image":7,"price_id":[],"region":{},"name":false,"memory_mb":"x","key":1,"value":2}"#.to_vec(),
            2 => br"[1,2,3]".to_vec(),
            3 => "[".repeat(20_000).into_bytes(),
            4 => format!("{}1{}", r#"{"a":"#.repeat(3000), "}".repeat(3000)).into_bytes(),
            5 => b"{\"image\":\"\xff\xfe\xc3\x28\"}".to_vec(),
            6 => b"{\"image\":\"a\0b\",\"price_id\":\"\0\",\"region\":\"\\u0000\"".to_vec(),
            7 => vec![b'x'; 600 * 1024],
            8 => br#"{"memory_mb":99999999999999999999999,"price_id":1e999,"image":null}"#.to_vec(),
            _ => (0..self.rng.random_range(1..400)).map(|_| self.rng.random()).collect(),
        }
    }

    fn request(&mut self) -> Request {
        let (mut method, mut path) = (String::new(), String::new());
        let (route_method, route, has_body) = self.one_of(&ROUTES);
        method.push_str(route_method);
        for (index, piece) in route.split("{}").enumerate() {
            if index > 0 {
                path.push_str(&self.part());
            }
            path.push_str(piece);
        }
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        let mut logged_in = true;
        let mut body = if has_body { self.body() } else { Vec::new() };
        // A route without a hole or a body is hostile only in another way.
        let harmless = !route.contains("{}") && !has_body;
        match if harmless { self.rng.random_range(0..4) } else { self.rng.random_range(0..12) } {
            0 => {
                let wrong = self.one_of(&["TRACE", "CONNECTS", "PROPFIND", "LOCK", "X-ANY", "get"]);
                method = wrong.into();
            }
            1 => {
                let trick = self.one_of(&["//api", "/%61pi/..", "/./api/..", "/api/v1/../../x"]);
                path = path.replacen("/api", trick, 1) + "/../..//.";
            }
            2 => {
                logged_in = false;
                path.push('?');
                path.push_str(&"a=%00&".repeat(self.rng.random_range(1..3000)));
            }
            3 => {
                logged_in = false;
                let token = self.one_of(&[
                    "",
                    "Bearer",
                    "Bearer ",
                    "Basic eDp4",
                    "Bearer a.b.c",
                    "Bearer \u{e4}",
                    "Bearer eyJhbGciOiJub25lIn0.e30.",
                ]);
                headers.push(("authorization".into(), token.as_bytes().to_vec()));
            }
            4 => headers.extend((0..self.rng.random_range(1..300)).map(|n| (format!("x-flood-{n}"), b"y".to_vec()))),
            5 => headers.push(("x-long".into(), vec![b'z'; self.rng.random_range(1..100_000)])),
            6 => headers.push(("content-type".into(), b"text/\xff".to_vec())),
            7 => headers.push(("last-event-id".into(), b"99999999999999999999".to_vec())),
            8 => headers.push(("range".into(), b"bytes=5-1,-,x".to_vec())),
            9 if !has_body => body = self.body(),
            _ => {}
        }
        Request { method, path, headers, body, logged_in }
    }

    /// Bytes that are no HTTP, or are not meant to be understood.
    fn raw(&mut self) -> Vec<u8> {
        let mut text = String::new();
        match self.rng.random_range(0..10) {
            0 => return (0..self.rng.random_range(1..2000)).map(|_| self.rng.random()).collect(),
            1 => text.push_str("POST /api/v1/checkout HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
            2 => text.push_str("POST /api/v1/checkout HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"),
            3 => text.push_str("POST /api/v1/checkout HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\nhello"),
            4 => text.push_str("POST /api/v1/checkout HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n"),
            5 => return b"GET /api/v1/tenants/\0\xff HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            6 => {
                text.push_str("GET /api/v1/auth/me HTTP/1.1\r\nhost: x\r\n");
                for number in 0..2000 {
                    let _ = write!(text, "x-{number}: y\r\n");
                }
                text.push_str("\r\n");
            }
            7 => {
                let _ = write!(text, "GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000));
            }
            8 => text.push_str("GET /api/v1/tenants HTTP/9.9\r\n\r\n"),
            _ => text.push_str("GET http://[::1/../../api HTTP/1.1\r\nhost: \r\nhost: y\r\n broken: fold\r\n\r\n"),
        }
        text.into_bytes()
    }
}

async fn rows(store: &Store) -> BTreeMap<String, i64> {
    let mut db = store.read().await.expect("a reader");
    let tables =
        sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut *db).await.expect("tables");
    let mut rows = BTreeMap::new();
    for table in tables {
        let name: String = table.get(0);
        let count = format!("SELECT COUNT(*) FROM {name}");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&mut *db).await.expect("a count");
        rows.insert(name, count);
    }
    rows
}

fn descriptors(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count)
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

async fn send(person: &Person, request: Request) -> Option<StatusCode> {
    // Not through a URL, which would tidy the path.
    let method = Method::from_bytes(request.method.as_bytes()).expect("a method");
    let authority = person.base.trim_start_matches("http://").to_owned();
    let mut head =
        format!("{method} {} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n", request.path).into_bytes();
    let mut line = |name: &str, value: &[u8]| {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    };
    if request.logged_in {
        line("authorization", format!("Bearer {}", person.token).as_bytes());
    }
    for (name, value) in &request.headers {
        line(name, value);
    }
    line("content-length", request.body.len().to_string().as_bytes());
    head.extend_from_slice(b"\r\n");
    head.extend(request.body);
    say(&authority, &head, false).await
}

/// The status of the answer; `None` where the connection was closed without one.
async fn say(authority: &str, bytes: &[u8], hang_up: bool) -> Option<StatusCode> {
    let mut stream = TcpStream::connect(authority).await.expect("a connection");
    let (mut reader, mut writer) = stream.split();
    // The server may close before it has read everything.
    let written = async {
        let _ = writer.write_all(bytes).await;
        if hang_up {
            let _ = writer.shutdown().await;
        }
    };
    let mut answer = Vec::new();
    let read = async {
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut part).await {
            if answer.len() < 64 {
                answer.extend_from_slice(&part[..count]);
            }
        }
    };
    tokio::join!(written, read);
    let line = String::from_utf8_lossy(answer.get(..64.min(answer.len()))?).into_owned();
    line.split(' ').nth(1)?.parse::<u16>().ok().and_then(|status| StatusCode::from_u16(status).ok())
}

async fn hostile() {
    let server = tokio::task::spawn_blocking(|| {
        // Without an engine: no request may come so far as to need one.
        Server::start_with(
            &["--rate-per-user", "0", "--rate-per-peer", "0"],
            &[("DOCKER_HOST", "unix:///nowhere/docker.sock")],
        )
    })
    .await
    .expect("a server");
    let owner = Person::new(server.api_url.clone(), server.token.reveal().to_owned());
    // A tenant that is somebody else's. Without an engine it has no infrastructure, and that is enough.
    let session = owner.checkout().await;
    owner.pay(&session).await;
    let events = owner.stream(&Person::session_events(&session), None).await.rest().await;
    let foreign = events.last().expect("events").data["tenant_id"].as_str().expect("a tenant").to_owned();
    let store = Store::open(&Database::File(server.data().join("tenantry.db"))).await.expect("the store");
    let nils = {
        let mut tx = store.write().await.expect("a transaction");
        let user = accounts::ensure_user(&mut tx, NILS).await.expect("a user");
        // With an account, so that what is refused is refused because of whose it is.
        accounts::insert_customer(&mut tx, "ctm_nils", &user.id).await.expect("a customer");
        tx.commit().await.expect("committed");
        let logins = LoginTokens::open(&server.data()).expect("the key");
        let token = logins.issue(&user.id, NILS, 3600).expect("a token");
        Person::new(server.api_url.clone(), token.reveal().to_owned())
    };
    let mut generator = Hostile { rng: StdRng::seed_from_u64(SEED), foreign };
    // A first round fills every pool and cache that is filled once.
    flood(&nils, &mut generator, REQUESTS / 10).await;
    let process = server.process();
    let before = (rows(&store).await, resident_kib(process));
    let open = settled(process).await;
    let statuses = flood(&nils, &mut generator, REQUESTS).await;
    within("closed connections", async {
        while descriptors(process) > open + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let after = (rows(&store).await, resident_kib(process));
    eprintln!("hostile requests: {statuses:?}, resident {} KiB before, {} KiB after", before.1, after.1);
    assert_eq!(before.0, after.0);
    assert!(after.1 < before.1 + GROWTH_KIB, "{} KiB became {} KiB", before.1, after.1);
    let log = server.log();
    assert!(!log.contains("panicked") && !log.contains("stumbled"), "{log}");
    owner.get("/api/v1/auth/me").await.ok();
    store.close().await;
}

/// Open files, when they do not become fewer any more.
async fn settled(process: u32) -> usize {
    let mut last = descriptors(process);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = descriptors(process);
        if now >= last {
            return now;
        }
        last = now;
    }
}

/// Sends so many; answers how often each status came, 0 for a closed connection.
async fn flood(person: &Person, generator: &mut Hostile, count: usize) -> BTreeMap<u16, usize> {
    enum Wave {
        Request(Request),
        Raw(Vec<u8>),
    }
    let authority = person.base.trim_start_matches("http://").to_owned();
    let waves = (0..count)
        .map(|number| if number % RAW == 0 { Wave::Raw(generator.raw()) } else { Wave::Request(generator.request()) });
    let answers = stream::iter(waves).map(|wave| {
        let authority = &authority;
        async move {
            match wave {
                Wave::Request(request) => {
                    let what = format!("{} {}", request.method, request.path.chars().take(200).collect::<String>());
                    let big = request.body.len() > 1000
                        || request.headers.iter().any(|(_, value)| value.len() > 1000)
                        || request.headers.len() > 50
                        || request.path.len() > 4000;
                    let status = within(&what, send(person, request)).await;
                    // Whoever sends more than is read may lose the answer with the connection.
                    assert!(status.map_or(big, |status| status.is_client_error()), "{status:?} for {what}");
                    status
                }
                Wave::Raw(bytes) => {
                    let what = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
                    let status = within(&what, say(authority, &bytes, true)).await;
                    assert!(status.is_none_or(|status| status.is_client_error()), "{status:?} for {what:?}");
                    status
                }
            }
        }
    });
    let mut statuses = BTreeMap::new();
    let mut answers = answers.buffer_unordered(AT_A_TIME);
    while let Some(status) = answers.next().await {
        *statuses.entry(status.map_or(0, |status| status.as_u16())).or_insert(0) += 1;
    }
    statuses
}
