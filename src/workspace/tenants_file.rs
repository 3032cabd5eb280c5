//! The project's list of tenants, as far as it names databases on this machine (protocol E.3).
//!
//! Read here, and changed in `tenants_change.rs`: other programs write it too, and what cannot be understood must not be
//! lost by writing it anew.

use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;

use super::{Project, WorkspaceError, reading};
use crate::model::{LocalTenant, Secret, TenantId, lenient, text};

/// What a local tenant's id begins with.
pub(super) const PREFIX: &str = "local_";

#[derive(Deserialize)]
struct Stored {
    tenants: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    id: TenantId,
    name: String,
    #[serde(default)]
    database_url: Option<Secret>,
    #[serde(default)]
    docker_project: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    unfinished: bool,
}

/// Where a project keeps it.
#[must_use]
pub fn path(project: &Project) -> PathBuf {
    project.directory().join("tenants.json")
}

/// The local tenants of the project, in the file's order. None where there is no such file. Blocks.
///
/// # Errors
/// A file that cannot be read or understood, also where only one local entry cannot: who is told of a list must be able
/// to rely on it.
pub fn local_tenants(project: &Project) -> Result<Vec<LocalTenant>, WorkspaceError> {
    let path = path(project);
    let Some(bytes) = reading::small_file(&path)? else { return Ok(Vec::new()) };
    let damaged = |why: String| WorkspaceError::DamagedTenants { path: path.clone(), why };
    // serde's own words may quote the value that it could not read, and that may be a password.
    let Stored { tenants } = serde_json::from_slice(&bytes)
        .map_err(|error| damaged(format!("not as expected in line {}, column {}", error.line(), error.column())))?;
    let mut found = Vec::new();
    for (at, entry) in tenants.into_iter().enumerate() {
        if !is_local(&entry) {
            continue;
        }
        let entry: Entry =
            serde_json::from_value(entry).map_err(|_| damaged(format!("entry {} is not a tenant's", at + 1)))?;
        let clean = |raw: Option<String>| raw.map(|raw| text::line(raw.trim())).filter(|clean| !clean.is_empty());
        let name = clean(Some(entry.name)).ok_or_else(|| damaged(format!("entry {} has no name", at + 1)))?;
        found.push(LocalTenant {
            id: entry.id,
            name,
            database_url: entry.database_url.filter(|url| !url.reveal().trim().is_empty()),
            docker_project: clean(entry.docker_project),
            created_at: clean(entry.created_at),
            unfinished: entry.unfinished,
        });
    }
    Ok(found)
}

/// Ids and names of all tenants of the list, of the cloud and on this machine, for whoever completes a word: what cannot be
/// read is left out, and so is one that the account has no more. Blocks.
#[must_use]
pub fn names(project: &Project) -> Vec<(String, String)> {
    let bytes = reading::small_file(&path(project)).ok().flatten().unwrap_or_default();
    let entries = serde_json::from_slice::<Stored>(&bytes).map(|stored| stored.tenants).unwrap_or_default();
    let word = |entry: &Value, key: &str| {
        let word = text::line(entry.get(key)?.as_str()?.trim());
        Some(word).filter(|word| !word.is_empty())
    };
    let is_there = |entry: &&Value| entry.get("gone").and_then(Value::as_bool) != Some(true);
    entries.iter().filter(is_there).filter_map(|entry| Some((word(entry, "id")?, word(entry, "name")?))).collect()
}

/// By its type, under either name; else by its id.
pub(super) fn is_local(entry: &Value) -> bool {
    let word = |key: &str| entry.get(key).and_then(Value::as_str);
    match word("tenant_type").or_else(|| word("type")) {
        Some(word) => word.eq_ignore_ascii_case("local"),
        None => word("id").is_some_and(|id| id.starts_with(PREFIX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<LocalTenant>, WorkspaceError> {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        std::fs::create_dir_all(project.directory()).expect("a directory");
        std::fs::write(path(&project), content).expect("written");
        let read = local_tenants(&project);
        assert_eq!(std::fs::read_to_string(path(&project)).ok().as_deref(), Some(content));
        read
    }

    #[test]
    fn local_entries_are_read_and_others_passed_over() {
        let found = read(
            r#"{"tenants": [
              {"id": "3f6c1b8e-52d4", "name": "3f6c1b8e52d4", "tenant_type": "cloud", "region": "fra",
               "internal_database_url": "postgres://tenant:h8T@sp-postgres.internal/site"},
              {"id": "local_9d2f0b7c-4a51", "name": "local", "tenant_type": "local", "docker_project": "local_19b9",
               "external_db_access": false, "database_url": "postgres://systemprompt:0f9c@localhost:5432/systemprompt"},
              {"id": "old", "name": "old\u001b[2J", "type": "local", "created_at": "2025-12-30T10:00:00Z"},
              {"id": "local_1a2b", "name": "by id", "database_url": ""},
              {"id": "../odd", "name": 5, "type": "cloud"}, "odd"],
             "synced_at": "2026-01-09T10:03:00Z", "selected": "local"}"#,
        )
        .expect("a list");
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.id.as_str(), one.name.as_str(), one.database_url.is_some(), one.docker_project.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("local_9d2f0b7c-4a51", "local", true, Some("local_19b9")),
                ("old", "old", false, None),
                ("local_1a2b", "by id", false, None),
            ]
        );
        assert_eq!(found[1].created_at.as_deref(), Some("2025-12-30T10:00:00Z"));
        assert!(!format!("{found:?}").contains("0f9c"));
    }

    #[test]
    fn a_damaged_file_is_a_problem_that_tells_no_value() {
        for content in [
            "",
            "[]",
            r#"{"tenants": "hunter2"}"#,
            r#"{"tenants": [{"type": "local", "database_url": "hunter2""#,
            r#"{"tenants": [{"type": "local", "name": "n", "database_url": "hunter2"}]}"#,
            r#"{"tenants": [{"id": "../hunter2", "type": "local", "name": "n"}]}"#,
            r#"{"tenants": [{"id": "local_1", "name": " ", "database_url": "hunter2"}]}"#,
        ] {
            let error = read(content).expect_err(content);
            let told = format!("{error} {error:?} {}", error.problem());
            assert!(!told.contains("hunter2") && told.contains("tenants.json"), "{told}");
        }
    }

    #[test]
    fn no_file_is_no_tenant() {
        let project = Project { root: "/nonexistent".into() };
        assert_eq!(local_tenants(&project).ok(), Some(Vec::new()));
    }
}
