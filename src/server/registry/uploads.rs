//! Blobs on their way in. An upload belongs to one request at a time: whoever writes takes it out of the
//! table, and if the writing breaks off the upload ends with it and its file is gone. The client begins again.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::BytesMut;
use futures_util::StreamExt as _;
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

use super::http::{CONTENT_DIGEST, parameter, respond};
use super::path;
use super::store::{Kind, Upload};
use super::{Grant, REPOSITORY, Refusal, Registry};
use crate::model::{Digest, TenantId};

/// Bytes that are hashed and written in one go.
const CHUNK: usize = 512 * 1024;

/// Largest blob.
const MAX_BLOB: u64 = 32 * 1024 * 1024 * 1024;

/// Unfinished uploads that one tenant may have. Docker has five at a time.
const MAX_WAITING: usize = 100;

/// After this long without a request an upload is thrown away.
const MAX_IDLE: Duration = Duration::from_hours(1);

/// Uploads that wait for their next request.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    waiting: Mutex<HashMap<Uuid, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    tenant: TenantId,
    upload: Upload,
    since: Instant,
}

impl Uploads {
    fn table(&self) -> MutexGuard<'_, HashMap<Uuid, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, id: Uuid, tenant: &TenantId, upload: Upload) {
        self.table().insert(id, Waiting { tenant: tenant.clone(), upload, since: Instant::now() });
    }

    fn take(&self, id: Uuid, tenant: &TenantId) -> Result<Upload, Refusal> {
        let mut table = self.table();
        if table.get(&id).is_some_and(|waiting| waiting.tenant == *tenant) {
            return table.remove(&id).map(|waiting| waiting.upload).ok_or(Refusal::UploadUnknown);
        }
        Err(Refusal::UploadUnknown)
    }

    fn length(&self, id: Uuid, tenant: &TenantId) -> Result<u64, Refusal> {
        let table = self.table();
        let waiting = table.get(&id).filter(|waiting| waiting.tenant == *tenant).ok_or(Refusal::UploadUnknown)?;
        Ok(waiting.upload.length())
    }

    /// Ends all of a tenant's that wait.
    pub(super) fn drop_all(&self, tenant: &TenantId) {
        self.table().retain(|_, waiting| waiting.tenant != *tenant);
    }

    /// Throws away what nobody will finish, and refuses when this tenant has too many.
    fn make_room(&self, tenant: &TenantId) -> Result<(), Refusal> {
        let mut table = self.table();
        table.retain(|_, waiting| waiting.since.elapsed() < MAX_IDLE);
        let count = table.values().filter(|waiting| waiting.tenant == *tenant).count();
        if count < MAX_WAITING { Ok(()) } else { Err(Refusal::TooManyUploads) }
    }
}

impl Registry {
    /// POST: a new upload; with `mount` a blob that this tenant, or another of its owner, pushed already; with `digest`
    /// the whole blob at once.
    pub(super) async fn begin_upload(&self, grant: &Grant, query: &str, body: Body) -> Result<Response, Refusal> {
        if let Some(raw) = parameter(query, "mount") {
            let is_here = parameter(query, "from").is_none_or(|name| name == REPOSITORY);
            // What is no digest nobody has: an ordinary upload, as for every other blob that is not here.
            if is_here
                && let Ok(digest) = path::digest(&raw)
                && self.mount(grant, &digest).await?
            {
                return blob_created(&digest);
            }
        }
        let expected = parameter(query, "digest").map(|raw| path::digest(&raw)).transpose()?;
        self.inner.uploads.make_room(&grant.tenant)?;
        let upload = self.blocking(super::Store::begin).await?;
        if let Some(expected) = expected {
            let upload = receive(upload, body).await?;
            return self.keep(grant, upload, expected).await;
        }
        let id = Uuid::new_v4();
        self.inner.uploads.put(id, &grant.tenant, upload);
        upload_answer(StatusCode::ACCEPTED, id, 0)
    }

    /// Makes the blob the tenant's own without its bytes, when the tenant could have read it as another tenant of its
    /// owner. False otherwise, in the same words whether somebody else has it or nobody.
    async fn mount(&self, grant: &Grant, digest: &Digest) -> Result<bool, Refusal> {
        let siblings = self.inner.owners.siblings(&grant.tenant).await;
        let (tenant, digest) = (grant.tenant.clone(), digest.clone());
        let mounted = self.blocking(move |store| {
            for owner in std::iter::once(&tenant).chain(&siblings) {
                if store.size(owner, Kind::Blob, &digest)?.is_some() {
                    store.record(&tenant, Kind::Blob, &digest, "")?;
                    return Ok(true);
                }
            }
            Ok(false)
        });
        Ok(mounted.await?)
    }

    /// GET: how far an upload is.
    pub(super) fn upload_status(&self, grant: &Grant, id: Uuid) -> Result<Response, Refusal> {
        upload_answer(StatusCode::NO_CONTENT, id, self.inner.uploads.length(id, &grant.tenant)?)
    }

    /// DELETE: the upload and its file are gone.
    pub(super) fn cancel_upload(&self, grant: &Grant, id: Uuid) -> Result<Response, Refusal> {
        drop(self.inner.uploads.take(id, &grant.tenant)?);
        respond(StatusCode::NO_CONTENT, &[("docker-upload-uuid", &id.to_string())], Body::empty())
    }

    /// PATCH: the next bytes.
    pub(super) async fn continue_upload(
        &self,
        grant: &Grant,
        id: Uuid,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        self.in_order(grant, id, headers)?;
        let upload = receive(self.inner.uploads.take(id, &grant.tenant)?, body).await?;
        let length = upload.length();
        self.inner.uploads.put(id, &grant.tenant, upload);
        upload_answer(StatusCode::ACCEPTED, id, length)
    }

    /// PUT: the last bytes, if any, and the digest that the whole must have.
    pub(super) async fn finish_upload(
        &self,
        grant: &Grant,
        id: Uuid,
        query: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        self.in_order(grant, id, headers)?;
        let upload = self.inner.uploads.take(id, &grant.tenant)?;
        let raw = parameter(query, "digest")
            .ok_or_else(|| Refusal::DigestInvalid("the parameter digest is missing".into()))?;
        let expected = path::digest(&raw)?;
        let upload = receive(upload, body).await?;
        self.keep(grant, upload, expected).await
    }

    /// A `Content-Range` must begin where the upload stands.
    fn in_order(&self, grant: &Grant, id: Uuid, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(range) = headers.get(header::CONTENT_RANGE) else { return Ok(()) };
        let start = range
            .to_str()
            .ok()
            .and_then(|text| text.trim_start_matches("bytes ").split_once('-'))
            .and_then(|(start, _)| start.parse::<u64>().ok())
            .ok_or_else(|| Refusal::UploadInvalid("the Content-Range cannot be read".into()))?;
        let length = self.inner.uploads.length(id, &grant.tenant)?;
        if start == length { Ok(()) } else { Err(Refusal::OutOfOrder(length)) }
    }

    async fn keep(&self, grant: &Grant, upload: Upload, expected: Digest) -> Result<Response, Refusal> {
        if upload.digest()? != expected {
            return Err(Refusal::DigestInvalid(format!("the content does not have the digest {expected}")));
        }
        let tenant = grant.tenant.clone();
        let digest = self
            .blocking(move |store| {
                let digest = store.keep(upload)?;
                store.record(&tenant, Kind::Blob, &digest, "")?;
                Ok(digest)
            })
            .await?;
        blob_created(&digest)
    }
}

/// Writes the body to the upload in chunks, away from the runtime's threads.
async fn receive(mut upload: Upload, body: Body) -> Result<Upload, Refusal> {
    let mut stream = body.into_data_stream();
    let mut chunk = BytesMut::new();
    loop {
        let piece = stream.next().await.transpose();
        let piece = piece.map_err(|_| Refusal::UploadInvalid("the upload broke off; begin again".into()))?;
        let at_end = piece.is_none();
        if let Some(piece) = piece {
            chunk.extend_from_slice(&piece);
        }
        if upload.length() + chunk.len() as u64 > MAX_BLOB {
            return Err(Refusal::TooLarge(format!("a blob has at most {MAX_BLOB} bytes")));
        }
        if !chunk.is_empty() && (at_end || chunk.len() >= CHUNK) {
            let bytes = chunk.split().freeze();
            let write = move || upload.append(&bytes).map(|()| upload);
            upload = tokio::task::spawn_blocking(write).await.map_err(io::Error::other)??;
        }
        if at_end {
            return Ok(upload);
        }
    }
}

fn upload_answer(status: StatusCode, id: Uuid, length: u64) -> Result<Response, Refusal> {
    let id = id.to_string();
    let place = format!("/v2/{REPOSITORY}/blobs/uploads/{id}");
    let range = format!("0-{}", length.saturating_sub(1));
    respond(status, &[("location", &place), ("range", &range), ("docker-upload-uuid", &id)], Body::empty())
}

fn blob_created(digest: &Digest) -> Result<Response, Refusal> {
    let place = format!("/v2/{REPOSITORY}/blobs/{digest}");
    respond(StatusCode::CREATED, &[("location", &place), (CONTENT_DIGEST, digest.as_str())], Body::empty())
}
