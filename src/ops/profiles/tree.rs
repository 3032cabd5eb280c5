//! A document for people: names and values on lines of their own, indented where they belong together. Harmless text.

use serde_json::Value;
use std::fmt::Write as _;

use crate::model::text;

/// The longest value, characters.
const LONGEST: usize = 400;

/// The document as text; the members that are named come first, in that order.
#[must_use]
pub fn text(document: &Value, first: &[&str]) -> String {
    let mut out = String::new();
    if let Value::Object(members) = document
        && first.iter().any(|name| members.contains_key(*name))
    {
        let mut members = members.clone();
        for name in first {
            if let Some((name, value)) = members.remove_entry(*name) {
                below(&Value::Object([(name, value)].into_iter().collect()), 0, &mut out);
            }
        }
        below(&Value::Object(members), 0, &mut out);
        return out;
    }
    match document {
        Value::Object(_) | Value::Array(_) if !is_empty(document) => below(document, 0, &mut out),
        other => {
            let _ = writeln!(out, "{}", leaf(other));
        }
    }
    out
}

fn below(value: &Value, depth: usize, out: &mut String) {
    let indent = depth * 2;
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = text::short(name, LONGEST);
                if is_leaf(value) {
                    let _ = writeln!(out, "{:indent$}{name}: {}", "", leaf(value));
                } else {
                    let _ = writeln!(out, "{:indent$}{name}:", "");
                    below(value, depth + 1, out);
                }
            }
        }
        Value::Array(all) => {
            for value in all {
                if is_leaf(value) {
                    let _ = writeln!(out, "{:indent$}- {}", "", leaf(value));
                } else {
                    let mut inner = String::new();
                    below(value, depth + 1, &mut inner);
                    // The first line of it stands behind the dash.
                    let inner = inner.get(indent + 2..).unwrap_or_default();
                    let _ = write!(out, "{:indent$}- {inner}", "");
                }
            }
        }
        other => {
            let _ = writeln!(out, "{:indent$}{}", "", leaf(other));
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

/// A value that fits on the line of its name: also a list of plain values that is not long.
fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(_) => is_empty(value),
        Value::Array(all) => all.len() <= 12 && all.iter().all(|one| !one.is_object() && !one.is_array()),
        _ => true,
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(raw) if raw.is_empty() => "\"\"".to_owned(),
        Value::String(raw) => text::short(raw, LONGEST),
        Value::Array(all) => format!("[{}]", all.iter().map(leaf).collect::<Vec<_>>().join(", ")),
        Value::Object(_) => "{}".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn what_belongs_together_is_indented() {
        let document =
            json!({"a": {"b": 1, "c": {}}, "d": ["x", 2], "e": [{"f": true, "g": null}, {"f": "\u{1b}[2Jy"}], "h": ""});
        assert_eq!(
            super::text(&document, &[]),
            "a:\n  b: 1\n  c: {}\nd: [x, 2]\ne:\n  - f: true\n    g: -\n  - f: y\nh: \"\"\n"
        );
        assert_eq!(super::text(&json!({}), &["x"]), "{}\n");
        assert_eq!(super::text(&json!(null), &[]), "-\n");
        assert_eq!(super::text(&json!({"a": 1, "b": 2, "c": {"d": 3}}), &["c", "b", "x"]), "c:\n  d: 3\nb: 2\na: 1\n");
    }
}
