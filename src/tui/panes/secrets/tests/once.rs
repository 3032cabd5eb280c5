//! Credentials that come once: fetched after a question, masked, shown for a moment, gone when they are left.

use super::{PASSWORD, address, assert_hidden, ended, fetched, filled, profile, refused, rotated, with_credentials};
use crate::model::Problem;
use crate::ops::call::Call;
use crate::ops::stored::Stored;
use crate::tui::effect::{Effect, Request};
use crate::tui::key::Key;
use crate::tui::msg::Msg;
use crate::tui::testing::{Play, tenant_id};

/// What is on the screen without the breaks of lines.
fn shows(play: &Play) -> bool {
    let text: String = play.text().chars().filter(char::is_ascii_graphic).collect();
    text.contains(PASSWORD)
}

fn shown(width: u16, height: u16) -> Play {
    let mut play = with_credentials(width, height, profile());
    assert_hidden(&play);
    play.keys(&[Key::Char('v')]);
    assert!(shows(&play), "{}", play.text());
    assert!(!format!("{:?}", play.app).contains(PASSWORD));
    play
}

#[test]
fn they_are_fetched_after_a_question_that_says_once() {
    let mut play = super::filled_with(120, 36, true, false);
    assert!(play.text().contains("One-time credentials wait and can be read only once."), "{}", play.text());
    play.take_effects();
    play.keys(&[Key::Char('c')]);
    assert!(play.text().contains("can be read only once"), "{}", play.text());
    play.keys(&[Key::Enter]);
    let asked =
        |play: &Play| play.effects.iter().any(|effect| called(effect) == Some(&Call::OneTimeCredentials(tenant_id(1))));
    assert!(!asked(&play), "no is the answer of Enter");
    play.keys(&[Key::Char('c'), Key::Char('y')]);
    assert!(asked(&play));
    ended(&mut play, "credentials", Ok(fetched(profile())));
    let text = play.text();
    assert!(text.contains("postgres://tenant_3f6c1b8e52d4:****@"), "{text}");
    assert!(text.contains("JWT secret") && text.contains("••••••••"), "{text}");
    assert_hidden(&play);
}

fn called(effect: &Effect) -> Option<&Call> {
    match effect {
        Effect::Start(_, Request::Call(call)) => Some(call),
        _ => None,
    }
}

#[test]
fn where_none_wait_the_key_says_how_to_get_some() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('c')]);
    assert!(play.app.dialog.is_none());
    assert!(play.text().contains("No one-time credentials wait."), "{}", play.text());
}

#[test]
fn a_shown_value_is_hidden_by_itself() {
    let mut play = shown(120, 36);
    play.tick(29);
    assert!(shows(&play));
    assert!(play.app.next_wake().is_some_and(|due| due.as_secs() <= 30));
    play.tick(30);
    assert_hidden(&play);
    assert!(play.text().contains("****@"), "it is masked again, and kept");
    play.tick(300);
    assert!(!play.text().contains("Credentials"), "{}", play.text());
    assert!(format!("{:?}", play.app.panes.secrets.values).contains("of: {}"));
}

#[test]
fn the_same_key_hides_it() {
    let mut play = shown(120, 36);
    play.keys(&[Key::Char('v')]);
    assert_hidden(&play);
    play.keys(&[Key::Char('v'), Key::Down]);
    assert!(shows(&play), "selecting another is no reason to hide");
    play.keys(&[Key::Char('v')]);
    assert!(play.text().contains("jwt-") && !play.text().contains("tenant_3f6c1b8e52d4:hunter2"), "one at a time");
}

#[test]
fn leaving_hides_it() {
    for (width, height) in [(80, 24), (120, 36), (200, 60)] {
        for key in [Key::Tab, Key::BackTab, Key::Char(']'), Key::Char('1'), Key::Char('0')] {
            let mut play = shown(width, height);
            play.keys(&[key]);
            assert_hidden(&play);
            play.keys(&[Key::Char('4')]);
            assert_hidden(&play);
        }
    }
}

#[test]
fn another_page_forgets_it() {
    let mut play = shown(120, 36);
    play.keys(&[Key::Char('3')]);
    assert!(format!("{:?}", play.app.panes.secrets.values).contains("of: {}"));
}

#[test]
fn another_tenant_hides_and_forgets_it_at_once() {
    let mut play = shown(120, 36);
    // The list moves the selection although nobody pressed a key.
    let rest = play.app.shared.tenants.list()[1..].to_vec();
    play.tick(70);
    play.keys(&[Key::Char('v'), Key::Char('v')]);
    play.list(rest);
    assert_hidden(&play);
    assert!(!play.text().contains("postgres://"), "{}", play.text());
    play.tick(72);
    assert_hidden(&play);
    assert!(format!("{:?}", play.app.panes.secrets.values).contains("of: {}"));
}

#[test]
fn a_small_terminal_forgets_it() {
    let mut play = shown(120, 36);
    play.send(Msg::Resized { width: 30, height: 10 });
    play.send(Msg::Resized { width: 120, height: 36 });
    assert_hidden(&play);
}

#[test]
fn what_is_stored_nowhere_stays_hidden_until_its_time_is_over() {
    let mut play = with_credentials(120, 36, Stored::Nowhere(Problem::new("The disk is full.")));
    assert!(play.text().contains("The disk is full."), "{}", play.text());
    play.keys(&[Key::Char('v'), Key::Char('1')]);
    assert_hidden(&play);
    play.keys(&[Key::Char('4')]);
    assert_hidden(&play);
    assert!(play.text().contains("****@"), "{}", play.text());
    play.keys(&[Key::Char('1')]);
    play.tick(301);
    play.keys(&[Key::Char('4')]);
    assert!(!play.text().contains("Credentials"), "{}", play.text());
}

#[test]
fn copying_takes_the_secret_way() {
    let mut play = with_credentials(120, 36, profile());
    play.keys(&[Key::Char('y')]);
    assert!(play.text().contains("Copying address"), "{}", play.text());
    assert_hidden(&play);
    play.keys(&[Key::End, Key::Char('y')]);
    assert!(play.text().contains("No credential is selected."), "{}", play.text());
}

#[test]
fn a_rotation_far_from_the_pane_leaves_its_facts_and_no_value() {
    let mut play = filled(120, 36);
    play.tick(9);
    play.keys(&[Key::Char('1'), Key::Char('r'), Key::Char('y')]);
    ended(&mut play, "rotate", Ok(rotated(profile())));
    assert!(format!("{:?}", play.app.panes.secrets.values).contains("of: {}"));
    play.keys(&[Key::Char('4')]);
    let text = play.text();
    assert!(text.contains("12:00:09 · before: 2026-11-02 09:14:00"), "{text}");
    assert!(text.contains("stored in profile prod"), "{text}");
    assert!(!text.contains("v shows"), "{text}");
}

#[test]
fn a_fetch_that_fails_asks_whether_they_still_wait() {
    let mut play = super::filled_with(120, 36, true, false);
    play.keys(&[Key::Char('c'), Key::Char('y')]);
    ended(&mut play, "credentials", Err(refused()));
    let asked = play.effects.iter().filter(|effect| called(effect) == Some(&Call::Status(tenant_id(1)))).count();
    assert_eq!(asked, 2, "once in the beginning, once now");
}

#[test]
fn a_long_value_is_shown_whole_on_a_narrow_screen() {
    let play = shown(80, 24);
    let text: String = play.text().chars().filter(char::is_ascii_graphic).collect();
    assert!(text.contains(&address().replace(' ', "")), "{}", play.text());
}
