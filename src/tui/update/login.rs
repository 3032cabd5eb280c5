//! Logging in and out on the screen: the steps of the dialog, when it opens by itself, and what a login that is over means.

use super::{answers, copy};
use crate::model::{Problem, Secret};
use crate::ops::login::{Failed, How, LoggedIn, News, Provider, Store, callback};
use crate::tui::again::{self, Again};
use crate::tui::app::{App, Shared};
use crate::tui::backend::Live;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::beneath;
use crate::tui::dialogs::line::Line;
use crate::tui::dialogs::login::{self, Login, Stage, TOKEN};
use crate::tui::dialogs::new_tenant::{self as wizard, NewTenant};
use crate::tui::effect::{Effect, Request};
use crate::tui::format;
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::msg::Answer;
use crate::tui::under_way;

/// How long before its end a login is worth a sentence.
const NEAR: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Takes an answer; where it says that the login is over, a new one is offered.
pub(super) fn take(app: &mut App, ticket: Ticket, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::LogIn(news) => told(app, news),
        Answer::LoggedIn(result) => {
            app.shared.jobs.end(&ticket.slot);
            ended(app, result);
        }
        Answer::LoggedOut(result) => {
            app.shared.jobs.end(&ticket.slot);
            match result {
                Ok(()) => return vec![Effect::Reopen],
                Err(problem) => app.shared.tell(&problem),
            }
        }
        answer => {
            let slot = ticket.slot.clone();
            let over = over(&answer).cloned();
            let kept = again::kept(&mut app.shared, &slot);
            let asked = kept.map(Again::of_kept).or_else(|| asked_for(&app.shared, &slot, &answer));
            let mut effects = answers::take(app, ticket, answer);
            match over {
                Some(problem) => offer(app, asked, &problem),
                None => effects.extend(again::take_up(app)),
            }
            return effects;
        }
    }
    app.shared.dirty = true;
    Vec::new()
}

/// What somebody had asked for, and can be gone on with.
fn asked_for(shared: &Shared, slot: &Slot, answer: &Answer) -> Option<Again> {
    match answer {
        // The job of several is named after its first, and a rollback is no deploy of what is in the folder now.
        Answer::Deployed(id, _) if shared.deploys.is_rollback(id) => None,
        Answer::Deployed(id, _) => Again::of(&Slot::Deploy(id.clone())),
        _ => Again::of(slot),
    }
}

/// Why only a new login helps, where an answer says that.
fn over(answer: &Answer) -> Option<&Problem> {
    let problem = match answer {
        Answer::Account(Err(problem))
        | Answer::Plans(Err(problem))
        | Answer::Tenants(Err(problem))
        | Answer::Checkout(Err(problem))
        | Answer::Reply(Err(problem))
        | Answer::Deployed(_, Err(problem))
        | Answer::CheckoutEvent(Live::Failed(problem)) => problem,
        Answer::TenantEvents(news) => ended_by(news)?,
        Answer::Logs(_, news) => ended_by(news)?,
        _ => return None,
    };
    problem.requires_login.then_some(problem)
}

fn ended_by<T>(news: &[Live<T>]) -> Option<&Problem> {
    match news.last() {
        Some(Live::Failed(problem)) => Some(problem),
        _ => None,
    }
}

/// Opens the dialog by itself: always where it broke off what somebody had asked for, else once. Never over something that
/// is open, nor while something is under way, which the new login would end.
fn offer(app: &mut App, asked: Option<Again>, problem: &Problem) {
    let is_asked = asked.is_some();
    match &app.dialog {
        // A question of the screen's own may have been refused first.
        Some(Dialog::Login(_)) => {
            app.shared.again = asked.or(app.shared.again.take());
            return;
        }
        // The wizard that cannot go on without a login.
        Some(Dialog::NewTenant(NewTenant { stage: wizard::Stage::Failed(_), .. })) | None => {}
        Some(_) => return,
    }
    if under_way::idle(app).is_err() || (!is_asked && app.shared.login.offered) {
        return;
    }
    (app.shared.again, app.shared.is_again_due) = (asked, false);
    app.shared.login.offered = true;
    let title = problem.title.trim_end_matches('.');
    let about = match &app.shared.again {
        Some(_) => format!("{title}. What was broken off can be gone on with afterwards."),
        None => format!("{title}. Almost everything here needs a login."),
    };
    app.dialog = Some(login::choice(app, about));
    app.shared.dirty = true;
}

/// The command.
pub fn open(app: &mut App) -> Vec<Effect> {
    let about = match &app.shared.account {
        Some(Ok(me)) => format!("Logged in as {}. Another login takes its place.", me.user.email),
        _ => "Who are you?".to_owned(),
    };
    app.dialog = Some(login::choice(app, about));
    Vec::new()
}

/// Why nobody can log in or out now, if that is so.
pub fn possible(app: &App) -> Result<(), Problem> {
    under_way::idle(app)
}

/// One of the ways was chosen.
pub fn chosen(app: &mut App, way: &str) -> Vec<Effect> {
    if way == TOKEN {
        return ask_token(app);
    }
    match Provider::ALL.into_iter().find(|provider| provider.word() == way) {
        Some(provider) => start(app, How::Browser { provider, open: true }, None),
        None => Vec::new(),
    }
}

/// Asks for a token; a browser that is away is not waited for any more.
pub fn ask_token(app: &mut App) -> Vec<Effect> {
    app.dialog = Some(login::token_line(&app.shared));
    app.shared.stop(Slot::LogIn).into_iter().collect()
}

/// A token was typed.
pub fn token_typed(app: &mut App, line: &Line) -> Vec<Effect> {
    let word = line.text().trim();
    if callback::is_token(word) {
        return start(app, How::Token(Secret::new(word)), None);
    }
    if !word.is_empty() {
        app.shared.warn("That is no token: a token is one word of printable characters.");
    }
    app.dialog = Some(login::token_line(&app.shared));
    Vec::new()
}

fn start(app: &mut App, how: How, store: Option<Store>) -> Vec<Effect> {
    app.dialog = Some(Dialog::Login(Login::new(how.clone(), store)));
    vec![app.shared.start(Slot::LogIn, Request::LogIn { how, store })]
}

fn stage(app: &mut App) -> Option<&mut Stage> {
    match beneath(&mut app.dialog) {
        Some(Dialog::Login(dialog)) => Some(&mut dialog.stage),
        _ => None,
    }
}

fn told(app: &mut App, news: News) {
    let Some(stage) = stage(app) else { return };
    match (news, &mut *stage) {
        (News::Address(address), _) => {
            *stage = Stage::Browser { url: crate::model::text::line(&address), trouble: None };
        }
        (News::NoBrowser(problem), Stage::Browser { trouble, .. }) => *trouble = Some(problem),
        (News::NoBrowser(_), _) => {}
        (News::Checking, _) => *stage = Stage::Checking,
    }
}

fn ended(app: &mut App, result: Result<LoggedIn, Failed>) {
    let next = match result {
        Ok(logged_in) => Stage::Done(Box::new(logged_in)),
        Err(failed) => Stage::Failed(Box::new(failed)),
    };
    match stage(app) {
        Some(stage) => *stage = next,
        // Nobody sees the dialog any more, and somebody is logged in all the same.
        None => {
            if let Stage::Done(logged_in) = &next {
                let words =
                    format!("Logged in as {}; it counts once the program is opened again.", logged_in.me.user.email);
                app.shared.say(words);
            }
        }
    }
}

/// Enter, once it has ended.
pub fn go_on(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::Login(dialog)) = &app.dialog else { return Vec::new() };
    match &dialog.stage {
        Stage::Done(_) => vec![Effect::Reopen],
        Stage::Failed(failed) => {
            let store = if failed.no_keyring { Some(Store::File) } else { dialog.store };
            match dialog.how.clone() {
                // The same token again would end in the same way.
                How::Token(_) if !failed.no_keyring => ask_token(app),
                how => start(app, how, store),
            }
        }
        Stage::Starting | Stage::Browser { .. } | Stage::Checking => Vec::new(),
    }
}

/// Esc.
pub fn close(app: &mut App) -> Vec<Effect> {
    let is_done = matches!(&app.dialog, Some(Dialog::Login(Login { stage: Stage::Done(_), .. })));
    app.dialog = None;
    if is_done {
        return vec![Effect::Reopen];
    }
    left(app);
    app.shared.stop(Slot::LogIn).into_iter().collect()
}

/// Whoever does not log in does not go on either, wherever it was left.
pub fn left(app: &mut App) {
    app.shared.again = None;
}

fn address(app: &App) -> Option<String> {
    match &app.dialog {
        Some(Dialog::Login(Login { stage: Stage::Browser { url, .. }, .. })) => Some(url.clone()),
        _ => None,
    }
}

/// Opens the page again.
pub fn open_page(app: &mut App) -> Vec<Effect> {
    match address(app) {
        Some(url) => vec![app.shared.start(Slot::Open, Request::Open(url))],
        None => Vec::new(),
    }
}

/// Copies the address.
pub fn copy_address(app: &mut App) -> Vec<Effect> {
    match address(app) {
        Some(url) => copy(&mut app.shared, url, "the address of the sign-in page"),
        None => Vec::new(),
    }
}

/// Logs out.
pub fn log_out(app: &mut App) -> Vec<Effect> {
    // Nobody goes on with it as somebody else.
    again::forget(&mut app.shared);
    app.shared.say("Logging out");
    vec![app.shared.start(Slot::LogOut, Request::LogOut)]
}

/// What is known of the login on this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoginState {
    /// A new one was offered already, without anybody asking.
    pub offered: bool,
}

/// The program is up: says that the login ends soon, or notes when to say it.
pub(super) fn watch_end(shared: &mut Shared) {
    let Some(end) = shared.options.login_ends else { return };
    let left = end.duration_since(shared.now.wall);
    if left.is_negative() {
        // The server says so too, and that counts.
        return;
    }
    if left > NEAR {
        shared.timers.login = Some(shared.now.running + (left - NEAR).unsigned_abs());
        return;
    }
    let key = shared.key_of("login");
    let then = if key.is_empty() { String::new() } else { format!(" Press {key} to log in again.") };
    shared.warn(format!("Your login ends in {}.{then}", format::estimate(left.unsigned_abs())));
}
