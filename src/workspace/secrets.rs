//! A profile's secrets and the environment that a tenant gets from them (protocol E.5, E.6).
//!
//! A value is a [`Secret`] from the moment it is read. Must not know where it is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretBox};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use super::{Profile, WorkspaceError, reading};
use crate::model::{Secret, database_url, text};

/// Keys whose variable is not their upper-cased name.
const NAMED: [(&str, &str); 4] = [
    ("anthropic", "ANTHROPIC_API_KEY"),
    ("openai", "OPENAI_API_KEY"),
    ("gemini", "GEMINI_API_KEY"),
    ("github", "GITHUB_TOKEN"),
];
/// The database as the tenant's machine reaches it, the better one first.
const DATABASE: [&str; 2] = ["internal_database_url", "database_url"];
/// Variables that the platform sets itself.
const MANAGED: [&str; 2] = ["FLY_APP_NAME", "FLY_MACHINE_ID"];
/// Variables that the platform knows; all others are listed in [`CUSTOM`].
const STANDARD_NAMES: [&str; 7] = [
    "OAUTH_AT_REST_PEPPER",
    "JWT_SECRET",
    "DATABASE_URL",
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "GITHUB_TOKEN",
];
/// The variable that lists the others.
const CUSTOM: &str = "SYSTEMPROMPT_CUSTOM_SECRETS";
/// The variable of the signing key.
const SIGNING_KEY: &str = "SIGNING_KEY_PEM";
/// The longest name of a variable, bytes (protocol G.6).
const NAME: usize = 128;

/// A profile's `secrets.json`.
#[derive(Debug, Clone, Default)]
pub struct SecretsFile {
    values: BTreeMap<String, Secret>,
    /// True where others than its owner may read it.
    pub is_open: bool,
}

/// What a tenant gets from a profile.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Variables and their values, the list of the custom ones among them.
    pub variables: BTreeMap<String, Secret>,
    /// How many of them are secrets: all but the list.
    pub secrets: usize,
    /// False where the profile has no `secrets.json`.
    pub has_file: bool,
    /// Keys that cannot be the name of a variable, and are not sent. Harmless text.
    pub unusable: Vec<String>,
}

impl SecretsFile {
    /// The profile's; `None` where it has none. Blocks.
    pub fn read(profile: &Profile) -> Result<Option<Self>, WorkspaceError> {
        let path = profile.secrets_file();
        let Some(bytes) = secret_bytes(&path)? else { return Ok(None) };
        // serde's own words quote what they could not read.
        let Values(values) = serde_json::from_slice(bytes.expose_secret()).map_err(|error| {
            let why = format!("not a flat object of strings in line {}, column {}", error.line(), error.column());
            WorkspaceError::DamagedSecrets { path: path.clone(), why }
        })?;
        Ok(Some(Self { values, is_open: is_open(&path) }))
    }

    /// A value; `None` also where it is null or empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Secret> {
        self.values.get(key)
    }

    /// The variables that a tenant gets from it.
    #[must_use]
    pub fn environment(&self) -> Environment {
        let mut found = Environment { has_file: true, ..Environment::default() };
        let special: BTreeSet<&str> = NAMED.iter().map(|(key, _)| *key).chain(DATABASE).collect();
        for (key, variable) in NAMED {
            self.put(&mut found, key, variable);
        }
        // One without its password must not take the place of a whole one, here or on the server.
        for key in DATABASE.into_iter().filter(|key| !self.is_masked(key)) {
            self.put(&mut found, key, "DATABASE_URL");
        }
        for key in self.values.keys().filter(|key| !special.contains(key.as_str())) {
            let variable = key.to_ascii_uppercase();
            if !is_variable(&variable) {
                found.unusable.push(text::short(key, 60));
            } else if !MANAGED.contains(&variable.as_str()) {
                self.put(&mut found, key, &variable);
            }
        }
        found.secrets = found.variables.len();
        let custom: Vec<&str> =
            found.variables.keys().map(String::as_str).filter(|name| !STANDARD_NAMES.contains(name)).collect();
        if !custom.is_empty() {
            let list = Secret::new(custom.join(","));
            found.variables.insert(CUSTOM.to_owned(), list);
        }
        found
    }

    fn is_masked(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|url| database_url::is_masked(url.reveal()))
    }

    /// The first value for a variable stays: the keys that the platform knows come first, then exact names.
    fn put(&self, found: &mut Environment, key: &str, variable: &str) {
        if let Some(value) = self.values.get(key) {
            found.variables.entry(variable.to_owned()).or_insert_with(|| value.clone());
        }
    }
}

/// Everything that the tenant gets from the profile: its secrets and its signing key. Blocks.
pub fn environment(profile: &Profile) -> Result<Environment, WorkspaceError> {
    let mut found = SecretsFile::read(profile)?.map(|file| file.environment()).unwrap_or_default();
    if !found.variables.contains_key(SIGNING_KEY)
        && let Some(key) = signing_key(profile)?
    {
        found.variables.insert(SIGNING_KEY.to_owned(), key);
        found.secrets += 1;
    }
    Ok(found)
}

/// The signing key's file in base64, as the tenant gets it; `None` where there is none. Blocks.
pub fn signing_key(profile: &Profile) -> Result<Option<Secret>, WorkspaceError> {
    let path = profile.signing_key_file();
    let Some(bytes) = secret_bytes(&path)? else { return Ok(None) };
    let content = bytes.expose_secret();
    if !content.windows(5).any(|part| part == b"-----") || !holds(content, b"PRIVATE KEY") {
        return Err(WorkspaceError::DamagedSecrets { path, why: "it holds no private key".to_owned() });
    }
    Ok(Some(Secret::new(STANDARD.encode(content))))
}

/// True where others than its owner may read the file. Blocks.
#[must_use]
pub fn is_open(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = (path, fs::metadata);
        false
    }
}

fn secret_bytes(path: &Path) -> Result<Option<SecretBox<Vec<u8>>>, WorkspaceError> {
    Ok(reading::small_file(path)?.map(|bytes| SecretBox::new(Box::new(bytes))))
}

fn holds(content: &[u8], wanted: &[u8]) -> bool {
    content.windows(wanted.len()).any(|part| part == wanted)
}

fn is_variable(name: &str) -> bool {
    name.len() <= NAME
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The strings of a flat object that are not empty.
struct Values(BTreeMap<String, Secret>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, Entry>::deserialize(deserializer)?;
        let values = entries.into_iter().filter_map(|(key, Entry(value))| Some((key, value?)));
        Ok(Self(values.filter(|(_, value)| !value.reveal().is_empty()).collect()))
    }
}

/// A value, where it is a string. Anything else is skipped without being looked at (protocol E.6).
struct Entry(Option<Secret>);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Entry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or null")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Entry, E> {
                Ok(Entry(Some(Secret::new(value))))
            }
            fn visit_string<E: de::Error>(self, value: String) -> Result<Entry, E> {
                Ok(Entry(Some(Secret::new(value))))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Entry, E> {
                Ok(Entry(None))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Entry, E> {
                Ok(Entry(None))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Entry, E> {
                Ok(Entry(None))
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Entry, E> {
                Ok(Entry(None))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Entry, E> {
                Ok(Entry(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entry, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entry(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Entry(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment_of(json: &str) -> Vec<(String, String)> {
        let Values(values) = serde_json::from_str(json).expect(json);
        let found = SecretsFile { values, is_open: false }.environment();
        found.variables.into_iter().map(|(name, value)| (name, value.reveal().to_owned())).collect()
    }

    #[test]
    fn every_row_of_the_mapping() {
        for (json, expected) in [
            ("{}", &[][..]),
            (r#"{"anthropic": "a"}"#, &[("ANTHROPIC_API_KEY", "a")]),
            (r#"{"openai": "o"}"#, &[("OPENAI_API_KEY", "o")]),
            (r#"{"gemini": "g"}"#, &[("GEMINI_API_KEY", "g")]),
            (r#"{"github": "h"}"#, &[("GITHUB_TOKEN", "h")]),
            (r#"{"database_url": "outer"}"#, &[("DATABASE_URL", "outer")]),
            (r#"{"internal_database_url": "inner"}"#, &[("DATABASE_URL", "inner")]),
            (r#"{"database_url": "outer", "internal_database_url": "inner"}"#, &[("DATABASE_URL", "inner")]),
            (r#"{"DATABASE_URL": "odd", "internal_database_url": "inner"}"#, &[("DATABASE_URL", "inner")]),
            (r#"{"database_url": "outer", "internal_database_url": ""}"#, &[("DATABASE_URL", "outer")]),
            (
                r#"{"database_url": "postgres://t:p@h/d", "internal_database_url": "postgres://t:***@h/d"}"#,
                &[("DATABASE_URL", "postgres://t:p@h/d")],
            ),
            (r#"{"database_url": "postgres://t:********@h/d"}"#, &[]),
            (r#"{"jwt_secret": "j"}"#, &[("JWT_SECRET", "j")]),
            (r#"{"oauth_at_rest_pepper": "p"}"#, &[("OAUTH_AT_REST_PEPPER", "p")]),
            (r#"{"my_flag": "1"}"#, &[("MY_FLAG", "1"), (CUSTOM, "MY_FLAG")]),
            (
                r#"{"zeta": "z", "alpha": "a", "openai": "o"}"#,
                &[("ALPHA", "a"), ("OPENAI_API_KEY", "o"), (CUSTOM, "ALPHA,ZETA"), ("ZETA", "z")],
            ),
            (
                r#"{"external_database_url": "e", "signing_key_pem": "k"}"#,
                &[
                    ("EXTERNAL_DATABASE_URL", "e"),
                    (SIGNING_KEY, "k"),
                    (CUSTOM, "EXTERNAL_DATABASE_URL,SIGNING_KEY_PEM"),
                ],
            ),
            (r#"{"a": null, "b": "", "c": 5, "d": true, "e": ["x"], "f": {"g": "x"}, "h": -1.5}"#, &[]),
            (r#"{"fly_app_name": "x", "FLY_MACHINE_ID": "y"}"#, &[]),
            (r#"{"token": "small", "TOKEN": "exact"}"#, &[(CUSTOM, "TOKEN"), ("TOKEN", "exact")]),
            (r#"{"my-key": "x", "1st": "x", "": "x", "schlüssel": "x", "_a": "x"}"#, &[]),
        ] {
            let expected: Vec<(String, String)> =
                expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(environment_of(json), expected, "{json}");
        }
    }

    #[test]
    fn names_that_cannot_be_variables_are_told() {
        let Values(values) = serde_json::from_str(r#"{"my-key": "hunter2", "ok": "x"}"#).expect("read");
        let found = SecretsFile { values, is_open: false }.environment();
        assert_eq!((found.unusable, found.secrets), (vec!["my-key".to_owned()], 1));
    }
}
