//! The cases that are run, and the table that is printed.

use std::fmt;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    None,
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug)]
struct Row {
    case: String,
    unit: &'static str,
    sorted: Vec<f64>,
    goal: Goal,
}

/// Runs cases and keeps their figures.
#[derive(Debug)]
pub struct Table {
    runs: usize,
    wanted: String,
    rows: Vec<Row>,
}

impl Table {
    /// `wanted` is a word that a case must hold to be run.
    pub fn new(runs: usize, wanted: &str) -> Self {
        Self { runs: runs.max(1), wanted: wanted.to_owned(), rows: Vec::new() }
    }

    /// True for a case that is to be run.
    pub fn wants(&self, case: &str) -> bool {
        case.contains(&self.wanted)
    }

    /// Runs a case as often as was asked for; each run answers a figure in `unit`.
    pub fn run(&mut self, case: &str, unit: &'static str, goal: Goal, mut run: impl FnMut() -> f64) {
        if !self.wants(case) {
            return;
        }
        // The first run warms up and does not count.
        run();
        let figures = (0..self.runs).map(|_| run()).collect();
        self.add(case, unit, goal, figures);
    }

    /// Adds figures that were measured elsewhere.
    pub fn add(&mut self, case: &str, unit: &'static str, goal: Goal, mut figures: Vec<f64>) {
        figures.sort_by(f64::total_cmp);
        let row = Row { case: case.to_owned(), unit, sorted: figures, goal };
        eprintln!("{row}");
        self.rows.push(row);
    }
}

/// The middle of figures in any order; `None` where there is none.
pub fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(f64::midpoint(sorted[last / 2], sorted[sorted.len() / 2]))
}

/// Three digits that count, and thousands apart.
fn figure(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else {
        3
    };
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.sorted.len();
        let median = median(&self.sorted).unwrap_or_default();
        let range = format!("{}–{}", figure(self.sorted[0]), figure(self.sorted[count - 1]));
        let goal = match self.goal {
            Goal::None => "–".to_owned(),
            Goal::AtLeast(goal) => format!("≥ {}", figure(goal)),
            Goal::AtMost(goal) => format!("≤ {}", figure(goal)),
        };
        write!(f, "| {} | {} {} ({range}) | {goal} |", self.case, figure(median), self.unit)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Case | median (range) | goal |\n|---|---|---|")?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}
