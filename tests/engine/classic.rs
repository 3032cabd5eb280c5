//! What may be asked of a build reaches the classic builder, or is refused in words.

use crate::project::{Project, is_vertex};
use crate::support::{Outcome, trial};
use libtest_mimic::Trial;
use tenantry::engine::{BuildErrorKind, BuildRequest, BuildSecret, BuiltImage, EngineError};
use tenantry::model::Secret;
use tenantry::model::progress::{BuildProgress, Builder, VertexState};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("classic::arguments_reach_the_dockerfile", arguments_reach_the_dockerfile),
        trial("classic::the_stage_that_is_named_is_built", the_stage_that_is_named_is_built),
        trial("classic::the_platform_that_is_named_is_what_counts", the_platform_that_is_named_is_what_counts),
        trial("classic::a_cold_build_takes_nothing_from_the_cache", a_cold_build_takes_nothing_from_the_cache),
        trial("classic::secrets_are_refused_before_anything_is_sent", secrets_are_refused_before_anything_is_sent),
    ]
}

async fn build(project: &Project, request: BuildRequest) -> (Result<BuiltImage, EngineError>, Vec<BuildProgress>) {
    let (progress, mut received) = mpsc::channel(4);
    let cancel = CancellationToken::new();
    let request = BuildRequest { builder: Some(Builder::Classic), ..request };
    let building = async move { project.engine.build(request, &progress, &cancel).await };
    let reading = async {
        let mut all = Vec::new();
        while let Some(one) = received.recv().await {
            all.push(one);
        }
        all
    };
    tokio::join!(building, reading)
}

/// A label of the project's image.
async fn label(project: &Project, name: &str) -> Option<String> {
    let image = project.docker.inspect_image(&project.image().to_string()).await.unwrap();
    image.config.and_then(|config| config.labels)?.get(name).cloned()
}

async fn platform(project: &Project, image: &str) -> String {
    let image = project.docker.inspect_image(image).await.unwrap();
    format!("{}/{}", image.os.unwrap_or_default(), image.architecture.unwrap_or_default())
}

async fn arguments_reach_the_dockerfile() -> Outcome {
    let project = Project::new(&[]);
    project.dockerfile("ARG WHO=nobody\nARG WHAT\nARG NOT=given\nLABEL said=\"$WHO $WHAT $NOT\"\n");
    let args = vec![("WHO".into(), "Ada & \"Grace\"".into()), ("WHAT".into(), "a=b".into())];
    build(&project, BuildRequest { args, ..project.request() }).await.0?;
    assert_eq!(label(&project, "said").await.as_deref(), Some("Ada & \"Grace\" a=b given"));
    project.clean_up().await;
    Ok(())
}

async fn the_stage_that_is_named_is_built() -> Outcome {
    let project = Project::new(&[]);
    let stage = |name: &str| format!("FROM scratch AS {name}\nLABEL test.project={} stage={name}\n", project.registry);
    project.write("Dockerfile", &format!("{}{}", stage("first"), stage("last")));
    build(&project, BuildRequest { target: Some("first".into()), ..project.request() }).await.0?;
    assert_eq!(label(&project, "stage").await.as_deref(), Some("first"));
    let outcome = build(&project, BuildRequest { target: Some("none".into()), ..project.request() }).await.0;
    let error = outcome.expect_err("no such stage");
    assert!(matches!(&error, EngineError::Build { message, .. } if message.contains("none")), "{error:?}");
    project.clean_up().await;
    Ok(())
}

async fn the_platform_that_is_named_is_what_counts() -> Outcome {
    let project = Project::new(&[("file", "text")]);
    project.dockerfile("COPY file /file\n");
    let own = project.engine.ping().await?.platform;
    build(&project, BuildRequest { platform: Some(own.clone()), ..project.request() }).await.0?;
    // The classic builder of 20.10 takes what it has in its cache, whatever that is for, and where it has nothing it does
    // not go on from the image that it began.
    let other = if own.ends_with("arm64") { "linux/amd64" } else { "linux/arm64" };
    for no_cache in [false, true] {
        let request = BuildRequest { platform: Some(other.into()), no_cache, ..project.request() };
        match build(&project, request).await.0 {
            Ok(built) => assert_eq!(platform(&project, &built.id).await, other),
            Err(error) => {
                let EngineError::Build { kind, message, .. } = &error else { panic!("{error:?}") };
                assert_eq!(*kind, BuildErrorKind::NeedsBuildKit, "{error:?}");
                assert!(message.contains(other) && message.contains(&own), "{message}");
            }
        }
    }
    // Nothing for the wrong platform has the name now.
    if let Some(id) = project.engine.image_id(&project.image().to_string()).await? {
        assert_eq!(platform(&project, &id).await, other);
    }
    let request = BuildRequest { platform: Some("no such/thing/at/all".into()), ..project.request() };
    let error = build(&project, request).await.0.expect_err("no such platform");
    assert!(matches!(&error, EngineError::Build { message, .. } if message.contains("thing")), "{error:?}");
    project.clean_up().await;
    Ok(())
}

async fn a_cold_build_takes_nothing_from_the_cache() -> Outcome {
    let project = Project::new(&[("file", "text")]);
    project.dockerfile("COPY file /file\n");
    let cached = |said: &[BuildProgress]| is_vertex(said, "[3/", &VertexState::Cached);
    build(&project, project.request()).await.0?;
    let (warm, said) = build(&project, project.request()).await;
    let warm = warm?;
    assert!(cached(&said), "{said:?}");
    let (cold, said) = build(&project, BuildRequest { no_cache: true, ..project.request() }).await;
    assert!(!cached(&said), "{said:?}");
    assert_ne!(warm.id, cold?.id);
    project.engine.remove_image(&warm.id).await?;
    project.clean_up().await;
    Ok(())
}

async fn secrets_are_refused_before_anything_is_sent() -> Outcome {
    let project = Project::new(&[]);
    project.dockerfile("LABEL a=b\n");
    let secrets = vec![BuildSecret { id: "token".into(), value: Secret::new("hunter2") }];
    let (outcome, said) = build(&project, BuildRequest { secrets, ..project.request() }).await;
    let error = outcome.expect_err("the classic builder has no secrets");
    assert!(matches!(&error, EngineError::Build { kind: BuildErrorKind::NeedsBuildKit, .. }), "{error:?}");
    assert!(!said.iter().any(|one| matches!(one, BuildProgress::Context { .. })), "{said:?}");
    let problem = error.problem();
    assert_eq!(problem.title, "This build needs BuildKit.");
    assert!(problem.hint.is_some());
    assert_eq!(project.left_behind().await, (0, 0));
    Ok(())
}
