//! Words and variables as a Dockerfile has them in front of its first stage and in `FROM`: quotes, `$NAME`, `${NAME}`,
//! and the forms with a default. Everything else is admitted as not understood. Must not know where values come from.

use std::iter::Peekable;
use std::str::Chars;

/// Splits at blanks that stand in no quotes. The quotes stay.
pub(super) fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut begin, mut quote) = (None, None);
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            _ => {}
        }
        if quote.is_none() && character.is_whitespace() {
            words.extend(begin.take().and_then(|begin: usize| text.get(begin..at)));
        } else {
            begin.get_or_insert(at);
        }
    }
    words.extend(begin.and_then(|begin| text.get(begin..)));
    words
}

/// The word without quotes and with values put in; `None` where it cannot be worked out, or a value cannot.
pub(super) fn expand(word: &str, value: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // An escape: there is no need for one in the name of an image.
            '\\' | '`' => return None,
            '"' => {}
            '\'' => loop {
                match characters.next()? {
                    '\'' => break,
                    quoted => out.push(quoted),
                }
            },
            '$' if characters.peek() == Some(&'{') => {
                characters.next();
                out.push_str(&braces(&inside(&mut characters)?, value)?);
            }
            '$' => {
                let name = name(&mut characters);
                out.push_str(&value(Some(name.as_str()).filter(|name| !name.is_empty())?)?);
            }
            other => out.push(other),
        }
    }
    Some(out)
}

fn name(characters: &mut Peekable<Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(character) = characters.next_if(|c| is_of_name(*c)) {
        name.push(character);
    }
    name
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Up to the brace that closes.
fn inside(characters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    let mut depth = 1;
    loop {
        let character = characters.next()?;
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(text);
        }
        text.push(character);
    }
}

fn braces(text: &str, value: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let (name, form) = text.split_at(end);
    let found = value(Some(name).filter(|name| !name.is_empty())?)?;
    if form.is_empty() {
        return Some(found);
    }
    if let Some(default) = form.strip_prefix(":-") {
        return if found.is_empty() { expand(default, value) } else { Some(found) };
    }
    let other = form.strip_prefix(":+")?;
    if found.is_empty() { Some(String::new()) } else { expand(other, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_is_quoted_together() {
        assert_eq!(words(" A='x y'  B=\"it's\" C "), ["A='x y'", "B=\"it's\"", "C"]);
        assert!(words("  ").is_empty());
    }

    #[test]
    fn forms_are_put_in_or_admitted() {
        let value = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "UNKNOWN" => None,
            _ => Some(String::new()),
        };
        for (word, expected) in [
            ("x$A-y", Some("x1-y")),
            ("${A}${N}", Some("1")),
            ("${N:-d${A}}", Some("d1")),
            ("${A:-d}${A:+p}${N:+p}", Some("1p")),
            ("\"$A\"'$A'", Some("1$A")),
            ("${A", None),
            ("$", None),
            ("${A-x}", None),
            ("${A#x}", None),
            ("\\$A", None),
            ("$UNKNOWN", None),
            ("'x", None),
        ] {
            assert_eq!(expand(word, &value).as_deref(), expected, "{word}");
        }
    }
}
