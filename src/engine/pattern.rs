//! One pattern of an ignore file, as the Docker command line understands it: `*` and `?` stop at slashes,
//! `**` does not, `[a-z]` and `[^a-z]` are classes, and `\` takes the next character literally.
//!
//! A path is matched piece by piece: a directory's [`Position`] is kept, and each of its entries goes on from
//! there. So it is also known whether anything below a directory can match at all. Must not know about files,
//! exceptions or the order of rules, or how a pattern is written: that is [`super::pattern_syntax`].

use super::pattern_syntax::{self, BadPattern};

/// What a pattern is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Exactly this character.
    Character(char),
    /// One character of a class. Slashes count, as in Docker.
    One(Class),
    /// Any number of characters of a class.
    Many(Class),
    /// Nothing, at the beginning of the path and nowhere else.
    Start,
    /// `**/` at its beginning: nothing, or what [`Token::Directories`] takes.
    AnyDirectories,
    /// `**/` inside: anything up to and including a slash. Always follows [`Token::AnyDirectories`].
    Directories,
    /// `**` at the end: everything.
    Everything,
}

/// Characters of these ranges, or all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) negated: bool,
    /// First and last of each.
    pub(super) ranges: Vec<(char, char)>,
}

impl Class {
    fn has(&self, character: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != self.negated
    }
}

/// A parsed pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

/// How far a pattern has come in a path: the tokens that may be next. Empty when nothing can match any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position(Vec<usize>);

impl Pattern {
    /// Parses a pattern that is clean already: no `!`, no leading slash, no `.` or `..` elements.
    pub(super) fn parse(text: &str) -> Result<Self, BadPattern> {
        pattern_syntax::tokens(text).map(|tokens| Self { tokens })
    }

    /// A pattern that matches `path` and nothing else.
    pub(super) fn literal(path: &str) -> Self {
        Self { tokens: path.chars().map(Token::Character).collect() }
    }

    /// Before the first character of a path.
    pub(super) fn start(&self) -> Position {
        let mut position = Position::default();
        self.add(&mut position, 0, true);
        position
    }

    /// After some more characters.
    pub(super) fn advance(&self, from: &Position, text: &str) -> Position {
        let mut position = from.clone();
        for character in text.chars() {
            if position.0.is_empty() {
                break;
            }
            let mut next = Position::default();
            for &state in &position.0 {
                self.step(state, character, &mut next);
            }
            position = next;
        }
        position
    }

    /// True when the path so far is a match.
    pub(super) fn accepts(&self, position: &Position) -> bool {
        position.0.contains(&self.tokens.len())
    }

    /// True when a longer path can be a match.
    pub(super) fn can_continue(&self, position: &Position) -> bool {
        position.0.iter().any(|&state| state < self.tokens.len())
    }

    fn step(&self, state: usize, character: char, next: &mut Position) {
        let (stay, pass) = match self.tokens.get(state) {
            Some(Token::Character(wanted)) => (false, *wanted == character),
            Some(Token::One(class)) => (false, class.has(character)),
            Some(Token::Many(class)) => (class.has(character), false),
            Some(Token::Directories) => (true, character == '/'),
            Some(Token::Everything) => (true, false),
            Some(Token::Start | Token::AnyDirectories) | None => (false, false),
        };
        if stay {
            self.add(next, state, false);
        }
        if pass {
            self.add(next, state + 1, false);
        }
    }

    /// Adds a state and those that follow it without a character.
    fn add(&self, position: &mut Position, state: usize, is_start: bool) {
        if position.0.contains(&state) {
            return;
        }
        position.0.push(state);
        match self.tokens.get(state) {
            Some(Token::Many(_) | Token::Everything) => self.add(position, state + 1, is_start),
            Some(Token::Start) if is_start => self.add(position, state + 1, is_start),
            Some(Token::AnyDirectories) => {
                self.add(position, state + 1, is_start);
                self.add(position, state + 2, is_start);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let pattern = Pattern::parse(pattern).expect(pattern);
        pattern.accepts(&pattern.advance(&pattern.start(), path))
    }

    #[test]
    fn each_kind_of_token() {
        for (pattern, path, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("abc", "ab", false),
            ("*", "abc", true),
            ("*", "", true),
            ("*", "a/b", false),
            ("*.rs", "main.rs", true),
            ("*.rs", "src/main.rs", false),
            ("a*b*c", "a1b2c", true),
            ("?", "ä", true),
            ("?", "/", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[!a]x", "!x", true),
            ("[!a]x", "bx", false),
            // Docker makes an expression of it in which the star is not a star.
            ("a[*]b", "a*b", false),
            ("a[*]b", "a[/^]b", true),
            ("a[?]b", "a[]b", true),
            ("a[**]b", "a(b", true),
            ("[\\]]", "]", true),
            ("[[:alpha:]]", "b", true),
            ("[[:alpha:]]", "1", false),
            ("[[:^alpha:]]", "1", true),
            ("[:alpha:]", "l", true),
            ("\\d", "7", true),
            ("\\d", "d", false),
            ("[\\D]", "d", true),
            ("[^\\w]", "-", true),
            ("^a*", "ab", true),
            ("a*^b", "ab", false),
            ("^a", "^a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("a.c", "abc", false),
            ("**", "a/b/c", true),
            ("**/x", "x", true),
            ("**/x", "a/b/x", true),
            ("**/x", "a/bx", false),
            ("**x", "abx", true),
            ("**x", "a/bx", true),
            ("**x*", "abx", false),
            ("**x*", "a/xb", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a**", "ab/c", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "a/xb", false),
            ("**/a/**", "x/a/y", true),
            ("**/a/**", "x/a", false),
            ("***", "a/b", true),
            ("a]b", "a]b", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn patterns_that_docker_refuses() {
        for bad in [
            "[",
            "[a",
            "[]",
            "[]a]",
            "[^]",
            "[a-]",
            "[-a]",
            "[z-a]",
            "a\\",
            "[a\\",
            "a\\y",
            "[a\\y]",
            "\\1",
            "\\ä",
            "a\\b",
            "\\x41",
            "[[:none:]]",
        ] {
            assert_eq!(Pattern::parse(bad).err(), Some(BadPattern), "{bad}");
        }
    }

    #[test]
    fn it_is_known_whether_anything_below_can_match() {
        for (pattern, directory, expected) in [
            ("a/b", "a/", true),
            ("a/b", "b/", false),
            ("a", "a/", false),
            ("*", "a/", false),
            ("*/b", "a/", true),
            ("**/b", "a/", true),
            ("a/b/**", "a/b/", true),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.can_continue(&pattern.advance(&pattern.start(), directory)), expected, "{pattern:?}");
        }
    }

    /// Backtracking by the definition, one token at a time: slow, and too simple to be wrong.
    fn reference(tokens: &[Token], path: &[char]) -> bool {
        let Some((token, tokens_left)) = tokens.split_first() else { return path.is_empty() };
        match token {
            Token::Character(wanted) => path.first() == Some(wanted) && reference(tokens_left, &path[1..]),
            Token::Many(class) => (0..=path.len())
                .take_while(|n| path[..*n].iter().all(|c| class.has(*c)))
                .any(|n| reference(tokens_left, &path[n..])),
            Token::Start => unreachable!("no such pattern is tried"),
            Token::Everything => (0..=path.len()).any(|n| reference(tokens_left, &path[n..])),
            Token::AnyDirectories => (0..=path.len())
                .filter(|n| *n == 0 || path[n - 1] == '/')
                .any(|n| reference(&tokens_left[1..], &path[n..])),
            Token::Directories => unreachable!("taken with the token before it"),
            Token::One(class) => path.first().is_some_and(|c| class.has(*c)) && reference(tokens_left, &path[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab/*?]{0,8}|[ab/*]{0,3}\\[\\^?[a-b/]\\][ab/*]{0,3}", path in "[ab/]{0,8}") {
            let pattern = Pattern::parse(&pattern).unwrap();
            let characters: Vec<char> = path.chars().collect();
            prop_assert_eq!(
                pattern.accepts(&pattern.advance(&pattern.start(), &path)),
                reference(&pattern.tokens, &characters)
            );
        }

        #[test]
        fn never_panics(pattern in any::<String>(), path in any::<String>()) {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let position = pattern.advance(&pattern.start(), &path);
                pattern.accepts(&position);
            }
        }

        #[test]
        fn a_path_in_pieces_is_the_path(pattern in "[ab/*?]{0,8}", one in "[ab/]{0,4}", two in "[ab/]{0,4}") {
            let pattern = Pattern::parse(&pattern).unwrap();
            let pieces = pattern.advance(&pattern.advance(&pattern.start(), &one), &two);
            let whole = pattern.advance(&pattern.start(), &format!("{one}{two}"));
            prop_assert_eq!(pattern.accepts(&pieces), pattern.accepts(&whole));
        }
    }
}
