//! Profiles that come, change and go (protocol E.1, E.4): a new one is there whole or not at all, a change leaves alone what
//! it is not about, and what goes is the profile's own directory and nothing else.
//!
//! Must not know tenants or databases.

use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::yaml_edit::{self, Setting};
use super::{Profile, Project, WorkspaceError, atomic, credentials, history, profile, reading, tenants_file};
use crate::model::text;

/// What must never be committed.
const IGNORED: [&str; 5] = ["credentials.json", "tenants.json", "tenants.json.lock", "**/secrets.json", "**/*.pem"];
/// What belongs to a profile (protocol E.1).
const OWN: [&str; 6] = [
    profile::FILE,
    "secrets.json",
    "signing_key.pem",
    "docker/Dockerfile",
    "docker/entrypoint.sh",
    "docker/Dockerfile.dockerignore",
];
/// The most files that are listed.
const MOST: usize = 500;
/// The deepest folder that is looked into.
const DEPTH: usize = 16;

/// A change to a profile's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `server.host`
    Host(String),
    /// `server.port`
    Port(u16),
    /// `server.api_external_url`
    ExternalUrl(String),
}

impl Change {
    /// The key, as a person knows it.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Host(_) => "server.host",
            Self::Port(_) => "server.port",
            Self::ExternalUrl(_) => "server.api_external_url",
        }
    }

    fn setting(&self) -> Setting {
        let (key, value) = match self {
            Self::Host(host) => ("host", Value::from(host.as_str())),
            Self::Port(port) => ("port", Value::from(*port)),
            Self::ExternalUrl(url) => ("api_external_url", Value::from(url.as_str())),
        };
        Setting { section: "server", key, value }
    }
}

/// A file in a profile's directory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Held {
    /// Below the directory, with `/` between the parts. Harmless text.
    pub path: String,
    /// True for what belongs to a profile; anything else somebody put there.
    pub is_own: bool,
}

/// What a profile's directory holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The files, what is not a profile's first.
    pub files: Vec<Held>,
    /// There are more than are listed.
    pub has_more: bool,
}

/// What the name of a folder begins with whose profile is being made.
const MAKING: &str = ".making-";

/// Removes what programs left that were killed while they made a profile; whoever holds the lock is the only one who makes one.
fn clear(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    let is_left = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(|name| name.starts_with(MAKING));
    for entry in entries.filter_map(Result::ok).filter(is_left) {
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, "an unfinished profile stays");
        }
    }
}

/// Makes a profile: `fill` writes its files into the folder that it is given, which then becomes the profile's. Git leaves
/// its secrets out before there are any. Blocks.
///
/// # Errors
/// One whose cause is [`AlreadyExists`](io::ErrorKind::AlreadyExists) where anything of that name is there: it stays.
pub fn create(
    project: &Project,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), WorkspaceError>,
) -> Result<PathBuf, WorkspaceError> {
    let place = profile::place(project);
    let target = place.join(name);
    let failed = |cause| WorkspaceError::Write { path: target.clone(), cause };
    if !profile::is_name(name) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is no name of a profile")));
    }
    make_folder(&place)?;
    let _lock = lock(project)?;
    is_free(&target).map_err(failed)?;
    clear(&place);
    let mut builder = tempfile::Builder::new();
    builder.prefix(MAKING);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = builder.tempdir_in(&place).map_err(failed)?;
    fill(folder.path())?;
    is_free(&target).map_err(failed)?;
    // One that has come in the meantime makes this fail, unless it is empty.
    fs::rename(folder.path(), &target).map_err(failed)?;
    // It is not there any more under that name.
    let _ = folder.keep();
    #[cfg(unix)]
    fs::File::open(&place).and_then(|place| place.sync_all()).map_err(failed)?;
    Ok(target)
}

/// Changes a profile's settings; comments and everything else stay as they are. Blocks.
///
/// # Errors
/// A file that cannot be changed without a risk to what else it says: it is left alone.
pub fn change(project: &Project, profile: &Profile, changes: &[Change]) -> Result<(), WorkspaceError> {
    let _lock = lock(project)?;
    let (path, after, mode) = changed(profile, changes)?;
    atomic::write(&path, after.as_bytes(), mode)
}

/// The same without writing: whether it could be done. Blocks.
pub fn can_change(profile: &Profile, changes: &[Change]) -> Result<(), WorkspaceError> {
    changed(profile, changes).map(drop)
}

fn changed(profile: &Profile, changes: &[Change]) -> Result<(PathBuf, String, u32), WorkspaceError> {
    let path = profile.file();
    let failed = |cause| WorkspaceError::Write { path: path.clone(), cause };
    let bytes = reading::small_file(&path)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    let damaged = |why| WorkspaceError::DamagedYaml { path: path.clone(), why };
    let before = String::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8 text".to_owned()))?;
    let settings: Vec<Setting> = changes.iter().map(Change::setting).collect();
    let after = yaml_edit::set(&before, &settings).map_err(damaged)?;
    // The file that a link leads to, and as readable as before.
    let real = fs::canonicalize(&path).map_err(failed)?;
    let mode = mode(&real).map_err(failed)?;
    Ok((real, after, mode))
}

/// Keeps other programs of ours from changing the project's profiles, until it is dropped. Blocks.
pub fn lock(project: &Project) -> Result<Option<fs::File>, WorkspaceError> {
    credentials::ignore(project, &IGNORED)?;
    history::lock_beside(&tenants_file::path(project))
}

/// What the directory of a profile holds. Links are listed and not followed. Blocks.
pub fn holdings(directory: &Path) -> Result<Holdings, WorkspaceError> {
    let mut found = Holdings::default();
    walk(directory, "", 0, &mut found)?;
    found.files.sort_by(|one, other| (one.is_own, &one.path).cmp(&(other.is_own, &other.path)));
    Ok(found)
}

fn walk(folder: &Path, below: &str, depth: usize, found: &mut Holdings) -> Result<(), WorkspaceError> {
    let failed = |cause| WorkspaceError::Read { path: folder.to_owned(), cause };
    if depth == 0 && folder.symlink_metadata().map_err(failed)?.is_symlink() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if found.files.len() >= MOST || depth >= DEPTH {
            found.has_more = true;
            return Ok(());
        }
        if is_folder {
            walk(&entry.path(), &format!("{path}/"), depth + 1, found)?;
        } else {
            found.files.push(Held { is_own: OWN.contains(&path.as_str()), path: text::line(&path) });
        }
    }
    Ok(())
}

/// Removes a profile's directory with everything in it; links in it are removed, and what they lead to stays. Blocks.
pub fn remove(project: &Project, name: &str) -> Result<(), WorkspaceError> {
    let path = profile::place(project).join(name);
    let failed = |cause| WorkspaceError::Write { path: path.clone(), cause };
    if !profile::is_name(name) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is no name of a profile")));
    }
    let _lock = lock(project)?;
    if path.symlink_metadata().map_err(failed)?.is_symlink() {
        return fs::remove_file(&path).map_err(failed);
    }
    fs::remove_dir_all(&path).map_err(failed)
}

fn is_free(target: &Path) -> io::Result<()> {
    match target.symlink_metadata() {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn make_folder(place: &Path) -> Result<(), WorkspaceError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(place).map_err(|cause| WorkspaceError::Write { path: place.to_owned(), cause })
}

fn mode(path: &Path) -> io::Result<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Ok(fs::metadata(path)?.permissions().mode() & 0o777)
    }
    #[cfg(not(unix))]
    {
        fs::metadata(path).map(|_| 0o644)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        fs::create_dir_all(project.directory()).expect("made");
        (folder, project)
    }

    fn made(project: &Project, name: &str, yaml: &str) -> Result<PathBuf, WorkspaceError> {
        create(project, name, |folder| atomic::write_new(&folder.join(profile::FILE), yaml.as_bytes(), 0o644))
    }

    fn exists(error: &WorkspaceError) -> bool {
        matches!(error, WorkspaceError::Write { cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists)
    }

    #[test]
    fn a_new_one_is_whole_for_its_owner_alone_and_replaces_nothing() {
        let (_folder, project) = project();
        let directory = made(&project, "local", "name: local\n").expect("made");
        assert_eq!(profile::names(&project).expect("names"), ["local"]);
        #[cfg(unix)]
        assert_eq!(mode(&directory).expect("a mode"), 0o700);
        let ignored = fs::read_to_string(project.directory().join(".gitignore")).expect("read");
        assert!(ignored.contains("**/secrets.json\n"), "{ignored}");
        assert!(exists(&made(&project, "local", "name: other\n").expect_err("it is there")));
        assert_eq!(fs::read_to_string(directory.join(profile::FILE)).expect("read"), "name: local\n");
        fs::create_dir_all(profile::place(&project).join("empty")).expect("made");
        assert!(exists(&made(&project, "empty", "").expect_err("a folder is there")));
        for bad in ["", ".", "..", "../a", "a/b", ".hidden", "odd name"] {
            assert!(made(&project, bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn one_that_fails_leaves_nothing() {
        let (_folder, project) = project();
        let fails = |folder: &Path| {
            atomic::write_new(&folder.join("secrets.json"), b"hunter2", 0o600)?;
            Err(WorkspaceError::NoProject { from: "x".into() })
        };
        assert!(create(&project, "local", fails).is_err());
        assert_eq!(fs::read_dir(profile::place(&project)).expect("readable").count(), 0);
    }

    #[test]
    fn what_is_changed_leaves_the_rest() {
        let (_folder, project) = project();
        let yaml = "# mine\nname: local\nserver: { host: a, port: 1, odd: x } # s\nnew_in_2027: [1, 2]\n";
        made(&project, "local", yaml).expect("made");
        let profile = profile::named(&project, "local").expect("a profile");
        let changes = [Change::Port(9), Change::Host("::".into()), Change::ExternalUrl("https://a.example".into())];
        change(&project, &profile, &changes).expect("changed");
        assert_eq!(
            fs::read_to_string(profile.file()).expect("read"),
            "# mine\nname: local\nserver: { host: \"::\", port: 9, odd: x, api_external_url: https://a.example } # s\n\
             new_in_2027: [1, 2]\n"
        );
        let yaml = "server: &s { port: 1 }\nother: *s\n";
        fs::write(profile.file(), yaml).expect("written");
        let error = change(&project, &profile, &[Change::Port(9)]).expect_err("an anchor");
        assert!(error.to_string().contains("server.port"), "{error}");
        assert_eq!(fs::read_to_string(profile.file()).expect("read"), yaml);
    }

    #[test]
    #[cfg(unix)]
    fn only_its_own_directory_goes() {
        let (_folder, project) = project();
        let elsewhere = project.root.join("elsewhere");
        fs::create_dir_all(&elsewhere).expect("made");
        fs::write(elsewhere.join("kept"), "x").expect("written");
        let directory = made(&project, "local", "name: local\n").expect("made");
        made(&project, "other", "name: other\n").expect("made");
        fs::create_dir_all(directory.join("docker")).expect("made");
        for own in ["secrets.json", "docker/Dockerfile", "notes.txt"] {
            fs::write(directory.join(own), "x").expect("written");
        }
        std::os::unix::fs::symlink(&elsewhere, directory.join("link")).expect("linked");
        let found = holdings(&directory).expect("read");
        let told: Vec<_> = found.files.iter().map(|held| (held.path.as_str(), held.is_own)).collect();
        assert_eq!(
            told,
            [
                ("link", false),
                ("notes.txt", false),
                ("docker/Dockerfile", true),
                ("profile.yaml", true),
                ("secrets.json", true)
            ]
        );
        remove(&project, "local").expect("removed");
        assert_eq!(profile::names(&project).expect("names"), ["other"]);
        assert!(elsewhere.join("kept").exists());
        for bad in ["..", "", "nobody", "../elsewhere"] {
            assert!(remove(&project, bad).is_err(), "{bad}");
        }
        // A profile that is a link: the link goes, and what it leads to stays.
        std::os::unix::fs::symlink(&elsewhere, profile::place(&project).join("linked")).expect("linked");
        remove(&project, "linked").expect("removed");
        assert!(elsewhere.join("kept").exists());
    }
}
