//! The README's picture is the program's own: drawn from a state like any other, and stale when the program
//! looks different.

use std::path::Path;

use super::pictures::pushing;
use crate::tui::svg::svg;

/// Set by `just readme-picture`: the picture is written instead of compared.
const UPDATE: &str = "TENANTRY_UPDATE_PICTURES";

#[test]
fn the_readme_shows_the_program_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/main.svg");
    let drawn = svg(&pushing(120, 36).buffer());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == drawn, "docs/pictures/main.svg is stale: run `just readme-picture`, look at it, commit it");
}
