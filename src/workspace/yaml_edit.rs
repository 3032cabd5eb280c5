//! Changes single values of a YAML file as text, so that comments, the order and all that this version does not know
//! stay as they were written.
//!
//! Whether a change was right is not believed but read: the file must say afterwards what it said before, and the one
//! value besides. Where that cannot be had nothing is changed. Must not know what a file is for.

use serde_json::Value;

use super::yaml;

/// Indentation of a line that is added where there is none to go by.
const INDENT: usize = 2;

/// A value that is set: `section.key`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// The section, at the top of the file.
    pub section: &'static str,
    /// The key in it.
    pub key: &'static str,
    /// A text or a number.
    pub value: Value,
}

/// The text with the values set, or why that cannot be done, in harmless words.
pub(super) fn set(content: &str, settings: &[Setting]) -> Result<String, String> {
    let mut expected: Value = yaml::parse(content.as_bytes())?;
    if expected.is_null() {
        expected = Value::Object(serde_json::Map::new());
    }
    let mut text = content.to_owned();
    for setting in settings {
        let path = format!("{}.{}", setting.section, setting.key);
        let by_hand = || format!("{path} is written there in a way that only you can change");
        let top = expected.as_object_mut().ok_or("it is no list of sections")?;
        let section = top.entry(setting.section).or_insert(Value::Null);
        if section.is_null() {
            *section = Value::Object(serde_json::Map::new());
        }
        section.as_object_mut().ok_or_else(by_hand)?.insert(setting.key.to_owned(), setting.value.clone());
        text = one(&text, setting).ok_or_else(by_hand)?;
        if yaml::parse::<Value>(text.as_bytes()).ok().as_ref() != Some(&expected) {
            return Err(by_hand());
        }
    }
    Ok(text)
}

fn one(text: &str, setting: &Setting) -> Option<String> {
    let value = written(&setting.value);
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let Some(after) = key_at(text, 0, setting.section) else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { end };
        let (section, key) = (setting.section, setting.key);
        return Some(format!("{text}{gap}{section}:{end}{:INDENT$}{key}: {value}{end}", ""));
    };
    let line = line_of(text, after);
    let begin = after + line.len() - line.trim_start().len();
    match line.trim_start().chars().next() {
        Some('{') => in_flow(text, begin, setting.key, &value),
        None | Some('#') => in_block(text, after, setting.key, &value, end),
        _ if matches!(plain(line.trim_start()), "null" | "~") => {
            let old = plain(line.trim_start()).len();
            Some(replaced(text, begin..begin + old, &format!("{{ {}: {value} }}", setting.key)))
        }
        Some(_) => None,
    }
}

/// Where the value of a key of the top begins, behind its colon.
fn key_at(text: &str, from: usize, key: &str) -> Option<usize> {
    let mut at = from;
    for line in text.get(from..)?.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(':'))
            && rest.chars().next().is_none_or(char::is_whitespace)
        {
            return Some(at + key.len() + 1);
        }
        at += line.len();
    }
    None
}

/// The rest of the line from here, without its end.
fn line_of(text: &str, from: usize) -> &str {
    let rest = text.get(from..).unwrap_or_default();
    rest.split('\n').next().unwrap_or_default().trim_end_matches('\r')
}

/// The section's keys stand on lines of their own below it.
fn in_block(text: &str, after: usize, key: &str, value: &str, end: &str) -> Option<String> {
    let mut at = after + text.get(after..)?.split_inclusive('\n').next().map_or(0, str::len);
    let first = at;
    let mut indent = None;
    for line in text.get(first..)?.split_inclusive('\n') {
        let bare = line.trim();
        let depth = line.len() - line.trim_start_matches(' ').len();
        if !bare.is_empty() && !bare.starts_with('#') {
            if depth == 0 {
                break;
            }
            let depth_of_keys = *indent.get_or_insert(depth);
            if depth == depth_of_keys
                && let Some(rest) = line.get(depth..)?.strip_prefix(key).and_then(|rest| rest.strip_prefix(':'))
                && rest.chars().next().is_none_or(char::is_whitespace)
            {
                let begin = at + line.len() - rest.len();
                let rest = line_of(text, begin);
                let gap = rest.len() - rest.trim_start().len();
                let old = plain(rest.trim_start()).len();
                let value = if gap == 0 { format!(" {value}") } else { value.to_owned() };
                return Some(replaced(text, begin + gap..begin + gap + old, &value));
            }
        }
        at += line.len();
    }
    let depth = indent.unwrap_or(INDENT);
    let gap = if text.get(..first)?.ends_with('\n') { "" } else { end };
    Some(replaced(text, first..first, &format!("{gap}{:depth$}{key}: {value}{end}", "")))
}

/// The section's keys stand between braces, the first of which is at `begin`.
fn in_flow(text: &str, begin: usize, key: &str, value: &str) -> Option<String> {
    let mut depth = 0_usize;
    let mut entry = begin + 1;
    let mut is_empty = true;
    let mut at = begin;
    while at < text.len() {
        let rest = text.get(at..)?;
        let c = rest.chars().next()?;
        match c {
            '"' | '\'' => at += quoted(rest)?,
            '#' if text.get(..at)?.ends_with(char::is_whitespace) => {
                let end = at + rest.find('\n').unwrap_or(rest.len());
                if text.get(entry..at)?.trim().is_empty() {
                    // A remark before an entry is no part of it.
                    entry = end;
                }
                at = end;
            }
            '{' | '[' => {
                depth += 1;
                at += 1;
            }
            ',' | '}' | ']' if depth == 1 => {
                let words = text.get(entry..at)?;
                is_empty &= words.trim().is_empty();
                if let Some((name, old)) = words.split_once(':')
                    && name.trim() == key
                {
                    let from = entry + words.len() - old.trim_start().len();
                    let old = old.trim();
                    let value = if old.is_empty() { format!(" {value} ") } else { value.to_owned() };
                    return Some(replaced(text, from..from + old.len(), &value));
                }
                if c != ',' {
                    let last = entry + words.trim_end().len();
                    let comma = if is_empty || words.trim().is_empty() { "" } else { "," };
                    let close = if text.get(last..at)?.is_empty() { " " } else { "" };
                    return Some(replaced(text, last..last, &format!("{comma} {key}: {value}{close}")));
                }
                entry = at + 1;
                at += 1;
            }
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            c => at += c.len_utf8(),
        }
    }
    None
}

/// The scalar at the beginning of what is left of a line, without a comment behind it.
fn plain(rest: &str) -> &str {
    if rest.starts_with(['"', '\'']) {
        return quoted(rest).and_then(|end| rest.get(..end)).unwrap_or(rest);
    }
    if rest.starts_with('#') {
        return "";
    }
    let end = rest.find(" #").or_else(|| rest.find("\t#")).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest).trim_end()
}

/// How long the quoted text is at the beginning of this.
fn quoted(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices();
    let (_, quote) = chars.next()?;
    while let Some((at, c)) = chars.next() {
        if quote == '"' && c == '\\' {
            chars.next();
        } else if c == quote {
            if quote == '\'' && rest.get(at + 1..)?.starts_with('\'') {
                chars.next();
            } else {
                return Some(at + 1);
            }
        }
    }
    None
}

fn replaced(text: &str, range: std::ops::Range<usize>, new: &str) -> String {
    let mut text = text.to_owned();
    text.replace_range(range, new);
    text
}

/// A number, a text that can be nothing else, or a quoted text: what JSON quotes is one of YAML as well.
fn written(value: &Value) -> String {
    let is_plain = |text: &str| {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '-');
        let is_address = text.parse::<std::net::Ipv4Addr>().is_ok();
        let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && (text == "localhost" || text.contains("://") || text.contains('.'));
        (is_address || is_name) && text.chars().all(word) && !text.ends_with(':')
    };
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn port(value: u16) -> Setting {
        Setting { section: "server", key: "port", value: json!(value) }
    }

    fn host(value: &str) -> Setting {
        Setting { section: "server", key: "host", value: json!(value) }
    }

    #[test]
    fn the_value_changes_and_everything_else_stays_as_it_was_written() {
        for (before, after) in [
            ("server:\n  port: 1 # mine\n", "server:\n  port: 9 # mine\n"),
            (
                "# top\nserver: # s\n\n    # inner\n    host: a\n    port: 1\nrest: x\n",
                "# top\nserver: # s\n\n    # inner\n    host: a\n    port: 9\nrest: x\n",
            ),
            ("server:\n  host: a\nrest: x\n", "server:\n  port: 9\n  host: a\nrest: x\n"),
            ("server: { host: \"a, b\", port: 1 }\n", "server: { host: \"a, b\", port: 9 }\n"),
            ("server: { host: [a, {port: 3}] }\n", "server: { host: [a, {port: 3}], port: 9 }\n"),
            ("server: {host: a}\n", "server: {host: a, port: 9 }\n"),
            ("server: {}\n", "server: { port: 9 }\n"),
            ("server:\n  {\n    host: a, # x, y\n    port: 1\n  }\n", ""),
            ("server: {\n  host: a, # x, y: }\n  port: 1\n}\n", "server: {\n  host: a, # x, y: }\n  port: 9\n}\n"),
            ("server: null\nrest: x\n", "server: { port: 9 }\nrest: x\n"),
            ("server:\nrest: x\n", "server:\n  port: 9\nrest: x\n"),
            ("name: a", "name: a\nserver:\n  port: 9\n"),
            ("", "server:\n  port: 9\n"),
            ("server:\r\n  port: 1\r\nrest: x\r\n", "server:\r\n  port: 9\r\nrest: x\r\n"),
            ("server:\n  port: \"${PORT}\"   # from outside\n", "server:\n  port: 9   # from outside\n"),
            ("server:\n  port:\n", "server:\n  port: 9\n"),
            ("server:", "server:\n  port: 9\n"),
        ] {
            match set(before, &[port(9)]) {
                Ok(text) => assert_eq!(text, after, "{before:?}"),
                Err(_) => assert_eq!(after, "", "{before:?}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_changed_is_said_and_never_guessed() {
        for content in [
            "server: &a\n  port: 1\nother: *a\n",
            "server: 5\n",
            "- server\n",
            "server: [",
            "base: &b { port: 1 }\nserver: *b\n",
            "\"server\":\n  port: 1\n",
            "server:\n  \"port\": 1\n",
            "server:\n  port: |\n    1\n",
        ] {
            let why = set(content, &[port(9)]).expect_err(content);
            assert!(!why.is_empty() && why.chars().all(|c| !c.is_control()), "{why}");
        }
    }

    #[test]
    fn texts_are_quoted_where_they_could_be_something_else() {
        for (text, shown) in [
            ("0.0.0.0", "0.0.0.0"),
            ("https://app.example/a", "https://app.example/a"),
            ("::1", "\"::1\""),
            ("yes", "\"yes\""),
            ("1.5", "\"1.5\""),
            ("a: b # c", "\"a: b # c\""),
        ] {
            assert_eq!(set("", &[host(text)]).expect(text), format!("server:\n  host: {shown}\n"));
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_set_and_read_back(text in any::<String>(), flow in any::<bool>()) {
            let before = if flow { "a: 1\nserver: { port: 2, x: [1] }\n" } else { "a: 1\nserver:\n  port: 2\n  host: old # x\n" };
            // Characters that YAML does not know are refused, and not written.
            if let Ok(after) = set(before, &[host(&text)]) {
                let read: Value = yaml::parse(after.as_bytes()).expect("YAML");
                prop_assert_eq!(&read["server"]["host"], &json!(text));
                prop_assert_eq!(&read["server"]["port"], &json!(2));
            }
        }

        #[test]
        fn any_file_is_changed_rightly_or_left_alone(before in "(server|port|a|b|[:{}\\[\\],#'\"&* \n]){0,20}") {
            if let Ok(after) = set(&before, &[port(9)]) {
                let read: Value = yaml::parse(after.as_bytes()).expect("YAML");
                prop_assert_eq!(&read["server"]["port"], &json!(9));
            }
        }
    }
}
