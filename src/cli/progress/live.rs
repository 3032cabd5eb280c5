//! A deploy as a picture on the terminal, redrawn in place below what was there before. What it shows comes from
//! `telling`; where there is no terminal, lines are printed instead.

mod painter;

use jiff::{Timestamp, tz::TimeZone};
use std::io::{Stdout, Write};
use std::time::{Duration, Instant};

use super::{Ended, Shows};
use crate::model::progress::DeployProgress;
use crate::model::{Problem, TenantId};
use crate::telling::charset::Charset;
use crate::telling::deploy::{Look, rows, summary};
use crate::telling::{Row, Run, Tone, format};
use painter::Painter;

/// What is taken for granted where the terminal does not tell its size.
const SIZE: (u16, u16) = (80, 24);
/// Columns beyond which aligned text is not spread.
const READABLE: usize = 118;
/// Rows beyond which a picture that moves is no longer calm.
const TALLEST: usize = 28;
/// Rows of the last picture: it does not move any more.
const LAST: usize = 60;

/// The picture of one deploy, or of several.
pub(super) struct Live<W: Write = Stdout> {
    painter: Painter<W>,
    runs: Vec<(TenantId, Run)>,
    begun: Instant,
    turn: usize,
    is_stopping: bool,
    charset: Charset,
}

impl Live {
    /// For standard output.
    pub(super) fn new(names: Vec<(TenantId, String)>) -> Self {
        let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self::on(Painter::new(std::io::stdout(), has_colours), names)
    }
}

impl<W: Write> Live<W> {
    fn on(painter: Painter<W>, names: Vec<(TenantId, String)>) -> Self {
        let runs = names.into_iter().map(|(id, name)| (id, Run::new(name, Duration::ZERO))).collect();
        Self { painter, runs, begun: Instant::now(), turn: 0, is_stopping: false, charset: Charset::default() }
    }

    fn paint(&mut self, clock: &str, most: usize) {
        let (columns, height) = crossterm::terminal::size().ok().filter(|size| size.0 > 0).unwrap_or(SIZE);
        // The cursor stands below the picture, and a line that fills its row would wrap.
        let room = usize::from(height.saturating_sub(1)).min(most);
        let width = usize::from(columns.saturating_sub(1)).min(READABLE);
        let (now, turn) = (self.begun.elapsed(), self.turn);
        let look = Look { columns: width, rows: room, now, turn, is_pane: false, clock, charset: self.charset };
        let picture = picture(&self.runs, &look, self.is_stopping);
        self.painter.paint(&picture, columns);
    }
}

/// One deploy as it is; of several a line each, and below them what the first one that moves is doing.
fn picture(runs: &[(TenantId, Run)], look: &Look<'_>, is_stopping: bool) -> Vec<Row> {
    let more = usize::from(is_stopping);
    let inner = Look { rows: look.rows.saturating_sub(more), ..*look };
    let mut picture = match runs {
        [(_, run)] => rows(run, &inner),
        all => {
            let mut lines: Vec<Row> = all.iter().map(|(_, run)| summary(run, &inner)).collect();
            lines.truncate(inner.rows);
            let left = inner.rows.saturating_sub(lines.len() + 1);
            let moving = all.iter().find(|(_, run)| run.result().is_none() && run.running().is_some());
            if let (Some((_, run)), 4..) = (moving, left) {
                lines.push(Row::default());
                lines.extend(rows(run, &Look { rows: left, ..inner }));
            }
            lines
        }
    };
    if is_stopping && runs.iter().any(|(_, run)| run.result().is_none()) {
        picture.push(Row::of("Ctrl-C again leaves at once.", Tone::Dim).fit(look.columns));
    }
    picture
}

impl<W: Write> Shows for Live<W> {
    fn take(&mut self, tenant: &TenantId, said: DeployProgress) {
        let now = self.begun.elapsed();
        if let Some((_, run)) = self.runs.iter_mut().find(|(id, _)| id == tenant) {
            run.take(said, now);
        }
    }

    fn tick(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        self.paint("", TALLEST);
    }

    fn stopping(&mut self, _: bool) {
        self.is_stopping = true;
        for (_, run) in &mut self.runs {
            run.cancelling = true;
        }
        self.paint("", TALLEST);
    }

    fn suspend(&mut self) {
        self.painter.release();
    }

    fn end(&mut self, ended: &[Ended]) -> Result<(), Problem> {
        let now = self.begun.elapsed();
        for (tenant, result) in ended {
            let outcome = match result {
                Ok(Some(outcome)) => Ok(outcome.clone()),
                Ok(None) => continue,
                Err(problem) => Err(problem.clone()),
            };
            if let Some((_, run)) = self.runs.iter_mut().find(|(id, _)| id == tenant) {
                run.end(outcome, now);
            }
        }
        let clock = format::clock(Timestamp::now(), &TimeZone::system());
        self.paint(&clock, LAST);
        // Of several only a line each was shown; what went wrong is worth more.
        if self.runs.len() > 1 {
            for problem in ended.iter().filter_map(|(_, result)| result.as_ref().err()) {
                crate::cli::tell(problem);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;

    fn id(number: u8) -> TenantId {
        TenantId::new(format!("t{number}")).expect("an id")
    }

    fn at(name: &str, number: u8, milliseconds: u64) -> (TenantId, Run) {
        let mut run = Run::new(name.into(), Duration::ZERO);
        for (when, said) in samples::deploy() {
            if when <= milliseconds {
                run.take(said, Duration::from_millis(when));
            }
        }
        (id(number), run)
    }

    #[test]
    fn several_deploys_share_a_picture() {
        let mut runs = vec![at("orchard", 1, 9900), at("meadow", 2, 5900), at("barn", 3, 0)];
        runs[0].1.end(Ok(samples::outcome()), Duration::from_millis(9900));
        let now = Duration::from_millis(9900);
        let look = Look { columns: 90, rows: 18, now, turn: 0, is_pane: false, clock: "", charset: Charset::Unicode };
        let picture: Vec<_> = picture(&runs, &look, true).iter().map(|row| row.text().trim_end().to_owned()).collect();
        insta::assert_snapshot!(picture.join("\n"));
    }

    #[test]
    fn no_picture_is_taller_than_its_room() {
        let runs: Vec<_> = (0..9).map(|number| at("orchard", number, u64::from(number) * 1000)).collect();
        for rows in 0..40 {
            for some in [&runs[..1], &runs[..], &runs[4..6]] {
                let now = Duration::from_secs(9);
                let look =
                    Look { columns: 60, rows, now, turn: 0, is_pane: false, clock: "", charset: Charset::Unicode };
                let tall = picture(some, &look, true).len();
                assert!(tall <= rows.max(1), "{tall} rows in {rows}");
            }
        }
    }
}
