//! Setting a folder up as a project (protocol E.1): first a [`Plan`], which is plain data that says what would be done and
//! why, then [`perform`], which does exactly that and tells of each file what became of it.
//!
//! Nothing is ever deleted, and no file that is there is overwritten: two files may grow at their end (`.gitignore`, and the
//! justfile with recipes that it lacks), everything else is only ever made. Must not know who asks.

mod found;
mod ignores;
mod image;
pub(in crate::ops) mod of_profile;
mod perform;
mod plan;
pub(in crate::ops) mod profile;
mod recipes;
#[cfg(test)]
mod tests;

pub use perform::{Done, Made, Outcome, perform};
pub use plan::{Action, Content, Plan, Step, of_folder};
pub use profile::by_hand as key_by_hand;
pub use recipes::RECIPES;

use std::path::PathBuf;

use crate::model::Problem;
use crate::workspace::Project;

/// What setting up the folder `root` would do. Changes nothing.
///
/// # Errors
/// A folder that cannot be read or written to, with what to do.
pub async fn plan(root: PathBuf) -> Result<Plan, Problem> {
    blocking(move || of_folder(&root)).await?
}

/// Does what the plan says. What went wrong midway is in the answer, beside what was done before it.
///
/// # Errors
/// Only where nothing was begun.
pub async fn set_up(plan: Plan) -> Result<Done, Problem> {
    blocking(move || perform(&plan)).await
}

/// The Dockerfile that fits what the project has. Blocks: small files only.
///
/// # Errors
/// An extension that cannot be read: its program would be left out.
pub fn dockerfile(project: &Project) -> Result<String, Problem> {
    let found = found::look(&project.root);
    match found.mistakes.first() {
        Some(mistake) => Err(mistake.clone()),
        None => Ok(image::dockerfile(&found)),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|stopped| Problem::new("Setting the folder up stopped.").detail(stopped.to_string()))
}
