//! Changes to a file of secrets: what is not changed stays as it was written, in its order, and the file is either the
//! old or the new one (protocol E.1, E.5).
//!
//! A value is a [`Secret`] from the moment it is read. Must not know what the values are for.

use secrecy::{ExposeSecret, SecretBox};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{WorkspaceError, atomic, reading};
use crate::model::{Secret, database_url};

/// A file of secrets and the changes to it. Nothing is written before [`Self::write`].
#[derive(Debug, Clone)]
pub struct SecretsDraft {
    path: PathBuf,
    entries: Entries,
    changed_at: Option<SystemTime>,
}

impl SecretsDraft {
    /// Begins with what is at `path`, or with nothing. Blocks.
    ///
    /// # Errors
    /// A file that is there and cannot be understood: it must not be overwritten.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, WorkspaceError> {
        let path = path.into();
        let Some(bytes) = reading::small_file(&path)? else {
            return Ok(Self { path, entries: Entries::default(), changed_at: None });
        };
        let bytes = SecretBox::new(Box::new(bytes));
        // serde's own words quote what they could not read.
        let entries = serde_json::from_slice(bytes.expose_secret()).map_err(|error| {
            let why = format!("not an object in line {}, column {}", error.line(), error.column());
            WorkspaceError::DamagedSecrets { path: path.clone(), why }
        })?;
        let changed_at = fs::metadata(&path).and_then(|meta| meta.modified()).ok();
        Ok(Self { path, entries, changed_at })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When the file was changed last, before this; `None` where there was none.
    #[must_use]
    pub fn changed_at(&self) -> Option<SystemTime> {
        self.changed_at
    }

    /// A value; `None` also where it is empty or no text.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Secret> {
        let found = self.entries.0.iter().find(|(name, _)| name == key);
        match found {
            Some((_, Held::Text(value))) if !value.reveal().trim().is_empty() => Some(value),
            _ => None,
        }
    }

    /// Sets a value, in its place or at the end.
    pub fn set(&mut self, key: &str, value: &Secret) {
        self.entries.put(key.to_owned(), Held::Text(value.clone()));
    }

    /// Sets the address of a database, unless its password is masked and a whole one is there: that one could not be
    /// had again.
    pub fn set_address(&mut self, key: &str, url: &Secret) {
        let keeps = self.get(key).is_some_and(|known| !database_url::is_masked(known.reveal()));
        if !(keeps && database_url::is_masked(url.reveal())) {
            self.set(key, url);
        }
    }

    /// Sets a value where there is none.
    pub fn set_missing(&mut self, key: &str, value: &Secret) {
        if self.get(key).is_none() {
            self.set(key, value);
        }
    }

    /// Writes the file, for its owner alone. Blocks. What another program wrote there since [`Self::open`] is lost, so
    /// the two belong close together.
    pub fn write(&self) -> Result<(), WorkspaceError> {
        let failed = |cause| WorkspaceError::Write { path: self.path.clone(), cause };
        let mut json = serde_json::to_vec_pretty(&self.entries).map_err(|error| failed(error.into()))?;
        json.push(b'\n');
        let json = SecretBox::new(Box::new(json));
        // A link stays one: what it leads to is written.
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        atomic::write(&path, json.expose_secret(), 0o600)
    }
}

/// The members of the object, as they stand in the file.
#[derive(Debug, Clone, Default)]
struct Entries(Vec<(String, Held)>);

/// A value: text, or something else that is kept as it is.
#[derive(Clone)]
enum Held {
    Text(Secret),
    Other(Value),
}

// By hand: what is no text may hold some.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••")
    }
}

impl Entries {
    fn put(&mut self, key: String, value: Held) {
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, held)) => *held = value,
            None => self.0.push((key, value)),
        }
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Entries::default();
                while let Some((key, value)) = map.next_entry()? {
                    let value = match value {
                        Value::String(text) => Held::Text(Secret::new(text)),
                        other => Held::Other(other),
                    };
                    entries.put(key, value);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            match value {
                Held::Text(value) => map.serialize_entry(key, value.reveal())?,
                Held::Other(value) => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_in_the_file_stays(
            content in proptest::collection::btree_map("[a-z_]{1,8}", any::<Option<String>>(), 0..8),
            key in "[a-z_]{1,8}",
            value in any::<String>(),
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("secrets.json");
            fs::write(&path, serde_json::to_vec(&content).expect("json")).expect("written");
            let mut draft = SecretsDraft::open(&path).expect("a draft");
            draft.set(&key, &Secret::new(value.clone()));
            draft.write().expect("written");
            let read: std::collections::BTreeMap<String, Option<String>> =
                serde_json::from_slice(&fs::read(&path).expect("read")).expect("json");
            let mut expected = content;
            expected.insert(key, Some(value));
            prop_assert_eq!(read, expected);
        }
    }

    fn draft(content: Option<&str>) -> (tempfile::TempDir, SecretsDraft) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.json");
        if let Some(content) = content {
            fs::write(&path, content).expect("written");
        }
        let draft = SecretsDraft::open(path).expect("a draft");
        (folder, draft)
    }

    #[test]
    fn what_is_not_changed_stays_in_its_order() {
        let content =
            r#"{"zeta": "z", "database_url": "old", "nested": {"b": 1, "a": [true]}, "gemini": null, "my_key": "k"}"#;
        let (_folder, mut draft) = draft(Some(content));
        draft.set("database_url", &Secret::new("new"));
        draft.set("jwt_secret", &Secret::new("j"));
        draft.set_missing("zeta", &Secret::new("other"));
        draft.set_missing("gemini", &Secret::new("g"));
        draft.write().expect("written");
        let written = fs::read_to_string(draft.path()).expect("readable");
        let places: Vec<_> = [
            "\"zeta\": \"z\"",
            "\"database_url\": \"new\"",
            "\"nested\"",
            "\"gemini\": \"g\"",
            "\"my_key\"",
            "\"jwt_secret\"",
        ]
        .into_iter()
        .map(|part| written.find(part).expect(part))
        .collect();
        assert!(places.is_sorted(), "{written}");
        assert!(written.starts_with("{\n  \"zeta\"") && written.ends_with("}\n"), "{written}");
    }

    #[test]
    fn a_masked_address_never_replaces_a_whole_one() {
        let (_folder, mut draft) =
            draft(Some(r#"{"whole": "postgres://t:h8T@h/d", "masked": "postgres://t:***@h/d"}"#));
        let masked = Secret::new("postgres://t:********@h/other");
        for key in ["whole", "masked", "absent"] {
            draft.set_address(key, &masked);
        }
        assert_eq!(draft.get("whole").map(Secret::reveal), Some("postgres://t:h8T@h/d"));
        assert_eq!(draft.get("masked"), Some(&masked));
        assert_eq!(draft.get("absent"), Some(&masked));
        draft.set_address("whole", &Secret::new("postgres://t:Qm4@h/d"));
        assert_eq!(draft.get("whole").map(Secret::reveal), Some("postgres://t:Qm4@h/d"));
    }

    #[test]
    fn a_damaged_file_is_told_without_its_values_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.json");
        for content in [r#"{"a": "hunter2""#, r#""hunter2""#, r#"["hunter2"]"#, "{\"a\": hunter2}", ""] {
            fs::write(&path, content).expect("written");
            let error = SecretsDraft::open(&path).expect_err(content);
            assert!(!format!("{error} {error:?} {}", error.problem()).contains("hunter2"), "{error}");
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), Some(content));
        }
    }

    #[test]
    fn values_are_not_in_debug() {
        let (_folder, draft) = draft(Some(r#"{"a": "hunter2", "b": {"c": "hunter2"}}"#));
        assert!(!format!("{draft:?}").contains("hunter2"));
    }

    #[test]
    #[cfg(unix)]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, draft) = draft(None);
        assert_eq!(draft.changed_at(), None);
        draft.write().expect("written");
        let mode = fs::metadata(draft.path()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_to_string(draft.path()).ok().as_deref(), Some("{}\n"));
    }
}
