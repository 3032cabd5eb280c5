//! The one form in which the API says no (protocol A.4), and the readers of bodies and queries that use it.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;

use super::databases::DatabaseError;
use super::keys::KeyError;
use super::provider::ProviderError;
use super::provisioner::StepError;
use super::seal::SealError;
use super::store::StoreError;
use crate::model::envelope::{ErrorBody, ErrorInfo};

/// A refusal or a fault, ready to be sent.
#[derive(Debug, Clone)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Option<Value>,
    retry_after: Option<u64>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None, retry_after: None }
    }

    /// Adds `details.reason`.
    #[must_use]
    pub fn reason(self, reason: &str) -> Self {
        self.with("reason", reason)
    }

    /// Adds another member of `details`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let details = self.details.get_or_insert_with(|| json!({}));
        if let Some(map) = details.as_object_mut() {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 401, always the same words: which check failed is nobody's business.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "authentication failed, log in again")
    }

    /// 403 with its reason.
    pub fn forbidden(message: impl Into<String>, reason: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message).reason(reason)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 409 because of the state the tenant is in.
    pub fn invalid_state(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "invalid_state", message)
    }

    /// 409 because another operation is running on the tenant.
    #[must_use]
    pub fn operation_running() -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "another operation is running on this tenant")
            .reason("operation_running")
    }

    /// 409 because of something else that exists.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// True for 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// 422.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", message)
    }

    /// 429, and after how many seconds it may go on.
    pub fn rate_limited(message: impl Into<String>, seconds: u64) -> Self {
        let failure = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message);
        Self { retry_after: Some(seconds.max(1)), ..failure }
    }

    /// 500; the message begins with what failed.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
    }

    /// 503.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message)
    }

    /// 400 before phase 1 is over.
    #[must_use]
    pub fn not_provisioned() -> Self {
        Self::bad_request("the tenant has no infrastructure yet").reason("not_provisioned")
    }

    /// 400 before the first deploy.
    #[must_use]
    pub fn no_machine() -> Self {
        Self::bad_request("the tenant has no machine: it was never deployed").reason("no_machine")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(status = self.status.as_u16(), message = %self.message, "request failed");
        }
        let error = ErrorInfo { code: self.code.to_owned(), message: self.message, details: self.details };
        let mut response = (self.status, Json(ErrorBody { error })).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(message) => Self::unavailable(message),
            ProviderError::Machine { message, log } => {
                Self::internal(message).reason("machine_failed").with("log", log)
            }
            ProviderError::Image(message) | ProviderError::Failed(message) => Self::internal(message),
        }
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable(_) | DatabaseError::Lost(_) => Self::unavailable(error.to_string()),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Provider(error) => error.into(),
            StepError::Database(error) => error.into(),
            other => Self::internal(other.to_string()),
        }
    }
}

/// A JSON body. What cannot be read is refused in the form of every other refusal.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Failure::bad_request(format!("the body cannot be read: {}", error.body_text())))?;
        // By way of an object: serde would also take an array for a struct.
        serde_json::from_slice(&bytes)
            .and_then(|object| serde_json::from_value(Value::Object(object)))
            .map(Self)
            .map_err(|error| Failure::bad_request(format!("the body is not what this endpoint needs: {error}")))
    }
}

/// Answer for every path that is not there.
pub async fn unknown_path() -> Failure {
    Failure::not_found("there is nothing at this path")
}

/// Answer for a path that is there, but not with this method.
pub async fn wrong_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not know this method")
}

/// Turns a panic of a handler into an answer, so that the caller is not left with a cut connection.
pub async fn catch_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => Failure::internal("the server stumbled over this request").into_response(),
    }
}
