//! How the making of a local tenant is told: its steps folded from what is said on the way, as rows for the screen and as
//! lines for the command line.

use std::time::Duration;

use super::format;
use super::row::{Row, Tone, spinner};
use crate::model::progress::{LocalProgress, LocalStep};

/// Columns of a step's word.
const WORD: usize = 10;

/// Where a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stands {
    ToCome,
    Runs(String),
    Done(String, Duration),
    Failed,
}

/// The steps and where each is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRun {
    steps: Vec<(LocalStep, Stands)>,
}

impl LocalRun {
    /// Nothing has begun.
    pub fn new(steps: &[LocalStep]) -> Self {
        Self { steps: steps.iter().map(|step| (*step, Stands::ToCome)).collect() }
    }

    /// Takes what was said.
    pub fn take(&mut self, said: LocalProgress) {
        let (step, stands) = match said {
            LocalProgress::Started { step } => (step, Stands::Runs(String::new())),
            LocalProgress::Moved { step, text } => (step, Stands::Runs(text)),
            LocalProgress::Finished { step, summary, took } => (step, Stands::Done(summary, took)),
            LocalProgress::Failed { step } => (step, Stands::Failed),
        };
        if let Some((_, place)) = self.steps.iter_mut().find(|(known, _)| *known == step) {
            *place = stands;
        }
    }

    /// The rows, of `columns` each; `frame` turns what is under way.
    pub fn rows(&self, columns: usize, frame: usize) -> Vec<Row> {
        self.steps.iter().map(|(step, stands)| row(*step, stands, columns, frame)).collect()
    }
}

fn row(step: LocalStep, stands: &Stands, columns: usize, frame: usize) -> Row {
    let (glyph, tone, words, took) = match stands {
        Stands::ToCome => ("·", Tone::Dim, "", None),
        Stands::Runs(words) => (spinner(frame), Tone::Accent, words.as_str(), None),
        Stands::Done(summary, took) => ("✓", Tone::Good, summary.as_str(), Some(*took)),
        Stands::Failed => ("✕", Tone::Bad, "", None),
    };
    let word = if matches!(stands, Stands::ToCome) { Tone::Dim } else { Tone::Text };
    let row =
        Row::of(format!("{glyph} "), tone).with(format::pad(step.word(), WORD), word).with(words.to_owned(), Tone::Dim);
    match took {
        Some(took) => row.spread(super::row::Piece::new(format::duration(took), Tone::Dim), columns),
        None => row.fit(columns),
    }
}

/// What was said as a line for people who read lines; nothing where it is not worth one.
pub fn line(said: &LocalProgress) -> Option<String> {
    match said {
        LocalProgress::Finished { step, summary, took } => {
            Some(format!("✓ {} {summary}  {}", format::pad(step.word(), WORD), format::duration(*took)))
        }
        LocalProgress::Failed { step } => Some(format!("✕ {}", step.word())),
        LocalProgress::Started { .. } | LocalProgress::Moved { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_as_they_stand() {
        let mut run = LocalRun::new(&LocalStep::CONTAINER);
        let took = Duration::from_millis(340);
        let checked = LocalProgress::Finished { step: LocalStep::Check, summary: "local, port 5432".into(), took };
        assert_eq!(line(&checked).as_deref(), Some("✓ check      local, port 5432  0.3 s"));
        run.take(checked);
        run.take(LocalProgress::Started { step: LocalStep::Image });
        run.take(LocalProgress::Moved { step: LocalStep::Image, text: "pulling postgres:18-alpine, 12/80 MB".into() });
        let told: Vec<String> = run.rows(60, 0).iter().map(Row::text).collect();
        assert_eq!(
            told,
            [
                "✓ check     local, port 5432                           0.3 s",
                "◐ image     pulling postgres:18-alpine, 12/80 MB",
                "· container ",
                "· database  ",
                "· record    ",
            ]
        );
        run.take(LocalProgress::Failed { step: LocalStep::Image });
        assert!(run.rows(60, 0)[1].text().starts_with("✕ image"));
        assert!(run.rows(12, 0).iter().all(|row| row.width() <= 12));
    }
}
