//! Where `tracing` writes: never onto the screen. Stands outside of the rooms, for whoever starts
//! the program, and for whoever wants to know what it noted.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError, TryLockError};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

use crate::workspace::StateDirectory;

/// Lines that are remembered for the report of a crash, and the bytes of one.
const LINES: usize = 200;
/// Lines that wait for the disk; what comes beyond is not written.
const WAITING: usize = 8192;
const LINE: usize = 2048;

static LAST: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The newest lines, oldest first. None where the thread that asks is just writing one.
pub(crate) fn last_lines() -> Vec<String> {
    match LAST.try_lock() {
        Ok(lines) => lines.iter().cloned().collect(),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().iter().cloned().collect(),
        Err(TryLockError::WouldBlock) => Vec::new(),
    }
}

/// Remembers what is written to it: the file's own writer may still hold the last lines when the program crashes.
struct Memory;

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if last.len() == LINES {
                last.pop_front();
            }
            last.push_back(String::from_utf8_lossy(&line[..line.len().min(LINE)]).into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn filter() -> EnvFilter {
    EnvFilter::try_from_env("TENANTRY_LOG").unwrap_or_else(|_| EnvFilter::new("tenantry=info"))
}

/// Into a file of the day below the state directory; without such a directory the log is off. The guard
/// writes what is left when it is dropped.
pub(crate) fn to_state_directory() -> Option<WorkerGuard> {
    to_folder(StateDirectory::of_user()?.path())
}

/// Into a file of the day in `folder`.
pub(crate) fn to_folder(folder: &std::path::Path) -> Option<WorkerGuard> {
    std::fs::create_dir_all(folder).ok()?;
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("tenantry")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder)
        .ok()?;
    // Its room is made at once, and the first picture waits for that.
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(WAITING).finish(file);
    tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_writer(writer.and(|| Memory))
        .with_ansi(false)
        .try_init()
        .ok()?;
    Some(guard)
}

/// Onto standard error: for the server, which has no screen.
pub(crate) fn to_standard_error() {
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr).with_ansi(false).try_init();
}
