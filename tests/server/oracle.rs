//! The registry beside Debian's `docker-registry`: the same requests, and the same answers, but for a list of
//! differences that are wanted.

use crate::store::{self, Kind};
use crate::support::{House, Person, digest, text, within};
use libtest_mimic::Trial;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub fn trials() -> Vec<Trial> {
    vec![store::trial(
        Kind::Sqlite,
        module_path!(),
        "the_registry_answers_as_debians_does",
        the_registry_answers_as_debians_does,
    )]
}

/// Where ours answers otherwise, and why it shall.
const DIFFERENCES: [(&str, &str); 22] = [
    ("order: a chunk too far on", "the specification asks for 416; theirs does not read the header"),
    (
        "wrong digest: status afterwards",
        "theirs wants a state of its own in the address before it looks for the upload",
    ),
    ("in one request", "the specification's POST with a digest; theirs leaves it out, as it may"),
    ("uploads: get without one", "there is something at this path, for another method"),
    ("uploads: no such id", "as for a wrong digest"),
    ("uploads: no id at all", "as for a wrong digest"),
    ("blob: bytes=10-", "theirs announces a body and sends none"),
    ("blob: bytes=99-100", "theirs announces a body and sends none"),
    ("blob: bytes=5-4", "no range by RFC 9110, so that the whole is the answer"),
    ("blob: lines=1-2", "an unknown unit: the whole is the answer"),
    ("blob: bytes=-0", "a range without a byte cannot be satisfied (RFC 9110)"),
    ("blob: no digest", "said in the form of the specification, and not as a page that is not there"),
    ("tags: none yet", "the one repository is there before the first push"),
    ("manifest: a wrong size", "a descriptor that lies would be found out at the pull only"),
    ("manifest: get what one has", "a 304 names what has not changed (RFC 9110)"),
    ("manifest: no kind accepted", "whoever asks for anything gets what there is; theirs thinks of clients of 2016"),
    ("tags: after the last", "theirs does not turn pages yet"),
    ("manifest: no good tag", "said in the form of the specification"),
    ("manifest: no good digest", "nothing broke here: it is the client's mistake"),
    ("manifest: delete by tag", "tags can be deleted; theirs deletes by digest only"),
    ("catalogue", "there is one repository, and whose tags it has is nobody's business"),
    ("nothing of the kind", "said in the form of the specification"),
];

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Headers that clients act on.
const HEADERS: [&str; 11] = [
    "accept-ranges",
    "content-length",
    "content-range",
    "content-type",
    "docker-content-digest",
    "docker-distribution-api-version",
    "etag",
    "link",
    "location",
    "range",
    "docker-upload-uuid",
];

/// Debian's, without accounts. Dropping it ends it.
struct Oracle {
    child: Child,
    _folder: tempfile::TempDir,
    base: String,
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Oracle {
    /// `None` where it is not installed.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|s| s.local_addr()).expect("a port").port();
        let configuration = folder.path().join("config.yml");
        let root = folder.path().join("data");
        std::fs::write(
            &configuration,
            format!(
                "version: 0.1\nlog: {{ level: error }}\nstorage:\n  filesystem: {{ rootdirectory: {} }}\n  delete: {{ enabled: true }}\n\
                 http: {{ addr: '127.0.0.1:{port}' }}\n",
                root.display()
            ),
        )
        .expect("written");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = match child {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            child => child.expect("it starts"),
        };
        let oracle = Self { child, _folder: folder, base: format!("http://127.0.0.1:{port}") };
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        within("docker-registry", async {
            while http.get(format!("{}/v2/", oracle.base)).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        Some(oracle)
    }
}

/// One of the two.
struct Side {
    base: String,
    http: reqwest::Client,
    repository: String,
    tag: String,
    token: String,
    seen: Vec<(String, Seen)>,
}

/// An answer, as far as it can be compared.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    /// The error's code, or what came.
    body: String,
}

impl Side {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base)
        } else {
            format!("{}/v2/{}/{path}", self.base, self.repository)
        };
        self.http.request(method, url).basic_auth("x", Some(&self.token))
    }

    /// Sends it, writes down what came, and answers where an upload goes on.
    async fn ask(&mut self, name: &str, request: RequestBuilder) -> String {
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let place = answer.headers().get("location").map(|place| place.to_str().expect("text").to_owned());
        let mut headers: BTreeMap<&'static str, String> = BTreeMap::new();
        for header in HEADERS {
            if let Some(value) = answer.headers().get(header) {
                headers.insert(header, self.plain(header, value.to_str().expect("text")));
            }
        }
        let bytes = answer.bytes().await.unwrap_or_else(|_| "the body broke off".into());
        let error = serde_json::from_slice::<Value>(&bytes)
            .ok()
            .and_then(|body| body["errors"][0]["code"].as_str().map(str::to_owned));
        let failed = status.is_client_error();
        if failed || headers.get("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            // How an error or a list is spaced is nobody's business.
            headers.remove("content-length");
        }
        if failed {
            headers.remove("content-type");
        }
        let body = error.unwrap_or_else(|| {
            let read = serde_json::from_slice::<Value>(&bytes).map(|value| value.to_string());
            self.plain("", &read.unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned()))
        });
        // The method alone is refused, in whatever words.
        let body = if status == StatusCode::METHOD_NOT_ALLOWED { String::new() } else { body };
        self.seen.push((name.to_owned(), Seen { status: status.as_u16(), headers, body }));
        let base = url::Url::parse(&self.base).expect("a base");
        place.map(|place| base.join(&place).expect("a place").to_string()).unwrap_or_default()
    }

    /// Without what is different for everybody.
    fn plain(&self, header: &str, value: &str) -> String {
        // As a parameter of JSON it means nothing.
        let value = value.trim_end_matches("; charset=utf-8");
        let value = value.replace(&self.base, "").replace(&self.tag, "TAG").replace(&self.repository, "REPOSITORY");
        match (header, value.split_once("/blobs/uploads/")) {
            ("location", Some((before, _))) => format!("{before}/blobs/uploads/ID"),
            ("docker-upload-uuid", _) => "ID".into(),
            _ => value,
        }
    }

    /// Sends the next part of an upload.
    fn part(&self, method: Method, place: &str, query: &str, bytes: &'static str) -> RequestBuilder {
        let mut url = url::Url::parse(place).expect("a place");
        if let Some((key, value)) = query.split_once('=') {
            url.query_pairs_mut().append_pair(key, value);
        }
        let request = self.http.request(method, url).basic_auth("x", Some(&self.token));
        request.header("content-type", "application/octet-stream").body(bytes)
    }

    async fn begin(&mut self, name: &str) -> String {
        let request = self.request(Method::POST, "blobs/uploads/");
        self.ask(name, request).await
    }

    async fn blob(&mut self, content: &'static str) -> String {
        let place = self.begin("a blob: begin").await;
        let sum = digest(content.as_bytes());
        let put = self.part(Method::PUT, &place, &format!("digest={sum}"), content);
        self.ask("a blob: put", put).await;
        sum
    }

    async fn manifest(&mut self, name: &str, reference: &str, kind: &str, body: &str) {
        let request = self.request(Method::PUT, &format!("manifests/{reference}"));
        self.ask(name, request.header("content-type", kind).body(body.to_owned())).await;
    }

    async fn simple(&mut self, name: &str, method: Method, path: &str) {
        let request = self.request(method, path);
        self.ask(name, request).await;
    }
}

async fn uploads(side: &mut Side) {
    let unknown = digest(b"nobody has it");
    side.simple("base", Method::GET, "/v2/").await;
    side.simple("unknown blob: head", Method::HEAD, &format!("blobs/{unknown}")).await;
    side.simple("unknown blob: get", Method::GET, &format!("blobs/{unknown}")).await;
    let place = side.begin("chunks: begin").await;
    let request = side.part(Method::GET, &place, "", "");
    side.ask("chunks: status of an empty upload", request).await;
    let request = side.part(Method::PATCH, &place, "", "hello ");
    let place = side.ask("chunks: first", request).await;
    let request = side.part(Method::GET, &place, "", "");
    let place = side.ask("chunks: status", request).await;
    let request = side.part(Method::PATCH, &place, "", "wor").header("content-range", "6-8");
    let place = side.ask("chunks: second, with its range", request).await;
    let request = side.part(Method::PUT, &place, &format!("digest={}", digest(b"hello world")), "ld");
    side.ask("chunks: last with the digest", request).await;
    let request = side.part(Method::PUT, &place, &format!("digest={}", digest(b"hello world")), "");
    side.ask("chunks: put again", request).await;
    let place = side.begin("order: begin").await;
    let request = side.part(Method::PATCH, &place, "", "xyz").header("content-range", "7-9");
    side.ask("order: a chunk too far on", request).await;

    let place = side.begin("wrong digest: begin").await;
    let request = side.part(Method::PUT, &place, &format!("digest={unknown}"), "something else");
    side.ask("wrong digest: put", request).await;
    let request = side.part(Method::GET, &place, "", "");
    side.ask("wrong digest: status afterwards", request).await;
    let place = side.begin("no digest: begin").await;
    let request = side.part(Method::PUT, &place, "", "x");
    side.ask("no digest: put", request).await;
    let place = side.begin("no good digest: begin").await;
    let request = side.part(Method::PUT, &place, "digest=sha256:zz", "x");
    side.ask("no good digest: put", request).await;
    let place = side.begin("cancel: begin").await;
    let request = side.part(Method::PATCH, &place, "", "half");
    let place = side.ask("cancel: some bytes", request).await;
    let request = side.part(Method::DELETE, &place, "", "");
    side.ask("cancel", request).await;
    for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
        let request = side.part(method.clone(), &place, &format!("digest={unknown}"), "");
        side.ask(&format!("cancelled upload: {method}"), request).await;
    }
    let sum = digest(b"all at once");
    let request = side.request(Method::POST, &format!("blobs/uploads/?digest={sum}"));
    side.ask("in one request", request.header("content-type", "application/octet-stream").body("all at once")).await;
    let sum = side.blob("mounted").await;
    let from = side.repository.clone();
    side.simple("mount: a blob that is here", Method::POST, &format!("blobs/uploads/?mount={sum}&from={from}")).await;
    side.simple("mount: no such blob", Method::POST, &format!("blobs/uploads/?mount={unknown}&from={from}")).await;
    side.simple("mount: no digest", Method::POST, &format!("blobs/uploads/?mount=zz&from={from}")).await;
    side.simple("uploads: get without one", Method::GET, "blobs/uploads/").await;
    side.simple("uploads: no such id", Method::GET, "blobs/uploads/5e1f2a9c-52d4-4c0a-9e77-a41d0c2b9f15").await;
    side.simple("uploads: no id at all", Method::GET, "blobs/uploads/nothing").await;
}

async fn blobs(side: &mut Side) {
    let sum = side.blob("0123456789").await;
    let path = format!("blobs/{sum}");
    side.simple("blob: head", Method::HEAD, &path).await;
    side.simple("blob: get", Method::GET, &path).await;
    for range in [
        "bytes=2-5",
        "bytes=7-",
        "bytes=-3",
        "bytes=4-99",
        "bytes=10-",
        "bytes=99-100",
        "bytes=5-4",
        "lines=1-2",
        "bytes=-0",
    ] {
        let request = side.request(Method::GET, &path).header("range", range);
        side.ask(&format!("blob: {range}"), request).await;
    }
    let request = side.request(Method::HEAD, &path).header("range", "bytes=2-5");
    side.ask("blob: head of a range", request).await;
    let request = side.request(Method::GET, &path).header("if-none-match", format!("\"{sum}\""));
    side.ask("blob: get what one has", request).await;
    side.simple("blob: no digest", Method::GET, "blobs/nothing").await;
    side.simple("blob: put", Method::PUT, &path).await;
    let gone = side.blob("to be deleted").await;
    side.simple("blob: delete", Method::DELETE, &format!("blobs/{gone}")).await;
    side.simple("blob: delete nobody's", Method::DELETE, &format!("blobs/{}", digest(b"nobody has it"))).await;
}

fn described(content: &str, kind: &str) -> Value {
    json!({ "mediaType": kind, "digest": digest(content.as_bytes()), "size": content.len() })
}

fn image(kind: &str, layers: &[Value]) -> String {
    let config = described("{}", "application/vnd.oci.image.config.v1+json");
    json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers }).to_string()
}

async fn manifests(side: &mut Side) {
    let (tag, unknown) = (side.tag.clone(), digest(b"nobody has it"));
    let layer_kind = "application/vnd.oci.image.layer.v1.tar";
    side.blob("{}").await;
    side.blob("a layer").await;
    let (layer, missing) = (described("a layer", layer_kind), described("a missing layer", layer_kind));
    side.simple("tags: none yet", Method::GET, "tags/list").await;
    side.simple("manifest: unknown tag", Method::GET, &format!("manifests/{tag}")).await;
    side.simple("manifest: head of an unknown tag", Method::HEAD, &format!("manifests/{tag}")).await;
    side.simple("manifest: unknown digest", Method::GET, &format!("manifests/{unknown}")).await;
    side.manifest("manifest: a layer is missing", &tag, IMAGE, &image(IMAGE, &[missing])).await;
    let mut lies = layer.clone();
    lies["size"] = json!(9999);
    side.manifest("manifest: a wrong size", &tag, IMAGE, &image(IMAGE, &[lies])).await;
    side.manifest("manifest: not JSON", &tag, IMAGE, "{").await;
    side.manifest("manifest: nothing", &tag, IMAGE, "").await;
    side.manifest("manifest: another kind inside", &tag, IMAGE, &image(DOCKER_IMAGE, &[])).await;
    side.manifest("manifest: no known kind", &tag, "text/plain", &image(IMAGE, &[])).await;
    let good = image(IMAGE, std::slice::from_ref(&layer));
    let sum = digest(good.as_bytes());
    side.manifest("manifest: another digest", &unknown, IMAGE, &good).await;
    side.manifest("manifest: by digest", &sum, IMAGE, &good).await;
    side.manifest("manifest: by tag", &tag, IMAGE, &good).await;
    side.manifest("manifest: the same again", &tag, IMAGE, &good).await;
    for (name, reference) in [("tag", &tag), ("digest", &sum)] {
        for method in [Method::HEAD, Method::GET] {
            let request = side.request(method.clone(), &format!("manifests/{reference}"));
            side.ask(&format!("manifest: {method} by {name}"), request.header("accept", IMAGE)).await;
        }
    }
    let request = side
        .request(Method::GET, &format!("manifests/{tag}"))
        .header("accept", IMAGE)
        .header("if-none-match", format!("\"{sum}\""));
    side.ask("manifest: get what one has", request).await;
    side.simple("manifest: no kind accepted", Method::GET, &format!("manifests/{tag}")).await;
    let docker = image(DOCKER_IMAGE, &[layer]);
    side.manifest("manifest: docker's kind", &tag, DOCKER_IMAGE, &docker).await;
    let request = side.request(Method::GET, &format!("manifests/{tag}")).header("accept", DOCKER_IMAGE);
    side.ask("manifest: get docker's kind", request).await;
    let child = |digest: &str, size: usize| json!({ "mediaType": IMAGE, "digest": digest, "size": size, "platform": { "os": "linux", "architecture": "amd64" } });
    let index = |child: Value| json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] }).to_string();
    side.manifest("index: a child is missing", &tag, INDEX, &index(child(&unknown, 5))).await;
    let whole = index(child(&sum, good.len()));
    side.manifest("index: put", &tag, INDEX, &whole).await;
    let request = side.request(Method::GET, &format!("manifests/{tag}")).header("accept", format!("{INDEX}, {IMAGE}"));
    side.ask("index: get", request).await;
    side.simple("tags: one", Method::GET, "tags/list").await;
    side.simple("tags: a page", Method::GET, "tags/list?n=5").await;
    side.simple("tags: a page of one", Method::GET, "tags/list?n=1").await;
    side.simple("tags: after the last", Method::GET, &format!("tags/list?n=5&last={tag}")).await;
    side.simple("tags: post", Method::POST, "tags/list").await;
    side.simple("manifest: post", Method::POST, &format!("manifests/{tag}")).await;
    side.simple("manifest: no good tag", Method::GET, "manifests/-nothing").await;
    side.simple("manifest: no good digest", Method::GET, "manifests/sha256:zz").await;
    side.simple("manifest: delete by digest", Method::DELETE, &format!("manifests/{sum}")).await;
    side.simple("manifest: deleted", Method::GET, &format!("manifests/{sum}")).await;
    side.simple("manifest: delete again", Method::DELETE, &format!("manifests/{sum}")).await;
    let whole = digest(whole.as_bytes());
    side.simple("manifest: delete what the tag points to", Method::DELETE, &format!("manifests/{whole}")).await;
    side.simple("manifest: the tag is gone too", Method::HEAD, &format!("manifests/{tag}")).await;
    side.simple("manifest: delete by tag", Method::DELETE, &format!("manifests/{tag}")).await;
    side.simple("catalogue", Method::GET, "/v2/_catalog").await;
    side.simple("nothing of the kind", Method::GET, "/v2/nothing/of/the/kind").await;
}

async fn seen(base: &str, person: &Person, token: &Value) -> Vec<(String, Seen)> {
    let part = |key: &str| text(&token[key]);
    let mut side = Side {
        base: base.to_owned(),
        http: person.http.clone(),
        repository: part("repository"),
        tag: part("tag"),
        token: part("token"),
        seen: Vec::new(),
    };
    uploads(&mut side).await;
    blobs(&mut side).await;
    manifests(&mut side).await;
    side.seen
}

async fn the_registry_answers_as_debians_does() {
    let Some(oracle) = Oracle::start().await else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "docker-registry is not installed");
        eprintln!("SKIPPED: docker-registry is not installed (Debian: docker-registry).");
        return;
    };
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let token = mara.get(&format!("/api/v1/tenants/{id}/registry-token")).await.ok()["data"].clone();
    let (ours, theirs) = (seen(&mara.base, mara, &token).await, seen(&oracle.base, mara, &token).await);
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.iter().filter(|(_, seen)| seen.status < StatusCode::BAD_REQUEST.as_u16()).count() > 30);
    let mut different: Vec<(&str, &Seen, &Seen)> = Vec::new();
    for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        if ours != theirs && different.iter().all(|(known, ..)| known != name) {
            different.push((name, ours, theirs));
        }
    }
    for (name, ours, theirs) in different.iter().filter(|(name, ..)| DIFFERENCES.iter().all(|(known, _)| known != name))
    {
        eprintln!("{name}\n  ours:   {ours:?}\n  theirs: {theirs:?}");
    }
    let found: Vec<&str> = different.iter().map(|(name, ..)| *name).collect();
    let listed: Vec<&str> = DIFFERENCES.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, listed, "what differs, and what may differ");
}
