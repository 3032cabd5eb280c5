//! The stored login of a project (protocol E.2).

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use super::{Project, WorkspaceError, atomic, reading};
use crate::model::{Secret, secret, text};

/// The API that a login without an address belongs to (protocol A.1).
pub const PRODUCTION: &str = "https://api.systemprompt.io";

/// What must never be committed, one line of `.gitignore` each.
const IGNORED: [&str; 4] = ["credentials.json", "tenants.json", "**/secrets.json", "**/*.pem"];

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
        }))
    }

    /// Stores the login, readable by its owner alone, and sees to it that git leaves it out.
    pub fn write(&self, project: &Project) -> Result<(), WorkspaceError> {
        let path = Self::path(project);
        let failed = |cause| WorkspaceError::Write { path: path.clone(), cause };
        std::fs::create_dir_all(project.directory()).map_err(failed)?;
        // First, so that there is no moment in which the token could be committed.
        ignore(project, &IGNORED)?;
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        json.push(b'\n');
        atomic::write(&path, &json, 0o600)
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
