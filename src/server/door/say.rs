//! What a caller is told when no machine can answer it: a page for people, JSON for programs.

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::model::Phase;
use crate::model::envelope::{ErrorBody, ErrorInfo};

/// Why a request ends at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It cannot be told whom it is for.
    Unclear(&'static str),
    /// Nobody has that name.
    Unknown,
    /// The head is too large.
    Head,
    /// The tenant has as many requests as it may.
    Busy,
    /// There is no machine; the tenant's phase, where it could be asked for.
    NoMachine(Option<Phase>),
    /// The machine takes no connection.
    Unreachable,
    /// The machine broke off before it answered.
    Broken,
    /// The machine does not answer in time.
    Slow,
}

impl Refusal {
    fn parts(self) -> (StatusCode, &'static str, &'static str, Option<&'static str>) {
        let unavailable =
            |message, retry| (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message, Some(retry));
        match self {
            Self::Unclear(why) => (StatusCode::BAD_REQUEST, "bad_request", why, None),
            Self::Unknown => (StatusCode::NOT_FOUND, "not_found", "There is no tenant at this address.", None),
            Self::Head => {
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                (status, "bad_request", "The request's head is too large.", None)
            }
            Self::Busy => unavailable("This tenant has too many requests at once.", "1"),
            Self::NoMachine(Some(Phase::Suspended)) => unavailable("This tenant is suspended.", "3600"),
            Self::NoMachine(Some(
                Phase::AwaitingDeploy | Phase::Created | Phase::Provisioning | Phase::FailedInfra,
            )) => unavailable("This tenant has no running machine: it was not deployed yet.", "30"),
            Self::NoMachine(Some(Phase::Deploying | Phase::Restarting)) => {
                unavailable("This tenant has no running machine: it is being started.", "2")
            }
            Self::NoMachine(_) => unavailable("This tenant has no running machine.", "10"),
            Self::Unreachable => unavailable("This tenant's machine does not answer.", "2"),
            Self::Broken => {
                (StatusCode::BAD_GATEWAY, "bad_gateway", "This tenant's machine broke off before it answered.", None)
            }
            Self::Slow => {
                (StatusCode::GATEWAY_TIMEOUT, "gateway_timeout", "This tenant's machine did not answer in time.", None)
            }
        }
    }

    /// The answer, in the form that the caller likes better.
    pub(super) fn answer(self, asked: &HeaderMap) -> Response<Body> {
        let (status, code, message, retry) = self.parts();
        let likes_pages =
            asked.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|it| it.contains("text/html"));
        let (kind, body) = if likes_pages {
            let page = format!(
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{number}</title>\
                 <body style=\"font-family:system-ui;margin:20vh auto;max-width:32rem\"><h1>{number}</h1><p>{message}</p>",
                number = status.as_u16(),
            );
            ("text/html; charset=utf-8", page)
        } else {
            let error = ErrorInfo { code: code.to_owned(), message: message.to_owned(), details: None };
            ("application/json", serde_json::to_string(&ErrorBody { error }).unwrap_or_default())
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry) = retry {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(retry));
        }
        response
    }
}
