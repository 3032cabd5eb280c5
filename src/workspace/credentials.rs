//! The stored login of a project (protocol E.2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

use super::{Project, WorkspaceError, aside, atomic, reading};
use crate::model::{Secret, secret, text};

/// The API that a login without an address belongs to (protocol A.1).
pub const PRODUCTION: &str = "https://api.systemprompt.io";

/// What must never be committed, one line of `.gitignore` each. The last ones are what a program that was killed in the middle
/// of writing one of the others leaves, and what of them was put aside.
pub(crate) const IGNORED: [&str; 7] = [
    "credentials.json",
    "tenants.json",
    "**/secrets.json",
    "**/*.pem",
    "**/.writing-*",
    aside::PATTERNS[0],
    aside::PATTERNS[1],
];

/// What an older login says about itself under another name, or of its own validity: never left beside a new one.
const OUTDATED: [&str; 5] = ["token", "email", "api_endpoint", "last_validated_at", "context"];

/// A login.
#[derive(Debug, Clone, Serialize)]
pub struct Credentials {
    /// The token.
    #[serde(rename = "api_token", serialize_with = "secret::expose")]
    pub token: Secret,
    /// The API it is for, as it was stored: not checked here.
    pub api_url: String,
    /// When the login happened, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<String>,
    /// The user's e-mail address.
    #[serde(rename = "user_email")]
    pub email: String,
    /// The user's id, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The context of the configuration that it is for; a login without one serves every context of its API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// All spellings that were ever written.
#[derive(Deserialize)]
struct Stored {
    api_token: Option<Secret>,
    token: Option<Secret>,
    api_url: Option<String>,
    api_endpoint: Option<String>,
    authenticated_at: Option<String>,
    user_email: Option<String>,
    email: Option<String>,
    user_id: Option<String>,
    context: Option<String>,
}

impl Credentials {
    /// Where a project keeps them.
    #[must_use]
    pub fn path(project: &Project) -> PathBuf {
        project.directory().join("credentials.json")
    }

    /// The stored login; `None` where nobody is logged in.
    pub fn read(project: &Project) -> Result<Option<Self>, WorkspaceError> {
        let path = Self::path(project);
        let Some(bytes) = reading::small_file(&path)? else { return Ok(None) };
        let damaged = |why: String| WorkspaceError::DamagedCredentials { path: path.clone(), why };
        // serde's own words may quote the value that it could not read, and that may be the token.
        let stored: Stored = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("not as expected in line {}, column {}", error.line(), error.column())))?;
        let first = |one: Option<String>, other: Option<String>| {
            one.or(other).map(|raw| text::line(raw.trim())).filter(|clean| !clean.is_empty())
        };
        let token = stored.api_token.or(stored.token).filter(|token| !token.reveal().trim().is_empty());
        Ok(Some(Self {
            token: token.ok_or_else(|| damaged("it has no token".to_owned()))?,
            api_url: first(stored.api_url, stored.api_endpoint).unwrap_or_else(|| PRODUCTION.to_owned()),
            authenticated_at: first(stored.authenticated_at, None),
            email: first(stored.user_email, stored.email)
                .ok_or_else(|| damaged("it has no e-mail address".to_owned()))?,
            user_id: first(stored.user_id, None),
            context: first(stored.context, None),
        }))
    }

    /// Stores the login, readable by its owner alone, and sees to it that git leaves it out. What another program wrote
    /// beside a login of the same user at the same API stays; a file that cannot be understood is put aside as `.bak`.
    /// Answers where that is now.
    pub fn write(&self, project: &Project) -> Result<Option<PathBuf>, WorkspaceError> {
        let path = Self::path(project);
        let failed = |cause| WorkspaceError::Write { path: path.clone(), cause };
        std::fs::create_dir_all(project.directory()).map_err(failed)?;
        // First, so that there is no moment in which the token could be committed.
        ignore(project, &IGNORED)?;
        let aside = if Self::read(project).is_err() { Some(aside::put(&path)?) } else { None };
        let mut fields = self.others(&path);
        let Ok(Value::Object(own)) = serde_json::to_value(self) else {
            return Err(failed(std::io::ErrorKind::InvalidData.into()));
        };
        fields.extend(own);
        let mut json = serde_json::to_vec_pretty(&fields).map_err(|error| failed(error.into()))?;
        json.push(b'\n');
        atomic::write(&path, &json, 0o600)?;
        Ok(aside)
    }

    /// What the file holds besides the login itself, where it is of the same user at the same API.
    fn others(&self, path: &Path) -> Map<String, Value> {
        let bytes = reading::small_file(path).ok().flatten().unwrap_or_default();
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&bytes) else { return Map::new() };
        let text = |keys: [&str; 2]| keys.into_iter().find_map(|key| fields.get(key)?.as_str());
        let api = text(["api_url", "api_endpoint"]).unwrap_or(PRODUCTION);
        let same = text(["user_email", "email"]) == Some(&self.email)
            && api.trim_end_matches('/') == self.api_url.trim_end_matches('/');
        if !same {
            return Map::new();
        }
        for key in OUTDATED {
            fields.remove(key);
        }
        fields
    }

    /// Puts a file aside that cannot be understood, and answers where it is now.
    ///
    /// # Errors
    /// Where it cannot be renamed.
    pub fn put_aside(project: &Project) -> Result<PathBuf, WorkspaceError> {
        // It may hold a token.
        ignore(project, &aside::PATTERNS)?;
        aside::put(&Self::path(project))
    }

    /// Forgets the login. Nothing to forget is no error.
    pub fn remove(project: &Project) -> Result<(), WorkspaceError> {
        let path = Self::path(project);
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(WorkspaceError::Write { path, cause }),
            _ => Ok(()),
        }
    }
}

/// Adds the lines that are missing to the directory's `.gitignore`; what is there stays.
pub(super) fn ignore(project: &Project, lines: &[&str]) -> Result<(), WorkspaceError> {
    let path = project.directory().join(".gitignore");
    let mut content = reading::small_file(&path)?.unwrap_or_default();
    let present = String::from_utf8_lossy(&content).into_owned();
    let has = |wanted: &str| present.lines().any(|line| line.trim_end() == wanted);
    let missing: Vec<_> = lines.iter().filter(|line| !has(line)).collect();
    if missing.is_empty() || has("*") {
        return Ok(());
    }
    if !content.is_empty() && !content.ends_with(b"\n") {
        content.push(b'\n');
    }
    for line in missing {
        content.extend_from_slice(line.as_bytes());
        content.push(b'\n');
    }
    atomic::write(&path, &content, 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(email: &str, api_url: &str) -> Credentials {
        Credentials {
            token: Secret::new("new"),
            api_url: api_url.to_owned(),
            authenticated_at: Some("2026-11-20T12:00:00Z".to_owned()),
            email: email.to_owned(),
            user_id: None,
            context: None,
        }
    }

    #[test]
    fn what_others_wrote_beside_the_same_login_stays_and_nothing_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        let path = Credentials::path(&project);
        std::fs::create_dir_all(project.directory()).expect("made");
        let old = r#"{"token": "old", "email": "mara@orchard.example", "tenant_id": "3f6c", "last_validated_at": "x"}"#;
        for (email, api, stays) in [
            ("mara@orchard.example", PRODUCTION, true),
            ("nils@harbour.example", PRODUCTION, false),
            ("mara@orchard.example", "https://h.example", false),
        ] {
            std::fs::write(&path, old).expect("written");
            login(email, api).write(&project).expect("written");
            let text = std::fs::read_to_string(&path).expect("read");
            assert_eq!(text.contains("3f6c"), stays, "{text}");
            assert!(!text.contains("old") && !text.contains("last_validated_at"), "{text}");
            let read = Credentials::read(&project).expect("read").expect("a login");
            assert_eq!((read.token.reveal(), read.email.as_str()), ("new", email));
        }
        std::fs::write(&path, "not JSON").expect("written");
        login("mara@orchard.example", PRODUCTION).write(&project).expect("replaced");
        assert!(Credentials::read(&project).is_ok_and(|read| read.is_some()));
    }
}
