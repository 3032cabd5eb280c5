//! The colours of the themes that are there, as numbers, and how they are shown by a terminal with fewer.

use ratatui::style::Color;

use super::Depth;
use crate::settings::{Colour, ContextKind};

/// Red, green, blue.
pub(super) type Rgb = (u8, u8, u8);

/// A theme's colours for all that is not ordinary text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Palette {
    pub(super) dim: Rgb,
    pub(super) good: Rgb,
    pub(super) info: Rgb,
    pub(super) warn: Rgb,
    pub(super) bad: Rgb,
    /// Of each kind of cloud.
    pub(super) production: Rgb,
    pub(super) sandbox: Rgb,
    pub(super) self_hosted: Rgb,
}

impl Palette {
    pub(super) fn accent(&self, kind: ContextKind) -> Rgb {
        match kind {
            ContextKind::Production => self.production,
            ContextKind::Sandbox => self.sandbox,
            ContextKind::SelfHosted => self.self_hosted,
        }
    }
}

/// On dark ground.
pub(super) const DARK: Palette = Palette {
    dim: (0x8b, 0x90, 0xa8),
    good: (0x8f, 0xcf, 0x94),
    info: (0x82, 0xb4, 0xf0),
    warn: (0xe3, 0xb8, 0x66),
    bad: (0xf2, 0x85, 0x8f),
    production: (0xe3, 0x9b, 0xe0),
    sandbox: (0x4f, 0xcf, 0xc0),
    self_hosted: (0xb3, 0xb6, 0xf7),
};

/// On light ground.
pub(super) const LIGHT: Palette = Palette {
    dim: (0x6b, 0x70, 0x80),
    good: (0x1f, 0x7a, 0x34),
    info: (0x1d, 0x5f, 0xc4),
    warn: (0x8a, 0x5a, 0x00),
    bad: (0xc0, 0x24, 0x35),
    production: (0x9c, 0x2f, 0xa0),
    sandbox: (0x0b, 0x74, 0x68),
    self_hosted: (0x51, 0x46, 0xc2),
};

/// Where nobody says what the ground is: middle tones, as readable on the one as on the other.
pub(super) const ANY: Palette = Palette {
    dim: (0x79, 0x7d, 0x91),
    good: (0x40, 0x8d, 0x4a),
    info: (0x35, 0x80, 0xd4),
    warn: (0xad, 0x72, 0x19),
    bad: (0xd6, 0x4f, 0x5d),
    production: (0xc4, 0x4d, 0xc4),
    sandbox: (0x19, 0x8c, 0x81),
    self_hosted: (0x6f, 0x6f, 0xea),
};

/// Strong contrasts on dark ground. Nothing is dim.
pub(super) const STRONG_DARK: Palette = Palette {
    dim: (0xd8, 0xda, 0xe4),
    good: (0x7e, 0xe7, 0x87),
    info: (0x9e, 0xcb, 0xff),
    warn: (0xff, 0xd8, 0x66),
    bad: (0xff, 0xa6, 0xb0),
    production: (0xff, 0xb3, 0xff),
    sandbox: (0x5f, 0xf0, 0xe0),
    self_hosted: (0xcf, 0xd0, 0xff),
};

/// Strong contrasts on light ground. Nothing is dim.
pub(super) const STRONG_LIGHT: Palette = Palette {
    dim: (0x30, 0x33, 0x40),
    good: (0x0f, 0x53, 0x23),
    info: (0x0b, 0x3f, 0x8f),
    warn: (0x5c, 0x3b, 0x00),
    bad: (0x8f, 0x0f, 0x20),
    production: (0x6c, 0x15, 0x73),
    sandbox: (0x06, 0x50, 0x4a),
    self_hosted: (0x35, 0x2a, 0x96),
};

/// The terminal's own, in the order of ANSI.
pub(super) const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// What most terminals make of them. People choose others; for the nearest one this is near enough.
const USUAL: [Rgb; 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The steps of a part of a colour in the table of 256.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// A colour of the configuration as the terminal shows it; `None` where it shows none.
pub(super) fn shown(colour: Colour, depth: Depth) -> Option<Color> {
    match colour {
        _ if depth == Depth::Plain => None,
        Colour::Default => Some(Color::Reset),
        Colour::Sixteen(place) => SIXTEEN.get(usize::from(place)).copied(),
        Colour::Rgb(red, green, blue) => rgb((red, green, blue), depth),
    }
}

/// The colour, or the nearest that the terminal has.
pub(super) fn rgb(wanted: Rgb, depth: Depth) -> Option<Color> {
    match depth {
        Depth::Plain => None,
        Depth::Full => Some(Color::Rgb(wanted.0, wanted.1, wanted.2)),
        Depth::Table => Some(Color::Indexed(table(wanted))),
        Depth::Sixteen => {
            let nearest = USUAL.iter().zip(SIXTEEN).min_by_key(|(usual, _)| distance(**usual, wanted));
            nearest.map(|(_, colour)| colour)
        }
    }
}

/// The place in the table of 256: of its cube or its greys, whichever is nearer. Its first sixteen differ everywhere.
fn table(wanted: Rgb) -> u8 {
    let cube = |part: u8| (0u8..).zip(STEPS).min_by_key(|(_, step)| step.abs_diff(part)).unwrap_or_default();
    let ((red, r), (green, g), (blue, b)) = (cube(wanted.0), cube(wanted.1), cube(wanted.2));
    let grey = (0u8..24)
        .map(|place| (place, 8 + 10 * place))
        .min_by_key(|(_, level)| distance((*level, *level, *level), wanted));
    match grey {
        Some((place, level)) if distance((level, level, level), wanted) < distance((r, g, b), wanted) => 232 + place,
        _ => 16 + 36 * red + 6 * green + blue,
    }
}

/// The colour of a place in the table of 256; of the first sixteen what most terminals make of them.
pub(super) fn of_table(place: u8) -> Rgb {
    match place {
        0..=15 => USUAL.get(usize::from(place)).copied().unwrap_or_default(),
        16..=231 => {
            let place = usize::from(place - 16);
            let step = |place: usize| STEPS.get(place % 6).copied().unwrap_or_default();
            (step(place / 36), step(place / 6), step(place))
        }
        232..=255 => {
            let level = 8 + 10 * (place - 232);
            (level, level, level)
        }
    }
}

/// How far apart two colours look. Eyes see green best, and blue least.
fn distance(one: Rgb, other: Rgb) -> u32 {
    let part = |one: u8, other: u8| u32::from(one.abs_diff(other)).pow(2);
    3 * part(one.0, other.0) + 6 * part(one.1, other.1) + part(one.2, other.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of a part of a colour, as the WCAG defines it.
    fn linear(part: u8) -> f64 {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    }

    fn luminance((red, green, blue): Rgb) -> f64 {
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn contrast_is_measured_as_the_wcag_does() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.001);
        assert!((contrast((0x77, 0x77, 0x77), (255, 255, 255)) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_colour_can_be_read_on_its_ground() {
        let (night, black, white) = ((0x1e, 0x1e, 0x2e), (0, 0, 0), (255, 255, 255));
        let themes: [(&str, Palette, &[Rgb], f64, f64); 5] = [
            ("dark", DARK, &[night, black], 4.5, 3.0),
            ("light", LIGHT, &[white], 4.5, 3.0),
            // More is not possible on all three.
            ("any", ANY, &[night, black, white], 3.9, 3.9),
            ("high contrast, dark", STRONG_DARK, &[night, black], 7.0, 7.0),
            ("high contrast, light", STRONG_LIGHT, &[white], 7.0, 7.0),
        ];
        for (name, palette, grounds, least, least_dim) in themes {
            let Palette { dim, good, info, warn, bad, production, sandbox, self_hosted } = palette;
            for ground in grounds {
                for colour in [good, info, warn, bad, production, sandbox, self_hosted] {
                    let found = contrast(colour, *ground);
                    assert!(found >= least, "{name}: {colour:02x?} on {ground:02x?} has {found:.2}");
                }
                let found = contrast(dim, *ground);
                assert!(found >= least_dim, "{name}: dim on {ground:02x?} has {found:.2}");
            }
        }
    }

    #[test]
    fn clouds_and_states_do_not_look_alike() {
        for palette in [DARK, LIGHT, ANY, STRONG_DARK, STRONG_LIGHT] {
            let Palette { dim: _, good, info, warn, bad, production, sandbox, self_hosted } = palette;
            let all = [good, info, warn, bad, production, sandbox, self_hosted];
            for (place, one) in all.iter().enumerate() {
                for other in &all[place + 1..] {
                    assert!(distance(*one, *other) > 1500, "{one:02x?} and {other:02x?}: {}", distance(*one, *other));
                }
            }
        }
    }

    #[test]
    fn fewer_colours_are_the_nearest_ones() {
        assert_eq!(rgb((255, 0, 0), Depth::Table), Some(Color::Indexed(196)));
        assert_eq!(rgb((128, 128, 128), Depth::Table), Some(Color::Indexed(244)));
        assert_eq!(rgb((0, 0, 0), Depth::Table), Some(Color::Indexed(16)));
        assert_eq!(rgb((250, 5, 5), Depth::Sixteen), Some(Color::LightRed));
        assert_eq!(rgb((1, 2, 3), Depth::Full), Some(Color::Rgb(1, 2, 3)));
        assert_eq!(rgb((1, 2, 3), Depth::Plain), None);
        assert_eq!(shown(Colour::Sixteen(13), Depth::Full), Some(Color::LightMagenta));
        assert_eq!(shown(Colour::Default, Depth::Sixteen), Some(Color::Reset));
        assert_eq!(shown(Colour::Default, Depth::Plain), None);
    }

    #[test]
    fn the_table_has_its_own_colours_exactly() {
        for place in 16..=255 {
            let colour = of_table(place);
            assert_eq!(of_table(table(colour)), colour, "{place}");
        }
    }

    #[test]
    fn a_theme_stays_readable_in_the_table() {
        let (night, white) = ((0x1e, 0x1e, 0x2e), (255, 255, 255));
        for (palette, ground) in [(DARK, night), (LIGHT, white), (STRONG_DARK, night), (STRONG_LIGHT, white)] {
            for colour in [palette.good, palette.info, palette.warn, palette.bad, palette.production, palette.sandbox] {
                let found = contrast(of_table(table(colour)), ground);
                assert!(found >= 4.0, "{colour:02x?} on {ground:02x?} has {found:.2}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_place_of_the_table_is_much_nearer(red: u8, green: u8, blue: u8) {
            let wanted = (red, green, blue);
            let found = distance(of_table(table(wanted)), wanted);
            let best = (16..=255).map(|place| distance(of_table(place), wanted)).min().unwrap();
            prop_assert_eq!(found, best);
        }
    }
}
