//! Changes to the project's list of tenants (protocol E.3): read, changed and replaced under a lock beside the file, so
//! that several programs may do it at once. What this version does not know stays as it is, in entries and beside them,
//! and a file that cannot be understood is never written over.
//!
//! Must not know databases or containers.

use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

use super::tenants_file::{self, is_local, path};
use super::{Project, WorkspaceError, aside, atomic, credentials, history, reading};
use crate::model::{LocalTenant, Secret, TenantId, database_url};

/// What must never be committed beside the list itself: Compose files hold passwords.
const IGNORED: [&str; 9] = [
    "credentials.json",
    "tenants.json",
    "tenants.json.lock",
    "**/secrets.json",
    "**/*.pem",
    "**/.writing-*",
    aside::PATTERNS[0],
    aside::PATTERNS[1],
    "docker/",
];

pub(super) type Entry = Map<String, Value>;

/// The list while it is being changed. What is done to the cloud's tenants is in `tenants_cloud.rs`.
#[derive(Clone, PartialEq, Default)]
pub struct Entries {
    pub(super) document: Entry,
    pub(super) list: Vec<Value>,
}

impl Entries {
    /// The name of the entry, of any kind, that has this name.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        let has = |entry: &Value| entry.get("name").and_then(Value::as_str).is_some_and(|known| known.trim() == name);
        self.list.iter().any(has)
    }

    /// Adds a local tenant at the end, or puts it over the one of its id; what only others know of that one stays. A
    /// masked address is not put over a real one.
    pub fn put(&mut self, tenant: &LocalTenant) {
        let mut entry = json!({
            "id": tenant.id.as_str(), "name": tenant.name, "tenant_type": "local", "external_db_access": false,
        });
        let Some(fields) = entry.as_object_mut() else { return };
        let mut set = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                fields.insert(key.to_owned(), value.into());
            }
        };
        set("database_url", tenant.database_url.as_ref().map(Secret::reveal));
        set("docker_project", tenant.docker_project.as_deref());
        set("created_at", tenant.created_at.as_deref());
        if tenant.unfinished {
            fields.insert("unfinished".to_owned(), true.into());
        }
        let fresh = std::mem::take(fields);
        match self.find(&tenant.id) {
            Some(known) => {
                let is_real = |value: Option<&Value>| {
                    value.and_then(Value::as_str).is_some_and(|url| !database_url::is_masked(url))
                };
                let keep = is_real(known.get("database_url")) && !is_real(fresh.get("database_url"));
                known.remove("unfinished");
                known.extend(fresh.into_iter().filter(|(key, _)| !(keep && key == "database_url")));
            }
            None => self.list.push(Value::Object(fresh)),
        }
    }

    /// Gives a local tenant another name; false where it is not there.
    pub fn rename(&mut self, id: &TenantId, name: &str) -> bool {
        let Some(entry) = self.find(id) else { return false };
        entry.insert("name".to_owned(), name.into());
        true
    }

    /// Takes the mark of an unfinished one off a local tenant; false where it is not there.
    pub fn finish(&mut self, id: &TenantId) -> bool {
        self.find(id).is_some_and(|entry| entry.remove("unfinished").is_some())
    }

    /// Takes a local tenant out; false where it is not there.
    pub fn remove(&mut self, id: &TenantId) -> bool {
        let before = self.list.len();
        self.list.retain(|entry| !is(entry, id));
        self.list.len() < before
    }

    fn find(&mut self, id: &TenantId) -> Option<&mut Entry> {
        self.list.iter_mut().find(|entry| is(entry, id))?.as_object_mut()
    }
}

fn is(entry: &Value, id: &TenantId) -> bool {
    is_local(entry) && has_id(entry, id)
}

pub(super) fn has_id(entry: &Value, id: &TenantId) -> bool {
    entry.get("id").and_then(Value::as_str) == Some(id.as_str())
}

/// Lets `work` change the list, and writes it where it did; where `work` fails nothing is written. Blocks, also for another
/// program's turn.
///
/// # Errors
/// A file that cannot be understood or written, and whatever `work` says.
pub fn change<T, E: From<WorkspaceError>>(
    project: &Project,
    work: impl FnOnce(&mut Entries) -> Result<T, E>,
) -> Result<T, E> {
    let path = path(project);
    std::fs::create_dir_all(project.directory()).map_err(|cause| written(&path, cause))?;
    // First, so that there is no moment in which a password could be committed.
    credentials::ignore(project, &IGNORED)?;
    let _lock = history::lock_beside(&path)?;
    let known = read(project)?;
    let mut entries = known
        .clone()
        .unwrap_or_else(|| Entries { document: Entry::from_iter([("synced_at".to_owned(), now())]), list: Vec::new() });
    let done = work(&mut entries)?;
    if known.as_ref() == Some(&entries) {
        return Ok(done);
    }
    let Entries { mut document, list } = entries;
    document.insert("tenants".to_owned(), Value::Array(list));
    let mut content = serde_json::to_vec_pretty(&document).map_err(|error| written(&path, error.into()))?;
    content.push(b'\n');
    atomic::write(&path, &content, 0o600)?;
    Ok(done)
}

/// As [`change`], for what is mostly so already: nothing is locked, made or written where `work` changes nothing. True where
/// it did. Blocks.
///
/// # Errors
/// A file that cannot be understood or written.
pub fn change_where_needed(project: &Project, work: impl Fn(&mut Entries)) -> Result<bool, WorkspaceError> {
    let known = read(project)?.unwrap_or_default();
    let mut wanted = known.clone();
    work(&mut wanted);
    if wanted == known {
        return Ok(false);
    }
    change(project, |entries| {
        work(entries);
        Ok::<_, WorkspaceError>(true)
    })
}

/// Puts a list aside that cannot be read or understood, and answers where it is now; `None` where it is whole. What only it
/// knew is there alone from now on, so whoever calls this was told to. Blocks, also for another program's turn.
///
/// # Errors
/// Where it cannot be renamed.
pub fn put_damaged_aside(project: &Project) -> Result<Option<PathBuf>, WorkspaceError> {
    credentials::ignore(project, &IGNORED)?;
    let path = path(project);
    let _lock = history::lock_beside(&path)?;
    match read(project) {
        Ok(_) => Ok(None),
        Err(_) => aside::put(&path).map(Some),
    }
}

/// The addresses that the file has of a tenant of the cloud, as machines reach its database and as this machine does. Blocks.
///
/// # Errors
/// A file that cannot be understood.
pub fn addresses(project: &Project, id: &TenantId) -> Result<(Option<Secret>, Option<Secret>), WorkspaceError> {
    Ok(read(project)?.map(|entries| entries.addresses(id)).unwrap_or_default())
}

/// What the file has; `None` where there is none.
fn read(project: &Project) -> Result<Option<Entries>, WorkspaceError> {
    // Whatever is wrong with an entry is told before anything is changed.
    tenants_file::local_tenants(project)?;
    let path = path(project);
    let Some(bytes) = reading::small_file(&path)? else { return Ok(None) };
    let mut document = serde_json::from_slice::<Entry>(&bytes).map_err(|error| damaged(&path, &error))?;
    let list = match document.remove("tenants") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    Ok(Some(Entries { document, list }))
}

/// This moment, as the file has it: RFC 3339 UTC.
pub(super) fn now() -> Value {
    format!("{:.0}", jiff::Timestamp::now()).into()
}

fn written(path: &Path, cause: std::io::Error) -> WorkspaceError {
    WorkspaceError::Write { path: path.to_owned(), cause }
}

fn damaged(path: &Path, error: &serde_json::Error) -> WorkspaceError {
    let why = format!("not as expected in line {}, column {}", error.line(), error.column());
    WorkspaceError::DamagedTenants { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://systemprompt:0f9c@localhost:5432/systemprompt";

    fn tenant(id: &str, name: &str, url: &str) -> LocalTenant {
        LocalTenant {
            id: TenantId::new(id).expect("an id"),
            name: name.into(),
            database_url: Some(Secret::new(url)),
            docker_project: Some("local_19b9".into()),
            created_at: Some("2026-11-20T12:00:00Z".into()),
            unfinished: false,
        }
    }

    fn project() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        (folder, project)
    }

    fn put(project: &Project, tenant: &LocalTenant) {
        change(project, |entries| {
            entries.put(tenant);
            Ok::<_, WorkspaceError>(())
        })
        .expect("written");
    }

    fn content(project: &Project) -> Value {
        serde_json::from_slice(&std::fs::read(path(project)).expect("read")).expect("JSON")
    }

    #[test]
    fn a_first_tenant_makes_a_file_for_its_owner_alone_that_git_leaves_out() {
        let (_folder, project) = project();
        put(&project, &tenant("local_1", "local", URL));
        let json = content(&project);
        assert!(json["synced_at"].is_string());
        assert_eq!(json["tenants"][0]["database_url"], URL);
        assert_eq!(json["tenants"][0]["tenant_type"], "local");
        assert_eq!(tenants_file::local_tenants(&project).expect("read"), [tenant("local_1", "local", URL)]);
        let ignored = std::fs::read_to_string(project.directory().join(".gitignore")).expect("read");
        assert!(ignored.lines().any(|line| line == "docker/") && ignored.contains("tenants.json\n"), "{ignored}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(path(&project)).expect("there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_nobody_here_knows_stays() {
        let (_folder, project) = project();
        std::fs::create_dir_all(project.directory()).expect("made");
        let before = json!({"selected": "local", "synced_at": "2026-01-09T10:03:00Z", "newer": {"a": [1]}, "tenants": [
            {"id": "3f6c", "name": "orchard", "tenant_type": "cloud", "odd": true},
            {"id": "local_1", "name": "local", "type": "local", "database_url": URL, "mine": "kept"}, "odd"]});
        std::fs::write(path(&project), before.to_string()).expect("written");
        put(&project, &tenant("local_1", "renamed", "postgres://systemprompt:****@localhost:5432/systemprompt"));
        put(&project, &tenant("local_2", "second", URL));
        let json = content(&project);
        assert_eq!((&json["selected"], &json["newer"]), (&before["selected"], &before["newer"]));
        let list = json["tenants"].as_array().expect("a list");
        assert_eq!((&list[0], &list[2]), (&before["tenants"][0], &before["tenants"][2]));
        assert_eq!((&list[1]["mine"], &list[1]["name"]), (&json!("kept"), &json!("renamed")));
        assert_eq!(list[1]["database_url"], URL, "stars are not put over a password");
        assert_eq!(list[3]["name"], "second");
    }

    #[test]
    fn only_local_ones_are_renamed_and_removed() {
        let (_folder, project) = project();
        std::fs::create_dir_all(project.directory()).expect("made");
        let cloud = json!({"tenants": [{"id": "3f6c", "name": "orchard", "tenant_type": "cloud"}]});
        std::fs::write(path(&project), cloud.to_string()).expect("written");
        put(&project, &tenant("local_1", "local", URL));
        let id = |id: &str| TenantId::new(id).expect("an id");
        let did = change(&project, |entries| {
            assert!(entries.has_name("orchard") && entries.has_name("local") && !entries.has_name("other"));
            let renamed = (entries.rename(&id("local_1"), "other"), entries.rename(&id("3f6c"), "other"));
            Ok::<_, WorkspaceError>((renamed, entries.remove(&id("3f6c"))))
        });
        assert_eq!(did.expect("written"), ((true, false), false));
        assert_eq!(content(&project)["tenants"][1]["name"], "other");
        assert!(change(&project, |entries| Ok::<_, WorkspaceError>(entries.remove(&id("local_1")))).expect("written"));
        assert_eq!(content(&project)["tenants"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn a_damaged_file_and_a_failed_change_leave_it_as_it_is() {
        let (_folder, project) = project();
        std::fs::create_dir_all(project.directory()).expect("made");
        for damaged in ["", "[]", r#"{"tenants": 1}"#, r#"{"tenants": [{"id": "local_1", "name": 7}]}"#] {
            std::fs::write(path(&project), damaged).expect("written");
            let error = change(&project, |_| Ok::<_, WorkspaceError>(())).expect_err(damaged);
            assert!(matches!(error, WorkspaceError::DamagedTenants { .. }), "{error:?}");
            assert_eq!(std::fs::read_to_string(path(&project)).expect("read"), damaged);
        }
        std::fs::write(path(&project), r#"{"tenants": []}"#).expect("written");
        let failed = change(&project, |entries| {
            entries.put(&tenant("local_1", "local", URL));
            Err::<(), _>(WorkspaceError::NoProject { from: "x".into() })
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(path(&project)).expect("read"), r#"{"tenants": []}"#);
    }

    #[test]
    fn of_many_writers_none_is_lost() {
        let (_folder, project) = project();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let project = &project;
                scope.spawn(move || put(project, &tenant(&format!("local_{number}"), &format!("n{number}"), URL)));
            }
        });
        assert_eq!(content(&project)["tenants"].as_array().map(Vec::len), Some(8));
    }
}
