//! Builds at a stand-in for the engine, for what a real one cannot be made to do at the right moment.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex};
use prost::Message;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::build::{BuildRequest, BuiltImage};
use crate::engine::connect::Engine;
use crate::engine::error::{BuildErrorKind, EngineError};
use crate::engine::fake::{self, Call};
use crate::model::ImageReference;
use crate::model::progress::{BuildProgress, Builder};

/// Connections that the engine keeps open.
type Held = Arc<Mutex<Vec<Call>>>;

/// Builds, and cancels at the first vertex.
async fn build(engine: &Engine, cancel: &CancellationToken) -> (Result<BuiltImage, EngineError>, Vec<BuildProgress>) {
    let project = tempfile::tempdir().unwrap();
    std::fs::write(project.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let image = ImageReference::new("127.0.0.1:5000", "app", "t").unwrap();
    let request = BuildRequest {
        builder: Some(Builder::BuildKit),
        ..BuildRequest::new(project.path().to_owned(), "Dockerfile", image)
    };
    let (progress, mut received) = mpsc::channel(1);
    let reading = async {
        let mut all = Vec::new();
        while let Some(one) = received.recv().await {
            if matches!(one, BuildProgress::Vertex(_)) {
                cancel.cancel();
            }
            all.push(one);
        }
        all
    };
    let building = async move { engine.build(request, &progress, cancel).await };
    tokio::join!(building, reading)
}

/// Takes sessions; `answer` is given the builds, and a build that is cancelled ends.
fn engine<F, Fut>(held: &Held, answer: F) -> fake::Engine
where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<Call>> + Send + 'static,
{
    let (held, answer) = (held.clone(), Arc::new(answer));
    fake::Engine::start(move |mut call| {
        let (held, answer) = (held.clone(), answer.clone());
        async move {
            if call.line.starts_with("POST /session ") {
                call.upgrade().await;
                held.lock().unwrap().push(call);
            } else if call.line.starts_with("POST /build/cancel?id=") {
                call.answer("200 OK", "").await;
                held.lock().unwrap().truncate(1);
            } else if let Some(call) = answer(call).await {
                held.lock().unwrap().push(call);
            }
        }
    })
}

/// The session is held first; its other end must be gone.
async fn session_is_closed(held: &Held) {
    let mut session = held.lock().unwrap().remove(0);
    assert!(session.head.contains("h2c"), "{}", session.head);
    session.read_to_end().await;
}

#[tokio::test]
async fn an_engine_that_dies_in_the_middle_is_lost() {
    let held = Held::default();
    let engine = engine(&held, |mut call| async move {
        call.begin().await;
        None
    });
    let (outcome, progress) = build(&engine.connect(), &CancellationToken::new()).await;
    assert!(matches!(outcome, Err(EngineError::Lost { .. })), "{outcome:?}");
    assert_eq!(progress, [BuildProgress::Began { builder: Builder::BuildKit }]);
    session_is_closed(&held).await;
}

#[tokio::test]
async fn a_build_that_ends_without_an_image_is_lost() {
    let held = Held::default();
    let engine = engine(&held, |mut call| async move {
        call.begin().await;
        call.end().await;
        None
    });
    let (outcome, _) = build(&engine.connect(), &CancellationToken::new()).await;
    assert!(matches!(outcome, Err(EngineError::Lost { .. })), "{outcome:?}");
    session_is_closed(&held).await;
}

#[tokio::test]
async fn the_image_and_the_failure_are_read_and_the_session_is_closed() {
    for (line, is_built) in [
        (r#"{"id":"moby.image.id","aux":{"ID":"sha256:ab"}}"#, true),
        (r#"{"errorDetail":{"message":"failed to solve: unknown instruction: KOPY"},"error":""}"#, false),
    ] {
        let held = Held::default();
        let engine = engine(&held, move |mut call| async move {
            assert!(call.line.contains("session=") && call.line.contains("version=2"), "{}", call.line);
            call.begin().await;
            call.piece(line).await;
            call.end().await;
            None
        });
        let (outcome, _) = build(&engine.connect(), &CancellationToken::new()).await;
        match outcome {
            Ok(built) => {
                assert!(is_built);
                assert_eq!(built, BuiltImage { id: "sha256:ab".into(), builder: Builder::BuildKit });
            }
            Err(EngineError::Build { kind: BuildErrorKind::UnknownInstruction, message, .. }) => {
                assert_eq!((is_built, message.as_str()), (false, "unknown instruction: KOPY"));
            }
            Err(other) => panic!("{other:?}"),
        }
        session_is_closed(&held).await;
    }
}

#[tokio::test]
async fn a_build_that_is_cancelled_waits_for_the_engine_and_closes_its_session() {
    let held = Held::default();
    let engine = engine(&held, |mut call| async move {
        let vertexes = vec![Vertex { digest: "sha256:1".into(), name: "[1/1] RUN x".into(), ..Vertex::default() }];
        let trace = StatusResponse { vertexes, ..StatusResponse::default() };
        let encoded = STANDARD.encode(trace.encode_to_vec());
        call.begin().await;
        call.piece(&format!("{{\"id\":\"moby.buildkit.trace\",\"aux\":\"{encoded}\"}}\n")).await;
        Some(call)
    });
    let (outcome, _) = build(&engine.connect(), &CancellationToken::new()).await;
    assert!(matches!(outcome, Err(EngineError::Cancelled)), "{outcome:?}");
    session_is_closed(&held).await;
    assert!(held.lock().unwrap().is_empty(), "the build had ended");
}

#[tokio::test]
async fn an_engine_without_sessions_says_so() {
    let engine = fake::Engine::start(|mut call| async move {
        call.answer("404 Not Found", r#"{"message":"page not found"}"#).await;
    });
    let (outcome, _) = build(&engine.connect(), &CancellationToken::new()).await;
    let error = outcome.expect_err("there are no sessions");
    assert!(matches!(&error, EngineError::Build { kind: BuildErrorKind::NoBuildKit, .. }), "{error:?}");
    assert!(error.problem().hint.is_some_and(|hint| hint.contains("classic")));
}

#[tokio::test]
async fn the_builder_is_what_the_engine_has() {
    for (name, api, system, session, expected) in [
        ("Engine", "1.41", "linux", "400 Bad Request", Builder::BuildKit),
        ("Engine", "1.39", "linux", "500 Internal Server Error", Builder::BuildKit),
        ("Engine", "1.38", "linux", "400 Bad Request", Builder::Classic),
        ("Engine", "1.41", "windows", "400 Bad Request", Builder::Classic),
        ("Engine", "1.41", "linux", "404 Not Found", Builder::Classic),
        ("Podman Engine", "1.41", "linux", "400 Bad Request", Builder::Classic),
    ] {
        let version = format!(
            r#"{{"Components":[{{"Name":"{name}","Version":"1"}}],"ApiVersion":"{api}","Os":"{system}","Arch":"amd64"}}"#
        );
        let engine = fake::Engine::start(move |mut call| {
            let version = version.clone();
            async move {
                if call.line.contains("/version ") {
                    return call.answer("200 OK", &version).await;
                }
                assert!(call.line.starts_with("POST /session "), "{}", call.line);
                call.answer(session, r#"{"message":"no upgrade proto in request"}"#).await;
            }
        });
        assert_eq!(engine.connect().builder().await.unwrap(), expected, "{name} {api} {system} {session}");
    }
}
