//! What a panic leaves behind: a report in the state directory that can be sent to whoever mends the program, without
//! secrets. Stands outside of the rooms, for whoever starts the program. Must not know who panics.

mod scrub;

use jiff::Timestamp;
use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::workspace::StateDirectory;
use crate::{contained, logging};
use scrub::Scrubber;

/// Reports that are kept, the newest.
const KEPT: usize = 10;
/// Reports that one process writes: what panics in a circle says the same every time.
const MOST: u8 = 3;
/// The longest message that is written, in bytes.
const MESSAGE: usize = 16 * 1024;
/// How the files are called, around the time.
const PREFIX: &str = "crash-";
const SUFFIX: &str = ".txt";

static WRITTEN: AtomicU8 = AtomicU8::new(0);
static NEWEST: Mutex<Option<PathBuf>> = Mutex::new(None);

/// From now on a panic of any thread writes a report below the person's state directory, after it was told as before,
/// and a line on standard error says where. One that is caught is only a line in the log.
pub fn install() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if contained::is_caught() {
            return tracing::error!(%info, "a library panicked; it was caught");
        }
        told(info);
        let Some(state) = StateDirectory::of_user() else { return };
        if WRITTEN.fetch_add(1, Ordering::SeqCst) >= MOST {
            WRITTEN.store(MOST, Ordering::SeqCst);
            return;
        }
        // Nobody is there to hear that even this failed.
        if let Ok(path) = write(state.path(), &report(info, &Scrubber::of_process()), Timestamp::now()) {
            let line = format!("A report without secrets lies in {}.", path.display());
            *NEWEST.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }));
}

/// The report that this process wrote last.
#[must_use]
pub fn newest() -> Option<PathBuf> {
    NEWEST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The newest report of a folder, also of an earlier run. Blocks on the disk.
pub(crate) fn last_report(folder: &Path) -> Option<PathBuf> {
    reports(folder).ok()?.pop().map(|name| folder.join(name))
}

/// A text as a report would have it.
pub(crate) fn without_secrets(text: &str) -> String {
    Scrubber::of_process().scrub(text)
}

/// The names of the reports of a folder, oldest first.
fn reports(folder: &Path) -> io::Result<Vec<String>> {
    let mut all: Vec<_> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
        .collect();
    // Without the end of the names these sort as the times do.
    all.sort_by(|one, other| one.trim_end_matches(SUFFIX).cmp(other.trim_end_matches(SUFFIX)));
    Ok(all)
}

fn report(info: &PanicHookInfo<'_>, scrubber: &Scrubber) -> String {
    let payload = info.payload();
    let message = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    let message = message.unwrap_or("(no words)");
    let mut end = message.len().min(MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let place = info.location().map_or_else(|| "?".to_owned(), ToString::to_string);
    let thread = std::thread::current();
    let backtrace = Backtrace::force_capture().to_string();
    let log = logging::last_lines();
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(out, "tenantry {} panicked", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(out, "time      {}", Timestamp::now());
    let _ = writeln!(out, "system    {}", system());
    let _ = writeln!(out, "terminal  {}", scrubber.scrub(&terminal()));
    let _ = writeln!(out, "thread    {}", thread.name().unwrap_or("?"));
    let _ = writeln!(out, "place     {}", scrubber.scrub_named(&place));
    let _ = writeln!(out, "\n{}\n", scrubber.scrub(&message[..end]));
    let _ = writeln!(out, "--- backtrace\n{}", scrubber.scrub_named(&backtrace));
    let _ = writeln!(out, "--- the last {} lines of the log", log.len());
    out.push_str(&scrubber.scrub(&log.join("\n")));
    out.push('\n');
    out
}

fn system() -> String {
    let name = rustix::system::uname();
    let word = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    format!("{} {} {}", word(name.sysname()), word(name.release()), word(name.machine()))
}

fn terminal() -> String {
    let names = ["TERM", "TERM_PROGRAM", "COLORTERM", "LANG"];
    let mut out: Vec<_> =
        names.into_iter().filter_map(|name| Some(format!("{name}={}", std::env::var(name).ok()?))).collect();
    if let Ok((columns, rows)) = crossterm::terminal::size() {
        out.push(format!("{columns}x{rows}"));
    }
    for (name, shown) in [("TMUX", "tmux"), ("STY", "screen"), ("SSH_CONNECTION", "ssh")] {
        if std::env::var_os(name).is_some() {
            out.push(shown.to_owned());
        }
    }
    crate::model::text::line(&out.join(" "))
}

/// Writes the report for its owner alone, and removes the oldest that are too many.
fn write(folder: &Path, report: &str, now: Timestamp) -> io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut number = 1;
    let path = loop {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{PREFIX}{time}{more}{SUFFIX}"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(report.as_bytes())?;
                break path;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => number += 1,
            Err(error) => return Err(error),
        }
    };
    for old in reports(folder)?.iter().rev().skip(KEPT) {
        let _ = fs::remove_file(folder.join(old));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Set for the child alone: this very program, run again.
    const CHILD: &str = "TENANTRY_TEST_PANIC";
    const TOKENS: [&str; 4] = ["t0p-s3cret-log", "AbCd1234EfGh5678IjKl", "plainly-secret", "s3cret/p@ss"];

    #[test]
    fn a_report_tells_everything_but_secrets() {
        if let Some(folder) = std::env::var_os(CHILD) {
            let log = logging::to_folder(Path::new(&folder));
            install();
            for number in 0..300 {
                tracing::info!(number, "a line");
            }
            tracing::warn!("the server said api_token={} twice", TOKENS[0]);
            let panics = || panic!("on purpose: {} of postgres://mara:{}@db/x and {}", TOKENS[1], TOKENS[3], TOKENS[2]);
            for _ in 0..5 {
                let thread = std::thread::Builder::new().name("worker".to_owned()).spawn(panics).expect("started");
                assert!(thread.join().is_err());
            }
            drop(log);
            std::process::exit(0);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let output = std::process::Command::new(std::env::current_exe().expect("a path"))
            .args(["crash::tests::a_report_tells_everything_but_secrets", "--exact", "--nocapture"])
            .env(CHILD, folder.path())
            .env(crate::workspace::state::VARIABLE, folder.path())
            .env("SOME_API_TOKEN", TOKENS[2])
            .env("TERM", "xterm-256color")
            .env_remove("TENANTRY_LOG")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.matches("A report without secrets lies in").count(), usize::from(MOST), "{said}");
        let reports: Vec<_> = fs::read_dir(folder.path())
            .expect("readable")
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
            .collect();
        assert_eq!(reports.len(), usize::from(MOST));
        for path in reports {
            let report = fs::read_to_string(&path).expect("a report");
            for token in TOKENS {
                assert!(!report.contains(token), "{token} in\n{report}");
            }
            let told =
                ["on purpose: ", "worker", "TERM=xterm-256color", "src/crash.rs", "the last 200 lines", "number=298"];
            for told in told {
                assert!(report.contains(told), "{told} is not in\n{report}");
            }
            assert!(!report.contains("number=99 ") && report.contains("the server said api_token="), "{report}");
        }
    }

    #[test]
    fn the_newest_ten_are_kept_and_only_their_owner_reads_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("state");
        let at = |second: i64| Timestamp::from_second(1_795_176_000 + second).expect("a time");
        let paths: Vec<_> = (0..13).map(|second| write(&folder, "report", at(second / 2)).expect("written")).collect();
        let mode = fs::metadata(&paths[12]).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let there: Vec<_> = paths.iter().map(|path| path.exists()).collect();
        assert_eq!(there, [&[false; 3][..], &[true; 10]].concat());
        assert!(paths[1].ends_with("crash-20261120T120000Z-2.txt"), "{}", paths[1].display());
    }
}
