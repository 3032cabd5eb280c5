//! An engine that is away for a while under a running server, as when it is restarted: a socket between them that can be
//! cut.

use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::checklist::{Person, text, within};
use crate::sample::Image;
use crate::support::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    vec![trial("lost_engine::what_happened_meanwhile_is_noticed_and_measuring_goes_on", meanwhile)]
}

/// Passes everything on to the engine while it is open; cuts all connections when it is not.
struct Between {
    directory: tempfile::TempDir,
    is_open: watch::Sender<bool>,
    _task: AbortOnDropHandle<()>,
}

impl Between {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(directory.path().join("docker.sock")).expect("listens");
        let (is_open, opened) = watch::channel(true);
        let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
        let engine = PathBuf::from(host.strip_prefix("unix://").expect("an engine with a socket"));
        let task = tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let (engine, mut opened) = (engine.clone(), opened.clone());
                tokio::spawn(async move {
                    if !*opened.borrow_and_update() {
                        return;
                    }
                    let Ok(mut there) = UnixStream::connect(engine).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                        _ = opened.wait_for(|is_open| !is_open) => {}
                    }
                });
            }
        });
        Self { directory, is_open, _task: AbortOnDropHandle::new(task) }
    }

    fn host(&self) -> String {
        format!("unix://{}", self.directory.path().join("docker.sock").display())
    }
}

async fn meanwhile() -> Outcome {
    let between = Between::start();
    let (server, person) = Person::at_with(&["--metrics-interval", "1"], Some(between.host())).await?;
    let (id, _) = person.buy().await?;
    person.push(&id, &Image::default()).await?;
    let (status, answer) = person.deploy(&id).await;
    assert_eq!(status, 200, "{answer}");
    let path = format!("/api/v1/tenants/{id}");
    let metrics = format!("{path}/metrics");
    assert_eq!(person.get(&metrics).await["data"]["machine_state"], "started");

    between.is_open.send_replace(false);
    within("the engine is missed", async {
        while person.call(Method::GET, &metrics, None).await.0 != 503 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_eq!(person.phase(&id).await, "running", "who cannot be asked has not stopped");
    let machine = text(&person.get(&path).await["data"]["fly_machine_id"]);
    person.docker.stop_container(&machine, None).await?;
    between.is_open.send_replace(true);

    person.wait_for_phase(&id, "failed_deploy").await;
    let why = text(&person.get(&path).await["data"]["last_error"]);
    assert!(why.starts_with("the machine does not run any more: it ended with exit code"), "{why}");
    assert_eq!(person.get(&metrics).await["data"]["machine_state"], "stopped");
    let (status, answer) = person.call(Method::POST, &format!("{path}/restart"), None).await;
    assert_eq!((status, answer), (200, json!({ "status": "restarting" })));
    person.wait_for_phase(&id, "running").await;
    within("new points", async {
        while person.get(&metrics).await["data"]["machine_state"] != "started" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    person.delete(&id).await;
    person.wait_for_things((0, 0)).await;
    // Its end waits for the child process, and the engine's connections go through this runtime.
    tokio::task::spawn_blocking(move || drop(server)).await?;
    Ok(())
}
