//! `tenantry` in a folder that is no project: whether it is one, and whether somebody is asked to set it up.

use std::path::Path;

use crate::model::text;
use crate::settings::ScreenState;
use crate::tui::BareFolder;
use crate::workspace::Project;

/// The folder, where it is no project; it is asked about until somebody said once to look around. Blocks.
pub(super) fn folder(root: &Path, state: &ScreenState) -> Option<BareFolder> {
    let is_bare = Project::discover(root).is_err();
    let shown = text::line(&root.to_string_lossy());
    let asks = !state.looked_around.contains(&shown);
    is_bare.then_some(BareFolder { shown, asks })
}
