//! What somebody wants to know who looks for the reason why something does not work: versions, whether API and engine
//! answer, where the files are, and what the program noted last. Nothing here is secret: it is made to be shown to others.

use std::path::Path;
use std::time::Duration;

use super::Session;
use crate::model::{Problem, text};
use crate::{crash, logging, settings};

/// Lines of the program's log that are told.
const LINES: usize = 100;

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostics {
    /// This program's version and what it was built for, `0.1.0 · linux/x86_64`.
    pub program: String,
    /// The Management API's address.
    pub api: String,
    /// How long it took to answer.
    pub api_answer: Result<Duration, Problem>,
    /// The Docker Engine, or why there is none.
    pub engine: Result<EngineFacts, Problem>,
    /// The project's folder.
    pub project: String,
    /// The configuration's file, whether it is there or not; `None` where there is no place for it.
    pub configuration: Option<String>,
    /// The folder of what the program remembers, its log among it; `None` where there is no place for it.
    pub state: Option<String>,
    /// The newest report of a crash; `None` where there is none.
    pub crash: Option<String>,
    /// The newest lines of the program's log, oldest first; each one harmless line without what looks like a secret.
    pub log: Vec<String>,
}

/// What is known of an engine that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// `Docker Engine 20.10.24 · API 1.41 · linux/amd64`.
    pub words: String,
    /// Where it listens, `unix:///var/run/docker.sock`.
    pub host: String,
    /// Why it is this engine and no other.
    pub reason: String,
}

/// Asks API and engine at the same time. What does not answer is a part of the answer.
pub async fn gather(session: &Session) -> Diagnostics {
    let state = session.state().map(|directory| directory.path().to_owned());
    let folder = state.clone();
    let here = tokio::task::spawn_blocking(move || {
        let report = folder.as_deref().and_then(crash::last_report);
        (settings::place(), report, newest(&crash::without_secrets(&logging::last_lines().join("\n"))))
    });
    let (api_answer, engine, here) = tokio::join!(session.client().ping(), engine(session), here);
    let (configuration, crash, log) = here.unwrap_or_default();
    Diagnostics {
        program: format!("{} · {}/{}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH),
        api: text::line(&session.client().base().to_string()),
        api_answer: api_answer.map_err(|error| error.problem()),
        engine,
        project: shown(&session.project().directory()),
        configuration: configuration.as_deref().map(shown),
        state: state.as_deref().map(shown),
        crash: crash.as_deref().map(shown),
        log,
    }
}

async fn engine(session: &Session) -> Result<EngineFacts, Problem> {
    let engine = session.engine().await?;
    let info = engine.ping().await.map_err(|error| error.problem())?;
    Ok(EngineFacts {
        words: format!("{} {} · API {} · {}", info.name, info.version, info.api_version, info.platform),
        host: text::line(&engine.host()),
        reason: engine.reason().to_owned(),
    })
}

fn newest(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().collect();
    let skip = lines.len().saturating_sub(LINES);
    lines.into_iter().skip(skip).map(text::line).collect()
}

fn shown(path: &Path) -> String {
    text::line(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_told_and_none_reaches_the_terminal_raw() {
        let lines = (0..LINES + 5).map(|number| format!("line {number}\u{1b}[2J"));
        let told = newest(&lines.collect::<Vec<_>>().join("\n"));
        assert_eq!(told.len(), LINES);
        assert!(told[0].starts_with("line 5") && told[LINES - 1].starts_with("line 104"));
        assert!(told.iter().all(|line| !line.contains('\u{1b}')));
    }
}
