//! What a person copies. In one place, so that a pane only says what, and a secret never goes the way of ordinary text: it
//! is taken out of the clipboard again after a while.
//!
//! The rule: one secret at most is ours in the clipboard. It is the last one that got there, or may have got there because
//! something else was copied before anybody knew. Its time runs from when it was copied last. It is no longer ours once
//! something else is certain to have taken its place, and stays ours where that failed, or where only the terminal's
//! clipboard has the new text and the desktop's had the secret.

use std::time::Duration;

use crate::model::{Problem, Secret};
use crate::tui::app::{Shared, is_due};
use crate::tui::effect::Effect;
use crate::tui::format;
use crate::tui::outside::{Copied, Errand, Mark, Text};

/// How long a secret stays in the clipboard where nothing else is set.
const STAYS: Duration = Duration::from_secs(45);

/// What is known of the clipboard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clipboard {
    /// What is on its way there.
    copying: Option<Copying>,
    /// The secret that is there.
    held: Option<Held>,
}

/// What is on its way into the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Copying {
    /// In words.
    what: String,
    /// Knows it again, and how long it may stay, where it is a secret.
    secret: Option<(Mark, Duration)>,
}

/// A secret in the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    mark: Mark,
    /// The desktop's clipboard has it.
    desktop: bool,
}

/// Copies text that anybody may see; `what` names it in the sentence that says so: `the address`.
pub fn copy(shared: &mut Shared, text: String, what: &str) -> Vec<Effect> {
    copy_text(shared, Text::plain(text), what)
}

/// The same with a text that may have to be made first. No secret.
pub fn copy_text(shared: &mut Shared, text: Text, what: &str) -> Vec<Effect> {
    begin(shared, Copying { what: what.to_owned(), secret: None });
    vec![shared.errand(Errand::Copy(text))]
}

/// Copies a secret, which is taken out of the clipboard again after a while.
pub fn copy_secret(shared: &mut Shared, secret: Secret, what: &str) -> Vec<Effect> {
    let stays = shared.options.clear_secrets_seconds.map_or(STAYS, |s| Duration::from_secs(s.into()));
    let mark = Mark::of(secret.reveal());
    begin(shared, Copying { what: what.to_owned(), secret: Some((mark, stays)) });
    vec![shared.errand(Errand::Copy(Text::secret(secret)))]
}

/// Something is copied. Whether what was on its way before got there nobody will hear any more.
fn begin(shared: &mut Shared, copying: Copying) {
    if let Some(Copying { secret: Some((mark, stays)), .. }) = shared.clipboard.copying.replace(copying) {
        hold(shared, Held { mark, desktop: false }, stays);
    }
}

fn hold(shared: &mut Shared, held: Held, stays: Duration) {
    shared.clipboard.held = Some(held);
    shared.timers.clipboard = Some(shared.now.running + stays);
}

/// Something was copied, and is told; a secret is given its time.
pub(super) fn copied(shared: &mut Shared, result: Result<Copied, Problem>) {
    let begun = shared.clipboard.copying.take();
    let Copying { what, secret } = begun.unwrap_or_else(|| Copying { what: "the text".to_owned(), secret: None });
    let copied = match result {
        Ok(copied) => copied,
        Err(problem) => return shared.tell(&problem),
    };
    let place = if copied.desktop { "is copied" } else { "is sent to the terminal's clipboard" };
    if let Some((mark, stays)) = secret {
        shared.say(format!("Done: {what} {place}, for {}.", format::estimate(stays)));
        hold(shared, Held { mark, desktop: copied.desktop }, stays);
        return;
    }
    shared.say(format!("Done: {what} {place}."));
    if shared.clipboard.held.take_if(|held| copied.desktop || !held.desktop).is_some() {
        shared.timers.clipboard = None;
    }
}

/// Time has passed: a secret whose time is over goes.
pub(super) fn tick(shared: &mut Shared) -> Option<Effect> {
    let due = is_due(&mut shared.timers.clipboard, shared.now.running);
    let held = shared.clipboard.held.take_if(|_| due)?;
    Some(shared.errand(Errand::Clear(held.mark)))
}
