//! Where a list that grows at its end is looked at: at the end, following it, or at a place that stays
//! still while lines arrive and old ones are dropped.

use std::ops::Range;

/// Lines are numbered from the first that ever was, so that dropping old ones moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    /// The number behind the last visible line; `None` follows the end.
    end: Option<u64>,
}

impl Scroll {
    /// True while the newest line is kept in view.
    #[must_use]
    pub fn follows(self) -> bool {
        self.end.is_none()
    }

    /// The visible lines when `page` of the kept `lines` fit.
    #[must_use]
    pub fn window(self, lines: &Range<u64>, page: usize) -> Range<u64> {
        let page = page as u64;
        let least = (lines.start + page).min(lines.end);
        let end = self.end.unwrap_or(lines.end).clamp(least, lines.end);
        end.saturating_sub(page).max(lines.start)..end
    }

    /// Moves by `delta` lines, up is negative; reaching the end follows it again.
    pub fn by(&mut self, delta: i64, lines: &Range<u64>, page: usize) {
        let end = self.window(lines, page).end.saturating_add_signed(delta);
        let least = (lines.start + page as u64).min(lines.end);
        self.end = (end < lines.end).then_some(end.max(least)).filter(|end| *end < lines.end);
    }

    /// To the end, following it.
    pub fn follow(&mut self) {
        self.end = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_looked_at_stays_while_lines_arrive() {
        let mut scroll = Scroll::default();
        assert_eq!(scroll.window(&(0..100), 10), 90..100);
        scroll.by(-5, &(0..100), 10);
        assert_eq!(scroll.window(&(0..100), 10), 85..95);
        assert_eq!(scroll.window(&(0..150), 10), 85..95);
        assert_eq!(scroll.window(&(90..150), 10), 90..100);
        scroll.by(1000, &(0..150), 10);
        assert!(scroll.follows());
    }

    #[test]
    fn short_lists_and_no_rows_are_fine() {
        let mut scroll = Scroll::default();
        scroll.by(-3, &(0..4), 10);
        assert!(scroll.follows());
        assert_eq!(scroll.window(&(0..4), 10), 0..4);
        assert_eq!(scroll.window(&(0..4), 0), 4..4);
        scroll.by(i64::MIN / 2, &(7..40), 10);
        assert_eq!(scroll.window(&(7..40), 10), 7..17);
    }
}
