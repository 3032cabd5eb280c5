//! Small terminals: below the least size nothing dangerous is done unseen, and above it no dialog loses its answers.

use crate::model::{Problem, Tenant};
use crate::ops::call::Call;
use crate::ops::login::News;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, tenant, typed};

fn resized(play: &mut Play, width: u16, height: u16) {
    play.send(Msg::Resized { width, height });
}

fn changed(play: &Play) -> usize {
    let changes = |effect: &&Effect| match effect {
        Effect::Start(_, Request::Call(call)) => call.changes(),
        Effect::Start(_, Request::Deploy(_)) => true,
        _ => false,
    };
    play.effects.iter().filter(changes).count()
}

fn two() -> Vec<Tenant> {
    vec![tenant(1, "orchard", "running"), tenant(2, "docs", "running")]
}

#[test]
fn a_question_that_cannot_be_read_is_not_answered_with_yes() {
    for (width, height) in [(59, 16), (60, 15), (20, 5), (3, 1)] {
        for yes in [vec![Key::Char('y')], vec![Key::Tab, Key::Enter]] {
            let mut play = Play::ready(120, 36, two());
            play.keys(&[Key::Char('r')]);
            resized(&mut play, width, height);
            play.keys(&yes);
            assert_eq!(changed(&play), 0, "{width}×{height}: {yes:?}");
            // Once it can be read again, it can be answered again.
            resized(&mut play, 120, 36);
            play.keys(&[Key::Char('y')]);
            assert_eq!(changed(&play), 1, "{}", play.text());
        }
    }
}

#[test]
fn nothing_is_typed_unseen() {
    for pasted in [false, true] {
        let mut play = Play::ready(120, 36, two());
        play.keys(&[Key::Char('t'), Key::Char('d')]);
        resized(&mut play, 40, 10);
        if pasted {
            play.send(Msg::Pasted("orchard".to_owned()));
        } else {
            typed(&mut play, "orchard");
        }
        play.keys(&[Key::Enter]);
        resized(&mut play, 120, 36);
        play.keys(&[Key::Enter]);
        let deleted = |effect: &Effect| matches!(effect, Effect::Start(_, Request::Call(Call::Delete { .. })));
        assert!(!play.effects.iter().any(deleted), "{}", play.text());
    }
}

#[test]
fn the_way_out_can_be_asked_about_in_one_line() {
    let mut play = Play::ready(120, 36, two());
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    resized(&mut play, 40, 2);
    play.keys(&[Key::Char('q')]);
    assert!(play.text().contains("Leave?"), "{}", play.text());
    play.keys(&[Key::Char('n')]);
    assert!(!play.text().contains("Leave?"), "{}", play.text());
    play.keys(&[Key::Char('q'), Key::Char('y')]);
    assert!(play.effects.iter().any(|effect| matches!(effect, Effect::Exit)));
}

#[test]
fn where_not_even_that_fits_only_the_second_of_the_same_key_leads_out() {
    let mut play = Play::ready(120, 36, two());
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    resized(&mut play, 6, 2);
    let exits = |play: &Play| play.effects.iter().any(|effect| matches!(effect, Effect::Exit));
    play.keys(&[Key::Ctrl('c'), Key::Char('y')]);
    assert!(!exits(&play), "{}", play.text());
    play.keys(&[Key::Ctrl('c')]);
    assert!(exits(&play));
}

/// The keys that open a dialog, and what of it must be seen however small the terminal.
const DIALOGS: &[(&str, &[&str])] = &[
    ("r", &["No, leave it", "Yes, rotate"]),
    ("tr", &["No, leave it", "Yes, restart"]),
    ("ad", &["No, leave it", "Yes, deploy"]),
    ("ar", &["No, leave it", "Yes, rotate"]),
    ("td", &["to confirm", "› ", "Enter", "Esc"]),
    ("tc", &["to confirm", "› ", "Enter", "Esc"]),
    ("tn", &["› ", "Enter", "Esc"]),
    ("4a", &["› ", "Enter", "Esc"]),
    ("J", &["Enter", "Esc"]),
    ("C", &["Enter", "Esc"]),
    ("uo", &["No, stay", "Yes, log out"]),
    ("U", &["to confirm", "› ", "Enter", "Esc"]),
];

#[test]
fn the_answers_of_every_question_can_be_seen() {
    let many: Vec<Tenant> = (1..=24)
        .map(|number| tenant(number, &format!("a-tenant-with-a-rather-long-name-{number:02}"), "running"))
        .collect();
    for (width, height) in [(60, 16), (60, 24), (70, 18), (80, 16), (80, 24)] {
        for (keys, wanted) in DIALOGS {
            let mut play = Play::ready(width, height, many.clone());
            play.tick(1);
            play.app.shared.options.contexts = (0..30)
                .map(|number| crate::tui::app::ContextChoice {
                    name: format!("context-{number}"),
                    api: "api.example".to_owned(),
                    protected: true,
                })
                .collect();
            if *keys == "U" {
                play.app.shared.lock = crate::tui::lock::Lock::Protected;
            }
            if *keys == "J" {
                // Every one a job of its own.
                for _ in 0..24 {
                    play.keys(&[Key::Char('0'), Key::Char('d'), Key::Char('0'), Key::Down]);
                }
            }
            typed(&mut play, keys);
            assert!(play.app.dialog.is_some(), "{keys}: {}", play.text());
            let text = play.text();
            for words in *wanted {
                assert!(text.contains(words), "{keys} at {width}×{height} hides {words:?}:\n{text}");
            }
            if *keys == "J" {
                for _ in 0..40 {
                    play.keys(&[Key::Down]);
                    let text = play.text();
                    assert!(text.lines().any(|line| line.contains('▌') && line.contains('│')), "{text}");
                }
            }
        }
    }
}

/// A wizard for a local tenant in a container.
fn form(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, two());
    play.keys(&[Key::Char('n'), Key::Down, Key::Enter]);
    play
}

fn assert_seen(play: &Play, wanted: &[&str]) {
    let text = play.text();
    // The bottom row tells keys too, and is no part of the dialog.
    let dialog = text.lines().filter(|line| line.contains('│')).collect::<Vec<_>>().join("\n");
    for words in wanted {
        assert!(dialog.contains(words), "{words:?} is hidden:\n{text}");
    }
}

#[test]
fn the_keys_of_every_wizard_can_be_seen() {
    for (width, height) in [(60, 16), (60, 24), (70, 18), (80, 16), (80, 24)] {
        let mut play = form(width, height);
        assert_seen(&play, &["name", "port", "image", "Enter", "Tab", "Esc"]);
        play.keys(&[Key::Tab]);
        typed(&mut play, "x");
        play.keys(&[Key::Enter]);
        assert_seen(&play, &["name", "port", "image", "A port is a number", "Enter", "Esc"]);
        let mut play = form(width, height);
        play.keys(&[Key::Enter]);
        assert_seen(&play, &["Esc", "goes on unseen"]);
        let problem =
            Problem::new("The container does not start.").detail("word ".repeat(200)).hint("Look at its log.");
        play.answer(Slot::NewLocal, Answer::LocalMade(Err(problem)));
        assert_seen(&play, &["The container does not start.", "Look at its log.", "Enter", "Backspace", "Esc"]);

        let mut play = Play::ready(width, height, two());
        play.keys(&[Key::Char('u'), Key::Char('i'), Key::Enter]);
        let address = format!("https://h.example/sign-in?state={}", "0123456789".repeat(60));
        play.answer(Slot::LogIn, Answer::LogIn(News::Address(address)));
        play.answer(Slot::LogIn, Answer::LogIn(News::NoBrowser(Problem::new("No browser was found."))));
        assert_seen(&play, &["https://h.example", "opens the page", "copies it", "Esc"]);
        let mut play = Play::ready(width, height, two());
        play.keys(&[Key::Char('u'), Key::Char('i'), Key::Enter]);
        let problem = Problem::new("Nobody signed in.").detail("word ".repeat(200)).hint("Try once more.");
        play.answer(Slot::LogIn, Answer::LoggedIn(Err(problem.into())));
        assert_seen(&play, &["Nobody signed in.", "Enter", "Esc"]);
    }
}
