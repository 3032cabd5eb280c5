//! Where a project is and what belongs to it (protocol E.1, E.9).

use std::path::{Component, Path, PathBuf};

use super::{BuildCommand, Generated, WorkspaceError, build_command, generated};
use crate::model::text;

/// The directory that makes a folder a project's.
pub const DIRECTORY: &str = ".systemprompt";

/// One of these must stand beside it.
const COMPANIONS: [&str; 3] = ["Cargo.toml", "services", "storage"];
/// Where the Dockerfile is looked for, the first being where it belongs.
const DOCKERFILES: [&str; 2] = [".systemprompt/Dockerfile", "Dockerfile"];
/// Where the release binary is looked for (protocol K7).
pub const BINARIES: [&str; 2] = ["target/release/systemprompt", "core/target/release/systemprompt"];
/// The longest name shown, characters.
const NAME: usize = 60;

/// A project folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its root: absolute where it was discovered.
    pub root: PathBuf,
}

impl Project {
    /// The nearest project from `from` upwards.
    pub fn discover(from: &Path) -> Result<Self, WorkspaceError> {
        let begin = absolute(from).map_err(|cause| WorkspaceError::Read { path: from.to_owned(), cause })?;
        let root = begin.ancestors().find(|directory| is_root(directory));
        root.map(|root| Self { root: root.to_owned() }).ok_or(WorkspaceError::NoProject { from: begin.clone() })
    }

    /// True where it is one: not only a folder that somebody works in.
    #[must_use]
    pub fn is_there(&self) -> bool {
        is_root(&self.root)
    }

    /// The name that people know it by: its folder's. Harmless text, never empty.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.root.file_name().map(|name| text::short(&name.to_string_lossy(), NAME)).unwrap_or_default();
        let name = name.trim();
        if name.is_empty() { "project".to_owned() } else { name.to_owned() }
    }

    /// The Dockerfile below the root, with `/` between its parts.
    pub fn dockerfile(&self) -> Result<String, WorkspaceError> {
        let found = DOCKERFILES.into_iter().find(|place| self.root.join(place).is_file());
        found.map(str::to_owned).ok_or_else(|| WorkspaceError::NoDockerfile { path: self.root.join(DOCKERFILES[0]) })
    }

    /// The release binary below the root, with `/` between its parts.
    pub fn binary(&self) -> Result<String, WorkspaceError> {
        let found = BINARIES.into_iter().find(|place| self.root.join(place).is_file());
        found.map(str::to_owned).ok_or_else(|| WorkspaceError::NoBinary { path: self.root.join(BINARIES[0]) })
    }

    /// Whether its build makes `path`, one below the root with `/` between its parts.
    #[must_use]
    pub fn generates(&self, path: &str) -> Generated {
        generated::by_build(&self.root, path)
    }

    /// How it is built, where anything says so.
    pub fn build_command(&self) -> Result<Option<BuildCommand>, WorkspaceError> {
        build_command::find(&self.root)
    }

    /// Its `.systemprompt` directory.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.root.join(DIRECTORY)
    }
}

fn is_root(directory: &Path) -> bool {
    directory.join(DIRECTORY).is_dir() && COMPANIONS.iter().any(|name| directory.join(name).exists())
}

/// Absolute, without `.` and `..`: those would make `ancestors` walk in circles. Links are kept where they
/// can be, so that a project keeps the name it was entered by.
fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    if path.components().any(|part| part == Component::ParentDir) {
        return std::fs::canonicalize(path);
    }
    std::path::absolute(path)
}
