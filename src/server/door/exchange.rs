//! One request, to the machine and back. Bodies stream both ways; an upgraded connection is passed on as it is.
//!
//! A connection that waited is used only for requests that may be repeated: it may have been closed at the other end in
//! the same moment. Everything else gets a fresh one.

use axum::body::Body;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri, Version, request};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{Download, Upload};
use super::headers;
use super::place::Place;
use super::say::Refusal;
use super::traffic::Passage;

/// How long the machine may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection that waited may take to be ready; one that is alive is ready at once.
const READY: Duration = Duration::from_millis(100);
/// What is copied at a time on an upgraded connection, bytes.
const COPY: usize = 16 * 1024;

/// Runs what an exchange leaves behind: connections and what was upgraded.
#[derive(Debug, Clone)]
pub(super) struct Runner {
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// How long nothing may move.
    pub(super) idle: Duration,
}

impl Runner {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
    }
}

/// Sends `request` on; its head is prepared for the machine already. `upgrade` is what it wants to become.
pub(super) async fn run(
    runner: &Runner,
    place: &Arc<Place>,
    mut request: Request<Body>,
    upgrade: Option<HeaderValue>,
) -> Result<Response<Body>, Refusal> {
    let permit = place.admit().ok_or(Refusal::Busy)?;
    let passage = place.enter().ok_or(Refusal::NoMachine(None))?;
    let caller = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = if target.is_empty() { Uri::from_static("/") } else { target.parse().unwrap_or_default() };
    head.version = Version::HTTP_11;
    if let Some(protocol) = &upgrade {
        head.headers.insert(UPGRADE, protocol.clone());
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    let repeatable = headers::is_repeatable(&head.method) && body.is_end_stream() && upgrade.is_none();
    if repeatable
        && let Some(sender) = place.take(passage.machine)
        && let Some((answer, sender)) = try_waiting(sender, &head, runner.idle).await
    {
        return Ok(pass_back(runner, place, answer, sender, passage, permit));
    }
    let (passage, mut sender) = connect(runner, place, passage).await?;
    let body = if repeatable { Upload::nothing() } else { Upload::caller(body, runner.idle) };
    let sent = timeout(runner.idle, sender.send_request(Request::from_parts(bare(&head), body))).await;
    let mut answer = sent.map_err(|_| Refusal::Slow)?.map_err(|error| {
        tracing::debug!(%error, "a machine broke off");
        Refusal::Broken
    })?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(pass_back(runner, place, answer, sender, passage, permit));
    }
    let (Some(caller), Some(protocol)) = (caller, headers::upgrade(answer.headers())) else {
        return Err(Refusal::Broken);
    };
    let machine = hyper::upgrade::on(&mut answer);
    runner.spawn(tunnel(caller, machine, runner.idle, passage, permit));
    let (mut head, _) = answer.into_parts();
    headers::strip(&mut head.headers);
    head.headers.insert(UPGRADE, protocol);
    head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    Ok(Response::from_parts(head, Body::empty()))
}

/// The head once more: a request that is repeated needs two. What the server keeps beside it stays here.
fn bare(head: &request::Parts) -> request::Parts {
    let (mut bare, ()) = Request::new(()).into_parts();
    bare.method = head.method.clone();
    bare.uri = head.uri.clone();
    bare.version = head.version;
    bare.headers = head.headers.clone();
    bare
}

/// The answer over a connection that waited; `None` where it turns out to be closed.
async fn try_waiting(
    mut sender: SendRequest<Upload>,
    head: &request::Parts,
    limit: Duration,
) -> Option<(Response<Incoming>, SendRequest<Upload>)> {
    timeout(READY, sender.ready()).await.ok()?.ok()?;
    let request = Request::from_parts(bare(head), Upload::nothing());
    match timeout(limit, sender.send_request(request)).await {
        Ok(Ok(answer)) => Some((answer, sender)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection that waited was closed; the request is sent on a fresh one");
            None
        }
        Err(_) => None,
    }
}

/// A fresh connection. Nothing was sent yet: where the tenant has got another machine meanwhile, that one is asked.
async fn connect(runner: &Runner, place: &Place, passage: Passage) -> Result<(Passage, SendRequest<Upload>), Refusal> {
    if let Some(sender) = dial(runner, passage.machine).await {
        return Ok((passage, sender));
    }
    let before = passage.machine;
    drop(passage);
    let passage = place.enter().ok_or(Refusal::NoMachine(None))?;
    if passage.machine == before {
        return Err(Refusal::Unreachable);
    }
    let sender = dial(runner, passage.machine).await.ok_or(Refusal::Unreachable)?;
    Ok((passage, sender))
}

async fn dial(runner: &Runner, machine: SocketAddr) -> Option<SendRequest<Upload>> {
    let stream = timeout(CONNECT, TcpStream::connect(machine)).await.ok()?.ok()?;
    // Small answers must not wait for each other's acknowledgement.
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    runner.spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection to a machine ended");
        }
    });
    Some(sender)
}

fn pass_back(
    runner: &Runner,
    place: &Arc<Place>,
    answer: Response<Incoming>,
    sender: SendRequest<Upload>,
    passage: Passage,
    permit: OwnedSemaphorePermit,
) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    headers::strip(&mut head.headers);
    // The connection to the caller is the server's own business.
    head.extensions.clear();
    head.version = Version::HTTP_11;
    Response::from_parts(
        head,
        Body::new(Download::new(body, runner.idle, (Arc::clone(place), sender), passage, permit)),
    )
}

/// Both ends of an upgraded connection, until one closes or nothing moves for too long.
async fn tunnel(caller: OnUpgrade, machine: OnUpgrade, idle: Duration, passage: Passage, permit: OwnedSemaphorePermit) {
    let both = timeout(CONNECT, async { tokio::try_join!(caller, machine) }).await;
    if let Ok(Ok((caller, machine))) = both {
        let (from_caller, to_caller) = tokio::io::split(TokioIo::new(caller));
        let (from_machine, to_machine) = tokio::io::split(TokioIo::new(machine));
        let moved = std::sync::Mutex::new(Instant::now());
        let outcome = tokio::select! {
            outcome = async { tokio::try_join!(
                copy(from_caller, to_machine, &moved),
                copy(from_machine, to_caller, &moved),
            ).map(drop) } => outcome,
            () = stands_still(&moved, idle) => Ok(()),
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "an upgraded connection broke off");
        }
    }
    drop((passage, permit));
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &std::sync::Mutex<Instant>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; COPY];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        *moved.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Instant::now();
    }
}

async fn stands_still(moved: &std::sync::Mutex<Instant>, limit: Duration) {
    loop {
        let last = *moved.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= limit {
            return;
        }
        tokio::time::sleep_until(last + limit).await;
    }
}
