//! Copying a text out of the program. The way to the clipboard is not there yet: this is the one place that says so, and
//! the one place to change. A secret does not go this way, for it is no plain text.

use crate::tui::app::Shared;
use crate::tui::effect::Effect;

/// Copies `text`, which is called `what`: `the address`.
pub fn copy(shared: &mut Shared, text: String, what: &str) -> Vec<Effect> {
    drop(text);
    shared.warn(format!("Copying {what} is not available yet."));
    Vec::new()
}
