//! tenantry: a terminal program with which developers manage their cloud tenants.
//!
//! The rooms, from the ground up (`docs/architecture.md` has the plan of the house):
//! [`model`] · [`api`], [`engine`], [`workspace`], [`settings`], [`registry`], [`keyring`] · [`ops`] · [`tui`], [`cli`], [`server`].
//! An arrow never runs upward, and [`server`] stands apart: it is the other half of the contract.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod api;
pub mod cli;
pub mod contained;
pub mod crash;
pub mod demo;
pub mod engine;
pub mod keyring;
mod logging;
pub mod model;
pub mod ops;
pub mod outbound;
pub mod registry;
pub mod server;
pub mod settings;
mod telling;
pub mod tui;
pub mod workspace;
