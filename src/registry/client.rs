//! One repository of a registry: what it holds, and what is put into it.
//!
//! Must not know what an image is made of; that is `manifest`'s and the caller's.

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

use super::answer::{self, Place, is_same_place};
use super::auth::{self, Challenge};
use super::manifest::{ACCEPTED, Manifest};
use super::{RegistryError, gzip};
use crate::model::{Digest, Secret};
use crate::outbound::{self, is_loopback};

/// How long an ordinary call may take in all. Never applied to the upload of a layer.
const CALL: Duration = Duration::from_secs(30);
/// How long a broken-off upload's removal may take: somebody waits to be gone.
const FAREWELL: Duration = Duration::from_secs(3);
/// Largest manifest or configuration that is read, in bytes: what the specification tells registries to accept.
const LARGEST: usize = 4 * 1024 * 1024;
/// How often a registry may say that its content is elsewhere.
const HOPS: usize = 3;

const CONTENT_DIGEST: &str = "docker-content-digest";

/// A client of one repository with one login. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    base: Url,
    place: Place,
    basic: HeaderValue,
    /// What the registry wanted to see, once it said so.
    login: Mutex<Option<HeaderValue>>,
    /// Uploads that were begun and neither finished nor given up.
    open: Mutex<BTreeSet<Url>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.0.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that sends the login to `registry` (host and port), and to the token service that it names. Plain http
    /// for this machine alone. Sends nothing yet.
    pub fn new(registry: &str, repository: &str, username: &str, password: Secret) -> Result<Self, RegistryError> {
        let unusable = |why: &str| RegistryError::Unusable { registry: registry.to_owned(), why: why.to_owned() };
        let parse = |scheme: &str| Url::parse(&format!("{scheme}://{registry}/v2/{repository}/"));
        let mut base = parse("https").map_err(|_| unusable("its name makes no address"))?;
        if is_loopback(&base) {
            base = parse("http").map_err(|_| unusable("its name makes no address"))?;
        }
        let basic = auth::basic(username, &password).ok_or_else(|| unusable("the login does not fit into a header"))?;
        let http =
            outbound::builder(&base).build().map_err(|error| unusable(&outbound::cause(&error.without_url())))?;
        let place = Place {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            is_loopback: is_loopback(&base),
            password,
        };
        Ok(Self(Arc::new(Inner { http, base, place, basic, login: Mutex::default(), open: Mutex::default() })))
    }

    /// How hard a layer is worth compressing for this registry.
    #[must_use]
    pub fn effort(&self) -> gzip::Effort {
        if self.0.place.is_loopback { gzip::Effort::Least } else { gzip::Effort::Usual }
    }

    /// The error of a registry that no longer answers.
    #[must_use]
    pub fn gone(&self, cause: &str) -> RegistryError {
        self.place().unreachable(cause)
    }

    /// True where the other client works in the same repository with the same login: what one uploads the other has.
    #[must_use]
    pub fn is_same_login(&self, other: &Self) -> bool {
        self.0.base == other.0.base && self.0.basic == other.0.basic
    }

    /// The digest of what `reference` (a tag or a digest) names; `None` if it names nothing.
    pub async fn head_manifest(&self, reference: &str) -> Result<Option<Digest>, RegistryError> {
        let url = self.url(&["manifests", reference])?;
        let answer = self.send(&Method::HEAD, &url, |request| request.header(ACCEPT, ACCEPTED)).await?;
        let Some(answer) = self.found(answer).await? else { return Ok(None) };
        match digest_in(answer.headers()) {
            Some(digest) => Ok(Some(digest)),
            None => Err(self.place().unreadable("it names no digest")),
        }
    }

    /// What `reference` (a tag or a digest) names; `None` if it names nothing.
    pub async fn manifest(&self, reference: &str) -> Result<Option<Manifest>, RegistryError> {
        let url = self.url(&["manifests", reference])?;
        let answer = self.send(&Method::GET, &url, |request| request.header(ACCEPT, ACCEPTED)).await?;
        let Some(answer) = self.found(answer).await? else { return Ok(None) };
        let told = digest_in(answer.headers());
        let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        let body = answer::body(answer, LARGEST, self.place()).await?;
        let manifest = Manifest::read(body, &media_type)
            .map_err(|error| self.place().unreadable(format!("no manifest: {error}")))?;
        self.same(told.as_ref(), &manifest.digest)?;
        Ok(Some(manifest))
    }

    /// The size in bytes of a blob that this login may read; `None` if there is none.
    pub async fn head_blob(&self, digest: &Digest) -> Result<Option<u64>, RegistryError> {
        let url = self.url(&["blobs", digest.as_str()])?;
        let answer = self.send(&Method::HEAD, &url, |request| request).await?;
        // Where the blobs are somebody else's, the registry knows that there is one.
        if answer.status().is_redirection() {
            return Ok(None);
        }
        let Some(answer) = self.found(answer).await? else { return Ok(None) };
        self.same(digest_in(answer.headers()).as_ref(), digest)?;
        let length = answer.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        match length.and_then(|length| length.parse().ok()) {
            Some(length) => Ok(Some(length)),
            None => Err(self.place().unreadable("it names no length")),
        }
    }

    /// A small blob (a configuration), checked against its digest; `None` if there is none.
    pub async fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, RegistryError> {
        let mut url = self.url(&["blobs", digest.as_str()])?;
        for _ in 0..=HOPS {
            let answer = self.send(&Method::GET, &url, |request| request).await?;
            if answer.status().is_redirection() {
                url = self.elsewhere(&url, answer.headers())?;
                continue;
            }
            let Some(answer) = self.found(answer).await? else { return Ok(None) };
            let body = answer::body(answer, LARGEST, self.place()).await?;
            self.same(Some(digest), &crate::model::Hasher::digest(&body))?;
            return Ok(Some(body));
        }
        Err(self.place().unreadable("it sends from one place to the next"))
    }

    /// Puts a manifest under a tag. Everything that it names must be there.
    pub async fn put_manifest(&self, tag: &str, manifest: &Manifest) -> Result<(), RegistryError> {
        let url = self.url(&["manifests", tag])?;
        let bytes = Bytes::from(manifest.bytes.clone());
        let fill = |request: RequestBuilder| request.header(CONTENT_TYPE, &manifest.media_type).body(bytes.clone());
        let answer = self.send(&Method::PUT, &url, fill).await?;
        let answer = self.expect(StatusCode::CREATED, answer).await?;
        self.same(Some(&manifest.digest), digest_in(answer.headers()).as_ref().unwrap_or(&manifest.digest))
    }

    /// Tells the registry that the uploads that were begun here will not be finished. Its answers do not matter: it
    /// throws them away by itself some day.
    pub async fn abandon_uploads(&self) {
        let open = std::mem::take(&mut *self.open());
        if open.is_empty() {
            return;
        }
        let removing = futures_util::stream::iter(open).for_each_concurrent(4, |url| {
            let client = self.clone();
            async move { drop(client.send(&Method::DELETE, &url, |request| request).await) }
        });
        let _ = tokio::time::timeout(FAREWELL, removing).await;
    }

    /// Takes over the unfinished uploads of a client whose login is no longer good.
    pub fn take_over(&self, other: &Self) {
        let open = std::mem::take(&mut *other.open());
        self.open().extend(open);
    }

    pub(super) fn open(&self) -> MutexGuard<'_, BTreeSet<Url>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn place(&self) -> &Place {
        &self.0.place
    }

    /// The address of something in the repository. Each part is percent-encoded, so none can leave its place.
    pub(super) fn url(&self, parts: &[&str]) -> Result<Url, RegistryError> {
        let mut url = self.0.base.clone();
        match url.path_segments_mut() {
            Ok(mut path) => drop(path.pop_if_empty().extend(parts)),
            Err(()) => return Err(self.place().unreadable("its address has no path")),
        }
        Ok(url)
    }

    /// Sends a request that can be sent twice: the first answer may be a question for the login.
    pub(super) async fn send(
        &self,
        method: &Method,
        url: &Url,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, RegistryError> {
        let mut is_new_login = false;
        loop {
            let login = self.login_for(url);
            let is_basic = login.as_ref() == Some(&self.0.basic);
            let request = fill(authorized(self.0.http.request(method.clone(), url.clone()).timeout(CALL), login));
            let answer = request.send().await.map_err(|error| self.place().failure(error))?;
            tracing::debug!(%method, path = url.path(), status = answer.status().as_u16(), "the registry answered");
            let is_final = answer.status() != StatusCode::UNAUTHORIZED || is_new_login || is_basic;
            if is_final || !is_same_place(url, &self.0.base) {
                return Ok(answer);
            }
            let Some(challenge) = Challenge::find(answer.headers()) else { return Ok(answer) };
            self.log_in(&challenge).await?;
            is_new_login = true;
        }
    }

    /// A request whose body cannot be sent twice: the login must be known by now.
    pub(super) fn once(&self, method: Method, url: &Url) -> RequestBuilder {
        authorized(self.0.http.request(method, url.clone()), self.login_for(url))
    }

    /// The login goes to the registry and to nobody whom it only names.
    fn login_for(&self, url: &Url) -> Option<HeaderValue> {
        if !is_same_place(url, &self.0.base) {
            return None;
        }
        self.0.login.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn log_in(&self, challenge: &Challenge) -> Result<(), RegistryError> {
        let login = match challenge {
            Challenge::Basic => self.0.basic.clone(),
            Challenge::Bearer { realm, service, scope } => {
                let asked = (realm.as_str(), service.as_deref(), scope.as_deref());
                auth::bearer(&self.0.http, self.place(), asked, self.0.basic.clone()).await?
            }
        };
        *self.0.login.lock().unwrap_or_else(PoisonError::into_inner) = Some(login);
        Ok(())
    }

    /// True where the registry no longer takes the login: asked after an upload broke off, because a refusal in the
    /// middle of one often arrives as a broken connection.
    pub(super) async fn refuses_login(&self) -> Option<RegistryError> {
        let mut url = self.0.base.clone();
        url.set_path("/v2/");
        let answer = self.send(&Method::GET, &url, |request| request).await.ok()?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return None;
        }
        Some(answer::refusal(answer, self.place()).await)
    }

    /// Where an answer says that something is. https, or this machine where the registry is on it too.
    pub(super) fn elsewhere(&self, from: &Url, headers: &HeaderMap) -> Result<Url, RegistryError> {
        let named = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let url = named.and_then(|named| from.join(named).ok()).filter(Url::has_host);
        let url = url.ok_or_else(|| self.place().unreadable("it names no place"))?;
        let is_fit = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url) && self.place().is_loopback;
        if is_fit { Ok(url) } else { Err(self.place().unreadable("it names a place that is not safe to go to")) }
    }

    /// A success with the status that the specification wants; anything else is an error.
    pub(super) async fn expect(&self, status: StatusCode, answer: Response) -> Result<Response, RegistryError> {
        if answer.status() == status {
            return answer::no_web_page(answer, self.place());
        }
        if answer.status().is_success() {
            let answer = answer::no_web_page(answer, self.place())?;
            return Err(self.place().unreadable(format!("{} where {status} was expected", answer.status())));
        }
        Err(answer::refusal(answer, self.place()).await)
    }

    /// `None` where there is no such thing.
    async fn found(&self, answer: Response) -> Result<Option<Response>, RegistryError> {
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.expect(StatusCode::OK, answer).await.map(Some)
    }

    fn same(&self, expected: Option<&Digest>, found: &Digest) -> Result<(), RegistryError> {
        match expected {
            Some(expected) if expected != found => Err(RegistryError::WrongDigest {
                registry: self.place().registry.clone(),
                expected: expected.clone(),
                found: found.clone(),
            }),
            _ => Ok(()),
        }
    }
}

fn authorized(request: RequestBuilder, login: Option<HeaderValue>) -> RequestBuilder {
    match login {
        Some(login) => request.header(AUTHORIZATION, login),
        None => request,
    }
}

fn digest_in(headers: &HeaderMap) -> Option<Digest> {
    Digest::new(headers.get(CONTENT_DIGEST)?.to_str().ok()?).ok()
}
