//! Which files of a project its build leaves there, as far as that can be told before it ran.
//!
//! Must not know Dockerfiles.

use std::path::Path;

use super::reading;

/// How sure it is that a build makes a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generated {
    /// Nothing says so.
    No,
    /// Git leaves it out, as it does with what is made.
    Perhaps,
    /// It lies where builds leave things.
    Surely,
}

/// Directories that builds fill.
const OUTPUTS: [&str; 6] = ["target", "dist", "build", "out", ".next", "pkg"];

/// Whether the build of the project at `root` makes `path`, one below the root with `/` between its parts.
pub(super) fn by_build(root: &Path, path: &str) -> Generated {
    if path.split('/').any(|part| OUTPUTS.contains(&part)) {
        return Generated::Surely;
    }
    let Ok(Some(bytes)) = reading::small_file(&root.join(".gitignore")) else { return Generated::No };
    let rules = String::from_utf8_lossy(&bytes);
    if rules.lines().any(|rule| ignores(rule.trim(), path)) { Generated::Perhaps } else { Generated::No }
}

/// Plain rules only: a wildcard in the middle is not worth a matcher here.
fn ignores(rule: &str, path: &str) -> bool {
    if rule.is_empty() || rule.starts_with(['#', '!']) {
        return false;
    }
    let rule = rule.strip_prefix("**/").unwrap_or(rule).trim_end_matches('/').trim_end_matches("/*");
    if let Some(ending) = rule.strip_prefix('*') {
        return !ending.contains(['*', '/']) && path.split('/').any(|part| part.ends_with(ending));
    }
    match rule.strip_prefix('/').or_else(|| rule.contains('/').then_some(rule)) {
        Some(anchored) => path.strip_prefix(anchored).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => path.split('/').any(|part| part == rule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_and_what_git_leaves_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = "# made\n/schema.json\ngenerated/\nassets/css/*\n*.min.js\n!kept\n";
        std::fs::write(folder.path().join(".gitignore"), rules).expect("written");
        for (path, expected) in [
            ("target/release/app", Generated::Surely),
            ("web/dist", Generated::Surely),
            ("schema.json", Generated::Perhaps),
            ("web/schema.json", Generated::No),
            ("web/generated/x", Generated::Perhaps),
            ("assets/css/site.css", Generated::Perhaps),
            ("web/site.min.js", Generated::Perhaps),
            ("kept", Generated::No),
            ("wb", Generated::No),
        ] {
            assert_eq!(by_build(folder.path(), path), expected, "{path}");
        }
        assert_eq!(by_build(Path::new("/nonexistent"), "x"), Generated::No);
    }
}
