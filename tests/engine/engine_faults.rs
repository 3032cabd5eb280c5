//! The engine dies, or its disk is full, in the middle of the work: each ends soon, with an error that says so, and
//! nothing stays. Each test has an engine of its own.

use libtest_mimic::{Failed, Trial};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tenantry::engine::{BuildErrorKind, BuildRequest, BuiltImage, Credentials, EngineError};
use tenantry::model::progress::{BuildProgress, Builder};
use tenantry::model::{ImageReference, Secret};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::own_engine::{OwnEngine, obstacle};
use crate::project;

/// Who builds. Every build fault is tried with each.
const BUILDERS: &[Builder] = &[Builder::Classic, Builder::BuildKit];

/// Longest time from the fault to the error.
const SOON: Duration = Duration::from_secs(10);

const MB: u64 = 1024 * 1024;

/// A project and an engine to build it on.
struct Place {
    engine: OwnEngine,
    project: tempfile::TempDir,
    builder: Builder,
}

impl Place {
    fn new(builder: Builder, megabytes: u32, dockerfile: &str) -> Self {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("Dockerfile"), dockerfile).unwrap();
        std::fs::copy(project::step_program(), project.path().join("step")).unwrap();
        Self { engine: OwnEngine::start(megabytes), project, builder }
    }

    /// A file of zero bytes that takes no room here.
    fn file(&self, name: &str, bytes: u64) {
        std::fs::File::create(self.project.path().join(name)).unwrap().set_len(bytes).unwrap();
    }

    /// Builds, and calls `fault` once `until` holds for something said. What comes back is the error and when it came
    /// after the fault.
    async fn build(
        &mut self,
        until: impl Fn(&BuildProgress) -> bool,
        mut fault: impl FnMut(&mut OwnEngine),
    ) -> (Result<BuiltImage, EngineError>, Duration) {
        let (progress, mut received) = mpsc::channel(1);
        let connection = self.engine.connect();
        let request = request(self.project.path(), self.builder);
        let cancel = CancellationToken::new();
        let building = async move { connection.build(request, &progress, &cancel).await };
        let watching = async {
            let mut fault_at = None;
            while let Some(said) = received.recv().await {
                if fault_at.is_none() && until(&said) {
                    fault(&mut self.engine);
                    fault_at = Some(Instant::now());
                }
            }
            fault_at
        };
        let (outcome, fault_at) = tokio::join!(building, watching);
        (outcome, fault_at.map(|at| at.elapsed()).unwrap_or_default())
    }
}

fn request(context: &Path, builder: Builder) -> BuildRequest {
    BuildRequest { builder: Some(builder), ..BuildRequest::new(context.to_owned(), "Dockerfile", image("127.0.0.1:1")) }
}

fn image(registry: &str) -> ImageReference {
    ImageReference::new(registry, "team/app", "t").unwrap()
}

fn assert_lost(outcome: Result<BuiltImage, EngineError>, took: Duration) {
    let error = outcome.expect_err("the engine is gone");
    assert!(matches!(error, EngineError::Lost { .. }), "{error:?}");
    let problem = error.problem();
    assert_eq!(problem.title, "Docker stopped answering.");
    assert!(problem.hint.is_some(), "{problem:?}");
    assert!(took < SOON, "{took:?}");
}

async fn killed_while_the_context_is_sent(builder: Builder) {
    let mut place = Place::new(builder, 1024, "FROM scratch\nCOPY . /\n");
    place.file("big", 512 * MB);
    let under_way = |said: &BuildProgress| matches!(said, BuildProgress::Context { sent } if *sent > MB);
    let (outcome, took) = place.build(under_way, OwnEngine::kill).await;
    assert_lost(outcome, took);
}

async fn killed_in_a_step(builder: Builder) {
    let dockerfile = "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"wait\"]\n";
    let mut place = Place::new(builder, 256, dockerfile);
    let runs = |said: &BuildProgress| matches!(said, BuildProgress::Output { line, .. } if line.contains("waiting"));
    let (outcome, took) = place
        .build(runs, |engine| {
            assert_eq!(engine.steps().len(), 1, "the step runs");
            engine.kill();
        })
        .await;
    assert_lost(outcome, took);
    assert!(place.engine.steps().is_empty(), "the step is gone with its engine");
}

/// The context fits and the image does not, or not even the context does.
async fn the_disk_is_full(builder: Builder) {
    for (megabytes, name) in [(48, "context"), (80, "step")] {
        let mut place = Place::new(builder, megabytes, "FROM scratch\nCOPY . /\n");
        place.file("big", 50 * MB);
        let begun = Instant::now();
        let (outcome, _) = place.build(|_| false, |_| {}).await;
        let error = outcome.expect_err(name);
        assert!(matches!(&error, EngineError::Build { kind: BuildErrorKind::NoSpace, .. }), "{name}: {error:?}");
        let problem = error.problem();
        assert_eq!(problem.title, "Docker's disk is full.");
        assert!(problem.hint.is_some_and(|hint| hint.contains("docker system df")));
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert!(place.engine.steps().is_empty());
    }
}

async fn stopped_before(builder: Builder) {
    let mut place = Place::new(builder, 64, "FROM scratch\nCOPY . /\n");
    let connection = place.engine.connect();
    place.engine.kill();
    let (progress, received) = mpsc::channel(1);
    drop(received);
    let begun = Instant::now();
    let request = request(place.project.path(), builder);
    let error = connection.build(request, &progress, &CancellationToken::new()).await.expect_err("it is stopped");
    assert_eq!(error.problem().title, "Docker does not answer.", "{error:?}");
    let error = connection.ping().await.expect_err("it is stopped");
    assert_eq!(error.problem().title, "Docker does not answer.", "{error:?}");
    assert!(begun.elapsed() < SOON);
}

async fn killed_in_a_push() {
    let mut place = Place::new(Builder::Classic, 256, "FROM scratch\nCOPY step /step\n");
    let (listener, address) = place.engine.listen();
    let registry = address.to_string();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || stalling_registry(&listener, begun));

    let connection = place.engine.connect();
    let (progress, received) = mpsc::channel(1);
    drop(received);
    let request = BuildRequest { image: image(&registry), ..request(place.project.path(), Builder::Classic) };
    connection.build(request, &progress, &CancellationToken::new()).await.expect("an image");

    let (progress, received) = mpsc::channel(1);
    drop(received);
    let credentials = Credentials { username: "tenant".into(), password: Secret::new("p") };
    let (reference, cancel) = (image(&registry), CancellationToken::new());
    let killing = async {
        has_begun.await.expect("an upload");
        place.engine.kill();
        Instant::now()
    };
    let (outcome, killed_at) = tokio::join!(connection.push(&reference, &credentials, &progress, &cancel), killing);
    let error = outcome.expect_err("the engine is gone");
    assert!(matches!(error, EngineError::Lost { .. }), "{error:?}");
    assert_eq!(error.problem().title, "Docker stopped answering.");
    assert!(killed_at.elapsed() < SOON, "{:?}", killed_at.elapsed());
}

/// A registry that lacks every blob, and takes no more of the first one than its beginning.
fn stalling_registry(listener: &std::net::TcpListener, begun: tokio::sync::oneshot::Sender<()>) {
    let mut begun = Some(begun);
    for mut stream in listener.incoming().map_while(Result::ok) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
            head.push(byte[0]);
        }
        let answer = match head.split(|byte| *byte == b' ').next() {
            Some(b"GET") => "200 OK\r\n",
            Some(b"POST") => "202 Accepted\r\nLocation: /v2/team/app/blobs/uploads/1\r\nDocker-Upload-UUID: 1\r\n",
            Some(b"PATCH") => {
                begun.take().map(|begun| begun.send(()));
                // Until the engine is gone.
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
                return;
            }
            _ => "404 Not Found\r\n",
        };
        let _ = write!(stream, "HTTP/1.1 {answer}Connection: close\r\nContent-Length: 0\r\n\r\n");
    }
}

fn run<F: Future<Output = ()>>(test: F) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(test);
    Ok(())
}

pub fn trials() -> Vec<Trial> {
    if let Some(obstacle) = obstacle() {
        return vec![Trial::test("engine_faults::an_engine_of_their_own", move || {
            if std::env::var("CI").is_ok_and(|value| value == "true") {
                return Err(format!("{obstacle}, and CI=true does not allow to skip these tests").into());
            }
            eprintln!("\nSKIPPED {} tests of an engine that dies: {obstacle}.\n", BUILDERS.len() * 4 + 1);
            Ok(())
        })];
    }
    let mut trials = vec![Trial::test("engine_faults::killed_in_a_push", || run(killed_in_a_push()))];
    for builder in BUILDERS.iter().copied() {
        let named = |name: &str| format!("engine_faults::{name}::{builder}");
        trials.extend([
            Trial::test(named("killed_while_the_context_is_sent"), move || {
                run(killed_while_the_context_is_sent(builder))
            }),
            Trial::test(named("killed_in_a_step"), move || run(killed_in_a_step(builder))),
            Trial::test(named("the_disk_is_full"), move || run(the_disk_is_full(builder))),
            Trial::test(named("stopped_before"), move || run(stopped_before(builder))),
        ]);
    }
    trials
}
