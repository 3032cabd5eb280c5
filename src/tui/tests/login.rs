//! Logging in on the screen: pictures of every state of the dialog, when it opens by itself, and what happens afterwards.

use jiff::{SignedDuration, Timestamp};

use super::sheets::sheets;
use crate::model::{Me, Problem, Secret, User};
use crate::ops::call::Call;
use crate::ops::login::{Failed, How, Kept, LoggedIn, News, Provider, Store};
use crate::tui::again::{self, Again, Asked};
use crate::tui::app::App;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, me, moment, tenant_id, tenants, typed};

const PAGE: &str = "http://127.0.0.1:9400/sign-in/github?request=q7Wd0ZkXb2mN5tR8vY1cE4hJ6lP9sU3wA0dG2fK5nQ8";

pub(super) fn over() -> Problem {
    Problem::new("Your login is no longer valid.").hint("Log in again.").needs_login()
}

/// A program that nobody is logged in to.
fn nobody(width: u16, height: u16) -> Play {
    let mut play = Play::new(width, height);
    let problem = Problem::new("Not logged in.").hint("Log in first.").needs_login();
    play.answer(Slot::Account, Answer::Account(Err(problem.clone())));
    play.answer(Slot::Api, Answer::Api(Ok(std::time::Duration::from_millis(3))));
    play.answer(Slot::Tenants, Answer::Tenants(Err(problem)));
    play
}

/// One whose browser is away.
fn waiting(width: u16, height: u16) -> Play {
    let mut play = nobody(width, height);
    play.keys(&[Key::Enter]);
    play.answer(Slot::LogIn, Answer::LogIn(News::Address(PAGE.to_owned())));
    play
}

fn logged_in(play: &Play) -> LoggedIn {
    LoggedIn {
        me: Me {
            user: User { id: "u1".into(), email: "mara@orchard.example".into(), name: None },
            customer: None,
            enterprise: None,
        },
        api: "http://127.0.0.1:9400".into(),
        context: None,
        kept: Kept::Keyring,
        expires_at: Some(play.app.shared.now.wall + SignedDuration::from_hours(24)),
        warnings: Vec::new(),
        tenants_damaged: false,
    }
}

/// What was asked for since the effects were taken the last time.
pub(super) fn requests(play: &Play) -> Vec<Request> {
    let started = |effect: &Effect| if let Effect::Start(_, request) = effect { Some(request.clone()) } else { None };
    play.effects.iter().filter_map(started).collect()
}

fn picture(name: &str, make: impl Fn(u16, u16) -> Play) {
    for (width, height) in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("login_{name}_{width}x{height}"), make(width, height).picture());
    }
}

#[test]
fn pictures_of_the_way_in() {
    picture("choice", nobody);
    picture("token", |width, height| {
        let mut play = nobody(width, height);
        play.keys(&[Key::Down, Key::Down, Key::Enter]);
        play.send(Msg::Pasted("hunter2.token.value\n".to_owned()));
        play
    });
    picture("starting", |width, height| {
        let mut play = nobody(width, height);
        play.keys(&[Key::Enter]);
        play
    });
    picture("waiting", waiting);
    picture("no_browser", |width, height| {
        let mut play = waiting(width, height);
        let trouble = Problem::new("No browser could be opened.").detail("no DISPLAY");
        play.answer(Slot::LogIn, Answer::LogIn(News::NoBrowser(trouble)));
        play
    });
    picture("checking", |width, height| {
        let mut play = waiting(width, height);
        play.answer(Slot::LogIn, Answer::LogIn(News::Checking));
        play
    });
}

#[test]
fn pictures_of_the_end() {
    picture("done", |width, height| {
        let mut play = waiting(width, height);
        let logged_in = logged_in(&play);
        play.answer(Slot::LogIn, Answer::LoggedIn(Ok(logged_in)));
        play
    });
    picture("failed", |width, height| {
        let mut play = waiting(width, height);
        let problem = Problem::new("The sign-in was refused.").detail("The sign-in was denied in the browser.");
        play.answer(Slot::LogIn, Answer::LoggedIn(Err(problem.hint("Log in again, or as somebody else.").into())));
        play
    });
    picture("no_keyring", |width, height| {
        let mut play = waiting(width, height);
        let problem = Problem::new("No keyring answers on this machine.").detail("There is no session bus.");
        play.answer(Slot::LogIn, Answer::LoggedIn(Err(Failed { problem, no_keyring: true })));
        play
    });
    picture("log_out", |width, height| {
        let mut play = Play::ready(width, height, tenants());
        play.keys(&[Key::Char('u'), Key::Char('o')]);
        play
    });
    picture("ends_soon", |width, height| {
        let mut play = Play::ready(width, height, tenants());
        play.app.shared.options.login_ends = Some(moment(43 * 60).wall);
        play.send(Msg::Started);
        play
    });
    picture("go_on", |width, height| again("deploy", width, height));
}

#[test]
fn without_a_login_the_dialog_opens_once_and_never_over_another() {
    let mut play = nobody(120, 36);
    assert!(matches!(play.app.dialog, Some(Dialog::Pick(_))));
    play.keys(&[Key::Esc]);
    play.keys(&[Key::Char('R')]);
    play.answer(Slot::Tenants, Answer::Tenants(Err(over())));
    play.answer(Slot::Account, Answer::Account(Err(over())));
    assert_eq!(play.app.dialog, None, "whoever closed it knows");
    play.keys(&[Key::Char('u'), Key::Char('i')]);
    assert!(matches!(play.app.dialog, Some(Dialog::Pick(_))));

    let mut play = Play::new(120, 36);
    play.keys(&[Key::Char('?')]);
    play.answer(Slot::Account, Answer::Account(Err(over())));
    assert!(matches!(play.app.dialog, Some(Dialog::Help(_))));
}

#[test]
fn the_browser_is_opened_again_copied_and_left() {
    let mut play = nobody(120, 36);
    play.take_effects();
    play.keys(&[Key::Enter]);
    let wanted = Request::LogIn { how: How::Browser { provider: Provider::GitHub, open: true }, store: None };
    assert_eq!(requests(&play), [wanted]);
    let mut play = waiting(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('o')]);
    assert_eq!(requests(&play), [Request::Open(PAGE.to_owned())]);
    play.keys(&[Key::Char('y')]);
    assert_eq!(play.copied(), Some((PAGE.to_owned(), false)));
    play.keys(&[Key::Esc]);
    assert!(play.take_effects().contains(&Effect::Stop(Slot::LogIn)));
    assert_eq!(play.app.dialog, None);
}

#[test]
fn a_token_is_typed_hidden_and_a_sentence_is_none() {
    let mut play = waiting(120, 36);
    play.keys(&[Key::Char('t')]);
    assert!(play.take_effects().contains(&Effect::Stop(Slot::LogIn)), "the browser is not waited for");
    typed(&mut play, "two words");
    play.keys(&[Key::Enter]);
    assert!(requests(&play).is_empty() && play.text().contains("That is no token"));
    typed(&mut play, " hunter2.token.value ");
    assert!(!play.text().contains("hunter2") && !format!("{:?}", play.app).contains("hunter2"));
    play.keys(&[Key::Enter]);
    let asked = requests(&play);
    assert!(matches!(asked.as_slice(), [Request::LogIn { how: How::Token(token), .. }]
        if token.reveal() == "hunter2.token.value"));
    assert!(!format!("{asked:?}{:?}", play.app).contains("hunter2"));
    // What the server did not know it will not know the next time: another token is asked for.
    play.answer(Slot::LogIn, Answer::LoggedIn(Err(over().into())));
    play.keys(&[Key::Enter]);
    assert!(matches!(play.app.dialog, Some(Dialog::Line(_))));
}

#[test]
fn where_there_is_no_keyring_a_file_is_used_only_after_a_yes() {
    let mut play = waiting(120, 36);
    let problem = Problem::new("No keyring answers on this machine.");
    play.answer(Slot::LogIn, Answer::LoggedIn(Err(Failed { problem, no_keyring: true })));
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert!(matches!(requests(&play).as_slice(), [Request::LogIn { store: Some(Store::File), .. }]));
}

#[test]
fn once_it_is_done_the_screen_opens_anew_whichever_key_is_pressed() {
    for key in [Key::Enter, Key::Esc] {
        let mut play = waiting(120, 36);
        let logged_in = logged_in(&play);
        play.answer(Slot::LogIn, Answer::LoggedIn(Ok(logged_in)));
        play.take_effects();
        play.keys(&[key]);
        assert_eq!(play.take_effects(), [Effect::Reopen]);
    }
}

#[test]
fn logging_out_asks_first_and_opens_the_screen_anew() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('u'), Key::Char('o')]);
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert!(requests(&play).is_empty(), "no is selected");
    play.keys(&[Key::Char('u'), Key::Char('o'), Key::Char('y')]);
    assert_eq!(requests(&play), [Request::LogOut]);
    play.keys(&[Key::Char('d')]);
    assert!(play.text().contains("You are being logged out."), "{}", play.text());
    assert_eq!(requests(&play), [Request::LogOut], "nothing more begins with this login");
    play.answer(Slot::LogOut, Answer::LoggedOut(Err(Problem::new("The keyring is locked."))));
    assert!(play.text().contains("The keyring is locked."));
    play.keys(&[Key::Char('u'), Key::Char('o'), Key::Char('y')]);
    play.answer(Slot::LogOut, Answer::LoggedOut(Ok(())));
    assert!(play.take_effects().contains(&Effect::Reopen));
}

/// What a login that was over broke off is known to the screen that opens after the next one.
fn again(command: &'static str, width: u16, height: u16) -> Play {
    again_with(Again { command, tenant: Some(tenant_id(1)), call: None }, width, height)
}

/// The screen that opens after a login, once everything is there.
pub(super) fn again_with(what: Again, width: u16, height: u16) -> Play {
    let mut play = Play::new(width, height);
    play.app.shared.again = Some(what);
    play.app.shared.is_again_due = true;
    play.answer(Slot::Engine, Answer::Engine(Ok("default".to_owned())));
    play.answer(
        Slot::Tenants,
        Answer::Tenants(Ok(crate::tui::TenantList { tenants: tenants(), rejected: Vec::new() })),
    );
    assert_eq!(play.app.dialog, None, "nobody knows yet who is logged in");
    play.answer(Slot::Account, Answer::Account(Ok(me())));
    play
}

#[test]
fn what_was_broken_off_can_be_gone_on_with() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('t'), Key::Char('r'), Key::Char('y')]);
    play.answer(Slot::Action("restart", tenant_id(1)), Answer::Reply(Err(over())));
    assert!(play.text().contains("What was broken off"), "{}", play.text());
    let wanted = Some(Again { command: "tenant.restart", tenant: Some(tenant_id(1)), call: None });
    assert_eq!(play.app.shared.again, wanted);

    let mut play = again("tenant.restart", 120, 36);
    play.take_effects();
    play.keys(&[Key::Char('y')]);
    assert_eq!(requests(&play), [Request::Call(Call::Restart(tenant_id(1)))]);
    assert_eq!(play.app.shared.again, None);
    // What destroys wants the name once more.
    let play = again("tenant.delete", 120, 36);
    assert!(matches!(&play.app.dialog, Some(Dialog::Confirm(confirm)) if confirm.is_typing()));
    let mut play = again("deploy", 120, 36);
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert!(requests(&play).is_empty(), "no is selected");
}

#[test]
fn what_was_typed_for_a_secret_is_not_lost() {
    let call = || {
        let secrets = std::collections::BTreeMap::from([("OPENAI_API_KEY".to_owned(), Secret::new("hunter2"))]);
        Call::SetSecrets { id: tenant_id(1), secrets, restart: false }
    };
    // A value that a command alone would ask for again.
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('t'), Key::Char('n'), Key::Char('x'), Key::Enter]);
    play.answer(Slot::Action("rename", tenant_id(1)), Answer::Reply(Err(over())));
    assert!(play.text().contains("What was broken off"), "{}", play.text());
    assert!(play.app.shared.again.as_ref().is_some_and(|again| again.call.is_some()));

    let mut play = Play::ready(120, 36, tenants());
    let asked = Asked::new("secret", |_| Ok(()), call());
    let _ = again::start(&mut play.app.shared, &tenant_id(1), asked);
    let kept = again::kept(&mut play.app.shared, &Slot::Action("secret", tenant_id(1))).map(Again::of_kept);
    let kept = kept.expect("kept");
    assert!(!format!("{kept:?}").contains("hunter2"));
    for (key, wanted) in [('y', vec![Request::Call(call())]), ('n', Vec::new())] {
        let mut play = again_with(kept.clone(), 120, 36);
        assert!(play.text().contains("set OPENAI_API_KEY?"), "{}", play.text());
        play.take_effects();
        play.keys(&[Key::Char(key)]);
        assert_eq!(requests(&play), wanted);
        assert!(play.app.shared.again.is_none() && play.app.shared.go_on.is_none());
    }
}

#[test]
fn while_a_deploy_runs_nobody_is_asked_and_nobody_leaves_it() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('d')]);
    assert!(play.app.shared.deploys.any_running());
    play.keys(&[Key::Char('R')]);
    play.answer(Slot::Tenants, Answer::Tenants(Err(over())));
    assert_eq!(play.app.dialog, None);
    play.keys(&[Key::Char('u'), Key::Char('o')]);
    assert!(play.app.dialog.is_none() && play.text().contains("A deploy is running with this login."));
}

#[test]
fn a_login_that_ends_is_told_an_hour_before() {
    let told = |app: &App| app.shared.toast.as_ref().is_some_and(|toast| toast.text.contains("Your login ends in"));
    let mut play = Play::ready(120, 36, tenants());
    play.app.shared.options.login_ends = Some(moment(2 * 3600).wall);
    play.send(Msg::Started);
    assert!(!told(&play.app));
    assert!(play.app.next_wake().is_some_and(|wake| wake.as_secs() <= 3600));
    play.tick(3599);
    assert!(!told(&play.app));
    play.tick(3600);
    assert!(told(&play.app), "{:?}", play.app.shared.toast);
    let mut over = Play::ready(120, 36, tenants());
    over.app.shared.options.login_ends = Some(Timestamp::UNIX_EPOCH);
    over.send(Msg::Started);
    assert!(!told(&over.app));
}

#[test]
fn sheets_of_its_states() {
    let ended = |result: Result<(), Failed>| {
        move |width, height| {
            let mut play = waiting(width, height);
            let result = result.clone().map(|()| logged_in(&play));
            play.answer(Slot::LogIn, Answer::LoggedIn(result));
            play
        }
    };
    let refused = Problem::new("The sign-in was refused.").detail("The sign-in was denied in the browser.");
    let refused = ended(Err(refused.hint("Log in again, or as somebody else.").into()));
    let no_keyring = Problem::new("No keyring answers on this machine.").detail("There is no session bus.");
    let no_keyring = ended(Err(Failed { problem: no_keyring, no_keyring: true }));
    sheets(
        "login",
        &[
            ("choice", &nobody),
            ("token, empty", &|width, height| {
                let mut play = nobody(width, height);
                play.keys(&[Key::Down, Key::Down, Key::Enter]);
                play
            }),
            ("token, typed", &|width, height| {
                let mut play = nobody(width, height);
                play.keys(&[Key::Down, Key::Down, Key::Enter]);
                play.send(Msg::Pasted("hunter2.token.value\n".to_owned()));
                play
            }),
            ("no token", &|width, height| {
                let mut play = nobody(width, height);
                play.keys(&[Key::Down, Key::Down, Key::Enter]);
                typed(&mut play, "two words");
                play.keys(&[Key::Enter]);
                play
            }),
            ("starting", &|width, height| {
                let mut play = nobody(width, height);
                play.keys(&[Key::Enter]);
                play
            }),
            ("waiting", &waiting),
            ("no browser", &|width, height| {
                let mut play = waiting(width, height);
                let trouble = Problem::new("No browser could be opened.").detail("no DISPLAY");
                play.answer(Slot::LogIn, Answer::LogIn(News::NoBrowser(trouble)));
                play
            }),
            ("checking", &|width, height| {
                let mut play = waiting(width, height);
                play.answer(Slot::LogIn, Answer::LogIn(News::Checking));
                play
            }),
            ("done", &ended(Ok(()))),
            ("refused", &refused),
            ("no keyring", &no_keyring),
            // A login changes nothing in the cloud.
            ("choice where nothing may be changed", &|width, height| {
                let mut play = Play::ready(width, height, tenants());
                play.app.shared.lock = crate::tui::lock::Lock::ReadOnly;
                play.keys(&[Key::Char('u'), Key::Char('i')]);
                play
            }),
        ],
    );
}
