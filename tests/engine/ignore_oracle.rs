//! `.dockerignore` is read as Docker reads it: the docker command line itself is asked about every rule file in
//! [`crate::ignore_cases`], with both of its builders, and the answer compared with what this program sends.
//!
//! Docker does not agree with itself. This program has one reading for both builders, which is that of BuildKit's
//! present client; where the command lines that can be asked here have another one, the rule file stands in
//! [`DIFFERENCES`], and a line of it that is no longer true fails the test.

use libtest_mimic::{Failed, Trial};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tenantry::engine::{BuildRequest, Engine};
use tenantry::model::ImageReference;
use tenantry::model::progress::Builder;
use tokio_util::sync::CancellationToken;

use crate::capturing_engine::{CapturingEngine, paths};
use crate::ignore_cases;
use crate::own_engine::{OwnEngine, obstacle};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Oracle {
    /// The command line 20.10 with the classic builder.
    Classic,
    /// The command line 20.10 with BuildKit.
    BuildKit,
    /// A command line of 23.0 or later with the classic builder, where there is one.
    LaterClassic,
}

use Oracle::{BuildKit, Classic, LaterClassic};

/// Rule files that are read in another way by these.
const DIFFERENCES: &[(&[&str], &[Oracle])] = &[
    // 20.10 goes into an excluded directory only for an exception that begins with the directory's own name, and the
    // classic client still does so; BuildKit's present client goes in for every exception that has a star.
    (
        &["d\n!d/*/keep", "d\n!*/keep", "d\n!**/keep", "**\n!**/keep", "**\n!**/*.md", "*\n!*/a"],
        &[Classic, BuildKit, LaterClassic],
    ),
    // The last line that matches decides. Later clients do not ask a line about a directory that stays out already,
    // and then miss it for what an exception had let in below.
    (&["d\n!d/e\nd"], &[BuildKit, LaterClassic]),
    // 20.10 looks at the one directory above a path that is as deep as the pattern is long.
    (&["**/y\n!deep/x/y/a"], &[Classic, BuildKit]),
    // 20.10 makes regular expressions of more than it should: `+`, `|`, `(`, `)` and `^` have a meaning, and `**` before
    // a name takes whole directories only.
    (
        &["a+", "(a)", "a|b", "^a", "a^b", "**a", "**b", "**.md", "**.txt", "**d/a", "b\n\u{feff}a"],
        &[Classic, BuildKit],
    ),
    // A word boundary in a file name: refused here, because nobody means it.
    (&["a\\b"], &[Classic, BuildKit, LaterClassic]),
    // A carriage return in a line does not get through BuildKit's session.
    (&["a\rb"], &[BuildKit]),
];

/// What reaches the build: every path, with the directories above it. `None` where the build is refused.
type Context = Option<BTreeSet<String>>;

/// A directory with the tree, and an engine that catches what is sent.
struct Desk {
    project: tempfile::TempDir,
    engine: CapturingEngine,
    configuration: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Desk {
    fn new() -> Self {
        let project = tempfile::tempdir().unwrap();
        ignore_cases::write(project.path());
        Self {
            project,
            engine: CapturingEngine::start(),
            configuration: tempfile::tempdir().unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    fn captured(&self) -> Context {
        self.engine.sent().map(|archive| with_parents(paths(&archive)))
    }

    fn ours(&self) -> Context {
        let image = ImageReference::new("127.0.0.1:5000", "app", "t").unwrap();
        let request = BuildRequest {
            builder: Some(Builder::Classic),
            ..BuildRequest::new(self.project.path().to_owned(), "Dockerfile", image)
        };
        let (progress, received) = tokio::sync::mpsc::channel(1);
        drop(received);
        let engine = Engine::connect_to(Some(&self.engine.host())).unwrap();
        let outcome = self.runtime.block_on(engine.build(request, &progress, &CancellationToken::new()));
        self.captured().filter(|_| outcome.is_ok())
    }

    fn classic(&self, program: &Path) -> Context {
        let status = self.docker(program, "0").env("DOCKER_HOST", self.engine.host()).arg(self.project.path()).status();
        let is_good = status.unwrap().success();
        self.captured().filter(|_| is_good)
    }

    /// Into an archive: no image stays. On an engine of our own where there is one, which is faster.
    fn buildkit(&self, program: &Path, engine: Option<&OwnEngine>) -> Context {
        let output = self
            .docker(program, "1")
            .envs(engine.map(|engine| ("DOCKER_HOST", engine.host())))
            .args(["--output", "type=tar,dest=-"])
            .arg(self.project.path())
            .stdout(Stdio::piped())
            .output();
        let output = output.unwrap();
        output.status.success().then(|| with_parents(paths(&output.stdout)))
    }

    fn docker(&self, program: &Path, buildkit: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DOCKER_BUILDKIT", buildkit).env("DOCKER_CONFIG", self.configuration.path());
        command.arg("build").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn with_parents(paths: Vec<String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for path in paths {
        for (at, _) in path.match_indices('/') {
            all.insert(path[..=at].to_owned());
        }
        all.insert(path);
    }
    all
}

/// A docker command line of these versions; both are looked for on the search path and where Debian puts its own.
fn command_line(is_wanted: impl Fn(u32) -> bool) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/bin".into()]);
    directories.map(|directory| directory.join("docker")).find(|program| {
        let output = Command::new(program).arg("--version").output();
        let words = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let version = words.strip_prefix("Docker version ").and_then(|rest| rest.split('.').next()?.parse().ok());
        version.is_some_and(&is_wanted)
    })
}

fn ask(cases: &[Vec<u8>], oracles: &[(Oracle, PathBuf)]) -> Vec<String> {
    let engine = obstacle().is_none().then(|| OwnEngine::start(256));
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let desk = Desk::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(rules) = cases.get(number) else { return };
                    std::fs::write(desk.project.path().join(".dockerignore"), rules).unwrap();
                    let ours = desk.ours();
                    let is_listed = |who: Oracle| is_different(&String::from_utf8_lossy(rules), who);
                    // BuildKit's client has the same matcher; it is asked less because each build takes a while.
                    let is_asked = |who: Oracle| who != BuildKit || number.is_multiple_of(3) || is_listed(who);
                    for (oracle, program) in oracles.iter().filter(|(oracle, _)| is_asked(*oracle)) {
                        wrong.lock().unwrap().extend(compare(&desk, engine.as_ref(), rules, &ours, *oracle, program));
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn is_different(rules: &str, oracle: Oracle) -> bool {
    DIFFERENCES.iter().any(|(listed, who)| listed.contains(&rules) && who.contains(&oracle))
}

/// What is wrong, in words.
fn compare(
    desk: &Desk,
    engine: Option<&OwnEngine>,
    rules: &[u8],
    ours: &Context,
    oracle: Oracle,
    program: &Path,
) -> Option<String> {
    let theirs = match oracle {
        Classic | LaterClassic => desk.classic(program),
        BuildKit => desk.buildkit(program, engine),
    };
    // The classic client always sends what the engine needs, and the engine takes it out of the image.
    let needed = |path: &String| path == "Dockerfile" || path == ".dockerignore";
    let only = |one: &Context, other: &Context| match (one, other) {
        (None, Some(_)) => vec!["refuses".to_owned()],
        (_, None) => Vec::new(),
        (Some(one), Some(other)) => {
            one.difference(other).filter(|path| oracle != BuildKit || !needed(path)).cloned().collect()
        }
    };
    let (we, it) = (only(ours, &theirs), only(&theirs, ours));
    let text = String::from_utf8_lossy(rules);
    let is_known = is_different(&text, oracle);
    let short: String = text.chars().take(60).collect();
    match (we.is_empty() && it.is_empty(), is_known) {
        (true, true) => Some(format!("{oracle:?}, {short:?}: no difference any more")),
        (false, false) => Some(format!("{oracle:?}, {short:?}: only we {we:?}, only it {it:?}")),
        _ => None,
    }
}

fn rules_are_read_as_the_docker_command_line_reads_them() -> Result<(), Failed> {
    let Some(program) = command_line(|version| version == 20) else {
        if std::env::var("CI").is_ok_and(|value| value == "true") {
            return Err("there is no docker command line 20.10 to ask, and CI=true does not allow to skip it".into());
        }
        eprintln!("\nSKIPPED 1 test: there is no docker command line 20.10 (Debian's docker.io) to ask.\n");
        return Ok(());
    };
    let mut oracles = vec![(Classic, program.clone()), (BuildKit, program)];
    oracles.extend(command_line(|version| version >= 23).map(|program| (LaterClassic, program)));
    let cases = ignore_cases::cases();
    for rules in DIFFERENCES.iter().flat_map(|(rules, _)| *rules) {
        assert!(cases.iter().any(|case| case == rules.as_bytes()), "{rules:?} is not asked about");
    }
    let wrong = ask(&cases, &oracles);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    Ok(())
}

/// Docker's classic client does not know this file, its BuildKit does.
fn the_ignore_file_of_the_dockerfile_wins() -> Result<(), Failed> {
    let desk = Desk::new();
    std::fs::write(desk.project.path().join(".dockerignore"), "a\n")?;
    std::fs::write(desk.project.path().join("Dockerfile.dockerignore"), "b\n.docker*\n")?;
    let ours = desk.ours().expect("sent");
    assert!(ours.contains("a") && !ours.contains("b"), "{ours:?}");
    if let Some(program) = command_line(|version| version == 20) {
        let engine = obstacle().is_none().then(|| OwnEngine::start(256));
        let theirs = desk.buildkit(&program, engine.as_ref()).expect("built");
        let missing: Vec<_> = ours.symmetric_difference(&theirs).filter(|path| *path != ".dockerignore").collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    Ok(())
}

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "ignore_oracle::rules_are_read_as_the_docker_command_line_reads_them",
            rules_are_read_as_the_docker_command_line_reads_them,
        ),
        Trial::test("ignore_oracle::the_ignore_file_of_the_dockerfile_wins", the_ignore_file_of_the_dockerfile_wins),
    ]
}
