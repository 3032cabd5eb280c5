//! A screen as an SVG picture, for the README. Drawn from the same buffer as the terminal's, so the picture
//! is the program.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Size of a cell, in the picture's own units.
const CELL: (f32, f32) = (8.4, 18.0);
const BASELINE: f32 = 13.5;
const MARGIN: f32 = 14.0;
const FOREGROUND: &str = "#cdd6f4";
const BACKGROUND: &str = "#1e1e2e";

/// How a run of cells looks.
#[derive(PartialEq, Eq, Clone)]
struct Look {
    foreground: String,
    background: Option<String>,
    bold: bool,
    underlined: bool,
}

/// Draws `buffer`.
pub(super) fn svg(buffer: &Buffer) -> String {
    let area = buffer.area;
    let width = f32::from(area.width).mul_add(CELL.0, 2.0 * MARGIN);
    let height = f32::from(area.height).mul_add(CELL.1, 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n"
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            x = run(buffer, x, y, &mut out);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Writes the run of equal cells that begins at `x`, and answers where the next begins.
fn run(buffer: &Buffer, x: u16, y: u16, out: &mut String) -> u16 {
    let Some(first) = buffer.cell((x, y)).map(look) else { return x + 1 };
    let mut words: Vec<(u16, String)> = Vec::new();
    let mut end = x;
    while let Some(cell) = buffer.cell((end, y)).filter(|cell| end < buffer.area.width && look(cell) == first) {
        let symbol = cell.symbol();
        match words.last_mut() {
            _ if symbol.trim().is_empty() => {}
            Some((begin, word)) if usize::from(end - *begin) == word.width() => word.push_str(symbol),
            _ => words.push((end, symbol.to_owned())),
        }
        end += 1;
    }
    let top = f32::from(y).mul_add(CELL.1, MARGIN);
    if let Some(background) = &first.background {
        let (left, wide) = (column(x), f32::from(end - x) * CELL.0);
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{background}\"/>",
            CELL.1
        );
    }
    let weight = if first.bold { " font-weight=\"600\"" } else { "" };
    let line = if first.underlined { " text-decoration=\"underline\"" } else { "" };
    // Word by word: every one stands in its column, whatever font the reader has.
    for (begin, word) in words {
        let wide = word.width() as f32 * CELL.0;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{weight}{line}>{}</text>",
            column(begin),
            top + BASELINE,
            first.foreground,
            escaped(&word)
        );
    }
    end
}

fn column(x: u16) -> f32 {
    f32::from(x).mul_add(CELL.0, MARGIN)
}

fn look(cell: &Cell) -> Look {
    let (mut foreground, mut background) = (colour(cell.fg), colour(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        (foreground, background) =
            (background.or_else(|| Some(BACKGROUND.into())), foreground.or_else(|| Some(FOREGROUND.into())));
    }
    let dim = cell.modifier.contains(Modifier::DIM) && foreground.is_none();
    Look {
        foreground: foreground.unwrap_or_else(|| if dim { "#7f849c" } else { FOREGROUND }.into()),
        background,
        bold: cell.modifier.contains(Modifier::BOLD),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    }
}

fn colour(colour: Color) -> Option<String> {
    let named = match colour {
        Color::Reset => return None,
        Color::Rgb(red, green, blue) => return Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Black => "#45475a",
        Color::Red | Color::LightRed => "#f38ba8",
        Color::Green | Color::LightGreen => "#a6e3a1",
        Color::Yellow | Color::LightYellow => "#f9e2af",
        Color::Blue | Color::LightBlue => "#89b4fa",
        Color::Magenta | Color::LightMagenta => "#f5c2e7",
        Color::Cyan | Color::LightCyan => "#94e2d5",
        Color::Gray | Color::White => "#ffffff",
        Color::DarkGray => "#7f849c",
        Color::Indexed(_) => FOREGROUND,
    };
    Some(named.into())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn runs_keep_their_look_and_text_is_escaped() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Rgb(1, 2, 3)));
        buffer.set_string(4, 0, "bold", Style::new().bold());
        let picture = svg(&buffer);
        assert!(picture.contains("fill=\"#010203\">a&lt;b</text>"), "{picture}");
        assert!(picture.contains("font-weight=\"600\">bold</text>"), "{picture}");
    }
}
