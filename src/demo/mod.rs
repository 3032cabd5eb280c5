//! `tenantry demo`: the main job on real parts, from nothing but this machine. Starts the Management API in a
//! process of its own, writes a sample project, logs in, and plays the flow with keys or without.
//!
//! Whatever happens, nothing stays: the server removes every container, volume and image, and the folder goes.

mod headless;
pub mod sample;
mod server_process;

use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::api::BaseUrl;
use crate::logging;
use crate::model::Problem;
use crate::ops::Session;
use crate::settings::ContextKind;
use crate::telling::lines::Lines;
use crate::tui;
use crate::workspace::{Project, StateDirectory};
use server_process::ServerProcess;

/// How the demo is played.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Without keys, a line per event and step.
    pub headless: bool,
    /// Pay on the sandbox's page without a browser.
    pub auto_pay: bool,
}

/// Plays the demo until it is left or `stop` fires, and removes all that it made.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), Problem> {
    let folder = tempfile::Builder::new()
        .prefix("tenantry-demo-")
        .tempdir()
        .map_err(|error| Problem::new("No folder for the demo.").detail(error.to_string()).hint("Is the disk full?"))?;
    let lines = Lines::new();
    let log = logging::to_folder(folder.path());
    let result = play(options, folder.path(), &lines, &stop).await;
    drop(log);
    // The server has removed the folder already, where it came so far.
    drop(folder);
    result
}

async fn play(options: Options, folder: &Path, lines: &Lines, stop: &CancellationToken) -> Result<(), Problem> {
    let root = folder.join("project");
    let mut server = tokio::select! {
        () = stop.cancelled() => return Err(left()),
        started = ServerProcess::start(folder) => started?,
    };
    let leave = stop.child_token();
    // In a task of its own: a panic in it ends that task and not the cleaning up below.
    let mut flow = tokio::spawn(flow(options, root, server.ready.clone(), lines.clone(), leave.clone()));
    let result = tokio::select! {
        ended = &mut flow => ended.unwrap_or_else(|crashed| Err(crash(&crashed))),
        // On the screen the person sees that the API is gone, and leaves; nobody is there to do so here.
        status = server.crashed(), if options.headless => {
            leave.cancel();
            let _ = flow.await;
            Err(Problem::new("The demo's Management API crashed.").detail(status))
        }
    };
    if options.headless {
        lines.say("demo", "removing every container, volume, image and file");
    }
    server.stop().await?;
    result
}

async fn flow(
    options: Options,
    root: std::path::PathBuf,
    ready: server_process::Ready,
    lines: Lines,
    stop: CancellationToken,
) -> Result<(), Problem> {
    sample::write(&root, &ready.registry).await?;
    // Thrown away with the rest.
    let state = StateDirectory::at(root.with_file_name("state"));
    let base = BaseUrl::parse(&ready.api_url).map_err(|error| error.problem())?;
    if options.headless {
        lines.say("server", &format!("{base}, registry {}", ready.registry));
        lines.say("project", &root.display().to_string());
    }
    let session = Session::log_in(Project { root }, Some(state), base, ready.token).await?;
    if options.headless {
        return tokio::select! {
            () = stop.cancelled() => Err(left()),
            result = headless::play(&session, &lines, &stop) => result,
        };
    }
    let mut screen = tui::for_session(&session);
    screen.throw_away = true;
    screen.context_label = "sandbox".into();
    screen.look.kind = ContextKind::Sandbox;
    screen.auto_pay = options.auto_pay;
    screen.notice =
        Some(format!("Sample project: {} · change web/index.html, then d", session.project().root.display()));
    Box::pin(tui::run(Arc::new(session), screen, stop)).await.map(drop).map_err(|error| error.problem())
}

fn left() -> Problem {
    Problem::new("The demo was left before its end.").detail("Everything it made is removed.")
}

fn crash(error: &tokio::task::JoinError) -> Problem {
    Problem::new("The program crashed.")
        .detail(error.to_string())
        .hint("Everything the demo made is removed. Please report what stands above.")
}
