//! What is promised of every command, held against the definition of the command line: the options that all have in common,
//! an example in the help that can be typed, commands in hints that there are, and pages that leave none out.

use clap::{Command, CommandFactory as _};
use std::path::{Path, PathBuf};

use super::arguments::Arguments;

/// What has a way of its own: a server, a play, and what is printed for shells and for readers.
const OWN_WAY: [&str; 5] = ["serve", "serve token", "demo", "completions", "man"];
/// What changes nothing, anywhere.
const LOOKS: [&str; 28] = [
    "auth whoami",
    "dockerfile generate",
    "dockerfile validate",
    "doctor",
    "history",
    "whoami",
    "status",
    "logs",
    "watch",
    "open",
    "secrets list",
    "domain status",
    "metrics",
    "env",
    "subscription show",
    "plans",
    "deployments",
    "profile list",
    "profile show",
    "db status",
    "db query",
    "db backup",
    "tenant list",
    "tenant show",
    // Below: `OWN_WAY`.
    "serve",
    "demo",
    "completions",
    "man",
];

/// Every command that does something, by its words, `secrets set`.
fn leaves() -> Vec<(String, Command)> {
    fn below(command: &Command, words: &str, found: &mut Vec<(String, Command)>) {
        for one in command.get_subcommands() {
            let name = if words.is_empty() { one.get_name().to_owned() } else { format!("{words} {}", one.get_name()) };
            // `serve` does something by itself, and has a command below it.
            if !one.is_subcommand_required_set() {
                found.push((name.clone(), one.clone()));
            }
            below(one, &name, found);
        }
    }
    let mut all = Arguments::command();
    all.build();
    let mut found = Vec::new();
    below(&all, "", &mut found);
    found
}

fn takes(command: &Command, option: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(option))
}

/// Why the line, as it would be typed, is not understood.
fn misunderstood(line: &str) -> Option<String> {
    let words = line.split_whitespace().map(|word| word.trim_matches('"'));
    let mut all = Arguments::command();
    if line.contains("config") {
        // As the program reads it: what is missing may be in the file, or is not needed.
        all = all.mut_subcommand("serve", |serve| serve.mut_args(|argument| argument.required(false)));
    }
    all.try_get_matches_from(words).err().map(|error| error.to_string())
}

#[test]
fn every_command_has_the_options_that_all_have() {
    let leaves = leaves();
    assert!(leaves.len() > 55, "{}", leaves.len());
    for name in LOOKS.iter().chain(&OWN_WAY) {
        assert!(leaves.iter().any(|(words, _)| words == name), "there is no {name}");
    }
    for (words, command) in &leaves {
        if OWN_WAY.contains(&words.as_str()) {
            continue;
        }
        for option in ["json", "quiet", "non-interactive", "context"] {
            assert!(takes(command, option), "{words} has no --{option}");
        }
        if !LOOKS.contains(&words.as_str()) {
            let yes = command.get_arguments().find(|argument| argument.get_long() == Some("yes"));
            assert_eq!(yes.and_then(clap::Arg::get_short), Some('y'), "{words} has no -y/--yes");
        }
    }
}

#[test]
fn every_help_has_an_example_that_can_be_typed() {
    for (words, command) in leaves() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<_> = help.lines().filter(|line| line.starts_with("  tenantry ")).collect();
        assert!(help.contains("Example") && !examples.is_empty(), "{words} has no example: {help}");
        for example in &examples {
            // Up to where the shell goes on by itself.
            for line in example.split("&&") {
                let line = line.split(['|', '<', '>']).next().unwrap_or_default().trim();
                // What the shell takes together is one word here.
                let (mut typed, mut quoted) = (String::new(), false);
                for c in line.chars() {
                    quoted ^= c == '"';
                    typed.push(if quoted && c == ' ' { '_' } else { c });
                }
                assert_eq!(misunderstood(&typed), None, "{words}: {line}");
            }
        }
        assert!(examples.iter().any(|line| line.contains(&format!("tenantry {words}"))), "{words}: {examples:?}");
    }
}

/// Every file of the program's own source, with the tests beside it left out.
fn sources() -> Vec<(PathBuf, String)> {
    fn below(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "tests" {
                    below(&path, found);
                }
            } else if path.extension().is_some_and(|end| end == "rs")
                && !["tests.rs", "promises.rs", "samples.rs"].contains(&name.as_str())
            {
                let text = std::fs::read_to_string(&path).expect("text");
                let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The string literals of a source, as the program has them.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => while rest.next().is_some_and(|c| c != '\n') {},
            // A character, not a lifetime: the one that would begin a text is the one that matters.
            '\'' if rest.peek() == Some(&'"') => {
                rest.next();
            }
            '\'' if rest.peek() == Some(&'\\') => {
                rest.next();
                rest.next();
            }
            'r' if rest.peek() == Some(&'#') => {
                let raw: String = rest.clone().take(2).collect();
                if raw == "#\"" {
                    rest.nth(1);
                    let mut text = String::new();
                    while let Some(c) = rest.next() {
                        if c == '"' && rest.peek() == Some(&'#') {
                            break;
                        }
                        text.push(c);
                    }
                    found.push(text);
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = rest.next() {
                    match c {
                        '"' => break,
                        '\\' => match rest.next() {
                            Some('n') => text.push('\n'),
                            Some('\n') => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                            Some(c) => text.push(c),
                            None => break,
                        },
                        c => text.push(c),
                    }
                }
                found.push(text);
            }
            _ => {}
        }
    }
    found
}

/// What follows `tenantry` there that is no command.
const PROSE: [&str; 8] = ["needs", "in", "or", "image", "knows", "cannot", "has", "reads"];

/// The command lines that a text names, as somebody would type them.
fn commands_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("tenantry ").map(|at| at + from) {
        from = at + "tenantry ".len();
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "/-_.".contains(c)) {
            continue;
        }
        let rest = &text[at..];
        let line = if before == Some('`') {
            rest.split('`').next().unwrap_or(rest)
        } else {
            // To the end of the line, of the column, or of the sentence.
            let end = ["\n", "  ", ". ", "; ", ", ", ": ", " || "].iter().filter_map(|end| rest.find(end)).min();
            rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ';', ',', ' '])
        };
        let is_command = |word: &str| word.starts_with(|c: char| c.is_ascii_lowercase() || c == '-');
        if line.split(' ').nth(1).is_some_and(|word| is_command(word) && !PROSE.contains(&word)) {
            found.push(line.to_owned());
        }
    }
    found
}

/// The line with something in every place that is left open: `{name}`, `<plan>`, `NAME`.
fn filled(line: &str) -> String {
    let mut out = String::new();
    let mut open = 0_usize;
    for c in line.split(" < ").next().unwrap_or(line).chars() {
        match c {
            '{' | '<' => {
                if open == 0 {
                    out.push('x');
                }
                open += 1;
            }
            '}' | '>' => open = open.saturating_sub(1),
            c if open == 0 => out.push(c),
            _ => {}
        }
    }
    out.trim().to_owned()
}

#[test]
fn hints_name_commands_that_there_are() {
    let mut count = 0;
    for (path, source) in sources() {
        for literal in literals(&source) {
            // Examples of help have a test of their own; labels of a keyring's entry and of a database are no hints.
            let is_label = literal.starts_with("tenantry login: ") || literal == "tenantry tenant {}";
            if literal.contains("Example") || is_label {
                continue;
            }
            for line in commands_in(&literal) {
                let typed = filled(&line);
                let asks_for_help = typed.ends_with("--help");
                let wrong = misunderstood(&typed).filter(|_| !asks_for_help);
                assert_eq!(wrong, None, "{}: {line}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 60, "{count}: they are not found any more");
}

#[test]
fn commands_are_found_where_a_sentence_names_them() {
    assert_eq!(
        commands_in("See `tenantry history`, or buy: tenantry tenant create --plan <a plan>. Then"),
        ["tenantry history", "tenantry tenant create --plan <a plan>"]
    );
    assert_eq!(
        filled("tenantry tenant create --plan <a plan> --name {name:?}"),
        "tenantry tenant create --plan x --name x"
    );
    assert!(misunderstood(&filled("tenantry logn")).is_some() && commands_in("tenantry needs 80 columns").is_empty());
    assert_eq!(literals("let a = 'b' + '\"'; // \"no\"\nf(\"one \\\n   two\", r#\"three\"#)"), ["one two", "three"]);
}

/// The rows of the tables of a page, as their cells.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).expect("the page")
}

/// The command lines in the last column of the tables of `docs/commands.md`.
fn table() -> Vec<String> {
    let page = page("commands.md");
    let tables = page.split_once("## Beside the platform's own tool").expect("the tables").1;
    let of = |row: Vec<&str>| row.last()?.split('`').nth(1).map(str::to_owned);
    rows(tables).filter_map(of).filter(|line| line.starts_with("tenantry")).collect()
}

#[test]
fn the_table_of_commands_is_understood_and_leaves_none_out() {
    let lines = table();
    assert!(lines.len() > 80, "{lines:?}");
    for line in &lines {
        assert_eq!(misunderstood(&filled(line)), None, "{line}");
    }
    for (words, _) in leaves() {
        let is_there = lines.iter().any(|line| {
            let mut typed = line.split(' ').skip(1);
            words.split(' ').all(|word| typed.next() == Some(word))
        });
        assert!(is_there, "docs/commands.md has no line for {words}");
    }
}

#[test]
fn every_document_is_described() {
    let page = page("json.md");
    let described: Vec<String> = rows(&page)
        .filter_map(|row| {
            row.first().map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        })
        .flatten()
        .collect();
    for (words, _) in leaves() {
        let is_there = described.contains(&words) || OWN_WAY.contains(&words.as_str());
        assert!(is_there, "docs/json.md says nothing of {words}");
    }
}
