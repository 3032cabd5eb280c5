//! What runs is not begun a second time: two of a kind would end each other, and the answer of one would be lost.

use super::{ended, filled};
use crate::model::{Problem, Secret};
use crate::ops::call::{Call, Reply};
use crate::ops::editor::Edited;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::msg::Answer;
use crate::tui::outside::{self, Errand};
use crate::tui::testing::{Play, typed};

fn calls(play: &Play, wanted: impl Fn(&Call) -> bool) -> usize {
    let is_wanted = |effect: &&Effect| matches!(effect, Effect::Start(_, Request::Call(call)) if wanted(call));
    play.effects.iter().filter(is_wanted).count()
}

fn sets(play: &Play) -> usize {
    calls(play, |call| matches!(call, Call::SetSecrets { .. }))
}

fn editors(play: &Play) -> usize {
    play.effects.iter().filter(|effect| matches!(effect, Effect::Errand(_, Errand::Edit { .. }))).count()
}

/// A value typed for the selected secret.
fn give(play: &mut Play, value: &str) {
    play.keys(&[Key::Enter]);
    typed(play, value);
    play.keys(&[Key::Enter]);
}

#[test]
fn the_profiles_secrets_are_sent_once_at_a_time() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('S'), Key::Char('y'), Key::Char('S')]);
    assert_eq!(play.app.dialog, None);
    assert_eq!(calls(&play, |call| matches!(call, Call::SyncSecrets(_))), 1);
    assert!(play.text().contains("Still sending"), "{}", play.text());
    ended(&mut play, "sync", Err(Problem::new("No.")));
    play.keys(&[Key::Esc, Key::Char('S'), Key::Char('y')]);
    assert_eq!(calls(&play, |call| matches!(call, Call::SyncSecrets(_))), 2);
}

#[test]
fn no_long_value_is_written_while_another_value_is_on_its_way() {
    let mut play = filled(120, 36);
    give(&mut play, "hunter2");
    assert_eq!(sets(&play), 1);
    play.keys(&[Key::Char('E')]);
    assert_eq!(editors(&play), 0);
    assert!(play.text().contains("Still setting a secret of orchard."), "{}", play.text());
    ended(&mut play, "secret", Err(Problem::new("No.")));
    play.keys(&[Key::Char('E')]);
    assert_eq!(editors(&play), 1);
}

#[test]
fn one_editor_at_a_time_and_its_text_goes_where_it_was_meant_to() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('E')]);
    play.keys(&[Key::Down, Key::Char('E')]);
    assert_eq!(editors(&play), 1);
    play.keys(&[Key::Char('x'), Key::Char('n'), Key::Esc]);
    let edited = Edited { text: Secret::new("long\nvalue\n"), changed: true };
    play.answer_errand(Slot::Edit, outside::Answer::Edited(Ok(edited)));
    let names: Vec<String> = play
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Start(_, Request::Call(Call::SetSecrets { secrets, .. })) => Some(secrets.keys().cloned()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(names, ["ANTHROPIC_API_KEY"]);
}

#[test]
fn a_value_that_comes_too_early_is_not_sent_and_that_is_said() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('E')]);
    // Whatever began meanwhile.
    play.app.shared.start(
        Slot::Action("secret", crate::tui::testing::tenant_id(1)),
        Request::Call(Call::Secrets(crate::tui::testing::tenant_id(1))),
    );
    let edited = Edited { text: Secret::new("long\nvalue\n"), changed: true };
    play.answer_errand(Slot::Edit, outside::Answer::Edited(Ok(edited)));
    assert_eq!(sets(&play), 0);
    assert!(play.text().contains("Still setting a secret of orchard."), "{}", play.text());
}

#[test]
fn a_name_that_was_set_is_told_as_ever() {
    let mut play = filled(120, 36);
    give(&mut play, "hunter2");
    let set =
        Reply::SecretsSet { set: vec!["GITHUB_TOKEN".to_owned()], ignored: Vec::new(), keys: None, restarted: false };
    play.answer(Slot::Action("secret", crate::tui::testing::tenant_id(1)), Answer::Reply(Ok(set)));
    give(&mut play, "hunter3");
    assert_eq!(sets(&play), 2);
}
