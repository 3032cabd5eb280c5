//! Garbage collection: what no tag, no kept digest and no push in progress needs goes.
//!
//! A push is a conversation of many requests, and content is needed before the manifest that names it exists.
//! So everything that was pushed, mounted or asked for by a pusher lately stays, whoever needs it. Marking and
//! sweeping happen under the store's exclusive lock: no request sees half of it. When anything cannot be read,
//! nothing is removed.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Registry;
use super::manifests::references;
use super::store::{Kind, Store};
use crate::model::{Digest, TenantId};

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Manifests and blobs that a tenant cannot read any more.
    pub links: u64,
    /// Files of content.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Registry {
    /// Removes what is not needed: by a tenant's tag, by one of the digests in `keep`, or by a push of the last
    /// `grace`. Every tenant that is not in `keep` keeps its tag alone.
    pub async fn collect(&self, keep: HashMap<TenantId, Vec<Digest>>, grace: Duration) -> io::Result<Collected> {
        let inner = Arc::clone(&self.inner);
        let before = SystemTime::now().checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
        let work = move || {
            let _exclusive = inner.store.exclusive();
            collect(&inner.store, &keep, before)
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

fn collect(store: &Store, keep: &HashMap<TenantId, Vec<Digest>>, before: SystemTime) -> io::Result<Collected> {
    let mut live = HashSet::new();
    let mut dead = Vec::new();
    for tenant in store.tenants()? {
        let kept = keep.get(&tenant).map(Vec::as_slice).unwrap_or_default();
        let needed = mark(store, &tenant, kept, before)?;
        for kind in [Kind::Blob, Kind::Manifest] {
            for (digest, used) in store.links(&tenant, kind)? {
                if used >= before || needed.contains(&(kind, digest.clone())) {
                    live.insert(digest);
                } else {
                    dead.push((tenant.clone(), kind, digest));
                }
            }
        }
    }
    let mut collected = Collected::default();
    for (tenant, kind, digest) in dead {
        collected.links += u64::from(store.forget(&tenant, kind, &digest)?);
    }
    for (digest, size, stored) in store.contents()? {
        if stored < before && !live.contains(&digest) {
            std::fs::remove_file(store.content(&digest))?;
            collected.files += 1;
            collected.bytes += size;
        }
    }
    Ok(collected)
}

/// Everything that the tenant's tag, the digests `kept` and its recent manifests name, themselves included.
fn mark(store: &Store, tenant: &TenantId, kept: &[Digest], before: SystemTime) -> io::Result<HashSet<(Kind, Digest)>> {
    let mut to_read: Vec<Digest> = kept.to_vec();
    to_read.extend(store.tag(tenant)?);
    let manifests = store.links(tenant, Kind::Manifest)?;
    to_read.extend(manifests.into_iter().filter(|(_, used)| *used >= before).map(|(digest, _)| digest));
    let mut needed = HashSet::new();
    while let Some(digest) = to_read.pop() {
        let Some(media_type) = store.recorded(tenant, Kind::Manifest, &digest)? else { continue };
        if !needed.insert((Kind::Manifest, digest.clone())) {
            continue;
        }
        let bytes = std::fs::read(store.content(&digest))?;
        let (kind, named) = references(&bytes, &media_type).ok_or_else(|| unreadable(&digest))?;
        match kind {
            Kind::Blob => needed.extend(named.into_iter().map(|digest| (Kind::Blob, digest))),
            Kind::Manifest => to_read.extend(named),
        }
    }
    Ok(needed)
}

fn unreadable(digest: &Digest) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{digest} is recorded as a manifest and cannot be read as one"))
}
