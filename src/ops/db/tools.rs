//! The programs of Postgres on this machine: which there are, which versions, and what they say of mistakes.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::model::{Problem, text};

/// Where they are beside the search path: Debian keeps one folder for each version, Homebrew links none of them.
const DEBIAN: &str = "/usr/lib/postgresql";
const HOMEBREW: [&str; 2] = ["/opt/homebrew/opt/libpq/bin", "/usr/local/opt/libpq/bin"];
/// How long one may take to say its version.
const LIMIT: Duration = Duration::from_secs(10);
/// The most that is kept of what one says, bytes.
const SAID: usize = 256 * 1024;
/// The most lines of it that are shown, and the longest of them.
const LINES: usize = 50;
const LINE: usize = 300;

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    /// Where it is.
    pub path: PathBuf,
    /// `pg_dump 15.18`
    pub words: String,
    /// The number before the first dot.
    pub major: u32,
}

/// The program `name`: the first of at least this version, else the newest that there is.
pub(super) async fn find(name: &str, at_least: u32) -> Option<Tool> {
    let name = name.to_owned();
    let wanted = name.clone();
    let paths = tokio::task::spawn_blocking(move || places(&wanted)).await.unwrap_or_default();
    let mut newest: Option<Tool> = None;
    for path in paths {
        let Some(tool) = ask(&name, path).await else { continue };
        if tool.major >= at_least {
            return Some(tool);
        }
        if newest.as_ref().is_none_or(|known| known.major < tool.major) {
            newest = Some(tool);
        }
    }
    newest
}

fn places(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let debian = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    folders.extend(debian.chain(HOMEBREW.iter().map(PathBuf::from)));
    let mut found: Vec<PathBuf> = folders.into_iter().map(|folder| folder.join(name)).collect();
    found.retain(|path| path.is_file());
    found
}

async fn ask(name: &str, path: PathBuf) -> Option<Tool> {
    let mut command = Command::new(&path);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.ok()?.ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let version = version_in(&said)?;
    Some(Tool { path, words: format!("{name} {version}"), major: major(version)? })
}

/// `15.18` of `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version_in(said: &str) -> Option<&str> {
    let version = said.split(") ").nth(1)?.split_whitespace().next()?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
}

/// The number before the first dot.
pub(super) fn major(version: &str) -> Option<u32> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// There is none, or only one that is too old for the server.
pub(super) fn missing(name: &str, found: Option<&Tool>, server: &str) -> Problem {
    let number = major(server).map(|number| number.to_string()).unwrap_or_default();
    match found {
        Some(tool) => Problem::new(format!("{} is too old for Postgres {server}.", tool.words))
            .hint(format!("Install postgresql-client-{number} (Debian, Ubuntu), or libpq with Homebrew.")),
        None => Problem::new(format!("{name} is not installed."))
            .hint("Install postgresql-client (Debian, Ubuntu), postgresql (Fedora, Arch), or libpq with Homebrew."),
    }
}

/// Runs a program to its end. Its output goes where `command` says; what it says of mistakes is given back.
pub(super) async fn run(mut command: Command, tool: &Tool) -> Result<(ExitStatus, String), Problem> {
    command.stderr(Stdio::piped());
    let failed = |error: std::io::Error| {
        Problem::new(format!("{} cannot be run.", tool.words))
            .detail(format!("{}: {error}.", text::line(&tool.path.to_string_lossy())))
            .hint("Check that it is whole and may be run.")
    };
    let mut child = command.spawn().map_err(failed)?;
    let errors = child.stderr.take();
    let read = async {
        match errors {
            Some(errors) => said(errors).await,
            None => String::new(),
        }
    };
    let (status, said) = tokio::join!(child.wait(), read);
    Ok((status.map_err(failed)?, said))
}

/// The end of what is said, with everything before it taken and thrown away.
async fn said(mut from: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut piece = [0; 8 * 1024];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        kept.extend_from_slice(piece.get(..count).unwrap_or_default());
        if kept.len() > 2 * SAID {
            kept.drain(..kept.len() - SAID);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The lines that matter of what was said: those about mistakes, else the last ones. Harmless text.
pub(super) fn lines(said: &str) -> Vec<String> {
    let all: Vec<String> = text::lines(said).map(|line| text::short(&line, LINE)).collect();
    let is_mistake = |line: &&String| {
        let line = line.to_ascii_lowercase();
        ["error", "fatal", "warning", "could not", "detail:"].iter().any(|word| line.contains(word))
    };
    let mistakes: Vec<String> = all.iter().filter(is_mistake).take(LINES).cloned().collect();
    if mistakes.is_empty() { all.into_iter().rev().take(3).rev().collect() } else { mistakes }
}

/// What a program that failed said, as a problem's detail.
pub(super) fn detail(lines: &[String]) -> String {
    match lines {
        [] => "It did not say why.".to_owned(),
        lines => text::short(&lines.iter().take(3).cloned().collect::<Vec<_>>().join(" "), 600),
    }
}

/// The folder that a file will be in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_say() {
        for (said, version) in [
            ("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some("15.18")),
            ("psql (PostgreSQL) 18.0\n", Some("18.0")),
            ("psql (PostgreSQL) 19beta1", Some("19beta1")),
            ("something else", None),
            ("", None),
        ] {
            assert_eq!(version_in(said), version, "{said}");
        }
        assert_eq!((major("15.18"), major("19beta1"), major("?")), (Some(15), Some(19), None));
    }

    #[test]
    fn a_missing_program_says_what_to_install() {
        let old = Tool { path: "/x".into(), words: "pg_dump 15.18".into(), major: 15 };
        let problem = missing("pg_dump", Some(&old), "18.1");
        assert_eq!(problem.title, "pg_dump 15.18 is too old for Postgres 18.1.");
        assert!(problem.hint.is_some_and(|hint| hint.contains("postgresql-client-18")));
        let problem = missing("pg_dump", None, "18.1");
        assert!(problem.title.contains("not installed") && problem.hint.is_some_and(|hint| hint.contains("libpq")));
    }

    #[test]
    fn of_what_is_said_the_mistakes_are_kept() {
        assert_eq!(
            lines("pg_restore: a\npg_restore: error: b\u{1b}[2J\n\nWARNING: c\n"),
            ["pg_restore: error: b", "WARNING: c"]
        );
        assert_eq!(lines("ERROR:  a\nDETAIL:  b\nHINT:  c\n"), ["ERROR:  a", "DETAIL:  b"]);
        assert_eq!(lines("a\nb\nc\nd\n"), ["b", "c", "d"]);
        assert_eq!(detail(&lines("")), "It did not say why.");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_none() {
        assert_eq!(find("tenantry-no-such-program", 0).await, None);
    }
}
