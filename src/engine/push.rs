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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;
    use crate::model::Secret;
    use crate::model::progress::LayerState;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    async fn push(engine: &Engine) -> (Result<Digest, EngineError>, Vec<LayerProgress>) {
        let (progress, mut received) = mpsc::channel(1);
        let image = ImageReference::new("[::1]:5000", "team/app", "tenant-1").unwrap();
        let credentials = Credentials { username: "tenant".into(), password: Secret::new("p?~") };
        let cancel = CancellationToken::new();
        let reading = async {
            let mut layers = Vec::new();
            while let Some(layer) = received.recv().await {
                layers.push(layer);
            }
            layers
        };
        let pushing = async move { engine.push(&image, &credentials, &progress, &cancel).await };
        tokio::join!(pushing, reading)
    }

    #[tokio::test]
    async fn layers_and_digest_arrive() {
        let engine = fake::Engine::start(|mut call| async move {
            assert_eq!(call.line, "POST /images/%5B::1%5D:5000/team/app/push?tag=tenant-1 HTTP/1.1");
            assert!(call.head.to_lowercase().contains("x-registry-auth: "), "{}", call.head);
            call.begin().await;
            call.piece("{\"status\":\"Pushed\",\"id\":\"5f70").await;
            call.piece("bf18a086\"}\r\n").await;
            call.piece(&format!("{{\"aux\":{{\"Digest\":\"{DIGEST}\"}}}}")).await;
            call.end().await;
        });
        let (outcome, layers) = push(&engine.connect()).await;
        assert_eq!(outcome.unwrap().as_str(), DIGEST);
        assert_eq!(layers, [LayerProgress { id: "5f70bf18a086".into(), state: LayerState::Pushed }]);
    }

    #[tokio::test]
    async fn an_image_that_the_engine_does_not_have_is_said_so() {
        let engine = fake::Engine::start(|mut call| async move {
            call.answer("404 Not Found", r#"{"message":"An image does not exist locally"}"#).await;
        });
        let (outcome, _) = push(&engine.connect()).await;
        let error = outcome.expect_err("no image");
        assert!(matches!(error, EngineError::Push { kind: PushErrorKind::NoImage, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn an_engine_that_dies_in_the_middle_is_lost() {
        let engine = fake::Engine::start(|mut call| async move {
            call.begin().await;
            call.piece("{\"status\":\"Pushing\",\"id\":\"5f70bf18a086\"}\r\n").await;
        });
        let (outcome, layers) = push(&engine.connect()).await;
        assert!(matches!(outcome, Err(EngineError::Lost { .. })), "{outcome:?}");
        assert_eq!(layers.len(), 1);
    }

    #[tokio::test]
    async fn a_push_that_ends_without_a_digest_has_failed() {
        let engine = fake::Engine::start(|mut call| async move {
            call.begin().await;
            call.end().await;
        });
        let (outcome, _) = push(&engine.connect()).await;
        assert!(matches!(outcome, Err(EngineError::Push { kind: PushErrorKind::Other, .. })), "{outcome:?}");
    }

    #[tokio::test]
    async fn cancelling_drops_the_connection() {
        let (gone, mut is_gone) = mpsc::channel(1);
        let engine = fake::Engine::start(move |mut call| {
            let gone = gone.clone();
            async move {
                call.begin().await;
                call.piece("{\"status\":\"Pushing\",\"id\":\"5f70bf18a086\"}\r\n").await;
                call.read_to_end().await;
                gone.send(()).await.unwrap();
            }
        });
        let (progress, mut received) = mpsc::channel(1);
        let image = ImageReference::new("127.0.0.1:5000", "app", "t").unwrap();
        let credentials = Credentials { username: "tenant".into(), password: Secret::new("p") };
        let cancel = CancellationToken::new();
        let connected = engine.connect();
        let cancelling = async {
            received.recv().await;
            cancel.cancel();
        };
        let (outcome, ()) = tokio::join!(connected.push(&image, &credentials, &progress, &cancel), cancelling);
        assert!(matches!(outcome, Err(EngineError::Cancelled)), "{outcome:?}");
        assert!(is_gone.recv().await.is_some());
    }
}
