//! Which cloud this is, and whether anything may be changed in it.

use std::time::Duration;

use super::done;
use crate::model::Problem;
use crate::tui::again;
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::Question;
use crate::tui::dialogs::pick::{Entry, Pick};
use crate::tui::effect::Effect;
use crate::tui::format;
use crate::tui::lock::{Lock, UNLOCKED};
use crate::tui::outside::Errand;
use crate::tui::under_way;
use crate::tui::update::bought;
use Scope::Main;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("context.switch", Main, &["C"], "switch context", "Work in another context of the configuration.", switch)
        .when(|app| {
            if app.shared.options.contexts.is_empty() {
                return Err(Problem::new("The configuration names no contexts.")
                    .hint("Add a [context.NAME] with its API to the configuration."));
            }
            Ok(())
        }),
    command(
        "mouse",
        Main,
        &["M"],
        "mouse",
        "Give the mouse to the terminal, to select text with it, or take it back.",
        |app| {
            app.mouse = !app.mouse;
            let words = if app.mouse {
                "The mouse works on the screen."
            } else {
                "The mouse is the terminal's: it selects text."
            };
            app.shared.say(words);
            vec![app.shared.errand(Errand::Mouse(app.mouse))]
        },
    ),
    command("suspend", Scope::Always, &["ctrl-z"], "stop", "Stop the program; the shell's fg brings it back.", |app| {
        vec![app.shared.errand(Errand::Suspend)]
    })
    .by_key_only(),
    command("unlock", Main, &["U"], "unlock", "Allow changes in a protected context for a while.", unlock)
        .when(can_unlock)
        .asking(|app| Some(ask(app))),
    command("lock", Main, &["L"], "lock", "Protect the context again at once.", |app| {
        app.shared.lock.close();
        app.shared.timers.lock = None;
        again::forget(&mut app.shared);
        app.shared.say("Locked: nothing can be changed.");
        done()
    })
    .when(|app| match app.shared.lock {
        Lock::Unlocked(_) => Ok(()),
        _ => Err(Problem::new("Nothing is unlocked.")),
    }),
];

/// One of the configuration's contexts.
fn switch(app: &mut App) -> Vec<Effect> {
    let here = app.shared.options.context_label.clone();
    let busy = busy(app);
    let entries = app.shared.options.contexts.iter().map(|context| {
        let about = if context.protected { format!("{} · protected", context.api) } else { context.api.clone() };
        let refused = if context.name == here { Some("you are here".to_owned()) } else { busy.clone() };
        Entry::new(&context.name, &context.name, about).refused(refused)
    });
    let pick = Pick::new("Context", "Everything on the screen is of one context.", entries.collect(), |app, name| {
        match under_way::idle(app) {
            Ok(()) if bought::left_undone(&app.shared).is_none() => vec![Effect::Switch(name.to_owned())],
            idle => {
                let problem = idle.err().unwrap_or_else(|| undone(app));
                app.shared.tell(&problem);
                done()
            }
        }
    });
    app.dialog = Some(Dialog::Pick(pick));
    done()
}

/// What another context would break off here.
fn busy(app: &App) -> Option<String> {
    if app.shared.deploys.any_running() {
        return Some("a deploy is running here".to_owned());
    }
    let change = under_way::changes(app).first().map(|change| format!("still {}", change.words));
    change.or_else(|| bought::left_undone(&app.shared).map(|_| "a new tenant is not ready here".to_owned()))
}

/// What was chosen for a tenant that is being bought would never be done.
fn undone(app: &App) -> Problem {
    Problem::new(bought::left_undone(&app.shared).unwrap_or_default())
        .hint("Wait until it is there, or leave and start again in the other context.")
}

fn can_unlock(app: &App) -> Result<(), Problem> {
    match app.shared.lock {
        Lock::Protected | Lock::Unlocked(_) => Ok(()),
        Lock::Open => Err(Problem::new("This context is not protected.")),
        Lock::ReadOnly => {
            Err(Problem::new("The program is read-only.").hint("Start it without --read-only to change anything."))
        }
    }
}

fn ask(app: &App) -> Question {
    let context = app.shared.options.context_label.clone();
    Question::new("Unlock?", "Unlock")
        .text(format!("{context} is protected. Unlocked, commands can change it for {}.", format::estimate(lasts(app))))
        .typed(context)
}

fn lasts(app: &App) -> Duration {
    app.shared.options.unlock_minutes.map_or(UNLOCKED, |minutes| Duration::from_secs(60 * u64::from(minutes.max(1))))
}

fn unlock(app: &mut App) -> Vec<Effect> {
    let lasts = lasts(app);
    app.shared.lock.unlock(app.shared.now.running + lasts);
    app.shared.timers.lock = app.shared.lock.ends();
    app.shared.say(format!("Unlocked for {}.", format::estimate(lasts)));
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
            let unlock = under_way::capital(&shared.press("unlock"));
            Err(Problem::new(format!("{} is protected: nothing is changed.", shared.options.context_label))
                .hint(format!("{unlock} to unlock it for a while.")))
        }
    }
}
