//! The images' registry: the part of the OCI distribution specification that `docker push` and
//! `docker pull` need (protocol B.40), for one repository that all tenants share.
//!
//! A token writes only its own tenant's tag and reads only what its own tenant pushed; equal content is
//! nevertheless stored once. Content streams to disk and is never whole in memory. Knows HTTP and files;
//! must not know the server's database, its provisioner or the Docker Engine.

mod blobs;
mod error;
mod http;
mod manifests;
mod path;
mod store;
mod tokens;
mod uploads;

#[cfg(test)]
mod tests;

pub use tokens::{Access, Grant, RegistryTokens};

use axum::Router;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::model::{Digest, TenantId};
use error::Refusal;
use store::Store;
use uploads::Uploads;

/// The repository of all tenants' images.
pub const REPOSITORY: &str = "systemprompt-images";

/// The user name that goes with every token.
pub const USER: &str = "x";

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the registry cannot use its directory {directory}: {source}")]
pub struct RegistryError {
    directory: String,
    source: io::Error,
}

/// The registry. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    tokens: RegistryTokens,
    uploads: Uploads,
}

impl Registry {
    /// Opens, or makes, the registry in `directory`. One process at a time: unfinished uploads are swept. Blocks.
    pub fn open(directory: &Path, tokens: RegistryTokens) -> Result<Self, RegistryError> {
        let store = Store::open(directory)
            .map_err(|source| RegistryError { directory: directory.display().to_string(), source })?;
        Ok(Self { inner: Arc::new(Inner { store, tokens, uploads: Uploads::default() }) })
    }

    /// The routes `/v2`, `/v2/` and `/v2/...`, for `Router::merge`: the paths are whole.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// What the tag `tenant-{id}` points to; `None` if nothing was pushed. A storage fault is logged and is `None` too.
    pub async fn digest_of(&self, tenant: &TenantId) -> Option<Digest> {
        let owner = tenant.clone();
        match self.blocking(move |store| store.tag(&owner)).await {
            Ok(digest) => digest,
            Err(error) => {
                tracing::error!(%tenant, %error, "the tag cannot be read");
                None
            }
        }
    }

    /// Removes the tag `tenant-{id}`. Gone already is success, and a storage fault is logged and stops nobody
    /// (protocol G.7).
    pub async fn remove_tag(&self, tenant: &TenantId) {
        let owner = tenant.clone();
        if let Err(error) = self.blocking(move |store| store.remove_tag(&owner)).await {
            tracing::error!(%tenant, %error, "the tag cannot be removed");
        }
    }

    /// Runs file work where it may block.
    async fn blocking<T, F>(&self, work: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> io::Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner.store)).await.map_err(io::Error::other)?
    }
}
