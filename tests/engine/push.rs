//! Pushes that cannot succeed say why.

use crate::project::Project;
use crate::support::trial;
use bollard::query_parameters::TagImageOptionsBuilder;
use libtest_mimic::Trial;
use std::net::TcpListener;
use tenantry::engine::{Credentials, EngineError, PushErrorKind};
use tenantry::model::{Digest, ImageReference, Secret};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

async fn push(project: &Project, image: &ImageReference) -> Result<Digest, EngineError> {
    let credentials = Credentials { username: "tenant".into(), password: Secret::new("p?~") };
    let (progress, received) = mpsc::channel(1);
    drop(received);
    project.engine.push(image, &credentials, &progress, &CancellationToken::new()).await
}

pub fn trials() -> Vec<Trial> {
    vec![
        trial("push::a_registry_that_does_not_answer_is_named", || async {
            let project = Project::new(&[("file", "text")]);
            project.dockerfile("COPY file /file\n");
            let id = project.build().await.0?.id;
            // Bound and not listening for long: the port is free, and nobody answers on it.
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let image = ImageReference::new(&format!("127.0.0.1:{port}"), "team/app", "t")?;
            let tag = TagImageOptionsBuilder::default().repo(&image.name()).tag(image.tag()).build();
            project.docker.tag_image(&id, Some(tag)).await?;
            let outcome = push(&project, &image).await;
            project.engine.remove_image(&image.to_string()).await?;
            project.clean_up().await;

            let error = outcome.expect_err("nobody answers");
            assert!(matches!(&error, EngineError::Push { kind: PushErrorKind::Refused, .. }), "{error:?}");
            let problem = error.problem();
            assert!(problem.title.contains(image.registry()) && problem.hint.is_some(), "{problem:?}");
            Ok(())
        }),
        trial("push::an_image_that_was_never_built_is_said_so", || async {
            let project = Project::new(&[]);
            let error = push(&project, &project.image()).await.expect_err("no image");
            assert!(matches!(&error, EngineError::Push { kind: PushErrorKind::NoImage, .. }), "{error:?}");
            Ok(())
        }),
    ]
}
