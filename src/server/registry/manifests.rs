//! Manifests: checked on the way in, answered byte for byte on the way out.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use std::io;

use super::http::{CONTENT_DIGEST, entity_tag, respond, unchanged};
use super::path::Reference;
use super::store::{Kind, digest_of};
use super::{Grant, REPOSITORY, Refusal, Registry};
use crate::model::{Digest, TenantId};

/// Largest manifest, in bytes: the size that the distribution specification tells registries to accept.
const MAX_MANIFEST: usize = 4 * 1024 * 1024;

const IMAGES: [&str; 2] =
    ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"];
const INDEXES: [&str; 2] =
    ["application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json"];

/// What the registry reads of a manifest; the rest is the client's business.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    digest: Digest,
    size: u64,
}

impl Manifest {
    /// Reads and checks what stands for itself; answers what must have been pushed before.
    fn references(bytes: &[u8], media_type: &str) -> Result<(Kind, Vec<Descriptor>), Refusal> {
        let invalid = |text: &str| Refusal::ManifestInvalid(text.to_owned());
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|_| invalid("the body is not an image manifest or index"))?;
        if manifest.schema_version != 2 {
            return Err(invalid("only manifests of schema version 2 are kept"));
        }
        if manifest.media_type.as_deref().is_some_and(|inside| inside != media_type) {
            return Err(invalid("mediaType and Content-Type differ"));
        }
        if IMAGES.contains(&media_type) {
            let config = manifest.config.ok_or_else(|| invalid("an image manifest needs a config"))?;
            let mut blobs = manifest.layers.ok_or_else(|| invalid("an image manifest needs layers"))?;
            blobs.push(config);
            return Ok((Kind::Blob, blobs));
        }
        if INDEXES.contains(&media_type) {
            return Ok((Kind::Manifest, manifest.manifests.ok_or_else(|| invalid("an index needs manifests"))?));
        }
        Err(invalid("the Content-Type is none of an image manifest or index"))
    }
}

/// What a kept manifest names, and of which kind that is; `None` when it cannot be read.
pub(super) fn references(bytes: &[u8], media_type: &str) -> Option<(Kind, Vec<Digest>)> {
    let (kind, named) = Manifest::references(bytes, media_type).ok()?;
    Some((kind, named.into_iter().map(|descriptor| descriptor.digest).collect()))
}

impl Registry {
    /// PUT by tag or digest.
    pub(super) async fn put_manifest(
        &self,
        grant: &Grant,
        reference: Reference,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        Self::own_tag(grant, &reference)?;
        let media_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split(';').next())
            .map(|text| text.trim().to_owned())
            .ok_or_else(|| Refusal::ManifestInvalid("the Content-Type is missing".into()))?;
        let bytes = read(body).await?;
        let (kind, wanted) = Manifest::references(&bytes, &media_type)?;
        let digest = digest_of(&bytes)?;
        if let Reference::Digest(expected) = &reference
            && *expected != digest
        {
            return Err(Refusal::DigestInvalid(format!("the manifest does not have the digest {expected}")));
        }
        let (tenant, kept) = (grant.tenant.clone(), digest.clone());
        let tagged = matches!(reference, Reference::Tag(_));
        // In one go, so that nothing it names can be collected in between.
        let missing = self
            .blocking(move |store| {
                if let Some(missing) = first_missing(store, &tenant, kind, wanted)? {
                    return Ok(Some(missing));
                }
                let mut upload = store.begin()?;
                upload.append(&bytes)?;
                store.keep(upload)?;
                store.record(&tenant, Kind::Manifest, &kept, &media_type)?;
                if tagged {
                    store.set_tag(&tenant, &kept)?;
                }
                Ok(None)
            })
            .await?;
        if let Some(missing) = missing {
            return Err(Refusal::ManifestBlobUnknown(missing.to_string()));
        }
        let place = format!("/v2/{REPOSITORY}/manifests/{digest}");
        respond(StatusCode::CREATED, &[("location", &place), (CONTENT_DIGEST, digest.as_str())], Body::empty())
    }

    /// GET and HEAD by tag or digest.
    pub(super) async fn get_manifest(
        &self,
        grant: &Grant,
        reference: Reference,
        headers: &HeaderMap,
    ) -> Result<Response, Refusal> {
        let tenant = grant.tenant.clone();
        let found = self
            .blocking(move |store| {
                let digest = match reference {
                    Reference::Digest(digest) => digest,
                    Reference::Tag(tag) if tag == tenant.image_tag() => match store.tag(&tenant)? {
                        Some(digest) => digest,
                        None => return Ok(None),
                    },
                    Reference::Tag(_) => return Ok(None),
                };
                let Some(media_type) = store.recorded(&tenant, Kind::Manifest, &digest)? else { return Ok(None) };
                Ok(Some((std::fs::read(store.content(&digest))?, media_type, digest)))
            })
            .await?;
        let (bytes, media_type, digest) = found.ok_or(Refusal::ManifestUnknown)?;
        if let Some(answer) = unchanged(headers, &digest) {
            return answer;
        }
        let (length, tag) = (bytes.len().to_string(), entity_tag(&digest));
        let headers = [
            ("content-type", media_type.as_str()),
            ("content-length", &length),
            ("etag", &tag),
            (CONTENT_DIGEST, digest.as_str()),
        ];
        respond(StatusCode::OK, &headers, Body::from(bytes))
    }

    /// DELETE. By tag: the tag goes. By digest: the tenant's manifest goes, and the tag if it points there.
    pub(super) async fn delete_manifest(&self, grant: &Grant, reference: Reference) -> Result<Response, Refusal> {
        Self::own_tag(grant, &reference)?;
        let tenant = grant.tenant.clone();
        let existed = self
            .blocking(move |store| match reference {
                Reference::Tag(_) => store.remove_tag(&tenant),
                Reference::Digest(digest) => {
                    if store.tag(&tenant)? == Some(digest.clone()) {
                        store.remove_tag(&tenant)?;
                    }
                    store.forget(&tenant, Kind::Manifest, &digest)
                }
            })
            .await?;
        if existed { respond(StatusCode::ACCEPTED, &[], Body::empty()) } else { Err(Refusal::ManifestUnknown) }
    }
}

/// The first descriptor whose content this tenant has not pushed, or pushed with another size.
fn first_missing(
    store: &super::Store,
    tenant: &TenantId,
    kind: Kind,
    wanted: Vec<Descriptor>,
) -> io::Result<Option<Digest>> {
    for descriptor in wanted {
        if store.size(tenant, kind, &descriptor.digest)? != Some(descriptor.size) {
            return Ok(Some(descriptor.digest));
        }
    }
    Ok(None)
}

async fn read(body: Body) -> Result<bytes::Bytes, Refusal> {
    match Limited::new(body, MAX_MANIFEST).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Refusal::TooLarge(format!("a manifest has at most {MAX_MANIFEST} bytes")))
        }
        Err(_) => Err(Refusal::ManifestInvalid("the manifest broke off".into())),
    }
}
