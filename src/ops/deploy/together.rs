//! What deploys that run together share: the image is made once, and only so many are with the server at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::{Mutex, OnceCell, Semaphore};

use crate::model::Problem;
use crate::model::progress::Builder;

/// How many deploys the server works on at the same time: each starts a machine beside the one that runs.
const AT_ONCE: usize = 3;

/// An image on the engine.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// `sha256:` and 64 hex digits.
    pub(super) id: String,
    /// Who built it; `None` where nothing was built.
    pub(super) builder: Option<Builder>,
    /// The tenant that it was made for, by name.
    pub(super) made_with: String,
}

/// An image that the first who comes so far makes.
pub(super) type Made = Arc<OnceCell<Result<Image, Problem>>>;

/// Shared by the deploys of one call.
#[derive(Debug)]
pub(super) struct Together {
    /// The project's own build, by the first deploy that comes so far; the others wait for what it comes to.
    pub(super) project: OnceCell<Result<(), Problem>>,
    /// The same for images, by what they are made of.
    images: StdMutex<HashMap<String, Made>>,
    /// Held by the one that pushes.
    pub(super) push: Mutex<()>,
    /// Turns with the server.
    pub(super) turns: Semaphore,
}

impl Default for Together {
    fn default() -> Self {
        Self {
            project: OnceCell::new(),
            images: StdMutex::default(),
            push: Mutex::new(()),
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

impl Together {
    /// The image that is made of `what`: one for all that say the same.
    pub(super) fn image(&self, what: String) -> Made {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default().clone()
    }
}
