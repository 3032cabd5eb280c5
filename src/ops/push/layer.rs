//! One layer on its way: compressed once, on every core, and sent to everybody who needs it at the same time.
//!
//! Nothing is kept on disk, and little in memory: whoever takes pieces slowly holds the others up.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::io;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;

use crate::engine::Packing;
use crate::model::progress::{LayerProgress, LayerState};
use crate::model::{Digest, Hasher};
use crate::registry::{Client, Layer, RegistryError, gzip};

/// Compressed pieces that wait for one registry.
const WAITING: usize = 4;
/// How long a registry may take no byte before it counts as gone.
const STALL: Duration = Duration::from_mins(1);
/// How long a registry may take to be told that a layer broke off.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a registry may take to store a layer that it has been sent.
const STORING: Duration = Duration::from_mins(5);

/// What is carried, and what it is called.
pub(super) struct Cargo<S> {
    /// The pieces, uncompressed where it is `Plain`.
    pub(super) pieces: S,
    /// The digest of what the pieces were, at their end.
    pub(super) whole: oneshot::Receiver<Digest>,
    pub(super) packing: Packing,
    /// Bytes that the pieces will have.
    pub(super) size: u64,
    /// 12 hex digits, for the progress.
    pub(super) id: String,
}

/// Who needs it: places (numbers that only the caller understands) that share one login.
pub(super) struct Receiver {
    pub(super) client: Client,
    pub(super) places: Vec<usize>,
}

/// What came of it.
pub(super) struct Carried {
    /// The digest of the pieces; `None` where they broke off.
    pub(super) whole: Option<Digest>,
    /// How the layer lies at each place now.
    pub(super) results: Vec<(usize, Result<Layer, RegistryError>)>,
}

/// One upload. It runs in a task of its own, which ends with this value.
struct Running {
    client: Client,
    places: Vec<usize>,
    /// Gone once the upload takes no more.
    pieces: Option<Sender<io::Result<Bytes>>>,
    digest: oneshot::Sender<Digest>,
    upload: AbortOnDropHandle<Result<(), RegistryError>>,
    is_stalled: bool,
}

/// Carries a layer to all `receivers`.
pub(super) async fn carry<S>(cargo: Cargo<S>, receivers: Vec<Receiver>, progress: &Sender<LayerProgress>) -> Carried
where
    S: Stream<Item = Bytes> + Unpin,
{
    let Cargo { pieces, whole, packing, size, id } = cargo;
    let is_near = receivers.iter().all(|receiver| receiver.client.effort() == gzip::Effort::Least);
    let effort = if is_near { gzip::Effort::Least } else { gzip::Effort::Usual };
    let mut running: Vec<Running> = receivers.into_iter().map(Running::start).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut packed = pieces
        .map(|piece| async move {
            let length = piece.len() as u64;
            let packed = match packing {
                Packing::Gzip => Ok(piece),
                Packing::Plain => tokio::task::spawn_blocking(move || gzip::compress(&piece, effort).map(Bytes::from))
                    .await
                    .map_err(io::Error::other)
                    .and_then(std::convert::identity),
            };
            packed.map(|packed| (length, packed))
        })
        .buffered(cores + 1);
    let (mut hasher, mut taken, mut sent) = (Hasher::new(), 0, 0);
    let mut is_whole = true;
    while let Some(piece) = packed.next().await {
        let Ok((length, piece)) = piece else {
            is_whole = false;
            break;
        };
        hasher.update(&piece);
        taken += length;
        sent += piece.len() as u64;
        for one in &mut running {
            one.give(&piece).await;
        }
        if running.iter().all(|one| one.pieces.is_none()) {
            is_whole = false;
            break;
        }
        let state = LayerState::Pushing { current: taken, total: size };
        drop(progress.send(LayerProgress { id: id.clone(), state }).await);
    }
    // Ends the source where it was left early.
    drop(packed);
    let whole = if is_whole { whole.await.ok() } else { None };
    let layer = Layer { digest: hasher.finish(), size: sent };
    let mut results = Vec::new();
    for one in running {
        let places = one.places.clone();
        let outcome = one.end(whole.is_some().then_some(&layer.digest)).await;
        if let Some(outcome) = outcome {
            results.extend(places.into_iter().map(|place| (place, outcome.clone().map(|()| layer.clone()))));
        }
    }
    if whole.is_some() && results.iter().all(|(_, result)| result.is_ok()) {
        drop(progress.send(LayerProgress { id, state: LayerState::Pushed }).await);
    }
    Carried { whole, results }
}

impl Running {
    fn start(receiver: Receiver) -> Self {
        let Receiver { client, places } = receiver;
        let (pieces, taken) = mpsc::channel(WAITING);
        let (digest, ended) = oneshot::channel();
        let upload = AbortOnDropHandle::new(tokio::spawn(upload(client.clone(), taken, ended)));
        Self { client, places, pieces: Some(pieces), digest, upload, is_stalled: false }
    }

    /// Hands a piece on, and gives the upload up where it does not take it.
    async fn give(&mut self, piece: &Bytes) {
        let Some(pieces) = &self.pieces else { return };
        match tokio::time::timeout(STALL, pieces.send(Ok(piece.clone()))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.pieces = None,
            Err(_) => (self.is_stalled, self.pieces) = (true, None),
        }
    }

    /// How the upload ended. Without a digest it is broken off, and there is no outcome but a fault of its own.
    async fn end(self, digest: Option<&Digest>) -> Option<Result<(), RegistryError>> {
        let Self { client, pieces, digest: told, upload, is_stalled, .. } = self;
        let gone = || Some(Err(client.gone("it takes no more of a layer")));
        match (digest, pieces) {
            _ if is_stalled => return gone(),
            (Some(digest), Some(_)) => drop(told.send(digest.clone())),
            // An error in the stream, so that the registry does not take it for the end.
            (None, Some(pieces)) => {
                let broken = pieces.send(Err(io::Error::other("the layer broke off")));
                // A registry that reads no more does not hold this up; dropping the rest ends its upload too.
                let _ = tokio::time::timeout(FAREWELL, broken).await;
                return None;
            }
            (_, None) => drop(told),
        }
        match tokio::time::timeout(STORING, upload).await {
            Ok(Ok(outcome)) => Some(outcome),
            _ => gone(),
        }
    }
}

async fn upload(
    client: Client,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    digest: oneshot::Receiver<Digest>,
) -> Result<(), RegistryError> {
    let mut upload = client.begin_upload().await?;
    upload.send(ReceiverStream::new(pieces)).await?;
    match digest.await {
        Ok(digest) => upload.finish(&digest, Bytes::new()).await,
        Err(_) => Err(client.gone("the layer broke off")),
    }
}
