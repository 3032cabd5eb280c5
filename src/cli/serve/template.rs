//! The settings file with every setting in it, made from the definition of the flags.

use clap::{Arg, ArgAction, Command};
use std::fmt::Write as _;

use super::configuration::{is_secret, settings};

const HEAD: &str = "\
# Settings of `tenantry serve --config FILE`. Printed by `tenantry serve --print-config`.
#
# Take away the # before a setting to change it. Flags win over the environment, the environment over this file,
# this file over the defaults.
";
/// Longest line of a comment.
const WIDTH: usize = 110;

/// The file. Lines with words begin with `# `, settings with `#`.
pub(super) fn of(command: &Command) -> String {
    let mut text = HEAD.to_owned();
    let mut headings: Vec<&str> = Vec::new();
    for (_, argument) in settings(command) {
        let heading = heading(argument);
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    // What is hidden from the help comes last.
    headings.sort_by_key(|heading| *heading == FOR_TESTS);
    for wanted in headings {
        let _ = write!(text, "\n# ---- {wanted} ----\n");
        for (name, argument) in settings(command).filter(|(_, argument)| heading(argument) == wanted) {
            write_setting(&mut text, name, argument);
        }
    }
    text
}

const FOR_TESTS: &str = "For tests and demonstrations";

fn heading(argument: &Arg) -> &str {
    if argument.is_hide_set() { FOR_TESTS } else { argument.get_help_heading().unwrap_or("Server") }
}

fn write_setting(text: &mut String, name: &str, argument: &Arg) {
    text.push('\n');
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    for line in help.lines() {
        wrap(text, line);
    }
    if let Some(variable) = argument.get_env() {
        wrap(text, &format!("Environment: {}", variable.to_string_lossy()));
    }
    if is_secret(argument) {
        wrap(text, "A secret: nobody else may be able to read this file then.");
    }
    let _ = writeln!(text, "#{name} = {}", value(argument));
}

fn value(argument: &Arg) -> String {
    if matches!(argument.get_action(), ArgAction::SetTrue) {
        return "false".into();
    }
    let mut defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    let placeholder = || argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let word = defaults.next().or_else(placeholder).unwrap_or_default();
    // A JSON string is a TOML string.
    let quoted = if word.parse::<i64>().is_ok() { word } else { serde_json::Value::String(word).to_string() };
    if matches!(argument.get_action(), ArgAction::Append) { format!("[{quoted}]") } else { quoted }
}

fn wrap(text: &mut String, line: &str) {
    let mut written = 0;
    for word in line.split_whitespace() {
        if written == 0 || written + word.len() + 1 > WIDTH {
            let _ = write!(text, "{}# {word}", if written == 0 { "" } else { "\n" });
            written = word.len() + 2;
        } else {
            let _ = write!(text, " {word}");
            written += word.len() + 1;
        }
    }
    if written > 0 {
        text.push('\n');
    }
}
