//! Contexts at their limits, as tests: very many files, very big and very odd ones, files that change while they are
//! read, and rules without end. What is measured is work and memory, not time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

use super::context::{BuildContext, Interrupted};

/// Counts what is written and keeps nothing.
#[derive(Default)]
struct Counter {
    bytes: u64,
    largest: usize,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        self.largest = self.largest.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does `act` once so many bytes were written.
struct Acting<F: FnMut()> {
    left: u64,
    act: Option<F>,
}

impl<F: FnMut()> Write for Acting<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        if self.left == 0
            && let Some(mut act) = self.act.take()
        {
            act();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn project(ignore: &str) -> TempDir {
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    fs::write(project.path().join(".dockerignore"), ignore).unwrap();
    project
}

fn sparse(path: impl AsRef<Path>, bytes: u64) {
    File::create(path).unwrap().set_len(bytes).unwrap();
}

fn open(root: &Path) -> BuildContext {
    BuildContext::open(root, "Dockerfile").unwrap()
}

fn names(root: &Path) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    open(root).write_to(&mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    archive.entries().unwrap().map(|entry| entry.unwrap().path_bytes().into_owned()).collect()
}

/// The file that is blamed, and why.
fn blamed(outcome: Result<(), Interrupted>) -> (PathBuf, io::Error) {
    match outcome.expect_err("it cannot be sent") {
        Interrupted::Source { path, error } => (path, error),
        Interrupted::Sink(error) => panic!("the writer is blamed: {error}"),
    }
}

/// A tree of so many empty files: half of them in one directory, the others in directories of a hundred.
fn wide(files: usize) -> TempDir {
    let project = project("");
    for file in 0..files {
        let directory = if file % 2 == 0 { "many".to_owned() } else { format!("d{}", file / 200) };
        let directory = project.path().join(directory);
        if !directory.exists() {
            fs::create_dir(&directory).unwrap();
        }
        File::create(directory.join(format!("f{file}"))).unwrap();
    }
    project
}

fn time_to_send(root: &Path) -> (Duration, u64) {
    let begun = Instant::now();
    let mut counter = Counter::default();
    open(root).write_to(&mut counter).unwrap();
    assert!(counter.largest <= 64 * 1024, "{} bytes at once", counter.largest);
    (begun.elapsed(), counter.bytes)
}

/// True when ten times the work takes less than forty times as long, once in some trials: somebody else may use the
/// processor. What is quadratic takes a hundred times as long in each.
fn is_linear(trial: impl Fn() -> (Duration, Duration)) -> bool {
    (0..4).any(|_| {
        let (unit, ten) = trial();
        ten < unit * 40
    })
}

/// They go through one buffer, see [`time_to_send`].
#[test]
fn a_hundred_thousand_files_take_their_number_and_no_more() {
    let (small, big) = (wide(10_000), wide(100_000));
    assert!(is_linear(|| {
        let (took, bytes) = time_to_send(big.path());
        assert!(bytes >= 100_000 * 512, "{bytes}");
        (time_to_send(small.path()).0, took)
    }));
}

/// Removes a tree that is too deep for the library.
fn remove(tree: &Path) {
    assert!(std::process::Command::new("rm").arg("-rf").arg(tree).status().unwrap().success());
}

/// As deep as a path can be, on a thread as small as those that read contexts.
#[test]
fn a_tree_as_deep_as_a_path_can_be_long_needs_no_big_stack() {
    let project = project("**/none\n");
    let depth = (4000 - project.path().as_os_str().len()) / 2;
    let deepest = format!("{}f", "d/".repeat(depth));
    fs::create_dir_all(project.path().join(&deepest)).unwrap();
    let root = project.path().to_owned();
    let send = move || open(&root).write_to(io::sink()).map_err(|_| "not sent");
    let outcome = std::thread::Builder::new().stack_size(128 << 10).spawn(send).unwrap().join().unwrap();
    remove(project.path());
    outcome.unwrap();
}

#[test]
fn rules_take_their_number_and_no_more() {
    let project = wide(500);
    let time = |rules: usize| {
        let lines: Vec<String> = (0..rules).map(|n| format!("none{n}/**/x*y\n!none{n}/k\n")).collect();
        fs::write(project.path().join(".dockerignore"), lines.concat()).unwrap();
        time_to_send(project.path()).0
    };
    assert!(is_linear(|| (time(50), time(500))));
}

/// Backtracking would take longer than the universe has.
#[test]
fn a_pattern_that_is_made_to_be_slow_is_not() {
    let project = project(&format!("{}b\n{}b\n", "*a".repeat(60), "**/a*/".repeat(30)));
    fs::write(project.path().join("a".repeat(200)), "x").unwrap();
    let (took, _) = time_to_send(project.path());
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_big_file_that_is_excluded_is_not_read() {
    let project = project("big\n");
    sparse(project.path().join("big"), 4 << 30);
    // Root reads everything, so a refusal to open it proves nothing: what was written does.
    let (_, bytes) = time_to_send(project.path());
    assert!(bytes < 8 * 1024, "{bytes}");
}

/// Takes as much as there is room for: the rest of nine gigabytes is not of interest.
struct Head<'a>(&'a mut [u8], usize);

impl Write for Head<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.0.len() - self.1);
        self.0[self.1..self.1 + count].copy_from_slice(&bytes[..count]);
        self.1 += count;
        if count == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_of_more_than_eight_gigabytes_has_a_header() {
    let project = project("");
    let size = 9 << 30;
    sparse(project.path().join("huge"), size);
    let mut head = vec![0; 64 * 1024];
    let outcome = open(project.path()).write_to(Head(&mut head, 0));
    assert!(matches!(outcome, Err(Interrupted::Sink(_))));
    let mut archive = tar::Archive::new(head.as_slice());
    let huge = archive.entries().unwrap().map(Result::unwrap).find(|entry| entry.path_bytes().as_ref() == b"huge");
    assert_eq!(huge.unwrap().header().size().unwrap(), size);
}

#[test]
fn what_is_neither_file_nor_directory_nor_link_stays_out_and_is_not_waited_for() {
    let project = project("");
    let pipe = project.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(project.path().join("socket")).unwrap();
    // A device can be made by root only, and not everywhere.
    let _ = std::process::Command::new("mknod").arg(project.path().join("null")).args(["c", "1", "3"]).output();
    assert_eq!(names(project.path()), [&b".dockerignore"[..], b"Dockerfile"]);
}

#[test]
fn links_are_not_followed_wherever_they_lead() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("inner")).unwrap();
    fs::write(outside.path().join("inner/secret"), "x").unwrap();
    let project = project("");
    symlink(outside.path(), project.path().join("away")).unwrap();
    symlink("..", project.path().join("up")).unwrap();
    symlink("loop", project.path().join("loop")).unwrap();
    symlink("nothing", project.path().join("dangling")).unwrap();
    assert_eq!(names(project.path()), [&b".dockerignore"[..], b"Dockerfile", b"away", b"dangling", b"loop", b"up"]);
}

#[test]
fn the_root_may_be_a_link_to_it() {
    let project = project("drop\n");
    fs::write(project.path().join("keep"), "x").unwrap();
    fs::write(project.path().join("drop"), "x").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    symlink(project.path(), &link).unwrap();
    assert_eq!(names(&link), names(project.path()));
    assert!(names(&link).contains(&b"keep".to_vec()));
}

#[test]
fn names_that_are_not_text_are_kept_and_can_be_excluded() {
    let project = project("*.log\n");
    for name in [&b"caf\xe9"[..], b"\xff\xfe", b"new\nline", b"caf\xe9.log", b"\xf0\x9f\x98\x80"] {
        fs::write(project.path().join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    }
    let expected = [&b".dockerignore"[..], b"Dockerfile", b"caf\xe9", b"new\nline", b"\xf0\x9f\x98\x80", b"\xff\xfe"];
    assert_eq!(names(project.path()), expected);
}

/// Deeper than a path may be long: it can be made step by step, and not be named as a whole.
#[test]
fn a_tree_deeper_than_a_path_may_be_long_is_refused_by_name() {
    let project = project("");
    let name = "n".repeat(200);
    let script = r#"cd "$1"; for _ in $(seq 30); do mkdir "$2" && cd -P "$2" || exit 1; done; echo x > file"#;
    let made = std::process::Command::new("bash").args(["-c", script, "bash"]).arg(project.path()).arg(&name).status();
    assert!(made.unwrap().success());
    let (path, error) = blamed(open(project.path()).write_to(io::sink()));
    assert_eq!(error.kind(), io::ErrorKind::InvalidFilename, "{error}");
    assert!(path.starts_with(project.path().join(&name)));
    // An excluded one is not looked at.
    fs::write(project.path().join(".dockerignore"), "n*\n").unwrap();
    assert_eq!(names(project.path()).len(), 2);
    remove(project.path());
}

/// Runs `act` while the file `a` is read, and answers what came of the context.
fn change(act: impl Fn(&Path)) -> (TempDir, Result<(), Interrupted>) {
    let project = project("");
    sparse(project.path().join("a"), 4 << 20);
    fs::create_dir(project.path().join("b")).unwrap();
    fs::write(project.path().join("b/inner"), "x").unwrap();
    fs::write(project.path().join("c"), "x").unwrap();
    let root = project.path().to_owned();
    let outcome = open(project.path()).write_to(Acting { left: 1 << 20, act: Some(|| act(&root)) });
    (project, outcome)
}

#[test]
fn what_changes_while_it_is_read_is_an_error_that_names_it_and_never_half_a_file() {
    let (project, outcome) = change(|root| sparse(root.join("a"), 1 << 20));
    let (path, error) = blamed(outcome);
    assert_eq!((path, error.kind()), (project.path().join("a"), io::ErrorKind::UnexpectedEof));

    let (project, outcome) =
        change(|root| File::options().append(true).open(root.join("a")).unwrap().set_len(8 << 20).unwrap());
    let (path, error) = blamed(outcome);
    assert_eq!(path, project.path().join("a"));
    assert!(error.to_string().contains("longer"), "{error}");

    let (project, outcome) = change(|root| fs::remove_file(root.join("c")).unwrap());
    let (path, error) = blamed(outcome);
    assert_eq!((path, error.kind()), (project.path().join("c"), io::ErrorKind::NotFound));

    let (project, outcome) = change(|root| fs::remove_dir_all(root.join("b")).unwrap());
    let (path, error) = blamed(outcome);
    assert_eq!((path, error.kind()), (project.path().join("b"), io::ErrorKind::NotFound));

    // What is open stays readable.
    let (_project, outcome) = change(|root| fs::remove_file(root.join("a")).unwrap());
    outcome.expect("the file was open");
}

/// A pipe in the place of a file that was listed would be waited for until somebody writes, and a link would be
/// followed out of the tree.
#[test]
fn a_file_that_became_something_else_is_an_error() {
    let (project, outcome) = change(|root| {
        fs::remove_file(root.join("c")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(root.join("c")).status().unwrap().success());
    });
    assert_eq!(blamed(outcome).0, project.path().join("c"));
    let (project, outcome) = change(|root| {
        fs::remove_file(root.join("c")).unwrap();
        symlink("/etc/passwd", root.join("c")).unwrap();
    });
    assert_eq!(blamed(outcome).0, project.path().join("c"));
    let (project, outcome) = change(|root| {
        fs::remove_dir_all(root.join("b")).unwrap();
        symlink("/etc", root.join("b")).unwrap();
    });
    assert_eq!(blamed(outcome).0, project.path().join("b"));
}

/// Root may read everything, so this says something only for others.
#[test]
fn what_may_not_be_read_is_named() {
    for name in ["file", "directory"] {
        let project = project("");
        fs::write(project.path().join("file"), "x").unwrap();
        fs::create_dir(project.path().join("directory")).unwrap();
        let path = project.path().join(name);
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o000);
        if fs::read_dir(&path).is_ok() || fs::read(&path).is_ok() {
            mode(0o700);
            continue;
        }
        let outcome = open(project.path()).write_to(io::sink());
        mode(0o700);
        let (blamed, error) = blamed(outcome);
        assert_eq!((blamed, error.kind()), (path.clone(), io::ErrorKind::PermissionDenied));
    }
}
