//! The client against the program's own registry, and against servers that do what none should.

use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wiremock::matchers::{any, header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::model::{Hasher, Secret, TenantId};
use crate::server::registry::{Access, REPOSITORY, Registry, RegistryTokens, USER};

/// A registry that ends with the test.
struct Running {
    directory: tempfile::TempDir,
    tokens: RegistryTokens,
    host: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Running {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tokens = RegistryTokens::new([3; 32]);
        let registry = Registry::open(directory.path(), tokens.clone()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let app = registry.router();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { directory, tokens, host, server }
    }

    fn client(&self, tenant: &str, access: Access) -> Client {
        let token = self.tokens.issue(&TenantId::new(tenant).unwrap(), access, Duration::from_mins(1));
        Client::new(&self.host, REPOSITORY, USER, token).unwrap()
    }

    fn unfinished(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("uploads")).unwrap().count()
    }
}

fn pieces(pieces: &[&'static str]) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
    stream::iter(pieces)
}

fn client_of(server: &MockServer) -> Client {
    Client::new(&server.address().to_string(), "team/app", "x", Secret::new("hunter2")).unwrap()
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

#[tokio::test]
async fn an_image_goes_up_and_is_found_again() {
    let running = Running::start().await;
    let client = running.client("a", Access::Push);
    assert_eq!(client.manifest("tenant-a").await.unwrap(), None);
    assert_eq!(client.head_manifest("tenant-a").await.unwrap(), None);
    let layer = Layer { digest: Hasher::digest(b"one two"), size: 7 };
    assert_eq!(client.head_blob(&layer.digest).await.unwrap(), None);
    let mut upload = client.begin_upload().await.unwrap();
    upload.send(pieces(&["one", " two"])).await.unwrap();
    upload.finish(&layer.digest, Bytes::new()).await.unwrap();
    assert_eq!(client.head_blob(&layer.digest).await.unwrap(), Some(7));
    let config = Bytes::from_static(b"{}");
    assert!(client.put_blob(&config).await.unwrap());
    assert!(!client.put_blob(&config).await.unwrap(), "it is there");
    let manifest = Manifest::of_image(&config, std::slice::from_ref(&layer)).unwrap();
    client.put_manifest("tenant-a", &manifest).await.unwrap();
    assert_eq!(client.head_manifest("tenant-a").await.unwrap(), Some(manifest.digest.clone()));
    assert_eq!(client.manifest(manifest.digest.as_str()).await.unwrap(), Some(manifest.clone()));
    let found = client.manifest("tenant-a").await.unwrap().unwrap();
    assert_eq!(found.layers.iter().map(|one| &one.digest).collect::<Vec<_>>(), [&layer.digest]);
    assert_eq!(client.blob(&found.config.unwrap().digest).await.unwrap().as_deref(), Some(&b"{}"[..]));
    assert_eq!(running.unfinished(), 0);
}

#[tokio::test]
async fn a_wrong_digest_and_a_missing_layer_are_refused() {
    let running = Running::start().await;
    let client = running.client("a", Access::Push);
    let mut upload = client.begin_upload().await.unwrap();
    upload.send(pieces(&["something"])).await.unwrap();
    let error = upload.finish(&Hasher::digest(b"something else"), Bytes::new()).await.expect_err("another digest");
    assert!(matches!(error, RegistryError::Refused { status: 400, .. }) && !error.may_pass(), "{error:?}");
    let layer = Layer { digest: Hasher::digest(b"never"), size: 5 };
    let manifest = Manifest::of_image(b"{}", &[layer]).unwrap();
    let error = client.put_manifest("tenant-a", &manifest).await.expect_err("nothing of it is there");
    assert!(matches!(error, RegistryError::Refused { status: 400, .. }) && !error.may_pass(), "{error:?}");
}

#[tokio::test]
async fn refusals_of_every_kind_are_told_apart() {
    let running = Running::start().await;
    let wrong = Client::new(&running.host, REPOSITORY, USER, Secret::new("hunter2")).unwrap();
    let error = wrong.begin_upload().await.expect_err("a wrong token");
    assert!(error.is_unauthorized() && !error.to_string().contains("hunter2"), "{error}");
    assert_eq!(error.problem().title, "Registry refused the login.");
    let error = running.client("a", Access::Pull).begin_upload().await.expect_err("it only reads");
    assert!(matches!(error, RegistryError::Denied { .. }), "{error:?}");
    let error = running.client("a", Access::Push).manifest("tenant-b").await.unwrap();
    assert_eq!(error, None, "what is somebody else's does not exist");
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = Client::new(&free.to_string(), REPOSITORY, USER, Secret::new("t")).unwrap();
    let error = nobody.manifest("tenant-a").await.expect_err("nobody listens");
    assert!(matches!(error, RegistryError::Unreachable { .. }) && error.may_pass(), "{error:?}");
    assert!(Client::new("no host at all", "a", "x", Secret::new("t")).is_err());
}

#[tokio::test]
async fn uploads_that_nobody_finishes_are_given_back() {
    let running = Running::start().await;
    let client = running.client("a", Access::Push);
    let first = client.begin_upload().await.unwrap();
    let mut second = client.begin_upload().await.unwrap();
    second.send(pieces(&["part"])).await.unwrap();
    assert_eq!(running.unfinished(), 2);
    drop((first, second));
    client.abandon_uploads().await;
    assert_eq!(running.unfinished(), 0);
    client.abandon_uploads().await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_leaves_nothing() {
    let running = Running::start().await;
    let client = running.client("a", Access::Push);
    let mut upload = client.begin_upload().await.unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"part")), Err(io::Error::other("no more"))]);
    let error = upload.send(broken).await.expect_err("it broke off");
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error:?}");
    // The registry may not have seen any of it; then it still waits for the upload.
    client.abandon_uploads().await;
    while running.unfinished() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_token_service_is_asked_with_the_login_and_its_token_is_used() {
    let server = MockServer::start().await;
    let challenge = format!(r#"Bearer realm="{}/token",service="registry.example""#, server.uri());
    Mock::given(path("/token"))
        .and(query_param("service", "registry.example"))
        .and(query_param("scope", "repository:team/app:pull,push"))
        .and(header("authorization", "Basic eDpodW50ZXIy"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "good"})))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(header("authorization", "Bearer good")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let refusal = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
    Mock::given(any()).respond_with(refusal).mount(&server).await;
    let client = client_of(&server);
    assert_eq!(client.manifest("t").await.unwrap(), None);
    assert_eq!(client.manifest("t").await.unwrap(), None, "the token is kept");
}

#[tokio::test]
async fn the_login_goes_to_no_unsafe_token_service() {
    for realm in ["http://auth.example/token", "https://user:pass@auth.example/", "file:///etc/passwd", "no url"] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        let server = answering(ResponseTemplate::new(401).insert_header("www-authenticate", challenge)).await;
        let error = client_of(&server).manifest("t").await.expect_err("an unsafe place");
        assert!(matches!(error, RegistryError::Unreadable { .. }), "{realm}: {error:?}");
    }
}

#[tokio::test]
async fn the_login_does_not_travel_to_where_an_upload_goes_on() {
    let (registry, storage) = (MockServer::start().await, MockServer::start().await);
    let login = || header("authorization", "Basic eDpodW50ZXIy");
    let place = format!("{}/store/1?state=abc", storage.uri());
    Mock::given(method("POST"))
        .and(login())
        .respond_with(ResponseTemplate::new(202).insert_header("location", place))
        .mount(&registry)
        .await;
    let refusal = ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"x\"");
    Mock::given(any()).respond_with(refusal).mount(&registry).await;
    Mock::given(header_exists("authorization")).respond_with(ResponseTemplate::new(500)).mount(&storage).await;
    Mock::given(method("PATCH")).respond_with(ResponseTemplate::new(202)).mount(&storage).await;
    let digest = Hasher::digest(b"part");
    Mock::given(method("PUT"))
        .and(query_param("state", "abc"))
        .and(query_param("digest", digest.as_str()))
        .respond_with(ResponseTemplate::new(201))
        .mount(&storage)
        .await;
    let mut upload = client_of(&registry).begin_upload().await.unwrap();
    upload.send(pieces(&["part"])).await.unwrap();
    upload.finish(&digest, Bytes::new()).await.unwrap();
}

#[tokio::test]
async fn places_that_are_not_safe_are_not_gone_to() {
    for place in ["http://elsewhere.example/upload", "ftp://127.0.0.1/", "", "http://"] {
        let server = answering(ResponseTemplate::new(202).insert_header("location", place)).await;
        let outcome = client_of(&server).begin_upload().await;
        if place.is_empty() {
            continue;
        }
        assert!(matches!(outcome, Err(RegistryError::Unreadable { .. })), "{place}: {outcome:?}");
    }
    let server = answering(ResponseTemplate::new(202)).await;
    assert!(matches!(client_of(&server).begin_upload().await, Err(RegistryError::Unreadable { .. })));
}

#[tokio::test]
async fn what_is_no_registry_is_seen() {
    let digest = Hasher::digest(b"x");
    for status in [200, 201, 202] {
        let page = ResponseTemplate::new(status).set_body_raw("<html>log in", "text/html; charset=utf-8");
        let server = answering(page).await;
        let client = client_of(&server);
        assert!(matches!(client.manifest("t").await, Err(RegistryError::Unreadable { .. })));
        assert!(matches!(client.head_blob(&digest).await, Err(RegistryError::Unreadable { .. })));
        assert!(matches!(client.begin_upload().await, Err(RegistryError::Unreadable { .. })));
    }
    let server = answering(ResponseTemplate::new(200).set_body_string("no json")).await;
    assert!(matches!(client_of(&server).manifest("t").await, Err(RegistryError::Unreadable { .. })));
    let huge = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 5 * 1024 * 1024]);
    assert!(matches!(client_of(&answering(huge).await).manifest("t").await, Err(RegistryError::Unreadable { .. })));
}

#[tokio::test]
async fn another_digest_than_promised_is_seen() {
    let other = Hasher::digest(b"another");
    let manifest = Manifest::of_image(b"{}", &[]).unwrap();
    let answer = ResponseTemplate::new(200)
        .set_body_bytes(manifest.bytes.clone())
        .insert_header("docker-content-digest", other.as_str());
    let client_and_server = answering(answer).await;
    let client = client_of(&client_and_server);
    assert!(matches!(client.manifest("t").await, Err(RegistryError::WrongDigest { .. })));
    assert!(matches!(client.blob(&other).await, Err(RegistryError::WrongDigest { .. })));
    let created = ResponseTemplate::new(201).insert_header("docker-content-digest", other.as_str());
    let server = answering(created).await;
    assert!(matches!(client_of(&server).put_manifest("t", &manifest).await, Err(RegistryError::WrongDigest { .. })));
}

#[tokio::test]
async fn words_of_a_registry_are_short_harmless_and_without_the_password() {
    let body = json!({"errors": [{"code": "UNKNOWN", "message": format!("\u{1b}[2Jhunter2 {}", "x".repeat(5000))}]});
    let server = answering(ResponseTemplate::new(500).set_body_json(body)).await;
    let error = client_of(&server).manifest("t").await.expect_err("it failed");
    assert!(error.may_pass());
    let shown = format!("{error} {error:?} {}", error.problem());
    assert!(!shown.contains("hunter2") && shown.len() < 2000 && shown.chars().all(|c| !c.is_control()), "{shown}");
}

#[tokio::test]
async fn a_connection_that_is_cut_in_mid_upload_is_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        let (mut first, _) = listener.accept().await.unwrap();
        let _ = first.read(&mut buffer).await.unwrap();
        let answer = "HTTP/1.1 202 Accepted\r\nlocation: /upload/1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        first.write_all(answer.as_bytes()).await.unwrap();
        drop(first);
        // The upload, and the question whether the login is still good.
        while let Ok((mut next, _)) = listener.accept().await {
            let _ = next.read(&mut buffer).await;
        }
    });
    let client = Client::new(&host, "app", "x", Secret::new("t")).unwrap();
    let mut upload = client.begin_upload().await.unwrap();
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 4096])));
    let error = upload.send(endless).await.expect_err("it was cut");
    assert!(matches!(error, RegistryError::Unreachable { .. }) && error.may_pass(), "{error:?}");
    server.abort();
}
