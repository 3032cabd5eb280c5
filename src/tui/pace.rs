//! How fast something answers, in steps so coarse that an idle screen does not change with every answer.

use std::time::Duration;

/// The upper ends of the steps, milliseconds; the last step has none.
const STEPS: [u64; 8] = [10, 25, 50, 100, 250, 500, 1000, 2500];

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(usize);

impl Pace {
    /// The step of one measure.
    #[must_use]
    pub fn of(took: Duration) -> Self {
        let fits = |step: &u64| took < Duration::from_millis(*step);
        Self(STEPS.iter().position(fits).unwrap_or(STEPS.len()))
    }

    /// The step after one more measure. What lies just beyond the end of the old step is still that step: a pace at a
    /// border would go to and fro.
    #[must_use]
    pub fn then(self, took: Duration) -> Self {
        let next = Self::of(took);
        let stays = if next.0 == self.0 + 1 {
            STEPS.get(self.0).is_some_and(|end| took < Duration::from_millis(end + end / 2))
        } else if next.0 + 1 == self.0 {
            STEPS.get(next.0).is_some_and(|end| took * 3 > Duration::from_millis(end * 2))
        } else {
            false
        };
        if stays { self } else { next }
    }

    /// `<25 ms`, `<1 s`, `>2.5 s`.
    #[must_use]
    pub fn words(self) -> String {
        let (sign, end) = match (STEPS.get(self.0), STEPS.last()) {
            (Some(end), _) => ('<', *end),
            (None, last) => ('>', last.copied().unwrap_or_default()),
        };
        match end {
            1000 => format!("{sign}1 s"),
            2500 => format!("{sign}2.5 s"),
            end => format!("{sign}{end} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(milliseconds: u64) -> Pace {
        Pace::of(Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_measure_belongs_to_a_step() {
        for (took, words) in
            [(0, "<10 ms"), (9, "<10 ms"), (10, "<25 ms"), (600, "<1 s"), (2499, "<2.5 s"), (9999, ">2.5 s")]
        {
            assert_eq!(of(took).words(), words);
        }
    }

    #[test]
    fn a_pace_at_a_border_does_not_flutter() {
        let after = |before: u64, took: u64| of(before).then(Duration::from_millis(took));
        for took in [20, 24, 26, 30, 36, 17] {
            assert_eq!(after(20, took), of(20), "{took} ms");
        }
        assert_eq!(after(20, 40), of(40));
        assert_eq!(after(20, 5), of(5));
        assert_eq!(after(30, 20), of(30), "just below the border");
        assert_eq!(after(30, 15), of(15));
        assert_eq!(after(20, 900), of(900));
        assert_eq!(after(900, 3), of(3));
    }
}
