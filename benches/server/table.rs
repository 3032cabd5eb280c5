//! What came out, as tables in Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::Case;

/// What one case gave.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    pub expected: u64,
    pub delivered: u64,
    pub missing: u64,
    pub doubles: u64,
    pub lost: u64,
    pub events: Option<(Duration, Duration)>,
    pub reads: u64,
    pub refused: u64,
    pub read: Option<(Duration, Duration)>,
    /// Kilobytes without listeners, with them, and at most while they were talked to.
    pub before: u64,
    pub silent: u64,
    pub most: u64,
    /// The server's processor time, and the bench's own.
    pub cpu: Duration,
    pub own_cpu: Duration,
    pub took: Duration,
}

impl Outcome {
    /// Everything came, once.
    pub fn is_whole(&self) -> bool {
        self.delivered == self.expected && self.missing == 0 && self.doubles == 0 && self.lost == 0 && self.refused == 0
    }
}

fn pair(times: Option<(Duration, Duration)>) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    times.map_or("–".into(), |(middle, most)| format!("{:.1} / {:.1} ms", ms(middle), ms(most)))
}

fn mb(kilobytes: u64) -> String {
    format!("{:.1}", kilobytes as f64 / 1024.0)
}

/// The load.
pub fn load(rows: &[(&str, Case, Outcome)]) -> String {
    let mut table = String::from(
        "| Store | tenants × listeners | delivered / expected | gaps | doubles | events p50 / p99 | reads answered | reads p50 / p99 | MiB before / with / most | processor, server / bench | took |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (store, case, outcome) in rows {
        let _ = writeln!(
            table,
            "| {store} | {} × {} at {}/s | {} / {} | {} | {} | {} | {} of {} | {} | {} / {} / {} | {:.1} / {:.1} s | {:.1} s |",
            case.tenants,
            case.listeners_each,
            case.rate,
            outcome.delivered,
            outcome.expected,
            outcome.missing,
            outcome.doubles,
            pair(outcome.events),
            outcome.reads,
            outcome.reads + outcome.refused,
            pair(outcome.read),
            mb(outcome.before),
            mb(outcome.silent),
            mb(outcome.most),
            outcome.cpu.as_secs_f64(),
            outcome.own_cpu.as_secs_f64(),
            outcome.took.as_secs_f64(),
        );
    }
    table
}

/// What one listener costs.
pub fn cost(rows: &[(&str, Case, Outcome)]) -> String {
    let mut table = String::from(
        "| listeners | events to each | delivered / expected | gaps, doubles | events p50 / p99 | KiB per listener, silent / most | processor per event delivered | processor per listener and second |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (_, case, outcome) in rows {
        let all = (case.tenants * case.listeners_each) as f64;
        let kib = |kilobytes: u64| kilobytes.saturating_sub(outcome.before) as f64 / all;
        let micros = outcome.cpu.as_secs_f64() * 1e6;
        let _ = writeln!(
            table,
            "| {all} | {}/s | {} / {} | {}, {} | {} | {:.1} / {:.1} | {:.1} µs | {:.0} µs |",
            case.rate,
            outcome.delivered,
            outcome.expected,
            outcome.missing,
            outcome.doubles,
            pair(outcome.events),
            kib(outcome.silent),
            kib(outcome.most),
            micros / outcome.delivered.max(1) as f64,
            micros / all / outcome.took.as_secs_f64(),
        );
    }
    table
}
