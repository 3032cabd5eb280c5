//! The configuration with everything in it and nothing set: every key with its meaning, behind a comment sign.

use std::fmt::Write as _;

use super::table::{PARTS, Part, Setting};

const HEAD: &str = "\
# What tenantry reads when it starts. Take away the # before a setting, and before the [table] above
# it, to change it. Whatever is wrong is told with its line; the rest holds.
";
/// Longest line of a comment, columns.
const WIDTH: usize = 98;

/// The file. Lines with words begin with `# `, settings and tables with `#`.
#[must_use]
pub fn template() -> String {
    let mut text = HEAD.to_owned();
    for Part { table, about, settings } in PARTS {
        if !table.is_empty() {
            text.push('\n');
            wrap(&mut text, about);
            let _ = writeln!(text, "#[{table}]");
        }
        for Setting { key, value, default, allowed, meaning } in *settings {
            text.push('\n');
            wrap(&mut text, meaning);
            let usual = default.map_or_else(String::new, |default| format!("; without it: {default}"));
            wrap(&mut text, &format!("Allowed: {allowed}{usual}."));
            let _ = writeln!(text, "#{key} = {value}");
        }
    }
    text
}

fn wrap(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}
