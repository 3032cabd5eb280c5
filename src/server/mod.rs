//! The other half of the contract: the Management API itself (protocol.md), with its store, its
//! provisioner and its registry, for the sandbox and for teams that host their own.
//!
//! Knows axum, sqlx and, through [`provider`], the engine room. Must not know the terminal program:
//! not `tui`, not `cli`, not `ops`, not `api`. What both halves share is in `model`.

pub mod auth;
mod catalogue;
mod databases;
mod domains;
pub mod door;
mod error;
mod events;
mod faults;
mod garbage;
pub mod keys;
pub mod login;
pub mod openapi;
mod operations;
pub mod page;
pub mod pay;
mod peer;
mod plan_change;
pub mod provider;
mod provisioner;
mod purchase;
pub mod redirect;
pub mod registry;
mod routes;
mod run;
mod seal;
mod settings;
mod sse;
mod state;
pub mod store;
mod sweeper;
pub mod transitions;
mod usage;
mod view;

pub use faults::{Faults, Points};
pub use routes::paths;
pub use run::{MAY_BE_REMOVED, ServeError, serve, serve_with};
pub use settings::OperationSettings;
pub use settings::{LoginSettings, OAuthClient, Settings};
