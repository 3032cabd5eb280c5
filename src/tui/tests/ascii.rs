//! With ASCII asked for, nothing of ours is drawn with anything else.

use super::pictures::{building, filled, pushing};
use crate::model::Problem;
use crate::telling::charset::Charset;
use crate::tui::key::Key;
use crate::tui::testing::Play;
use crate::tui::theme::Glyphs;

/// The one name of the tests' tenants that is beyond ASCII: people's names stay.
const NAME: &str = "果樹園";

fn in_ascii(mut play: Play) -> Play {
    play.app.shared.theme.glyphs = Glyphs::of(Charset::Ascii);
    play
}

#[test]
fn every_sign_of_ours_is_ascii() {
    for (width, height) in [(120, 36), (80, 24), (60, 16)] {
        for make in [Play::new, filled, building, pushing] {
            let mut play = in_ascii(make(width, height));
            play.app.shared.problem = Some(Problem::new("x".repeat(300)).detail("y".repeat(200)).hint("z"));
            for key in ['?', 'n', 'e'] {
                for drawn in play.text().chars() {
                    assert!(drawn.is_ascii() || NAME.contains(drawn), "{drawn}\n{}", play.text());
                }
                play.keys(&[Key::Esc, Key::Char(key)]);
            }
        }
    }
}

#[test]
fn the_main_screen_in_ascii() {
    insta::assert_snapshot!(in_ascii(pushing(120, 36)).text());
}
