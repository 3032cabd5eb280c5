//! A login token becomes a short one that is good for calls about tenants, and for nothing else (RFC 8693, protocol A.2).

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form, Json};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::{Secret, secret};
use crate::server::auth::{self, Purpose};
use crate::server::error::Failure;
use crate::server::operations::Who;
use crate::server::redirect::is_local;
use crate::server::state::Server;
use crate::server::store::audit;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// How long an exchanged token is good, seconds; never longer than the login.
const LIFETIME_SECONDS: i64 = 300;

/// What the client sends, form-encoded.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "members of RFC 8693")]
pub struct ExchangeForm {
    grant_type: Option<String>,
    client_id: Option<String>,
    #[schema(value_type = Option<String>)]
    subject_token: Option<Secret>,
    subject_token_type: Option<String>,
    resource: Option<String>,
    audience: Option<String>,
    requested_token_type: Option<String>,
    #[schema(value_type = Option<String>)]
    actor_token: Option<Secret>,
}

/// The short token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "members of RFC 8693")]
pub struct Exchanged {
    #[serde(serialize_with = "secret::expose")]
    #[schema(value_type = String)]
    access_token: Secret,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: i64,
}

/// OAuth's own form of a refusal (RFC 6749 5.2).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OAuthError {
    error: &'static str,
    error_description: &'static str,
}

/// Why there is no token.
#[derive(Debug)]
pub enum Refusal {
    /// In OAuth's form.
    OAuth(StatusCode, OAuthError),
    /// Something broke.
    Fault(Failure),
}

impl Refusal {
    fn new(error: &'static str, error_description: &'static str) -> Self {
        Self::OAuth(StatusCode::BAD_REQUEST, OAuthError { error, error_description })
    }

    fn request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    /// A login that is over is 401 here as everywhere, so that the client asks for a new one.
    fn subject() -> Self {
        let description = "subject_token is no valid login token of this server";
        Self::OAuth(StatusCode::UNAUTHORIZED, OAuthError { error: "invalid_request", error_description: description })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::OAuth(status, error) => {
                let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(error)).into_response();
                if status == StatusCode::UNAUTHORIZED {
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                }
                response
            }
            Self::Fault(failure) => failure.into_response(),
        }
    }
}

/// `POST /api/v1/core/oauth/token`
#[utoipa::path(post, path = "/api/v1/core/oauth/token", tag = "account",
    request_body(content = ExchangeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A token for calls about tenants", body = Exchanged),
        (status = 400, description = "Refused", body = OAuthError),
        (status = 401, description = "The subject token is over", body = OAuthError)))]
pub async fn exchange(
    State(server): State<Server>,
    Extension(who): Extension<Who>,
    form: Result<Form<ExchangeForm>, FormRejection>,
) -> Result<Response, Refusal> {
    let Ok(Form(form)) = form else {
        return Err(Refusal::request("the body must be form-encoded, every parameter at most once"));
    };
    let subject = check(&form, &server.base)?;
    let found = auth::user_of(&server, subject.reveal(), &[Purpose::Login]).await.map_err(Refusal::Fault)?;
    let (user, checked) = found.ok_or_else(Refusal::subject)?;
    who.set(&user.id);
    server.operations.limits.user(&user.id).map_err(Refusal::Fault)?;
    let left = checked.expires.saturating_sub(jiff::Timestamp::now().as_second());
    let expires_in = left.min(LIFETIME_SECONDS);
    let token = server.logins.issue_for(Purpose::Tenants, &user.id, &user.email, expires_in);
    let token = token.map_err(|error| Refusal::Fault(Failure::internal(format!("a token cannot be made: {error}"))))?;
    let noted = async {
        let mut tx = server.store.write().await?;
        audit::record(&mut tx, &user.id, None, "token_exchange").await?;
        tx.commit().await?;
        Ok::<_, Failure>(())
    };
    noted.await.map_err(Refusal::Fault)?;
    let answer = Exchanged { access_token: token, issued_token_type: ACCESS_TOKEN, token_type: "Bearer", expires_in };
    Ok(([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(answer)).into_response())
}

/// The subject token of a request that has the right form.
fn check<'a>(form: &'a ExchangeForm, base: &str) -> Result<&'a Secret, Refusal> {
    // An empty parameter is an absent one (RFC 6749 3.1).
    let given = |value: &'a Option<String>| value.as_deref().filter(|value| !value.is_empty());
    match given(&form.grant_type) {
        Some(GRANT) => {}
        Some(_) => return Err(Refusal::new("unsupported_grant_type", "only token exchange is offered")),
        None => return Err(Refusal::request("grant_type is required")),
    }
    if given(&form.client_id).is_none() {
        return Err(Refusal::request("client_id is required"));
    }
    let subject = form.subject_token.as_ref().filter(|token| !token.reveal().is_empty());
    let subject = subject.ok_or_else(|| Refusal::request("subject_token is required"))?;
    match given(&form.subject_token_type) {
        Some(ACCESS_TOKEN) => {}
        Some(_) => return Err(Refusal::request("subject_token_type must be an access token")),
        None => return Err(Refusal::request("subject_token_type is required")),
    }
    if form.actor_token.is_some() {
        return Err(Refusal::request("nobody can act for somebody else: actor_token is not supported"));
    }
    if given(&form.requested_token_type).is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(Refusal::request("requested_token_type must be an access token"));
    }
    let resource = given(&form.resource).ok_or_else(|| Refusal::request("resource is required"))?;
    let audience = given(&form.audience).unwrap_or(resource);
    if !is_here(resource, base) || !is_here(audience, base) {
        return Err(Refusal::new("invalid_target", "resource must be the base URL of this API"));
    }
    Ok(subject)
}

/// True for this API's base URL, also by another name of this machine.
fn is_here(raw: &str, base: &str) -> bool {
    let (Ok(url), Ok(base)) = (Url::parse(raw), Url::parse(base)) else { return false };
    let local = |url: &Url| url.host().is_some_and(|host| is_local(&host));
    let origin_only = matches!(url.path(), "/" | "") && url.query().is_none() && url.fragment().is_none();
    let same_host = url.host() == base.host() || (local(&url) && local(&base));
    origin_only
        && same_host
        && url.scheme() == base.scheme()
        && url.port_or_known_default() == base.port_or_known_default()
        && url.username().is_empty()
        && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_api_is_a_resource() {
        let base = "http://127.0.0.1:9400";
        for good in ["http://127.0.0.1:9400", "http://127.0.0.1:9400/", "http://localhost:9400", "http://[::1]:9400"] {
            assert!(is_here(good, base), "{good}");
        }
        for bad in [
            "http://127.0.0.1:9401",
            "https://127.0.0.1:9400",
            "http://127.0.0.1:9400/api",
            "http://api.example:9400",
            "http://127.0.0.1:9400/?x",
            "http://u@127.0.0.1:9400",
            "",
        ] {
            assert!(!is_here(bad, base), "{bad}");
        }
        assert!(is_here("https://api.orchard.example", "https://api.orchard.example"));
        assert!(!is_here("https://localhost", "https://api.orchard.example"));
    }
}
