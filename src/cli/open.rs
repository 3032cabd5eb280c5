//! `tenantry` without a command: the full-screen program on the project of the working directory.

use std::io::IsTerminal;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::model::Problem;
use crate::ops::Session;
use crate::tui;
use crate::workspace::Project;

pub(super) async fn run(stop: CancellationToken) -> Result<(), Problem> {
    if !std::io::stdout().is_terminal() {
        return Err(Problem::new("Standard output is not a terminal.")
            .hint("Run `tenantry` in a terminal, or see `tenantry --help` for commands."));
    }
    let here = std::env::current_dir()
        .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
    let project = Project::discover(&here).map_err(|error| error.problem())?;
    let session = Session::open(project)?;
    let options = tui::for_session(&session);
    tui::run(Arc::new(session), options, stop).await.map_err(|error| error.problem())
}
