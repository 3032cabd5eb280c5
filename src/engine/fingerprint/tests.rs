//! Each input is changed in turn, and the fingerprint has to follow, or must not. A wrong "nothing changed" would deploy
//! an old version without a word.

use proptest::prelude::*;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

use super::inputs::{Inputs, take};
use super::*;
use crate::engine::build::BuildSecret;
use crate::model::{ImageReference, Secret};

/// A build and everything that it depends on.
struct Bench {
    directory: tempfile::TempDir,
    request: BuildRequest,
    surroundings: Surroundings,
}

impl Bench {
    fn new(files: &[(String, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let image = ImageReference::new("127.0.0.1:5000", "app", "t").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let bench = Self {
            request: BuildRequest {
                labels: vec![pair("l", "1"), pair("m", "2")],
                args: vec![pair("A", "1"), pair("B", "2")],
                target: Some("final".into()),
                platform: Some("linux/amd64".into()),
                secrets: vec![BuildSecret { id: "token".into(), value: Secret::new("hunter2") }],
                ..BuildRequest::new(directory.path().to_owned(), "Dockerfile", image)
            },
            directory,
            surroundings: Surroundings {
                builder: Builder::Classic,
                engine: "AAAA".into(),
                bases: vec![("debian:12".into(), Some(base("sha256:00")))],
                is_complete: true,
            },
        };
        for (path, text) in files {
            bench.write(path, text);
        }
        bench.write("Dockerfile", "FROM debian:12\nCOPY . /\n");
        bench.write(".dockerignore", "ignored\n");
        bench.write("file", "content");
        bench.write("inner/file", "content");
        bench.write("ignored/file", "content");
        fs::create_dir(bench.path("empty")).unwrap();
        symlink("file", bench.path("link")).unwrap();
        bench
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The record and the fingerprint of a look at this time.
    fn look(&self, previous: Option<&InputRecord>, now: SystemTime) -> (Fingerprint, InputRecord) {
        let context = BuildContext::open(&self.request.context, &self.request.dockerfile).unwrap();
        let texts = Texts::read(&self.request.context, &self.request.dockerfile).unwrap();
        let record = take(&context, &key().0, previous, now, &CancellationToken::new()).unwrap();
        (self.surroundings.fingerprint(&key(), &self.request, &texts, &record).unwrap(), record)
    }

    fn fingerprint(&self) -> Fingerprint {
        self.look(None, SystemTime::now()).0
    }
}

fn key() -> FingerprintKey {
    FingerprintKey::new(&[7; 32])
}

fn base(id: &str) -> BaseImage {
    BaseImage { id: id.into(), reaches_out: false }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Other content of the same length with the times of before.
fn overwrite_unseen(bench: &Bench) {
    let path = bench.path("file");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "CONTENT").unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
}

fn relink(bench: &Bench, target: &str) {
    fs::remove_file(bench.path("link")).unwrap();
    symlink(target, bench.path("link")).unwrap();
}

type Change = (&'static str, fn(&mut Bench));

/// What can change the image.
const VISIBLE: &[Change] = &[
    ("content of the same size with its time set back", |bench| overwrite_unseen(bench)),
    ("content", |bench| bench.write("file", "other content")),
    ("content of a file below", |bench| bench.write("inner/file", "CONTENT")),
    ("a file without content", |bench| bench.write("file", "")),
    ("a new file", |bench| bench.write("inner/new", "")),
    ("a removed file", |bench| fs::remove_file(bench.path("inner/file")).unwrap()),
    ("a name", |bench| fs::rename(bench.path("file"), bench.path("file2")).unwrap()),
    ("a directory's name", |bench| fs::rename(bench.path("inner"), bench.path("inner2")).unwrap()),
    ("a place", |bench| fs::rename(bench.path("file"), bench.path("empty/file")).unwrap()),
    ("a mode", |bench| set_mode(&bench.path("file"), 0o755)),
    ("a directory's mode", |bench| set_mode(&bench.path("inner"), 0o700)),
    ("where a link leads", |bench| relink(bench, "inner/file")),
    ("a new empty directory", |bench| fs::create_dir(bench.path("empty2")).unwrap()),
    ("a removed empty directory", |bench| fs::remove_dir(bench.path("empty")).unwrap()),
    ("a file that becomes a link", |bench| {
        fs::remove_file(bench.path("file")).unwrap();
        symlink("content", bench.path("file")).unwrap();
    }),
    ("a link that becomes a file", |bench| {
        fs::remove_file(bench.path("link")).unwrap();
        bench.write("link", "file");
    }),
    ("an empty directory that becomes a file", |bench| {
        fs::remove_dir(bench.path("empty")).unwrap();
        bench.write("empty", "");
    }),
    ("the Dockerfile", |bench| bench.write("Dockerfile", "FROM debian:12\nCOPY . /a\n")),
    ("the ignore file's rules", |bench| bench.write(".dockerignore", "ignored\nfile\n")),
    ("the ignore file", |bench| bench.write(".dockerignore", "ignored\n# a remark\n")),
    ("another ignore file", |bench| bench.write("Dockerfile.dockerignore", "ignored\nDockerfile.dockerignore\n")),
    ("another Dockerfile", |bench| {
        bench.write("inner/Dockerfile", "FROM debian:12\n");
        bench.request.dockerfile = "inner/Dockerfile".into();
    }),
    ("an argument's value", |bench| bench.request.args[0].1 = "2".into()),
    ("an argument's name", |bench| bench.request.args[0].0 = "C".into()),
    ("an argument more", |bench| bench.request.args.push(("C".into(), String::new()))),
    ("an argument less", |bench| drop(bench.request.args.pop())),
    ("an argument that is a label", |bench| {
        let arg = bench.request.args.remove(0);
        bench.request.labels.push(arg);
    }),
    ("the target", |bench| bench.request.target = Some("other".into())),
    ("no target", |bench| bench.request.target = None),
    ("the platform", |bench| bench.request.platform = Some("linux/arm64".into())),
    ("no platform", |bench| bench.request.platform = None),
    ("a label", |bench| bench.request.labels[0].1 = "2".into()),
    ("a secret", |bench| bench.request.secrets[0].value = Secret::new("hunter3")),
    ("a secret's id", |bench| bench.request.secrets[0].id = "other".into()),
    ("no secret", |bench| bench.request.secrets.clear()),
    ("the base image", |bench| bench.surroundings.bases[0].1 = Some(base("sha256:01"))),
    ("a base image that is gone", |bench| bench.surroundings.bases[0].1 = None),
    ("another base image", |bench| bench.surroundings.bases[0].0 = "debian:13".into()),
    ("the engine", |bench| bench.surroundings.engine = "BBBB".into()),
    ("the builder", |bench| bench.surroundings.builder = Builder::BuildKit),
    ("what cannot be seen", |bench| bench.surroundings.is_complete = false),
];

/// What cannot.
const INVISIBLE: &[Change] = &[
    ("nothing", |_| {}),
    ("an ignored file", |bench| bench.write("ignored/file", "other content")),
    ("a new ignored file", |bench| bench.write("ignored/new", "")),
    ("a touch", |bench| {
        let then = SystemTime::now() - Duration::from_hours(1);
        File::options().write(true).open(bench.path("file")).unwrap().set_modified(then).unwrap();
    }),
    ("the same content again", |bench| {
        fs::remove_file(bench.path("file")).unwrap();
        bench.write("file", "content");
    }),
    ("a file that came and went", |bench| {
        bench.write("inner/brief", "x");
        fs::remove_file(bench.path("inner/brief")).unwrap();
    }),
    ("a socket", |bench| drop(std::os::unix::net::UnixListener::bind(bench.path("socket")).unwrap())),
    ("the order of arguments and labels", |bench| {
        bench.request.args.reverse();
        bench.request.labels.reverse();
    }),
    ("an argument that a later one overrules", |bench| bench.request.args.insert(0, ("B".into(), "9".into()))),
    ("the image's name", |bench| bench.request.image = ImageReference::new("127.0.0.1:5000", "app", "u").unwrap()),
    ("no cache", |bench| bench.request.no_cache = true),
    ("the root's mode", |bench| set_mode(&bench.path(""), 0o755)),
];

fn trees() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("(x|y|z/x|z/y|ignored/x|[.]x|ä)", ".{0,8}"), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_fingerprint_follows_every_change_and_no_other(tree in trees()) {
        for (changes, differs) in [(VISIBLE, true), (INVISIBLE, false)] {
            for (what, change) in changes {
                let mut bench = Bench::new(&tree);
                let (before, record) = bench.look(None, SystemTime::now());
                // At once, within the same tick of the file system's clock where the machine is fast enough.
                change(&mut bench);
                let (after, renewed) = bench.look(Some(&record), SystemTime::now());
                prop_assert_eq!(before != after, differs, "{}", what);
                if bench.surroundings.is_complete {
                    prop_assert_eq!(&bench.fingerprint(), &after, "{}: the record makes no difference", what);
                    prop_assert_eq!(&bench.look(Some(&renewed), SystemTime::now()).0, &after, "{}", what);
                }
            }
        }
    }

    #[test]
    fn a_record_of_another_tree_makes_no_difference(one in trees(), other in trees()) {
        let (one, other) = (Bench::new(&one), Bench::new(&other));
        let (_, record) = other.look(None, later(10));
        prop_assert_eq!(one.look(Some(&record), later(11)).0, one.fingerprint());
    }
}

fn later(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

/// The hash that only a record can bring in.
fn poisoned(record: &InputRecord) -> InputRecord {
    let Inputs { taken_at, entries, .. } = record.inputs();
    let mut entries = entries.clone();
    for entry in entries.iter_mut().filter(|entry| entry.kind == Kind::File) {
        entry.hash = [0xff; 32];
    }
    InputRecord::new(Inputs { taken_at: *taken_at, entries, has_news: false })
}

fn hash_of(record: &InputRecord, path: &str) -> [u8; 32] {
    record.entries().iter().find(|entry| entry.path == path.as_bytes()).unwrap().hash
}

#[test]
fn only_what_was_touched_is_read_again() {
    let bench = Bench::new(&[]);
    let (_, record) = bench.look(None, later(10));
    assert!(record.has_news());
    let record = poisoned(&record);
    let (_, same) = bench.look(Some(&record), later(11));
    assert!(!same.has_news());
    assert_eq!(hash_of(&same, "file"), [0xff; 32], "taken from the record");
    assert!(same.is_untouched_since(&record));

    // The time of its content is set back, but the file system keeps another one.
    let before = fs::metadata(bench.path("file")).unwrap();
    while fs::metadata(bench.path("file")).unwrap().ctime_nsec() == before.ctime_nsec() {
        overwrite_unseen(&bench);
    }
    let after = fs::metadata(bench.path("file")).unwrap();
    assert_eq!((after.mtime_nsec(), after.len()), (before.mtime_nsec(), before.len()));
    let (_, changed) = bench.look(Some(&record), later(11));
    assert_ne!(hash_of(&changed, "file"), [0xff; 32], "read");
    assert_eq!(hash_of(&changed, "inner/file"), [0xff; 32], "not read");
    assert!(changed.has_news());
    assert!(!changed.is_untouched_since(&same));
}

#[test]
fn what_was_written_shortly_before_the_reading_is_read_again() {
    let bench = Bench::new(&[]);
    for (seconds, is_believed) in [(0, false), (1, false), (10, true)] {
        let (_, record) = bench.look(None, later(seconds));
        let (_, next) = bench.look(Some(&poisoned(&record)), later(60));
        assert_eq!(hash_of(&next, "file") == [0xff; 32], is_believed, "{seconds} s");
    }
    // From the future, where the clock was set back since.
    let (_, record) = bench.look(None, later(60));
    let (_, next) = bench.look(Some(&poisoned(&record)), later(10));
    assert_ne!(hash_of(&next, "file"), [0xff; 32]);
    // A file from the future.
    File::options().write(true).open(bench.path("file")).unwrap().set_modified(later(3600)).unwrap();
    let (_, record) = bench.look(None, later(10));
    let (_, next) = bench.look(Some(&poisoned(&record)), later(60));
    assert_ne!(hash_of(&next, "file"), [0xff; 32]);
    assert_eq!(hash_of(&next, "inner/file"), [0xff; 32]);
}

#[test]
fn a_file_that_came_and_went_is_noticed_between_two_looks() {
    let bench = Bench::new(&[]);
    let (_, before) = bench.look(None, later(10));
    let changed = || fs::metadata(bench.path("inner")).unwrap().ctime_nsec();
    let then = changed();
    while changed() == then {
        bench.write("inner/brief", "x");
        fs::remove_file(bench.path("inner/brief")).unwrap();
    }
    assert!(!bench.look(Some(&before), later(11)).1.is_untouched_since(&before));
}

#[test]
fn what_cannot_be_seen_never_looks_the_same() {
    let mut bench = Bench::new(&[]);
    bench.surroundings.is_complete = false;
    assert_ne!(bench.fingerprint(), bench.fingerprint());
}

#[test]
fn another_key_gives_another_fingerprint_and_shows_nothing() {
    let bench = Bench::new(&[]);
    let (fingerprint, record) = bench.look(None, SystemTime::now());
    let texts = Texts::read(&bench.request.context, "Dockerfile").unwrap();
    let other = FingerprintKey::new(&[8; 32]);
    assert_ne!(bench.surroundings.fingerprint(&other, &bench.request, &texts, &record).unwrap(), fingerprint);
    assert_eq!(fingerprint.as_str().len(), 64);
    assert_eq!(format!("{other:?}"), "FingerprintKey(••••)");
}

#[test]
fn a_cancelled_look_ends() {
    let bench = Bench::new(&[]);
    let context = BuildContext::open(&bench.request.context, "Dockerfile").unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let outcome = take(&context, &key().0, None, SystemTime::now(), &stop);
    assert!(matches!(outcome, Err(EngineError::Cancelled)), "{outcome:?}");
}

#[test]
fn a_place_is_where_and_what_and_not_the_content() {
    let bench = Bench::new(&[]);
    let here = place(&bench.request);
    bench.write("file", "other");
    let mut request = bench.request.clone();
    request.args.clear();
    request.image = ImageReference::new("127.0.0.1:5000", "app", "u").unwrap();
    assert_eq!(place(&request), here);
    request.target = None;
    assert_ne!(place(&request), here);
    assert_ne!(place(&Bench::new(&[]).request), here);
}

/// A hundred thousand files are a few megabytes.
#[test]
fn a_record_takes_few_bytes_for_each_file() {
    let files: Vec<_> =
        (0..300).map(|at| (format!("modules/package-{}/index-{at}.js", at / 10), "x".repeat(at))).collect();
    let (fingerprint, inputs) = Bench::new(&files).look(None, SystemTime::now());
    let count = inputs.entries().len();
    let record = ImageRecord { fingerprint, image: "sha256:00".into(), built_at: 0, inputs };
    let bytes = record.encode(&key(), "here").len();
    assert!(bytes < count * 80, "{bytes} bytes for {count} entries");
    assert_eq!(
        ImageRecord::decode(&key(), "here", &record.encode(&key(), "here")).unwrap().fingerprint,
        record.fingerprint
    );
}
