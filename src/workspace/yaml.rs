//! Reads YAML files of a project, with bounds: a settings file that wants gigabytes or a million aliases is refused.
//!
//! Must not know what a file is for. Placeholders such as `${VAR}` are left as they are written.

use serde::de::DeserializeOwned;
use std::path::Path;

use super::{WorkspaceError, reading};
use crate::model::text;

/// The deepest nesting that is read.
const DEPTH: usize = 64;
/// The most values that one file may have.
const NODES: usize = 50_000;
/// The most values that its aliases may stand for, all of them together.
const REPLAYED: usize = 50_000;
/// The longest description of a mistake, characters.
const SHOWN: usize = 160;

/// The file's content as `T`; `None` where there is no such file.
pub(super) fn file<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, WorkspaceError> {
    let Some(bytes) = reading::small_file(path)? else { return Ok(None) };
    parse(&bytes).map(Some).map_err(|why| WorkspaceError::DamagedYaml { path: path.to_owned(), why })
}

/// The text as `T`, or what is wrong with it and where, without a value from it.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let content = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        format!("it is not UTF-8 text (line {line})")
    })?;
    if let Some(at) = content.find('\0') {
        let line = content.get(..at).unwrap_or_default().lines().count().max(1);
        return Err(format!("it is not a text file (line {line})"));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            flow_nesting_limit: DEPTH,
            max_nodes: NODES,
            max_events: 2 * NODES,
            max_recorded_anchor_events: REPLAYED,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPLAYED,
            max_replay_stack_depth: 16,
        },
        // The mistake's surroundings may hold a key that somebody wrote into the file.
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(content, options).map_err(|error| {
        let place = error.location().filter(|place| place.line() > 0);
        let place =
            place.map_or_else(String::new, |place| format!(" (line {}, column {})", place.line(), place.column()));
        format!("{}{place}", words(&error.without_snippet().to_string()))
    })
}

/// The first line of an error's words, with every quoted part left out: it may be a value.
fn words(raw: &str) -> String {
    let line = raw.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = line.split(" at line ").next().unwrap_or(line);
    let mut kept = String::new();
    for (index, part) in line.split(['"', '`', '\'']).enumerate() {
        kept.push_str(if index % 2 == 0 { part } else { "…" });
    }
    text::short(kept.trim(), SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::time::{Duration, Instant};

    #[derive(Debug, Deserialize)]
    struct Small {
        #[allow(dead_code, reason = "only its type matters")]
        port: u16,
        name: Option<String>,
    }

    #[test]
    fn placeholders_stay() {
        let small: Small = parse(b"port: 1\nname: ${NAME}\n").expect("read");
        assert_eq!(small.name.as_deref(), Some("${NAME}"));
    }

    #[test]
    fn mistakes_name_their_line_and_no_value() {
        for (content, line) in [
            ("port: 1\nname: [", "line"),
            ("name: a\nport: hunter2\n", "line 2"),
            ("port: \"hunter2\"", "line 1"),
            ("port: 1\n\tname: hunter2", "line 1"),
            ("port: 1\nport: 2\n", "line 2"),
            ("port: 1\n---\nport: 2\n", "line"),
            ("hunter2", "line 1"),
            ("port: 1\nname: *hunter2\n", "line 2"),
            ("port: 1\nname: \0", "line 2"),
        ] {
            let why = parse::<Small>(content.as_bytes()).expect_err(content);
            assert!(why.contains(line), "{content:?}: {why}");
            assert!(!why.contains("hunter2") && why.chars().all(|c| !c.is_control()), "{content:?}: {why}");
        }
        let utf16: Vec<u8> = "port: 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(parse::<Small>(&[&[0xff, 0xfe], utf16.as_slice()].concat()).is_err_and(|why| why.contains("UTF-8")));
        assert!(parse::<Small>(&utf16).is_err_and(|why| why.contains("text")));
    }

    #[test]
    fn quoted_values_are_left_out() {
        for (raw, shown) in [
            (
                r#"error: invalid type: string "hunter2", expected u16 at line 3 column 1"#,
                "invalid type: string …, expected u16",
            ),
            ("unknown `hunter2`", "unknown …"),
            ("a 'hunter2\nhunter2", "a …"),
        ] {
            assert_eq!(words(raw), shown);
        }
    }

    #[test]
    fn bombs_are_refused_at_once() {
        let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            laughs = format!("{laughs}a{level}: &a{level} [{aliases}]\n");
        }
        let deep = format!("x: {}{}", "[".repeat(5_000), "]".repeat(5_000));
        let nested = (0..500).map(|level| " ".repeat(level) + "a:\n").collect::<String>();
        for bomb in [laughs, deep, nested] {
            let begun = Instant::now();
            assert!(parse::<serde_json::Value>(bomb.as_bytes()).is_err());
            assert!(parse::<Small>(bomb.as_bytes()).is_err());
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
    }
}
