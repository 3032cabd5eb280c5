//! One request to the engine whose answer bollard would cut down, or that takes the connection over: made by hand on a
//! connection of its own.
//!
//! Must not know what the answer means.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Builder;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::task::AbortOnDropHandle;

use super::contexts::Address;
use super::error::EngineError;
use crate::model::text;

/// Longest error text read, in bytes.
const LONGEST_ERROR: usize = 64 * 1024;

/// An answer whose body comes in pieces. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    body: Incoming,
    upgrade: OnUpgrade,
    _connection: AbortOnDropHandle<()>,
}

/// Sends a `POST` without a body and with one header; `path` is encoded already.
pub(super) async fn post(
    address: &Address,
    path: &str,
    header: (HeaderName, HeaderValue),
) -> Result<Answer, EngineError> {
    post_with(address, path, HeaderMap::from_iter([header])).await
}

/// Sends a `POST` without a body; `path` is encoded already.
pub(super) async fn post_with(address: &Address, path: &str, headers: HeaderMap) -> Result<Answer, EngineError> {
    send(address, Request::post(path), headers).await
}

/// Sends a `GET`; `path` is encoded already.
pub(super) async fn get(address: &Address, path: &str) -> Result<Answer, EngineError> {
    send(address, Request::get(path), HeaderMap::new()).await
}

async fn send(address: &Address, request: Builder, headers: HeaderMap) -> Result<Answer, EngineError> {
    let refused = |error: std::io::Error| EngineError::from_connection(&error, true).at(&address.to_string());
    // Boxed, because hyper's side of it is big and the calls stand in the middle of bigger things.
    match address {
        Address::Unix(socket) => {
            let stream = UnixStream::connect(socket).await.map_err(refused)?;
            Box::pin(exchange(stream, "localhost", request, headers)).await
        }
        Address::Tcp(authority) => {
            let stream = TcpStream::connect(authority).await.map_err(refused)?;
            Box::pin(exchange(stream, authority, request, headers)).await
        }
    }
}

async fn exchange<S>(stream: S, host: &str, request: Builder, headers: HeaderMap) -> Result<Answer, EngineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut request = request
        .header(HOST, host)
        .body(Empty::<Bytes>::new())
        .map_err(|error| EngineError::Lost { reason: text::line(&error.to_string()) })?;
    request.headers_mut().extend(headers);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "the connection to the engine ended");
        }
    }));
    let mut response: Response<Incoming> = sender.send_request(request).await.map_err(|error| lost(&error))?;
    let status = response.status().as_u16();
    let upgrade = hyper::upgrade::on(&mut response);
    Ok(Answer { status, body: response.into_body(), upgrade, _connection: connection })
}

fn lost(error: &hyper::Error) -> EngineError {
    EngineError::from_connection(error, false)
}

impl Answer {
    /// The status of the answer.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// The connection itself, after an answer that hands it over.
    pub(super) async fn upgraded(self) -> Result<Upgraded, EngineError> {
        self.upgrade.await.map_err(|error| lost(&error))
    }

    /// The next piece of the body; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(piece) = frame.map_err(|error| lost(&error))?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// What an answer that is an error says.
    pub(super) async fn message(self) -> String {
        #[derive(serde::Deserialize)]
        struct Message {
            message: String,
        }
        let status = self.status;
        let body = Limited::new(self.body, LONGEST_ERROR).collect().await.map(http_body_util::Collected::to_bytes);
        match body.map(|bytes| serde_json::from_slice::<Message>(&bytes)) {
            Ok(Ok(answer)) => text::short(&answer.message, 1000),
            _ => format!("the engine answered with status {status}"),
        }
    }
}
