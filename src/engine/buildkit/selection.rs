//! Which files of the context one call of BuildKit means: those that no rule excludes and, where some are asked for, that
//! are asked for.
//!
//! Must not know who asks, or what becomes of the files.

use crate::engine::context;
use crate::engine::ignore::{DirectoryVerdict, IgnoreRules, Inside};

/// Which paths below a directory are meant: those that no rule excludes and, where some are asked for, that are asked
/// for.
#[derive(Debug)]
pub(super) struct Selection {
    excluded: Vec<IgnoreRules>,
    wanted: Option<IgnoreRules>,
}

/// Where a selection stands inside a directory.
#[derive(Debug)]
pub(super) struct Place {
    excluded: Vec<Inside>,
    wanted: Option<Inside>,
}

impl Selection {
    /// Everything but what one of `excluded` excludes, and of that only what `wanted` matches.
    pub(super) fn new(excluded: Vec<IgnoreRules>, wanted: Option<IgnoreRules>) -> Self {
        Self { excluded, wanted }
    }
}

impl context::Selection for Selection {
    type Place = Place;

    fn root(&self) -> Place {
        Place {
            excluded: self.excluded.iter().map(IgnoreRules::root).collect(),
            wanted: self.wanted.as_ref().map(IgnoreRules::root),
        }
    }

    fn takes_file(&self, place: &Place, name: &str) -> bool {
        let mut rules = self.excluded.iter().zip(&place.excluded);
        !rules.any(|(rules, inside)| rules.excludes_file(inside, name))
            && self.wanted.iter().zip(&place.wanted).all(|(rules, inside)| rules.excludes_file(inside, name))
    }

    fn directory(&self, place: &Place, name: &str) -> (bool, Option<Place>) {
        let mut is_taken = true;
        let mut enter = |verdict: DirectoryVerdict| {
            is_taken &= !verdict.is_excluded;
            verdict.inside
        };
        let excluded: Option<Vec<Inside>> = self
            .excluded
            .iter()
            .zip(&place.excluded)
            .map(|(rules, inside)| enter(rules.directory(inside, name)))
            .collect();
        let Some(excluded) = excluded else { return (false, None) };
        let wanted = match (&self.wanted, &place.wanted) {
            (Some(rules), Some(inside)) => match enter(rules.directory_if_matched(inside, name)) {
                Some(inside) => Some(inside),
                None => return (false, None),
            },
            _ => None,
        };
        (is_taken, Some(Place { excluded, wanted }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::context::{Interrupted, Visitor};
    use std::fs::{self, Metadata};
    use std::path::Path;

    fn rules(patterns: &[&str]) -> IgnoreRules {
        IgnoreRules::from_patterns(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    fn paths(files: &[&str], excluded: &[&[&str]], wanted: Option<&[&str]>) -> Vec<String> {
        let tree = tempfile::tempdir().unwrap();
        for file in files {
            let path = tree.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        shown(tree.path(), &Selection::new(excluded.iter().map(|one| rules(one)).collect(), wanted.map(rules)))
    }

    /// What a walk shows.
    pub(in super::super) fn shown(root: &Path, selection: &Selection) -> Vec<String> {
        let mut shown = Shown(Vec::new());
        context::walk(root, selection, &mut shown).unwrap();
        shown.0
    }

    struct Shown(Vec<String>);

    impl Visitor for Shown {
        fn directory(&mut self, path: &Path, _: &Metadata) -> Result<(), Interrupted> {
            self.file(path)
        }
        fn link(&mut self, path: &Path, _: &Metadata, _: &Path) -> Result<(), Interrupted> {
            self.file(path)
        }
        fn file(&mut self, path: &Path) -> Result<(), Interrupted> {
            self.0.push(path.display().to_string());
            Ok(())
        }
    }

    #[test]
    fn only_what_is_wanted_and_not_excluded_is_shown() {
        let files = ["a/b/keep", "a/b/drop", "a/other", "c/d", "e"];
        assert_eq!(paths(&files, &[], Some(&["a/b", "e"])), ["a", "a/b", "a/b/drop", "a/b/keep", "e"]);
        assert_eq!(paths(&files, &[&["**/drop"]], Some(&["a/b"])), ["a", "a/b", "a/b/keep"]);
        assert_eq!(paths(&files, &[&["a"], &["c"]], None), ["e"]);
        assert_eq!(paths(&files, &[&["*", "!a/b/keep"]], None), ["a", "a/b", "a/b/keep"]);
        assert_eq!(paths(&files, &[], Some(&["*/d"])), ["c", "c/d"]);
        assert_eq!(paths(&files, &[], Some(&["missing"])), [""; 0]);
    }
}
