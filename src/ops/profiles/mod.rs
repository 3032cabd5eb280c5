//! The project's profiles (protocol E.4, E.5): made for a tenant, listed, shown, changed and removed. None of it is on a
//! server, and what is there is never written over.
//!
//! Must not know who asks.

mod create;
mod delete;
mod edit;
mod list;
mod show;
mod tree;

pub use create::{Created, Database, Order, Whose, create};
pub use delete::{Doomed, delete, doomed};
pub use edit::{Edits, checked, edit};
pub(super) use list::name_in;
pub use list::{ACTIVE, Listed, Profiles, list};
pub use show::{Filter, show};
pub use tree::text;

use crate::model::Problem;

/// The keys of AI providers and of GitHub, as `secrets.json` names them (protocol E.5).
pub const KEYS: [&str; 4] = ["anthropic", "openai", "gemini", "github"];

/// Reads and writes files without holding up anybody else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(stopped) => Err(Problem::new("The project's files cannot be read.").detail(stopped.to_string())),
    }
}
