//! A Dockerfile as far as it can be judged before a build: what it copies from the project, and how it ends.
//!
//! Must not know files, or what an ignore file excludes. Whatever is not understood is left to the builder.

use std::collections::HashMap;

/// A Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// Every `COPY` and `ADD` that takes something from the project, in all stages.
    pub copies: Vec<Copying>,
    /// The last stage has a `USER`, or builds on one of this file that has.
    pub has_user: bool,
    /// The last stage has a `HEALTHCHECK`, or builds on one of this file that has.
    pub has_health_check: bool,
}

/// A `COPY` or `ADD` from the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copying {
    /// Its line, from 1.
    pub line: usize,
    /// What it copies: paths below the root, cleaned, `""` for all of it. Wildcards as written.
    pub sources: Vec<String>,
    /// True where it leaves something out by a pattern of its own.
    pub excludes: bool,
}

/// What a stage has.
#[derive(Debug, Clone, Copy, Default)]
struct Stage {
    user: bool,
    health_check: bool,
}

impl Dockerfile {
    /// Reads a Dockerfile's text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut copies = Vec::new();
        let mut stages: HashMap<String, Stage> = HashMap::new();
        let mut stage = Stage::default();
        let mut name = None;
        for Instruction { line, word, rest } in instructions(text) {
            match word.as_str() {
                "FROM" => {
                    if let Some(name) = name.take() {
                        stages.insert(name, stage);
                    }
                    let words: Vec<String> = words(&rest).into_iter().filter(|word| !word.starts_with("--")).collect();
                    let base = words.first().map(|base| base.to_lowercase()).unwrap_or_default();
                    stage = stages.get(&base).copied().unwrap_or_default();
                    name = match words.get(1..3) {
                        Some([by, name]) if by.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
                        _ => None,
                    };
                }
                "USER" => stage.user = true,
                "HEALTHCHECK" => stage.health_check = !rest.trim().eq_ignore_ascii_case("none"),
                "COPY" | "ADD" => copies.extend(copying(line, &rest)),
                _ => {}
            }
        }
        Self { copies, has_user: stage.user, has_health_check: stage.health_check }
    }

    /// True where something is copied that this path is, or lies below. The path is one below the root.
    #[must_use]
    pub fn copies_path(&self, path: &str) -> bool {
        self.copies.iter().any(|copying| copying.takes(path))
    }
}

impl Copying {
    /// True where one of its sources is this path or a directory above it.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        self.sources.iter().any(|source| {
            let mut parts = path.split('/');
            source
                .split('/')
                .filter(|part| !part.is_empty())
                .all(|wanted| parts.next().is_some_and(|part| fits(wanted, part)))
        })
    }
}

/// True for a source that stands for whatever fits it.
#[must_use]
pub fn is_pattern(source: &str) -> bool {
    source.contains(['*', '?', '[', '\\'])
}

/// The part of a source in front of its first wildcard: a directory, `""` for the root.
#[must_use]
pub fn before_pattern(source: &str) -> String {
    source.split('/').take_while(|part| !is_pattern(part)).collect::<Vec<_>>().join("/")
}

fn copying(line: usize, rest: &str) -> Option<Copying> {
    let words = words(rest);
    let flags = words.iter().take_while(|word| word.starts_with("--")).count();
    let (flags, paths) = words.split_at(flags);
    if flags.iter().any(|flag| flag.starts_with("--from")) {
        return None;
    }
    let (_, sources) = paths.split_last()?;
    let sources: Vec<String> = sources
        .iter()
        // Heredocs, addresses, and what only the build knows.
        .filter(|source| !source.starts_with("<<") && !source.contains("://") && !source.contains(['$', '\0']))
        .filter(|source| !source.starts_with("git@"))
        .map(|source| cleaned(source))
        .collect();
    let excludes = flags.iter().any(|flag| flag.starts_with("--exclude"));
    (!sources.is_empty()).then_some(Copying { line, sources, excludes })
}

/// Without `.`, `..` and double slashes; a source never leaves the root.
fn cleaned(source: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

struct Instruction {
    line: usize,
    word: String,
    rest: String,
}

/// The instructions with their lines joined; comments, empty lines and heredocs left out.
fn instructions(text: &str) -> Vec<Instruction> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape_character(text);
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let mut whole = String::new();
        let mut part = first;
        loop {
            let is_comment = part.trim_start().starts_with('#');
            let ending = part.trim_end();
            match ending.strip_suffix(escape) {
                _ if is_comment || ending.is_empty() => {}
                Some(begin) => whole.push_str(begin),
                None => whole.push_str(ending),
            }
            // Inside an instruction, comments and empty lines do not end it.
            let goes_on =
                ending.ends_with(escape) && !is_comment || (is_comment || ending.is_empty()) && !whole.is_empty();
            match goes_on.then(|| lines.next()).flatten() {
                Some((_, next)) => part = next,
                None => break,
            }
        }
        let trimmed = whole.trim();
        let (word, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
        if word.is_empty() {
            continue;
        }
        let word = word.to_ascii_uppercase();
        if matches!(word.as_str(), "RUN" | "COPY" | "ADD") {
            for (end, is_indented) in heredocs(rest) {
                for (_, line) in lines.by_ref() {
                    let line = if is_indented { line.trim_start_matches('\t') } else { line };
                    if line == end {
                        break;
                    }
                }
            }
        }
        found.push(Instruction { line: index + 1, word, rest: rest.trim().to_owned() });
    }
    found
}

/// The parser directive, where the first comments have it.
fn escape_character(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    for directive in directives {
        if let Some((name, value)) = directive.split_once('=')
            && name.trim().eq_ignore_ascii_case("escape")
            && value.trim() == "`"
        {
            return '`';
        }
    }
    '\\'
}

/// The words that end an instruction's heredocs, and whether tabs in front of them count as nothing.
fn heredocs(rest: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for part in rest.split_whitespace() {
        let Some((before, after)) = part.split_once("<<") else { continue };
        let (is_indented, after) = after.strip_prefix('-').map_or((false, after), |after| (true, after));
        let word: String = after.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
        let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_word && before.chars().all(|c| c.is_ascii_digit()) {
            found.push((word, is_indented));
        }
    }
    found
}

/// The words of a `COPY`: a JSON list, or words between blanks, with quotes.
fn words(rest: &str) -> Vec<String> {
    let flags: Vec<&str> = rest.split_whitespace().take_while(|word| word.starts_with("--")).collect();
    let mut behind = rest;
    for flag in &flags {
        behind = behind.trim_start().strip_prefix(flag).unwrap_or(behind);
    }
    if behind.trim_start().starts_with('[')
        && let Ok(list) = serde_json::from_str::<Vec<String>>(behind.trim())
    {
        return flags.into_iter().map(str::to_owned).chain(list).collect();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in rest.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, _) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// True when one element of a path fits one of a pattern: `*`, `?` and `[a-z]`, as Docker has them.
fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    fits_from(&pattern, &name)
}

fn fits_from(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|at| name.get(at..).is_some_and(|left| fits_from(rest, left))),
        ['?', rest @ ..] => matches!(name, [_, left @ ..] if fits_from(rest, left)),
        ['[', rest @ ..] => match (rest.iter().position(|c| *c == ']'), name) {
            (Some(end), [c, left @ ..]) => {
                let (set, behind) = (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
                is_in(set, *c) && fits_from(behind, left)
            }
            _ => false,
        },
        ['\\', c, rest @ ..] | [c, rest @ ..] => {
            matches!(name, [first, left @ ..] if first == c && fits_from(rest, left))
        }
    }
}

fn is_in(set: &[char], c: char) -> bool {
    let (is_negated, set) = match set {
        ['^' | '!', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut left = set;
    let mut found = false;
    while let Some((first, rest)) = left.split_first() {
        left = match rest {
            ['-', last, rest @ ..] => {
                found |= (*first..=*last).contains(&c);
                rest
            }
            rest => {
                found |= *first == c;
                rest
            }
        };
    }
    found != is_negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sources(text: &str) -> Vec<String> {
        Dockerfile::parse(text).copies.into_iter().flat_map(|copying| copying.sources).collect()
    }

    #[test]
    fn what_is_copied_from_the_project() {
        for (text, expected) in [
            ("FROM scratch\nCOPY web /app/web", &["web"][..]),
            ("FROM a\ncopy --chown=a:b ./web/ services/../x /app/", &["web", "x"]),
            ("FROM a\nADD https://h.example/x.tar /x\nADD a.tar /x", &["a.tar"]),
            ("FROM a\nCOPY --from=build /out/app /app", &[]),
            ("FROM a\nCOPY . /app", &[""]),
            ("FROM a\nCOPY /../.. /app", &[""]),
            ("FROM a\nCOPY [\"a b\", \"c\", \"/app\"]", &["a b", "c"]),
            ("FROM a\nCOPY --chown=x [\"a b\", \"/app\"]", &["a b"]),
            ("FROM a\nCOPY \"a b\" 'c d' /app", &["a b", "c d"]),
            ("FROM a\nCOPY $SOURCE fixed /app", &["fixed"]),
            ("FROM a\nCOPY a \\\n  # a note\n\n  b \\\n  /app\nUSER x", &["a", "b"]),
            ("# escape=`\nFROM a\nCOPY a `\n  b /app", &["a", "b"]),
            ("FROM a\nRUN <<EOF\nCOPY no /app\nEOF\nCOPY yes /app", &["yes"]),
            ("FROM a\nRUN <<-'END' cat\nCOPY no /app\n\t\tEND\nCOPY yes /app", &["yes"]),
            ("FROM a\nCOPY <<EOF /app/x\nCOPY no /\nEOF\nCOPY yes /", &["yes"]),
            ("FROM a\nRUN echo $((1<<2))\nCOPY yes /", &["yes"]),
            ("FROM a\n# COPY no /app\nCOPY", &[]),
            ("FROM a\nCOPY alone", &[]),
            ("\u{feff}FROM a\r\nCOPY web /app\r\n", &["web"]),
        ] {
            assert_eq!(sources(text), expected, "{text}");
        }
        assert_eq!(Dockerfile::parse("FROM a\n\nCOPY \\\n a b").copies.first().map(|copying| copying.line), Some(3));
    }

    #[test]
    fn user_and_health_check_of_the_last_stage() {
        for (text, user, health_check) in [
            ("FROM a", false, false),
            ("FROM a\nUSER app\nHEALTHCHECK CMD x", true, true),
            ("FROM a\nUSER app\nFROM b", false, false),
            ("FROM a AS base\nUSER app\nHEALTHCHECK CMD x\nFROM BASE", true, true),
            ("FROM --platform=linux/amd64 a as base\nUSER app\nFROM base\nHEALTHCHECK none", true, false),
        ] {
            let read = Dockerfile::parse(text);
            assert_eq!((read.has_user, read.has_health_check), (user, health_check), "{text}");
        }
    }

    #[test]
    fn wildcards_as_docker_has_them() {
        for (source, path, expected) in [
            ("web", "web/a/b", true),
            ("web", "web", true),
            ("web", "webs/a", false),
            ("web/a", "web", false),
            ("", "anything/at/all", true),
            ("*.json", "a.json", true),
            ("*.json", "a.json/b", true),
            ("*.json", "a.pem", false),
            ("*", "a/b", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a[", "a[", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("target/release/systemprompt-*", "target/release/systemprompt-mcp", true),
        ] {
            let copying = Copying { line: 1, sources: vec![source.to_owned()], excludes: false };
            assert_eq!(copying.takes(path), expected, "{source} on {path}");
        }
        assert_eq!(before_pattern("a/b/*.c/d"), "a/b");
        assert_eq!(before_pattern("*"), "");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), lines in prop::collection::vec("(COPY|RUN|FROM|#) [^\n]{0,20}\\\\?", 0..8)) {
            let _ = Dockerfile::parse(&text);
            let _ = Dockerfile::parse(&lines.join("\n"));
        }
    }
}
