//! `tenantry serve` as a process of its own, throw-away, for tests that work against a real Management API.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tenantry::model::Secret;

/// A running server; dropping it removes everything it made.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
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
        Self::start_with(&[])
    }

    /// Starts one in another environment.
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ready_file = folder.path().join("ready.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["serve", "--listen", "127.0.0.1:0", "--throw-away", "--until-input-closes", "--data"])
            .arg(folder.path().join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).expect("a log"))
            .spawn()
            .expect("the server starts");
        let ready = wait_for_file(&ready_file, &mut child, folder.path());
        Self { child, folder, api_url: ready.api_url, registry: ready.registry, token: ready.token }
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
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
