//! Colours that are not the theme's own: those that a line of a log brings along, and those that tell a few names apart.
//! A theme without colours shows none of them either.

use ratatui::style::{Color, Style};

use super::palette::{self, Rgb, SIXTEEN};
use super::{Depth, Theme};

/// For names that stand beside each other: of the table of 256, of a middle lightness that can be read on light and dark
/// ground, and none of them is a state's.
const NAMES: [Rgb; 8] = [
    (0x00, 0x87, 0xaf),
    (0xaf, 0x87, 0x5f),
    (0xaf, 0x5f, 0xd7),
    (0x5f, 0x87, 0x87),
    (0xd7, 0x5f, 0xaf),
    (0x5f, 0x87, 0xd7),
    (0x87, 0x87, 0x5f),
    (0x87, 0x87, 0xaf),
];

/// The same among the terminal's own.
const PLAIN_NAMES: [Color; 8] = [
    Color::Cyan,
    Color::Magenta,
    Color::Blue,
    Color::LightCyan,
    Color::LightMagenta,
    Color::LightBlue,
    Color::Gray,
    Color::DarkGray,
];

impl Theme {
    /// One of the 256 colours of terminals, as this theme shows it; `None` where it shows none.
    #[must_use]
    pub fn indexed(&self, place: u8) -> Option<Color> {
        match (self.depth, SIXTEEN.get(usize::from(place))) {
            (Depth::Plain, _) => None,
            (_, Some(own)) => Some(*own),
            (Depth::Sixteen, None) => palette::rgb(palette::of_table(place), self.depth),
            (Depth::Table | Depth::Full, None) => Some(Color::Indexed(place)),
        }
    }

    /// Red, green and blue, as this theme shows them; `None` where it shows none.
    #[must_use]
    pub fn rgb(&self, red: u8, green: u8, blue: u8) -> Option<Color> {
        palette::rgb((red, green, blue), self.depth)
    }

    /// The style of the name at this place among several; after eight they begin anew.
    #[must_use]
    pub fn name(&self, place: usize) -> Style {
        let place = place % NAMES.len();
        let colour = match self.depth {
            Depth::Plain => return self.dim,
            Depth::Sixteen => PLAIN_NAMES.get(place).copied(),
            Depth::Table | Depth::Full => NAMES.get(place).and_then(|wanted| palette::rgb(*wanted, self.depth)),
        };
        Style { fg: colour, ..Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn colours_are_those_that_the_theme_can_show() {
        let shown = |depth: Depth| {
            let theme = Theme::new(depth);
            (theme.indexed(1), theme.indexed(208), theme.rgb(250, 5, 5))
        };
        assert_eq!(shown(Depth::Plain), (None, None, None));
        assert_eq!(shown(Depth::Sixteen), (Some(Color::Red), Some(Color::Yellow), Some(Color::LightRed)));
        assert_eq!(shown(Depth::Table), (Some(Color::Red), Some(Color::Indexed(208)), Some(Color::Indexed(196))));
        assert_eq!(shown(Depth::Full), (Some(Color::Red), Some(Color::Indexed(208)), Some(Color::Rgb(250, 5, 5))));
    }

    #[test]
    fn names_differ_where_there_are_colours() {
        for depth in [Depth::Sixteen, Depth::Table, Depth::Full] {
            let theme = Theme::new(depth);
            let styles: HashSet<_> = (0..NAMES.len()).map(|place| theme.name(place)).collect();
            assert_eq!(styles.len(), NAMES.len(), "{depth:?}");
            for state in [theme.good, theme.warn, theme.bad] {
                assert!(!styles.contains(&state), "{depth:?}");
            }
        }
        assert_eq!(Theme::new(Depth::Plain).name(3), Theme::new(Depth::Plain).dim);
    }
}
