//! Manifests: the one that a push writes, and what is read of those that a registry holds.
//!
//! Must not know requests.

use serde::{Deserialize, Serialize};

use crate::model::{Digest, Hasher};

const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

/// What a client asks a registry for: images, and the lists of several.
pub(super) const ACCEPTED: &str = "application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.index.v1+json";

/// Content that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Of the content as the registry holds it.
    pub digest: Digest,
}

/// How a layer lies in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Of the compressed layer.
    pub digest: Digest,
    /// Its size, bytes.
    pub size: u64,
}

/// A manifest that a registry holds, or is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Of its bytes.
    pub digest: Digest,
    /// What it is.
    pub media_type: String,
    /// Byte for byte.
    pub bytes: Vec<u8>,
    /// The image's configuration; `None` for a list of images.
    pub config: Option<Descriptor>,
    /// The image's layers, lowest first.
    pub layers: Vec<Descriptor>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

impl Manifest {
    /// The manifest of an image, in the form that Docker itself writes.
    pub fn of_image(config: &[u8], layers: &[Layer]) -> Result<Self, serde_json::Error> {
        let config = Descriptor {
            media_type: "application/vnd.docker.container.image.v1+json".into(),
            size: config.len() as u64,
            digest: Hasher::digest(config),
        };
        let describe = |layer: &Layer| Descriptor {
            media_type: "application/vnd.docker.image.rootfs.diff.tar.gzip".into(),
            size: layer.size,
            digest: layer.digest.clone(),
        };
        let wire = Wire {
            schema_version: 2,
            media_type: Some(DOCKER.into()),
            config: Some(config),
            layers: layers.iter().map(describe).collect(),
        };
        Self::read(serde_json::to_vec(&wire)?, DOCKER)
    }

    /// Reads what a registry gave; `media_type` is how it called it.
    pub(super) fn read(bytes: Vec<u8>, media_type: &str) -> Result<Self, serde_json::Error> {
        let wire: Wire = serde_json::from_slice(&bytes)?;
        let media_type = wire.media_type.unwrap_or_else(|| media_type.to_owned());
        let is_image = [DOCKER, OCI].contains(&media_type.as_str());
        Ok(Self {
            digest: Hasher::digest(&bytes),
            media_type,
            config: wire.config.filter(|_| is_image),
            layers: if is_image { wire.layers } else { Vec::new() },
            bytes,
        })
    }
}
