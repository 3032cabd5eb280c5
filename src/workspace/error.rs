//! What can be wrong with a project folder, and how a person is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LockOwner;
use crate::model::{Problem, text};

/// The errors of this room. Paths are cleaned where they are shown.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// No folder from here upwards is a project.
    #[error("no project found from {} upwards", shown(.from))]
    NoProject {
        /// Where the search began.
        from: PathBuf,
    },
    /// The project has no Dockerfile.
    #[error("no Dockerfile at {}", shown(.path))]
    NoDockerfile {
        /// Where it should be.
        path: PathBuf,
    },
    /// The project was not built.
    #[error("release binary not found at {}", shown(.path))]
    NoBinary {
        /// Where it should be.
        path: PathBuf,
    },
    /// The stored login is not one.
    #[error("the stored login {} cannot be read: {why}", shown(.path))]
    DamagedCredentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never a value from it.
        why: String,
    },
    /// The project's build settings cannot be understood.
    #[error("the build settings {} cannot be read: {why}", shown(.path))]
    DamagedBuildSettings {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        why: String,
    },
    /// Somebody deploys the tenant already.
    #[error("another {what} is running")]
    DeployLocked {
        /// What was to be done, `deploy of orchard`.
        what: String,
        /// Who does it, where the lock says so.
        owner: Option<Box<LockOwner>>,
        /// For how long, where the clock can be believed.
        age: Option<Duration>,
    },
    /// A YAML file that cannot be understood.
    #[error("{} cannot be read: {why}", shown(.path))]
    DamagedYaml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and where; never a value from it.
        why: String,
    },
    /// A file of secrets that cannot be understood.
    #[error("the secrets in {} cannot be read: {why}", shown(.path))]
    DamagedSecrets {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and where; never a value from it.
        why: String,
    },
    /// The project's list of tenants cannot be understood.
    #[error("the list of tenants {} cannot be read: {why}", shown(.path))]
    DamagedTenants {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never a value from it.
        why: String,
    },
    /// There is no profile of that name.
    #[error("no profile {name:?} in {}", shown(.path))]
    NoProfile {
        /// The name, harmless.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// Those that are there.
        known: Vec<String>,
    },
    /// More than one profile names the tenant.
    #[error("more than one profile names the tenant: {}", .names.join(", "))]
    AmbiguousProfile {
        /// Which.
        names: Vec<String>,
    },
    /// A file that cannot be read.
    #[error("{} cannot be read: {cause}", shown(.path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("{} cannot be written: {cause}", shown(.path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

impl WorkspaceError {
    /// The error as a person sees it (protocol H).
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::NoProject { from } => Problem::new("No project found from here upwards.")
                .detail(format!(
                    "Looked for .systemprompt/ beside Cargo.toml, services/ or storage/, beginning at {}.",
                    shown(from)
                ))
                .hint("Change to a project folder, or set this one up with `tenantry init`."),
            Self::NoDockerfile { path } => Problem::new(format!("No Dockerfile at {}.", shown(path)))
                .hint("Add one there: `tenantry init` writes it, `tenantry dockerfile generate` prints it."),
            Self::NoBinary { path } => Problem::new(format!("Release binary not found at {}.", shown(path)))
                .hint("Build it: just build --release, or cargo build --release."),
            Self::DamagedCredentials { path, why } => Problem::new("Stored login cannot be read.")
                .detail(format!("{}: {why}.", shown(path)))
                .hint("Log in again.")
                .needs_login(),
            Self::DamagedBuildSettings { path, why } => Problem::new("Build settings cannot be read.")
                .detail(format!("{}: {why}.", shown(path)))
                .hint(r#"Write them as {"command": ["cargo", "build", "--release"]}, or remove the file."#),
            Self::DeployLocked { what, owner, age } => Problem::new(format!("Another {what} is running."))
                .detail(match owner {
                    Some(owner) => owner.sentence(*age),
                    None => "The lock does not say who holds it.".to_owned(),
                })
                .hint("Wait until it is done, or end it: the lock goes with its program."),
            Self::DamagedYaml { path, why } => Problem::new(format!("{} cannot be understood.", shown(path)))
                .detail(format!("{}.", why.trim_end_matches('.')))
                .hint("Correct it there: it is YAML."),
            Self::DamagedSecrets { path, why } => Problem::new("Secrets cannot be read.")
                .detail(format!("{}: {why}.", shown(path)))
                .hint("Correct that file; its values are shown nowhere."),
            Self::DamagedTenants { path, why } => Problem::new("The list of tenants cannot be read.")
                .detail(format!("{}: {why}.", shown(path)))
                .hint(
                    "Correct that file: this program does not write over it. Or have it set aside and the cloud's tenants \
                     fetched again: `tenantry login --renew-tenants`.",
                ),
            Self::NoProfile { name, path, known } => {
                let hint = if known.is_empty() {
                    "The project has no profiles: leave --profile away, or make one with `tenantry profile create NAME --tenant TENANT`."
                        .to_owned()
                } else {
                    format!("Those that are there: {}.", known.join(", "))
                };
                Problem::new(format!("No profile {name}.")).detail(format!("Looked in {}.", shown(path))).hint(hint)
            }
            Self::AmbiguousProfile { names } => Problem::new("More than one profile names this tenant.")
                .detail(format!("{}.", names.join(", ")))
                .hint("Name one with --profile, or correct cloud.tenant_id in the others."),
            Self::Read { path, cause } => Problem::new(format!("{} cannot be read.", shown(path)))
                .detail(format!("{cause}."))
                .hint("Check that it is a file and that you may read it."),
            Self::Write { path, cause } => Problem::new(format!("{} cannot be written.", shown(path)))
                .detail(format!("{cause}."))
                .hint("Check that the folder exists, that you may write to it, and that the disk is not full."),
        }
    }
}

impl From<&WorkspaceError> for Problem {
    fn from(error: &WorkspaceError) -> Self {
        error.problem()
    }
}

/// A path as a screen may show it: file names may hold anything but a slash.
pub(super) fn shown(path: &Path) -> String {
    text::line(&path.to_string_lossy())
}
