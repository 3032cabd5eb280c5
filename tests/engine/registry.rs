//! Real pushes and pulls: the engine is the registry's client.

use libtest_mimic::Trial;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use tenantry::engine::ContainerError;
use tenantry::model::Secret;
use tenantry::server::registry::{Access, USER};

use crate::sample::{Image, in_world, tenant};
use crate::support::{Outcome, trial};

async fn command_line(world: World) -> Outcome {
    let configuration = tempfile::tempdir()?;
    let docker = |arguments: &[&str], input: &str| -> Result<Output, std::io::Error> {
        let mut child = Command::new("docker")
            .env("DOCKER_CONFIG", configuration.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // Closed at once, so that the password ends.
        child.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?.write_all(input.as_bytes())?;
        child.wait_with_output()
    };
    match docker(&["--version"], "") {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: there is no docker command to log in with");
            return Ok(());
        }
        version => assert!(version?.status.success()),
    }
    let login = ["login", &world.host, "--username", USER, "--password-stdin"];
    assert!(!docker(&login, "wrong")?.status.success());
    assert!(docker(&login, world.token("a", Access::Push).reveal())?.status.success());
    world.build("a", &Image::default()).await?;
    let image = format!("{}:tenant-a", world.repository());
    assert!(docker(&["push", &image], "")?.status.success());
    world.remove_local(&image).await?;
    let digest = world.registry.digest_of(&tenant("a")).await.ok_or("nothing was pushed")?;
    for reference in [image, format!("{}@{digest}", world.repository())] {
        let pulled = docker(&["pull", &reference], "")?;
        assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    }
    Ok(())
}

type World = std::sync::Arc<crate::sample::World>;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("registry::what_the_engine_pushed_it_can_pull_by_its_digest", || {
            in_world(|world| async move {
                let image = world.publish("a", &Image::default()).await?;
                assert_eq!(world.engine.image_id(&image).await?, None, "it is no longer here");
                world.pull(&image, world.token("a", Access::Pull)).await?;
                assert!(world.engine.image_id(&image).await?.is_some());
                Ok(())
            })
        }),
        trial("registry::a_second_push_moves_the_tag_and_keeps_the_first_digest", || {
            in_world(|world| async move {
                let first = world.publish("a", &Image::default()).await?;
                let second = world.publish("a", &Image { page: "changed", ..Image::default() }).await?;
                assert_ne!(first, second);
                world.pull(&first, world.token("a", Access::Pull)).await?;
                Ok(())
            })
        }),
        trial("registry::two_tenants_can_push_the_same_image", || {
            in_world(|world| async move {
                let first = world.publish("a", &Image::default()).await?;
                // The engine remembers what it pushed where, and may ask for blobs that only the other tenant has.
                let second = world.publish("b", &Image::default()).await?;
                for (id, image) in [("a", first), ("b", second)] {
                    world.pull(&image, world.token(id, Access::Pull)).await?;
                    world.remove_local(&image).await?;
                }
                Ok(())
            })
        }),
        trial("registry::without_a_good_token_nothing_moves", || {
            in_world(|world| async move {
                world.build("a", &Image::default()).await?;
                for token in [Secret::new("wrong"), Secret::new("~~~???>>>"), world.token("a", Access::Pull)] {
                    assert!(world.push("a", &token).await.is_err());
                }
                assert_eq!(world.registry.digest_of(&tenant("a")).await, None);
                let image = world.publish("a", &Image::default()).await?;
                let pulled = world.pull(&image, Secret::new("wrong")).await;
                assert!(matches!(pulled, Err(ContainerError::PullDenied { .. })), "{pulled:?}");
                let pulled = world.pull(&image, world.token("b", Access::Pull)).await;
                assert!(matches!(pulled, Err(ContainerError::PullFailed { .. })), "{pulled:?}");
                assert_eq!(world.engine.image_id(&image).await?, None);
                Ok(())
            })
        }),
        trial("registry::the_docker_command_line_logs_in_pushes_and_pulls", || in_world(command_line)),
        trial("registry::another_tenants_tag_is_out_of_reach", || {
            in_world(|world| async move {
                world.build("a", &Image::default()).await?;
                let refused = world.push("a", &world.token("b", Access::Push)).await;
                let words = refused.expect_err("b pushed as a");
                assert!(words.contains("denied") && words.contains("tenant-b"), "{words}");
                assert_eq!(world.registry.digest_of(&tenant("a")).await, None);
                Ok(())
            })
        }),
    ]
}
