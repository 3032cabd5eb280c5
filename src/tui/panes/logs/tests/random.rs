//! Whatever is pressed and whatever arrives, the rows in view are as many and as wide as there is room for, in the order
//! of the log, and nothing panics.

use proptest::prelude::*;

use super::*;
use crate::tui::format::width;
use crate::tui::mouse::{Act, Mouse};
use crate::tui::msg::Msg;

#[derive(Debug, Clone)]
enum Step {
    Press(Key),
    Type(String),
    Lines(u8, Vec<(i64, String)>),
    Again,
    Resize(u16, u16),
    Mouse(Act, u16, u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let letters = "fwTvymnNGkjSz&/".chars().map(Key::Char);
    let others = [
        Key::Up,
        Key::Down,
        Key::PageUp,
        Key::PageDown,
        Key::Home,
        Key::End,
        Key::Left,
        Key::Right,
        Key::Esc,
        Key::Enter,
    ];
    let keys: Vec<Key> = letters.chain(others).collect();
    let act = prop::sample::select(vec![Act::Press, Act::Drag, Act::Release, Act::Wheel(-3), Act::Wheel(3)]);
    let line = (0i64..50, "[a-c漢é\u{301} ]{0,40}|(\u{1b}\\[3[1-6]m[ab]{0,90}){0,3}");
    let step = prop_oneof![
        8 => prop::sample::select(keys).prop_map(Step::Press),
        2 => "[a-c!=(\\[*.]{0,3}".prop_map(Step::Type),
        4 => (1u8..4, prop::collection::vec(line, 0..40)).prop_map(|(tenant, lines)| Step::Lines(tenant, lines)),
        1 => Just(Step::Again),
        1 => (60u16..140, 16u16..50).prop_map(|(width, height)| Step::Resize(width, height)),
        2 => (act, 0u16..140, 0u16..50).prop_map(|(act, x, y)| Step::Mouse(act, x, y)),
    ];
    prop::collection::vec(step, 0..40)
}

fn check(play: &Play) -> Result<(), TestCaseError> {
    let state = state(play);
    let room = state.room;
    let rows = state.log.window(&state.view, room);
    prop_assert!(rows.len() <= room.rows);
    for row in &rows {
        let wide: usize = row.parts.iter().map(|part| width(&part.text)).sum();
        prop_assert!(wide <= room.columns, "{wide} of {} columns: {row:?}", room.columns);
    }
    let keys: Vec<_> = rows.iter().map(|row| (state.log.rank(state.log.key(row.number).unwrap()), row.row)).collect();
    prop_assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
    if state.view.follows() {
        prop_assert_eq!(state.news(), 0);
        // The end is in view.
        let last = state.log.beside(crate::tui::log::Key::LAST, 0).map(|key| key.number);
        prop_assert_eq!(rows.last().map(|row| row.number), last.filter(|_| room.rows > 0));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn random_play_keeps_the_view_in_order(steps in steps()) {
        let list = (1..4).map(|n| tenant(n, &format!("t{n}"), "running")).collect();
        let mut play = Play::ready(120, 36, list);
        play.keys(&[Key::Char('a'), Key::Char('l')]);
        for step in steps {
            match step {
                Step::Press(key) => play.keys(&[key]),
                Step::Type(text) => typed(&mut play, &text),
                Step::Lines(number, lines) => {
                    let id = tenant_id(number);
                    let news = lines.into_iter().map(|(at, text)| Live::Item(log(at, "info", &text))).collect();
                    play.app.panes.logs.hear(&mut play.app.shared, &id, news);
                    play.send(Msg::Tick(play.app.shared.now));
                }
                Step::Again => play.app.panes.logs.hear(&mut play.app.shared, &tenant_id(1), vec![Live::Connected]),
                Step::Resize(width, height) => play.send(Msg::Resized { width, height }),
                Step::Mouse(act, x, y) => play.send(Msg::Mouse(Mouse { act, x, y })),
            }
            play.text();
            check(&play)?;
        }
    }
}
