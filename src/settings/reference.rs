//! The page about the configuration, `docs/configuration.md`, made from the same table as the template.

use std::fmt::Write as _;

use super::table::{PARTS, Part, Setting};

const HEAD: &str = "\
# Configuration

This page is made from the program's own table; a test compares the two.

tenantry reads one file when it starts: `$TENANTRY_CONFIG` where that is set, else the platform's place, on Linux
`~/.config/tenantry/config.toml`. It is TOML, it is yours, and the program never writes it: what the program remembers by
itself (selections, columns, recent commands) is in the state directory. Without a file the defaults below hold.

Whatever is wrong in it is told with file, line and key, all of it at once, and the rest holds. A mistake never makes the
program bolder: a context with one in it is protected, a `read_only` that cannot be read counts as true, and where a proxy
cannot be read no other way is taken. Behind a proxy,
or with certificates of your own, see [networks](network.md).
";

/// The page, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for Part { table, about, settings } in PARTS {
        let name = match table.split_once('.') {
            Some((kind, _)) => format!("{kind}.NAME"),
            None => (*table).to_owned(),
        };
        let _ = if table.is_empty() {
            write!(page, "\n## At the top\n")
        } else {
            write!(page, "\n## `[{name}]`\n\n{}\n", cell(about))
        };
        page.push_str("\n| Key | Default | Allowed | Meaning |\n|---|---|---|---|\n");
        for Setting { key, value, default, allowed, meaning } in *settings {
            let default = default.map_or_else(|| format!("`{value}`"), str::to_owned);
            // What is only an example has its value where it says so.
            let key = if *table == "keys" { format!("{key} = {value}") } else { (*key).to_owned() };
            let _ = writeln!(page, "| `{key}` | {default} | {} | {} |", cell(allowed), cell(meaning));
        }
    }
    page
}

/// A text that Markdown shows as it is.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('[', "\\[").replace('_', "\\_").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Set to write the page instead of comparing it.
    const UPDATE: &str = "TENANTRY_UPDATE_PICTURES";

    #[test]
    fn the_page_is_the_tables() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, reference()).expect("written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == reference(),
            "docs/configuration.md is stale: run this test with {UPDATE}=1, look at it, commit it"
        );
    }
}
