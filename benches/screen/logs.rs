//! The logs pane's engine: lines that come in, what is looked for among them, and what is drawn of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tenantry::model::LogEntry;
use tenantry::tui::bench::{CAP, Direction, Filter, Key, Kind, Log, Pattern, Room, Selection, SourceId, View};

use crate::lines::Shape;
use crate::table::{Goal, Table};

/// Lines of a run of the intake.
const LINES: usize = 1_000_000;
/// Lines that the screen takes at once.
const BATCH: usize = 1024;
/// Bytes of lines that are looked at between two batches.
const SLICE: usize = 1 << 20;
/// A large screen.
const ROOM: Room = Room { columns: 200, rows: 60 };
/// Pictures in a row, since one alone is too short to be timed.
const PICTURES: usize = 200;

fn pattern(text: &str) -> Option<Pattern> {
    Pattern::new(text, Kind::Regex).ok()
}

/// The processor's time that this thread takes, so that what else the machine does changes no figure. The kernel counts
/// it up every few milliseconds only: too coarse for what is short.
struct Work(Duration);

impl Work {
    fn so_far() -> Duration {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Duration::from_nanos(text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default())
    }

    fn begin() -> Self {
        Self(Self::so_far())
    }

    fn took(&self) -> Duration {
        Self::so_far().saturating_sub(self.0)
    }
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// A log that is full.
fn full(shape: Shape) -> Log {
    let (mut log, entries) = (Log::new(CAP, "orchard"), shape.entries());
    while log.dropped() == 0 {
        log.push(SourceId::FIRST, &entries);
    }
    log
}

/// Lines that a second of the processor's time takes in.
fn lines_per_second(log: &mut Log, entries: &[LogEntry], lines: usize, sources: &[SourceId]) -> f64 {
    let begun = Work::begin();
    let mut count = 0;
    while count < lines {
        for (place, batch) in entries.chunks(BATCH).enumerate() {
            log.push(sources[place % sources.len()], batch);
            log.work(SLICE);
            count += batch.len();
        }
    }
    count as f64 / begun.took().as_secs_f64()
}

/// Lines that come in.
pub fn intake(table: &mut Table) {
    for shape in Shape::ALL {
        let entries = shape.entries();
        let bytes = entries.iter().map(|entry| entry.message.len()).sum::<usize>() / entries.len();
        let goal = if matches!(shape, Shape::Long) { Goal::None } else { Goal::AtLeast(300_000.0) };
        table.run(&format!("intake: {} ({bytes} bytes)", shape.name()), "lines/s", goal, || {
            let lines = LINES.min(400_000_000 / bytes);
            lines_per_second(&mut full(shape), &entries, lines, &[SourceId::FIRST])
        });
    }
    let entries = Shape::Plain.entries();
    table.run("intake: ordinary lines, filtered and searched", "lines/s", Goal::AtLeast(300_000.0), || {
        let mut log = full(Shape::Plain);
        log.set_filter(Filter { pattern: pattern("agents/[0-9]+/runs"), ..Filter::default() });
        log.set_search(pattern("took_ms=4[0-9]"));
        while log.work(SLICE) {}
        lines_per_second(&mut log, &entries, LINES, &[SourceId::FIRST])
    });
    // Their times go on, and those of one source lag a little behind those of another, as on real connections.
    let later: Vec<LogEntry> = (0..300_000).map(|number| Shape::Plain.entry(number)).collect();
    table.run("intake: ordinary lines of three merged tenants", "lines/s", Goal::AtLeast(300_000.0), || {
        let mut log = Log::new(CAP, "orchard");
        let sources = [SourceId::FIRST, log.add_source("staging"), log.add_source("docs")];
        let begun = Work::begin();
        for batch in later.chunks(BATCH) {
            for (place, source) in sources.iter().enumerate() {
                log.push(*source, batch.iter().skip(place).step_by(sources.len()));
            }
            log.work(SLICE);
        }
        later.len() as f64 / begun.took().as_secs_f64()
    });
    let wire: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).expect("JSON")).collect();
    table.run("intake: ordinary lines, read from JSON and made harmless first", "lines/s", Goal::None, || {
        let mut log = full(Shape::Plain);
        let begun = Work::begin();
        for text in wire.iter().cycle().take(LINES) {
            let entry: LogEntry = serde_json::from_str(text).expect("a line");
            log.add(SourceId::FIRST, &entry);
        }
        LINES as f64 / begun.took().as_secs_f64()
    });
}

/// What takes a look at everything, in slices.
pub fn looking(table: &mut Table) {
    for shape in [Shape::Short, Shape::Plain, Shape::Coloured, Shape::Json] {
        let mut log = full(shape);
        let name = format!("full log of {} ({} lines)", shape.name(), log.len());
        let whole = |log: &mut Log| {
            let begun = Work::begin();
            while log.work(SLICE) {}
            milliseconds(begun.took())
        };
        for (what, text) in
            [("a word", "runs/1012"), ("an expression", "runs/(1|2)[0-9]+ .*4[0-9]"), ("every line", "e")]
        {
            table.run(&format!("search for {what}: {name}"), "ms", Goal::None, || {
                log.set_search(None);
                log.set_search(pattern(text));
                whole(&mut log)
            });
        }
        log.set_search(None);
        table.run(&format!("filter, inverted, that leaves all: {name}"), "ms", Goal::None, || {
            log.set_filter(Filter::default());
            log.set_filter(Filter { pattern: pattern("nothing"), inverted: true, ..Filter::default() });
            whole(&mut log)
        });
        table.run(&format!("longest slice of 1 MiB: {name}"), "ms", Goal::AtMost(16.0), || {
            log.set_filter(Filter::default());
            log.set_filter(Filter { pattern: pattern("(runs|agents)/[0-9]+ "), ..Filter::default() });
            let mut longest = Duration::ZERO;
            let mut more = true;
            while more {
                let begun = Instant::now();
                more = log.work(SLICE);
                longest = longest.max(begun.elapsed());
            }
            milliseconds(longest)
        });
        table.run(&format!("copy of everything: {name}"), "ms", Goal::None, || {
            log.set_filter(Filter::default());
            let begun = Work::begin();
            black_box(log.copy(Selection::ALL, &View::default()));
            milliseconds(begun.took())
        });
    }
}

/// What a picture costs.
pub fn windows(table: &mut Table) {
    for shape in Shape::ALL {
        let mut log = full(shape);
        log.set_search(pattern("runs/[0-9]+"));
        log.set_filter(Filter { pattern: pattern("."), ..Filter::default() });
        while log.work(SLICE) {}
        for (wrap, place) in
            [(false, "at the end"), (true, "at the end, wrapped"), (true, "in the middle, wrapped, and a page up")]
        {
            let mut view = View { wrap, ..View::default() };
            let case = format!("picture of 200×60 {place}: {}, filtered, with what is found", shape.name());
            table.run(&case, "ms", Goal::AtMost(2.0), || {
                if place.contains("middle") {
                    let middle = log.dropped() + log.len() / 2;
                    log.reveal(&mut view, middle, ROOM);
                }
                let begun = Work::begin();
                for _ in 0..PICTURES {
                    if place.contains("page up") {
                        log.scroll(&mut view, -60, ROOM);
                    }
                    black_box(log.window(&view, ROOM));
                }
                milliseconds(begun.took()) / PICTURES as f64
            });
        }
    }
    let mut log = full(Shape::Plain);
    log.set_search(pattern("runs/101[0-9]"));
    while log.work(SLICE) {}
    table.run("step to the next one that was found", "ms", Goal::AtMost(2.0), || {
        let mut view = View::default();
        let mut from = Key::LAST;
        let begun = Work::begin();
        for _ in 0..PICTURES {
            if let tenantry::tui::bench::Step::Found { number, .. } = log.step(from, Direction::Back) {
                log.reveal(&mut view, number, ROOM);
                from = log.key(number).expect("a line that is kept");
            }
        }
        milliseconds(begun.took()) / PICTURES as f64
    });
}

/// A key, and the picture that answers it, while 50,000 lines a second come: 800 of them between two pictures.
pub fn flood(table: &mut Table) {
    let entries = Shape::Coloured.entries();
    table.run(
        "50,000 lines/s, filtered, searched, wrapped: lines, key and picture, 99th percentile",
        "ms",
        Goal::AtMost(33.0),
        || {
            let mut log = full(Shape::Coloured);
            log.set_filter(Filter { pattern: pattern("agents/[0-9]+/runs"), ..Filter::default() });
            let mut view = View { wrap: true, ..View::default() };
            let mut times: Vec<Duration> = (0..1000)
                .map(|frame| {
                    if frame % 50 == 0 {
                        // Somebody types another search, and all is looked at again.
                        log.set_search(pattern(&format!("runs/{frame}")));
                    }
                    let begun = Instant::now();
                    log.push(SourceId::FIRST, entries.iter().cycle().skip(frame * 800 % entries.len()).take(800));
                    log.work(SLICE);
                    log.scroll(&mut view, if frame % 3 == 0 { 5 } else { -5 }, ROOM);
                    black_box(log.window(&view, ROOM));
                    begun.elapsed()
                })
                .collect();
            times.sort();
            milliseconds(times[989])
        },
    );
}
