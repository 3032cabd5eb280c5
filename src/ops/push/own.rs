//! The program's own pusher: layers out of the engine, compressed here on every core, each sent once to everybody who
//! lacks it. The image is the engine's in content: the same configuration bytes, the same plain layers.
//!
//! Nothing is tried again here.

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use std::collections::HashSet;
use std::io::{self, Read};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::destination::Destination;
use super::layer::{Cargo, Carried, Receiver, carry};
use crate::engine::{Archive, ArchiveError, Engine, EngineError, FoundLayer, ImageLayers, LayerSource, Packing};
use crate::model::progress::{LayerProgress, LayerState};
use crate::model::{Digest, Hasher};
use crate::registry::gzip;

/// Layers under way at the same time: while one is stored, the next is compressed.
const AT_ONCE: usize = 3;
/// Pieces of the engine's stream that wait to be read.
const WAITING: usize = 16;

/// What broke at the source, and so for everybody.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Pushes an image to every open destination and leaves the outcome there.
pub(super) async fn push(
    engine: &Engine,
    image_id: &str,
    layers: &ImageLayers,
    destinations: &mut [Destination],
    progress: &Sender<LayerProgress>,
) -> Result<(), SourceError> {
    let diff_ids = &layers.diff_ids;
    join_all(destinations.iter_mut().filter(|one| one.is_open()).map(|one| one.look(diff_ids))).await;
    let wanted = tell(diff_ids, destinations, progress).await;
    if !destinations.iter().any(Destination::is_open) {
        return Ok(());
    }
    let mut export = engine.export(image_id).await?;
    let (sender, received) = mpsc::channel(WAITING);
    let (found, layers) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let pump = async {
        // Moved in, so that the reader sees the end when this one ends.
        let sender = sender;
        loop {
            let piece = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                piece = export.next() => piece?,
            };
            let Some(piece) = piece else { return Ok::<_, EngineError>(()) };
            if sender.send(piece).await.is_err() {
                return Ok(());
            }
        }
    };
    let reading = {
        let (diff_ids, wanted) = (diff_ids.clone(), wanted);
        let source = Pieces { received, current: Bytes::new() };
        tokio::task::spawn_blocking(move || Archive::read(source, &diff_ids, &wanted, gzip::PIECE, found))
    };
    let (pumped, read, ()) = tokio::join!(pump, reading, carry_all(layers, destinations, progress, &stop));
    if !destinations.iter().any(Destination::is_open) {
        return Ok(());
    }
    pumped?;
    let archive = read.map_err(|error| ArchiveError::Broken(io::Error::other(error)))??;
    if archive.layers.len() != diff_ids.len() || Hasher::digest(&archive.config).as_str() != image_id {
        return Err(ArchiveError::Unsupported("it is not the image that was asked for").into());
    }
    carry_kept(&archive, diff_ids, destinations, progress).await?;
    let sealing = destinations.iter_mut().filter(|one| one.is_open()).map(|one| one.seal(&archive, diff_ids));
    join_all(sealing).await.into_iter().collect::<Result<(), _>>()?;
    Ok(())
}

/// Says how each layer stands; answers those that somebody lacks.
async fn tell(diff_ids: &[Digest], destinations: &[Destination], progress: &Sender<LayerProgress>) -> HashSet<Digest> {
    let lacks = |diff_id: &Digest| destinations.iter().any(|one| one.is_open() && !one.present.contains_key(diff_id));
    let mut wanted = HashSet::new();
    let mut told = HashSet::new();
    for diff_id in diff_ids.iter().filter(|diff_id| told.insert(*diff_id)) {
        let state = if lacks(diff_id) {
            wanted.insert(diff_id.clone());
            LayerState::Waiting
        } else {
            LayerState::AlreadyThere
        };
        drop(progress.send(LayerProgress { id: short(diff_id.hex()), state }).await);
    }
    wanted
}

/// Carries the layers as the archive's reader finds them.
async fn carry_all(
    mut found: mpsc::Receiver<FoundLayer>,
    destinations: &mut [Destination],
    progress: &Sender<LayerProgress>,
    stop: &CancellationToken,
) {
    let mut running = FuturesUnordered::new();
    let mut is_over = false;
    loop {
        tokio::select! {
            layer = found.recv(), if !is_over && running.len() < AT_ONCE => match layer {
                Some(layer) => {
                    let receivers = receivers(destinations, layer.diff_id.as_ref());
                    running.push(carry_found(layer, receivers, progress));
                }
                None => is_over = true,
            },
            Some((name, packing, carried)) = running.next() => note(destinations, &name, packing, carried),
            else => return,
        }
        if !destinations.iter().any(Destination::is_open) {
            stop.cancel();
            return;
        }
    }
}

async fn carry_found(
    layer: FoundLayer,
    receivers: Vec<Receiver>,
    progress: &Sender<LayerProgress>,
) -> (String, Packing, Carried) {
    let FoundLayer { name, size, diff_id, packing, pieces, whole } = layer;
    let id = short(diff_id.as_ref().map_or_else(|| name.trim_start_matches("blobs/sha256/"), Digest::hex));
    let cargo = Cargo { pieces: ReceiverStream::new(pieces), whole, packing, size, id };
    let carried = carry(cargo, receivers, progress).await;
    (name, packing, carried)
}

/// The small layers, which came whole at the end.
async fn carry_kept(
    archive: &Archive,
    diff_ids: &[Digest],
    destinations: &mut [Destination],
    progress: &Sender<LayerProgress>,
) -> Result<(), ArchiveError> {
    for (source, diff_id) in archive.layers.iter().zip(diff_ids) {
        let LayerSource::Kept(content, packing) = source else { continue };
        let receivers = receivers(destinations, Some(diff_id));
        if receivers.is_empty() {
            continue;
        }
        let (end, whole) = oneshot::channel();
        drop(end.send(Hasher::digest(content)));
        let (pieces, size) = (stream::iter([content.clone()]), content.len() as u64);
        let cargo = Cargo { pieces, whole, packing: *packing, size, id: short(diff_id.hex()) };
        let mut carried = carry(cargo, receivers, progress).await;
        match packing {
            Packing::Plain if carried.whole.as_ref().is_some_and(|whole| whole != diff_id) => {
                return Err(ArchiveError::Damaged(diff_id.to_string()));
            }
            // Its plain content is not looked at: what it is, is known by its place.
            Packing::Gzip => carried.whole = carried.whole.map(|_| diff_id.clone()),
            Packing::Plain => {}
        }
        note(destinations, "", Packing::Plain, carried);
    }
    Ok(())
}

/// Who lacks a layer: for each login once. A layer that nobody knows yet is lacked by everybody.
fn receivers(destinations: &[Destination], diff_id: Option<&Digest>) -> Vec<Receiver> {
    let mut receivers: Vec<Receiver> = Vec::new();
    for (place, one) in destinations.iter().enumerate() {
        if !one.is_open() || diff_id.is_some_and(|diff_id| one.present.contains_key(diff_id)) {
            continue;
        }
        match receivers.iter_mut().find(|other| other.client.is_same_login(&one.client)) {
            Some(same) => same.places.push(place),
            None => receivers.push(Receiver { client: one.client.clone(), places: vec![place] }),
        }
    }
    receivers
}

fn note(destinations: &mut [Destination], name: &str, packing: Packing, carried: Carried) {
    for (place, result) in carried.results {
        let Some(one) = destinations.get_mut(place) else { continue };
        match (result, &carried.whole, packing) {
            (Ok(layer), Some(diff_id), Packing::Plain) => drop(one.present.insert(diff_id.clone(), layer)),
            (Ok(layer), Some(_), Packing::Gzip) => drop(one.compressed.insert(name.to_owned(), layer)),
            (Err(error), ..) if one.is_open() => one.fail(error),
            (Ok(_), None, _) | (Err(_), ..) => {}
        }
    }
}

pub(super) fn short(hex: &str) -> String {
    hex.chars().take(12).collect()
}

/// The engine's stream as something that blocks.
struct Pieces {
    received: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.received.blocking_recv() {
                Some(piece) => self.current = piece,
                None => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        let piece = self.current.split_to(length);
        if let Some(place) = buffer.get_mut(..length) {
            place.copy_from_slice(&piece);
        }
        Ok(length)
    }
}
