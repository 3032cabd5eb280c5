//! The images' registry: the part of the OCI distribution specification that `docker push` and
//! `docker pull` need (protocol B.40), for one repository that all tenants share.
//!
//! A token writes only its own tenant's tag and reads only what its own tenant pushed or mounted from another
//! tenant of the same owner; equal content is nevertheless stored once. Content streams to disk and is never whole in memory. Knows HTTP and files;
//! must not know the server's database, its provisioner or the Docker Engine.

mod blobs;
mod collect;
mod error;
mod http;
mod manifests;
mod path;
mod store;
mod tokens;
mod uploads;

#[cfg(test)]
mod tests;

pub use collect::Collected;
pub use tokens::{Access, Grant, RegistryTokens};

use axum::Router;
use futures_util::future::BoxFuture;
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

/// Who owns which tenants, as far as a registry has to know it.
pub trait Owners: Send + Sync + std::fmt::Debug {
    /// The other tenants of the account that owns `tenant`: what they pushed, it may mount.
    fn siblings<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Vec<TenantId>>;
}

/// Every tenant is an account of its own.
#[derive(Debug)]
struct Alone;

impl Owners for Alone {
    fn siblings<'a>(&'a self, _: &'a TenantId) -> BoxFuture<'a, Vec<TenantId>> {
        Box::pin(async { Vec::new() })
    }
}

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
    owners: Arc<dyn Owners>,
}

impl Registry {
    /// Opens, or makes, the registry in `directory`, where every tenant is on its own. One process at a time:
    /// unfinished uploads are swept. Blocks.
    pub fn open(directory: &Path, tokens: RegistryTokens) -> Result<Self, RegistryError> {
        Self::open_with(directory, tokens, Arc::new(Alone))
    }

    /// The same where tenants of one owner may mount each other's blobs.
    pub fn open_with(directory: &Path, tokens: RegistryTokens, owners: Arc<dyn Owners>) -> Result<Self, RegistryError> {
        let open = || {
            let store = Store::open(directory)?;
            for tenant in store.tenants()? {
                match store.generation(&tenant)? {
                    0 => {}
                    generation => tokens.begin_generation(&tenant, generation),
                }
            }
            Ok(store)
        };
        let store = open().map_err(|source| RegistryError { directory: directory.display().to_string(), source })?;
        Ok(Self { inner: Arc::new(Inner { store, tokens, uploads: Uploads::default(), owners }) })
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

    /// Every tenant that has a tag or a claim to content here.
    pub async fn holders(&self) -> io::Result<Vec<TenantId>> {
        self.blocking(|store| {
            let mut holders = Vec::new();
            for tenant in store.tenants()? {
                let links = [store::Kind::Manifest, store::Kind::Blob].map(|kind| store.links(&tenant, kind));
                if store.tag(&tenant)?.is_some()
                    || links.into_iter().any(|links| links.is_ok_and(|all| !all.is_empty()))
                {
                    holders.push(tenant);
                }
            }
            Ok(holders)
        })
        .await
    }

    /// Removes the tag `tenant-{id}`. Gone already is success, and a storage fault is logged and stops nobody
    /// (protocol G.7).
    pub async fn remove_tag(&self, tenant: &TenantId) {
        let owner = tenant.clone();
        if let Err(error) = self.blocking(move |store| store.remove_tag(&owner)).await {
            tracing::error!(%tenant, %error, "the tag cannot be removed");
        }
    }

    /// Makes every token of the tenant worthless at once, also beyond a restart, and ends its uploads. A storage
    /// fault is logged: then a restart makes them good again, until they expire.
    pub async fn revoke(&self, tenant: &TenantId) {
        let generation = self.inner.tokens.generation(tenant) + 1;
        self.inner.tokens.begin_generation(tenant, generation);
        self.inner.uploads.drop_all(tenant);
        let owner = tenant.clone();
        if let Err(error) = self.blocking(move |store| store.set_generation(&owner, generation)).await {
            tracing::error!(%tenant, %error, "the revocation cannot be written down");
        }
    }

    /// Ends everything of a tenant that is gone: its tokens, its tag, and its claim to what it pushed. The content goes
    /// with the next collection, unless somebody else needs it. A storage fault is logged and stops nobody.
    pub async fn forget(&self, tenant: &TenantId) {
        self.revoke(tenant).await;
        let owner = tenant.clone();
        if let Err(error) = self.blocking(move |store| store.forget_all(&owner)).await {
            tracing::error!(%tenant, %error, "what the tenant pushed cannot be forgotten");
        }
    }

    /// Runs file work where it may block. Nothing is collected meanwhile.
    async fn blocking<T, F>(&self, work: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> io::Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            let _shared = inner.store.shared();
            work(&inner.store)
        })
        .await
        .map_err(io::Error::other)?
    }
}
