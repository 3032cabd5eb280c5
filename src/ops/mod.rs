//! Floor 3: what the program does, one file per operation. An operation is written once against the floor
//! below; the terminal program and the commands call the same function and only show its progress differently.
//!
//! Must not know ratatui, clap, or printing.

pub mod browser;
pub mod checkout;
pub mod deploy;
mod deploy_options;
pub mod live;
mod preflight;
mod project_build;
mod reporter;
mod session;

pub use session::Session;
