//! Every command as a process of its own against a real server, with the effect looked for on the server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod store;
#[allow(dead_code, reason = "shared with the server's tests")]
#[path = "../server/support.rs"]
mod support;
mod world;

mod consent;
mod kept;
mod kills;
mod looking;
mod making;
mod planted;
mod profiles;
mod promises;
mod same;
mod secrets;
mod shell;
mod tenants;
