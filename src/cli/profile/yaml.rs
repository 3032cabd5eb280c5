//! A document as YAML, for whoever reads or compares it that way. Every text is in quotes, so that none can be taken for
//! something else: within them YAML and JSON are the same.

use serde_json::Value;
use std::fmt::Write as _;

use crate::cli::frame::line_of_json;

/// The document.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    below(value, 0, &mut out);
    out
}

/// What is below a key or a dash that stands `depth` blanks from the left.
fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let _ = write!(out, "{:depth$}{}:", "", scalar(&Value::String(key.clone())));
                item(value, depth + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for value in items {
                let _ = write!(out, "{:depth$}-", "");
                item(value, depth + 2, out);
            }
        }
        plain => {
            let _ = writeln!(out, "{:depth$}{}", "", scalar(plain));
        }
    }
}

/// On the same line where it is short, else below.
fn item(value: &Value, depth: usize, out: &mut String) {
    let is_deep = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_deep {
        out.push('\n');
        below(value, depth, out);
    } else {
        let _ = writeln!(out, " {}", scalar(value));
    }
}

/// As JSON has it; keys that are plain words need no quotes.
fn scalar(value: &Value) -> String {
    line_of_json(value).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        let value = json!({
            "profile": {"name": "dev", "port": 9000, "none": null, "empty": {}, "list": []},
            "env": {"YES": "no", "A": "1", "LINES": "a\nb: \"c\" # d", "off": true},
            "agents": [{"name": "x: y", "tags": ["a", "- b"]}, ["deep", {"er": -1}]],
            "果樹": "🌳",
        });
        let text = document(&value);
        let read: Value = serde_saphyr::from_str(&text).expect("YAML");
        assert_eq!(read, value, "{text}");
    }
}
