//! The project folder: setting it up, and what cannot be done where there is none.

use crate::model::Problem;
use crate::tui::app::Shared;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::first_start;

/// The rows.
pub const COMMANDS: &[Command] = &[command(
    "project.setup",
    Scope::Main,
    &["I"],
    "set up this folder",
    "Make the files that a project needs in this folder, or those that it lacks; shows them first.",
    first_start::look,
)
.changes()];

/// Why what needs a project cannot be done, where the program was started in a folder that is none.
pub fn needed(shared: &Shared, what: &str) -> Result<(), Problem> {
    let Some(folder) = &shared.options.bare_folder else { return Ok(()) };
    let key = shared.key_of("project.setup");
    let set_up = if key.is_empty() { "`tenantry init` sets it up".to_owned() } else { format!("{key} sets it up") };
    Err(Problem::new(format!("There is no project here, and {what} needs one."))
        .detail(format!("{} has no .systemprompt, and no folder above it has.", folder.shown))
        .hint(format!("{set_up}; or start tenantry in a project's folder.")))
}
