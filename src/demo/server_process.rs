//! The demo's Management API: the same program, in a process of its own.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

use crate::model::{Problem, Secret};
use crate::server::MAY_BE_REMOVED;

/// How long the server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to remove what it made; a container that ignores its signal takes 10 s.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// Pause between two looks for the ready file.
const LOOK: Duration = Duration::from_millis(10);
/// Pause between two provisioning steps: long enough to see them happen.
const STEP_DELAY_MS: &str = "150";

/// What the ready file says.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ready {
    pub(super) api_url: String,
    pub(super) registry: String,
    pub(super) token: Secret,
}

/// The running server. Its standard input is held open: when it closes, also because this program
/// crashed or was killed, the server removes everything it made and ends.
pub(super) struct ServerProcess {
    pub(super) ready: Ready,
    child: Child,
    input: Option<ChildStdin>,
    log: PathBuf,
}

impl ServerProcess {
    /// Starts it with `folder` for its data, and waits until it answers.
    pub(super) async fn start(folder: &Path) -> Result<Self, Problem> {
        let ready_file = folder.join("ready.json");
        let marker = folder.join(MAY_BE_REMOVED);
        let log = folder.join("server.log");
        std::fs::write(marker, "").map_err(|error| not_started(&error.to_string(), &log))?;
        let (child, input) = spawn(folder, &ready_file, &log).map_err(|error| not_started(&error.to_string(), &log))?;
        let mut server = Starting { child, log };
        let until = Instant::now() + START_LIMIT;
        loop {
            if let Ok(json) = tokio::fs::read(&ready_file).await {
                let ready =
                    serde_json::from_slice(&json).map_err(|error| not_started(&error.to_string(), &server.log))?;
                return Ok(Self { ready, child: server.child, input, log: server.log });
            }
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(not_started(&format!("it ended with {status}"), &server.log));
            }
            if Instant::now() >= until {
                return Err(not_started("it does not answer", &server.log));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Lets it remove what it made, and waits for its end.
    pub(super) async fn stop(mut self) -> Result<(), Problem> {
        drop(self.input.take());
        match tokio::time::timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(not_removed(&format!("the server ended with {status}. {}", last_lines(&self.log)))),
            Ok(Err(error)) => Err(not_removed(&error.to_string())),
            Err(_) => Err(not_removed("the server is still at it")),
        }
    }
}

struct Starting {
    child: Child,
    log: PathBuf,
}

fn spawn(folder: &Path, ready_file: &Path, log: &Path) -> std::io::Result<(Child, Option<ChildStdin>)> {
    let program = std::env::current_exe()?;
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--throw-away", "--until-input-closes"])
        .args(["--step-delay", STEP_DELAY_MS])
        .arg("--data")
        .arg(folder)
        .arg("--ready-file")
        .arg(ready_file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(log)?)
        // Ctrl-C in the terminal is for this program: it decides when the server has to go.
        .process_group(0)
        .spawn()?;
    let input = child.stdin.take();
    Ok((child, input))
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" · ")
}

fn not_started(what: &str, log: &Path) -> Problem {
    Problem::new("The demo's Management API did not start.")
        .detail(format!("{what}. {}", last_lines(log)))
        .hint("Try again; if it stays so, `tenantry serve --data DIR` shows what is wrong.")
}

fn not_removed(what: &str) -> Problem {
    Problem::new("The demo could not be removed completely.")
        .detail(what)
        .hint("`docker ps -a --filter label=dev.tenantry.instance` shows containers that are left.")
}
