//! What has to be sent so that a path can be copied: the path itself and, where symbolic links lie on the way, what
//! they lead to inside the context. The same as the docker command line does it, so that a link in a `COPY` works.
//!
//! Must not know the rules of ignore files, or who asks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::engine::pattern::Pattern;

/// Links followed for one path; more are a circle.
const MOST_LINKS: usize = 100;

/// The patterns that cover `paths` and what their links lead to; `None` when that is everything. Blocks.
pub(super) fn follow(root: &Path, paths: &[String]) -> Option<Vec<String>> {
    let mut resolver = Resolver { root, found: BTreeSet::new(), seen: BTreeSet::new() };
    for path in paths {
        resolver.add(&inside(Path::new(path)), MOST_LINKS);
    }
    let is_everything = resolver.found.contains("");
    (!is_everything).then(|| resolver.found.into_iter().collect())
}

struct Resolver<'a> {
    root: &'a Path,
    found: BTreeSet<String>,
    seen: BTreeSet<PathBuf>,
}

impl Resolver<'_> {
    fn add(&mut self, path: &Path, links: usize) {
        if links == 0 || !self.seen.insert(path.to_owned()) {
            return;
        }
        let parts: Vec<Component<'_>> = path.components().collect();
        let mut current = PathBuf::new();
        for (index, part) in parts.iter().enumerate() {
            current.push(part);
            let followed = self.links(&current);
            let is_only_link = !followed.is_empty() && !has_wildcards(part);
            for (link, target) in followed {
                let rest: PathBuf = parts.iter().skip(index + 1).collect();
                self.found.insert(link.to_string_lossy().into_owned());
                self.add(&inside(&target.join(&rest)), links - 1);
            }
            // Behind a link nothing lies; behind a wildcard other directories may.
            if is_only_link {
                return;
            }
        }
        self.found.insert(path.to_string_lossy().into_owned());
    }

    /// The symbolic links that `path` names, and where they lead.
    fn links(&self, path: &Path) -> Vec<(PathBuf, PathBuf)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
        if !has_wildcards(&Component::Normal(name)) {
            return self.link(path.to_owned()).into_iter().collect();
        }
        let (Ok(pattern), Ok(entries)) =
            (Pattern::parse(&name.to_string_lossy()), fs::read_dir(self.root.join(parent)))
        else {
            return Vec::new();
        };
        let start = pattern.start();
        let matches = |name: &str| pattern.accepts(&pattern.advance(&start, name));
        let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
        names.filter(|name| matches(&name.to_string_lossy())).filter_map(|name| self.link(parent.join(name))).collect()
    }

    fn link(&self, path: PathBuf) -> Option<(PathBuf, PathBuf)> {
        let link = fs::read_link(self.root.join(&path)).ok()?;
        let target = inside(&path.parent().unwrap_or(Path::new("")).join(link));
        Some((path, target))
    }
}

/// The path as one below the root, where `..` ends at the root.
fn inside(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::Normal(name) => clean.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    clean
}

fn has_wildcards(part: &Component<'_>) -> bool {
    let text = part.as_os_str().to_string_lossy();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn followed(links: &[(&str, &str)], paths: &[&str]) -> Option<Vec<String>> {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("d/e")).unwrap();
        for (link, target) in links {
            symlink(target, tree.path().join(link)).unwrap();
        }
        follow(tree.path(), &paths.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn links_are_sent_with_what_they_lead_to() {
        for (links, paths, expected) in [
            (&[][..], &["a", "/b/"][..], &["a", "b"][..]),
            (&[("l", "d/e")], &["l"], &["d/e", "l"]),
            (&[("l", "d")], &["l/x", "l/y"], &["d/x", "d/y", "l"]),
            (&[("d/l", "../../../outside")], &["d/l"], &["d/l", "outside"]),
            (&[("l", "/d/e")], &["l/x"], &["d/e/x", "l"]),
            (&[("one", "two"), ("two", "d")], &["one"], &["d", "one", "two"]),
            (&[("l1", "d"), ("l2", "d/e")], &["l*"], &["d", "d/e", "l*", "l1", "l2"]),
            (&[("l1", "d")], &["l*/x"], &["d/x", "l*/x", "l1"]),
            (&[("a", "b"), ("b", "a")], &["a"], &["a", "b"]),
        ] {
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            assert_eq!(followed(links, paths), Some(expected), "{links:?} {paths:?}");
        }
        assert_eq!(followed(&[("l", "l/x")], &["l"]).map(|found| found.len()), Some(1), "a circle ends");
    }

    #[test]
    fn the_root_means_everything() {
        for path in [".", "/", "", "a/.."] {
            assert_eq!(followed(&[], &["b", path]), None, "{path}");
        }
        assert_eq!(followed(&[("l", ".")], &["l"]), None);
    }
}
