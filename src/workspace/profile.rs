//! The profiles of a project: under which settings it runs on which tenant (protocol E.1, E.4).
//!
//! Reads only what a deploy and its checks need; the platform reads the rest. Must not know secrets' values.

use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Project, WorkspaceError, reading, yaml};
use crate::model::{TenantId, text};

/// Where the profiles are, below the root.
const PLACE: &str = ".systemprompt/profiles";
/// A profile's file.
pub(super) const FILE: &str = "profile.yaml";
/// Where an image keeps the profiles (protocol E.7).
const IN_IMAGE: &str = "/app/services/profiles";
/// The longest name of a profile, bytes.
pub const NAME: usize = 64;

/// A profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name: that of its directory. Letters, digits, `.`, `-` and `_`.
    pub name: String,
    /// Its directory.
    pub directory: PathBuf,
    /// What its file says.
    pub settings: Settings,
}

/// A profile's file, as far as it matters here. Text is as it was written: `text` before it is shown.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Settings {
    /// `name`
    pub name: Option<String>,
    /// `cloud` or `local`.
    pub target: Option<String>,
    /// `database`
    pub database: Option<Database>,
    /// `server`
    pub server: Option<Server>,
    /// `cloud`
    pub cloud: Option<Cloud>,
    /// `secrets`
    pub secrets: Option<Secrets>,
    /// `security`
    pub security: Option<Security>,
    /// `extensions`
    pub extensions: Option<Extensions>,
    /// `governance`
    pub governance: Option<Governance>,
}

/// `database`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Database {
    /// `postgres`
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// `server`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Server {
    /// `0.0.0.0`
    pub host: Option<String>,
    /// A number, or a placeholder.
    pub port: Option<Port>,
    /// The tenant's address.
    pub api_server_url: Option<String>,
    /// The tenant's address as the world sees it.
    pub api_external_url: Option<String>,
    /// The tenant's address inside its machine.
    pub api_internal_url: Option<String>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Option<Vec<String>>,
}

/// `server.port`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Port {
    /// 1 to 65535 where it is right.
    Number(i64),
    /// `${PORT}` where it is right.
    Text(String),
}

/// `cloud`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cloud {
    /// Whose profile it is.
    pub tenant_id: Option<String>,
}

/// `secrets`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Secrets {
    /// Relative to the profile's directory.
    pub secrets_path: Option<String>,
    /// `env` or `file`.
    pub source: Option<String>,
}

/// `security`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Security {
    /// Relative to the profile's directory.
    pub signing_key_path: Option<String>,
}

/// `extensions`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Extensions {
    /// Names that are switched off.
    pub disabled: Option<Vec<String>>,
}

/// `governance`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Governance {
    /// Who decides; its form changed between versions, so it is kept as it is.
    pub authz: Option<serde_json::Value>,
}

impl Profile {
    /// Its file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// Its own Dockerfile below the project's root, with `/` between the parts; `None` where it uses the project's.
    #[must_use]
    pub fn dockerfile(&self) -> Option<String> {
        let own = "docker/Dockerfile";
        self.directory.join(own).is_file().then(|| format!("{PLACE}/{}/{own}", self.name))
    }

    /// Where its secrets are: beside it, unless it says otherwise.
    #[must_use]
    pub fn secrets_file(&self) -> PathBuf {
        let set = self.settings.secrets.as_ref().and_then(|secrets| secrets.secrets_path.as_deref());
        self.beside(set, "secrets.json")
    }

    /// Where its signing key is: beside it, unless it says otherwise.
    #[must_use]
    pub fn signing_key_file(&self) -> PathBuf {
        let set = self.settings.security.as_ref().and_then(|security| security.signing_key_path.as_deref());
        self.beside(set, "signing_key.pem")
    }

    /// Where its file is inside the image.
    #[must_use]
    pub fn path_in_image(&self) -> String {
        format!("{IN_IMAGE}/{}/{FILE}", self.name)
    }

    /// The tenant that it names; `None` where it names none, or only a placeholder.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        let named = self.settings.cloud.as_ref()?.tenant_id.as_deref()?.trim();
        TenantId::new(named).ok()
    }

    /// True for a profile of a database and a server on the developer's own machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.settings.target.as_deref().is_some_and(|target| target.trim().eq_ignore_ascii_case("local"))
    }

    fn beside(&self, set: Option<&str>, ordinary: &str) -> PathBuf {
        let set = set.map(str::trim).filter(|set| !set.is_empty()).unwrap_or(ordinary);
        self.directory.join(set.strip_prefix("./").unwrap_or(set))
    }
}

/// The profile called `name`, else the one that names the tenant, else none. Blocks: small files only.
pub fn of_tenant(project: &Project, tenant: &TenantId, name: Option<&str>) -> Result<Option<Profile>, WorkspaceError> {
    if let Some(name) = name {
        return named(project, name).map(Some);
    }
    let mut found: Vec<Profile> = Vec::new();
    let mut damaged = None;
    for name in names(project)? {
        match read(project, &name) {
            Ok(Some(profile)) if profile.tenant().as_ref() == Some(tenant) => found.push(profile),
            Ok(_) => {}
            Err(error) if may_name(project, &name, tenant) => damaged = damaged.or(Some(error)),
            Err(error) => tracing::warn!(%error, "a profile of something else is left out"),
        }
    }
    match (found.len(), damaged) {
        (0, None) => Ok(None),
        (0, Some(error)) => Err(error),
        (1, _) => Ok(found.pop()),
        _ => Err(WorkspaceError::AmbiguousProfile { names: found.into_iter().map(|profile| profile.name).collect() }),
    }
}

/// The profile called `name`. Blocks.
pub fn named(project: &Project, name: &str) -> Result<Profile, WorkspaceError> {
    let read = if is_name(name) { read(project, name)? } else { None };
    read.map_or_else(
        || {
            let path = project.root.join(PLACE);
            Err(WorkspaceError::NoProfile { name: text::short(name, NAME), path, known: names(project)? })
        },
        Ok,
    )
}

/// The names of all profiles, sorted. Blocks.
pub fn names(project: &Project) -> Result<Vec<String>, WorkspaceError> {
    let place = project.root.join(PLACE);
    let entries = match fs::read_dir(&place) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(cause) => return Err(WorkspaceError::Read { path: place, cause }),
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_name(name) && place.join(name).join(FILE).exists())
        .collect();
    names.sort();
    Ok(names)
}

/// A name that is one directory and fits into a path of the image.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=NAME).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Everything that the profile's file says, what this version does not know among it. Blocks.
pub fn raw(profile: &Profile) -> Result<serde_json::Value, WorkspaceError> {
    Ok(yaml::file(&profile.file())?.unwrap_or_default())
}

/// Where the profiles of a project are.
#[must_use]
pub fn place(project: &Project) -> PathBuf {
    project.root.join(PLACE)
}

fn read(project: &Project, name: &str) -> Result<Option<Profile>, WorkspaceError> {
    let directory = project.root.join(PLACE).join(name);
    let settings: Option<Settings> = yaml::file(&directory.join(FILE))?;
    Ok(settings.map(|settings| Profile { name: name.to_owned(), directory, settings }))
}

/// Whether a file that cannot be understood may be about this tenant: only then does it stand in the way.
fn may_name(project: &Project, name: &str, tenant: &TenantId) -> bool {
    let path: &Path = &project.root.join(PLACE).join(name).join(FILE);
    match reading::small_file(path).map(|bytes| bytes.map(String::from_utf8)) {
        Ok(Some(Ok(content))) => content.contains('\0') || content.contains(tenant.as_str()),
        _ => true,
    }
}
