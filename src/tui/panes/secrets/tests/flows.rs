//! Secrets: set, replaced, removed, sent, filtered; and what is refused.

use std::collections::BTreeMap;

use super::{PASSWORD, assert_hidden, ended, filled, filled_with, names, opened, refused, reply, status};
use crate::model::Secret;
use crate::ops::call::{Call, Reply};
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, tenant_id};

/// What was asked for that changes something.
fn changes(play: &mut Play) -> Vec<Call> {
    let call = |effect: Effect| match effect {
        Effect::Start(_, Request::Call(call)) if call.changes() => Some(call),
        _ => None,
    };
    play.take_effects().into_iter().filter_map(call).collect()
}

fn type_text(play: &mut Play, text: &str) {
    for c in text.chars() {
        play.keys(&[Key::Char(c)]);
    }
}

fn set(name: &str) -> Call {
    let secrets = BTreeMap::from([(name.to_owned(), Secret::new(PASSWORD))]);
    Call::SetSecrets { id: tenant_id(1), secrets, restart: false }
}

#[test]
fn a_secret_is_named_then_typed_unseen_then_sent() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('a')]);
    type_text(&mut play, "mail_key");
    play.keys(&[Key::Enter]);
    play.send(Msg::Pasted(format!("{PASSWORD}\n")));
    assert!(play.text().contains("MAIL_KEY") && play.text().contains("••••"), "{}", play.text());
    assert_hidden(&play);
    play.keys(&[Key::Enter]);
    assert_hidden(&play);
    let effects = play.effects.clone();
    assert_eq!(changes(&mut play), [set("MAIL_KEY")]);
    play.effects = effects;
    let keys = ["ANTHROPIC_API_KEY", "MAIL_KEY", "OPENAI_API_KEY"].map(str::to_owned).to_vec();
    let answer =
        Reply::SecretsSet { set: vec!["MAIL_KEY".to_owned()], ignored: Vec::new(), keys: Some(keys), restarted: false };
    ended(&mut play, "secret", Ok(answer));
    let text = play.text();
    assert!(text.contains("MAIL_KEY of orchard is set. It takes effect at the next start: t r."), "{text}");
    assert!(text.contains("▌ MAIL_KEY") && text.contains("takes effect at the next start. t r restarts it"), "{text}");
}

#[test]
fn a_name_that_cannot_be_is_refused_with_the_reason_and_stays_to_be_put_right() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('a')]);
    type_text(&mut play, "database_url");
    play.keys(&[Key::Enter]);
    let text = play.text();
    assert!(text.contains("DATABASE_URL is set by the platform itself."), "{text}");
    assert!(text.contains("› database_url"), "{text}");
    play.keys(&[Key::Char('-'), Key::Enter]);
    assert!(play.text().contains("A secret cannot have this name."), "{}", play.text());
    play.keys(&[Key::Esc]);
    assert!(play.app.dialog.is_none());
    assert_eq!(changes(&mut play), []);
}

#[test]
fn the_selected_one_gets_a_new_value_whatever_is_selected_when_it_is_sent() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Down, Key::Char('e')]);
    let effects = play.effects.clone();
    // Somebody else removes it meanwhile, and the list comes again.
    play.app.panes.secrets.took_names(Ok(vec!["ANTHROPIC_API_KEY".to_owned()]));
    play.effects = effects;
    type_text(&mut play, PASSWORD);
    play.keys(&[Key::Enter]);
    assert_eq!(changes(&mut play), [set("GITHUB_TOKEN")]);
}

#[test]
fn an_empty_or_endless_value_is_not_sent() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Enter, Key::Enter]);
    assert!(play.text().contains("The value is empty"), "{}", play.text());
    play.keys(&[Key::Enter]);
    play.send(Msg::Pasted(PASSWORD.repeat(3000)));
    play.keys(&[Key::Enter]);
    assert!(play.text().contains("The value is too long"), "{}", play.text());
    assert_hidden(&play);
    assert_eq!(changes(&mut play), []);
}

#[test]
fn removing_asks_with_the_name_and_no_is_the_answer_of_enter() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Down, Key::Char('x')]);
    assert!(play.text().contains("Remove GITHUB_TOKEN?"), "{}", play.text());
    play.keys(&[Key::Enter]);
    assert_eq!(changes(&mut play), []);
    play.keys(&[Key::Char('x'), Key::Char('y')]);
    let effects = play.effects.clone();
    assert_eq!(changes(&mut play), [Call::UnsetSecret { id: tenant_id(1), key: "GITHUB_TOKEN".to_owned() }]);
    play.keys(&[Key::Char('x')]);
    assert!(play.app.dialog.is_none(), "one at a time");
    play.effects = effects;
    ended(&mut play, "unset", Ok(Reply::SecretUnset { key: "GITHUB_TOKEN".to_owned(), already: false }));
    let text = play.text();
    assert!(text.contains("GITHUB_TOKEN of orchard is removed."), "{text}");
    assert!(text.contains("▌ OPENAI_API_KEY") && text.contains("Secrets 3"), "{text}");
}

#[test]
fn yes_to_one_secret_removes_no_other() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('R')]);
    play.keys(&[Key::Char('x')]);
    assert!(play.text().contains("Remove ANTHROPIC_API_KEY?"), "{}", play.text());
    reply(&mut play, "names", names(&["GITHUB_TOKEN"]));
    play.take_effects();
    play.keys(&[Key::Char('y')]);
    assert_eq!(changes(&mut play), []);
    assert!(play.text().contains("No secret is selected."), "{}", play.text());
}

#[test]
fn the_profiles_secrets_are_sent_after_a_question() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('S'), Key::Char('y')]);
    let effects = play.effects.clone();
    assert_eq!(changes(&mut play), [Call::SyncSecrets(tenant_id(1))]);
    play.effects = effects;
    let summary = "3 secrets, 4 platform variables".to_owned();
    ended(&mut play, "sync", Ok(Reply::SecretsSynced { summary, was_skipped: false }));
    assert!(play.text().contains("Sent to orchard: 3 secrets, 4 platform variables."), "{}", play.text());
    let asked =
        play.effects.iter().filter(|effect| matches!(effect, Effect::Start(_, Request::Call(Call::Secrets(_)))));
    assert!(asked.count() >= 1, "the names are loaded again");
}

#[test]
fn nothing_is_changed_where_nothing_may_be() {
    for lock in [Lock::ReadOnly, Lock::Protected] {
        let mut play = filled_with(120, 36, true, false);
        play.app.shared.lock = lock;
        play.take_effects();
        for key in ['a', 'e', 'E', 'x', 'S', 'c'] {
            play.keys(&[Key::Char(key)]);
            assert!(play.app.dialog.is_none(), "{key}");
        }
        assert_eq!(changes(&mut play), []);
        assert!(play.text().contains("nothing is changed"), "{}", play.text());
    }
    // Also where the lock closes while somebody types.
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('e'), Key::Char('v')]);
    play.app.shared.lock = Lock::Protected;
    play.keys(&[Key::Enter]);
    assert_eq!(changes(&mut play), []);
}

#[test]
fn marks_are_not_meant_here() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('0'), Key::Down, Key::Char(' '), Key::Home]);
    play.tick(1);
    play.take_effects();
    play.keys(&[Key::Char('4'), Key::Char('a')]);
    assert!(play.app.dialog.is_none());
    assert!(play.text().contains("Other tenants are marked."), "{}", play.text());
}

#[test]
fn the_filter_works_while_it_is_typed_and_leaves_with_escape() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('/')]);
    type_text(&mut play, "git");
    assert!(play.text().contains("▌ GITHUB_TOKEN") && !play.text().contains("SMTP_PASSWORD"), "{}", play.text());
    play.keys(&[Key::Enter]);
    assert!(play.text().contains("Secrets 1 of 4") && play.text().contains("/git"), "{}", play.text());
    play.keys(&[Key::Char('/'), Key::Esc]);
    assert!(play.text().contains("/git"), "leaving puts back what was there");
}

#[test]
fn a_late_answer_about_another_tenant_is_not_shown() {
    let mut play = opened(120, 36);
    let old: Vec<_> = play
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Start(ticket, Request::Call(Call::Secrets(_))) => Some(ticket.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(old.len(), 1, "asked once");
    play.keys(&[Key::Tab, Key::End]);
    play.tick(2);
    for ticket in old {
        play.send(Msg::Answer(ticket, Answer::Reply(Ok(names(&["OPENAI_API_KEY"])))));
    }
    assert!(play.text().contains("loading secrets") && !play.text().contains("OPENAI"), "{}", play.text());
}

#[test]
fn a_refusal_of_the_server_is_told_and_the_names_stay() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('x'), Key::Char('y')]);
    ended(&mut play, "unset", Err(refused()));
    assert!(play.text().contains("The Management API is not reachable."), "{}", play.text());
    assert!(play.text().contains("ANTHROPIC_API_KEY"));
}

#[test]
fn what_a_restart_makes_good_is_asked_again() {
    let mut play = filled_with(120, 36, false, true);
    play.keys(&[Key::Char('t'), Key::Char('r'), Key::Char('y')]);
    let begun = serde_json::from_value(serde_json::json!({"status": "restarting"})).unwrap();
    ended(&mut play, "restart", Ok(Reply::Begun { begun, already: false }));
    reply(&mut play, "status", status(false, false));
    assert!(!play.text().contains("takes effect at the next start"), "{}", play.text());
}

#[test]
fn a_click_selects_a_name_and_the_line_dialog_is_for_the_selected() {
    let mut play = filled(120, 36);
    let text = play.text();
    let row = text.lines().position(|line| line.contains("SMTP_PASSWORD")).unwrap();
    let mouse = crate::tui::mouse::Mouse { act: crate::tui::mouse::Act::Press, x: 60, y: u16::try_from(row).unwrap() };
    play.send(Msg::Mouse(mouse));
    play.keys(&[Key::Enter]);
    assert!(matches!(&play.app.dialog, Some(Dialog::Line(line)) if line.subject().ends_with(" SMTP_PASSWORD")));
}
