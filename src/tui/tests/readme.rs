//! What is generated from the program: the README's pictures, drawn from states like any other, and the pages of keys. Each
//! is stale when the program looks or works differently.

use std::path::Path;

use super::pictures::{filled, paying, pushing};
use crate::tui::key::Key;
use crate::tui::panes;
use crate::tui::reference;
use crate::tui::svg::svg;
use crate::tui::testing::typed;

/// Set by `just docs`: what is generated is written instead of compared.
const UPDATE: &str = "TENANTRY_UPDATE_PICTURES";

fn compare(place: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "{place} is stale: run `just docs`, look at it, commit it");
}

#[test]
fn the_readme_shows_the_program_as_it_is() {
    compare("docs/pictures/main.svg", &svg(&pushing(120, 36).buffer()));
    let mut palette = filled(120, 36);
    palette.keys(&[Key::Char(':')]);
    typed(&mut palette, "re");
    compare("docs/pictures/palette.svg", &svg(&palette.buffer()));
    let mut logs = panes::logs::tests::filled(120, 36);
    logs.keys(&[Key::Char('z'), Key::Char('/')]);
    typed(&mut logs, "401|database");
    logs.keys(&[Key::Enter]);
    compare("docs/pictures/logs.svg", &svg(&logs.buffer()));
    compare("docs/pictures/metrics.svg", &svg(&panes::metrics::tests::filled(120, 36).buffer()));
    compare("docs/pictures/secrets.svg", &svg(&panes::secrets::tests::rotated_now(120, 36).buffer()));
    compare("docs/pictures/payment.svg", &svg(&paying(120, 36).buffer()));
}

#[test]
fn the_pages_of_keys_are_the_table() {
    compare("docs/keys.md", &reference::keys_markdown());
    compare("docs/man/tenantry-keys.7", &reference::keys_man());
}
