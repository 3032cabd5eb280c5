//! How a deploy looks: a line for every step, what the step under way is doing below it, and its end in place
//! (`ended.rs`).

use std::time::Duration;

use super::charset::Charset;
use super::ended::{failed, succeeded};
use super::format;
use super::lines::mark;
use super::row::{Piece, Row, Tone, spinner};
use super::run::{Run, Step};
use crate::model::CheckResult;
use crate::model::progress::DeployStep;

/// Columns in front of a step's words: glyph, step.
pub(super) const WORD: usize = 13;
/// Rows that a build keeps from its beginning, so that the steps below it stand still.
const CALM: usize = 6;

/// How much room there is, and what time it is.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Columns.
    pub columns: usize,
    /// Rows; a picture may have fewer, and more only where it is scrolled.
    pub rows: usize,
    /// Now.
    pub now: Duration,
    /// The spinner's turn.
    pub turn: usize,
    /// True on the full screen: the last line stands at the bottom.
    pub is_pane: bool,
    /// When it ended, as the clock says.
    pub clock: &'a str,
    /// The characters to draw with.
    pub charset: Charset,
}

/// The picture.
pub fn rows(run: &Run, look: &Look<'_>) -> Vec<Row> {
    let rows = match run.result() {
        Some(Ok(outcome)) => succeeded(run, outcome, look),
        Some(Err(problem)) => failed(run, problem, look),
        None => under_way(run, look),
    };
    rows.into_iter().map(|row| row.drawn(look.charset)).collect()
}

/// The one line of a deploy among others: its name, the step it is at, or its end.
pub fn summary(run: &Run, look: &Look<'_>) -> Row {
    let name = |glyph: &str, sign: Tone| {
        Row::of(format!("{glyph} "), sign).with(format::pad(&run.name, 22), Tone::Strong).with("  ", Tone::Text)
    };
    let row = match (run.result(), run.running()) {
        (Some(Ok(outcome)), _) => {
            let address = outcome.app_url.as_deref().unwrap_or_default();
            let words = format!("deployed     {}  {address}", outcome.digest.short());
            name("✓", Tone::Good).with(words, Tone::Text).spread(took(outcome.took), look.columns)
        }
        (Some(Err(problem)), _) => {
            let at = run.failed_step().map_or("failed", DeployStep::word);
            let words = format!("{at:<11}  {}", problem.title);
            name("✕", Tone::Bad).with(words, Tone::Text).fit(look.columns)
        }
        (None, Some(step)) => {
            let row = name(spinner(look.turn), Tone::Accent).with(format!("{:<11}  ", step.word()), Tone::Text);
            let row = row.with(doing(run, step, look.now), Tone::Dim);
            row.spread(took(look.now.saturating_sub(run.began)), look.columns)
        }
        (None, None) => name("·", Tone::Dim).with("waiting", Tone::Dim).fit(look.columns),
    };
    row.drawn(look.charset)
}

pub(super) fn took(took: Duration) -> Piece {
    Piece::new(format::pad_left(&format::duration(took), 8), Tone::Dim)
}

fn under_way(run: &Run, look: &Look<'_>) -> Vec<Row> {
    let (columns, height) = (look.columns, look.rows);
    let all = run.shown_steps().count();
    // A pane can be scrolled; on a terminal what is to come gives way first.
    let is_low = !look.is_pane && height <= all;
    let shown: Vec<_> = run.shown_steps().filter(|step| !is_low || *run.step(*step) != Step::Pending).collect();
    let steps = shown.len();
    let mut room = height.saturating_sub(steps + 1);
    let mut rows = Vec::with_capacity(height);
    for step in shown {
        rows.push(step_row(run, step, look));
        if step == DeployStep::Preflight {
            let found = findings(run, columns, room / 3);
            room -= found.len();
            rows.extend(found);
        }
        if matches!(run.step(step), Step::Running { .. }) {
            let below = below(run, step, look, room);
            room -= below.len().min(room);
            rows.extend(below);
        }
    }
    if height > steps {
        if look.is_pane {
            let blank = height.saturating_sub(rows.len() + 1);
            rows.extend(std::iter::repeat_n(Row::default(), blank));
        }
        rows.push(Row::default().spread(Piece::new(footer(run, look), Tone::Dim), columns));
    }
    if is_low {
        rows.drain(..rows.len().saturating_sub(height));
    }
    rows
}

/// `push: about 4 s left · 2.9 s so far`.
fn footer(run: &Run, look: &Look<'_>) -> String {
    let elapsed = format!("{} so far", format::duration(look.now.saturating_sub(run.began)));
    if run.cancelling {
        let words = if run.is_with_server() { "leaving it to the server" } else { "stopping" };
        return format!("{words} · {elapsed}");
    }
    match run.push.left(look.now).filter(|_| run.running() == Some(DeployStep::Push)) {
        Some(left) => format!("push: about {} left · {elapsed}", format::estimate(left)),
        None => elapsed,
    }
}

/// The checks that did not pass, each with what to do.
fn findings(run: &Run, columns: usize, room: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for check in run.findings() {
        let tone = if check.result == CheckResult::Fail { Tone::Bad } else { Tone::Warn };
        let hint = check.hint.as_ref().map_or_else(String::new, |hint| format!(" {hint}"));
        let row = Row::of(" ".repeat(WORD), Tone::Text)
            .with(format!("{} ", mark(check.result)), tone)
            .with(format!("{}  ", check.name), Tone::Text)
            .with(format!("{}{hint}", check.detail), Tone::Dim);
        rows.push(row.fit(columns));
    }
    rows.truncate(room);
    rows
}

pub(super) fn step_row(run: &Run, step: DeployStep, look: &Look<'_>) -> Row {
    let columns = look.columns;
    let line = |glyph: &str, sign: Tone, weight: Tone, words: &str| {
        let row = Row::of(format!("{glyph} "), sign).with(format::pad(step.word(), WORD - 2), weight);
        if words.is_empty() { row } else { row.with(words, Tone::Text) }
    };
    match run.step(step) {
        Step::Pending => line("·", Tone::Dim, Tone::Dim, "").fit(columns),
        Step::Done { summary, took: time } => line("✓", Tone::Good, Tone::Text, summary).spread(took(*time), columns),
        Step::Failed { took: time } => line("✕", Tone::Bad, Tone::Bad, "").spread(took(*time), columns),
        Step::Skipped { why } => {
            Row::of(format!("– {}", format::pad(step.word(), WORD - 2)), Tone::Dim).with(why, Tone::Dim).fit(columns)
        }
        Step::Running { since } => {
            let row = line(spinner(look.turn), Tone::Accent, Tone::Strong, "");
            let row = match step {
                DeployStep::Push if !run.push.is_empty() => run.push.head(row, look.now, columns),
                _ => row.with(doing(run, step, look.now), Tone::Text),
            };
            row.spread(took(look.now.saturating_sub(*since)), columns)
        }
    }
}

/// What a running step is at, in a few words.
fn doing(run: &Run, step: DeployStep, now: Duration) -> String {
    match step {
        DeployStep::Build => run.build.head(now),
        DeployStep::Push if !run.push.is_empty() => {
            let row = run.push.head(Row::default(), now, 0);
            row.pieces.first().map_or_else(String::new, |piece| piece.text.trim_end().to_owned())
        }
        DeployStep::Preflight => {
            // One that did not pass stands below.
            let last = run.checks.last().filter(|check| check.result == CheckResult::Pass);
            last.map_or_else(String::new, |check| format!("{}: {}", check.name, check.detail))
        }
        _ => String::new(),
    }
}

/// What a running step is doing, in at most `room` lines.
fn below(run: &Run, step: DeployStep, look: &Look<'_>, room: usize) -> Vec<Row> {
    match step {
        DeployStep::Push => run.push.rows(WORD, look.now, look.columns, room),
        DeployStep::Build => {
            let mut rows = run.build.rows(WORD, look.now, look.turn, look.columns, room);
            let blank = CALM.min(room).saturating_sub(rows.len());
            rows.extend(std::iter::repeat_n(Row::default(), blank));
            rows
        }
        _ => {
            let skip = run.output.len().saturating_sub(room);
            run.output.iter().skip(skip).map(|line| output_row(line, look.columns)).collect()
        }
    }
}

pub(super) fn output_row(line: &str, columns: usize) -> Row {
    let room = columns.saturating_sub(WORD);
    Row::of(format!("{}{}", " ".repeat(WORD), format::cut(line, room)), Tone::Dim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::progress::DeployProgress;
    use crate::model::{Check, Problem};
    use crate::telling::{Before, samples};

    fn at(milliseconds: u64) -> Run {
        let mut run = Run::new("orchard".into(), Duration::ZERO);
        for (when, said) in samples::deploy() {
            if when <= milliseconds {
                run.take(said, Duration::from_millis(when));
            }
        }
        run
    }

    fn picture(run: &Run, milliseconds: u64, columns: usize, rows: usize, is_pane: bool) -> String {
        let now = Duration::from_millis(milliseconds);
        let look = Look { columns, rows, now, turn: 0, is_pane, clock: "12:00:09", charset: Charset::Unicode };
        let rows = super::rows(run, &look);
        rows.iter().map(|row| row.text().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_deploy_on_a_terminal_from_step_to_step() {
        let mut pictures = Vec::new();
        for moment in [80, 1000, 3950, 5900] {
            pictures.push(format!("--- {moment} ms\n{}", picture(&at(moment), moment, 90, 20, false)));
        }
        let mut run = at(10_000);
        run.before = Some(Before { digest: samples::digest("8b1c2d3e"), took: Duration::from_secs(14) });
        run.end(Ok(samples::outcome()), Duration::from_millis(9900));
        pictures.push(format!("--- the end\n{}", picture(&run, 9900, 90, 20, false)));
        insta::assert_snapshot!(pictures.join("\n"));
    }

    #[test]
    fn a_version_that_does_not_answer_and_the_one_before_it() {
        let mut run = at(7000);
        for said in samples::unhealthy() {
            run.take(said, Duration::from_secs(40));
        }
        run.end(Err(samples::not_healthy()), Duration::from_secs(44));
        insta::assert_snapshot!(picture(&run, 44_000, 80, 24, true));
    }

    #[test]
    fn a_check_that_stops_the_deploy_is_told_in_full() {
        let mut run = Run::new("orchard".into(), Duration::ZERO);
        let hint = "Run `just build-all`, or deploy with --no-build where the binary is elsewhere.";
        for said in [
            DeployProgress::Started { step: DeployStep::Preflight },
            DeployProgress::Check { check: Check::pass("docker", "Docker 20.10.24") },
            DeployProgress::Check { check: Check::fail("binary", "No target/release/orchard.", hint) },
        ] {
            run.take(said, Duration::ZERO);
        }
        let problem = Problem::new("A check failed.").hint("Mend it, then deploy.");
        let took = Duration::from_millis(200);
        run.take(DeployProgress::Failed { step: DeployStep::Preflight, problem: problem.clone(), took }, took);
        run.end(Err(problem), took);
        insta::assert_snapshot!(picture(&run, 200, 60, 20, false));
    }

    #[test]
    fn with_ascii_alone_nothing_else_is_drawn() {
        let mut ended = at(9900);
        ended.end(Ok(samples::outcome()), Duration::from_secs(10));
        let mut failed = at(3950);
        failed.end(Err(samples::not_healthy()), Duration::from_secs(10));
        for run in [at(0), at(80), at(2600), at(5900), ended, failed] {
            let (now, charset) = (Duration::from_secs(6), Charset::Ascii);
            let look = Look { columns: 60, rows: 24, now, turn: 1, is_pane: true, clock: "12:00:09", charset };
            let drawn = super::rows(&run, &look);
            let same = super::rows(&run, &Look { charset: Charset::Unicode, ..look });
            for (row, other) in drawn.iter().zip(&same).chain([(&summary(&run, &look), &summary(&run, &look))]) {
                assert!(row.text().is_ascii(), "{}", row.text());
                assert_eq!(row.width(), other.width(), "{}", row.text());
            }
        }
    }

    #[test]
    fn every_size_is_kept() {
        let mut runs: Vec<Run> = [0, 80, 2600, 3950, 5900, 9900].map(at).to_vec();
        let mut ended = at(9900);
        ended.end(Ok(samples::outcome()), Duration::from_secs(10));
        let mut broken = at(3950);
        broken.end(Err(samples::not_healthy()), Duration::from_secs(10));
        runs.extend([ended, broken]);
        for run in &runs {
            for columns in 0..100 {
                for rows in 0..30 {
                    let (now, charset) = (Duration::from_secs(8), Charset::Unicode);
                    let look = Look { columns, rows, now, turn: 1, is_pane: true, clock: "x", charset };
                    for row in super::rows(run, &look).iter().chain([&summary(run, &look)]) {
                        // An indent may be wider than a column or two.
                        assert!(row.width() <= columns.max(WORD + 24), "{columns}: {}", row.text());
                    }
                }
            }
        }
    }
}
