//! How a pattern of an ignore file is written, read as Docker reads it.
//!
//! Docker looks at the pattern with one grammar, to refuse what is wrong, and then makes a regular expression of it by
//! a simple replacement of its characters. So what stands in brackets or behind a backslash means what it means in a
//! regular expression: `[[:alpha:]]` is a letter, `\d` a digit. This module goes the same two ways, and refuses only
//! what nobody means by a file name: `\b`, `\x41` and the like. Must not know how a path is matched.

use super::pattern::{Class, Token};

/// A pattern that Docker would refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadPattern;

/// What stands for `**` that is not at the end, in the expression.
const DIRECTORIES: &str = "(.*/)?";

/// What stands for `**` at the end.
const EVERYTHING: &str = ".*";

/// What stands for `?`, and with a star behind it for `*`.
const OF_A_NAME: &str = "[^/]";

/// Reads a pattern.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, BadPattern> {
    check(&text.chars().collect::<Vec<_>>())?;
    let is_plain = |part: &str| !part.contains(['*', '?', '[', ']', '\\']);
    let literal = |part: &str| part.chars().map(Token::Character).collect::<Vec<_>>();
    // Three forms that Docker compares without an expression.
    if is_plain(text) {
        return Ok(literal(text));
    }
    if let Some(suffix) = text.strip_prefix("**").filter(|suffix| is_plain(suffix)) {
        return Ok(match suffix.strip_prefix('/') {
            Some(name) => [vec![Token::AnyDirectories, Token::Directories], literal(name)].concat(),
            None => [vec![Token::Everything], literal(suffix)].concat(),
        });
    }
    if let Some(prefix) = text.strip_suffix("**").filter(|prefix| is_plain(prefix)) {
        return Ok([literal(prefix), vec![Token::Everything]].concat());
    }
    let expression: Vec<char> = expression(text).chars().collect();
    Expression { characters: &expression, at: 0 }.tokens()
}

/// The grammar by which Docker refuses patterns: every bracket is closed and not empty, every backslash has something
/// behind it.
fn check(characters: &[char]) -> Result<(), BadPattern> {
    let mut at = 0;
    while let Some(character) = characters.get(at) {
        at += 1;
        match character {
            '\\' if at == characters.len() => return Err(BadPattern),
            '\\' => at += 1,
            '[' => at = check_class(characters, at)?,
            _ => {}
        }
    }
    Ok(())
}

/// A class, behind its `[`; returns where to go on.
fn check_class(characters: &[char], mut at: usize) -> Result<usize, BadPattern> {
    if characters.get(at) == Some(&'^') {
        at += 1;
    }
    let mut is_empty = true;
    while is_empty || characters.get(at) != Some(&']') {
        check_member(characters, &mut at)?;
        if characters.get(at) == Some(&'-') {
            at += 1;
            check_member(characters, &mut at)?;
        }
        is_empty = false;
    }
    Ok(at + 1)
}

fn check_member(characters: &[char], at: &mut usize) -> Result<(), BadPattern> {
    let length = match characters.get(*at) {
        None | Some('-' | ']') => return Err(BadPattern),
        Some('\\') => 2,
        Some(_) => 1,
    };
    *at += length;
    // Behind a member there is at least the closing bracket.
    if *at < characters.len() { Ok(()) } else { Err(BadPattern) }
}

/// The regular expression that Docker makes, without its anchors. Brackets do not count: a star in them is replaced too.
fn expression(text: &str) -> String {
    let mut expression = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => {
                characters.next_if_eq(&'/');
                expression.push_str(if characters.peek().is_none() { EVERYTHING } else { DIRECTORIES });
            }
            '*' => expression.extend([OF_A_NAME, "*"]),
            '?' => expression.push_str(OF_A_NAME),
            '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => expression.extend(['\\', character]),
            '\\' => expression.extend(['\\'].into_iter().chain(characters.next())),
            _ => expression.push(character),
        }
    }
    expression
}

/// Reads the expressions that [`expression`] makes.
struct Expression<'a> {
    characters: &'a [char],
    at: usize,
}

impl Expression<'_> {
    fn tokens(mut self) -> Result<Vec<Token>, BadPattern> {
        let mut tokens = Vec::new();
        while let Some(character) = self.next() {
            match character {
                '(' => {
                    self.at += DIRECTORIES.len() - 1;
                    tokens.extend([Token::AnyDirectories, Token::Directories]);
                }
                '.' => {
                    self.at += EVERYTHING.len() - 1;
                    tokens.push(Token::Everything);
                }
                '[' => {
                    let class = self.class()?;
                    tokens.push(if self.take('*') { Token::Many(class) } else { Token::One(class) });
                }
                '^' => tokens.push(Token::Start),
                '\\' => tokens.push(match self.escape()? {
                    Escape::Character(character) => Token::Character(character),
                    Escape::Class(ranges) => Token::One(Class { negated: false, ranges }),
                }),
                _ => tokens.push(Token::Character(character)),
            }
        }
        Ok(tokens)
    }

    fn next(&mut self) -> Option<char> {
        let character = self.characters.get(self.at).copied()?;
        self.at += 1;
        Some(character)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek(0) == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    /// Behind the opening bracket.
    fn class(&mut self) -> Result<Class, BadPattern> {
        let negated = self.take('^');
        let mut ranges = Vec::new();
        let mut is_first = true;
        while is_first || self.peek(0) != Some(']') {
            is_first = false;
            if let Some(named) = self.named_class()? {
                ranges.extend(named);
                continue;
            }
            let low = match self.member()? {
                Escape::Character(low) => low,
                Escape::Class(more) => {
                    ranges.extend(more);
                    continue;
                }
            };
            let mut high = low;
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|next| next != ']') {
                self.at += 1;
                let Escape::Character(last) = self.member()? else { return Err(BadPattern) };
                high = last;
            }
            if low > high {
                return Err(BadPattern);
            }
            ranges.push((low, high));
        }
        self.at += 1;
        Ok(Class { negated, ranges })
    }

    fn member(&mut self) -> Result<Escape, BadPattern> {
        match self.next() {
            None => Err(BadPattern),
            Some('\\') => self.escape(),
            Some(character) => Ok(Escape::Character(character)),
        }
    }

    /// `[:alpha:]` and `[:^alpha:]` inside brackets; `None` where nothing of that form stands here.
    fn named_class(&mut self) -> Result<Option<Vec<(char, char)>>, BadPattern> {
        if self.peek(0) != Some('[') || self.peek(1) != Some(':') {
            return Ok(None);
        }
        let rest = self.characters.get(self.at + 2..).unwrap_or_default();
        let Some(length) = rest.windows(2).position(|pair| pair == [':', ']']) else { return Ok(None) };
        let name: String = rest.iter().take(length).collect();
        self.at += length + 4;
        let (negated, name) = name.strip_prefix('^').map_or((false, name.as_str()), |name| (true, name));
        let ranges = named(name).ok_or(BadPattern)?.to_vec();
        Ok(Some(if negated { others(ranges) } else { ranges }))
    }

    /// Behind the backslash.
    fn escape(&mut self) -> Result<Escape, BadPattern> {
        let character = self.next().ok_or(BadPattern)?;
        let class = |name| named(name).map(<[_]>::to_vec).ok_or(BadPattern);
        let perl_space = || vec![('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')];
        Ok(match character {
            'd' => Escape::Class(class("digit")?),
            'D' => Escape::Class(others(class("digit")?)),
            'w' => Escape::Class(class("word")?),
            'W' => Escape::Class(others(class("word")?)),
            's' => Escape::Class(perl_space()),
            'S' => Escape::Class(others(perl_space())),
            'a' => Escape::Character('\u{7}'),
            'f' => Escape::Character('\u{c}'),
            'n' => Escape::Character('\n'),
            'r' => Escape::Character('\r'),
            't' => Escape::Character('\t'),
            'v' => Escape::Character('\u{b}'),
            _ if character.is_ascii() && !character.is_ascii_alphanumeric() => Escape::Character(character),
            _ => return Err(BadPattern),
        })
    }
}

/// What a backslash makes of the character behind it.
enum Escape {
    Character(char),
    Class(Vec<(char, char)>),
}

/// The classes that have a name, all of them ASCII.
fn named(name: &str) -> Option<&'static [(char, char)]> {
    Some(match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\u{7f}')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    })
}

/// Every character outside of ranges that are ASCII, in order and apart.
fn others(ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    let mut others = Vec::new();
    let mut next = 0_u8;
    for (low, high) in ranges {
        let (Ok(low), Ok(high)) = (u8::try_from(low), u8::try_from(high)) else { continue };
        if next < low {
            others.push((char::from(next), char::from(low - 1)));
        }
        next = high + 1;
    }
    others.push((char::from(next), char::MAX));
    others
}
