//! What is in the image is what the ignore file leaves, with links as links.

use crate::project::Project;
use crate::support::trial;
use libtest_mimic::Trial;
use std::os::unix::fs::symlink;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("context::the_ignore_file_decides_what_is_in_the_image", || async {
            let project = Project::new(&[
                (
                    ".dockerignore",
                    "# ours\n.env*\n**/*.pem\ntarget\n!target/release/app\ndocs\nDockerfile\n.dockerignore\n",
                ),
                (".env.local", "SECRET=1"),
                ("keys/tls.pem", "SECRET"),
                ("keys/readme", "public"),
                ("target/release/app", "program"),
                ("target/release/deps/app", "program"),
                ("docs/a/b", "text"),
                ("web/docs/index", "text"),
            ]);
            project.dockerfile("COPY . /\n");
            symlink("../outside", project.path().join("web/link"))?;
            project.build().await.0?;
            assert_eq!(
                project.content().await,
                ["keys/readme", "target/release/app", "web/docs/index", "web/link -> ../outside"]
            );
            project.clean_up().await;
            Ok(())
        }),
        trial("context::a_dockerfile_below_the_root_brings_its_own_ignore_file", || async {
            let project = Project::new(&[
                (".dockerignore", "kept\n.systemprompt"),
                ("deploy/Dockerfile.dockerignore", "dropped\ndeploy\n.dockerignore"),
                ("kept", "text"),
                ("dropped", "text"),
            ]);
            project.dockerfile("COPY . /\n");
            std::fs::rename(project.path().join("Dockerfile"), project.path().join("deploy/Dockerfile"))?;
            let mut request = project.request();
            request.dockerfile = "deploy/Dockerfile".into();
            let (progress, received) = tokio::sync::mpsc::channel(1);
            drop(received);
            project.engine.build(request, &progress, &tokio_util::sync::CancellationToken::new()).await?;
            let content = project.content().await;
            assert!(content.contains(&"kept".to_owned()), "{content:?}");
            assert!(!content.contains(&"dropped".to_owned()), "{content:?}");
            project.clean_up().await;
            Ok(())
        }),
    ]
}
