//! `tenantry serve` as a process of its own, throw-away, for tests that work against a real Management API.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tenantry::model::Secret;
use tenantry::server::MAY_BE_REMOVED;

/// A running server; dropping it removes everything it made.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// Its address.
    pub api_url: String,
    /// Host and port of its registry.
    pub registry: String,
    /// The first sandbox user's token.
    pub token: Secret,
}

#[derive(serde::Deserialize)]
struct Ready {
    api_url: String,
    registry: String,
    token: Secret,
}

impl Server {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// Starts one with more arguments, in another environment.
    pub fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        // So that it may be started again on what it left.
        std::fs::create_dir(&data).expect("the data directory");
        std::fs::write(data.join(MAY_BE_REMOVED), "").expect("its mark");
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let environment: Vec<(String, String)> =
            environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut child = spawn(folder.path(), "127.0.0.1:0", &arguments, &environment);
        let ready = wait_for_file(&folder.path().join("ready.json"), &mut child, folder.path());
        let Ready { api_url, registry, token } = ready;
        Self { child, folder, arguments, environment, api_url, registry, token }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would, and starts it again at the same address on what it left. Its tenants' ports are
    /// taken by whoever comes first meanwhile: give it a range of its own (`--ports`).
    pub fn restart(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be waited for");
        let ready_file = self.folder.path().join("ready.json");
        std::fs::remove_file(&ready_file).expect("the ready file is still there");
        self.child = spawn(self.folder.path(), &self.registry, &self.arguments, &self.environment);
        let ready = wait_for_file(&ready_file, &mut self.child, self.folder.path());
        assert_eq!(ready.api_url, self.api_url);
    }

    /// Where its registry keeps uploads that are not finished.
    pub fn uploads(&self) -> std::path::PathBuf {
        self.folder.path().join("data/registry/uploads")
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps everything.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks for failures on demand; needs `--faults`.
    pub fn faults(&self) -> Faults {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Faults { http, url: format!("{}/_faults", self.api_url), token: self.token.clone() }
    }
}

/// Failures of a server that was started with `--faults`. Cheap to clone.
#[derive(Clone)]
pub struct Faults {
    http: reqwest::Client,
    url: String,
    token: Secret,
}

impl Faults {
    fn call(&self, method: reqwest::Method) -> reqwest::RequestBuilder {
        self.http.request(method, &self.url).bearer_auth(self.token.reveal())
    }

    /// Arms one: `{"fault": "answer", "path": "/api/*/...", "status": 500, "times": 2}`, or `lose`, `delay`, `cut`, `revoke`.
    pub async fn arm(&self, fault: serde_json::Value) {
        let answer = self.call(reqwest::Method::POST).json(&fault).send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "{fault}");
    }

    /// How often all that is armed has struck.
    pub async fn struck(&self) -> u64 {
        let answer = self.call(reqwest::Method::GET).send().await.expect("an answer");
        let armed: serde_json::Value = answer.json().await.expect("JSON");
        armed["data"].as_array().expect("a list").iter().filter_map(|fault| fault["struck"].as_u64()).sum()
    }

    /// Waits until something struck.
    pub async fn wait(&self) {
        let struck = async {
            while self.struck().await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), struck).await.expect("the fault strikes");
    }

    /// Ends all.
    pub async fn disarm(&self) {
        let answer = self.call(reqwest::Method::DELETE).send().await.expect("an answer");
        assert_eq!(answer.status(), 204);
    }
}

fn spawn(folder: &Path, listen: &str, arguments: &[String], environment: &[(String, String)]) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).expect("a log");
    Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .args(["serve", "--listen", listen, "--throw-away", "--until-input-closes", "--data"])
        .arg(folder.join("data"))
        .arg("--ready-file")
        .arg(folder.join("ready.json"))
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the server starts")
}

fn wait_for_file(path: &Path, child: &mut Child, folder: &Path) -> Ready {
    let begun = Instant::now();
    loop {
        if let Ok(json) = std::fs::read(path) {
            return serde_json::from_slice(&json).expect("the ready file is whole");
        }
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(child.try_wait().expect("it can be asked").is_none(), "the server ended: {}", log());
        assert!(begun.elapsed() < Duration::from_mins(1), "the server does not answer: {}", log());
        std::thread::yield_now();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
