//! The keys as documents, made from the command table: a page of Markdown and a section of the manual. Must not say
//! anything that the table does not.

use std::fmt::Write;

use super::commands::{Command, Scope, table};

/// Every scope that has commands, with them.
fn chapters() -> Vec<(Scope, Vec<&'static Command>)> {
    let of = |scope| table().filter(|command| command.scope == scope).collect::<Vec<_>>();
    Scope::all().into_iter().map(|scope| (scope, of(scope))).filter(|(_, commands)| !commands.is_empty()).collect()
}

/// The page of all keys.
#[must_use]
pub fn keys_markdown() -> String {
    let mut out = String::from(
        "# Keys\n\nEvery command of the screen with its default keys. The name in the last column is what the configuration \
         calls it:\n\n```toml\n[keys]\n\"deploy\" = [\"d\", \"f9\"]   # other keys\n\"open\" = []               # none\n```\n\n\
         A command marked with `!` changes something outside of the program: it is refused with `--read-only` and in a protected \
         context that is not unlocked. The keys of a pane win over those of the main screen while it has the focus.\n",
    );
    for (scope, commands) in chapters() {
        let _ = write!(out, "\n## {}\n\n| Keys | | Does | Name |\n|---|---|---|---|\n", scope.title());
        for command in commands {
            let keys: Vec<String> = command.keys.iter().map(|keys| format!("`{}`", keys.replace('|', "\\|"))).collect();
            let mark = if command.changes { "!" } else { "" };
            let _ = writeln!(out, "| {} | {mark} | {} | `{}` |", keys.join(" "), command.help, command.id);
        }
    }
    out
}

/// The manual's section about keys, in roff.
#[must_use]
pub fn keys_man() -> String {
    let mut out = String::from(".TH TENANTRY-KEYS 7\n.SH NAME\ntenantry-keys \\- keys of the full-screen program\n");
    for (scope, commands) in chapters() {
        let _ = writeln!(out, ".SH {}", roff(&scope.title().to_uppercase()));
        for command in commands {
            let keys: Vec<String> = command.keys.iter().map(|keys| format!("\\fB{}\\fR", roff(keys))).collect();
            let _ = writeln!(out, ".TP\n{}\n{} (\\fI{}\\fR)", keys.join(", "), roff(command.help), roff(command.id));
        }
    }
    out
}

/// What roff would take for its own, written so that it does not.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_name_every_command() {
        let (page, manual) = (keys_markdown(), keys_man());
        for command in table() {
            assert!(page.contains(&format!("`{}`", command.id)), "{command:?}");
            assert!(manual.contains(&roff(command.id)), "{command:?}");
        }
    }

    #[test]
    fn roff_takes_no_text_for_a_request() {
        assert_eq!(roff(".x"), "\\&.x");
        assert_eq!(roff("a\\-b"), "a\\e\\-b");
    }
}
