//! Floor 3: what the program does, one file per operation. An operation is written once against the floor
//! below; the terminal program and the commands call the same function and only show its progress differently.
//!
//! Must not know ratatui, clap, or printing.

pub mod browser;
pub mod call;
pub mod checkout;
pub mod clipboard;
pub mod credentials;
pub mod db;
pub mod deploy;
pub mod deploy_lock;
mod deploy_options;
pub mod diagnostics;
pub mod doctor;
pub mod domain;
pub mod editor;
pub mod external_access;
mod git;
pub mod history;
pub mod image;
pub mod init;
pub mod kept_tenants;
pub mod lifecycle;
pub mod live;
pub mod local;
pub mod login;
pub mod notice;
pub mod overview;
pub mod profiles;
mod project_build;
pub mod push;
pub mod record;
mod reporter;
pub mod resume;
pub mod rollback;
pub mod rotate;
pub mod save;
mod secrets;
mod session;
pub mod stored;
pub mod tenants;
#[cfg(test)]
mod testing;
pub mod variables;
pub mod watch;

pub use call::{Call, Reply, perform};
pub use reporter::Done;
pub use session::Session;
