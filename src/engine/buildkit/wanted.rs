//! What BuildKit asks for when it asks for files: which directory, and which of its files. It says so in the
//! metadata of the call.
//!
//! Must not know how the files are sent.

use percent_encoding::percent_decode_str;
use std::path::Path;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::follow;
use super::selection::Selection;
use crate::engine::ignore::IgnoreRules;

/// A call's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    directory: Directory,
    include: Vec<String>,
    exclude: Vec<String>,
    follow: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directory {
    /// What a `COPY` takes from.
    Context,
    /// The Dockerfile and its ignore file.
    Dockerfile,
}

impl Wanted {
    /// Reads the metadata. Only the two directories of a build are ever given.
    pub(super) fn read(metadata: &MetadataMap) -> Result<Self, Status> {
        let directory = match values(metadata, "dir-name").first().map(String::as_str) {
            Some("context") => Directory::Context,
            Some("dockerfile") => Directory::Dockerfile,
            _ => return Err(Status::not_found("there is no such directory in this session")),
        };
        Ok(Self {
            directory,
            include: values(metadata, "include-patterns"),
            exclude: values(metadata, "exclude-patterns"),
            follow: values(metadata, "followpaths"),
        })
    }

    /// Which files of the context are meant. `rules` stay out of every context, whatever is asked for. Blocks.
    pub(super) fn selection(&self, root: &Path, rules: &IgnoreRules, dockerfile: &str) -> Result<Selection, Status> {
        let bad = |_| Status::invalid_argument("a pattern cannot be understood");
        let mut excluded = Vec::new();
        if self.directory == Directory::Context {
            excluded.push(rules.clone());
        }
        if !self.exclude.is_empty() {
            excluded.push(IgnoreRules::from_patterns(&self.exclude).map_err(bad)?);
        }
        let wanted = match self.patterns(root, dockerfile) {
            Some(patterns) => Some(IgnoreRules::from_patterns(&patterns).map_err(bad)?),
            None => None,
        };
        Ok(Selection::new(excluded, wanted))
    }

    fn patterns(&self, root: &Path, dockerfile: &str) -> Option<Vec<String>> {
        // The directory of the Dockerfile is the context without its rules: nothing else may leave it.
        let own = [dockerfile.to_owned(), format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()];
        let follow = match self.directory {
            Directory::Context if self.include.is_empty() && self.follow.is_empty() => return None,
            Directory::Context => &self.follow,
            Directory::Dockerfile => return follow::follow(root, &own),
        };
        let mut patterns = self.include.clone();
        if !follow.is_empty() {
            patterns.extend(follow::follow(root, follow)?);
        }
        Some(patterns)
    }
}

/// All values of a key. Newer engines encode those that are not ASCII and say so.
fn values(metadata: &MetadataMap, key: &str) -> Vec<String> {
    let is_encoded = metadata.get(format!("{key}-encoded")).is_some_and(|value| {
        let text = value.as_encoded_bytes();
        text == b"1" || text.eq_ignore_ascii_case(b"true")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    metadata
        .get_all(key)
        .iter()
        .map(|value| text(value.as_encoded_bytes()))
        .map(|value| {
            let decoded = |value: &str| text(&percent_decode_str(&value.replace('+', " ")).collect::<Vec<u8>>());
            if is_encoded { decoded(&value) } else { value }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::buildkit::selection::tests::shown;
    use tonic::metadata::MetadataKey;

    fn metadata(pairs: &[(&str, &str)]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for (key, value) in pairs {
            metadata.append(MetadataKey::from_bytes(key.as_bytes()).unwrap(), value.parse().unwrap());
        }
        metadata
    }

    fn sent(pairs: &[(&str, &str)], rules: &str) -> Vec<String> {
        let tree = tempfile::tempdir().unwrap();
        for file in ["Dockerfile", ".dockerignore", ".env", "a", "b", "grün"] {
            std::fs::write(tree.path().join(file), "x").unwrap();
        }
        let wanted = Wanted::read(&metadata(pairs)).unwrap();
        let rules = IgnoreRules::parse(rules).unwrap();
        let selection = wanted.selection(tree.path(), &rules, "Dockerfile").unwrap();
        shown(tree.path(), &selection)
    }

    #[test]
    fn the_dockerfile_is_given_although_it_is_excluded_and_nothing_else_is() {
        let expected = [".dockerignore", "Dockerfile"];
        assert_eq!(sent(&[("dir-name", "dockerfile")], "**"), expected);
        assert_eq!(sent(&[("dir-name", "dockerfile"), ("followpaths", ".env")], "**"), expected);
    }

    #[test]
    fn what_the_ignore_file_excludes_is_never_given() {
        let asked = [("dir-name", "context"), ("followpaths", ".env"), ("followpaths", "a")];
        assert_eq!(sent(&asked, ".env"), ["a"]);
        assert_eq!(sent(&[("dir-name", "context"), ("exclude-patterns", "[a-z]*")], ".*"), ["Dockerfile"]);
        assert_eq!(sent(&[("dir-name", "context"), ("include-patterns", "?")], ""), ["a", "b"]);
    }

    #[test]
    fn encoded_patterns_are_decoded() {
        let asked = [("dir-name", "context"), ("followpaths", "gr%C3%BCn"), ("followpaths-encoded", "1")];
        assert_eq!(sent(&asked, ""), ["grün"]);
        assert_eq!(values(&metadata(&[("followpaths", "a%20b+c")]), "followpaths"), ["a%20b+c"]);
    }

    #[test]
    fn other_directories_are_refused() {
        for pairs in [&[][..], &[("dir-name", "/etc")][..], &[("dir-name", "")][..]] {
            assert_eq!(Wanted::read(&metadata(pairs)).unwrap_err().code(), tonic::Code::NotFound);
        }
    }
}
