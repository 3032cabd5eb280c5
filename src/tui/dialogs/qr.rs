//! An address as a QR code, for the phone that is to open it. Two modules stand above each other in a character. Must not
//! know what the address is about.

use qrcode::{Color, EcLevel, QrCode};
use ratatui::style::{Color as Paint, Style};
use ratatui::text::{Line, Span};

use crate::telling::charset::Charset;
use crate::tui::theme::{Depth, Theme};

/// Modules of free ground around the code. The standard asks for four; cameras find it with two.
const QUIET: usize = 2;

/// A code that can be drawn.
pub struct Code {
    modules: Vec<Color>,
    width: usize,
}

impl Code {
    /// The code of a text. `None` where it is longer than a code can be, or where only ASCII may be drawn: its signs have
    /// no halves.
    #[must_use]
    pub fn of(text: &str, theme: &Theme) -> Option<Self> {
        if theme.glyphs.charset == Charset::Ascii {
            return None;
        }
        // A screen is clean: the lowest level of correction gives the smallest code.
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        Some(Self { width: code.width(), modules: code.into_colors() })
    }

    /// Columns and rows of the picture.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let side = self.width + 2 * QUIET;
        (side, side.div_ceil(2))
    }

    /// True where the module is dark; what lies around the code is light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let (Some(x), Some(y)) = (x.checked_sub(QUIET), y.checked_sub(QUIET)) else { return false };
        x < self.width && self.modules.get(y * self.width + x) == Some(&Color::Dark)
    }

    /// The picture. Dark on light whatever the theme: cameras ask for it. Without colours the ground of the terminal is
    /// taken for the dark one, which most cameras read as well.
    #[must_use]
    pub fn lines(&self, theme: &Theme) -> Vec<Line<'static>> {
        let (columns, rows) = self.size();
        let style =
            if theme.depth == Depth::Plain { theme.text } else { Style::new().fg(Paint::White).bg(Paint::Black) };
        let row = |row: usize| {
            let cell = |x: usize| match (self.is_dark(x, row * 2), self.is_dark(x, row * 2 + 1)) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            };
            Line::from(Span::styled((0..columns).map(cell).collect::<String>(), style))
        };
        (0..rows).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme() -> Theme {
        Theme::new(Depth::Sixteen)
    }

    /// What a camera would see, read back module by module from the characters.
    fn seen(lines: &[Line<'static>]) -> Vec<Vec<bool>> {
        let mut out = Vec::new();
        for line in lines {
            let text = line.spans[0].content.clone();
            let half = |dark: [char; 2]| text.chars().map(|c| dark.contains(&c)).collect::<Vec<bool>>();
            out.extend([half(['▄', ' ']), half(['▀', ' '])]);
        }
        out
    }

    #[test]
    fn the_picture_has_every_module_and_free_ground_around_it() {
        let url = "http://127.0.0.1:8765/sandbox/pay/txn_01k9x7h201k9x7h2";
        let code = Code::of(url, &theme()).unwrap();
        let seen = seen(&code.lines(&theme()));
        let (columns, rows) = code.size();
        assert_eq!((seen.len(), seen[0].len()), (rows * 2, columns));
        let wanted = QrCode::with_error_correction_level(url, EcLevel::L).unwrap();
        for (y, row) in seen.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let inside = |at: usize| (QUIET..QUIET + wanted.width()).contains(&at);
                let expected = inside(x) && inside(y) && wanted[(x - QUIET, y - QUIET)] == Color::Dark;
                assert_eq!(*dark, expected, "{x} {y}");
            }
        }
    }

    #[test]
    fn what_has_no_code_says_so() {
        assert!(Code::of(&"x".repeat(4000), &theme()).is_none());
        let mut ascii = theme();
        ascii.glyphs = crate::tui::theme::Glyphs::of(Charset::Ascii);
        assert!(Code::of("http://a", &ascii).is_none());
    }
}
