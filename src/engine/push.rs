//! Pushing an image: the engine uploads, this module says with which credentials and reads what comes of it.
//!
//! Nothing is tried again here; the engine does that by itself where it helps. Must not know where the credentials
//! come from.

use hyper::header::HeaderName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::classify;
use super::connect::Engine;
use super::error::{EngineError, PushErrorKind};
use super::push_output::{PushEvent, PushOutput};
use super::registry_auth::Credentials;
use super::request;
use crate::model::progress::LayerProgress;
use crate::model::{Digest, ImageReference};

const REGISTRY_AUTH: HeaderName = HeaderName::from_static("x-registry-auth");

/// What stands unencoded in the path of a push.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b':').remove(b'.').remove(b'-').remove(b'_');

impl Engine {
    /// Pushes an image and returns what the registry holds then. Cancelling drops the connection, which ends the
    /// upload. Nobody has to read `progress`, but a full channel holds the push up.
    pub async fn push(
        &self,
        image: &ImageReference,
        credentials: &Credentials,
        progress: &mpsc::Sender<LayerProgress>,
        cancel: &CancellationToken,
    ) -> Result<Digest, EngineError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(EngineError::Cancelled),
            outcome = self.push_to_its_end(image, credentials, progress) => outcome,
        }
    }

    async fn push_to_its_end(
        &self,
        image: &ImageReference,
        credentials: &Credentials,
        progress: &mpsc::Sender<LayerProgress>,
    ) -> Result<Digest, EngineError> {
        let failed = |kind, message: String| EngineError::Push { kind, registry: image.registry().to_owned(), message };
        let header = credentials
            .header(image.registry())
            .map_err(|_| failed(PushErrorKind::Other, "the credentials do not fit into a header".into()))?;
        let encode = |part| utf8_percent_encode(part, PLAIN);
        let path = format!("/images/{}/push?tag={}", encode(&image.name()), encode(image.tag()));
        let mut answer = request::post(&self.address, &path, (REGISTRY_AUTH, header)).await?;
        if answer.status() != 200 {
            let is_absent = answer.status() == 404;
            let message = answer.message().await;
            let kind = if is_absent { PushErrorKind::NoImage } else { classify::push(&message) };
            return Err(failed(kind, message));
        }
        let mut output = PushOutput::default();
        let mut digest = None;
        loop {
            let piece = answer.next().await?;
            let is_end = piece.is_none();
            let events = match piece {
                Some(piece) => output.feed(&piece),
                None => output.finish().into_iter().collect(),
            };
            for event in events {
                match event {
                    // A receiver that is gone wants to know nothing more; the push goes on.
                    PushEvent::Layer(layer) => drop(progress.send(layer).await),
                    PushEvent::Digest(pushed) => digest = Some(pushed),
                    PushEvent::Failed(message) => return Err(failed(classify::push(&message), message)),
                }
            }
            if is_end {
                return digest
                    .ok_or_else(|| failed(PushErrorKind::Other, "the engine did not say what it pushed".into()));
            }
        }
    }
}
