//! The registry over a real listener, as a client sees it.

mod collect;
mod known;

use super::*;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const MINUTE: Duration = Duration::from_mins(1);

/// A registry that ends with the test.
struct Running {
    directory: tempfile::TempDir,
    registry: Registry,
    tokens: RegistryTokens,
    base: String,
    client: Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).expect("valid")
}

fn digest(content: &[u8]) -> String {
    store::digest_of(content).expect("a digest").to_string()
}

impl Running {
    async fn start() -> Self {
        Self::start_with(Arc::new(Alone)).await
    }

    async fn start_with(owners: Arc<dyn Owners>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let tokens = RegistryTokens::new([1; 32]);
        let registry = Registry::open_with(&directory.path().join("data"), tokens.clone(), owners).expect("opens");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let app = registry.router();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { directory, registry, tokens, base, client, server }
    }

    /// A request with a token of this tenant.
    fn send(&self, method: Method, path: &str, id: &str, access: Access) -> RequestBuilder {
        let token = self.tokens.issue(&tenant(id), access, MINUTE);
        self.client.request(method, format!("{}/v2/{path}", self.base)).basic_auth(USER, Some(token.reveal()))
    }

    fn push(&self, method: Method, path: &str, id: &str) -> RequestBuilder {
        self.send(method, &format!("{REPOSITORY}/{path}"), id, Access::Push)
    }

    /// Pushes a blob in one go.
    async fn blob(&self, id: &str, content: &[u8]) {
        let path = format!("blobs/uploads/?digest={}", digest(content));
        let answer = self.push(Method::POST, &path, id).body(content.to_vec()).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    /// Pushes an image with one layer; answers its manifest.
    async fn image(&self, id: &str, layer: &[u8]) -> String {
        self.blob(id, b"{}").await;
        self.blob(id, layer).await;
        let manifest = manifest(&[layer]);
        let answer = self.manifest(id, &format!("tenant-{id}"), &manifest).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(answer.headers()["docker-content-digest"], digest(manifest.as_bytes()));
        manifest
    }

    async fn manifest(&self, id: &str, reference: &str, manifest: &str) -> reqwest::Response {
        let request = self.push(Method::PUT, &format!("manifests/{reference}"), id).header("content-type", IMAGE);
        request.body(manifest.to_owned()).send().await.expect("answers")
    }

    fn unfinished(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("data/uploads")).expect("reads").count()
    }
}

fn manifest(layers: &[&[u8]]) -> String {
    let describe = |content: &[u8]| json!({ "mediaType": "any", "digest": digest(content), "size": content.len() });
    let layers: Vec<Value> = layers.iter().map(|layer| describe(layer)).collect();
    json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": describe(b"{}"), "layers": layers }).to_string()
}

async fn refused(request: RequestBuilder, status: StatusCode, code: &str) {
    let answer = request.send().await.expect("answers");
    assert_eq!(answer.status(), status, "{code}");
    let body: Value = answer.json().await.expect("the specification's form");
    assert_eq!(body["errors"][0]["code"], code);
    assert!(body["errors"][0]["message"].is_string());
}

#[tokio::test]
async fn without_a_good_token_there_is_only_the_challenge() {
    let running = Running::start().await;
    for path in ["v2", "v2/", "v2/systemprompt-images/tags/list", "v2/no/such/thing"] {
        let url = format!("{}/{path}", running.base);
        let token = running.tokens.issue(&tenant("a"), Access::Push, MINUTE);
        let expired = running.tokens.issue(&tenant("a"), Access::Push, Duration::ZERO);
        for request in [
            running.client.get(&url),
            running.client.get(&url).bearer_auth(token.reveal()),
            running.client.get(&url).basic_auth("y", Some(token.reveal())),
            running.client.get(&url).basic_auth(USER, Some(expired.reveal())),
            running.client.get(&url).basic_auth(USER, Some("wrong")),
            running.client.get(&url).header("authorization", "Basic ///"),
        ] {
            let answer = request.try_clone().expect("no stream").send().await.expect("answers");
            assert_eq!(answer.headers()["www-authenticate"], "Basic realm=\"tenantry\"");
            assert_eq!(answer.headers()["docker-distribution-api-version"], "registry/2.0");
            refused(request, StatusCode::UNAUTHORIZED, "UNAUTHORIZED").await;
        }
    }
    let answer = running.send(Method::GET, "", "a", Access::Pull).send().await.expect("answers");
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_image_pushed_as_docker_does_it_can_be_pulled_by_its_digest() {
    let running = Running::start().await;
    let layer: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let sum = digest(&layer);
    let head = running.push(Method::HEAD, &format!("blobs/{sum}"), "a").send().await.expect("answers");
    assert_eq!(head.status(), StatusCode::NOT_FOUND);

    let begun = running.push(Method::POST, "blobs/uploads/", "a").send().await.expect("answers");
    assert_eq!(begun.status(), StatusCode::ACCEPTED);
    let place = begun.headers()["location"].to_str().expect("text").trim_start_matches("/v2/").to_owned();
    let part =
        |method, from: usize, to: usize| running.send(method, &place, "a", Access::Push).body(layer[from..to].to_vec());
    let patched = part(Method::PATCH, 0, 2_000_000).send().await.expect("answers");
    assert_eq!(
        (patched.status(), &patched.headers()["range"]),
        (StatusCode::ACCEPTED, &"0-1999999".parse().expect("ok"))
    );
    let status = running.send(Method::GET, &place, "a", Access::Push).send().await.expect("answers");
    assert_eq!(
        (status.status(), &status.headers()["range"]),
        (StatusCode::NO_CONTENT, &"0-1999999".parse().expect("ok"))
    );
    refused(
        part(Method::PATCH, 0, 1).header("content-range", "5-5"),
        StatusCode::RANGE_NOT_SATISFIABLE,
        "BLOB_UPLOAD_INVALID",
    )
    .await;
    let patched = part(Method::PATCH, 2_000_000, 2_500_000).header("content-range", "2000000-2499999");
    assert_eq!(patched.send().await.expect("answers").status(), StatusCode::ACCEPTED);
    let place = format!("{place}?digest={sum}");
    let put = running.send(Method::PUT, &place, "a", Access::Push).body(layer[2_500_000..].to_vec());
    let put = put.send().await.expect("answers");
    assert_eq!(
        (put.status(), &put.headers()["docker-content-digest"]),
        (StatusCode::CREATED, &sum.parse().expect("ok"))
    );
    assert_eq!(running.unfinished(), 0);

    let manifest = running.image("a", &layer).await;
    let sum = digest(manifest.as_bytes());
    assert_eq!(running.registry.digest_of(&tenant("a")).await.map(|d| d.to_string()), Some(sum.clone()));
    for reference in ["tenant-a", &sum] {
        for method in [Method::HEAD, Method::GET] {
            let path = format!("{REPOSITORY}/manifests/{reference}");
            let answer = running.send(method.clone(), &path, "a", Access::Pull).send().await.expect("answers");
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["content-type"], IMAGE);
            assert_eq!(answer.headers()["docker-content-digest"], sum.as_str());
            assert_eq!(answer.headers()["content-length"], manifest.len().to_string().as_str());
            if method == Method::GET {
                assert_eq!(answer.text().await.expect("text"), manifest);
            }
        }
    }
    let path = format!("{REPOSITORY}/blobs/{}", digest(&layer));
    let pulled = running.send(Method::GET, &path, "a", Access::Pull).send().await.expect("answers");
    assert_eq!(pulled.bytes().await.expect("bytes"), layer);
    let part = running.send(Method::GET, &path, "a", Access::Pull).header("range", "bytes=10-19");
    let part = part.send().await.expect("answers");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 10-19/3000000");
    assert_eq!(part.bytes().await.expect("bytes"), layer[10..20]);
    let tags = running.push(Method::GET, "tags/list", "a").send().await.expect("answers");
    assert_eq!(tags.json::<Value>().await.expect("json")["tags"], json!(["tenant-a"]));
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing() {
    let running = Running::start().await;
    let path = format!("blobs/uploads/?digest={}", digest(b"right"));
    refused(running.push(Method::POST, &path, "a").body("wrong"), StatusCode::BAD_REQUEST, "DIGEST_INVALID").await;
    let begun = running.push(Method::POST, "blobs/uploads/", "a").send().await.expect("answers");
    assert_eq!(running.unfinished(), 1);
    let place = begun.headers()["location"].to_str().expect("text").trim_start_matches("/v2/").to_owned();
    let put = |query: &str| running.send(Method::PUT, &format!("{place}{query}"), "a", Access::Push).body("wrong");
    let query = format!("?digest={}", digest(b"right"));
    refused(put(&query), StatusCode::BAD_REQUEST, "DIGEST_INVALID").await;
    assert_eq!(running.unfinished(), 0);
    refused(put(&query), StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN").await;
}

#[tokio::test]
async fn an_upload_can_be_cancelled_by_its_owner_only() {
    let running = Running::start().await;
    let begun = running.push(Method::POST, "blobs/uploads/", "a").send().await.expect("answers");
    let place = begun.headers()["location"].to_str().expect("text").trim_start_matches("/v2/").to_owned();
    let delete = |id: &str| running.send(Method::DELETE, &place, id, Access::Push);
    refused(delete("b"), StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN").await;
    assert_eq!(running.unfinished(), 1);
    assert_eq!(delete("a").send().await.expect("answers").status(), StatusCode::NO_CONTENT);
    assert_eq!(running.unfinished(), 0);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_no_file() {
    use tokio::io::AsyncWriteExt as _;
    let running = Running::start().await;
    let begun = running.push(Method::POST, "blobs/uploads/", "a").send().await.expect("answers");
    let place = begun.headers()["location"].to_str().expect("text").to_owned();
    let request = running.send(Method::GET, "", "a", Access::Push).build().expect("a request");
    let login = request.headers()["authorization"].to_str().expect("text").to_owned();
    let address = running.base.trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("connects");
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nhost: x\r\nauthorization: {login}\r\ncontent-length: 1000000\r\n\r\nonly this"
    );
    socket.write_all(head.as_bytes()).await.expect("writes");
    drop(socket);
    while running.unfinished() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_manifest_needs_what_it_names() {
    let running = Running::start().await;
    running.blob("a", b"{}").await;
    let answer = running.manifest("a", "tenant-a", &manifest(&[b"never pushed"])).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer.json::<Value>().await.expect("json")["errors"][0]["code"], "MANIFEST_BLOB_UNKNOWN");
    // Another tenant's blob is as good as none.
    running.blob("b", b"theirs").await;
    assert_eq!(running.manifest("a", "tenant-a", &manifest(&[b"theirs"])).await.status(), StatusCode::BAD_REQUEST);
    let good = manifest(&[]);
    let wrong = digest(b"something else");
    assert_eq!(running.manifest("a", &wrong, &good).await.status(), StatusCode::BAD_REQUEST);
    for bad in ["", "no json", "{}", r#"{"schemaVersion":1}"#, r#"{"schemaVersion":2}"#] {
        let answer = running.manifest("a", "tenant-a", bad).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad}");
        assert_eq!(answer.json::<Value>().await.expect("json")["errors"][0]["code"], "MANIFEST_INVALID");
    }
    let huge = " ".repeat(5 * 1024 * 1024);
    assert_eq!(running.manifest("a", "tenant-a", &huge).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(running.registry.digest_of(&tenant("a")).await, None);
    assert_eq!(running.manifest("a", "tenant-a", &good).await.status(), StatusCode::CREATED);
    assert_eq!(running.manifest("a", &digest(good.as_bytes()), &good).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn tenants_do_not_meet() {
    let running = Running::start().await;
    let theirs = running.image("a", b"layer").await;
    running.blob("b", b"{}").await;
    let sum = digest(b"layer");
    for path in
        [format!("blobs/{sum}"), format!("manifests/{}", digest(theirs.as_bytes())), "manifests/tenant-a".into()]
    {
        let answer = running.push(Method::HEAD, &path, "b").send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let mount = format!("blobs/uploads/?mount={sum}&from={REPOSITORY}");
    let answer = running.push(Method::POST, &mount, "b").send().await.expect("answers");
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "an ordinary upload instead");
    let answer = running.push(Method::POST, &mount, "a").send().await.expect("answers");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let stolen = running.manifest("b", "tenant-a", &manifest(&[])).await;
    assert_eq!(stolen.status(), StatusCode::FORBIDDEN);
    assert_eq!(stolen.json::<Value>().await.expect("json")["errors"][0]["code"], "DENIED");
    refused(running.push(Method::DELETE, "manifests/tenant-a", "b"), StatusCode::FORBIDDEN, "DENIED").await;
    refused(running.push(Method::PUT, "manifests/latest", "a"), StatusCode::FORBIDDEN, "DENIED").await;
    let tags = running.push(Method::GET, "tags/list", "b").send().await.expect("answers");
    assert_eq!(tags.json::<Value>().await.expect("json")["tags"], json!([]));
    // The same layer again is stored once.
    running.image("b", b"layer").await;
    let hex = sum.trim_start_matches("sha256:");
    assert!(running.directory.path().join("data/blobs/sha256").join(&hex[..2]).join(hex).exists());
}

#[tokio::test]
async fn a_pull_token_writes_nothing_and_other_repositories_are_closed() {
    let running = Running::start().await;
    for (method, path) in
        [(Method::POST, "blobs/uploads/"), (Method::PUT, "manifests/tenant-a"), (Method::DELETE, "manifests/tenant-a")]
    {
        let request = running.send(method, &format!("{REPOSITORY}/{path}"), "a", Access::Pull);
        refused(request, StatusCode::FORBIDDEN, "DENIED").await;
    }
    let request = running.send(Method::POST, "some/other/name/blobs/uploads/", "a", Access::Push);
    refused(request, StatusCode::FORBIDDEN, "DENIED").await;
    let request = running.send(Method::DELETE, &format!("{REPOSITORY}/blobs/{}", digest(b"x")), "a", Access::Pull);
    refused(request, StatusCode::FORBIDDEN, "DENIED").await;
    let request = running.push(Method::PUT, &format!("blobs/{}", digest(b"x")), "a");
    refused(request, StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED").await;
}

#[tokio::test]
async fn a_tag_goes_by_name_by_digest_and_by_the_server() {
    let running = Running::start().await;
    let a = tenant("a");
    let manifest = running.image("a", b"layer").await;
    let by_digest = format!("manifests/{}", digest(manifest.as_bytes()));
    let delete = |path: &str| running.push(Method::DELETE, path, "a").send();
    assert_eq!(delete("manifests/tenant-a").await.expect("answers").status(), StatusCode::ACCEPTED);
    assert_eq!(running.registry.digest_of(&a).await, None);
    assert_eq!(delete("manifests/tenant-a").await.expect("answers").status(), StatusCode::NOT_FOUND);
    running.image("a", b"layer").await;
    assert_eq!(delete(&by_digest).await.expect("answers").status(), StatusCode::ACCEPTED);
    assert_eq!(running.registry.digest_of(&a).await, None);
    running.image("a", b"layer").await;
    running.registry.remove_tag(&a).await;
    running.registry.remove_tag(&a).await;
    assert_eq!(running.registry.digest_of(&a).await, None);
}

#[tokio::test]
async fn hostile_names_never_leave_the_directory() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let running = Running::start().await;
    let request = running.send(Method::GET, "", "a", Access::Push).build().expect("a request");
    let login = request.headers()["authorization"].to_str().expect("text").to_owned();
    let long = "a/".repeat(2000);
    // By hand: an ordinary client would tidy these paths up.
    for path in [
        "../../etc/manifests/x",
        "%2e%2e/%2e%2e/manifests/x",
        "..%2f..%2fescaped/manifests/x",
        "systemprompt-images/manifests/..%2f..%2fescaped",
        "systemprompt-images/manifests/%00",
        "systemprompt-images/manifests/%1b%5b2J",
        "systemprompt-images/blobs/uploads/..%2f..%2fescaped",
        "systemprompt-images/blobs/sha256:..%2f..%2fescaped",
        &format!("{long}manifests/x"),
    ] {
        let address = running.base.trim_start_matches("http://");
        let mut socket = tokio::net::TcpStream::connect(address).await.expect("connects");
        let head = format!(
            "PUT /v2/{path} HTTP/1.1\r\nhost: x\r\nauthorization: {login}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.expect("writes");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("reads");
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(answer.chars().all(|c| !c.is_control() || c == '\r' || c == '\n'), "{path}: {answer}");
    }
    let names: Vec<_> =
        std::fs::read_dir(running.directory.path()).expect("reads").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, ["data"]);
}
