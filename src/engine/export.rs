//! An image out of the engine: what its layers are, and the stream that `docker save` writes.
//!
//! Must not know what becomes of it. [`super::archive`] reads the stream.

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::connect::Engine;
use super::contexts::Address;
use super::error::EngineError;
use super::request::{self, Answer};
use crate::model::Digest;

/// The layers of an image as the engine knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayers {
    /// The digest of each layer's plain content, lowest first. No name for it changes when it is compressed.
    pub diff_ids: Vec<Digest>,
    /// The sizes of those layers that hold files, lowest first, bytes. The engine does not say which is whose: there can
    /// be fewer of them than layers.
    pub sizes: Vec<u64>,
}

impl ImageLayers {
    /// All of them, bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.sizes.iter().sum()
    }

    /// The least that the layers above the lowest `known` can hold, bytes.
    #[must_use]
    pub fn size_above(&self, known: usize) -> u64 {
        self.sizes.iter().skip(known).sum()
    }
}

/// The stream of an image. Dropping it closes the connection.
#[derive(Debug)]
pub struct Export(Answer);

impl Engine {
    /// True where the engine runs on this machine as far as its address tells: reading an image out of it is cheap then.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.address, Address::Unix(_))
    }

    /// The layers of an image; `None` where the engine does not have it.
    pub async fn layers(&self, image: &str) -> Result<Option<ImageLayers>, EngineError> {
        let found = match self.docker.inspect_image(image).await.map_err(|error| self.explain(error)) {
            Ok(found) => found,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => return Err(error),
        };
        let diff_ids = found.root_fs.and_then(|root| root.layers).unwrap_or_default();
        let diff_ids: Result<Vec<Digest>, _> = diff_ids.iter().map(|raw| Digest::new(raw)).collect();
        let history = self.docker.image_history(image).await.map_err(|error| self.explain(error))?;
        let sizes =
            history.into_iter().rev().filter_map(|entry| u64::try_from(entry.size).ok()).filter(|size| *size > 0);
        Ok(Some(ImageLayers { diff_ids: diff_ids.unwrap_or_default(), sizes: sizes.collect() }))
    }

    /// The image as `docker save` writes it, streamed.
    pub async fn export(&self, image: &str) -> Result<Export, EngineError> {
        let path = format!("/images/{}/get", utf8_percent_encode(image, NON_ALPHANUMERIC));
        let answer = request::get(&self.address, &path).await?;
        let status = answer.status();
        if status != 200 {
            let message = answer.message().await;
            return Err(EngineError::Docker(bollard::errors::Error::DockerResponseServerError {
                status_code: status,
                message,
            }));
        }
        Ok(Export(answer))
    }
}

impl Export {
    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        self.0.next().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;

    #[tokio::test]
    async fn an_export_comes_in_pieces_and_an_engine_that_dies_is_lost() {
        let engine = fake::Engine::start(|mut call| async move {
            assert_eq!(call.line, "GET /images/sha256%3Aab/get HTTP/1.1");
            call.begin().await;
            call.piece("some bytes").await;
        });
        let mut export = engine.connect().export("sha256:ab").await.unwrap();
        assert_eq!(export.next().await.unwrap().as_deref(), Some(&b"some bytes"[..]));
        assert!(matches!(export.next().await, Err(EngineError::Lost { .. })));
    }

    #[tokio::test]
    async fn an_image_that_the_engine_does_not_have_cannot_be_exported() {
        let engine = fake::Engine::start(|mut call| async move {
            call.answer("404 Not Found", r#"{"message":"No such image: x"}"#).await;
        });
        let error = engine.connect().export("x").await.expect_err("no image");
        assert!(error.is_absent() && error.to_string().contains("No such image"), "{error}");
    }

    #[test]
    fn what_lies_above_the_known_layers_is_never_overestimated() {
        let digest = |n: u8| Digest::new(&format!("sha256:{}", format!("{n:02x}").repeat(32))).unwrap();
        // Three layers, one of them without a file.
        let layers = ImageLayers { diff_ids: vec![digest(1), digest(2), digest(3)], sizes: vec![100, 30] };
        assert_eq!(layers.size(), 130);
        assert_eq!([0, 1, 2, 3].map(|known| layers.size_above(known)), [130, 30, 0, 0]);
    }
}
