//! The answer of a database: as a table for people, as columns with tabs between for programs, and as JSON. Whatever a value
//! is, it moves no cursor and changes no title.

use serde_json::{Number, Value, json};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::frame::line_of_json;
use crate::model::text;
use crate::ops::db::{Answer, Column};
use crate::telling::format;

/// The widest column of a table.
const WIDEST: usize = 60;
/// What stands for the database's NULL in columns with tabs, as in its own copies.
const NULL: &str = "\\N";

/// For people.
pub(super) fn table(answer: &Answer) -> String {
    let clean = |raw: &str| format::cut(&text::line(raw), WIDEST);
    let head: Vec<String> = answer.columns.iter().map(|column| clean(&column.name)).collect();
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(|value| value.as_deref().map_or_else(|| "NULL".to_owned(), clean)).collect())
        .collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).chain(head.get(at));
        cells.map(|cell| cell.as_str().width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    for row in [&head, &rule].into_iter().chain(&rows) {
        let mut line = String::new();
        for ((cell, width), column) in row.iter().zip(&widths).zip(&answer.columns) {
            let is_right = is_number(&column.kind) && !std::ptr::eq(row, &raw const head);
            line.push_str(&if is_right { format::pad_left(cell, *width) } else { format::pad(cell, *width) });
            line.push_str("  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let count = format::count(answer.rows.len(), "row", "rows");
    let _ =
        writeln!(out, "({count}{}, {})", if answer.has_more { " of more" } else { "" }, format::duration(answer.took));
    out
}

/// For programs: a head, then a line for each row. Tabs, line ends and backslashes in values are written as `\t`, `\n` and
/// `\\`, NULL as `\N`; what a terminal would obey as `\x1b` and the like.
pub(super) fn tsv(answer: &Answer) -> String {
    let mut out = String::new();
    let head: Vec<String> = answer.columns.iter().map(|column| escaped(&column.name)).collect();
    let _ = writeln!(out, "{}", head.join("\t"));
    for row in &answer.rows {
        let cells: Vec<String> =
            row.iter().map(|value| value.as_deref().map_or_else(|| NULL.to_owned(), escaped)).collect();
        let _ = writeln!(out, "{}", cells.join("\t"));
    }
    out
}

fn escaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if text::is_hidden(c) && u32::from(c) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if text::is_hidden(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// One document on a line of its own.
pub(super) fn json(answer: &Answer) -> String {
    let columns: Vec<Value> =
        answer.columns.iter().map(|column| json!({"name": column.name, "type": column.kind})).collect();
    let row = |row: &Vec<Option<String>>| {
        let values = row.iter().zip(&answer.columns).map(|(value, column)| of_kind(value.as_deref(), column));
        Value::Array(values.collect())
    };
    let rows: Vec<Value> = answer.rows.iter().map(row).collect();
    let took = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
    let document = json!({
        "columns": columns, "rows": rows, "row_count": rows.len(), "has_more": answer.has_more, "took_ms": took,
    });
    line_of_json(&document)
}

/// A value as JSON says it, where it says the same; else its text.
fn of_kind(value: Option<&str>, column: &Column) -> Value {
    let Some(text) = value else { return Value::Null };
    let other = match column.kind.as_str() {
        "INT2" | "INT4" | "INT8" | "OID" => text.parse::<i64>().ok().map(Value::from),
        "FLOAT4" | "FLOAT8" => text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        "BOOL" => match text {
            "t" => Some(Value::Bool(true)),
            "f" => Some(Value::Bool(false)),
            _ => None,
        },
        "JSON" | "JSONB" => serde_json::from_str(text).ok(),
        _ => None,
    };
    other.unwrap_or_else(|| Value::from(text))
}

fn is_number(kind: &str) -> bool {
    matches!(kind, "INT2" | "INT4" | "INT8" | "OID" | "FLOAT4" | "FLOAT8" | "NUMERIC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answer() -> Answer {
        let column = |name: &str, kind: &str| Column { name: name.into(), kind: kind.into() };
        let row = |values: [Option<&str>; 4]| values.map(|value| value.map(str::to_owned)).to_vec();
        Answer {
            columns: vec![
                column("id", "INT8"),
                column("na\u{1b}[2Jme", "TEXT"),
                column("ok", "BOOL"),
                column("data", "JSONB"),
            ],
            rows: vec![
                row([Some("1"), Some("果樹\t\u{1b}]0;x\u{7}\n\\"), Some("t"), Some("{\"a\": [1]}")]),
                row([Some("20"), None, Some("f"), None]),
                row([Some("300"), Some("\u{202e}\u{9b}2J"), None, Some("\"\\u001b\"")]),
            ],
            has_more: true,
            took: Duration::from_millis(400),
        }
    }

    #[test]
    fn a_table_lines_up_and_is_harmless() {
        let told = table(&answer());
        assert_eq!(
            told,
            "id   name        ok    data\n\
             ───  ──────────  ────  ──────────\n\
             \x20 1  果樹     \\  t     {\"a\": [1]}\n\
             \x2020  NULL        f     NULL\n\
             300              NULL  \"\\u001b\"\n\
             (3 rows of more, 0.4 s)\n"
        );
        assert!(!told.replace('\n', "").contains(text::is_hidden));
    }

    #[test]
    fn columns_with_tabs_lose_nothing() {
        let told = tsv(&answer());
        assert_eq!(
            told,
            "id\tna\\x1b[2Jme\tok\tdata\n\
             1\t果樹\\t\\x1b]0;x\\x07\\n\\\\\tt\t{\"a\": [1]}\n\
             20\t\\N\tf\t\\N\n\
             300\t\\u{202e}\\x9b2J\t\\N\t\"\\\\u001b\"\n"
        );
        assert!(!told.replace(['\n', '\t'], "").contains(text::is_hidden));
    }

    #[test]
    fn a_document_has_the_values_themselves() {
        let told = json(&answer());
        assert!(!told.trim_end().contains(text::is_hidden), "{told}");
        let read: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(read["rows"][0], json!([1, "果樹\t\u{1b}]0;x\u{7}\n\\", true, {"a": [1]}]));
        assert_eq!(read["rows"][2], json!([300, "\u{202e}\u{9b}2J", null, "\u{1b}"]));
        assert_eq!((&read["row_count"], &read["has_more"], &read["took_ms"]), (&json!(3), &json!(true), &json!(400)));
    }
}
