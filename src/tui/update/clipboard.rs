//! What a person copies. In one place, so that a pane only says what, and a secret never goes the way of ordinary text.

use crate::model::Secret;
use crate::tui::app::Shared;
use crate::tui::effect::Effect;

/// Copies text that anybody may see; `what` names it in the sentence that says so: "the address".
#[allow(dead_code, reason = "the panes that copy plain text call it")]
pub fn copy(shared: &mut Shared, text: String, what: &str) -> Vec<Effect> {
    drop(text);
    not_yet(shared, what)
}

/// Copies a secret, which is taken out of the clipboard again after a while; `what` names it.
pub fn copy_secret(shared: &mut Shared, secret: Secret, what: &str) -> Vec<Effect> {
    drop(secret);
    not_yet(shared, what)
}

fn not_yet(shared: &mut Shared, what: &str) -> Vec<Effect> {
    shared.warn(format!("Copying {what} is not available yet."));
    Vec::new()
}
