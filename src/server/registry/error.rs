//! Errors of the registry, in the form that the distribution specification gives them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::io;

/// What a request is answered with when it cannot be done. Messages are ours: they hold nothing that a
/// client sent but checked digests and names.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("a token is needed: user x, password from the registry-token call")]
    Unauthorized,
    #[error("{0}")]
    Denied(String),
    #[error("the repository name is not valid")]
    NameInvalid,
    #[error("the tag is not valid")]
    TagInvalid,
    #[error("{0}")]
    DigestInvalid(String),
    #[error("this tenant has no blob {0}")]
    BlobUnknown(String),
    #[error("this tenant has no such upload; begin again")]
    UploadUnknown,
    #[error("{0}")]
    UploadInvalid(String),
    #[error("the upload stands at byte {0}")]
    OutOfOrder(u64),
    #[error("the blob has {0} bytes; the range lies outside")]
    RangeNotSatisfiable(u64),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    ManifestInvalid(String),
    #[error("the manifest names {0}, which this tenant has not pushed")]
    ManifestBlobUnknown(String),
    #[error("this tenant has no such manifest")]
    ManifestUnknown,
    #[error("too many unfinished uploads; finish or cancel some")]
    TooManyUploads,
    #[error("the registry does not do this")]
    Unsupported,
    #[error("the registry's storage failed")]
    Storage(#[from] io::Error),
}

impl Refusal {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "DENIED"),
            Self::NameInvalid => (StatusCode::BAD_REQUEST, "NAME_INVALID"),
            Self::TagInvalid => (StatusCode::BAD_REQUEST, "TAG_INVALID"),
            Self::DigestInvalid(_) => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
            Self::BlobUnknown(_) => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::UploadUnknown => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Self::UploadInvalid(_) => (StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            Self::OutOfOrder(_) => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            Self::RangeNotSatisfiable(_) => (StatusCode::RANGE_NOT_SATISFIABLE, "SIZE_INVALID"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::ManifestInvalid(_) => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            Self::ManifestBlobUnknown(_) => (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN"),
            Self::ManifestUnknown => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::TooManyUploads => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            Self::Unsupported => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Storage(error) = &self {
            tracing::error!(%error, "registry storage");
        }
        let (status, code) = self.code();
        let body = json!({ "errors": [{ "code": code, "message": self.to_string() }] });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"tenantry\""));
            }
            Self::OutOfOrder(offset) => {
                if let Ok(value) = HeaderValue::try_from(format!("0-{}", offset.saturating_sub(1))) {
                    headers.insert(header::RANGE, value);
                }
            }
            Self::RangeNotSatisfiable(size) => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            _ => {}
        }
        response
    }
}
