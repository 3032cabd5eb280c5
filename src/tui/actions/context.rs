//! Which cloud this is, and whether anything may be changed in it.

use super::done;
use crate::model::Problem;
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::confirm::Question;
use crate::tui::effect::Effect;
use crate::tui::lock::{Lock, UNLOCKED};
use Scope::Main;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("unlock", Main, &["U"], "unlock", "Allow changes in a protected context for ten minutes.", unlock)
        .when(can_unlock)
        .asking(ask),
    command("lock", Main, &["L"], "lock", "Protect the context again at once.", |app| {
        app.shared.lock.close();
        app.shared.timers.lock = None;
        app.shared.say("Locked: nothing can be changed.");
        done()
    })
    .when(|app| match app.shared.lock {
        Lock::Unlocked(_) => Ok(()),
        _ => Err(Problem::new("Nothing is unlocked.")),
    }),
];

fn can_unlock(app: &App) -> Result<(), Problem> {
    match app.shared.lock {
        Lock::Protected | Lock::Unlocked(_) => Ok(()),
        Lock::Open => Err(Problem::new("This context is not protected.")),
        Lock::ReadOnly => {
            Err(Problem::new("The program is read-only.").hint("Start it without --read-only to change anything."))
        }
    }
}

fn ask(app: &App) -> Option<Question> {
    let context = app.shared.options.context_label.clone();
    Some(
        Question::new("Unlock?", "Unlock")
            .text(format!("{context} is protected. Unlocked, commands can change it for ten minutes."))
            .typed(context),
    )
}

fn unlock(app: &mut App) -> Vec<Effect> {
    let until = app.shared.now.running + UNLOCKED;
    app.shared.lock.unlock(until);
    app.shared.timers.lock = app.shared.lock.ends();
    app.shared.say("Unlocked for ten minutes.");
    done()
}

/// Why nothing may be changed now, if that is so.
pub fn may_change(app: &App) -> Result<(), Problem> {
    is_open(&app.shared)
}

/// The same, for whoever sees only what is shared.
pub fn is_open(shared: &Shared) -> Result<(), Problem> {
    match shared.lock {
        Lock::Open | Lock::Unlocked(_) => Ok(()),
        Lock::ReadOnly => Err(Problem::new("The program is read-only: nothing is changed.")
            .hint("Start it without --read-only to change anything.")),
        Lock::Protected => {
            let key = shared.key_of("unlock");
            Err(Problem::new(format!("{} is protected: nothing is changed.", shared.options.context_label))
                .hint(format!("Press {key} to unlock it for a while.")))
        }
    }
}
