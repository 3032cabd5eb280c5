//! One request to the engine whose answer bollard would cut down: made by hand on a connection of its own.
//!
//! Must not know what the answer means.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::http::request::Builder;
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
    _connection: AbortOnDropHandle<()>,
}

/// Sends a `POST` without a body; `path` is encoded already.
pub(super) async fn post(
    address: &Address,
    path: &str,
    header: (HeaderName, HeaderValue),
) -> Result<Answer, EngineError> {
    send(address, Request::post(path).header(header.0, header.1)).await
}

/// Sends a `GET`; `path` is encoded already.
pub(super) async fn get(address: &Address, path: &str) -> Result<Answer, EngineError> {
    send(address, Request::get(path)).await
}

async fn send(address: &Address, request: Builder) -> Result<Answer, EngineError> {
    let refused = |error: std::io::Error| EngineError::from_connection(&error, true).at(&address.to_string());
    match address {
        Address::Unix(socket) => {
            exchange(UnixStream::connect(socket).await.map_err(refused)?, "localhost", request).await
        }
        Address::Tcp(authority) => {
            exchange(TcpStream::connect(authority).await.map_err(refused)?, authority, request).await
        }
    }
}

async fn exchange<S>(stream: S, host: &str, request: Builder) -> Result<Answer, EngineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = request
        .header(HOST, host)
        .body(Empty::<Bytes>::new())
        .map_err(|error| EngineError::Lost { reason: text::line(&error.to_string()) })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to the engine ended");
        }
    }));
    let response: Response<Incoming> = sender.send_request(request).await.map_err(|error| lost(&error))?;
    let status = response.status().as_u16();
    Ok(Answer { status, body: response.into_body(), _connection: connection })
}

fn lost(error: &hyper::Error) -> EngineError {
    EngineError::from_connection(error, false)
}

impl Answer {
    /// The status of the answer.
    pub(super) fn status(&self) -> u16 {
        self.status
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
