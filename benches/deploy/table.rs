//! Samples, their medians, and the table that is printed.

use std::fmt;
use std::time::Duration;

/// Measured times of one side.
#[derive(Debug, Default, Clone)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut seconds: Vec<f64> = self.0.iter().map(Duration::as_secs_f64).collect();
        seconds.sort_by(f64::total_cmp);
        seconds
    }

    /// Seconds.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[count / 2],
            count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
        }
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return f.write_str("–") };
        write!(f, "{:.3} s ({least:.3}–{most:.3})", self.median())
    }
}

/// One case.
#[derive(Debug)]
pub struct Row {
    case: String,
    mine: Samples,
    other: Samples,
    goal: f64,
}

impl Row {
    /// A case whose ratio should be at most `goal`; `NAN` where there is none.
    pub fn new(case: &str, mine: &Samples, other: &Samples, goal: f64) -> Self {
        Self { case: case.to_owned(), mine: mine.clone(), other: other.clone(), goal }
    }
}

/// The table.
#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

impl Table {
    pub fn add(&mut self, row: Row) {
        eprintln!("{}: {:.2}", row.case, row.mine.median() / row.other.median());
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Case | tenantry, median (range) | compared with | ratio | goal |\n|---|---|---|---|---|")?;
        for row in &self.0 {
            let goal = if row.goal.is_nan() { "–".to_owned() } else { format!("≤ {:.2}", row.goal) };
            let ratio = row.mine.median() / row.other.median();
            writeln!(f, "| {} | {} | {} | {ratio:.2} | {goal} |", row.case, row.mine, row.other)?;
        }
        Ok(())
    }
}
