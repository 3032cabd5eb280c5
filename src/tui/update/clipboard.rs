//! What a person copies. In one place, so that a pane only says what, and a secret never goes the way of ordinary text: it
//! is taken out of the clipboard again after a while.

use std::time::Duration;

use crate::model::{Problem, Secret};
use crate::tui::app::{Shared, is_due};
use crate::tui::effect::Effect;
use crate::tui::format;
use crate::tui::outside::{Copied, Errand, Text};

/// How long a secret stays in the clipboard where nothing else is set.
const STAYS: Duration = Duration::from_secs(45);

/// Copies text that anybody may see; `what` names it in the sentence that says so: `the address`.
pub fn copy(shared: &mut Shared, text: String, what: &str) -> Vec<Effect> {
    what.clone_into(&mut shared.copying);
    vec![shared.errand(Errand::Copy(Text::plain(text)))]
}

/// Copies a secret, which is taken out of the clipboard again after a while.
pub fn copy_secret(shared: &mut Shared, secret: Secret, what: &str) -> Vec<Effect> {
    what.clone_into(&mut shared.copying);
    // Which mark it has is known when it is there.
    shared.clear_after = Some(shared.options.clear_secrets_seconds.map_or(STAYS, |s| Duration::from_secs(s.into())));
    vec![shared.errand(Errand::Copy(Text::secret(secret)))]
}

/// Something was copied, and is told; a secret is given its time.
pub(super) fn copied(shared: &mut Shared, result: Result<Copied, Problem>) {
    let stays = shared.clear_after.take();
    let copied = match result {
        Ok(copied) => copied,
        Err(problem) => return shared.tell(&problem),
    };
    let what = std::mem::take(&mut shared.copying);
    let place = if copied.desktop { "is copied" } else { "is sent to the terminal's clipboard" };
    let Some(stays) = stays else { return shared.say(format!("Done: {what} {place}.")) };
    shared.say(format!("Done: {what} {place}, for {}.", format::estimate(stays)));
    shared.copied = Some(copied.mark);
    shared.timers.clipboard = Some(shared.now.running + stays);
}

/// Time has passed: a secret whose time is over goes.
pub(super) fn tick(shared: &mut Shared) -> Option<Effect> {
    let due = is_due(&mut shared.timers.clipboard, shared.now.running);
    let mark = shared.copied.take_if(|_| due)?;
    Some(shared.errand(Errand::Clear(mark)))
}
