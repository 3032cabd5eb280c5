//! The rules of `.dockerignore`: which files stay out of the build context.
//!
//! Docker's rules are not git's: a bare name counts at the root only, and an exception (`!`) works below an
//! excluded directory. The last rule that matches a path, or a directory above it, decides. Must not know
//! about files; the walk asks for one name at a time.

use super::pattern::{Pattern, Position};

/// Bytes of the shortest line that is too long for Docker, its end not counted.
const TOO_LONG: usize = 64 * 1024;

/// A line that Docker would refuse.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadRule {
    /// From 1.
    pub(super) line: usize,
    /// As written.
    pub(super) pattern: String,
}

/// An ignore file's rules in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    is_exception: bool,
}

impl Rule {
    fn parse(written: &str) -> Option<Self> {
        let (is_exception, body) = match written.trim().strip_prefix('!') {
            Some(body) => (true, body.trim()),
            None => (false, written.trim()),
        };
        if body.is_empty() {
            return None;
        }
        let cleaned = clean(body);
        if is_exception && cleaned == "/" {
            return None;
        }
        let relative = match cleaned.strip_prefix('/') {
            Some("") | None => cleaned.as_str(),
            Some(relative) => relative,
        };
        Some(Self { pattern: Pattern::parse(relative).ok()?, is_exception })
    }
}

/// Where the rules stand inside a directory.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    /// For each rule: did it match this directory or one above it.
    matched: Vec<bool>,
    /// For each rule: how far its pattern has come, behind the directory's slash.
    positions: Vec<Position>,
}

/// What the rules say of a directory.
#[derive(Debug)]
pub(super) struct DirectoryVerdict {
    /// The directory itself stays out.
    pub(super) is_excluded: bool,
    /// The way into it; none when nothing below can be included.
    pub(super) inside: Option<Inside>,
}

impl IgnoreRules {
    /// Reads an ignore file's text.
    pub(super) fn parse(text: &str) -> Result<Self, BadRule> {
        let mut rules = Vec::new();
        for (index, written) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            if written.len() >= TOO_LONG {
                return Err(BadRule { line: index + 1, pattern: written.to_owned() });
            }
            // Only a line that begins with it: ` #x` is a file called `#x`.
            if written.starts_with('#') || written.trim().is_empty() {
                continue;
            }
            rules.push(Rule::parse(written).ok_or_else(|| BadRule { line: index + 1, pattern: written.to_owned() })?);
        }
        Ok(Self { rules })
    }

    /// Rules from patterns that somebody read from a file already.
    pub(super) fn from_patterns(patterns: &[String]) -> Result<Self, BadRule> {
        let rule = |(index, written): (usize, &String)| {
            Rule::parse(written).ok_or_else(|| BadRule { line: index + 1, pattern: written.clone() })
        };
        Ok(Self { rules: patterns.iter().enumerate().map(rule).collect::<Result<_, _>>()? })
    }

    /// Includes `path` whatever the rules so far say.
    pub(super) fn always_include(&mut self, path: &str) {
        self.rules.push(Rule { pattern: Pattern::literal(path), is_exception: true });
    }

    /// The rules at the root of the context.
    pub(super) fn root(&self) -> Inside {
        Inside {
            matched: vec![false; self.rules.len()],
            positions: self.rules.iter().map(|rule| rule.pattern.start()).collect(),
        }
    }

    /// True when the file `name` in a directory stays out.
    pub(super) fn excludes_file(&self, within: &Inside, name: &str) -> bool {
        self.is_excluded(&self.enter(within, name).matched)
    }

    /// What becomes of the directory `name` in a directory.
    pub(super) fn directory(&self, within: &Inside, name: &str) -> DirectoryVerdict {
        let inside = self.enter_directory(within, name);
        let is_excluded = self.is_excluded(&inside.matched);
        let is_worth_entering = !is_excluded || self.can_include_below(&inside);
        DirectoryVerdict { is_excluded, inside: is_worth_entering.then_some(inside) }
    }

    /// The same for rules that are read the other way round: only what they match is meant.
    pub(super) fn directory_if_matched(&self, within: &Inside, name: &str) -> DirectoryVerdict {
        let inside = self.enter_directory(within, name);
        let is_matched = self.is_excluded(&inside.matched);
        let mut open = self.rules.iter().zip(&inside.positions).filter(|(rule, _)| !rule.is_exception);
        let is_worth_entering = is_matched || open.any(|(rule, position)| rule.pattern.can_continue(position));
        DirectoryVerdict { is_excluded: !is_matched, inside: is_worth_entering.then_some(inside) }
    }

    fn enter_directory(&self, within: &Inside, name: &str) -> Inside {
        let mut inside = self.enter(within, name);
        for (rule, position) in self.rules.iter().zip(&mut inside.positions) {
            *position = rule.pattern.advance(position, "/");
        }
        inside
    }

    fn enter(&self, within: &Inside, name: &str) -> Inside {
        let positions: Vec<Position> =
            self.rules.iter().zip(&within.positions).map(|(rule, from)| rule.pattern.advance(from, name)).collect();
        let matched = self
            .rules
            .iter()
            .zip(&within.matched)
            .zip(&positions)
            .map(|((rule, above), position)| *above || rule.pattern.accepts(position))
            .collect();
        Inside { matched, positions }
    }

    fn is_excluded(&self, matched: &[bool]) -> bool {
        Self::deciding(matched).is_some_and(|index| self.rules.get(index).is_some_and(|rule| !rule.is_exception))
    }

    fn deciding(matched: &[bool]) -> Option<usize> {
        matched.iter().rposition(|matched| *matched)
    }

    /// Below an excluded directory only a later exception can include anything.
    fn can_include_below(&self, inside: &Inside) -> bool {
        let later = Self::deciding(&inside.matched).map_or(0, |index| index + 1);
        self.rules
            .iter()
            .zip(&inside.positions)
            .skip(later)
            .any(|(rule, position)| rule.is_exception && rule.pattern.can_continue(position))
    }
}

/// A path without double slashes and without `.` and `..` elements, as far as they can be resolved by their
/// text alone: `./a//b/../c/` becomes `a/c`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// True when `path` reaches the context, walking down to it as the context does.
    fn includes(rules: &str, path: &str) -> bool {
        let rules = IgnoreRules::parse(rules).expect(rules);
        let mut inside = rules.root();
        let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
        for directory in directories.split('/').filter(|part| !part.is_empty()) {
            match rules.directory(&inside, directory).inside {
                Some(next) => inside = next,
                None => return false,
            }
        }
        !rules.excludes_file(&inside, name)
    }

    #[test]
    fn rules_as_the_docker_command_line_has_them() {
        for (rules, path, expected) in [
            ("", "a", true),
            ("a", "a", false),
            ("a", "a/b/c", false),
            ("a", "b/a", true),
            ("**/a", "b/a", false),
            ("/a", "a", false),
            ("./a", "a", false),
            ("d/../a", "a", false),
            ("../a", "a", true),
            ("a/", "a/b", false),
            ("  a  ", "a", false),
            ("a\r\n", "a", false),
            ("\u{feff}a", "a", false),
            ("# a\na", "# a", true),
            (" #a", "#a", false),
            (".", "a", true),
            ("/", "a", true),
            ("*", "a/b", false),
            ("*\n!a", "a/b", true),
            ("*\n!a/b", "a/b", true),
            ("*\n!a/b", "a/c", false),
            ("*\n! a", "a", true),
            ("d\n!d/e", "d/e/keep", true),
            ("d\n!d/e\nd", "d/e/keep", false),
            ("d\n!**/keep", "d/e/keep", true),
            ("d\n!d/*/keep", "d/e/keep", true),
            ("!a\na", "a", false),
            ("\\!a", "!a", false),
            ("*.md\n!README.md\nREADME-secret.md", "README.md", true),
            ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", false),
            (".systemprompt/**/secrets.json", ".systemprompt/profiles/local/secrets.json", false),
            (".env*", ".env.local", false),
            ("**/*.pem", "keys/tls.pem", false),
            ("**.txt", "a.txt", false),
        ] {
            assert_eq!(includes(rules, path), expected, "{rules:?} on {path}");
        }
    }

    #[test]
    fn a_mistake_is_reported_with_its_line() {
        assert_eq!(IgnoreRules::parse("a\n\n[z-a]").err(), Some(BadRule { line: 3, pattern: "[z-a]".into() }));
        assert_eq!(IgnoreRules::parse("!").err(), Some(BadRule { line: 1, pattern: "!".into() }));
        assert_eq!(IgnoreRules::parse("*\n!/").err(), Some(BadRule { line: 2, pattern: "!/".into() }));
        let long = "#".repeat(TOO_LONG);
        assert!(IgnoreRules::parse(&format!("a\n{long}")).is_err());
        assert!(IgnoreRules::parse(&format!("a\n{}", &long[1..])).is_ok());
    }

    #[test]
    fn an_excluded_directory_is_entered_only_for_an_exception_that_can_match_below() {
        for (rules, directory, entered) in [
            ("target", "target", false),
            ("target\n!README", "target", false),
            ("target\n!target/app", "target", true),
            ("!target/app\ntarget", "target", false),
            ("target\n!**/keep", "target", true),
            ("*\n!src", "target", false),
            ("*\n!src", "src", true),
        ] {
            let rules = IgnoreRules::parse(rules).unwrap();
            let verdict = rules.directory(&rules.root(), directory);
            assert_eq!(verdict.inside.is_some(), entered, "{rules:?} on {directory}");
        }
    }

    #[test]
    fn what_must_be_there_is_included_even_where_its_name_looks_like_a_pattern() {
        let mut rules = IgnoreRules::parse("**").unwrap();
        rules.always_include("deep/[x]/Dockerfile");
        let deep = rules.directory(&rules.root(), "deep").inside.expect("deep");
        let inner = rules.directory(&deep, "[x]").inside.expect("[x]");
        assert!(!rules.excludes_file(&inner, "Dockerfile"));
        assert!(rules.excludes_file(&inner, "other"));
        assert!(rules.directory(&deep, "x").inside.is_none());
    }

    #[test]
    fn paths_are_cleaned() {
        for (path, expected) in
            [("a//b/./c/", "a/b/c"), ("a/../..", ".."), ("/../a", "/a"), ("..", ".."), ("a/..", "."), ("//", "/")]
        {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in any::<String>(), name in "[^/]{1,6}") {
            if let Ok(rules) = IgnoreRules::parse(&text) {
                rules.directory(&rules.root(), &name);
            }
        }

        /// The walk's short cut must never lose a file: compared with asking every rule about every ancestor.
        #[test]
        fn the_last_rule_that_matches_the_path_or_an_ancestor_decides(
            rules in prop::collection::vec("!?(a|b|\\*|\\*\\*)(/(a|b|\\*|\\*\\*)){0,2}", 0..5),
            path in "[ab](/[ab]){0,3}",
        ) {
            let mut excluded = false;
            for rule in &rules {
                let pattern = Pattern::parse(rule.trim_start_matches('!')).unwrap();
                let hit = path.char_indices().map(|(at, _)| at).chain([path.len()])
                    .filter(|at| *at == path.len() || path[*at..].starts_with('/'))
                    .any(|at| pattern.accepts(&pattern.advance(&pattern.start(), &path[..at])));
                if hit {
                    excluded = !rule.starts_with('!');
                }
            }
            prop_assert_eq!(includes(&rules.join("\n"), &path), !excluded);
        }
    }
}
