//! From a request to the operation it asks for: who is asking, what the path names, what the method does.

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::path::{self, Reference, Target};
use super::{Access, Grant, REPOSITORY, Refusal, Registry, USER};
use crate::model::Digest;

/// The digest of what is answered, under the name that every client reads.
pub(super) const CONTENT_DIGEST: &str = "docker-content-digest";

pub(super) fn router(registry: Registry) -> Router {
    Router::new()
        .route("/v2", any(handle))
        .route("/v2/", any(handle))
        .route("/v2/{*path}", any(handle))
        // Layers have any size; manifests have a limit of their own.
        .layer(DefaultBodyLimit::disable())
        .with_state(registry)
}

async fn handle(State(registry): State<Registry>, request: Request) -> Response {
    let mut response = registry.answer(request).await.unwrap_or_else(Refusal::into_response);
    response.headers_mut().insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    response
}

impl Registry {
    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let grant = self.grant(&parts.headers)?;
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let target = path::parse(uri.path())?;
        let method = match parts.method {
            Method::HEAD => Method::GET,
            other => other,
        };
        if target.repository().is_some_and(|name| name != REPOSITORY) {
            return Err(Refusal::Denied(format!("this registry has one repository, {REPOSITORY}")));
        }
        if method != Method::GET && grant.access != Access::Push {
            return Err(Refusal::Denied("this token reads only".into()));
        }
        let query = uri.query().unwrap_or_default();
        match (target, method.as_str()) {
            (Target::Base, "GET") => Ok(axum::Json(json!({})).into_response()),
            (Target::Tags(name), "GET") => self.tags(&grant, &name, query).await,
            (Target::Blob(_, digest), "GET") => self.get_blob(&grant, digest, &parts.headers).await,
            (Target::Blob(_, digest), "DELETE") => self.delete_blob(&grant, digest).await,
            (Target::NewUpload(_), "POST") => self.begin_upload(&grant, query, body).await,
            (Target::Upload(_, id), "GET") => self.upload_status(&grant, id),
            (Target::Upload(_, id), "PATCH") => self.continue_upload(&grant, id, &parts.headers, body).await,
            (Target::Upload(_, id), "PUT") => self.finish_upload(&grant, id, query, &parts.headers, body).await,
            (Target::Upload(_, id), "DELETE") => self.cancel_upload(&grant, id),
            (Target::Manifest(_, reference), "GET") => self.get_manifest(&grant, reference, &parts.headers).await,
            (Target::Manifest(_, reference), "PUT") => self.put_manifest(&grant, reference, &parts.headers, body).await,
            (Target::Manifest(_, reference), "DELETE") => self.delete_manifest(&grant, reference).await,
            _ => Err(Refusal::Unsupported),
        }
    }

    /// Basic authentication: the user `x` and a token.
    fn grant(&self, headers: &HeaderMap) -> Result<Grant, Refusal> {
        let grant = || {
            let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
            if !scheme.eq_ignore_ascii_case("basic") {
                return None;
            }
            let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
            let (user, token) = decoded.split_once(':')?;
            if user == USER { self.inner.tokens.check(token) } else { None }
        };
        grant().ok_or(Refusal::Unauthorized)
    }

    /// Only the tenant's own tag exists for it.
    async fn tags(&self, grant: &Grant, name: &str, query: &str) -> Result<Response, Refusal> {
        let tenant = grant.tenant.clone();
        let tags: Vec<String> = self
            .blocking(move |store| Ok(store.tag(&tenant)?.map(|_| tenant.image_tag())))
            .await?
            .into_iter()
            // With one tag there is one page, or none.
            .filter(|tag| parameter(query, "last").is_none_or(|last| *tag > last))
            .take(parameter(query, "n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX))
            .collect();
        Ok(axum::Json(json!({ "name": name, "tags": tags })).into_response())
    }

    /// Writing another tenant's tag is refused, reading it finds nothing.
    pub(super) fn own_tag(grant: &Grant, reference: &Reference) -> Result<(), Refusal> {
        match reference {
            Reference::Tag(tag) if *tag != grant.tenant.image_tag() => {
                Err(Refusal::Denied(format!("this token writes only the tag {}", grant.tenant.image_tag())))
            }
            _ => Ok(()),
        }
    }
}

/// A response with headers that are known to be plain text.
pub(super) fn respond(status: StatusCode, headers: &[(&'static str, &str)], body: Body) -> Result<Response, Refusal> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).map_err(std::io::Error::other)?;
        response.headers_mut().insert(*name, value);
    }
    Ok(response)
}

/// The entity tag of content: what has this digest never changes.
pub(super) fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// `304`, when the client has the content already.
pub(super) fn unchanged(headers: &HeaderMap, digest: &Digest) -> Option<Result<Response, Refusal>> {
    let tag = entity_tag(digest);
    let known = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    let mut known = known.split(',').map(|one| one.trim().trim_start_matches("W/"));
    if !known.any(|one| one == tag || one == "*") {
        return None;
    }
    let headers = [("etag", tag.as_str()), (CONTENT_DIGEST, digest.as_str())];
    Some(respond(StatusCode::NOT_MODIFIED, &headers, Body::empty()))
}

/// The value of a query parameter.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
