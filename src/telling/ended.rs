//! The end of a deploy in place: the success with its address, or the problem with what to do.

use super::deploy::{Look, WORD, output_row, step_row, took};
use super::format;
use super::lines::mark;
use super::row::{self, Piece, Row, Tone, wrapped};
use super::run::{Before, Run, Step};
use crate::model::progress::{DeployOutcome, DeployStep};
use crate::model::{CheckResult, Problem};

/// Rows of a problem that is told below its steps.
const TROUBLE: usize = 9;

/// A deploy that went well: its steps, and the card below them.
pub(super) fn succeeded(run: &Run, outcome: &DeployOutcome, look: &Look<'_>) -> Vec<Row> {
    let card = card(run, outcome, look);
    let steps = run.shown_steps().filter(|step| *run.step(*step) != Step::Pending);
    let mut rows: Vec<_> = steps.map(|step| step_row(run, step, look)).collect();
    // Where the card leaves no room for the steps, it says what matters.
    if look.is_pane && rows.len() + card.len() > look.rows {
        return card;
    }
    if !rows.is_empty() {
        rows.push(Row::default());
    }
    rows.extend(card);
    rows
}

/// What came out of it: digest, time, address, how it compares, and what would make the next one faster.
fn card(run: &Run, outcome: &DeployOutcome, look: &Look<'_>) -> Vec<Row> {
    let columns = look.columns;
    let indent = " ".repeat(WORD);
    let mut rows = vec![
        Row::of("✓ ", Tone::Good)
            .with(format::pad("deployed", WORD - 2), Tone::Strong)
            .with(outcome.digest.short(), Tone::Text)
            .with(format!("  {}", look.clock), Tone::Dim)
            .spread(took(outcome.took), columns),
    ];
    if let Some(url) = &outcome.app_url {
        let mut row = Row::of(indent.clone(), Tone::Text);
        let room = columns.saturating_sub(WORD + if look.is_pane { 8 } else { 0 });
        row.push(format::cut(url, room), Tone::Text);
        if look.is_pane {
            row = row.with("   o", Tone::Accent).with(" open", Tone::Dim);
        }
        rows.push(row.fit(columns));
    }
    if let Some(before) = &run.before {
        rows.push(Row::of(format!("{indent}{}", compared(outcome, before)), Tone::Dim).fit(columns));
    }
    for advice in &run.advice {
        let told = wrapped(&advice.finding, WORD, columns, 3, Tone::Text);
        for (place, mut line) in told.into_iter().enumerate() {
            if let (0, Some(first)) = (place, line.pieces.first_mut()) {
                first.text = format!("{}{}", format::pad("advice", WORD - 2), first.text.trim_start());
                line.pieces.insert(0, Piece::new("! ", Tone::Warn));
            }
            rows.push(line);
        }
        rows.extend(wrapped(&advice.edit, WORD, columns, 3, Tone::Dim));
    }
    rows
}

/// How this deploy compares with the one before it.
fn compared(outcome: &DeployOutcome, before: &Before) -> String {
    let image = if outcome.digest == before.digest {
        "the same image as before".to_owned()
    } else {
        format!("{} before", before.digest.short())
    };
    let (now, then) = (outcome.took, before.took);
    let apart = format::duration(now.abs_diff(then));
    match apart.as_str() {
        "0.0 s" => format!("{image}, as fast as the last deploy"),
        _ if now < then => format!("{image}, {apart} faster than the last deploy"),
        _ => format!("{image}, {apart} slower than the last deploy"),
    }
}

/// A deploy that did not: its steps, what was printed, and the problem below them.
pub(super) fn failed(run: &Run, problem: &Problem, look: &Look<'_>) -> Vec<Row> {
    let (columns, height) = (look.columns, look.rows);
    // Steps that were never begun say nothing any more.
    let steps = run.shown_steps().filter(|step| *run.step(*step) != Step::Pending);
    let mut rows: Vec<_> = steps.map(|step| step_row(run, step, look)).collect();
    let told = row::problem(problem, 2, columns, TROUBLE.min(height.saturating_sub(1)).max(1));
    // The problem first: where both do not fit, the steps above it give way.
    let room = height.saturating_sub(told.len()).max(1);
    if rows.len() > room {
        rows.drain(..rows.len() - room);
    }
    let spare = height.saturating_sub(rows.len() + told.len());
    match run.failed_step() {
        Some(DeployStep::Preflight) => rows.extend(findings_in_full(run, columns, spare)),
        Some(DeployStep::Build) => rows.extend(run.build.rows(WORD, look.now, look.turn, columns, spare.min(10))),
        _ => {
            let skip = run.output.len().saturating_sub(spare.saturating_sub(1).min(6));
            rows.extend(run.output.iter().skip(skip).map(|line| output_row(line, columns)));
        }
    }
    rows.extend(told);
    rows
}

/// The checks that did not pass, with every word: where one of them stopped the deploy, this is what the person came for.
fn findings_in_full(run: &Run, columns: usize, room: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for check in run.findings() {
        let tone = if check.result == CheckResult::Fail { Tone::Bad } else { Tone::Warn };
        let told = wrapped(&format!("{}: {}", check.name, check.detail), WORD + 2, columns, 4, Tone::Text);
        for (place, mut row) in told.into_iter().enumerate() {
            if let (0, Some(first)) = (place, row.pieces.first_mut()) {
                first.text = first.text.trim_start().to_owned();
                row.pieces.insert(0, Piece::new(format!("{}{} ", " ".repeat(WORD), mark(check.result)), tone));
            }
            rows.push(row);
        }
        rows.extend(check.hint.iter().flat_map(|hint| wrapped(hint, WORD + 2, columns, 3, Tone::Dim)));
    }
    rows.truncate(room);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;
    use std::time::Duration;

    #[test]
    fn a_comparison_says_what_changed() {
        let outcome = samples::outcome();
        let before = |head: &str, tenths: u64| Before {
            digest: samples::digest(head),
            took: Duration::from_millis(tenths * 100),
        };
        assert_eq!(compared(&outcome, &before("5e1f2a9c", 98)), "the same image as before, as fast as the last deploy");
        assert_eq!(compared(&outcome, &before("8b1c2d3e", 140)), "8b1c2d3e before, 4.2 s faster than the last deploy");
        assert_eq!(compared(&outcome, &before("8b1c2d3e", 50)), "8b1c2d3e before, 4.8 s slower than the last deploy");
    }
}
