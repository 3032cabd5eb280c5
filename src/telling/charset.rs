//! Which characters are drawn with. Everything is said in Unicode; where a terminal or its font has only ASCII, each sign of
//! ours becomes one of the same width at the very end, so that no line is cut or aligned differently.
//!
//! Letters of people's names stay what they are.

use std::borrow::Cow;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// All of them.
    #[default]
    Unicode,
    /// ASCII alone.
    Ascii,
}

/// Every sign of ours beyond ASCII, and what stands for it.
const SIGNS: &[(char, char)] = &[
    // States and steps.
    ('●', '*'),
    ('○', 'o'),
    ('◌', 's'),
    ('✕', 'x'),
    ('✓', '+'),
    ('◐', '|'),
    ('◓', '/'),
    ('◑', '-'),
    ('◒', '\\'),
    // Between words, and for what is missing.
    ('·', '.'),
    ('–', '-'),
    ('—', '-'),
    ('…', '~'),
    ('×', 'x'),
    ('•', '*'),
    ('“', '"'),
    ('”', '"'),
    ('’', '\''),
    // Bars: full, the column in which they end, empty.
    ('█', '#'),
    ('▉', '>'),
    ('▊', '>'),
    ('▋', '>'),
    ('▌', '>'),
    ('▍', '>'),
    ('▎', '>'),
    ('▏', '>'),
    ('░', '.'),
    // Curves.
    ('▁', '_'),
    ('▂', '.'),
    ('▃', '-'),
    ('▄', '='),
    ('▀', '"'),
    ('▅', '+'),
    ('▆', '*'),
    ('▇', '#'),
    // Lines.
    ('╭', '+'),
    ('╮', '+'),
    ('╰', '+'),
    ('╯', '+'),
    ('┌', '+'),
    ('┐', '+'),
    ('└', '+'),
    ('┘', '+'),
    ('├', '+'),
    ('┤', '+'),
    ('┬', '+'),
    ('┴', '+'),
    ('┼', '+'),
    ('─', '-'),
    ('╌', '-'),
    ('━', '-'),
    ('═', '='),
    ('│', '|'),
    ('┃', '|'),
    ('║', '|'),
    ('▐', '|'),
    // Arrows.
    ('↑', '^'),
    ('↓', 'v'),
    ('←', '<'),
    ('→', '>'),
    ('▲', '^'),
    ('▼', 'v'),
    ('▸', '>'),
    ('▾', 'v'),
    ('⋮', ':'),
    ('↻', '@'),
    ('›', '>'),
];

impl Charset {
    /// What is drawn for `c`.
    #[must_use]
    pub fn sign(self, c: char) -> char {
        match self {
            Self::Ascii if !c.is_ascii() => SIGNS.iter().find(|(sign, _)| *sign == c).map_or(c, |(_, ascii)| *ascii),
            _ => c,
        }
    }

    /// What is drawn for `text`; as many columns.
    #[must_use]
    pub fn text(self, text: &str) -> Cow<'_, str> {
        if self == Self::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.chars().map(|c| self.sign(c)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::format;
    use std::path::Path;

    #[test]
    fn signs_become_ascii_of_the_same_width_and_names_stay() {
        assert_eq!(Charset::Ascii.text("✓ push  ███▌░░ 41/62 MB · 果樹園…"), "+ push  ###>.. 41/62 MB . 果樹園~");
        assert_eq!(Charset::Unicode.text("✓"), "✓");
        for (sign, ascii) in SIGNS {
            assert!(ascii.is_ascii_graphic(), "{sign}");
            assert_eq!(format::width(&sign.to_string()), 1, "{sign}");
            assert_eq!(SIGNS.iter().filter(|(other, _)| other == sign).count(), 1, "{sign}");
        }
    }

    #[test]
    fn every_sign_that_the_program_draws_is_known_here() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut unknown = Vec::new();
        for room in ["tui", "telling", "ops", "cli"] {
            look_into(&source.join(room), &mut unknown);
        }
        assert!(unknown.is_empty(), "no ASCII for: {}", unknown.join(", "));
    }

    /// Notes what is beyond ASCII in the code of a folder, tests and comments left out.
    fn look_into(folder: &Path, unknown: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" && name != "snapshots" {
                look_into(&path, unknown);
            }
            let is_code = path.extension().is_some_and(|ending| ending == "rs");
            if !is_code || ["tests.rs", "testing.rs", "samples.rs", "charset.rs", "svg.rs"].contains(&name.as_str()) {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("readable");
            let code = text.split("#[cfg(test)]\n").next().unwrap_or_default();
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let beyond = line.chars().filter(|c| !c.is_ascii() && Charset::Ascii.sign(*c) == *c);
                unknown.extend(beyond.map(|c| format!("{c} in {}", path.display())));
            }
        }
    }
}
