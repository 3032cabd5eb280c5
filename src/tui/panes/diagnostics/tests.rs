use std::time::Duration;

use super::FACTS;
use crate::model::Problem;
use crate::ops::call::{Call, Reply};
use crate::ops::diagnostics::{Diagnostics, EngineFacts};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use crate::tui::panes::pictures::at_each_size;
use crate::tui::panes::{Pane, PaneView};
use crate::tui::testing::{Play, tenants};

fn facts() -> Diagnostics {
    Diagnostics {
        program: "0.1.0 · linux/x86_64".to_owned(),
        api: "http://127.0.0.1:8765".to_owned(),
        api_answer: Ok(Duration::from_millis(3)),
        engine: Ok(EngineFacts {
            words: "Docker Engine 20.10.24 · API 1.41 · linux/amd64".to_owned(),
            host: "unix:///var/run/docker.sock".to_owned(),
            reason: "default socket /var/run/docker.sock".to_owned(),
        }),
        project: "/home/mara/orchard/.systemprompt".to_owned(),
        configuration: Some("/home/mara/.config/tenantry/config.toml".to_owned()),
        state: Some("/home/mara/.local/state/tenantry".to_owned()),
        crash: None,
        log: vec![
            "2026-11-20T12:00:01.000000Z  INFO tenantry::api: the stream was opened again after 2 s".to_owned(),
            "2026-11-20T12:00:04.000000Z  WARN tenantry::tui: the state of the screen cannot be kept: no space left on \
             the device, and a line that is too long for one row of this pane"
                .to_owned(),
        ],
    }
}

fn answer(play: &mut Play, result: Result<Diagnostics, Problem>) {
    let slot = Slot::Pane(Pane::Diagnostics, FACTS);
    play.answer(slot, Answer::Reply(result.map(|facts| Reply::Diagnostics(Box::new(facts)))));
}

fn open(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('9')]);
    play
}

#[test]
fn pictures() {
    at_each_size("diagnostics_filled", |width, height| {
        let mut play = open(width, height);
        answer(&mut play, Ok(facts()));
        play
    });
    at_each_size("diagnostics_nothing_answers", |width, height| {
        let mut play = open(width, height);
        let unreachable = Problem::new("The Management API at 127.0.0.1:8765 does not answer.")
            .detail("Connection refused.")
            .hint("Check the address and the network.");
        let stopped = Problem::new("No Docker Engine answers.").hint("Start Docker.");
        let crash = Some("/home/mara/.local/state/tenantry/crash-20261120T115900Z.txt".to_owned());
        answer(
            &mut play,
            Ok(Diagnostics { api_answer: Err(unreachable), engine: Err(stopped), log: Vec::new(), crash, ..facts() }),
        );
        play
    });
    at_each_size("diagnostics_loading", open);
    at_each_size("diagnostics_error", |width, height| {
        let mut play = open(width, height);
        answer(&mut play, Err(Problem::new("The search for the Docker Engine stopped.").hint("Try again.")));
        play
    });
    at_each_size("diagnostics_read_only", |width, height| {
        let mut play = open(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        answer(&mut play, Ok(facts()));
        play
    });
}

#[test]
fn it_asks_while_somebody_looks_and_an_unchanged_pace_is_no_new_picture() {
    let mut play = open(120, 36);
    let asked = |play: &mut Play| {
        let wanted = |effect: &Effect| matches!(effect, Effect::Start(_, Request::Call(Call::Diagnostics)));
        play.take_effects().iter().filter(|effect| wanted(effect)).count()
    };
    assert_eq!(play.app.panes.diagnostics.wake(), None, "nothing is due while the answer is on its way");
    let before = play.text();
    answer(&mut play, Ok(facts()));
    assert_eq!(asked(&mut play), 1);
    let picture = play.text();
    assert_ne!(picture, before);
    play.tick(20);
    assert!(play.text().contains("answers in <10 ms"));
    let slower = Duration::from_millis(12);
    answer(&mut play, Ok(Diagnostics { api_answer: Ok(slower), ..facts() }));
    assert!(play.text().contains("answers in <10 ms"), "a little slower is the same step");
    assert_eq!(asked(&mut play), 1);
    play.keys(&[Key::Char('1')]);
    play.tick(60);
    assert_eq!(asked(&mut play), 0, "nobody looks");
}

#[test]
fn all_of_it_can_be_copied() {
    let mut play = open(120, 36);
    play.keys(&[Key::Char('y')]);
    assert_eq!(play.copied(), None, "nothing is known yet");
    answer(&mut play, Ok(Diagnostics { engine: Err(Problem::new("No Docker Engine answers.")), ..facts() }));
    play.keys(&[Key::Char('y')]);
    let (text, is_secret) = play.copied().unwrap();
    assert!(!is_secret);
    for part in ["0.1.0", "No Docker Engine answers.", "config.toml", "cannot be kept"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
