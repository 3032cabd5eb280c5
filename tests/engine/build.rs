//! Images are built with the classic builder, and builds that fail or are cancelled leave nothing behind.

use crate::project::{Project, is_vertex};
use crate::support::{Outcome, trial};
use libtest_mimic::Trial;
use tenantry::engine::{BuildErrorKind, EngineError};
use tenantry::model::progress::{BuildProgress, Builder, VertexState};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("build::an_unchanged_project_comes_from_the_cache", an_unchanged_project_comes_from_the_cache),
        trial("build::a_failing_step_says_which_and_with_what_code", a_failing_step_says_which_and_with_what_code),
        trial(
            "build::a_failure_does_not_take_what_another_build_made",
            a_failure_does_not_take_what_another_build_made,
        ),
        trial(
            "build::cancelling_in_the_middle_of_a_step_leaves_nothing",
            cancelling_in_the_middle_of_a_step_leaves_nothing,
        ),
        trial("build::mistakes_in_the_dockerfile_are_told_apart", mistakes_in_the_dockerfile_are_told_apart),
        trial("build::a_missing_dockerfile_is_named", a_missing_dockerfile_is_named),
        trial("build::removing_a_registrys_images_spares_other_names", removing_a_registrys_images_spares_other_names),
    ]
}

async fn an_unchanged_project_comes_from_the_cache() -> Outcome {
    let project = Project::with(Builder::Classic, &[("file", "text")]);
    project.dockerfile("COPY file /file\n");
    let (first, progress) = project.build().await;
    let first = first?;
    assert!(first.id.starts_with("sha256:") && first.id.len() == 71, "{}", first.id);
    assert_eq!(project.engine.image_id(&project.image().to_string()).await?, Some(first.id.clone()));
    assert!(is_vertex(&progress, "[3/4] COPY file /file", &VertexState::Running), "{progress:?}");
    assert!(progress.iter().any(|one| matches!(one, BuildProgress::Context { sent } if *sent >= 1024)));
    assert!(!is_vertex(&progress, "[3/", &VertexState::Cached));

    let (second, progress) = project.build().await;
    assert_eq!(second?.id, first.id);
    assert!(is_vertex(&progress, "[3/", &VertexState::Cached), "{progress:?}");
    project.clean_up().await;
    Ok(())
}

async fn a_failing_step_says_which_and_with_what_code() -> Outcome {
    let project = Project::with(Builder::Classic, &[]);
    project.add_step_program();
    project.dockerfile("COPY step /step\nRUN [\"/step\", \"exit\", \"3\"]\n");
    let (outcome, _) = project.build().await;
    let error = outcome.expect_err("the step fails");
    let EngineError::Build { kind, step, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*kind, BuildErrorKind::StepFailed { code: 3 });
    assert!(step.as_ref().is_some_and(|step| step.starts_with("Step 4/5: RUN")), "{step:?}");
    assert_eq!(project.left_behind().await, (0, 0));
    Ok(())
}

async fn a_failure_does_not_take_what_another_build_made() -> Outcome {
    let project = Project::with(Builder::Classic, &[]);
    project.add_step_program();
    project.dockerfile("COPY step /step\n");
    project.build().await.0?;
    project.dockerfile("COPY step /step\nRUN [\"/step\", \"exit\", \"3\"]\n");
    project.build().await.0.expect_err("the step fails");
    project.dockerfile("COPY step /step\n");
    let (_, progress) = project.build().await;
    assert!(is_vertex(&progress, "[3/", &VertexState::Cached), "{progress:?}");
    project.clean_up().await;
    Ok(())
}

async fn cancelling_in_the_middle_of_a_step_leaves_nothing() -> Outcome {
    let project = Project::with(Builder::Classic, &[]);
    project.add_step_program();
    project.dockerfile("COPY step /step\nRUN [\"/step\", \"wait\"]\n");
    let (progress, mut received) = mpsc::channel(4);
    let cancel = CancellationToken::new();
    let cancelling = async {
        while received
            .recv()
            .await
            .is_some_and(|one| !matches!(one, BuildProgress::Output { line, .. } if line == "waiting"))
        {}
        assert_eq!(project.left_behind().await.0, 1, "the step's container runs");
        cancel.cancel();
        received.close();
    };
    let building = project.engine.build(project.request(), &progress, &cancel);
    let (outcome, ()) = tokio::join!(building, cancelling);
    assert!(matches!(outcome, Err(EngineError::Cancelled)), "{outcome:?}");
    assert_eq!(project.left_behind().await, (0, 0));
    Ok(())
}

async fn mistakes_in_the_dockerfile_are_told_apart() -> Outcome {
    for (dockerfile, kind) in [
        ("FROM scratch\nCOPY missing /\n", BuildErrorKind::CopySourceMissing),
        ("FROM scratch\nCOPY *.missing /\n", BuildErrorKind::CopySourceMissing),
        ("FROM scratch\nKOPY a b\n", BuildErrorKind::UnknownInstruction),
        ("FROM 127.0.0.1:1/none:t\nCOPY . /\n", BuildErrorKind::BaseImage),
    ] {
        let project = Project::with(Builder::Classic, &[("Dockerfile", dockerfile)]);
        let error = project.build().await.0.expect_err(dockerfile);
        let EngineError::Build { kind: found, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*found, kind, "{error}");
        assert!(error.problem().hint.is_some());
    }
    Ok(())
}

async fn a_missing_dockerfile_is_named() -> Outcome {
    let project = Project::with(Builder::Classic, &[("file", "text")]);
    let error = project.build().await.0.expect_err("no Dockerfile");
    let detail = error.problem().detail.unwrap_or_default();
    assert!(detail.contains(&project.path().join("Dockerfile").display().to_string()), "{detail}");
    Ok(())
}

async fn removing_a_registrys_images_spares_other_names() -> Outcome {
    let project = Project::with(Builder::Classic, &[("file", "text")]);
    project.dockerfile("COPY file /file\n");
    let id = project.build().await.0?.id;
    let elsewhere = format!("elsewhere.invalid/{}", project.registry.split('.').next().unwrap_or_default());
    let tag = bollard::query_parameters::TagImageOptionsBuilder::default().repo(&elsewhere).tag("t").build();
    project.docker.tag_image(&id, Some(tag)).await?;
    assert_eq!(project.engine.images_for_registry(&project.registry).await?, std::slice::from_ref(&id));
    project.engine.remove_images_for_registry(&project.registry).await?;
    assert_eq!(project.engine.image_id(&project.image().to_string()).await?, None);
    assert_eq!(project.engine.image_id(&format!("{elsewhere}:t")).await?, Some(id));
    project.engine.remove_image(&format!("{elsewhere}:t")).await?;
    project.engine.remove_image(&format!("{elsewhere}:t")).await?;
    project.clean_up().await;
    Ok(())
}
