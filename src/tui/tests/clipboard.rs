//! What becomes of a secret in the clipboard once something else is copied, or is not.

use std::time::Duration;

use crate::model::{Problem, Secret};
use crate::tui::effect::Effect;
use crate::tui::jobs::Slot;
use crate::tui::outside::{Answer, Copied, Errand, Mark};
use crate::tui::testing::{Play, tenants};
use crate::tui::update::{copy, copy_secret};

fn plain(play: &mut Play, text: &str) {
    let effects = copy(&mut play.app.shared, text.to_owned(), "the address");
    play.effects.extend(effects);
}

fn secret(play: &mut Play, text: &str) {
    let effects = copy_secret(&mut play.app.shared, Secret::new(text), "the password");
    play.effects.extend(effects);
}

/// The clipboards took it: the desktop's too, or only the terminal's.
fn took(play: &mut Play, text: &str, desktop: bool) {
    let copied = Copied { desktop, tmux: false, terminal: true, mark: Mark::of(text) };
    play.answer_errand(Slot::Copy, Answer::Copied(Ok(copied)));
}

fn refused(play: &mut Play) {
    play.answer_errand(Slot::Copy, Answer::Copied(Err(Problem::new("Nothing was copied."))));
}

/// What is taken out of the clipboard until a second, by the second.
fn cleared(play: &mut Play, until: u64) -> Vec<(u64, Mark)> {
    let mut all = Vec::new();
    let begin = play.app.shared.now.running.as_secs();
    for second in begin..=until {
        play.take_effects();
        play.tick(second);
        all.extend(play.effects.iter().filter_map(|effect| match effect {
            Effect::Errand(_, Errand::Clear(mark)) => Some((second, mark.clone())),
            _ => None,
        }));
    }
    all
}

fn play() -> Play {
    Play::ready(120, 36, tenants())
}

#[test]
fn a_secret_goes_when_its_time_is_over() {
    let mut play = play();
    secret(&mut play, "hunter2");
    took(&mut play, "hunter2", true);
    assert!(play.text().contains("the password is copied, for 45 s"), "{}", play.text());
    assert!(play.app.next_wake().is_some_and(|due| due <= Duration::from_secs(45)));
    assert_eq!(cleared(&mut play, 100), [(45, Mark::of("hunter2"))]);
}

#[test]
fn something_ordinary_copied_at_once_is_no_secret() {
    let mut play = play();
    secret(&mut play, "hunter2");
    plain(&mut play, "https://orchard.example");
    took(&mut play, "https://orchard.example", true);
    assert!(play.text().contains("the address is copied."), "{}", play.text());
    assert_eq!(cleared(&mut play, 100), [], "what anybody may see stays");
}

#[test]
fn something_ordinary_takes_the_place_of_a_secret() {
    for desktop in [true, false] {
        let mut play = play();
        secret(&mut play, "hunter2");
        took(&mut play, "hunter2", desktop);
        plain(&mut play, "https://orchard.example");
        took(&mut play, "https://orchard.example", desktop);
        assert_eq!(cleared(&mut play, 100), [], "nothing of ours is left to take out");
    }
}

#[test]
fn where_nothing_took_its_place_the_secret_goes_all_the_same() {
    let mut play = play();
    secret(&mut play, "hunter2");
    took(&mut play, "hunter2", true);
    plain(&mut play, "too long");
    refused(&mut play);
    assert_eq!(cleared(&mut play, 100), [(45, Mark::of("hunter2"))]);
}

#[test]
fn one_that_may_have_got_there_before_the_next_goes_too() {
    let mut play = play();
    secret(&mut play, "hunter2");
    plain(&mut play, "too long");
    refused(&mut play);
    assert_eq!(cleared(&mut play, 100), [(45, Mark::of("hunter2"))]);
}

#[test]
fn the_desktop_keeps_a_secret_that_only_the_terminals_clipboard_lost() {
    let mut play = play();
    secret(&mut play, "hunter2");
    took(&mut play, "hunter2", true);
    plain(&mut play, "https://orchard.example");
    took(&mut play, "https://orchard.example", false);
    assert_eq!(cleared(&mut play, 100), [(45, Mark::of("hunter2"))]);
}

#[test]
fn of_two_secrets_the_later_has_its_own_time() {
    let mut play = play();
    secret(&mut play, "hunter2");
    took(&mut play, "hunter2", true);
    play.tick(10);
    secret(&mut play, "hunter3");
    took(&mut play, "hunter3", true);
    assert_eq!(cleared(&mut play, 100), [(55, Mark::of("hunter3"))]);
    secret(&mut play, "hunter4");
    took(&mut play, "hunter4", true);
    secret(&mut play, "hunter5");
    refused(&mut play);
    assert_eq!(cleared(&mut play, 200), [(145, Mark::of("hunter4"))], "the later one never got there");
}
