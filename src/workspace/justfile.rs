//! The recipe names of a justfile, read without running `just`.

use std::collections::BTreeSet;

/// Names that can stand after `just`: recipes and aliases of this very file. Imported files are not read.
pub(crate) fn recipes(justfile: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside: Option<&str> = None;
    for line in justfile.lines() {
        if let Some(quotes) = inside {
            // Text within a string of several lines is no recipe.
            if line.matches(quotes).count() % 2 == 1 {
                inside = None;
            }
            continue;
        }
        if !line.starts_with([' ', '\t', '#']) {
            names.extend(name(line).map(str::to_owned));
        }
        inside = ["\"\"\"", "'''"].into_iter().find(|quotes| line.matches(quotes).count() % 2 == 1);
    }
    names
}

/// True where the recipe of this name depends on nothing and only says something: it is there, and does nothing.
pub(crate) fn only_talks(justfile: &str, recipe: &str) -> bool {
    let mut lines = justfile.lines().skip_while(|line| name(line) != Some(recipe));
    let Some((_, after)) = lines.next().and_then(|head| head.split_once(':')) else { return false };
    let depends = after.split('#').next().is_some_and(|rest| !rest.trim().is_empty());
    let body = lines.take_while(|line| line.starts_with([' ', '\t']) || line.trim().is_empty());
    let mut body = body.map(|line| line.trim().trim_start_matches('@')).filter(|line| !line.is_empty()).peekable();
    let says = |line: &str| {
        let is_chained = line.contains(['|', '&', ';', '>', '`', '$']);
        line.starts_with("echo ") && !is_chained
    };
    !depends && body.peek().is_some() && body.all(says)
}

/// The name that a line at the first column gives, if it does.
fn name(line: &str) -> Option<&str> {
    if let Some(alias) = line.strip_prefix("alias ") {
        let name = alias.split(":=").next()?.trim();
        return is_name(name).then_some(name);
    }
    let line = line.strip_prefix('@').unwrap_or(line);
    let end = line.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    (is_name(name) && is_recipe(rest)).then_some(name)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// True where the first colon outside quotes does not begin `:=`, which would be a variable or a setting.
fn is_recipe(after_name: &str) -> bool {
    let mut quote = None;
    let mut chars = after_name.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'' | '`') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '#') => return false,
            (None, ':') => return chars.peek() != Some(&'='),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_that_only_says_something_does_nothing() {
        for (text, is_so) in [
            ("build-all:\n    @echo 'Nothing to build.'\n", true),
            ("build-all:\n\techo a\n\n    @echo b\nbuild:\n    cargo build\n", true),
            ("build-all: build\n    @echo 'done'\n", false),
            ("build-all:\n    just build\n    @echo 'done'\n", false),
            ("build-all:\n    @echo a && make\n", false),
            ("build-all:\n", false),
            ("build:\n    @echo a\n", false),
            ("", false),
        ] {
            assert_eq!(only_talks(text, "build-all"), is_so, "{text}");
        }
    }

    #[test]
    fn recipes_are_told_from_everything_else() {
        let justfile = r#"
# build-all: only a comment
set shell := ["bash", "-c"]
set dotenv-load
export TOKEN := "a: b"
version := "1: 2"
import 'other.just'
mod tools
alias b := build

text := """
inside: not a recipe
"""

[private]
default: build
@quiet:
    echo later: not a recipe
build mode="a:b" *flags: check (other "x")
    cargo build
_hidden:
_under_score arg:
ship-it $ENV +files:
	echo
9lives:
what is this
trailing # comment: with a colon
"#;
        let names: Vec<_> = recipes(justfile).into_iter().collect();
        assert_eq!(names, ["_hidden", "_under_score", "b", "build", "default", "quiet", "ship-it"]);
    }
}
