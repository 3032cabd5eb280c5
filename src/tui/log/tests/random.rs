//! Random operations, on the log and on the model of it.

use jiff::Timestamp;
use proptest::prelude::*;

use super::naive::Naive;
use crate::model::LogEntry;
use crate::tui::log::{
    Direction, Filter, Key, Kind, Log, Pattern, Place, Room, Selection, SourceId, Step, Times, View,
};

/// 2026-11-20 12:00:00 UTC.
const START: i64 = 1_795_176_000;

#[derive(Debug, Clone)]
enum Op {
    /// Lines of a source: seconds after the start (none has no time), and what they say.
    Lines(usize, Vec<(Option<i64>, String)>),
    /// The stream of a source is opened again and repeats so many of its last lines.
    Reopen(usize, usize),
    AddSource,
    Filter(Option<&'static str>, bool, Option<i64>, Vec<usize>),
    Search(Option<&'static str>),
    Work(usize),
}

fn messages() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abc ]{0,12}",
        2 => "[ab漢字é\u{301}👩‍ ]{0,14}",
        1 => "(\u{1b}\\[[0-9;]{0,4}m|[ab漢]){0,10}",
        1 => "[abc]{60,300}",
    ]
}

fn patterns() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("a"), Some("ab"), Some("^b"), Some("c+$"), Some("漢|é"), Some("")])
}

/// Mostly in order, sometimes not, often within the same second.
fn lines() -> impl Strategy<Value = Vec<(Option<i64>, String)>> {
    let second = prop_oneof![8 => (0i64..40).prop_map(Some), 1 => Just(None)];
    (prop::collection::vec((second, messages()), 1..40), 0..4).prop_map(|(mut lines, luck)| {
        if luck > 0 {
            lines.sort_by_key(|(second, _)| *second);
        }
        lines
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0usize..3, lines()).prop_map(|(source, lines)| Op::Lines(source, lines)),
        2 => (0usize..3, 0usize..30).prop_map(|(source, count)| Op::Reopen(source, count)),
        1 => Just(Op::AddSource),
        2 => (patterns(), any::<bool>(), prop::option::of(0i64..60), prop::collection::vec(0usize..3, 0..2))
            .prop_map(|(pattern, inverted, since, hidden)| Op::Filter(pattern, inverted, since, hidden)),
        2 => patterns().prop_map(Op::Search),
        4 => (1usize..4000).prop_map(Op::Work),
    ];
    prop::collection::vec(op, 1..24)
}

fn regex(text: &str) -> Pattern {
    Pattern::new(text, Kind::Regex).unwrap()
}

fn entry(second: Option<i64>, message: &str) -> LogEntry {
    let at = second.map(|second| Timestamp::from_second(START + second).unwrap().to_string());
    LogEntry { timestamp: at.unwrap_or_default(), message: message.to_owned(), level: None }
}

/// The log, the model, and what each source's server has logged so far.
struct Both {
    log: Log,
    naive: Naive,
    cap: usize,
    ids: Vec<SourceId>,
    said: Vec<Vec<LogEntry>>,
}

impl Both {
    fn new(cap: usize) -> Self {
        let ids = vec![SourceId::FIRST];
        Self { log: Log::new(cap, "one"), naive: Naive::new(), cap, ids, said: vec![Vec::new()] }
    }

    fn first(&self) -> usize {
        usize::try_from(self.log.dropped()).unwrap()
    }

    fn add(&mut self, source: usize, entry: &LogEntry) {
        let id = self.ids[source];
        assert_eq!(self.log.add(id, entry), self.naive.add(id, entry), "{entry:?}");
        assert!(self.log.bytes() <= self.cap, "{} of {}", self.log.bytes(), self.cap);
        assert_eq!(self.log.dropped() + self.log.len(), self.naive.lines.len() as u64);
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Lines(source, lines) => {
                let source = source % self.ids.len();
                for (second, message) in lines {
                    let entry = entry(*second, message);
                    self.said[source].push(entry.clone());
                    self.add(source, &entry);
                }
            }
            Op::Reopen(source, count) => {
                let source = source % self.ids.len();
                let first = self.first();
                self.log.expect_replay(self.ids[source]);
                self.naive.expect_replay(self.ids[source], first);
                let said = &self.said[source];
                let again = said[said.len().saturating_sub(*count)..].to_vec();
                for entry in &again {
                    self.add(source, entry);
                }
            }
            Op::AddSource if self.ids.len() < 3 => {
                self.ids.push(self.log.add_source("another"));
                self.said.push(Vec::new());
                self.naive.replays.push(None);
            }
            Op::AddSource => {}
            Op::Filter(pattern, inverted, since, hidden) => {
                let since = since.map(|second| Timestamp::from_second(START + second).unwrap());
                let hidden = hidden.iter().filter_map(|place| self.ids.get(*place).copied()).collect();
                let filter = Filter { pattern: pattern.map(regex), inverted: *inverted, since, hidden };
                self.log.set_filter(filter.clone());
                self.naive.filter = filter;
            }
            Op::Search(pattern) => {
                self.log.set_search(pattern.map(regex));
                self.naive.search = pattern.map(regex);
            }
            Op::Work(bytes) => {
                self.log.work(*bytes);
                self.check_what_is_known();
            }
        }
    }

    /// While lines are still to be looked at, those that are shown are right as far as they go.
    fn check_what_is_known(&self) {
        let expected = self.naive.shown(self.first());
        let shown: Vec<u64> = self.log.from(Key::FIRST).collect();
        let mut rest = expected.iter();
        assert!(shown.iter().all(|number| rest.any(|other| *other as u64 == *number)), "{shown:?} in {expected:?}");
        assert_eq!(self.log.shown_len(), shown.len() as u64);
        assert!(self.log.bytes() <= self.cap);
        assert!(self.log.looked_at().is_none_or(|percent| percent <= 100));
        // A step that is answered leads where it leads among all lines that came until the last look.
        let Some(found) = &self.log.found else { return };
        let looked_at = self.first()..usize::try_from(found.start() + found.seen()).unwrap();
        for number in (self.first()..self.naive.lines.len()).step_by(7) {
            let key = self.log.key(number as u64).unwrap();
            for direction in [Direction::Ahead, Direction::Back] {
                let step = self.log.step(key, direction);
                assert!(step == Step::Working || step == self.naive.step(&looked_at, key, direction), "{step:?}");
            }
        }
    }

    fn check_all(&mut self, keys: &[(i64, u64)]) {
        while self.log.work(777) {}
        assert!(self.log.bytes() <= self.cap);
        assert_eq!(self.log.looked_at(), None);
        let first = self.first();
        let expected: Vec<u64> = self.naive.shown(first).into_iter().map(|number| number as u64).collect();
        assert_eq!(self.log.from(Key::FIRST).collect::<Vec<_>>(), expected);
        assert_eq!(self.log.before(Key::LAST).collect::<Vec<_>>(), expected.iter().rev().copied().collect::<Vec<_>>());
        let text = |number: u64| &self.naive.lines[usize::try_from(number).unwrap()].text;
        for number in first as u64..self.naive.lines.len() as u64 {
            let line = self.log.line(number).unwrap();
            assert_eq!(line.text, text(number));
            assert_eq!(line.ascii, line.text.is_ascii());
        }
        let plain = View { times: Times::Off, ..View::default() };
        let copied = expected.iter().map(|number| format!("{}\n", text(*number))).collect::<Vec<_>>().concat();
        assert_eq!(self.log.copy(Selection::ALL, &plain), copied);
        assert_eq!(self.log.selected_len(Selection::ALL), expected.len() as u64);
        for (second, number) in keys {
            let key = Key { moment: (START + second) * 1_000_000_000, number: *number };
            for direction in [Direction::Ahead, Direction::Back] {
                assert_eq!(
                    self.log.step(key, direction),
                    self.naive.step(&(first..self.naive.lines.len()), key, direction),
                    "{key:?}"
                );
            }
            let kept = self.log.key(*number);
            let rank = kept.map(|key| self.log.rank(key));
            let naive = kept.map(|_| self.naive.key(usize::try_from(*number).unwrap()));
            let before =
                |bound: Key| expected.iter().filter(|n| self.naive.key(usize::try_from(**n).unwrap()) < bound).count();
            assert_eq!(rank, naive.map(|bound| before(bound) as u64));
        }
    }

    /// The view is moved and looked at.
    fn check_view(&self, mut view: View, room: Room, deltas: &[i64]) {
        let first = self.first();
        let rows = self.naive.rows(first, &view, room.columns);
        let last = rows.len().saturating_sub(room.rows);
        let mut top = self.naive.top(&rows, &view, room);
        let seen = |view: &View| -> Vec<(u64, usize, String)> {
            let window = self.log.window(view, room);
            window
                .into_iter()
                .map(|row| (row.number, row.row, row.parts.into_iter().map(|part| part.text).collect()))
                .collect()
        };
        let page = |top: usize| rows[top..(top + room.rows).min(rows.len())].to_vec();
        assert_eq!(seen(&view), page(top));
        for delta in deltas {
            self.log.scroll(&mut view, *delta, room);
            if !rows.is_empty() && room.rows > 0 {
                let moved = top.saturating_add_signed(isize::try_from(*delta).unwrap());
                assert_eq!(view.follows(), moved >= last, "{delta} from {top} of {}", rows.len());
                top = moved.min(last);
            }
            assert_eq!(seen(&view), page(top), "moved by {delta}");
        }
        self.log.pause(&mut view, room);
        assert_eq!(seen(&view), page(top), "paused");
    }

    /// A line that was found can be seen.
    fn check_reveal(&self, mut view: View, room: Room) {
        if room.rows == 0 {
            return;
        }
        let mut from = Key::FIRST;
        while let Step::Found { number, wrapped: false } = self.log.step(from, Direction::Ahead) {
            assert!(self.log.reveal(&mut view, number, room));
            let window = self.log.window(&view, room);
            assert!(window.iter().any(|row| row.number == number), "{number} {view:?}");
            let search = self.log.search().unwrap();
            let some = !search.places(self.log.line(number).unwrap().text, usize::MAX).is_empty();
            let marked =
                window.iter().flat_map(|row| &row.parts).any(|part| part.mark == crate::tui::log::Mark::Current);
            assert!(marked || !some || room.columns < 6, "{number} is not marked: {window:#?}");
            from = self.log.key(number).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn it_does_what_the_model_does(
        cap in 9_000usize..60_000,
        ops in ops(),
        keys in prop::collection::vec((0i64..40, 0u64..400), 6),
        views in prop::collection::vec((any::<bool>(), 0usize..12, 0usize..9, 1usize..26, prop::option::of((0i64..40, 0u64..400, 0usize..5))), 4),
        moves in prop::collection::vec(-20i64..20, 0..6),
    ) {
        let mut both = Both::new(cap);
        for op in &ops {
            both.apply(op);
        }
        both.check_all(&keys);
        for (wrap, left, rows, columns, place) in views {
            let place = place.map_or(Place::End, |(second, number, row)| {
                let number = number % (both.naive.lines.len() as u64 + 3);
                let moment = both.log.key(number).map_or((START + second) * 1_000_000_000, |key| key.moment);
                Place::At { key: Key { moment, number }, row }
            });
            let view = View { place, wrap, left, times: Times::Off, ..View::default() };
            both.check_view(view.clone(), Room { columns, rows }, &moves);
            both.check_reveal(view, Room { columns, rows });
        }
    }
}
