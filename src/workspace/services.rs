//! What a project runs beside its own binary: the services' configuration, AI providers and extensions (protocol E.8,
//! E.9).
//!
//! Must not know what follows from a mistake: the checks do.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Project, WorkspaceError, yaml};
use crate::model::text;

/// The file that holds it all together, below the root.
pub const CONFIG: &str = "services/config/config.yaml";
/// Where AI providers are, where the first file does not have them.
const AI: &str = "services/ai/config.yaml";
/// The most files that are followed, and the most manifests that are read.
const MOST: usize = 200;

/// The services' configuration, as far as a deploy's checks need it.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// AI providers; absent where the project uses none.
    pub ai: Option<Ai>,
}

/// `ai`. Keys that stand in it are never shown.
#[derive(Clone, Deserialize)]
pub struct Ai {
    /// The one that is asked where nobody says which.
    pub default_provider: Option<String>,
    /// By their names.
    #[serde(default)]
    pub providers: BTreeMap<String, Option<Provider>>,
}

impl std::fmt::Debug for Ai {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ai").field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}

/// An AI provider.
#[derive(Clone, Deserialize)]
pub struct Provider {
    enabled: Option<bool>,
    api_key: Option<crate::model::Secret>,
}

/// Where a provider's key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// It stands in the file.
    File,
    /// One of these variables.
    Variables(Vec<String>),
    /// Nothing says so.
    Unknown,
}

impl Provider {
    /// True unless it is switched off.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Where its key comes from: what it says itself, else what the platform knows of a provider of that name.
    #[must_use]
    pub fn key(&self, name: &str) -> KeySource {
        let known: &[&str] = match name.to_ascii_lowercase().as_str() {
            "anthropic" => &["ANTHROPIC_API_KEY"],
            "openai" => &["OPENAI_API_KEY"],
            "gemini" | "google" => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            _ => &[],
        };
        let known = || known.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let set = self.api_key.as_ref().map(|key| key.reveal().trim()).filter(|key| !key.is_empty());
        match set.map(|key| key.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))) {
            Some(None) => KeySource::File,
            Some(Some(variable)) => {
                let name = variable.split(":-").next().unwrap_or_default().trim();
                let mut names = vec![text::short(name, 60)];
                // A project that asks for one of two names of the same key gets it under either.
                if known().contains(&names.concat()) {
                    names = known();
                }
                KeySource::Variables(names)
            }
            None if known().is_empty() => KeySource::Unknown,
            None => KeySource::Variables(known()),
        }
    }
}

#[derive(Deserialize)]
struct File {
    includes: Option<Vec<String>>,
    ai: Option<Ai>,
}

/// The project's; `None` where it has no such file. Blocks: small files only.
pub fn read(project: &Project) -> Result<Option<Services>, WorkspaceError> {
    let first = project.root.join(CONFIG);
    let Some(file) = yaml::file::<Option<File>>(&first)? else { return Ok(None) };
    let mut ai = None;
    if let Some(file) = file {
        ai = file.ai;
        let folder = first.parent().unwrap_or(&project.root);
        for include in file.includes.unwrap_or_default().iter().take(MOST) {
            let path = folder.join(include);
            let included = yaml::file::<Option<File>>(&path)?;
            let included = included.ok_or_else(|| WorkspaceError::DamagedYaml {
                path: first.clone(),
                why: format!("it includes {}, which is not there", text::short(include, 80)),
            })?;
            ai = ai.or(included.and_then(|file| file.ai));
        }
    }
    if ai.is_none() {
        ai = yaml::file::<Option<File>>(&project.root.join(AI))?.flatten().and_then(|file| file.ai);
    }
    Ok(Some(Services { ai }))
}

/// Files of which each is a part of its own, where the first file does not have it.
const PARTS: [(&str, &str); 4] = [
    ("ai", AI),
    ("web", "services/web/config.yaml"),
    ("content", "services/content/config.yaml"),
    ("skills", "services/skills/config.yaml"),
];

/// The whole configuration as it was written, included files put together. Blocks: small files only.
pub fn whole(project: &Project) -> Result<Map<String, Value>, WorkspaceError> {
    let first = project.root.join(CONFIG);
    let mut all = yaml::file::<Option<Map<String, Value>>>(&first)?.flatten().unwrap_or_default();
    let others = match all.remove("includes") {
        Some(Value::Array(includes)) => includes,
        _ => Vec::new(),
    };
    let folder = first.parent().unwrap_or(&project.root);
    for include in others.iter().filter_map(Value::as_str).take(MOST) {
        let included = yaml::file::<Option<Map<String, Value>>>(&folder.join(include))?.flatten();
        for (key, value) in included.unwrap_or_default() {
            put_together(all.entry(key).or_insert(Value::Null), value);
        }
    }
    all.remove("includes");
    for (key, path) in PARTS {
        if !all.contains_key(key)
            && let Some(part) = yaml::file::<Value>(&project.root.join(path))?
        {
            // One that has its name at the top is the same as one that has not.
            let part = part.get(key).cloned().unwrap_or(part);
            all.insert(key.to_owned(), part);
        }
    }
    Ok(all)
}

/// Adds what is new; what is there stays.
fn put_together(known: &mut Value, more: Value) {
    match (known, more) {
        (known @ Value::Null, more) => *known = more,
        (Value::Object(known), Value::Object(more)) => {
            for (key, value) in more {
                known.entry(key).or_insert(value);
            }
        }
        (Value::Array(known), Value::Array(more)) => known.extend(more),
        _ => {}
    }
}

/// An extension that brings a program of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its name, harmless.
    pub name: String,
    /// Its program's file name, harmless; `None` where it names none.
    pub binary: Option<String>,
    /// True where a deploy needs its program.
    pub is_deployed: bool,
}

/// The extensions of a project.
#[derive(Debug, Default)]
pub struct Extensions {
    /// Those that can be read, by the paths of their manifests.
    pub found: Vec<Extension>,
    /// What is wrong with the others.
    pub damaged: Vec<WorkspaceError>,
}

#[derive(Deserialize)]
struct Manifest {
    extension: Option<Entry>,
    #[serde(flatten)]
    bare: Entry,
}

#[derive(Default, Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    binary: Option<String>,
    enabled: Option<bool>,
    dev_only: Option<bool>,
}

/// The extensions below `extensions/`, one and two levels deep. Blocks: small files only.
#[must_use]
pub fn extensions(project: &Project) -> Extensions {
    let mut all = Extensions::default();
    let top = project.root.join("extensions");
    let mut places = folders(&top);
    places.extend(places.clone().iter().flat_map(|place| folders(place)));
    places.sort();
    for place in places.into_iter().take(MOST) {
        let path = place.join("manifest.yaml");
        match yaml::file::<Manifest>(&path) {
            Ok(None) => {}
            Ok(Some(manifest)) => {
                let entry = manifest.extension.unwrap_or(manifest.bare);
                let folder = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let is_mcp = entry.kind.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("mcp"));
                all.found.push(Extension {
                    name: text::short(entry.name.as_deref().unwrap_or(&folder), 60),
                    binary: entry.binary.map(|name| text::short(&name, 80)).filter(|name| !name.is_empty()),
                    is_deployed: is_mcp && entry.enabled.unwrap_or(true) && !entry.dev_only.unwrap_or(false),
                });
            }
            Err(error) => all.damaged.push(error),
        }
    }
    all
}

fn folders(place: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(api_key: Option<&str>) -> Provider {
        Provider { enabled: None, api_key: api_key.map(crate::model::Secret::new) }
    }

    #[test]
    fn where_a_key_comes_from() {
        let variables = |names: &[&str]| KeySource::Variables(names.iter().map(|name| (*name).to_owned()).collect());
        for (name, key, expected) in [
            ("anthropic", None, variables(&["ANTHROPIC_API_KEY"])),
            ("Google", None, variables(&["GEMINI_API_KEY", "GOOGLE_API_KEY"])),
            ("gemini", Some("${GOOGLE_API_KEY}"), variables(&["GEMINI_API_KEY", "GOOGLE_API_KEY"])),
            ("own", Some("${OWN_KEY:-}"), variables(&["OWN_KEY"])),
            ("own", Some("hunter2"), KeySource::File),
            ("own", None, KeySource::Unknown),
            ("openai", Some(" "), variables(&["OPENAI_API_KEY"])),
        ] {
            assert_eq!(provider(key).key(name), expected, "{name} {key:?}");
        }
    }
}
