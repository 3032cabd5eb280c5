//! A room of dots, eight to a character, in which curves are drawn. Must not know what they mean.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::series::Sample;

/// Dots side by side in a character.
const ACROSS: usize = 2;
/// Dots one above the other in a character.
const UP: usize = 4;
/// The bit of each dot of a braille character, by row and column.
const BITS: [[u8; ACROSS]; UP] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// What is seen of the time, and how high it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Seconds since 1970 at the left edge.
    pub start: i64,
    /// At the right edge.
    pub end: i64,
    /// The value at the upper edge; that of the lower is 0.
    pub top: f64,
    /// The longest distance of two samples, seconds, that is joined.
    pub longest: i64,
}

impl Window {
    /// The place of a moment among `count`; `None` where it is not seen.
    fn place(&self, at: i64, count: usize) -> Option<usize> {
        let along = u128::try_from(at.checked_sub(self.start)?).ok()?;
        let span = u128::try_from(self.end.saturating_sub(self.start)).ok().filter(|span| *span > 0)?;
        let place = usize::try_from(along * count as u128 / span).ok()?;
        (at <= self.end).then_some(place.min(count.checked_sub(1)?))
    }

    /// The highest sample of every place that has one, among `count`, and when it and its neighbours were.
    fn columns(&self, samples: &[Sample], count: usize) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        for sample in samples {
            let Some(x) = self.place(sample.at, count) else { continue };
            match columns.last_mut() {
                Some(column) if column.x == x => {
                    column.value = column.value.max(sample.value);
                    column.last = sample.at;
                }
                _ => columns.push(Column { x, value: sample.value, first: sample.at, last: sample.at }),
            }
        }
        columns
    }
}

struct Column {
    x: usize,
    value: f64,
    first: i64,
    last: i64,
}

/// The room.
#[derive(Debug, Clone)]
pub struct Canvas {
    columns: usize,
    rows: usize,
    /// The dots of every character.
    dots: Vec<u8>,
    /// The style of every character: that of the curve which was drawn over it last.
    styles: Vec<Style>,
}

impl Canvas {
    /// An empty room of so many characters.
    #[must_use]
    pub fn new(columns: usize, rows: usize) -> Self {
        let count = columns * rows;
        Self { columns, rows, dots: vec![0; count], styles: vec![Style::new(); count] }
    }

    /// The row of characters at which a value stands.
    #[must_use]
    pub fn row_of(&self, value: f64, top: f64) -> usize {
        self.height(value, top) / UP
    }

    /// Dots from the upper edge.
    fn height(&self, value: f64, top: f64) -> usize {
        let last = (self.rows * UP).saturating_sub(1);
        let share = if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the dots there are")]
        let up = (share * last as f64).round() as usize;
        last - up.min(last)
    }

    /// Draws a curve: samples joined, but not over a gap.
    pub fn curve(&mut self, samples: &[Sample], window: &Window, style: Style) {
        let mut before: Option<(Column, usize)> = None;
        for column in window.columns(samples, self.columns * ACROSS) {
            let y = self.height(column.value, window.top);
            match &before {
                Some((old, old_y)) if column.first.saturating_sub(old.last) <= window.longest => {
                    self.join((old.x, *old_y), (column.x, y), style);
                }
                _ => self.dot(column.x, y, style),
            }
            before = Some((column, y));
        }
    }

    fn join(&mut self, from: (usize, usize), to: (usize, usize), style: Style) {
        let across = to.0.saturating_sub(from.0).max(1);
        let mut above = from.1;
        for step in 1..=across {
            let y = (from.1 * (across - step) + to.1 * step + across / 2) / across;
            // Also the dots between two heights: the curve holds together.
            for between in above.min(y)..=above.max(y) {
                self.dot(from.0 + step, between, style);
            }
            above = y;
        }
    }

    fn dot(&mut self, x: usize, y: usize, style: Style) {
        let place = y / UP * self.columns + x / ACROSS;
        if x < self.columns * ACROSS
            && let Some(dots) = self.dots.get_mut(place)
        {
            *dots |= BITS[y % UP][x % ACROSS];
            self.styles[place] = style;
        }
    }

    /// A row of characters; `behind` stands where no dot is.
    #[must_use]
    pub fn row(&self, row: usize, behind: &Line<'static>) -> Vec<Span<'static>> {
        let mut back = behind.spans.iter().flat_map(|span| span.content.chars().map(|c| (c, span.style)));
        let mut spans: Vec<Span<'static>> = Vec::new();
        for place in row * self.columns..(row + 1) * self.columns {
            let (blank, back_style) = back.next().unwrap_or((' ', Style::new()));
            let (c, style) = match self.dots.get(place) {
                Some(0) | None => (blank, back_style),
                Some(dots) => (glyph(*dots), self.styles[place]),
            };
            match spans.last_mut() {
                Some(span) if span.style == style => span.content.to_mut().push(c),
                _ => spans.push(Span::styled(c.to_string(), style)),
            }
        }
        spans
    }
}

/// The character with these dots.
fn glyph(dots: u8) -> char {
    char::from_u32(0x2800 + u32::from(dots)).unwrap_or('·')
}

/// A curve in one line of characters; blanks where nobody measured.
#[must_use]
pub fn sparkline(samples: &[Sample], window: &Window, columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut out = vec![' '; columns];
    let mut before: Option<Column> = None;
    for column in window.columns(samples, columns) {
        let share = if window.top > 0.0 { (column.value / window.top).clamp(0.0, 1.0) } else { 0.0 };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
        let bar = BARS[((share * 7.0).round() as usize).min(7)];
        // Samples that are further apart than characters are one stretch all the same.
        let from = match &before {
            Some(old) if column.first.saturating_sub(old.last) <= window.longest => old.x + 1,
            _ => column.x,
        };
        out[from..=column.x].fill(bar);
        before = Some(column);
    }
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(end: i64, top: f64) -> Window {
        Window { start: 0, end, top, longest: 15 }
    }

    fn text(canvas: &Canvas) -> Vec<String> {
        let row = |row| canvas.row(row, &Line::raw("")).iter().map(|span| span.content.to_string()).collect();
        (0..canvas.rows).map(row).collect()
    }

    fn samples(values: &[(i64, f64)]) -> Vec<Sample> {
        values.iter().map(|(at, value)| Sample { at: *at, value: *value }).collect()
    }

    #[test]
    fn a_curve_holds_together_and_a_gap_stays_one() {
        let mut canvas = Canvas::new(4, 2);
        canvas.curve(&samples(&[(0, 0.0), (10, 8.0), (60, 8.0), (70, 8.0)]), &window(80, 8.0), Style::new());
        assert_eq!(text(&canvas), ["⢸  ⠉", "⣸   "]);
    }

    #[test]
    fn what_is_behind_is_seen_where_no_dot_is() {
        let mut canvas = Canvas::new(4, 1);
        canvas.curve(&samples(&[(0, 1.0)]), &window(80, 1.0), Style::new());
        let row: String = canvas.row(0, &Line::raw("----")).iter().map(|span| span.content.to_string()).collect();
        assert_eq!(row, "⠁---");
    }

    #[test]
    fn a_line_of_bars_shows_the_gap_too() {
        let window = Window { start: 0, end: 80, top: 7.0, longest: 15 };
        let curve = samples(&[(0, 0.0), (10, 7.0), (50, 3.0), (60, 7.0)]);
        assert_eq!(sparkline(&curve, &window, 8), "▁█   ▄█ ");
    }

    proptest! {
        #[test]
        fn any_samples_can_be_drawn_in_any_room(
            values in prop::collection::vec((any::<i64>(), 0.0..1e18f64), 0..30), end in any::<i64>(), start in any::<i64>(),
            top in prop_oneof![Just(0.0), 0.1..1e12f64], columns in 0usize..40, rows in 0usize..9,
        ) {
            let mut curve = samples(&values);
            curve.sort_by_key(|sample| sample.at);
            let window = Window { start, end, top, longest: 100 };
            let mut canvas = Canvas::new(columns, rows);
            canvas.curve(&curve, &window, Style::new());
            prop_assert!(text(&canvas).iter().all(|row| row.chars().count() == columns));
            prop_assert!(canvas.row_of(1.0, top) <= rows);
            prop_assert_eq!(sparkline(&curve, &window, columns).chars().count(), columns);
        }
    }
}
