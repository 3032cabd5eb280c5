//! Which files of a project reach its build context, asked without sending anything.
//!
//! Must not know why somebody asks.

use std::fs;
use std::path::{Path, PathBuf};

use super::context::BuildContext;
use super::error::EngineError;
use super::ignore::{IgnoreRules, Inside};

/// What would be sent for a build.
#[derive(Debug)]
pub struct Sent {
    root: PathBuf,
    rules: IgnoreRules,
}

impl Sent {
    /// Reads the ignore file that counts for this Dockerfile. Blocks: small files only.
    pub fn read(root: &Path, dockerfile: &str) -> Result<Self, EngineError> {
        Ok(Self { root: root.to_owned(), rules: BuildContext::open(root, dockerfile)?.into_rules() })
    }

    /// The same with the text of an ignore file; `None` for one that Docker would refuse.
    #[must_use]
    pub fn by_rules(root: &Path, text: &str) -> Option<Self> {
        Some(Self { root: root.to_owned(), rules: IgnoreRules::parse(text).ok()? })
    }

    /// True when the file `path`, one below the root with `/` between its parts, is sent.
    #[must_use]
    pub fn has_file(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.enter(folder).is_some_and(|inside| !self.rules.excludes_file(&inside, name))
    }

    /// True when the directory `path` or anything below it may be sent; `""` is the root.
    #[must_use]
    pub fn has_folder(&self, path: &str) -> bool {
        self.enter(path).is_some()
    }

    fn enter(&self, folder: &str) -> Option<Inside> {
        let mut inside = self.rules.root();
        for name in folder.split('/').filter(|name| !name.is_empty()) {
            inside = self.rules.directory(&inside, name).inside?;
        }
        Some(inside)
    }

    /// The files below `folder` that are sent and that `wanted` takes, by their paths below the root. Links are not
    /// followed; directories that `skipped` names are left out. Looks at no more than `most` names. Blocks.
    pub fn files(
        &self,
        folder: &str,
        skipped: &[&str],
        most: usize,
        wanted: &mut dyn FnMut(&str) -> bool,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let mut left = most;
        let mut waiting: Vec<(String, Inside)> =
            self.enter(folder).map(|at| (folder.to_owned(), at)).into_iter().collect();
        while let Some((folder, inside)) = waiting.pop() {
            for entry in fs::read_dir(self.root.join(&folder)).into_iter().flatten().flatten() {
                let Some(remaining) = left.checked_sub(1) else { return found };
                left = remaining;
                let (name, Ok(kind)) = (entry.file_name(), entry.file_type()) else { continue };
                let name = name.to_string_lossy();
                let path = if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
                if kind.is_dir() {
                    if !skipped.contains(&name.as_ref())
                        && let Some(below) = self.rules.directory(&inside, &name).inside
                    {
                        waiting.push((path, below));
                    }
                } else if wanted(&path) && !self.rules.excludes_file(&inside, &name) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_sent_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, content: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        put("Dockerfile", "FROM scratch");
        put(".dockerignore", "a\n!a/keep\n**/secret\nonly/*\n");
        for path in ["a/b", "a/keep", "c/secret", "c/d", "skip/x", "only/e"] {
            put(path, "");
        }
        let sent = Sent::read(folder.path(), "Dockerfile").unwrap();
        assert_eq!(sent.files("", &["skip"], 1000, &mut |_| true), [".dockerignore", "Dockerfile", "a/keep", "c/d"]);
        assert_eq!(sent.files("c", &[], 1000, &mut |path| path.ends_with('d')), ["c/d"]);
        assert!(sent.files("nowhere", &[], 1000, &mut |_| true).is_empty());
        assert!(sent.has_file("a/keep") && !sent.has_file("a/b") && !sent.has_file("c/secret"));
        assert!(sent.has_folder("a") && sent.has_folder("") && !sent.has_folder("a/other"));
        assert!(Sent::read(folder.path(), "nowhere").is_err());
    }
}
