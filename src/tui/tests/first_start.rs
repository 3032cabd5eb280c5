//! The first start in a folder that is no project: every picture of the dialog, and where its answers lead.

use std::path::PathBuf;

use super::pictures::at_each_size;
use super::sheets::sheets;
use crate::model::{Check, Problem};
use crate::ops::call::{Call, Reply};
use crate::ops::init::{Action, Content, Done, Made, Outcome, Plan, Step};
use crate::tui::app::BareFolder;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::first_start::FirstStart;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use crate::tui::testing::{Play, tenants, typed};

fn bare(play: &mut Play) {
    play.app.shared.options.bare_folder = Some(BareFolder { shown: "/home/mara/Ünter garten".into(), asks: true });
    play.app.dialog = Some(Dialog::FirstStart(FirstStart::question()));
    play.take_effects();
}

/// Nobody is logged in, and there is no project.
fn nobody(width: u16, height: u16) -> Play {
    let mut play = Play::new(width, height);
    play.answer(Slot::Account, Answer::Account(Err(no_login())));
    play.answer(Slot::Engine, Answer::Engine(Ok("default".to_owned())));
    play.answer(Slot::Tenants, Answer::Tenants(Err(no_login())));
    bare(&mut play);
    play
}

fn no_login() -> Problem {
    Problem::new("Nobody is logged in.").needs_login()
}

/// Somebody is logged in through the configuration, and there is no project.
fn somebody(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    bare(&mut play);
    play
}

fn plan() -> Plan {
    let step = |path: &str, action: Action, why: &str| Step { path: path.into(), action, why: why.into(), mode: 0o644 };
    let text = || Action::Write(Content::Text("hunter2".into()));
    let place = ".systemprompt/profiles/production";
    Plan {
        root: PathBuf::from("/home/mara/Ünter garten"),
        name: "Ünter garten".into(),
        steps: vec![
            step(
                ".systemprompt/.gitignore",
                Action::Add { seen: Vec::new(), more: "**/*.pem\n".into(), what: "**/*.pem".into() },
                "keeps logins and secrets out of git",
            ),
            step(&format!("{place}/profile.yaml"), text(), "how the project runs on a tenant"),
            step(&format!("{place}/secrets.json"), Action::Write(Content::Secrets), "two secrets made for it"),
            step(&format!("{place}/signing_key.pem"), Action::Write(Content::SigningKey), "the key that it signs with"),
            step(".systemprompt/entrypoint.sh", Action::Differs, "migrates the database"),
            step(".systemprompt/Dockerfile", text(), "the image: the program, 2 MCP servers, services"),
            step(".systemprompt/Dockerfile.dockerignore", text(), "keeps secrets out of the image"),
            step(".systemprompt/build.json", Action::Keep, "how the project is built"),
            step("justfile", Action::Blocked(Problem::new("justfile is not UTF-8 text.")), "recipes"),
        ],
        notes: vec![Problem::new("This is your home folder.").hint("A project is better off in a folder of its own.")],
    }
}

fn done(problem: Option<Problem>) -> Done {
    let mut files: Vec<Made> = plan()
        .steps
        .into_iter()
        .map(|step| Made { outcome: Outcome::of(&step.action), path: step.path, why: step.why })
        .collect();
    if problem.is_some() {
        for made in files.iter_mut().skip(4) {
            (made.outcome, made.why) = (Outcome::LeftOut, "not begun".into());
        }
    }
    let open = vec![Check::fail("build", "The build's program just is not there.", "Install just.")];
    Done { root: plan().root, files, problem, open, has_login: false }
}

fn planned(mut play: Play) -> Play {
    play.keys(&[Key::Down, Key::Enter]);
    play.answer(Slot::SetUp, Answer::Reply(Ok(Reply::SetUpPlan(Box::new(plan())))));
    play
}

fn ended(play: Play, problem: Option<Problem>) -> Play {
    let mut play = planned(play);
    play.keys(&[Key::Down, Key::Enter]);
    play.answer(Slot::SetUp, Answer::Reply(Ok(Reply::SetUp(Box::new(done(problem))))));
    play
}

fn cannot() -> Problem {
    Problem::new("/home/mara/Ünter garten cannot be written to.")
        .detail("Permission denied (os error 13).")
        .hint("Make it yours, or change to a folder that is. Nothing was changed.")
}

fn calls(play: &mut Play) -> Vec<Call> {
    let call = |effect| match effect {
        Effect::Start(_, Request::Call(call)) => Some(call),
        _ => None,
    };
    play.take_effects().into_iter().filter_map(call).collect()
}

#[test]
fn pictures_of_the_question() {
    at_each_size("first_start_nobody", nobody);
    at_each_size("first_start_somebody", somebody);
}

#[test]
fn pictures_of_the_plan_and_its_end() {
    at_each_size("first_start_plan", |width, height| planned(nobody(width, height)));
    at_each_size("first_start_done", |width, height| ended(somebody(width, height), None));
    insta::assert_snapshot!("first_start_done_nobody", ended(nobody(120, 36), None).picture());
    insta::assert_snapshot!("first_start_stopped", ended(nobody(120, 36), Some(cannot())).picture());
    insta::assert_snapshot!("first_start_small", planned(nobody(60, 16)).picture());
    let mut play = nobody(120, 36);
    play.keys(&[Key::Char('y')]);
    insta::assert_snapshot!("first_start_looking", play.picture());
    play.answer(Slot::SetUp, Answer::Reply(Err(cannot())));
    insta::assert_snapshot!("first_start_failed", play.picture());
    let mut play = nobody(120, 36);
    play.keys(&[Key::Char('y')]);
    let whole = Plan { steps: vec![plan().steps.remove(7)], notes: Vec::new(), ..plan() };
    play.answer(Slot::SetUp, Answer::Reply(Ok(Reply::SetUpPlan(Box::new(whole)))));
    insta::assert_snapshot!("first_start_nothing_to_do", play.picture());
}

#[test]
fn looking_around_is_selected_and_remembered() {
    for keys in [&[Key::Enter][..], &[Key::Esc], &[Key::Down, Key::Up, Key::Enter], &[Key::Char('n')]] {
        let mut play = somebody(120, 36);
        play.keys(keys);
        assert!(play.app.dialog.is_none() && calls(&mut play).is_empty());
        assert!(play.text().contains("No project here: press I to set this folder up."), "{}", play.text());
        let state = crate::tui::memory::remembered(&play.app);
        assert_eq!(state.looked_around.into_iter().collect::<Vec<_>>(), ["/home/mara/Ünter garten"]);
    }
}

#[test]
fn nothing_is_made_that_was_not_shown_and_agreed_to() {
    let mut play = nobody(120, 36);
    play.keys(&[Key::Down, Key::Enter]);
    assert_eq!(calls(&mut play), [Call::PlanSetUp]);
    play.keys(&[Key::Enter, Key::Char('y')]);
    assert_eq!(calls(&mut play), [], "there is no plan yet");
    let mut play = planned(nobody(120, 36));
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert!(play.app.dialog.is_none() && calls(&mut play).is_empty(), "no is selected");

    let mut play = planned(nobody(120, 36));
    play.take_effects();
    play.keys(&[Key::Char('y')]);
    assert_eq!(calls(&mut play), [Call::SetUp(Box::new(plan()))], "what was shown is what is done");
    play.keys(&[Key::Char('y'), Key::Enter]);
    assert_eq!(calls(&mut play), [], "once");
    // Closed meanwhile, it is said all the same.
    play.keys(&[Key::Esc]);
    play.app.shared.options.bare_folder.as_ref().expect("not yet");
    let ticket = crate::tui::jobs::Ticket { slot: Slot::SetUp, sequence: last(&play) };
    play.send(crate::tui::msg::Msg::Answer(ticket, Answer::Reply(Ok(Reply::SetUp(Box::new(done(None)))))));
    assert!(play.text().contains("This folder is set up.") && play.app.dialog.is_none(), "{}", play.text());
    assert_eq!(play.app.shared.options.bare_folder, None);
}

/// The number of the newest job that sets a folder up.
fn last(play: &Play) -> u64 {
    let is_it = |sequence: &u64| {
        play.app.shared.jobs.is_current(&crate::tui::jobs::Ticket { slot: Slot::SetUp, sequence: *sequence })
    };
    (1..100).find(is_it).expect("one runs")
}

#[test]
fn a_deploy_says_why_not_and_works_once_the_folder_is_a_project() {
    let mut play = somebody(120, 36);
    play.keys(&[Key::Esc, Key::Char('d')]);
    play.tick(10);
    assert!(play.text().contains("There is no project here, and a deploy needs one."), "{}", play.text());
    let words = play.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("I sets it up"), "{words}");
    assert!(!play.take_effects().iter().any(|effect| matches!(effect, Effect::Start(_, Request::Deploy(_)))));

    play.keys(&[Key::Char('I')]);
    assert_eq!(calls(&mut play), [Call::PlanSetUp]);
    let mut play = ended(somebody(120, 36), None);
    play.keys(&[Key::Down, Key::Enter]);
    assert!(play.app.dialog.is_none());
    play.keys(&[Key::Char('d')]);
    assert!(play.take_effects().iter().any(|effect| matches!(effect, Effect::Start(_, Request::Deploy(_)))));
}

#[test]
fn the_profiles_secrets_say_why_not() {
    let mut play = somebody(120, 36);
    play.keys(&[Key::Esc, Key::Char('s'), Key::Char('S')]);
    assert!(play.text().contains("sending a profile's secrets needs one"), "{}", play.text());
    assert!(!calls(&mut play).iter().any(|call| matches!(call, Call::SyncSecrets(_))));
}

#[test]
fn the_next_step_is_one_key_away() {
    let mut play = ended(somebody(120, 36), None);
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert!(matches!(play.app.dialog, Some(Dialog::Pick(_))), "of the cloud, or on this machine");
    play.keys(&[Key::Enter]);
    assert!(matches!(play.app.dialog, Some(Dialog::NewTenant(_))));
    assert!(play.take_effects().iter().any(|effect| matches!(effect, Effect::Start(_, Request::Plans))));
}

/// What keeps the login of a project is the project's: the screen is opened anew in it, and offers to log in.
#[test]
fn with_nobody_logged_in_the_new_project_is_opened() {
    for key in [Key::Enter, Key::Esc] {
        let mut play = ended(nobody(120, 36), None);
        play.take_effects();
        play.keys(&[key]);
        assert!(play.take_effects().contains(&Effect::Reopen), "{key:?}");
    }
    let mut play = ended(nobody(120, 36), Some(cannot()));
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert!(!play.take_effects().contains(&Effect::Reopen), "there is no project yet");
}

/// Looking around is looking around.
#[test]
fn whoever_looks_around_is_not_asked_for_a_login_at_once() {
    let mut play = nobody(120, 36);
    play.app.shared.login.offered = false;
    play.keys(&[Key::Enter]);
    assert!(play.app.shared.login.offered && play.app.dialog.is_none(), "{}", play.text());
}

#[test]
fn the_palette_finds_it_and_read_only_refuses_it() {
    let mut play = Play::ready(120, 36, tenants());
    play.take_effects();
    play.keys(&[Key::Ctrl('p')]);
    typed(&mut play, "set up this");
    play.keys(&[Key::Enter]);
    assert_eq!(calls(&mut play), [Call::PlanSetUp]);

    for lock in [Lock::ReadOnly, Lock::Protected] {
        let mut play = somebody(120, 36);
        play.app.shared.lock = lock;
        play.keys(&[Key::Down, Key::Enter]);
        play.keys(&[Key::Char('y')]);
        play.keys(&[Key::Esc, Key::Char('I')]);
        assert_eq!(calls(&mut play), []);
        assert!(play.text().contains("nothing is changed"), "{}", play.text());
    }
}

#[test]
fn every_size_can_be_drawn_and_scrolled() {
    for make in
        [nobody, |width, height| planned(nobody(width, height)), |width, height| ended(nobody(width, height), None)]
    {
        let mut play = make(120, 36);
        for width in [0, 20, 59, 60, 61, 100, 300] {
            for height in [0, 5, 15, 16, 17, 30, 80] {
                play.send(crate::tui::msg::Msg::Resized { width, height });
                play.keys(&[Key::PageDown, Key::PageDown, Key::PageDown, Key::PageUp]);
                play.text();
            }
        }
    }
}

#[test]
fn sheets_of_its_states() {
    let looking = |width, height| {
        let mut play = nobody(width, height);
        play.keys(&[Key::Char('y')]);
        play
    };
    let refused = |lock: Lock| {
        move |width, height| {
            let mut play = somebody(width, height);
            play.app.shared.lock = lock;
            play.keys(&[Key::Down, Key::Enter]);
            play
        }
    };
    sheets(
        "first_start",
        &[
            ("question to nobody", &nobody),
            ("question to somebody", &somebody),
            ("looking", &looking),
            ("nothing to do", &|width, height| {
                let mut play = looking(width, height);
                let whole = Plan { steps: vec![plan().steps.remove(7)], notes: Vec::new(), ..plan() };
                play.answer(Slot::SetUp, Answer::Reply(Ok(Reply::SetUpPlan(Box::new(whole)))));
                play
            }),
            ("plan", &|width, height| planned(nobody(width, height))),
            ("working", &|width, height| {
                let mut play = planned(nobody(width, height));
                play.keys(&[Key::Char('y')]);
                play
            }),
            ("done, for somebody", &|width, height| ended(somebody(width, height), None)),
            ("done, for nobody", &|width, height| ended(nobody(width, height), None)),
            ("stopped", &|width, height| ended(nobody(width, height), Some(cannot()))),
            ("failed", &|width, height| {
                let mut play = looking(width, height);
                play.answer(Slot::SetUp, Answer::Reply(Err(cannot())));
                play
            }),
            ("read-only", &refused(Lock::ReadOnly)),
            ("protected", &refused(Lock::Protected)),
        ],
    );
}
