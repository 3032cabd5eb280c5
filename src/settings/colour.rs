//! Colours and styles as they are written in the configuration: `#2fb3a6`, `light-blue`, `default bold`. What a screen makes
//! of them is not known here.

use serde::Serialize;

/// The terminal's sixteen, in its own order.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "gray",
    "dark-gray",
    "light-red",
    "light-green",
    "light-yellow",
    "light-blue",
    "light-magenta",
    "light-cyan",
    "white",
];

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// The one that the terminal's text has.
    Default,
    /// One of the terminal's own, 0 to 15, in the order of ANSI: black, red, green, yellow, blue, magenta, cyan, gray, and
    /// the same eight brighter.
    Sixteen(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

impl Colour {
    /// The colour that is written so; else what can be written, to be told behind the key.
    pub(super) fn read(raw: &str) -> Result<Self, String> {
        let word = raw.trim().to_ascii_lowercase().replace("grey", "gray");
        let word = word.replace(['_', ' '], "-");
        if word == "default" {
            return Ok(Self::Default);
        }
        let named = NAMES.iter().position(|name| *name == word).and_then(|place| u8::try_from(place).ok());
        if let Some(place) = named {
            return Ok(Self::Sixteen(place));
        }
        hex(&word).ok_or_else(|| format!("must be {}", allowed()))
    }
}

/// What can be written for a colour.
fn allowed() -> String {
    format!("`#rrggbb`, `default`, or one of {}", NAMES.join(", "))
}

/// `#2fb3a6`, or `#2ba` for `#22bbaa`.
fn hex(word: &str) -> Option<Colour> {
    let digits = word.strip_prefix('#').filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let byte = |shift: u32| u8::try_from(value >> shift & 0xff).ok();
    let twice = |shift: u32| u8::try_from((value >> shift & 0xf) * 0x11).ok();
    match digits.len() {
        6 => Some(Colour::Rgb(byte(16)?, byte(8)?, byte(0)?)),
        3 => Some(Colour::Rgb(twice(8)?, twice(4)?, twice(0)?)),
        _ => None,
    }
}

/// A style: at most a colour, a ground, and weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StyleSetting {
    /// The text's colour.
    pub colour: Option<Colour>,
    /// The colour behind it.
    pub ground: Option<Colour>,
    /// Heavier.
    pub bold: bool,
    /// Weaker.
    pub dim: bool,
    /// Text and ground change places.
    pub reversed: bool,
}

impl StyleSetting {
    /// The style that is written so: `#f38ba8 bold`, `black on light-yellow`, `reversed`. Else what can be written.
    pub(super) fn read(raw: &str) -> Result<Self, String> {
        let mut style = Self::default();
        let mut words = raw.split_whitespace();
        while let Some(word) = words.next() {
            match word.to_ascii_lowercase().as_str() {
                "bold" => style.bold = true,
                "dim" => style.dim = true,
                "reversed" => style.reversed = true,
                "on" if style.ground.is_none() => {
                    let ground = words.next().ok_or("a colour is missing behind `on`")?;
                    style.ground = Some(Colour::read(ground)?);
                }
                _ if style.colour.is_none() => {
                    let no_style = |_| {
                        format!(
                            "must be a colour and any of bold, dim, reversed, `on` COLOUR; a colour is {}",
                            allowed()
                        )
                    };
                    style.colour = Some(Colour::read(word).map_err(no_style)?);
                }
                _ => return Err("must have one colour, and one behind `on`".to_owned()),
            }
        }
        if style == Self::default() {
            return Err("must be at least one word: a colour, bold, dim, or reversed".to_owned());
        }
        Ok(style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_are_read_as_people_write_them() {
        for (raw, colour) in [
            ("#2fb3a6", Colour::Rgb(0x2f, 0xb3, 0xa6)),
            ("#2BA", Colour::Rgb(0x22, 0xbb, 0xaa)),
            ("default", Colour::Default),
            ("Light-Blue", Colour::Sixteen(12)),
            ("dark_grey", Colour::Sixteen(8)),
            (" white ", Colour::Sixteen(15)),
        ] {
            assert_eq!(Colour::read(raw), Ok(colour), "{raw}");
        }
        for raw in ["", "#", "#12345", "#1234567", "#12g", "teal", "#+12345", "#日本"] {
            assert!(Colour::read(raw).is_err_and(|why| why.contains("#rrggbb")), "{raw}");
        }
    }

    #[test]
    fn styles_are_words_in_any_order() {
        let read = StyleSetting::read("bold #fff reversed").expect("a style");
        assert_eq!(
            (read.colour, read.bold, read.dim, read.reversed),
            (Some(Colour::Rgb(255, 255, 255)), true, false, true)
        );
        let read = StyleSetting::read("black on light-yellow").expect("a style");
        assert_eq!((read.colour, read.ground), (Some(Colour::Sixteen(0)), Some(Colour::Sixteen(11))));
        assert!(StyleSetting::read("dim").is_ok_and(|style| style.dim && style.colour.is_none()));
        for raw in ["", "  ", "red blue", "red on", "red on blue on green", "underlined", "on"] {
            assert!(StyleSetting::read(raw).is_err(), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(raw in any::<String>()) {
            let _ = StyleSetting::read(&raw);
        }

        #[test]
        fn every_colour_of_a_screen_can_be_written(red: u8, green: u8, blue: u8) {
            let written = format!("#{red:02x}{green:02X}{blue:02x}");
            prop_assert_eq!(Colour::read(&written), Ok(Colour::Rgb(red, green, blue)));
        }
    }
}
