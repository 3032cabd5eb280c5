//! The way to a Management API that is not on this machine: a certificate of a private issuer, HTTP/2, and proxies. The
//! server, the issuer and the proxies are real; `cloud.invalid` is known to the proxies alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use tenantry::api::{ApiError, BaseUrl, Client, Feed, FeedItem, Pace, probe};
use tenantry::model::{ProvisioningEvent, Secret, TenantId};
use tenantry::outbound::{Network, ProxySetting, use_network};
use tenantry::registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const TOKEN: &str = "hunter2.token.value";
/// The way is the process's: one test after the other.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A server with a certificate of an issuer that nobody knows.
struct Cloud {
    address: SocketAddr,
    /// The issuer's certificate, PEM.
    issuer: String,
    /// Version and path of every request.
    seen: Arc<Mutex<Vec<(Version, String)>>>,
}

impl Cloud {
    async fn start() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an issuer");
        let key = KeyPair::generate().expect("a key");
        let names = vec!["cloud.invalid".to_owned(), "127.0.0.1".to_owned()];
        let certificate =
            CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a configuration");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("a connection");
                let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    // A client that does not like the certificate is gone.
                    let Ok(socket) = acceptor.accept(socket).await else { return };
                    let is_h2 = socket.get_ref().1.alpn_protocol() == Some(b"h2");
                    let service = service_fn(move |request| {
                        let answer = answer(&request);
                        log.lock().expect("unpoisoned").push((request.version(), request.uri().path().to_owned()));
                        async move { Ok::<_, Infallible>(answer) }
                    });
                    let socket = TokioIo::new(socket);
                    if is_h2 {
                        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        let _ = server.serve_connection(socket, service).await;
                    } else {
                        let _ = hyper::server::conn::http1::Builder::new().serve_connection(socket, service).await;
                    }
                });
            }
        });
        Self { address, issuer: issuer.pem(), seen }
    }

    fn seen(&self) -> Vec<(Version, String)> {
        std::mem::take(&mut self.seen.lock().expect("unpoisoned"))
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<&'static [u8]>> {
    let resumed = request.headers().contains_key("last-event-id");
    let (status, kind, body): (u16, &str, &[u8]) = match (request.uri().path(), resumed) {
        ("/api/v1/auth/me", _) => (200, "application/json", br#"{"user":{"id":"u","email":"mara@orchard.example"}}"#),
        ("/api/v1/tenants/a/events", false) => (
            200,
            "text/event-stream",
            b"id: 1\ndata: {\"event_type\":\"tenant_created\",\"status\":\"provisioning\",\"message\":\"one\"}\n\n",
        ),
        ("/api/v1/tenants/a/events", true) => (
            200,
            "text/event-stream",
            b"id: 2\ndata: {\"event_type\":\"tenant_ready\",\"status\":\"ready\",\"message\":\"two\"}\n\n",
        ),
        _ => (404, "text/plain", b"nothing here"),
    };
    Response::builder().status(status).header("content-type", kind).body(Full::new(body)).expect("an answer")
}

/// What a proxy does with who asks.
#[derive(Clone, Copy)]
enum Mood {
    /// Lets everybody through.
    Open,
    /// Lets `mara:hunter2` through.
    WantsLogin,
    /// Lets nobody through.
    Closed,
}

/// A proxy that knows where `cloud.invalid` is. Answers the heads of what it was asked.
async fn proxy(cloud: SocketAddr, mood: Mood) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await?);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let is_mara = head.to_ascii_lowercase().contains("proxy-authorization: basic bwfyytpodw50zxiy\r\n");
                let answer = match mood {
                    _ if !head.starts_with("CONNECT cloud.invalid:443 ") => "403 Forbidden",
                    Mood::Closed => "403 Forbidden",
                    Mood::WantsLogin if !is_mara => "407 Proxy Authentication Required",
                    Mood::Open | Mood::WantsLogin => "200 OK",
                };
                log.lock().expect("unpoisoned").push(head);
                socket.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await?;
                if answer == "200 OK" {
                    copy_bidirectional(&mut socket, &mut TcpStream::connect(cloud).await?).await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    (address, seen)
}

/// The same for SOCKS 5 (RFC 1928), without login.
async fn socks(cloud: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            tokio::spawn(async move {
                let mut greeting = [0; 2];
                socket.read_exact(&mut greeting).await?;
                socket.read_exact(&mut vec![0; usize::from(greeting[1])]).await?;
                socket.write_all(&[5, 0]).await?;
                let mut wish = [0; 5];
                socket.read_exact(&mut wish).await?;
                let mut target = vec![0; usize::from(wish[4]) + 2];
                socket.read_exact(&mut target).await?;
                let is_known = wish[..4] == [5, 1, 0, 3] && target == *b"cloud.invalid\x01\xbb";
                socket.write_all(&[5, u8::from(!is_known), 0, 1, 0, 0, 0, 0, 0, 0]).await?;
                if is_known {
                    copy_bidirectional(&mut socket, &mut TcpStream::connect(cloud).await?).await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    address
}

fn client(base: &str) -> Client {
    Client::with_pace(BaseUrl::parse(base).expect("a base"), Secret::new(TOKEN), Pace::quick()).expect("a client")
}

fn go(proxy: Option<&str>, issuer: Option<&str>) {
    let proxy = proxy.map(|raw| ProxySetting::read(raw).expect(raw));
    use_network(Network::new(proxy, issuer.map(str::as_bytes)).expect("a network"));
}

/// What a person is told. No part of it shows a secret.
fn told(error: &ApiError) -> String {
    let told = format!("{error} {error:?} {}", error.problem());
    assert!(!told.contains("hunter2") && !told.contains("bWFyYTpodW50ZXIy"), "{told}");
    assert!(!error.answer_was_lost(), "nothing was sent");
    told
}

async fn all(mut feed: Feed<ProvisioningEvent>) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(item) = feed.next().await {
        match item {
            FeedItem::Item(event) => said.extend(event.message),
            FeedItem::Failed(error) => panic!("{error}"),
            FeedItem::Connected | FeedItem::Interrupted { .. } => {}
        }
    }
    said
}

#[tokio::test]
async fn an_issuer_that_nobody_knows_is_told_and_can_be_made_known() {
    let _alone = ALONE.lock().await;
    let cloud = Cloud::start().await;
    let base = format!("https://{}", cloud.address);
    go(None, None);
    let error = client(&base).me().await.expect_err("an unknown issuer");
    assert!(told(&error).contains("ca_file"), "{error:?} {}", error.problem());
    let other = Cloud::start().await;
    go(None, Some(&other.issuer));
    assert!(told(&client(&base).me().await.expect_err("another issuer")).contains("ca_file"));
    assert!(cloud.seen().is_empty());

    go(None, Some(&cloud.issuer));
    assert_eq!(client(&base).me().await.expect("who").user.email, "mara@orchard.example");
    let said = all(client(&base).tenant_events(&TenantId::new("a").expect("an id"), false)).await;
    assert_eq!(said, ["one", "two"]);
    assert_eq!(probe(&base).await.expect("an answer"), 404);
    let seen = cloud.seen();
    assert!(seen.len() == 4 && seen.iter().all(|(version, _)| *version == Version::HTTP_2), "{seen:?}");

    // A good issuer does not make a certificate good for another name.
    let error = client(&base.replace("127.0.0.1", "localhost")).me().await.expect_err("another name");
    let told = told(&error);
    assert!(told.contains("certificate is no good") && !told.contains("ca_file"), "{told}");
}

#[tokio::test]
async fn a_proxy_leads_to_the_api_and_to_the_registry_and_to_nothing_on_this_machine() {
    let _alone = ALONE.lock().await;
    let cloud = Cloud::start().await;
    let (address, seen) = proxy(cloud.address, Mood::WantsLogin).await;
    go(Some(&format!("http://mara:hunter2@{address}")), Some(&cloud.issuer));
    client("https://cloud.invalid").me().await.expect("who");
    let said = all(client("https://cloud.invalid").tenant_events(&TenantId::new("a").expect("an id"), false)).await;
    assert_eq!(said, ["one", "two"]);
    let registry = registry::Client::new("cloud.invalid", "images", "x", Secret::new("hunter2")).expect("a client");
    assert!(registry.head_manifest("tag").await.expect("an answer").is_none());
    assert!(seen.lock().expect("unpoisoned").iter().all(|head| head.starts_with("CONNECT cloud.invalid:443 ")));

    seen.lock().expect("unpoisoned").clear();
    client(&format!("https://{}", cloud.address)).me().await.expect("who");
    assert!(seen.lock().expect("unpoisoned").is_empty(), "a proxy saw what is for this machine");

    let through = socks(cloud.address).await;
    go(Some(&format!("socks5h://{through}")), Some(&cloud.issuer));
    client("https://cloud.invalid").me().await.expect("who");
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_gone_is_named() {
    let _alone = ALONE.lock().await;
    let cloud = Cloud::start().await;
    for mood in [Mood::Closed, Mood::WantsLogin] {
        let (address, seen) = proxy(cloud.address, mood).await;
        go(Some(&format!("http://mara:hunter2-wrong@{address}")), Some(&cloud.issuer));
        let told = told(&client("https://cloud.invalid").me().await.expect_err("refused"));
        assert!(told.contains(&format!("http://{address} to https://cloud.invalid")), "{told}");
        assert!(told.contains("HTTPS_PROXY"), "{told}");
        assert_eq!(seen.lock().expect("unpoisoned").len(), 1, "what a proxy refuses is asked for again");
        let registry = registry::Client::new("cloud.invalid", "images", "x", Secret::new("hunter2")).expect("a client");
        let error = registry.head_manifest("tag").await.expect_err("refused");
        assert!(error.problem().title.contains(&address.to_string()), "{}", error.problem());
        assert!(error.may_pass(), "a push is not tried again");
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    go(Some(&format!("http://mara:hunter2@{gone}")), Some(&cloud.issuer));
    let told = told(&client("https://cloud.invalid").me().await.expect_err("nobody there"));
    assert!(told.contains(&format!("http://{gone}")), "{told}");
}

#[tokio::test]
async fn a_proxy_that_cannot_be_read_leads_nowhere_but_to_this_machine() {
    let _alone = ALONE.lock().await;
    let cloud = Cloud::start().await;
    let issuer = Some(cloud.issuer.as_bytes());
    use_network(Network::new(Some(ProxySetting::Unreadable), issuer).expect("a network"));
    let error = client("https://cloud.invalid").me().await.expect_err("nowhere");
    assert!(matches!(error, ApiError::Barred { .. }) && told(&error).contains("unreadable"), "{error:?}");
    client(&format!("https://{}", cloud.address)).me().await.expect("who");
}

/// Asks the built program who is logged in at a context.
async fn whoami(folder: &Path, context: &str, environment: Option<SocketAddr>) -> Output {
    program(folder, "whoami", context, environment).await
}

async fn program(folder: &Path, word: &str, context: &str, environment: Option<SocketAddr>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command
        .args([word, "--context", context])
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("TENANTRY_CONFIG", folder.join("config.toml"))
        .env("TENANTRY_STATE", folder.join("state"))
        .env("HERE_TOKEN", TOKEN);
    if let Some(address) = environment {
        command.env("HTTPS_PROXY", format!("http://{address}"));
    }
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ended")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_goes_the_way_that_its_configuration_says() {
    let cloud = Cloud::start().await;
    let (address, seen) = proxy(cloud.address, Mood::WantsLogin).await;
    let (open, asked) = proxy(cloud.address, Mood::Open).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), &cloud.issuer).expect("written");
    let context = |name: &str, rest: &str| {
        format!("[context.{name}]\napi = \"https://cloud.invalid\"\nlogin = {{ env = \"HERE_TOKEN\" }}\n{rest}\n")
    };
    let config = [
        "[network]\nca_file = \"ca.pem\"\n".to_owned(),
        context("own", &format!("proxy = \"http://mara:hunter2@{address}\"")),
        context("environment", ""),
        context("none", "proxy = \"none\""),
        context("lost", "ca_file = \"nowhere.pem\""),
        "[context.leaving]\napi = \"https://cloud.invalid\"\nca_file = \"nowhere.pem\"\n".to_owned(),
    ];
    std::fs::write(folder.path().join("config.toml"), config.concat()).expect("written");
    let counts = || [&seen, &asked].map(|heads| !heads.lock().expect("unpoisoned").is_empty());
    let text = |output: &Output| {
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains("hunter2"), "{text}");
        text
    };

    let output = whoami(folder.path(), "none", Some(open)).await;
    assert!(!output.status.success() && counts() == [false, false], "{}", text(&output));
    let output = whoami(folder.path(), "lost", Some(open)).await;
    assert!(!output.status.success() && text(&output).contains("nowhere.pem"), "{}", text(&output));
    let output = whoami(folder.path(), "own", Some(open)).await;
    assert!(output.status.success() && text(&output).contains("mara@orchard.example"), "{}", text(&output));
    assert_eq!(counts(), [true, false], "the configuration outweighs the environment");
    let output = whoami(folder.path(), "environment", Some(open)).await;
    assert!(output.status.success() && text(&output).contains("mara@orchard.example"), "{}", text(&output));
    assert_eq!(counts(), [true, true]);

    // What is kept here can be forgotten without the way.
    let output = program(folder.path(), "logout", "leaving", None).await;
    assert!(output.status.success(), "{}", text(&output));

    asked.lock().expect("unpoisoned").clear();
    for wrong in ["\"ftp://mara:hunter2@proxy.invalid\"", "3128"] {
        let config = [format!("[network]\nca_file = \"ca.pem\"\nproxy = {wrong}\n"), context("environment", "")];
        std::fs::write(folder.path().join("config.toml"), config.concat()).expect("written");
        let output = whoami(folder.path(), "environment", Some(open)).await;
        let told = text(&output);
        assert!(!output.status.success() && told.contains("proxy of the configuration"), "{wrong}: {told}");
        assert_eq!(counts(), [true, false], "{wrong}: another way was taken");
    }
}
