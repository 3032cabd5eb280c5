//! Answers for people: tables with columns that line up, and fields below one another.

use super::Paint;
use crate::telling::Tone;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// The rows in columns, two blanks between them; the first row is the head.
pub(in crate::cli) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    toned(rows, Paint::out(), |_, _| Tone::Text)
}

/// The same in colours: the head is dim, and `tone` says what a cell means, by its column and its text.
pub(in crate::cli) fn toned<const N: usize>(
    rows: &[[String; N]],
    paint: Paint,
    tone: impl Fn(usize, &str) -> Tone,
) -> String {
    let widths: [usize; N] = std::array::from_fn(|at| rows.iter().map(|row| row[at].width()).max().unwrap_or(0));
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            line.push_str(&paint.tone(if at == 0 { Tone::Dim } else { tone(column, cell) }, cell));
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Names and values below one another; what is not there is left out.
pub(in crate::cli) fn fields<const N: usize>(fields: [(&str, Option<String>); N]) -> String {
    let there: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let width = there.iter().map(|(name, _)| name.width()).max().unwrap_or(0).max(10);
    let mut out = String::new();
    let paint = Paint::out();
    for (name, value) in there {
        let _ = writeln!(out, "{} {value}", paint.tone(Tone::Dim, &format!("{name:<width$}")));
    }
    out
}

/// A cell, or a dash where there is nothing.
pub(in crate::cli) fn cell(value: Option<impl Into<String>>) -> String {
    value.map(Into::into).filter(|value: &String| !value.is_empty()).unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_fields_line_up() {
        let rows = [["NAME", "ID"], ["果樹", "1"], ["orchard", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(toned(&rows, Paint::default(), |_, _| Tone::Good), "NAME     ID\n果樹     1\norchard\n");
        let coloured = toned(&rows, Paint::colours(), |column, _| if column == 1 { Tone::Good } else { Tone::Text });
        assert_eq!(
            coloured,
            "\u{1b}[90mNAME\u{1b}[0m     \u{1b}[90mID\u{1b}[0m\n果樹     \u{1b}[32m1\u{1b}[0m\norchard\n"
        );
        let told = fields([("name", Some("a".to_owned())), ("id", None), ("current period", Some("b".to_owned()))]);
        assert_eq!(told, "name           a\ncurrent period b\n");
        assert_eq!((cell(None::<String>), cell(Some("")), cell(Some("x"))), ("-".into(), "-".into(), "x".into()));
    }
}
