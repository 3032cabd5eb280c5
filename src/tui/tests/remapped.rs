//! Every key can be another one: whatever the screen names is a key that works, and never the default of before.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::bought;
use super::pictures::{begin_purchase, building, filled, plans};
use crate::model::progress::{DeployStep, LocalProgress, LocalStep};
use crate::model::{CheckoutSession, LocalDefaults, LocalState, Problem};
use crate::ops::call::Reply;
use crate::ops::login::News;
use crate::tui::app::Health;
use crate::tui::commands::table;
use crate::tui::jobs::Slot;
use crate::tui::key::{Chord, Key};
use crate::tui::keymap::{Keymap, Own};
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, deploy_job, deployed_answer, local, tenant};
use crate::tui::update::keys::invoke;

/// Every command on keys of its own that no default has: a function key and a character.
fn remapped() -> Keymap {
    let mut ids: Vec<&str> = table().map(|command| command.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let characters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
    let own = |(place, id): (usize, &&str)| {
        let first = Key::F(u8::try_from(9 + place / characters.len()).unwrap());
        let chord = Chord::two(first, Key::Char(characters[place % characters.len()]));
        Own { command: (*id).to_owned(), chords: vec![chord], place: "line 1".to_owned() }
    };
    let own: Vec<Own> = ids.iter().enumerate().map(own).collect();
    assert!(own.len() <= 4 * characters.len(), "more function keys are wanted");
    let (map, refused) = Keymap::new(&own);
    assert_eq!(refused, Vec::<String>::new());
    map
}

/// Runs a command as its key would.
fn run(play: &mut Play, id: &str) {
    let command = table().find(|command| command.id == id).unwrap_or_else(|| panic!("no command {id}"));
    let effects = invoke(&mut play.app, command);
    play.effects.extend(effects);
    play.send(Msg::Resumed);
}

/// As the screen shows every key that means something by default. Words that are no keys in a text are left out.
fn defaults() -> HashSet<String> {
    let chords = table().flat_map(|command| command.keys.iter()).filter_map(|keys| keys.parse::<Chord>().ok());
    chords.map(|chord| chord.shown()).collect()
}

/// What stands in a picture that a person would take for a key of before.
fn named(play: &Play, defaults: &HashSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let picture = play.picture();
    let (text, styles) = picture.split_once("--- styles").expect("both parts");
    // In prose: the word behind these.
    let words: Vec<&str> = text.split_whitespace().collect();
    for pair in words.windows(2) {
        let behind = matches!(pair[0].to_lowercase().as_str(), "press" | "with" | "key" | "keys");
        let word = pair[1].trim_end_matches(['.', ',', ';', ':']);
        // A program may have exited with 1.
        let behind = behind && !(pair[0] == "with" && word.starts_with(|c: char| c.is_ascii_digit()));
        if behind && defaults.contains(word) {
            found.push(format!("{} {}", pair[0], pair[1]));
        }
    }
    for name in ["Enter", "Esc", "Tab", "Backspace", "PageDown", "PgDn", "PgUp", "Ctrl-", "Shift-"] {
        if text.contains(name) {
            found.push(name.to_owned());
        }
    }
    // In their colour: what stands there alone.
    let accent = accent(play);
    for run in styles.split(&format!(" {accent}[")).skip(1) {
        let run = run.split(']').next().unwrap_or_default();
        if defaults.contains(run) {
            found.push(format!("{run} in the colour of keys"));
        }
    }
    found
}

/// What the colour of keys is called in pictures.
fn accent(play: &Play) -> String {
    let colour = play.app.shared.theme.accent.fg.expect("keys have a colour");
    format!("{colour}").to_lowercase()
}

fn refused() -> Problem {
    Problem::new("The Management API is not reachable.").detail("connection refused")
}

/// Makes a screen.
type Make = fn(u16, u16) -> Play;

/// Screens, each by what it shows.
fn screens() -> Vec<(&'static str, Make)> {
    vec![
        ("nothing yet", Play::new),
        ("no tenants", |width, height| Play::ready(width, height, Vec::new())),
        ("filled", filled),
        ("errors", |width, height| {
            let mut play = Play::new(width, height);
            play.answer(Slot::Account, Answer::Account(Err(refused())));
            play.answer(Slot::Tenants, Answer::Tenants(Err(refused())));
            play
        }),
        ("nobody", |width, height| {
            let mut play = Play::new(width, height);
            let over = Problem::new("Your login is no longer valid.").needs_login();
            play.answer(Slot::Account, Answer::Account(Err(over.clone())));
            play.answer(Slot::Tenants, Answer::Tenants(Err(over)));
            play.app.dialog = None;
            play
        }),
        ("building", building),
        ("failed", |width, height| {
            let mut play = building(width, height);
            let problem = Problem::new("The image could not be built.");
            let took = Duration::from_millis(1600);
            let failed = crate::model::progress::DeployProgress::Failed {
                step: DeployStep::Build,
                problem: problem.clone(),
                took,
            };
            super::pictures::say(&mut play, failed);
            play.answer(deploy_job(), deployed_answer(Err(problem)));
            play
        }),
        ("paying", super::pictures::paying),
        ("local", |width, height| {
            let mut play = Play::ready(width, height, Vec::new());
            let locals = [LocalState::Running, LocalState::Stopped, LocalState::Gone, LocalState::Silent];
            let locals =
                (1..).zip(locals).map(|(number, state): (u8, _)| local(&format!("local_{number}"), "here", state));
            let reply = Reply::LocalStatuses(locals.collect());
            play.answer(Slot::LocalTenants, Answer::Reply(Ok(reply)));
            play
        }),
        ("protected", |width, height| {
            let mut play = filled(width, height);
            play.app.shared.lock = Lock::Protected;
            play
        }),
    ]
}

/// What is done on each of them; nothing, first.
const DONE: &[&str] = &[
    "",
    "help",
    "jobs",
    "palette",
    "rotate",
    "deploy",
    "unlock",
    "tenant.delete",
    "tenant.rename",
    "tenant.restart",
    "tenant.scale",
    "tenant.retry",
    "tenant.activate",
    "tenant.suspend",
    "context.switch",
    "login",
    "logout",
    "quit",
    "new",
    "local.new",
    "local.add",
    "details",
    "open",
    "deploy.cancel",
    "project.setup",
    "go.tenants",
    "go.deploy",
    "go.logs",
    "go.overview",
    "go.metrics",
    "go.secrets",
    "go.history",
    "go.environment",
    "go.plan",
    "go.domain",
    "go.diagnostics",
];

fn check(play: &Play, place: &str) {
    static DEFAULTS: LazyLock<HashSet<String>> = LazyLock::new(defaults);
    let named = named(play, &DEFAULTS);
    assert!(named.is_empty(), "{place}: {named:?}\n{}", play.picture());
}

#[test]
fn no_screen_names_a_key_of_before() {
    let map = remapped();
    let mut pictures = 0;
    for (name, make) in screens() {
        let mut before = make(120, 40);
        before.app.shared.keymap = map.clone();
        before.app.shared.toast = None;
        let count = before.app.shared.tenants.list().len().max(1);
        for place in 0..count {
            // What a tenant's state makes of it is said by few commands.
            let done = if place == 0 { DONE } else { &["", "deploy", "tenant.restart"] };
            for id in done {
                let mut play = before.clone();
                // It is drawn once, with its own keys; behind it is the main screen.
                if name == "paying" && !id.is_empty() {
                    play.app.dialog = None;
                }
                for _ in 0..place {
                    run(&mut play, "down");
                }
                play.tick(3);
                if !id.is_empty() {
                    run(&mut play, id);
                }
                check(&play, &format!("{name}, tenant {place}, {id}"));
                pictures += 1;
                // What it says hides what can be pressed.
                if play.app.shared.toast.take().is_some() {
                    check(&play, &format!("{name}, tenant {place}, {id}, without its sentence"));
                }
            }
        }
    }
    assert!(pictures > 300, "{pictures}");
}

#[test]
fn a_command_without_a_key_is_named_as_the_palette_calls_it() {
    let own = Own { command: "deploy".to_owned(), chords: Vec::new(), place: "line 1".to_owned() };
    let (map, refused) = Keymap::new(&[own]);
    assert_eq!(refused, Vec::<String>::new());
    let mut play = Play::ready(120, 40, vec![tenant(1, "orchard", "suspended")]);
    play.app.shared.keymap = map;
    run(&mut play, "deploy");
    let text: String = play.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Activate it, then choose \"deploy\" in the palette."), "{text}");
}

#[test]
fn no_dialog_of_several_steps_names_a_key_of_before() {
    let map = remapped();
    let fresh = || {
        let mut play =
            Play::ready(120, 40, vec![tenant(1, "orchard", "running"), tenant(2, "docs", "awaiting_deploy")]);
        play.app.shared.keymap = map.clone();
        play.tick(1);
        play
    };
    let mut play = fresh();
    run(&mut play, "login");
    run(&mut play, "choice.take");
    check(&play, "a login begins");
    play.answer(Slot::LogIn, Answer::LogIn(News::Address("https://h.example/sign-in".to_owned())));
    check(&play, "a login waits");
    play.answer(Slot::LogIn, Answer::LogIn(News::NoBrowser(Problem::new("No browser."))));
    check(&play, "a login without a browser");
    run(&mut play, "login.token");
    check(&play, "a token is asked for");
    let mut play = fresh();
    run(&mut play, "login");
    run(&mut play, "choice.take");
    play.answer(Slot::LogIn, Answer::LoggedIn(Err(Problem::new("Nobody signed in.").into())));
    check(&play, "a login failed");
    let mut play = fresh();
    run(&mut play, "local.new");
    play.answer(
        Slot::NewLocal,
        Answer::Reply(Ok(Reply::LocalDefaults(LocalDefaults { name: "local-2".into(), port: 5433 }))),
    );
    check(&play, "a form");
    run(&mut play, "local.create");
    play.answer(Slot::NewLocal, Answer::LocalProgress(LocalProgress::Started { step: LocalStep::Image }));
    check(&play, "the making");
    run(&mut play, "local.copy");
    check(&play, "what is not possible yet");
    run(&mut play, "local.hide");
    check(&play, "out of sight");
    run(&mut play, "local.new");
    run(&mut play, "local.stop");
    check(&play, "stopping");
    play.answer(Slot::NewLocal, Answer::LocalMade(Err(Problem::new("Stopped."))));
    check(&play, "stopped");
    let mut play = fresh();
    play.app.shared.engine = Health::Down(Problem::new("Docker does not answer."));
    run(&mut play, "deploy");
    check(&play, "no engine");
    let mut play = fresh();
    run(&mut play, "rotate");
    run(&mut play, "question.yes");
    run(&mut play, "logout");
    check(&play, "something is under way");
    run(&mut play, "quit");
    play.send(Msg::Resized { width: 40, height: 3 });
    let text = play.text();
    assert!(text.contains("Leave? F"), "the line names keys that work: {text}");
}

#[test]
fn no_purchase_names_a_key_of_before() {
    let map = remapped();
    let fresh = |mut play: Play| {
        play.app.shared.keymap = map.clone();
        play.app.shared.toast = None;
        play.tick(1);
        play
    };
    let mut play = fresh(Play::ready(120, 40, vec![tenant(2, "other", "running")]));
    run(&mut play, "new");
    run(&mut play, "choice.take");
    check(&play, "the plans are on their way");
    play.answer(Slot::Plans, Answer::Plans(Err(Problem::new("There are no plans."))));
    check(&play, "the plans did not come");
    run(&mut play, "choice.take");
    play.answer(Slot::Plans, Answer::Plans(Ok(plans())));
    check(&play, "the plans");
    run(&mut play, "choice.take");
    check(&play, "the regions");
    run(&mut play, "choice.take");
    check(&play, "the options");
    run(&mut play, "choice.down");
    run(&mut play, "choice.take");
    check(&play, "an open database");
    run(&mut play, "choice.down");
    run(&mut play, "choice.take");
    check(&play, "its name");
    run(&mut play, "line.leave");
    run(&mut play, "choice.up");
    run(&mut play, "choice.up");
    run(&mut play, "choice.take");
    let mut old = play.clone();
    begin_purchase(&mut play);
    check(&play, "the payment");
    run(&mut play, "payment.code");
    check(&play, "the code alone");
    // An old server does not say how to watch the purchase.
    let page = CheckoutSession {
        checkout_url: "https://pay.example/1".to_owned(),
        transaction_id: None,
        checkout_session_id: None,
    };
    old.answer(Slot::Checkout, Answer::Checkout(Ok(page)));
    assert!(old.text().contains("does not say when"), "{}", old.text());
    check(&old, "a payment that is not watched");
    check(&fresh(bought::ready(bought::chosen(120, 40))), "what comes next");
}
