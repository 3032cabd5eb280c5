//! The deploys of each tenant as this machine remembers them: one file per tenant, one JSON object per line, oldest
//! first. Their order is the order in which they began here, whatever the clock said.
//!
//! Several programs may write at once: each reads, changes and replaces the file under a lock beside it. A line that is
//! no JSON object (a torn write, a bad disk) is moved to `.bak` by the next writer; an object that this version cannot
//! read is a newer version's, and stays as it is.
//!
//! Must not know what a deploy is made of, or who wants to see it.

use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::state::open_to_lock;
use super::{StateDirectory, WorkspaceError, atomic, reading};
use crate::model::{DeployRecord, TenantId};

/// Where the files are, below the state directory.
const FOLDER: &str = "history";
/// Deploys kept of a tenant.
const KEPT: usize = 100;
/// The newest that succeeded are kept also when as many failed after them: somebody will want to go back to one.
const KEPT_SUCCEEDED: usize = 10;
/// How long another program may hold the file. Its own turn takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two looks whether it still does.
const PAUSE: Duration = Duration::from_millis(5);

type Object = Map<String, Value>;

impl StateDirectory {
    /// The deploys of `tenant`, the last begun first. Nothing remembered is no error, and neither is a line that
    /// cannot be read.
    pub fn records(&self, tenant: &TenantId) -> Result<Vec<DeployRecord>, WorkspaceError> {
        let path = self.path().join(FOLDER).join(file_name(tenant));
        let bytes = reading::small_file(&path)?.unwrap_or_default();
        let lines = Lines::read(&bytes);
        if !lines.damaged.is_empty() {
            tracing::warn!(path = %path.display(), lines = lines.damaged.len(), "the history has damaged lines");
        }
        let readable = lines.objects.into_iter().rev().filter_map(|object| read(object).ok());
        // On a disk that takes A for a, two tenants may share a file.
        Ok(readable.filter(|record| record.tenant_id == *tenant).collect())
    }

    /// Remembers `record`: in the place of the one with the same id, else as the newest. Safe beside other threads and
    /// programs that do the same. Fields of a newer version stay with their record.
    pub fn save_record(&self, record: &DeployRecord) -> Result<(), WorkspaceError> {
        let path = self.folder(FOLDER)?.join(file_name(&record.tenant_id));
        let _lock = lock_beside(&path)?;
        let bytes = reading::small_file(&path)?.unwrap_or_default();
        let Lines { mut objects, damaged } = Lines::read(&bytes);
        let failed = |cause| WorkspaceError::Write { path: path.clone(), cause };
        insert(&mut objects, record).map_err(|error| failed(error.into()))?;
        trim(&mut objects);
        let mut content = Vec::with_capacity(bytes.len() + 2048);
        for object in &objects {
            serde_json::to_writer(&mut content, object).map_err(|error| failed(error.into()))?;
            content.push(b'\n');
        }
        keep_aside(&path, &damaged)?;
        atomic::write(&path, &content, 0o600)
    }
}

fn file_name(tenant: &TenantId) -> String {
    format!("{tenant}.jsonl")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A file's lines, sorted into what can be kept and what cannot.
struct Lines<'a> {
    objects: Vec<Object>,
    damaged: Vec<&'a [u8]>,
}

impl<'a> Lines<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut lines = Self { objects: Vec::new(), damaged: Vec::new() };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(object) => lines.objects.push(object),
                Err(_) => lines.damaged.push(line),
            }
        }
        lines
    }
}

fn read(object: Object) -> serde_json::Result<DeployRecord> {
    serde_json::from_value(Value::Object(object))
}

fn written(record: &DeployRecord) -> serde_json::Result<Object> {
    serde_json::from_value(serde_json::to_value(record)?)
}

/// Puts `record` where its id stands, or at the end.
fn insert(objects: &mut Vec<Object>, record: &DeployRecord) -> serde_json::Result<()> {
    let mut new = written(record)?;
    let Some(place) = objects.iter_mut().find(|object| object.get("id") == new.get("id")) else {
        objects.push(new);
        return Ok(());
    };
    let old = std::mem::take(place);
    // What this version reads and writes is its own; every other field is not.
    let known = read(old.clone()).and_then(|record| written(&record)).unwrap_or_default();
    for (name, value) in old {
        if !known.contains_key(&name) {
            new.entry(name).or_insert(value);
        }
    }
    *place = new;
    Ok(())
}

/// Forgets the oldest where there are too many.
fn trim(objects: &mut Vec<Object>) {
    let too_many = objects.len().saturating_sub(KEPT);
    let succeeded = |object: &Object| object.get("outcome").is_some_and(|outcome| outcome["is"] == "succeeded");
    let worth: HashSet<usize> =
        (0..objects.len()).rev().filter(|at| succeeded(&objects[*at])).take(KEPT_SUCCEEDED).collect();
    let gone: HashSet<usize> = (0..objects.len()).filter(|at| !worth.contains(at)).take(too_many).collect();
    let mut at = 0..;
    objects.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
}

/// Waits for the lock of `path`, which is on a file of its own: one on the file itself would be lost when that is
/// replaced. A file system without locks is written to without one.
pub(super) fn lock_beside(path: &Path) -> Result<Option<File>, WorkspaceError> {
    let path = beside(path, ".lock");
    let file = open_to_lock(&path)?;
    let until = Instant::now() + PATIENCE;
    loop {
        let cause = match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => return Ok(None),
            Err(TryLockError::Error(cause)) => cause,
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(TryLockError::WouldBlock) => io::Error::new(io::ErrorKind::TimedOut, "another program holds it"),
        };
        return Err(WorkspaceError::Write { path, cause });
    }
}

/// Adds damaged lines to the file for them, before the history is written without them.
fn keep_aside(path: &Path, damaged: &[&[u8]]) -> Result<(), WorkspaceError> {
    if damaged.is_empty() {
        return Ok(());
    }
    let path = beside(path, ".bak");
    tracing::warn!(path = %path.display(), lines = damaged.len(), "damaged lines of the history are kept aside");
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut content = damaged.join(&b'\n');
    content.push(b'\n');
    let added = options.open(&path).and_then(|mut file| {
        file.write_all(&content)?;
        file.sync_all()
    });
    added.map_err(|cause| WorkspaceError::Write { path, cause })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::progress::DeployStep;
    use crate::model::{DeployEnd, StepRecord, StepResult};
    use proptest::prelude::*;

    fn tenant() -> TenantId {
        TenantId::new("ten_1").expect("an id")
    }

    fn record(id: &str) -> DeployRecord {
        DeployRecord {
            id: id.to_owned(),
            tenant_id: tenant(),
            tenant_name: "orchard".into(),
            by: Some("mara@orchard.example".into()),
            began_at: "2026-11-20T10:00:00Z".into(),
            took_ms: 0,
            image: String::new(),
            image_id: None,
            digest: None,
            git: None,
            builder: None,
            rollback_of: None,
            steps: Vec::new(),
            outcome: DeployEnd::Open,
        }
    }

    fn place() -> (tempfile::TempDir, StateDirectory, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateDirectory::at(folder.path().join("state"));
        let file = state.path().join("history/ten_1.jsonl");
        (folder, state, file)
    }

    fn ids(state: &StateDirectory) -> Vec<String> {
        state.records(&tenant()).expect("readable").into_iter().map(|record| record.id).collect()
    }

    #[test]
    fn what_is_saved_is_read_again_newest_first_and_replaced_in_its_place() {
        let (_folder, state, _) = place();
        assert_eq!(ids(&state), Vec::<String>::new());
        let mut first = record("a");
        state.save_record(&first).expect("saved");
        state.save_record(&record("b")).expect("saved");
        first.outcome = DeployEnd::Failed { step: DeployStep::Push, title: "No \u{fc}ber-registry.".into() };
        first.steps.push(StepRecord { step: DeployStep::Build, took_ms: 12, result: StepResult::Done });
        state.save_record(&first).expect("saved");
        assert_eq!(state.records(&tenant()).expect("readable"), [record("b"), first]);
        let other = TenantId::new("ten_2").expect("an id");
        assert_eq!(state.records(&other).expect("readable"), []);
    }

    #[test]
    fn fields_of_a_newer_version_survive_and_its_words_are_left_alone() {
        let (_folder, state, file) = place();
        let mut old = record("a");
        old.digest = crate::model::Digest::new(&format!("sha256:{}", "5e".repeat(32))).ok();
        state.save_record(&old).expect("saved");
        let text = std::fs::read_to_string(&file).expect("there");
        let newer = r#"{"id": "n", "tenant_id": "ten_1", "outcome": {"is": "postponed"}}"#;
        let text = text.replacen('{', r#"{"colour": {"of": "money"}, "#, 1) + newer + "\n";
        std::fs::write(&file, text).expect("written");
        old.took_ms = 7;
        old.digest = None;
        state.save_record(&old).expect("saved");
        assert_eq!(state.records(&tenant()).expect("readable"), [old]);
        let text = std::fs::read_to_string(&file).expect("there");
        assert!(text.contains(r#""colour":{"of":"money"}"#) && text.contains("postponed"), "{text}");
        assert!(!text.contains("digest"), "what is known and gone is gone: {text}");
        assert!(!beside(&file, ".bak").exists());
    }

    #[test]
    fn the_oldest_go_first_but_not_the_last_that_succeeded() {
        let (_folder, state, file) = place();
        let mut lines = Vec::new();
        for number in 0..KEPT {
            let mut one = record(&format!("old {number}"));
            if number < 12 {
                one.outcome = DeployEnd::Succeeded;
            }
            serde_json::to_writer(&mut lines, &one).expect("json");
            lines.push(b'\n');
        }
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(&file, lines).expect("written");
        for number in 0..5 {
            state.save_record(&record(&format!("new {number}"))).expect("saved");
        }
        let ids = ids(&state);
        assert_eq!(ids.len(), KEPT);
        assert_eq!((ids[0].as_str(), ids[KEPT - 1].as_str()), ("new 4", "old 2"));
        for gone in ["old 0", "old 1", "old 12", "old 13", "old 14"] {
            assert!(!ids.contains(&gone.to_owned()), "{gone} is still there");
        }
    }

    #[test]
    #[cfg(unix)]
    fn everything_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, state, file) = place();
        state.save_record(&record("a")).expect("saved");
        std::fs::write(&file, "torn {\n").expect("written");
        state.save_record(&record("b")).expect("saved");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(state.path()), mode(file.parent().expect("a folder"))), (0o700, 0o700));
        for file in [file.clone(), beside(&file, ".bak"), beside(&file, ".lock")] {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }

    #[test]
    fn writers_at_once_lose_nothing() {
        let (_folder, state, _) = place();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let state = &state;
                scope.spawn(move || {
                    for number in 0..10 {
                        state.save_record(&record(&format!("{writer}-{number}"))).expect("saved");
                    }
                });
            }
        });
        let ids = ids(&state);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 40);
        let of_first: Vec<_> = ids.iter().rev().filter(|id| id.starts_with("0-")).collect();
        assert!(of_first.is_sorted(), "{of_first:?}");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let state = StateDirectory::at(&file);
        let error = state.save_record(&record("a")).expect_err("no folder");
        assert!(matches!(&error, WorkspaceError::Write { path, .. } if path.starts_with(&file)), "{error:?}");
        assert_eq!(state.records(&tenant()).expect("nothing remembered"), []);
    }

    #[derive(Debug, Clone)]
    enum Happening {
        SaveNew,
        SaveAgain(prop::sample::Index),
        /// The end of the file is lost.
        Tear(prop::sample::Index),
        /// Something else stands at the end of the file.
        Scribble(Vec<u8>),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let scribble = prop::collection::vec(prop::sample::select(b"\0{}[]\"x7\xff ".to_vec()), 1..20);
        prop_oneof![
            4 => Just(Happening::SaveNew),
            2 => any::<prop::sample::Index>().prop_map(Happening::SaveAgain),
            2 => any::<prop::sample::Index>().prop_map(Happening::Tear),
            1 => scribble.prop_map(Happening::Scribble),
        ]
    }

    /// The lines of a file that are whole.
    fn whole(bytes: &[u8]) -> Vec<String> {
        let lines = bytes.split(|byte| *byte == b'\n');
        let records = lines.filter_map(|line| serde_json::from_slice::<DeployRecord>(line).ok());
        records.map(|record| record.id).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
        #[test]
        fn whatever_happens_to_the_file_every_whole_record_stays(happenings in prop::collection::vec(happening(), 1..14)) {
            let (_folder, state, file) = place();
            let mut expected: Vec<String> = Vec::new();
            let mut scribbled: Vec<Vec<u8>> = Vec::new();
            let mut next = 0;
            for happening in happenings {
                let bytes = std::fs::read(&file).unwrap_or_default();
                match happening {
                    Happening::SaveNew => {
                        state.save_record(&record(&next.to_string())).expect("saved");
                        expected.push(next.to_string());
                        next += 1;
                    }
                    Happening::SaveAgain(index) if !expected.is_empty() => {
                        let id = index.get(&expected).clone();
                        state.save_record(&record(&id)).expect("saved");
                    }
                    Happening::Tear(index) if !bytes.is_empty() => {
                        let left = &bytes[..index.index(bytes.len())];
                        std::fs::write(&file, left).expect("written");
                        expected = whole(left);
                        scribbled.retain(|line| left.split(|byte| *byte == b'\n').any(|one| one == line));
                    }
                    Happening::Scribble(line) if bytes.ends_with(b"\n") && Lines::read(&line).objects.is_empty() => {
                        std::fs::write(&file, [&bytes[..], &line, b"\n"].concat()).expect("written");
                        scribbled.push(line);
                    }
                    _ => {}
                }
                let mut found = ids(&state);
                found.reverse();
                prop_assert_eq!(&found, &expected);
            }
            state.save_record(&record("last")).expect("saved");
            let aside = std::fs::read(beside(&file, ".bak")).unwrap_or_default();
            for line in scribbled {
                prop_assert!(aside.split(|byte| *byte == b'\n').any(|one| one == line), "{line:?} is lost");
            }
        }
    }
}
