//! For tests: the pictures of panes, styles included, at the sizes that look different.

use crate::tui::testing::Play;

/// Compares the picture at each size with the one that was looked at.
pub fn at_each_size(name: &str, make: impl Fn(u16, u16) -> Play) {
    for (width, height) in [(80, 24), (120, 36), (200, 60)] {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), make(width, height).picture());
    }
}
