//! The colours that a line brings along, as plain data. Must not know ratatui, or how a terminal shows them.

use crate::model::text;

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Colour {
    /// None of its own.
    #[default]
    Default,
    /// One of the terminal's 256; the first 16 are its own.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The style that SGR sequences have set so far. The default is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sgr {
    /// The text's colour.
    pub front: Colour,
    /// The ground's colour.
    pub back: Colour,
    attributes: u8,
}

/// What a style may have beside its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// Heavier.
    Bold = 1,
    /// Fainter.
    Dim = 2,
    /// Slanted.
    Italic = 4,
    /// Underlined.
    Underline = 8,
    /// Text and ground changed places.
    Reversed = 16,
    /// Struck out.
    Crossed = 32,
}

impl Sgr {
    /// True where the style has it.
    #[must_use]
    pub fn has(self, attribute: Attribute) -> bool {
        self.attributes & attribute as u8 != 0
    }

    fn set(&mut self, attribute: Attribute, on: bool) {
        if on {
            self.attributes |= attribute as u8;
        } else {
            self.attributes &= !(attribute as u8);
        }
    }

    /// Applies the parameters of one sequence. What is not known, or hides text, changes nothing.
    pub fn apply(&mut self, parameters: &str) {
        // A number that does not fit is none that means anything.
        let mut numbers =
            parameters.split(';').map(|raw| if raw.is_empty() { 0 } else { raw.parse().unwrap_or(u8::MAX) });
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.set(Attribute::Bold, true),
                2 => self.set(Attribute::Dim, true),
                3 => self.set(Attribute::Italic, true),
                4 | 21 => self.set(Attribute::Underline, true),
                7 => self.set(Attribute::Reversed, true),
                9 => self.set(Attribute::Crossed, true),
                22 => {
                    self.set(Attribute::Bold, false);
                    self.set(Attribute::Dim, false);
                }
                23 => self.set(Attribute::Italic, false),
                24 => self.set(Attribute::Underline, false),
                27 => self.set(Attribute::Reversed, false),
                29 => self.set(Attribute::Crossed, false),
                30..=37 => self.front = Colour::Indexed(number - 30),
                38 => self.front = extended(&mut numbers).unwrap_or(self.front),
                39 => self.front = Colour::Default,
                40..=47 => self.back = Colour::Indexed(number - 40),
                48 => self.back = extended(&mut numbers).unwrap_or(self.back),
                49 => self.back = Colour::Default,
                90..=97 => self.front = Colour::Indexed(number - 90 + 8),
                100..=107 => self.back = Colour::Indexed(number - 100 + 8),
                _ => {}
            }
        }
    }
}

/// What follows 38 and 48: `5;index` or `2;red;green;blue`.
fn extended(numbers: &mut impl Iterator<Item = u8>) -> Option<Colour> {
    match numbers.next()? {
        5 => Some(Colour::Indexed(numbers.next()?)),
        2 => Some(Colour::Rgb(numbers.next()?, numbers.next()?, numbers.next()?)),
        _ => None,
    }
}

/// The parts of a message as `text::coloured` leaves it, each with the style it has.
#[must_use]
pub fn pieces(message: &str) -> Pieces<'_> {
    Pieces { rest: message, style: Sgr::default() }
}

/// Parts of a message, none of them empty.
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    rest: &'a str,
    style: Sgr,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = (Sgr, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(sequence) = text::sgr(self.rest) {
                self.style.apply(sequence.get(2..sequence.len() - 1).unwrap_or_default());
                self.rest = self.rest.get(sequence.len()..).unwrap_or_default();
            } else if let Some(rest) = self.rest.strip_prefix('\u{1b}') {
                // None arrives; whoever made the message by hand gets no escape through either.
                self.rest = rest;
            } else if self.rest.is_empty() {
                return None;
            } else {
                let (part, rest) = self.rest.split_at(self.rest.find('\u{1b}').unwrap_or(self.rest.len()));
                self.rest = rest;
                return Some((self.style, part));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn style(parameters: &str) -> Sgr {
        let mut style = Sgr::default();
        style.apply(parameters);
        style
    }

    #[test]
    fn parameters_become_a_style() {
        for (parameters, front, back) in [
            ("", Colour::Default, Colour::Default),
            ("31", Colour::Indexed(1), Colour::Default),
            ("97;100", Colour::Indexed(15), Colour::Indexed(8)),
            ("38;5;208;48;2;1;2;3", Colour::Indexed(208), Colour::Rgb(1, 2, 3)),
            ("31;39", Colour::Default, Colour::Default),
            ("31;0;42", Colour::Default, Colour::Indexed(2)),
            ("38;5", Colour::Default, Colour::Default),
            ("31;38;9;9", Colour::Indexed(1), Colour::Default),
            ("999;32", Colour::Indexed(2), Colour::Default),
        ] {
            let style = style(parameters);
            assert_eq!((style.front, style.back), (front, back), "{parameters}");
        }
        assert!(style("1").has(Attribute::Bold) && !style("1;22").has(Attribute::Bold));
        assert!(style("7;4").has(Attribute::Reversed) && style("7;4").has(Attribute::Underline));
        assert_eq!(style("8;5;6"), Sgr::default(), "what hides or blinks is left out");
    }

    #[test]
    fn a_message_comes_apart_where_its_style_changes() {
        let parts: Vec<_> = pieces("a\u{1b}[1mb\u{1b}[31mc\u{1b}[0m\u{1b}[m\u{1b}d").collect();
        assert_eq!(parts, [(Sgr::default(), "a"), (style("1"), "b"), (style("1;31"), "c"), (Sgr::default(), "d")]);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_plain_text(raw in "(\u{1b}\\[[0-9;]{0,12}m|\u{1b}|[a-z漢 ]){0,30}") {
            let message = text::coloured(raw);
            let joined: String = pieces(&message).map(|(_, part)| part).collect();
            prop_assert_eq!(joined, text::plain(&message));
        }
    }
}
