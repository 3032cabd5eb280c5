//! Floor 2: the project folder. Where it is, what it is called, how it is built, who is logged in there, and what this
//! program remembers of it.
//!
//! This room knows paths and files, and nothing in it is async: callers that must not block hand its calls to
//! a blocking thread. It must not know the network.

pub mod aside;
pub mod atomic;
pub mod build_command;
pub mod compose_file;
pub mod credentials;
pub mod deploy_lock;
pub mod dockerfile;
pub mod error;
mod generated;
pub mod history;
pub mod image_records;
pub(crate) mod justfile;
pub mod kept_credentials;
pub mod logins;
pub mod profile;
pub mod profile_change;
pub mod project;
pub mod pushed_layers;
pub(crate) mod reading;
pub mod secrets;
pub mod secrets_draft;
pub mod services;
pub mod sheet;
pub mod state;
pub mod tenants_change;
pub mod tenants_cloud;
pub mod tenants_file;
mod yaml;
mod yaml_edit;

pub use build_command::BuildCommand;
pub use credentials::Credentials;
pub use deploy_lock::{DeployLock, LockOwner};
pub use dockerfile::Dockerfile;
pub use error::WorkspaceError;
pub use generated::Generated;
pub use image_records::ImageRecords;
pub use logins::{KnownLogin, Logins, ProjectLogin};
pub use profile::Profile;
pub use project::Project;
pub use pushed_layers::PushedLayer;
pub use secrets::{Environment, SecretsFile};
pub use secrets_draft::SecretsDraft;
pub use sheet::Sheet;
pub use state::StateDirectory;
