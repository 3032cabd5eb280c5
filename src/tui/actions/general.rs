//! What concerns the program as a whole: leaving, the help, the palette, pages and panes, loading again.

use super::{address, can_open, done, selected};
use crate::model::Problem;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::confirm::Question;
use crate::tui::dialogs::{Dialog, jobs};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::pages::PAGES;
use crate::tui::panes::Pane;
use crate::tui::under_way;
use crate::tui::update::{bought, checkout, load_local, load_tenants, local, timers};
use Scope::{Always, Main};

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "new",
        Main,
        &["n"],
        "new tenant",
        "A new tenant: one of the cloud, or a database on this machine.",
        local::choose_kind,
    )
    .hinted()
    .changes(),
    command("open", Main, &["o"], "open", "Open the selected tenant's address in the browser.", open)
        .hinted()
        .when(|app| selected(app).and_then(can_open)),
    command("details", Main, &["e"], "full text", "Show the problem on the screen in full.", details)
        .hinted()
        .when(can_detail),
    command("refresh", Main, &["R", "f5"], "refresh", "Load everything again, and reconnect what was lost.", refresh),
    command("palette", Main, &["ctrl-p", ":"], "palette", "Find any command or tenant by a few letters.", |app| {
        app.dialog = Some(Dialog::Palette(crate::tui::dialogs::palette::Palette::default()));
        done()
    })
    .hinted()
    .by_key_only(),
    command("jobs", Main, &["J"], "jobs", "What runs in the background, since when, and how to stop it.", |app| {
        jobs::open(app)
    }),
    command("zoom", Main, &["z"], "zoom", "Let the pane with the focus fill the screen, and back.", |app| {
        app.zoomed = !app.zoomed;
        done()
    }),
    command("pane.next", Main, &["tab"], "next pane", "Go to the next pane.", |app| {
        app.step_focus(1);
        done()
    })
    .by_key_only(),
    command("pane.previous", Main, &["shift-tab"], "previous pane", "Go to the previous pane.", |app| {
        app.step_focus(-1);
        done()
    })
    .by_key_only(),
    command("page.next", Main, &["]"], "next page", "Go to the next page.", |app| step_page(app, 1)).by_key_only(),
    command("page.previous", Main, &["["], "previous page", "Go to the previous page.", |app| {
        step_page(app, PAGES.len() - 1)
    })
    .by_key_only(),
    command("go.tenants", Main, &["g t", "0"], "go to tenants", "Show the list of tenants.", |app| {
        go(app, Pane::Tenants)
    }),
    command("go.live", Main, &["1", "g e"], "go to live", "Show events, deploy and logs.", |app| go(app, Pane::Events)),
    command("go.logs", Main, &["g l", "l"], "go to logs", "Show the log.", |app| go(app, Pane::Logs)),
    command("go.deploy", Main, &["g d"], "go to deploy", "Show the deploy.", |app| go(app, Pane::Deploy)),
    command(
        "go.overview",
        Main,
        &["2", "g o", "enter"],
        "go to overview",
        "Show everything about the tenant.",
        |app| go(app, Pane::Overview),
    ),
    command("go.metrics", Main, &["3", "g m"], "go to metrics", "Show what its machine uses.", |app| {
        go(app, Pane::Metrics)
    }),
    command("go.secrets", Main, &["4", "g s", "s"], "secrets", "Show its secrets and credentials.", |app| {
        go(app, Pane::Secrets)
    })
    .hinted(),
    command("go.history", Main, &["5", "g h"], "go to history", "Show its deploys so far.", |app| {
        go(app, Pane::History)
    }),
    command(
        "go.environment",
        Main,
        &["6", "g v"],
        "go to environment",
        "Show what its machine is started with.",
        |app| go(app, Pane::Environment),
    ),
    command("go.plan", Main, &["7", "g p"], "go to plan", "Show its subscription, plan and memory.", |app| {
        go(app, Pane::Plan)
    }),
    command("go.domain", Main, &["8", "g n"], "go to domain", "Show its own domain.", |app| go(app, Pane::Domain)),
    command(
        "go.diagnostics",
        Main,
        &["9", "g x"],
        "go to diagnostics",
        "Show versions, what answers, where the files are, and the program's log.",
        |app| go(app, Pane::Diagnostics),
    ),
    command("dismiss", Main, &["esc"], "dismiss", "Put a message away, take marks and zoom away.", dismiss)
        .by_key_only(),
    command("help", Main, &["?", "f1"], "help", "Show what the keys do.", |app| {
        app.dialog = Some(Dialog::Help(0));
        done()
    })
    .hinted(),
    command("quit", Main, &["q"], "quit", "Leave. Asks first while something is under way.", |_| vec![Effect::Exit])
        .hinted()
        .asking(leaving),
    command("leave", Always, &["ctrl-c"], "leave", "Leave; a second time without a question.", leave),
];

fn go(app: &mut App, pane: Pane) -> Vec<Effect> {
    app.show(pane);
    done()
}

fn step_page(app: &mut App, steps: usize) -> Vec<Effect> {
    let page = app.page.step(steps);
    if let Some(first) = page.panes().first() {
        app.show(*first);
    }
    done()
}

fn open(app: &mut App) -> Vec<Effect> {
    let Some(url) = app.selected().and_then(address) else { return done() };
    app.shared.say(format!("Opening {url}"));
    vec![app.shared.start(Slot::Open, Request::Open(url))]
}

fn can_detail(app: &App) -> Result<(), Problem> {
    match app.shared.problem {
        Some(_) => Ok(()),
        None => Err(Problem::new("There is no problem to show.")),
    }
}

/// Opens the problem that the screen shows with this key, else the newest.
fn details(app: &mut App) -> Vec<Effect> {
    let failed = || app.shared.deploys.of(&app.selected()?.id)?.result()?.as_ref().err();
    let told = app.shared.toast.as_ref().is_some_and(|toast| toast.bad);
    if let Some(problem) = app.panes.deploy.refusal.as_ref().or_else(failed).filter(|_| !told).cloned() {
        app.shared.problem = Some(problem);
    }
    app.dialog = Some(Dialog::Problem(0));
    done()
}

fn refresh(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![load_tenants(app), load_local(app)];
    effects.extend(timers::ask_health(app));
    if !matches!(app.shared.account, Some(Ok(_))) {
        effects.push(app.shared.start(Slot::Account, Request::Account));
    }
    for pane in Pane::ALL {
        effects.extend(app.panes.get_mut(pane).refresh(&mut app.shared));
    }
    effects.extend(checkout::watch_again(app));
    if let Some(Err(problem)) = app.shared.account.clone()
        && problem.requires_login
    {
        app.shared.tell(&problem);
    }
    effects
}

fn dismiss(app: &mut App) -> Vec<Effect> {
    let has_message = app.shared.toast.is_some() || app.panes.deploy.refusal.is_some();
    app.shared.toast = None;
    app.panes.deploy.refusal = None;
    if has_message {
        return done();
    }
    if app.zoomed {
        app.zoomed = false;
    } else if !app.shared.tenants.marked().is_empty() {
        app.shared.tenants.clear_marks();
    } else {
        app.shared.tenants.filter_by("");
    }
    done()
}

/// What leaving would break off.
pub fn leaving(app: &App) -> Option<Question> {
    let mut sentences = Vec::new();
    let mut running = app.shared.deploys.all_running();
    if let Some((_, run)) = running.next() {
        let others = running.count();
        let name = if others == 0 { run.name.clone() } else { format!("{} and {others} more", run.name) };
        let then = if run.is_with_server() {
            "The server has the image and goes on by itself, also without you."
        } else {
            "Leaving stops it; what runs there now goes on running."
        };
        sentences.push(format!("The deploy of {name} is still running. {then}"));
    }
    let short = if sentences.is_empty() { "Something is under way. Leave?" } else { "A deploy is running. Leave?" };
    let changes = under_way::changes(app);
    if let Some(first) = changes.first() {
        let what = under_way::capital(&first.words);
        sentences.push(match changes.len() - 1 {
            0 => format!("{what} is still going on. {}", first.fate),
            more => format!("{what} and {more} more are still going on. {}", first.fate),
        });
    }
    if sentences.is_empty() {
        return undone(app);
    }
    sentences.extend(bought::left_undone(&app.shared));
    Some(Question::new("Leave?", "Yes, leave").no("No, stay").short(short, "Leave?").text(sentences.join(" ")))
}

/// What was chosen for a tenant that is not there yet.
fn undone(app: &App) -> Option<Question> {
    let words = bought::left_undone(&app.shared)?;
    Some(
        Question::new("Leave?", "Yes, leave")
            .no("No, stay")
            .short("A new tenant is not ready. Leave?", "Leave?")
            .text(words),
    )
}

/// Control and C: the second time, or with nothing to lose, at once.
fn leave(app: &mut App) -> Vec<Effect> {
    let asked = matches!(&app.dialog, Some(Dialog::Confirm(confirm)) if confirm.is_about("quit"));
    match leaving(app) {
        Some(question) if !asked => {
            app.ask_over("quit", question);
            done()
        }
        _ => vec![Effect::Exit],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::pages::Page;

    fn page_of(command: &str) -> Option<Page> {
        let title = command.strip_prefix("go.")?;
        Page::all().find(|page| page.title() == title)
    }

    #[test]
    fn every_page_has_a_key() {
        for page in Page::all() {
            assert!(COMMANDS.iter().any(|command| page_of(command.id) == Some(page)), "{}", page.title());
        }
    }
}
