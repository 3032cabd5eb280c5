//! `tenantry` in a folder that is no project: how the screen opens there, with a login from the configuration or without any.

use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::model::{Problem, text};
use crate::ops::bare::Bare;
use crate::settings::ScreenState;
use crate::tui::{self, BareFolder, Left, Options};
use crate::workspace::Project;

/// The folder, where it is no project; it is asked about until somebody said once to look around. Blocks.
pub(super) fn folder(root: &Path, state: &ScreenState) -> Option<BareFolder> {
    let is_bare = Project::discover(root).is_err();
    let shown = text::line(&root.to_string_lossy());
    let asks = !state.looked_around.contains(&shown);
    is_bare.then_some(BareFolder { shown, asks })
}

/// The screen without anybody logged in. There is nothing else to do than to set the folder up, so it is asked about.
pub(super) async fn run(
    root: &Path,
    folder: BareFolder,
    finish: impl FnOnce(Options) -> Options,
    stop: CancellationToken,
) -> Result<Left, Problem> {
    let options = finish(tui::for_folder(BareFolder { asks: true, ..folder }));
    let backend = Arc::new(Bare::new(root.to_owned()));
    Box::pin(tui::run(backend, options, stop)).await.map_err(|error| error.problem())
}
