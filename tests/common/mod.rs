//! What the tests that cross rooms share: a real terminal, and a server in a process of its own.

#![allow(dead_code, reason = "each test target uses its part")]

pub mod leftovers;
pub mod login;
pub mod planted;
pub mod server;
pub mod terminal;
