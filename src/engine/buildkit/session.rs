//! A session: a connection on which the engine asks and this program answers, for as long as a build runs.
//!
//! The connection is opened as an ordinary call, is handed over, and then carries gRPC with the engine as the client.
//! Whatever runs for it belongs to the session and ends with it. Must not know what a build is.

use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::GetSecretRequest;
use bollard_buildkit_proto::moby::filesync::v1::CredentialsRequest;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::sync::Arc;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::file_sync::{self, Files};
use super::logins::Logins;
use super::secrets::Secrets;
use super::tasks::Tasks;
use super::wanted::Wanted;
use crate::engine::contexts::Address;
use crate::engine::error::{BuildErrorKind, EngineError};
use crate::engine::request;

const PATH: &str = "/session";

const FILES: &str = "/moby.filesync.v1.FileSync/DiffCopy";
const LOGINS: &str = "/moby.filesync.v1.Auth/Credentials";
const SECRETS: &str = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
/// Engines close a session that does not answer this.
const HEALTH: &str = "/grpc.health.v1.Health/Check";

const UUID_HEADER: HeaderName = HeaderName::from_static("x-docker-expose-session-uuid");
const NAME_HEADER: HeaderName = HeaderName::from_static("x-docker-expose-session-name");
const KEY_HEADER: HeaderName = HeaderName::from_static("x-docker-expose-session-sharedkey");
const METHOD_HEADER: HeaderName = HeaderName::from_static("x-docker-expose-session-grpc-method");

/// What the engine may ask for.
#[derive(Debug, Clone)]
pub(super) struct Services {
    pub(super) files: Arc<Files>,
    pub(super) logins: Arc<Logins>,
    pub(super) secrets: Arc<Secrets>,
}

/// An open session. Dropping it closes it; [`Self::close`] waits until that is done.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    tasks: Tasks,
}

/// True when the engine knows sessions. A call that does not hand the connection over begins none.
pub(super) async fn is_known(address: &Address) -> Result<bool, EngineError> {
    let answer = request::post_with(address, PATH, HeaderMap::new()).await?;
    Ok(!matches!(answer.status(), 404 | 405 | 501))
}

impl Session {
    /// Opens a session. Builds with the same `shared_key` share what the engine has of the context already.
    pub(super) async fn open(address: &Address, shared_key: &str, services: Services) -> Result<Self, EngineError> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let answer = request::post_with(address, PATH, headers(&id, shared_key)?).await?;
        if answer.status() != 101 {
            let message = answer.message().await;
            return Err(EngineError::Build { kind: BuildErrorKind::NoBuildKit, step: None, message });
        }
        let connection = answer.upgraded().await?;
        let tasks = Tasks::default();
        let for_calls = tasks.clone();
        let service = service_fn(move |request| {
            let (services, tasks) = (services.clone(), for_calls.clone());
            async move { Ok::<_, Infallible>(services.answer(request, tasks).await) }
        });
        let serving = http2::Builder::new(tasks.clone()).serve_connection(connection, service);
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%error, "the session with the engine ended");
            }
        });
        Ok(Self { id, tasks })
    }

    /// The name under which a build finds the session.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Closes the connection and waits until nothing of the session is left.
    pub(super) async fn close(self) {
        self.tasks.stop();
        self.tasks.ended().await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

fn headers(id: &str, shared_key: &str) -> Result<HeaderMap, EngineError> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| EngineError::Lost { reason: "a header cannot be written".into() })
    };
    let mut headers = HeaderMap::from_iter([
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("h2c")),
        (UUID_HEADER, value(id)?),
        (NAME_HEADER, HeaderValue::from_static("tenantry")),
        (KEY_HEADER, value(shared_key)?),
    ]);
    for method in [FILES, LOGINS, SECRETS, HEALTH] {
        headers.append(METHOD_HEADER, HeaderValue::from_static(method));
    }
    Ok(headers)
}

impl Services {
    async fn answer(&self, request: hyper::Request<Incoming>, tasks: Tasks) -> hyper::Response<Body> {
        match request.uri().path() {
            FILES => {
                let files = self.files.clone();
                let call = tower::service_fn(move |request: Request<Streaming<_>>| {
                    let (files, tasks) = (files.clone(), tasks.clone());
                    async move {
                        let wanted = Wanted::read(request.metadata())?;
                        Ok(Response::new(file_sync::serve(files, wanted, request.into_inner(), &tasks)))
                    }
                });
                Grpc::new(ProstCodec::default()).streaming(call, request).await
            }
            LOGINS => {
                let logins = self.logins.clone();
                let call = tower::service_fn(move |request: Request<CredentialsRequest>| {
                    let logins = logins.clone();
                    async move { Ok(Response::new(logins.answer(&request.into_inner().host).await)) }
                });
                Grpc::new(ProstCodec::default()).unary(call, request).await
            }
            SECRETS => {
                let secrets = self.secrets.clone();
                let call = tower::service_fn(move |request: Request<GetSecretRequest>| {
                    std::future::ready(secrets.answer(&request.into_inner().id).map(Response::new))
                });
                Grpc::new(ProstCodec::default()).unary(call, request).await
            }
            HEALTH => {
                let call = tower::service_fn(|_: Request<HealthCheckRequest>| {
                    let status = ServingStatus::Serving as i32;
                    std::future::ready(Ok(Response::new(HealthCheckResponse { status })))
                });
                Grpc::new(ProstCodec::default()).unary(call, request).await
            }
            _ => Status::unimplemented("this session does not offer that").into_http(),
        }
    }
}
