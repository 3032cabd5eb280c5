//! One to three keys in a row that mean one thing: `d`, `g g`, `ctrl-w v`.

use std::fmt;
use std::str::FromStr;

use super::{Key, KeyError};

/// The most keys in a row.
const MOST: usize = 3;
/// Stands where no key is, so that equal chords are equal in all their parts.
const NONE: Key = Key::Esc;

/// Keys that are pressed one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    keys: [Key; MOST],
    count: usize,
}

impl Chord {
    /// A single key.
    #[must_use]
    pub const fn one(key: Key) -> Self {
        Self { keys: [key, NONE, NONE], count: 1 }
    }

    /// Two keys, one after the other.
    #[must_use]
    pub const fn two(first: Key, second: Key) -> Self {
        Self { keys: [first, second, NONE], count: 2 }
    }

    /// Three keys, one after the other.
    #[must_use]
    pub const fn three(first: Key, second: Key, third: Key) -> Self {
        Self { keys: [first, second, third], count: 3 }
    }

    /// Its keys, in their order; never none.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        self.keys.get(..self.count).unwrap_or(&self.keys)
    }

    /// The first key.
    #[must_use]
    pub const fn first(&self) -> Key {
        self.keys[0]
    }

    /// True where one key is all of it.
    #[must_use]
    pub const fn is_single(&self) -> bool {
        self.count == 1
    }

    /// True where these keys were pressed and at least one more is to come.
    #[must_use]
    pub fn begins_with(&self, pressed: &[Key]) -> bool {
        pressed.len() < self.count && self.keys().starts_with(pressed)
    }

    /// True where one of the two is a beginning of the other, or both are the same: pressing them, nobody could tell which
    /// one was meant.
    #[must_use]
    pub fn clashes_with(&self, other: &Self) -> bool {
        self.keys().starts_with(other.keys()) || other.keys().starts_with(self.keys())
    }

    /// As a person reads it on the screen: `g g`, `Ctrl-W v`.
    #[must_use]
    pub fn shown(&self) -> String {
        self.keys().iter().map(|key| key.shown()).collect::<Vec<_>>().join(" ")
    }
}

impl From<Key> for Chord {
    fn from(key: Key) -> Self {
        Self::one(key)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, key) in self.keys().iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{key}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chord({self})")
    }
}

impl FromStr for Chord {
    type Err = KeyError;

    fn from_str(raw: &str) -> Result<Self, KeyError> {
        let mut keys = [NONE; MOST];
        let mut count = 0;
        for word in raw.split_whitespace() {
            *keys.get_mut(count).ok_or(KeyError::TooLong)? = word.parse()?;
            count += 1;
        }
        match count {
            0 => Err(KeyError::Empty),
            1 => Ok(Self { keys, count }),
            _ if keys.iter().take(count).any(|key| *key == Key::Esc) => Err(KeyError::EscapeInside),
            _ => Ok(Self { keys, count }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::tests::any_key;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_has_one_to_three_keys() {
        assert_eq!("g g".parse(), Ok(Chord::two(Key::Char('g'), Key::Char('g'))));
        assert_eq!(" Ctrl+W  v ".parse(), Ok(Chord::two(Key::Ctrl('w'), Key::Char('v'))));
        assert_eq!("esc".parse(), Ok(Chord::one(Key::Esc)));
        assert_eq!("space a b".parse(), Ok(Chord::three(Key::Char(' '), Key::Char('a'), Key::Char('b'))));
        assert_eq!("".parse::<Chord>(), Err(KeyError::Empty));
        assert_eq!("a b c d".parse::<Chord>(), Err(KeyError::TooLong));
        assert_eq!("g esc".parse::<Chord>(), Err(KeyError::EscapeInside));
        assert!("g hyper".parse::<Chord>().is_err());
        assert_eq!(Chord::two(Key::Ctrl('w'), Key::Up).shown(), "Ctrl-W ↑");
    }

    #[test]
    fn a_beginning_of_another_clashes_with_it() {
        let chord = |raw: &str| raw.parse::<Chord>().expect("keys");
        for (one, other, clash) in [("g", "g g", true), ("g g", "g g", true), ("g g", "g t", false), ("g", "G", false)]
        {
            assert_eq!(chord(one).clashes_with(&chord(other)), clash, "{one} and {other}");
            assert_eq!(chord(other).clashes_with(&chord(one)), clash, "{other} and {one}");
        }
        assert!(chord("g g").begins_with(&[Key::Char('g')]) && chord("g").begins_with(&[]));
        assert!(!chord("g").begins_with(&[Key::Char('g')]) && !chord("g g").begins_with(&[Key::Char('t')]));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(keys in prop::collection::vec(any_key(), 1..=3)) {
            let keys: Vec<Key> = keys.into_iter().filter(|key| *key != Key::Esc).collect();
            let chord = match *keys.as_slice() {
                [one] => Chord::one(one),
                [one, two] => Chord::two(one, two),
                [one, two, three] => Chord::three(one, two, three),
                _ => Chord::one(Key::Esc),
            };
            prop_assert_eq!(chord.to_string().parse(), Ok(chord));
        }
    }
}
