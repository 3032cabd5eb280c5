//! The demo's Management API: the same program, in a process of its own.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

use crate::model::{Problem, Secret};
use crate::server::MAY_BE_REMOVED;

/// Where the server says that it answers, below its folder.
const READY_FILE: &str = "ready.json";
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
    folder: PathBuf,
    log: PathBuf,
}

impl ServerProcess {
    /// Starts it with `folder` for its data, and waits until it answers.
    pub(super) async fn start(folder: &Path) -> Result<Self, Problem> {
        let ready_file = folder.join(READY_FILE);
        let marker = folder.join(MAY_BE_REMOVED);
        let log = folder.join("server.log");
        std::fs::write(marker, "").map_err(|error| not_started(&error.to_string(), &log))?;
        let (child, input) =
            spawn(folder, "127.0.0.1:0", &log).map_err(|error| not_started(&error.to_string(), &log))?;
        let mut server = Starting { child, log };
        let until = Instant::now() + START_LIMIT;
        loop {
            if let Ok(json) = tokio::fs::read(&ready_file).await {
                let ready =
                    serde_json::from_slice(&json).map_err(|error| not_started(&error.to_string(), &server.log))?;
                return Ok(Self { ready, child: server.child, input, folder: folder.to_owned(), log: server.log });
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

    /// Waits until it ends by itself, which it never should; says how.
    pub(super) async fn crashed(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("It ended with {status}. {}", last_lines(&self.log)),
            Err(error) => error.to_string(),
        }
    }

    /// Lets it remove what it made, and waits for its end. Where it crashed before, another one in its place, with
    /// its files and its address, knows what it made and removes it.
    pub(super) async fn stop(mut self) -> Result<(), Problem> {
        drop(self.input.take());
        let status = wait(&mut self.child).await?;
        if status.success() {
            return Ok(());
        }
        tracing::warn!(%status, "the server did not end well; another one removes what it made");
        let (mut child, input) = spawn(&self.folder, &self.ready.registry, &self.log)
            .map_err(|error| not_removed(&format!("the server ended with {status}, and again: {error}")))?;
        drop(input);
        let again = wait(&mut child).await?;
        if again.success() {
            return Ok(());
        }
        Err(not_removed(&format!("the server ended with {status}. {}", last_lines(&self.log))))
    }
}

async fn wait(child: &mut Child) -> Result<ExitStatus, Problem> {
    match tokio::time::timeout(STOP_LIMIT, child.wait()).await {
        Ok(ended) => ended.map_err(|error| not_removed(&error.to_string())),
        Err(_) => Err(not_removed("the server is still at it")),
    }
}

struct Starting {
    child: Child,
    log: PathBuf,
}

fn spawn(folder: &Path, listen: &str, log: &Path) -> std::io::Result<(Child, Option<ChildStdin>)> {
    let program = std::env::current_exe()?;
    let mut child = Command::new(program)
        .args(["serve", "--throw-away", "--until-input-closes", "--step-delay", STEP_DELAY_MS])
        .args(["--listen", listen])
        .arg("--data")
        .arg(folder)
        .arg("--ready-file")
        .arg(folder.join(READY_FILE))
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
