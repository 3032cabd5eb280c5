//! Answers for people: tables with columns that line up, and fields below one another.

use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// The rows in columns, two blanks between them; the first row is the head.
pub(in crate::cli) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|at| rows.iter().map(|row| row[at].width()).max().unwrap_or(0));
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
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
    for (name, value) in there {
        let _ = writeln!(out, "{name:<width$} {value}");
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
        assert_eq!(table(&rows), "NAME     ID\n果樹     1\norchard\n");
        let told = fields([("name", Some("a".to_owned())), ("id", None), ("current period", Some("b".to_owned()))]);
        assert_eq!(told, "name           a\ncurrent period b\n");
        assert_eq!((cell(None::<String>), cell(Some("")), cell(Some("x"))), ("-".into(), "-".into(), "x".into()));
    }
}
