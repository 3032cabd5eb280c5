//! One tag that an image is pushed to, and what its repository holds already.

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use std::collections::HashMap;

use crate::engine::{Archive, ArchiveError, LayerSource};
use crate::model::progress::PushedBy;
use crate::model::{Digest, ImageReference, Problem, RegistryToken, TenantId};
use crate::registry::{Client, Layer, Manifest, RegistryError};

/// Questions to a registry at the same time.
const QUESTIONS: usize = 8;

/// Where to, and how far it is.
pub(super) struct Destination {
    pub(super) tenant: TenantId,
    pub(super) image: ImageReference,
    pub(super) token: RegistryToken,
    pub(super) client: Client,
    /// How layers may lie there, by the digest of their plain content: from earlier pushes, and from the image that is
    /// there now.
    pub(super) known: HashMap<Digest, Layer>,
    /// How layers lie there for certain.
    pub(super) present: HashMap<Digest, Layer>,
    /// The same for layers that the archive held compressed, by their name in it.
    pub(super) compressed: HashMap<String, Layer>,
    /// False where the registry cannot be talked to from here.
    pub(super) is_reachable: bool,
    /// True once a refused token was replaced.
    pub(super) was_renewed: bool,
    /// How it ended.
    pub(super) outcome: Option<Result<(Digest, Option<PushedBy>), Fault>>,
}

/// Why a push failed.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    Registry(RegistryError),
    Other(Problem),
}

impl Destination {
    pub(super) fn new(tenant: TenantId, image: ImageReference, token: RegistryToken) -> Result<Self, RegistryError> {
        let client = client(&image, &token)?;
        Ok(Self {
            tenant,
            image,
            token,
            client,
            known: HashMap::new(),
            present: HashMap::new(),
            compressed: HashMap::new(),
            is_reachable: true,
            was_renewed: false,
            outcome: None,
        })
    }

    /// True while nothing has become of it.
    pub(super) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    pub(super) fn fail(&mut self, error: RegistryError) {
        self.outcome = Some(Err(Fault::Registry(error)));
    }

    /// The same place with another login.
    pub(super) fn renew(&mut self, token: RegistryToken) -> Result<(), RegistryError> {
        let client = client(&self.image, &token)?;
        client.take_over(&self.client);
        self.client = client;
        self.token = token;
        self.was_renewed = true;
        self.outcome = None;
        Ok(())
    }

    /// Looks at what the tag names now. The same image ends it: equal is what has the same configuration, which names
    /// every layer's plain content. Of another image its layers are taken note of.
    pub(super) async fn survey(&mut self, image_id: &str) -> Result<(), RegistryError> {
        let Some(manifest) = self.client.manifest(self.image.tag()).await? else { return Ok(()) };
        let same = |digest: &Digest| digest.as_str() == image_id;
        if same(&manifest.digest) || manifest.config.as_ref().is_some_and(|config| same(&config.digest)) {
            self.outcome = Some(Ok((manifest.digest, None)));
            return Ok(());
        }
        if let Some(config) = &manifest.config
            && let Some(config) = self.client.blob(&config.digest).await?
        {
            self.known.extend(layers_of(&config, &manifest));
        }
        Ok(())
    }

    /// Puts the image together from what the registry holds already: as it is for a second tenant, and for an image that
    /// was there before. False where a part is missing.
    pub(super) async fn assemble(&mut self, image_id: &str, diff_ids: &[Digest]) -> Result<bool, RegistryError> {
        let Ok(config) = Digest::new(image_id) else { return Ok(false) };
        if diff_ids.is_empty() || !diff_ids.iter().all(|diff_id| self.known.contains_key(diff_id)) {
            return Ok(false);
        }
        self.look(diff_ids).await;
        let layers: Option<Vec<Layer>> = diff_ids.iter().map(|diff_id| self.present.get(diff_id).cloned()).collect();
        let Some(layers) = layers.filter(|_| self.is_open()) else { return Ok(false) };
        if self.client.head_blob(&config).await?.is_none() && !self.client.mount(&config).await? {
            return Ok(false);
        }
        let Some(config) = self.client.blob(&config).await? else { return Ok(false) };
        let digest = self.put(&Bytes::from(config), &layers).await?;
        self.outcome = Some(Ok((digest, Some(PushedBy::Tenantry))));
        Ok(true)
    }

    /// Asks the registry for the layers of an image that may be there.
    pub(super) async fn look(&mut self, diff_ids: &[Digest]) {
        let open = diff_ids.iter().filter(|diff_id| !self.present.contains_key(diff_id));
        let questions: Vec<(Digest, Layer)> =
            open.filter_map(|diff_id| Some((diff_id.clone(), self.known.get(diff_id)?.clone()))).collect();
        let answers: Vec<_> = futures_util::stream::iter(questions)
            .map(|(diff_id, layer)| {
                let client = self.client.clone();
                async move {
                    let is_there = match client.head_blob(&layer.digest).await? {
                        Some(size) => size == layer.size,
                        // Another tenant's push may have brought it.
                        None => client.mount(&layer.digest).await?,
                    };
                    Ok(is_there.then_some((diff_id, layer)))
                }
            })
            .buffer_unordered(QUESTIONS)
            .collect()
            .await;
        for answer in answers {
            match answer {
                Ok(there) => self.present.extend(there),
                Err(error) => self.fail(error),
            }
        }
    }

    /// Puts the configuration and the manifest, after all layers.
    pub(super) async fn seal(&mut self, archive: &Archive, diff_ids: &[Digest]) -> Result<(), ArchiveError> {
        let mut layers = Vec::with_capacity(diff_ids.len());
        for (source, diff_id) in archive.layers.iter().zip(diff_ids) {
            let compressed = || match source {
                LayerSource::Streamed(name) => self.compressed.get(name),
                LayerSource::Kept(..) => None,
            };
            let layer = self.present.get(diff_id).or_else(compressed).cloned();
            layers.push(layer.ok_or_else(|| ArchiveError::Damaged(format!("the layer {diff_id}")))?);
        }
        self.present.extend(diff_ids.iter().cloned().zip(layers.iter().cloned()));
        match self.put(&archive.config, &layers).await {
            Ok(digest) => self.outcome = Some(Ok((digest, Some(PushedBy::Tenantry)))),
            Err(error) => self.fail(error),
        }
        Ok(())
    }

    async fn put(&self, config: &Bytes, layers: &[Layer]) -> Result<Digest, RegistryError> {
        let manifest = Manifest::of_image(config, layers).map_err(|error| RegistryError::Unusable {
            registry: self.image.registry().to_owned(),
            why: format!("the manifest cannot be written: {error}"),
        })?;
        self.client.put_blob(config).await?;
        self.client.put_manifest(self.image.tag(), &manifest).await?;
        Ok(manifest.digest)
    }
}

pub(super) fn client(image: &ImageReference, token: &RegistryToken) -> Result<Client, RegistryError> {
    Client::new(image.registry(), image.repository(), &token.username, token.token.clone())
}

/// How the layers of an image lie in its repository.
fn layers_of(config: &[u8], manifest: &Manifest) -> Vec<(Digest, Layer)> {
    #[derive(Deserialize)]
    struct Config {
        rootfs: Rootfs,
    }
    #[derive(Deserialize)]
    struct Rootfs {
        diff_ids: Vec<Digest>,
    }
    // What cannot be read, or does not fit together, is no help; it is no fault either.
    let Ok(Config { rootfs }) = serde_json::from_slice(config) else { return Vec::new() };
    if rootfs.diff_ids.len() != manifest.layers.len() {
        return Vec::new();
    }
    // The manifest that is written names every layer as gzip.
    let is_gzip = |media_type: &str| media_type.ends_with("tar.gzip") || media_type.ends_with("tar+gzip");
    let layers = rootfs.diff_ids.into_iter().zip(&manifest.layers).filter(|(_, layer)| is_gzip(&layer.media_type));
    layers.map(|(diff_id, layer)| (diff_id, Layer { digest: layer.digest.clone(), size: layer.size })).collect()
}
