//! Who works here: logging in as somebody, and out.

use crate::model::Problem;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::confirm::Question;
use crate::tui::lock::Lock;
use crate::tui::under_way::capital;
use crate::tui::update::login;
use Scope::Main;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("login", Main, &["u i"], "log in", "Log in through the browser or with a token.", login::open)
        .when(login::possible),
    command("logout", Main, &["u o"], "log out", "Forget the login, wherever it is kept.", login::log_out)
        .when(|app| kept(app).and_then(|()| login::possible(app)).and_then(|()| somebody(app)))
        .asking(|app| Some(ask(app))),
];

/// With `--read-only` nothing is forgotten either. A protected context is no reason: nothing is changed there.
fn kept(app: &App) -> Result<(), Problem> {
    match app.shared.lock {
        Lock::ReadOnly => {
            Err(Problem::new("The program is read-only: the login stays.")
                .hint("Start it without --read-only to log out."))
        }
        Lock::Open | Lock::Protected | Lock::Unlocked(_) => Ok(()),
    }
}

fn somebody(app: &App) -> Result<(), Problem> {
    match &app.shared.account {
        Some(Err(problem)) if problem.requires_login => {
            let press = capital(&app.shared.press("login"));
            Err(Problem::new("Nobody is logged in.").hint(format!("{press} to log in.")))
        }
        _ => Ok(()),
    }
}

fn ask(app: &App) -> Question {
    let who = match &app.shared.account {
        Some(Ok(me)) => me.user.email.clone(),
        _ => "This login".to_owned(),
    };
    let api = &app.shared.options.api_label;
    Question::new("Log out?", "Yes, log out")
        .no("No, stay")
        .text(format!("{who} is forgotten for {api} on this machine. What runs there goes on running."))
}
