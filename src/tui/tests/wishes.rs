//! What users of such programs ask for (`docs/wishes.md`): that every wish there has tests which exist, and those of the
//! tests that belong nowhere else.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::pictures::filled;
use crate::tui::commands::table;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::key::{Chord, Key};
use crate::tui::testing::{Play, tenants};

/// How many wishes there are.
const WISHES: usize = 14;

/// The names of all test functions below a folder.
fn tests_below(folder: &Path, found: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let name =
                |rest: &str| -> String { rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
            // Behind the attribute of a test, or registered as a trial.
            let behind = |part: &str| part.split_once("fn ").map(|(_, rest)| name(rest));
            found.extend(text.split("test]\n").skip(1).filter_map(behind));
            let trials = text.split("trial(\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(trials.filter_map(|trial| trial.rsplit("::").next()).map(str::to_owned));
        }
    }
}

#[test]
fn every_wish_has_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/wishes.md")).unwrap();
    let mut known = HashSet::new();
    tests_below(&root.join("src"), &mut known);
    tests_below(&root.join("tests"), &mut known);
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Wish")).collect();
    assert_eq!(rows.len(), WISHES);
    for (place, row) in rows.iter().enumerate() {
        assert!(row.starts_with(&format!("| {}. ", place + 1)), "{row}");
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(known.contains(name), "there is no test {name}");
        }
    }
}

/// Whether something was begun that changes what a tenant is, or buys one. A deploy is one key on purpose.
fn changes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Start(_, Request::Call(call)) => call.changes(),
        Effect::Start(_, Request::RollBack { .. } | Request::Checkout { .. } | Request::NewLocal(_)) => true,
        _ => false,
    })
}

#[test]
fn a_question_answered_without_looking_changes_nothing() {
    let mut asked = 0;
    for command in table().filter(|command| command.changes) {
        let mut play = filled(120, 36);
        play.take_effects();
        let effects = crate::tui::update::keys::invoke(&mut play.app, command);
        assert!(!changes(&effects), "{command:?} asks nothing");
        if !matches!(play.app.dialog, Some(Dialog::Confirm(_))) {
            continue;
        }
        asked += 1;
        play.keys(&[Key::Enter]);
        assert!(!changes(&play.take_effects()), "{command:?}: the selected answer is not the safe one");
    }
    assert!(asked >= 5, "only {asked} commands ask");
}

#[test]
fn no_key_is_a_multiplexers() {
    // The prefixes of tmux and screen, and what stops and starts the output of a terminal.
    let taken: Vec<Key> =
        ["ctrl-b", "ctrl-a", "ctrl-s", "ctrl-q"].iter().map(|key| key.parse::<Chord>().unwrap().keys()[0]).collect();
    for command in table() {
        for keys in command.keys {
            let chord: Chord = keys.parse().unwrap();
            assert!(chord.keys().iter().all(|key| !taken.contains(key)), "{command:?}: {keys}");
        }
    }
}

#[test]
fn the_context_is_in_sight_at_every_size() {
    for (width, height) in [(60, 16), (80, 24), (100, 30), (120, 36), (200, 60), (300, 20)] {
        for open in [None, Some('?'), Some(':'), Some('n'), Some('J')] {
            let mut play = Play::ready(width, height, tenants());
            play.keys(&open.map(Key::Char).into_iter().collect::<Vec<_>>());
            let text = play.text();
            let first = text.lines().next().unwrap();
            assert!(
                first.contains("sandbox") && first.contains("127.0.0.1:8765"),
                "{width}x{height} {open:?}: {first}"
            );
        }
    }
}

#[test]
fn the_first_picture_needs_no_answer() {
    let play = Play::new(120, 36);
    let text = play.text();
    assert!(text.contains("loading tenants") && text.contains("q quit"), "{text}");
}
