//! The whole screen: from a key to the picture that answers it, while lines pour in; events; the start.

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::io::{Sink, sink};
use std::time::{Duration, Instant};

use tenantry::model::{LogEntry, ProvisioningEvent, Tenant};
use tenantry::tui::bench::Screen;

use crate::lines::Shape;
use crate::table::{Goal, Table};

/// A large terminal, and an ordinary one.
const LARGE: (u16, u16) = (200, 60);
const ORDINARY: (u16, u16) = (120, 36);
/// Pictures of a run, at 60 a second and 50,000 lines a second: about 800 lines between two of them.
const PICTURES: usize = 2400;
const LINES: usize = 800;
const EVENTS: usize = 20_000;
/// Items that become one message, as the program's runner does it.
const AT_ONCE: usize = 256;
/// Runs of each; every figure is one of a whole run.
const RUNS: usize = 3;

/// What is pressed, one key for a picture, again and again: the list, the log, a search that is typed, a filter, pages up
/// and back, lines that are chosen and let go.
const KEYS: &[&str] = &[
    "down", "down", "pagedown", "up", "home", "l", "pageup", "up", "up", "G", "w", "pageup", "G", "w", "/", "r", "u",
    "n", "s", "enter", "N", "N", "n", "T", "T", "T", "&", "a", "g", "e", "n", "t", "s", "enter", "v", "up", "up",
    "esc", "f", "f", "esc", "esc", "esc", "home", "right", "left", "G", "0", "up", "up", "pageup",
];

fn tenants(count: usize) -> Vec<Tenant> {
    let tenant = |number: usize| {
        let row = serde_json::json!({
            "id": format!("ten_{number:06}"), "name": format!("orchard-{number}"), "phase": "running", "region": "fra",
            "plan": { "name": "Basic", "memory_mb": 1024, "volume_gb": 10 },
            "app_url": format!("http://127.0.0.1:{}", 1024 + number % 60_000),
        });
        serde_json::from_value(row).expect("a tenant")
    };
    (0..count).map(tenant).collect()
}

fn terminal(size: (u16, u16)) -> Terminal<CrosstermBackend<Sink>> {
    let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
    Terminal::with_options(CrosstermBackend::new(sink()), TerminalOptions { viewport }).expect("a terminal")
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// The times from the key to the end of the picture, shortest first.
fn pressed(size: (u16, u16), entries: &[LogEntry]) -> Vec<Duration> {
    let mut screen = Screen::new(size, tenants(10_000)).expect("tenants");
    let mut terminal = terminal(size);
    // The log is full from the start, so that every line drops an older one.
    let mut before = 0;
    while before < 1_000_000 {
        let lines = screen.lines(entries.iter().take(AT_ONCE * 16).cloned());
        screen.take(lines);
        before += AT_ONCE * 16;
    }
    let mut next = entries.iter().cycle();
    let mut times = Vec::with_capacity(PICTURES);
    for picture in 0..PICTURES {
        // What is under way when the key comes: the time, and lines in messages as long as the program makes them.
        let time = Screen::time(Duration::from_millis(16 * picture as u64));
        let key = Screen::keys(KEYS[picture % KEYS.len()]);
        let mut batches = Vec::new();
        let mut left = LINES;
        while left > 0 {
            let count = left.min(AT_ONCE);
            batches.push(screen.lines(next.by_ref().take(count).cloned()));
            left -= count;
        }
        let begun = Instant::now();
        screen.take(time);
        screen.take(key);
        for batch in batches {
            screen.take(batch);
        }
        assert!(screen.draw(&mut terminal));
        times.push(begun.elapsed());
    }
    // The selection never rests on another one, so the first tenant stays followed: no line was left out.
    assert_eq!(screen.lines_seen(), (before + PICTURES * LINES) as u64);
    times.sort();
    times
}

/// A key, and the picture that answers it, while 50,000 lines a second come.
pub fn keys(table: &mut Table) {
    for (name, shape) in [("ordinary", Shape::Plain), ("coloured", Shape::Coloured)] {
        let case = format!("key to picture, 200×60, 10,000 tenants, 50,000 {name} lines/s");
        if !table.wants(&case) {
            continue;
        }
        let entries = shape.entries();
        let runs: Vec<Vec<Duration>> = (0..RUNS).map(|_| pressed(LARGE, &entries)).collect();
        let at = |share: usize| {
            let of = |times: &Vec<Duration>| milliseconds(times[(times.len() - 1) * share / 100]);
            runs.iter().map(of).collect::<Vec<f64>>()
        };
        table.add(&format!("{case}: median of {PICTURES}"), "ms", Goal::None, at(50));
        table.add(&format!("{case}: 99th percentile"), "ms", Goal::AtMost(33.0), at(99));
        table.add(&format!("{case}: longest"), "ms", Goal::None, at(100));
    }
}

fn event(number: usize) -> ProvisioningEvent {
    let row = serde_json::json!({
        "tenant_id": "ten_000000", "event_type": "vm_provisioning_progress", "status": "provisioning",
        "step": "app_created", "message": format!("step {number}"), "event_key": format!("e{number}"),
        "at": format!("2026-11-20T12:{:02}:{:02}.{:03}Z", number / 60_000 % 60, number / 1000 % 60, number % 1000),
    });
    serde_json::from_value(row).expect("an event")
}

/// Events that come in, and none is lost.
pub fn events(table: &mut Table) {
    table.run("20,000 events, each kept: time per event", "µs", Goal::AtMost(50.0), || {
        let mut screen = Screen::new(ORDINARY, tenants(100)).expect("tenants");
        let all: Vec<ProvisioningEvent> = (0..EVENTS).map(event).collect();
        let batches: Vec<_> = all.chunks(AT_ONCE).map(|batch| screen.events(batch.iter().cloned())).collect();
        let begun = Instant::now();
        for batch in batches {
            screen.take(batch);
        }
        let took = begun.elapsed();
        assert_eq!(screen.events_kept(), EVENTS);
        took.as_secs_f64() * 1e6 / EVENTS as f64
    });
}

/// From nothing to the first picture with a list.
pub fn start(table: &mut Table) {
    table.run("start: state and first picture of 120×36 with 100 tenants", "ms", Goal::AtMost(16.0), || {
        let list = tenants(100);
        let mut terminal = terminal(ORDINARY);
        let begun = Instant::now();
        let mut screen = Screen::new(ORDINARY, list).expect("tenants");
        assert!(screen.draw(&mut terminal));
        milliseconds(begun.elapsed())
    });
}
