//! What the keys and the mouse do, and what is asked for then.

use super::*;
use crate::ops::clipboard::Mark;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::mouse::{Act, Mouse};
use crate::tui::msg::Msg;
use crate::tui::outside::{self, Copied, Errand, Saved, Text};

fn texts(play: &Play) -> Vec<String> {
    let log = &state(play).log;
    (log.dropped()..log.dropped() + log.len()).filter_map(|number| Some(log.line(number)?.text.to_owned())).collect()
}

fn errands(play: &mut Play) -> Vec<Errand> {
    let errand = |effect| if let Effect::Errand(_, errand) = effect { Some(errand) } else { None };
    play.take_effects().into_iter().filter_map(errand).collect()
}

fn copied(play: &mut Play) -> String {
    match errands(play).as_slice() {
        [Errand::Copy(text)] => text.reveal().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn searched(width: u16, height: u16, text: &str) -> Play {
    let mut play = filled(width, height);
    play.keys(&[Key::Char('/')]);
    typed(&mut play, text);
    play.keys(&[Key::Enter]);
    play
}

/// The number of the answer's ticket is the newest of its kind.
fn outside(play: &mut Play, slot: Slot, answer: outside::Answer) {
    let sequence = (1..500)
        .find(|sequence| {
            play.app.shared.jobs.is_current(&crate::tui::jobs::Ticket { slot: slot.clone(), sequence: *sequence })
        })
        .expect("an errand runs");
    play.send(Msg::Answer(crate::tui::jobs::Ticket { slot, sequence }, Answer::Outside(answer)));
}

#[test]
fn a_reconnect_repeats_no_line_and_loses_none() {
    let mut play = opened(120, 36);
    let entry = |(second, text): (i64, &str)| log(second, "info", text);
    said(&mut play, Live::Connected);
    lines(&mut play, [(1, "a"), (2, "b"), (3, "c")].map(entry));
    said(&mut play, Live::Connected);
    lines(&mut play, [(2, "b"), (3, "c"), (3, "d"), (4, "e"), (4, "e")].map(entry));
    assert_eq!(texts(&play), ["a", "b", "c", "d", "e", "e"]);
}

#[test]
fn f_stays_and_follows_again() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('f')]);
    lines(&mut play, [log(50, "info", "one more")]);
    assert!(!play.text().contains("one more") && play.text().contains("paused +1 new"));
    play.keys(&[Key::Char('f')]);
    assert!(play.text().contains("one more") && !play.text().contains("paused"));
    assert_eq!(state(&play).news(), 0);
}

#[test]
fn the_ends_are_reached_however_far_they_are() {
    let mut play = opened(120, 36);
    lines(&mut play, (0..150_000).map(|number| log(number / 100, "info", &format!("line {number}"))));
    play.keys(&[Key::Home]);
    assert!(play.text().contains("line 0 "));
    play.keys(&[Key::Char('G')]);
    assert!(play.text().contains("line 149999 ") && state(&play).view.follows());
}

#[test]
fn steps_go_from_one_line_that_was_found_to_the_next() {
    // Three of the requests are searched for, and the last of them in view or before it comes first.
    let play = searched(120, 36, "=/1 1");
    assert!(play.text().contains("not found") || play.text().contains("is in no line"));
    let mut play = searched(120, 36, "agents/[789]/");
    assert!(play.text().contains("3 of 3") && play.text().contains("agents/9/runs"));
    play.keys(&[Key::Char('N')]);
    assert!(play.text().contains("2 of 3"));
    play.keys(&[Key::Char('n'), Key::Char('n')]);
    assert!(play.text().contains("1 of 3") && play.text().contains("went on at the first line"));
    // Esc puts the message away first.
    play.keys(&[Key::Esc]);
    assert!(state(&play).log.search().is_some());
    play.keys(&[Key::Esc]);
    assert!(state(&play).log.search().is_none());
    play.keys(&[Key::Char('n')]);
    assert!(play.text().contains("Nothing is searched for.") && play.app.dialog.is_none(), "n buys nothing here");
}

#[test]
fn a_bad_pattern_leaves_the_last_good_one() {
    let mut play = searched(120, 36, "orchard");
    play.keys(&[Key::Char('/'), Key::Ctrl('u')]);
    typed(&mut play, "api(");
    assert!(play.text().contains("no regular expression: unclosed group"));
    assert_eq!(state(&play).log.search().map(crate::tui::log::Pattern::text), Some("api"));
    play.keys(&[Key::Enter]);
    assert!(play.text().contains("Not taken"));
    assert_eq!(state(&play).mistake, None);
    play.keys(&[Key::Char('/'), Key::Ctrl('u')]);
    typed(&mut play, "x[");
    play.keys(&[Key::Esc]);
    assert_eq!((state(&play).searched.as_str(), &state(&play).mistake), ("api", &None), "leaving puts back what was");
}

#[test]
fn a_filter_inverts_and_takes_text_as_it_stands() {
    let mut play = filled(120, 36);
    let count = |play: &mut Play, text: &str| {
        play.keys(&[Key::Char('&'), Key::Ctrl('u')]);
        typed(play, text);
        play.keys(&[Key::Enter]);
        state(play).log.shown_len()
    };
    assert_eq!(count(&mut play, "get /api/v1/agents/[12]/"), 2);
    assert_eq!(count(&mut play, "!GET"), 6);
    assert_eq!(count(&mut play, "=[12]"), 0);
    assert_eq!(count(&mut play, "!"), 48, "nothing is left out yet");
    assert_eq!(count(&mut play, ""), 48);
}

#[test]
fn since_shows_the_last_minutes() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('S'), Key::Up, Key::Up, Key::Up, Key::Up, Key::Up, Key::Up, Key::Enter]);
    assert_eq!(state(&play).since.word(), "1m");
    assert_eq!(state(&play).log.shown_len(), 48);
    play.tick(30);
    play.keys(&[Key::Char('S'), Key::Enter]);
    // The first half minute of the requests is too old now, and one of them has no time of its own.
    assert!((8..48).contains(&state(&play).log.shown_len()), "{}", state(&play).log.shown_len());
    assert!(play.text().contains("since 1m"));
}

#[test]
fn times_go_round_and_are_kept_for_the_next_tenant() {
    let mut play = filled(120, 36);
    assert!(play.text().contains("12:00:07"));
    play.keys(&[Key::Char('T'), Key::Char('T')]);
    assert!(!play.text().contains("12:00:07  FATAL") && play.text().contains("no times"));
    play.keys(&[Key::Char('0'), Key::End]);
    play.tick(2);
    assert_eq!(state(&play).view.times, crate::tui::log::Times::Off);
}

#[test]
fn the_configuration_says_which_times() {
    let mut play = Play::new(120, 36);
    play.app.shared.options.timestamps = crate::settings::Timestamps::Off;
    play.list(tenants());
    assert_eq!(state(&play).view.times, crate::tui::log::Times::Off);
}

#[test]
fn what_is_chosen_is_copied() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('T'), Key::Char('T'), Key::Char('y')]);
    assert_eq!(copied(&mut play), "the database system is shutting down");
    play.keys(&[Key::Char('v'), Key::Up, Key::Up, Key::Char('y')]);
    let text = copied(&mut play);
    assert!(text.starts_with("a line without a time") && text.ends_with("shutting down\n"), "{text}");
    assert_eq!(text.lines().count(), 3);
    assert!(state(&play).view.selection.is_none());
    let mark = Mark::of(&text);
    let answer = outside::Answer::Copied(Ok(Copied { desktop: true, tmux: false, terminal: false, mark }));
    outside(&mut play, Slot::Copy, answer);
    assert!(play.text().contains("Done: the selection of 3 lines is copied."));
}

#[test]
fn a_selection_goes_further_than_the_screen() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('v')]);
    play.keys(&[Key::Up; 30]);
    let selection = state(&play).view.selection.expect("a selection");
    assert_eq!(state(&play).log.selected_len(selection), 31);
    assert!(state(&play).log.window(&state(&play).view, state(&play).room).iter().any(|row| row.number == 17));
    play.keys(&[Key::Home]);
    assert!(play.text().contains("48 lines selected"));
    play.keys(&[Key::Esc]);
    assert!(state(&play).view.selection.is_none() && !state(&play).view.follows());
}

#[test]
fn the_mouse_chooses_lines_and_the_wheel_scrolls() {
    let mut play = filled(120, 36);
    let rows = play.text();
    let row = rows.lines().position(|line| line.contains("anthropic")).expect("in view");
    let mouse = |act, y: usize| Msg::Mouse(Mouse { act, x: 70, y: u16::try_from(y).expect("small") });
    play.send(mouse(Act::Press, row));
    assert!(play.text().contains("1 line selected"));
    play.send(mouse(Act::Drag, row + 2));
    assert!(play.text().contains("3 lines selected"));
    play.send(mouse(Act::Drag, 2));
    assert!(play.text().contains("3 lines selected"), "another pane is not this one's");
    play.send(mouse(Act::Wheel(-3), row));
    assert!(play.text().contains("3 lines selected"));
    assert!(!play.text().contains("the database system"));
}

#[test]
fn lines_are_saved_and_a_file_is_not_replaced_silently() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('W')]);
    assert!(
        play.text().contains("~/orchard-20261120-120000.log") && play.text().contains("The 48 lines that are shown")
    );
    play.keys(&[Key::Enter]);
    let [Errand::Save { path, text, replace: false }] = &errands(&mut play)[..] else { panic!("no errand") };
    assert_eq!(path, "~/orchard-20261120-120000.log");
    assert_eq!(text.reveal().lines().count(), 48);
    assert!(text.reveal().contains("2026-11-20T12:00:07+00:00  the database system is shutting down\n"));
    let late = vec![Live::Item(log(60, "info", "too late"))];
    play.app.panes.logs.hear(&mut play.app.shared, &tenant_id(1), late);
    let exists = outside::Answer::Saved(Ok(Saved::Exists("/home/mara/orchard.log".into())));
    outside(&mut play, Slot::Save, exists);
    insta::assert_snapshot!("replace_120x36", play.picture());
    play.keys(&[Key::Down, Key::Down, Key::Enter]);
    let [Errand::Save { text, replace: true, .. }] = &errands(&mut play)[..] else { panic!("no errand") };
    assert_eq!(text.reveal().lines().count(), 48, "what came later is not what was saved");
    outside(&mut play, Slot::Save, outside::Answer::Saved(Ok(Saved::Done("/home/mara/orchard.log".into()))));
    assert!(play.text().contains("Written to /home/mara/orchard.log."));
    // It is written: an answer about some other file asks nothing about this one.
    let save = Errand::Save { path: "/home/mara/other".to_owned(), text: Text::plain("a"), replace: false };
    let effect = play.app.shared.errand(save);
    play.effects.push(effect);
    outside(&mut play, Slot::Save, outside::Answer::Saved(Ok(Saved::Exists("/home/mara/other".into()))));
    assert!(play.app.dialog.is_none() && play.text().contains("/home/mara/other is there already"));
}

#[test]
fn a_long_log_becomes_text_where_no_key_waits_for_it() {
    let mut play = opened(120, 36);
    said(&mut play, Live::Connected);
    lines(&mut play, (0..30_000).map(|number| log(number, "info", &format!("line {number}"))));
    play.keys(&[Key::Char('W'), Key::Enter]);
    let [Errand::Save { text, .. }] = &errands(&mut play)[..] else { panic!("no errand") };
    assert!(!text.is_made(), "it was made while a key waited");
    let late = (0..30_000).map(|number| Live::Item(log(number, "info", "too late"))).collect();
    play.app.panes.logs.hear(&mut play.app.shared, &tenant_id(1), late);
    let made = text.clone();
    assert_eq!(made.reveal().lines().count(), 30_000, "what came later is not what was saved");
    assert!(text.reveal().ends_with("line 29999\n"), "and it is made once");
    play.keys(&[Key::Char('v'), Key::Home, Key::Char('y')]);
    let [Errand::Copy(text)] = &errands(&mut play)[..] else { panic!("no errand") };
    assert!(!text.is_made());
    assert_eq!(text.reveal().lines().count(), 60_000);
}

#[test]
fn another_tenants_lines_are_not_saved_under_this_name() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('W')]);
    assert!(matches!(play.app.dialog, Some(Dialog::Line(_))));
    // The tenant is gone from the list, and the next one is selected.
    let rest = tenants().split_off(5);
    play.keys(&[]);
    let load = crate::tui::update::load_tenants(&mut play.app);
    play.effects.push(load);
    play.list(rest);
    play.keys(&[Key::Enter]);
    assert_eq!(errands(&mut play), []);
    assert!(play.text().contains("nothing was written"));
}

fn follows(effects: &[Effect]) -> Vec<TenantId> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Start(_, Request::FollowLogs(id)) => Some(id.clone()),
        _ => None,
    });
    asked.collect()
}

#[test]
fn marked_tenants_are_followed_together_until_that_is_taken_back() {
    let mut play = Play::ready(120, 36, (1..=3).map(|n| tenant(n, &format!("t{n}"), "running")).collect());
    play.keys(&[Key::Char('l'), Key::Char('m')]);
    assert!(play.text().contains("Fewer than two tenants are marked."));
    play.keys(&[Key::Char('0'), Key::Char('a'), Key::Char('l')]);
    play.take_effects();
    play.keys(&[Key::Char('m')]);
    let effects = play.take_effects();
    assert!(effects.contains(&Effect::Stop(log_feed())));
    assert_eq!(follows(&effects), [1, 2, 3].map(tenant_id));
    play.effects = effects;
    lines_of(&mut play, &tenant_id(2), [log(2, "info", "second")]);
    lines_of(&mut play, &tenant_id(1), [log(1, "info", "first")]);
    let picture = play.text();
    let place = |words: &str| picture.lines().position(|line| line.contains(words));
    assert!(place("t1  INFO  first") < place("t2  INFO  second") && place("t1  INFO  first").is_some(), "{picture}");
    assert!(picture.contains("Logs · t1, t2 and 1 more"));
    // Another selection changes nothing, and the way back leads to it.
    play.keys(&[Key::Char('0'), Key::Down]);
    play.tick(2);
    assert!(play.text().contains("second"));
    play.take_effects();
    play.keys(&[Key::Char('l'), Key::Char('m')]);
    let effects = play.take_effects();
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::Stop(Slot::LogFeed(_)))).count(), 3);
    assert_eq!(follows(&effects), [tenant_id(2)]);
    assert!(state(&play).seen() == 0 && !state(&play).is_merged());
}

#[test]
fn no_more_than_eight_are_followed_together() {
    let mut play = Play::ready(120, 36, (1..=12).map(|n| tenant(n, &format!("t{n}"), "running")).collect());
    play.keys(&[Key::Char('a'), Key::Char('l')]);
    play.take_effects();
    play.keys(&[Key::Char('m')]);
    assert!(play.text().contains("The first 8 of 12 marked tenants"));
    assert_eq!(follows(&play.take_effects()).len(), 8);
}

#[test]
fn a_lost_stream_among_several_is_named() {
    let mut play = merged(120, 36);
    let id = tenant_id(3);
    let problem = Problem::new("The log cannot be read.");
    play.answer(Slot::LogFeed(id.clone()), Answer::Logs(id, vec![Live::Failed(problem)]));
    assert!(play.text().contains("docs: The log cannot be read."));
    assert!(play.text().contains("✕ lost"));
}

#[test]
fn a_stream_that_ended_is_opened_again_once_its_tenant_is_another() {
    let mut play = merged(120, 36);
    let id = tenant_id(3);
    play.answer(Slot::LogFeed(id.clone()), Answer::Logs(id.clone(), vec![Live::Ended]));
    play.take_effects();
    play.tick(2);
    assert!(follows(&play.take_effects()).is_empty(), "nothing says that there is anything new");
    let list = |phase: &str| {
        vec![tenant(1, "orchard", "running"), tenant(2, "orchard-staging", "running"), tenant(3, "docs", phase)]
    };
    play.app.shared.tenants.take(crate::tui::TenantList { tenants: list("suspended"), rejected: Vec::new() });
    play.tick(3);
    assert!(follows(&play.take_effects()).is_empty(), "a suspended one has no machine");
    play.app.shared.tenants.take(crate::tui::TenantList { tenants: list("restarting"), rejected: Vec::new() });
    play.tick(4);
    assert_eq!(follows(&play.take_effects()), [id]);
}

#[test]
fn a_large_log_is_looked_through_in_slices_and_then_rests() {
    let mut play = opened(120, 36);
    lines(&mut play, (0..60_000).map(|number| log(number / 100, "info", &format!("line {number} of a large log"))));
    play.keys(&[Key::Char('/')]);
    typed(&mut play, "line 7 of");
    let mut slices = 0;
    while let Some(due) = state(&play).working {
        assert_eq!(play.app.next_wake(), Some(due), "it goes on at once");
        play.app.shared.dirty = false;
        play.send(Msg::Tick(play.app.shared.now));
        assert!(play.app.shared.dirty);
        slices += 1;
        assert!(slices < 1000);
    }
    assert!(slices > 3, "{slices}");
    play.keys(&[Key::Enter]);
    assert!(play.text().contains("1 of 1") && play.text().contains("line 7 of a large log"));
    play.app.shared.dirty = false;
    play.send(Msg::Tick(play.app.shared.now));
    assert!(!play.app.shared.dirty, "nothing moves any more");
}

#[test]
fn a_step_waits_for_lines_that_nobody_looked_at_yet() {
    let mut play = opened(120, 36);
    lines(&mut play, (0..60_000).map(|number| log(number / 100, "info", &format!("line {number} of a large log"))));
    play.keys(&[Key::Char('/')]);
    typed(&mut play, "line 7 of");
    play.keys(&[Key::Enter]);
    assert!(state(&play).step.is_some());
    while state(&play).working.is_some() {
        play.send(Msg::Tick(play.app.shared.now));
    }
    assert!(state(&play).step.is_none());
    assert!(play.text().contains("line 7 of a large log") && play.text().contains("1 of 1"));
}

#[test]
fn lines_behind_another_page_are_kept_and_draw_nothing() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('3')]);
    play.app.shared.dirty = false;
    lines(&mut play, [log(90, "info", "unseen")]);
    assert!(!play.app.shared.dirty);
    play.keys(&[Key::Char('l')]);
    assert!(play.text().contains("unseen"));
}

#[test]
fn keys_to_the_side_show_the_rest_of_long_lines() {
    let mut play = filled(80, 24);
    play.keys(&[Key::Right, Key::Right]);
    assert!(play.text().contains("from column 17"));
    play.keys(&[Key::Left, Key::Left, Key::Left]);
    assert!(!play.text().contains("from column"));
}
