//! The other half of the contract: the Management API itself (protocol.md), with its store, its
//! provisioner and its registry, for the sandbox and for teams that host their own.
//!
//! Knows axum, sqlx and, through [`provider`], the engine room. Must not know the terminal program:
//! not `tui`, not `cli`, not `ops`, not `api`. What both halves share is in `model`.

pub mod door;
pub mod provider;
pub mod registry;
