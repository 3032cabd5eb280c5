//! One deploy of a tenant at a time on this machine: a file lock that says who holds it.
//!
//! The lock is the system's, on an open file: it ends with the program that holds it, also where that one is killed.
//! The text in the file only says who that is, and means nothing while the lock is free. The empty file stays: to
//! remove a file that another program may be about to lock would give two of them a lock each.
//!
//! Must not know what is done under the lock.

use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use super::state::open_to_lock;
use super::{StateDirectory, WorkspaceError};
use crate::model::{TenantId, text};

/// Where the locks are, below the state directory.
const FOLDER: &str = "locks";
/// The most that is read of what an owner says, bytes.
const LIMIT: u64 = 4096;
/// How often, and with which pause between, the owner's text is read: it is written a moment after the lock is taken.
const READINGS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(10);

/// Who holds a lock. All text is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The process.
    pub pid: u32,
    /// The machine's name.
    #[serde(deserialize_with = "text::harmless")]
    pub host: String,
    /// The user's name.
    #[serde(deserialize_with = "text::harmless")]
    pub user: String,
    /// Since when, RFC 3339 in UTC.
    #[serde(deserialize_with = "text::harmless")]
    pub since: String,
    /// What it does, `deploy of orchard`.
    #[serde(deserialize_with = "text::harmless")]
    pub what: String,
}

impl LockOwner {
    /// This process, which begins `what` now.
    #[must_use]
    pub fn this_process(what: impl AsRef<str>) -> Self {
        let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let system = rustix::system::uname();
        Self {
            pid: std::process::id(),
            host: text::short(&system.nodename().to_string_lossy(), 100),
            user: text::short(user.as_deref().unwrap_or("unknown user"), 100),
            since: format!("{:.0}", jiff::Timestamp::now()),
            what: text::short(what.as_ref(), 200),
        }
    }

    /// For how long it has held the lock; `None` where the clock was set back, or the text is no time.
    fn age(&self) -> Option<Duration> {
        let since: jiff::Timestamp = self.since.parse().ok()?;
        jiff::Timestamp::now().duration_since(since).try_into().ok()
    }

    /// `mara began it 3 min ago: process 4711 on orchard-laptop.`
    pub(super) fn sentence(&self, age: Option<Duration>) -> String {
        let when = match age.map(|age| age.as_secs()) {
            Some(seconds @ 0..=99) => format!("{seconds} s ago"),
            Some(seconds @ 100..=5_999) => format!("{} min ago", seconds / 60),
            Some(seconds) => format!("{} h ago", seconds / 3600),
            None => format!("at {}", self.since),
        };
        format!("{} began it {when}: process {} on {}.", self.user, self.pid, self.host)
    }
}

/// The lock of one tenant, held until it is dropped.
#[derive(Debug)]
pub struct DeployLock {
    file: File,
}

impl DeployLock {
    /// Takes the lock of `tenant` for `owner`, or says at once who has it.
    ///
    /// # Errors
    /// [`WorkspaceError::DeployLocked`] where another holds it. Every other error means that there can be no lock here (a
    /// directory that cannot be written, a file system without locks), which is no reason not to deploy.
    pub fn acquire(state: &StateDirectory, tenant: &TenantId, owner: &LockOwner) -> Result<Self, WorkspaceError> {
        let path = state.folder(FOLDER)?.join(format!("{tenant}.lock"));
        let mut file = open_to_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let other = holder(&mut file);
                let age = other.as_ref().and_then(LockOwner::age);
                let what = owner.what.clone();
                return Err(WorkspaceError::DeployLocked { what, owner: other.map(Box::new), age });
            }
            Err(TryLockError::Error(cause)) => return Err(WorkspaceError::Write { path, cause }),
        }
        let lock = Self { file };
        // The lock holds without it; whoever meets it is then only told less.
        if let Err(error) = lock.say(owner) {
            tracing::warn!(%error, "a lock does not say whose it is");
        }
        Ok(lock)
    }

    fn say(&self, owner: &LockOwner) -> io::Result<()> {
        self.file.set_len(0)?;
        let mut file = &self.file;
        file.write_all(&serde_json::to_vec(owner)?)
    }
}

impl Drop for DeployLock {
    fn drop(&mut self) {
        // Said explicitly: a program that was started at this moment may still have a copy of the handle.
        let freed = self.file.set_len(0).and_then(|()| self.file.unlock());
        if let Err(error) = freed {
            tracing::warn!(%error, "a lock goes only with the program");
        }
    }
}

/// What the holder of a lock says about itself.
fn holder(file: &mut File) -> Option<LockOwner> {
    for reading in 0..READINGS {
        if reading > 0 {
            std::thread::sleep(PAUSE);
        }
        let mut said = Vec::new();
        file.seek(SeekFrom::Start(0)).ok()?;
        file.take(LIMIT).read_to_end(&mut said).ok()?;
        if let Ok(owner) = serde_json::from_slice(&said) {
            return Some(owner);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The variable that makes the test below hold a lock for another test.
    const HELPER: &str = "TENANTRY_TEST_LOCK";

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).expect("an id")
    }

    fn place() -> (tempfile::TempDir, StateDirectory) {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateDirectory::at(folder.path().join("not/made/yet"));
        (folder, state)
    }

    fn acquire(state: &StateDirectory) -> Result<DeployLock, WorkspaceError> {
        DeployLock::acquire(state, &tenant("t"), &LockOwner::this_process("deploy of orchard"))
    }

    /// Not a test by itself: the other process of the test below.
    #[test]
    #[allow(clippy::print_stdout, reason = "how the two talk")]
    fn holds_the_lock_in_another_process() {
        let Some(root) = std::env::var_os(HELPER) else { return };
        let _lock = acquire(&StateDirectory::at(root)).expect("the lock is free");
        println!("locked");
        let _ = std::io::stdin().read(&mut [0]);
    }

    #[test]
    fn another_process_is_named_and_its_lock_dies_with_it() {
        let (_folder, state) = place();
        let mut other = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "workspace::deploy_lock::tests::holds_the_lock_in_another_process", "--nocapture"])
            .env(HELPER, state.path())
            .env("USER", "ma\u{1b}[31mra")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut said = std::io::BufReader::new(other.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.ends_with("locked\n") {
            assert_ne!(std::io::BufRead::read_line(&mut said, &mut line).expect("readable"), 0, "{line}");
        }
        let error = acquire(&state).expect_err("it is held");
        let WorkspaceError::DeployLocked { owner: Some(owner), age: Some(_), .. } = &error else { panic!("{error:?}") };
        assert_eq!((owner.pid, owner.user.as_str()), (other.id(), "mara"));
        let problem = error.problem();
        assert_eq!(problem.title, "Another deploy of orchard is running.");
        let detail = problem.detail.expect("who");
        assert!(detail.starts_with("mara began it ") && detail.contains(&other.id().to_string()), "{detail}");
        // Killed: it can clean nothing up, and its words stay in the file.
        other.kill().expect("killed");
        other.wait().expect("ended");
        let file = state.path().join("locks/t.lock");
        assert!(std::fs::read_to_string(&file).expect("there").contains("mara"));
        drop(acquire(&state).expect("free again"));
        assert_eq!(std::fs::read(&file).expect("there"), b"", "nobody is named");
    }

    #[test]
    fn of_many_threads_one_has_it_and_tenants_do_not_meet() {
        let (_folder, state) = place();
        let (begin, tried, held) = (Barrier::new(8), Barrier::new(8), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    begin.wait();
                    let lock = acquire(&state);
                    held.fetch_add(u32::from(lock.is_ok()), Ordering::Relaxed);
                    tried.wait();
                });
            }
        });
        assert_eq!(held.into_inner(), 1);
        let _one = acquire(&state).expect("free again");
        let owner = LockOwner::this_process("deploy of meadow");
        DeployLock::acquire(&state, &tenant("other"), &owner).expect("another tenant");
    }

    #[test]
    #[cfg(unix)]
    fn the_lock_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, state) = place();
        let _lock = acquire(&state).expect("free");
        let mode = |path: &str| std::fs::metadata(state.path().join(path)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("locks"), mode("locks/t.lock")), (0o700, 0o600));
    }

    #[test]
    fn where_there_can_be_no_lock_the_error_is_another_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let error = acquire(&StateDirectory::at(&file)).expect_err("no directory");
        assert!(matches!(error, WorkspaceError::Write { .. }), "{error:?}");
    }

    #[test]
    fn an_owner_that_nobody_can_read_is_none() {
        let (_folder, state) = place();
        let lock = acquire(&state).expect("free");
        for said in ["", "{", "\u{0}\u{0}", r#"{"pid": -1}"#] {
            std::fs::write(state.path().join("locks/t.lock"), said).expect("written");
            let error = acquire(&state).expect_err("held");
            assert!(matches!(error, WorkspaceError::DeployLocked { owner: None, age: None, .. }), "{error:?}");
            assert!(error.problem().detail.is_some());
        }
        drop(lock);
    }

    #[test]
    fn ages_are_told_in_one_unit_and_a_clock_set_back_in_none() {
        let mut owner = LockOwner::this_process("deploy of orchard");
        for (seconds, words) in [(0, "0 s ago"), (99, "99 s ago"), (100, "1 min ago"), (7_300, "2 h ago")] {
            let sentence = owner.sentence(Some(Duration::from_secs(seconds)));
            assert!(sentence.contains(words), "{sentence}");
        }
        owner.since = "2999-01-01T00:00:00Z".into();
        assert_eq!(owner.age(), None);
        assert!(owner.sentence(None).contains("began it at 2999"));
    }
}
