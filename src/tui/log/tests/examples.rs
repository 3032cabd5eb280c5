//! The log by example: what a picture of it holds, and what is told about it.

use crate::model::LogEntry;
use crate::telling::Tone;
use crate::tui::log::{
    Colour, Direction, Filter, Key, Kind, Log, Mark, Pattern, Place, Room, Selection, SourceId, Step, Times, View,
    VisibleRow,
};

/// A line of a second after 12:00:00.
fn entry(second: u32, level: &str, message: &str) -> LogEntry {
    let timestamp = format!("2026-11-20T12:{:02}:{:02}Z", second / 60, second % 60);
    let level = (!level.is_empty()).then(|| level.to_owned());
    LogEntry { timestamp, message: message.to_owned(), level }
}

fn log(entries: &[LogEntry]) -> Log {
    let mut log = Log::new(1 << 20, "orchard");
    log.push(SourceId::FIRST, entries);
    log
}

fn plain(text: &str) -> Option<Pattern> {
    Pattern::new(text, Kind::Plain).ok()
}

fn text(row: &VisibleRow) -> String {
    row.parts.iter().map(|part| part.text.as_str()).collect()
}

fn texts(log: &Log, view: &View, room: Room) -> Vec<String> {
    log.window(view, room).iter().map(text).collect()
}

const ROOM: Room = Room { columns: 40, rows: 5 };

#[test]
fn a_row_has_time_level_and_text() {
    let log = log(&[
        entry(1, "info", "INFO  listening"),
        entry(2, "", "ERROR no page"),
        entry(3, "warn", "slow"),
        LogEntry { timestamp: String::new(), message: "  at main.rs:7".to_owned(), level: None },
    ]);
    let mut view = View::default();
    assert_eq!(
        texts(&log, &view, ROOM),
        [
            "12:00:01  INFO  listening",
            "12:00:02  ERROR no page",
            "12:00:03  WARN  slow",
            "                  at main.rs:7"
        ]
    );
    let tones: Vec<Vec<Tone>> =
        log.window(&view, ROOM).iter().map(|row| row.parts.iter().map(|part| part.tone).collect()).collect();
    assert_eq!(tones[0], [Tone::Dim, Tone::Dim, Tone::Text]);
    assert_eq!(tones[1], [Tone::Dim, Tone::Bad, Tone::Bad]);
    assert_eq!(tones[2], [Tone::Dim, Tone::Warn, Tone::Text]);
    view.times = Times::Off;
    assert_eq!(texts(&log, &view, ROOM)[0], "INFO  listening");
    view.zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-3));
    view.times = Times::Local;
    assert_eq!(texts(&log, &view, ROOM)[0], "09:00:01  INFO  listening");
    view.times = Times::Utc;
    assert_eq!(texts(&log, &view, ROOM)[0], "12:00:01  INFO  listening");
    view.names = true;
    assert_eq!(texts(&log, &view, Room { columns: 60, rows: 1 }), ["          orchard          at main.rs:7"]);
    // The message keeps its room: what stands in front of it goes first.
    assert_eq!(texts(&log, &view, Room { columns: 34, rows: 5 })[0], "INFO  listening");
    assert_eq!(texts(&log, &view, Room { columns: 25, rows: 5 })[0], "INFO  listening");
}

#[test]
fn long_lines_are_cut_moved_and_wrapped() {
    let log = log(&[entry(1, "info", "one"), entry(2, "info", "0123456789 123456789 123456789 end")]);
    let room = Room { columns: 36, rows: 4 };
    let mut view = View::default();
    assert_eq!(texts(&log, &view, room)[1], "12:00:02  INFO  0123456789 12345678…");
    view.left = 10;
    assert_eq!(texts(&log, &view, room), ["12:00:01  INFO  …", "12:00:02  INFO  …123456789 12345678…"]);
    view.left = 20;
    assert_eq!(texts(&log, &view, room)[1], "12:00:02  INFO  …123456789 end");
    for (delta, left) in [(-5, 14), (100, 14), (-100, 0), (7, 7)] {
        log.sideways(&mut view, delta, room);
        assert_eq!(view.left, left, "as far as the longest line goes");
    }
    view.wrap = true;
    assert_eq!(
        texts(&log, &view, room),
        ["12:00:01  INFO  one", "12:00:02  INFO  0123456789 123456789", "                 123456789 end"]
    );
    assert_eq!(log.window(&view, Room { rows: 1, ..room })[0].row, 1, "the end is in view");
}

#[test]
fn colours_and_what_is_found_make_parts() {
    let mut log = log(&[entry(1, "error", "a\u{1b}[32mgreen and e\u{301}\u{1b}[0mnd")]);
    let view = View { times: Times::Off, ..View::default() };
    let fronts: Vec<_> =
        log.window(&view, ROOM)[0].parts.iter().skip(1).map(|part| (part.text.clone(), part.style.front)).collect();
    let (none, green) = (Colour::Default, Colour::Indexed(2));
    assert_eq!(fronts, [("a".into(), none), ("green and e\u{301}".into(), green), ("nd".into(), none)]);
    assert!(log.window(&view, ROOM)[0].parts.iter().skip(1).all(|part| part.tone == Tone::Text), "its own colours");

    log.set_search(plain("nd"));
    let view = View { current: Some(0), ..view };
    let marks: Vec<_> = log.window(&view, ROOM)[0]
        .parts
        .iter()
        .skip(1)
        .map(|part| (part.text.as_str().to_owned(), part.mark))
        .collect();
    assert_eq!(
        marks,
        [
            ("a".to_owned(), Mark::None),
            ("green a".to_owned(), Mark::None),
            ("nd".to_owned(), Mark::Current),
            (" e\u{301}".to_owned(), Mark::None),
            ("nd".to_owned(), Mark::Current),
        ]
    );
}

#[test]
fn what_is_found_is_marked_across_rows_and_behind_the_level() {
    let mut log = log(&[entry(1, "info", "INFO listening and listening")]);
    log.set_search(plain("info listen"));
    let view = View { times: Times::Off, wrap: true, ..View::default() };
    let room = Room { columns: 26, rows: 3 };
    let found = |log: &Log, room| -> Vec<String> {
        let rows = log.window(&view, room);
        rows.iter()
            .flat_map(|row| &row.parts)
            .filter(|part| part.mark == Mark::Found)
            .map(|part| part.text.clone())
            .collect()
    };
    assert_eq!(found(&log, room), ["INFO  ", "listen"], "the level that is not shown twice belongs to it");
    log.set_search(plain("ing and listening"));
    assert_eq!(found(&log, room), ["ing and listen", "ing"]);
}

#[test]
fn the_view_stays_while_lines_arrive_and_follows_at_the_end() {
    let mut log = log(&(0..20).map(|second| entry(second, "info", &format!("line {second}"))).collect::<Vec<_>>());
    let mut view = View { times: Times::Off, ..View::default() };
    log.scroll(&mut view, -3, ROOM);
    let before = texts(&log, &view, ROOM);
    assert_eq!(before[0], "INFO  line 12");
    log.add(SourceId::FIRST, &entry(30, "info", "another"));
    assert_eq!(texts(&log, &view, ROOM), before);
    log.scroll(&mut view, 2, ROOM);
    assert!(!view.follows());
    log.scroll(&mut view, 2, ROOM);
    assert!(view.follows());
    log.to_first(&mut view);
    assert_eq!(texts(&log, &view, ROOM)[0], "INFO  line 0");
    view.place = Place::End;
    log.pause(&mut view, ROOM);
    let before = texts(&log, &view, ROOM);
    log.add(SourceId::FIRST, &entry(31, "info", "one more"));
    assert_eq!(texts(&log, &view, ROOM), before, "a pause at the end holds it");
}

#[test]
fn short_logs_and_no_rows_are_fine() {
    for mut log in [Log::new(1 << 20, "x"), log(&[entry(1, "info", "one")])] {
        log.set_search(plain("one"));
        log.work(1000);
        for rows in [0, 1, 5] {
            let room = Room { columns: 0, rows };
            let mut view = View::default();
            log.scroll(&mut view, -3, room);
            assert!(view.follows());
            log.pause(&mut view, room);
            assert_eq!(log.window(&view, room).len(), usize::try_from(log.len()).unwrap().min(rows));
            log.reveal(&mut view, 0, room);
        }
    }
}

#[test]
fn several_sources_are_merged_by_time() {
    let mut log = log(&[entry(1, "", "a1"), entry(5, "", "a5"), entry(5, "", "a5 again")]);
    let staging = log.add_source("orchard-staging");
    log.push(staging, [entry(0, "", "b0"), entry(5, "", "b5"), entry(7, "", "b7")]);
    log.add(SourceId::FIRST, &entry(6, "", "a6"));
    while log.work(1000) {}
    let mut view = View { names: true, times: Times::Off, ..View::default() };
    let room = Room { columns: 60, rows: 9 };
    let shown = texts(&log, &view, room);
    assert_eq!(shown[0], "orchard-staging        b0");
    assert_eq!(shown[1], "orchard                a1");
    let ends: Vec<_> = shown.iter().map(|row| row.rsplit(' ').next().unwrap()).collect();
    assert_eq!(ends, ["b0", "a1", "a5", "again", "b5", "a6", "b7"]);
    log.set_filter(Filter { hidden: vec![staging], ..Filter::default() });
    while log.work(1000) {}
    assert_eq!(log.shown_len(), 4);
    log.rename(SourceId::FIRST, "grove");
    assert_eq!(texts(&log, &view, room)[0], "grove                  a1");
    view.names = false;
    assert_eq!(texts(&log, &view, room)[0], "      a1");
}

#[test]
fn a_search_goes_round_and_says_when_it_cannot_know_yet() {
    let mut log =
        log(&(0..2000).map(|n| entry(n % 3600, "", if n % 500 == 7 { "needle" } else { "hay" })).collect::<Vec<_>>());
    log.set_search(plain("needle"));
    assert_eq!(log.step(Key::LAST, Direction::Back), Step::Working);
    log.work(600 * 100);
    assert_eq!(log.looked_at(), Some(44));
    let at = |number| log.key(number).unwrap();
    assert_eq!(log.step(Key::LAST, Direction::Back), Step::Found { number: 1507, wrapped: false });
    assert_eq!(log.step(at(1507), Direction::Back), Step::Working, "older ones may follow");
    assert_eq!(log.step(at(1000), Direction::Ahead), Step::Working, "others may lie between");
    while log.work(10_000) {}
    let at = |number| log.key(number).unwrap();
    assert_eq!(log.step(at(1507), Direction::Back), Step::Found { number: 1007, wrapped: false });
    assert_eq!(log.step(at(7), Direction::Back), Step::Found { number: 1507, wrapped: true });
    assert_eq!(log.step(at(1507), Direction::Ahead), Step::Found { number: 7, wrapped: true });
    assert_eq!((log.found(at(1007)), log.looked_at()), (Some((4, 2)), None));
    log.set_search(plain("nothing"));
    while log.work(10_000) {}
    assert_eq!(log.step(Key::LAST, Direction::Back), Step::Nowhere);
}

#[test]
fn what_was_found_is_brought_into_view() {
    let mut log = log(&(0..100).map(|n| entry(n, "", &format!("{}needle {n}", "hay ".repeat(20)))).collect::<Vec<_>>());
    log.set_search(plain("needle 50"));
    while log.work(10_000) {}
    let mut view = View { times: Times::Off, ..View::default() };
    assert!(log.reveal(&mut view, 50, ROOM));
    assert!(texts(&log, &view, ROOM)[1].contains("needle 50"), "a third from above, moved sideways");
    let (place, left) = (view.place, view.left);
    log.set_search(plain("needle 51"));
    assert!(log.reveal(&mut view, 51, ROOM));
    assert_eq!((view.place, view.left), (place, left), "it was in view");
    view = View { wrap: true, times: Times::Off, ..View::default() };
    assert!(log.reveal(&mut view, 3, Room { columns: 30, rows: 2 }));
    assert!(texts(&log, &view, Room { columns: 30, rows: 2 }).iter().any(|row| row.contains("hay")));
    assert!(!log.reveal(&mut view, 4000, ROOM), "there is no such line");
}

#[test]
fn a_selection_is_seen_and_copied() {
    let log = log(&(0..4).map(|n| entry(n, "", &format!("line {n}"))).collect::<Vec<_>>());
    let key = |number| log.key(number).unwrap();
    let selection = Selection { anchor: key(2), head: key(1) };
    let view = View { selection: Some(selection), times: Times::Off, ..View::default() };
    let selected: Vec<bool> = log.window(&view, ROOM).iter().map(|row| row.selected).collect();
    assert_eq!(selected, [false, true, true, false]);
    assert_eq!(log.copy(selection, &view), "line 1\nline 2\n");
}

#[test]
fn a_reconnect_repeats_no_line_and_loses_none() {
    let mut log = log(&[entry(1, "", "a"), entry(2, "", "b"), entry(3, "", "c"), entry(3, "", "c")]);
    log.expect_replay(SourceId::FIRST);
    let again = [(2, "b"), (3, "c"), (3, "c"), (3, "c"), (3, "d"), (4, "e"), (4, "e"), (3, "late")];
    let new = log.push(SourceId::FIRST, again.map(|(second, message)| entry(second, "", message)));
    assert_eq!(new, 5);
    let view = View { times: Times::Off, ..View::default() };
    assert_eq!(log.copy(Selection::ALL, &view), "a\nb\nc\nc\nc\nd\ne\ne\nlate\n");
}

#[test]
fn a_replay_is_a_matter_of_one_source() {
    let mut log = log(&[entry(5, "", "a")]);
    let other = log.add_source("other");
    assert!(log.add(other, &entry(5, "", "a")));
    log.expect_replay(SourceId::FIRST);
    assert!(log.add(other, &entry(1, "", "a")));
    assert!(!log.add(SourceId::FIRST, &entry(1, "", "a")));
    assert!(!log.add(SourceId::FIRST, &entry(5, "", "a")));
    assert!(log.add(SourceId::FIRST, &entry(5, "", "a")));
}

#[test]
fn what_does_not_fit_is_counted() {
    let mut log = Log::new(20_000, "x");
    for number in 0..1000 {
        log.add(SourceId::FIRST, &entry(number % 3600, "", &"x".repeat(100)));
        assert!(log.bytes() <= 20_000);
    }
    assert_eq!(log.dropped() + log.len(), 1000);
    assert!(log.len() > 50, "{}", log.len());
    log.add(SourceId::FIRST, &entry(1, "", &"x".repeat(50_000)));
    assert_eq!((log.dropped(), log.len()), (1001, 0), "a line that can never fit takes all others along");
    log.add(SourceId::FIRST, &entry(1, "", "x"));
    assert_eq!((log.dropped(), log.len()), (1001, 1));
}

#[test]
fn a_place_survives_what_changes_around_it() {
    let mut log = log(&(0..9).map(|n| entry(n, "", &"x".repeat(50))).collect::<Vec<_>>());
    let room = Room { columns: 25, rows: 4 };
    let key = log.key(2).unwrap();
    let mut view = View { wrap: true, times: Times::Off, place: Place::At { key, row: 1 }, ..View::default() };
    let first = |log: &Log, view: &View, room| (log.window(view, room)[0].number, log.window(view, room)[0].row);
    assert_eq!(first(&log, &view, room), (2, 1));
    assert_eq!(first(&log, &view, Room { columns: 60, ..room }), (2, 0), "it has no second row any more");
    view.place = Place::At { key, row: 7 };
    assert_eq!(first(&log, &view, room), (2, 1));
    log.add(SourceId::FIRST, &entry(10, "", "y"));
    log.set_filter(Filter { pattern: plain("x"), inverted: true, ..Filter::default() });
    while log.work(1000) {}
    assert_eq!(first(&log, &view, room), (9, 0), "the next one that is shown");
}

#[test]
fn lines_that_nobody_looked_at_may_go() {
    let mut log = Log::new(20_000, "x");
    log.set_filter(Filter { pattern: plain("1"), ..Filter::default() });
    log.set_search(plain("11"));
    log.push(SourceId::FIRST, (0..1000).map(|n| entry(n, "", &format!("{n} {}", "x".repeat(100)))));
    assert_eq!((log.shown_len(), log.looked_at()), (0, None));
    while log.work(1000) {}
    let with = |needle: &str| (log.dropped()..1000).filter(|n| n.to_string().contains(needle)).count() as u64;
    assert_eq!((log.shown_len(), log.found(Key::LAST)), (with("1"), Some((with("11"), with("11")))));
}

#[test]
fn nobody_reads_the_lines_in_a_debug_picture() {
    let log = log(&[entry(1, "", "a secret")]);
    assert!(!format!("{log:?}").contains("secret"));
}

#[test]
fn the_cap_counts_bytes() {
    let cap = 256 * 1024;
    let mut log = Log::new(cap, "orchard");
    let entries: Vec<LogEntry> = (0..50).map(|second| entry(second, "info", &"x".repeat(1000))).collect();
    let mut came = 0;
    for _ in 0..40 {
        log.push(SourceId::FIRST, &entries);
        came += 50;
        assert!(log.bytes() <= cap, "{} bytes of {cap}", log.bytes());
    }
    assert!(log.bytes() > cap / 2, "most of the room is used: {} bytes", log.bytes());
    assert_eq!(log.dropped() + log.len(), came, "what is gone is counted");
}
