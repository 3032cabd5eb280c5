//! Real login providers: the authorization code grant with PKCE, and the question who somebody is. Everything a provider
//! answers is text from outside, and none of it is kept but the id, the verified address and the name.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{self, HeaderValue, StatusCode};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use oauth2::basic::BasicClient;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _,
    TokenUrl,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::Provider;
use crate::model::{Secret, text};
use crate::server::error::Failure;
use crate::server::settings::{LoginSettings, OAuthClient};
use crate::server::state::Server;

/// Largest answer that is read, bytes.
const MOST: usize = 512 * 1024;
/// GitHub wants to know who asks.
const AGENT: &str = concat!("tenantry/", env!("CARGO_PKG_VERSION"));

/// The way to login providers.
#[derive(Debug, Clone)]
pub struct Providers {
    http: reqwest::Client,
}

impl Providers {
    /// A client that follows no redirect, so that a provider cannot send a secret elsewhere, and waits for nobody long.
    pub fn new(settings: &LoginSettings) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(settings.patience)
            .user_agent(AGENT)
            .build()?;
        Ok(Self { http })
    }
}

impl<'c> AsyncHttpClient<'c> for Providers {
    type Error = ProviderError;
    type Future = BoxFuture<'c, Result<HttpResponse, ProviderError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        send(&self.http, request).boxed()
    }
}

/// Why a provider did not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No answer, a server error, or an answer that makes no sense.
    #[error("{0}")]
    Unavailable(String),
    /// The provider does not accept the code, or this server.
    #[error("{0}")]
    Refused(String),
    /// There is an account, but no address that is surely its owner's.
    #[error("no verified primary e-mail address")]
    Unverified,
}

/// Somebody, as a provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The provider's id: never changes hands.
    pub(super) subject: String,
    /// Verified.
    pub(super) email: String,
    /// For the header, where known.
    pub(super) name: Option<String>,
}

/// A new challenge and the verifier that answers it.
pub(super) fn challenge() -> (PkceCodeChallenge, Secret) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    (challenge, Secret::new(verifier.secret().as_str()))
}

/// Where the provider sends the browser back to.
fn callback(server: &Server, provider: Provider) -> String {
    format!("{}/api/v1/auth/oauth/{}/callback", server.base, provider.word())
}

/// Where people consent.
pub(super) fn authorize_url(
    server: &Server,
    provider: Provider,
    client: &OAuthClient,
    challenge: PkceCodeChallenge,
    state: String,
) -> Result<String, Failure> {
    let redirect = RedirectUrl::new(callback(server, provider));
    let redirect = redirect.map_err(|error| Failure::internal(format!("the server's own address: {error}")))?;
    let scopes: &[&str] = match provider {
        Provider::GitHub => &["read:user", "user:email"],
        Provider::Google => &["openid", "email", "profile"],
    };
    let (url, _) = BasicClient::new(ClientId::new(client.id.clone()))
        .set_auth_uri(AuthUrl::from_url(client.authorize.clone()))
        .set_redirect_uri(redirect)
        .authorize_url(move || CsrfToken::new(state))
        .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    Ok(url.into())
}

/// Asks the provider who came back with this code.
pub(super) async fn person(
    server: &Server,
    provider: Provider,
    client: &OAuthClient,
    code: String,
    verifier: &Secret,
) -> Result<Person, ProviderError> {
    let redirect = RedirectUrl::new(callback(server, provider));
    let redirect = redirect.map_err(|error| ProviderError::Unavailable(error.to_string()))?;
    let oauth = BasicClient::new(ClientId::new(client.id.clone()))
        .set_client_secret(ClientSecret::new(client.secret.reveal().to_owned()))
        .set_token_uri(TokenUrl::from_url(client.token.clone()))
        .set_redirect_uri(redirect)
        // Both providers take it in the body; in the header GitHub does not promise to.
        .set_auth_type(AuthType::RequestBody);
    let http = &server.providers.http;
    let token = oauth
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.reveal().to_owned()))
        .request_async(&server.providers)
        .await
        .map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => ProviderError::Refused(text::short(&answer.to_string(), 200)),
            RequestTokenError::Request(error) => error,
            // The rest would quote what could not be read, which may hold a token.
            RequestTokenError::Parse(..) => ProviderError::Unavailable("its token cannot be read".into()),
            RequestTokenError::Other(_) => ProviderError::Unavailable("its answer to the code makes no sense".into()),
        })?;
    let token = Secret::new(token.access_token().secret().as_str());
    match (provider, &client.emails) {
        (Provider::GitHub, Some(emails)) => github(http, client, emails, &token).await,
        _ => google(ask(http, &client.profile, &token).await?),
    }
}

#[derive(Debug, Deserialize)]
struct GitHubUser {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct GitHubEmail {
    email: String,
    primary: bool,
    verified: bool,
}

async fn github(
    http: &reqwest::Client,
    client: &OAuthClient,
    emails: &Url,
    token: &Secret,
) -> Result<Person, ProviderError> {
    let user: GitHubUser = ask(http, &client.profile, token).await?;
    let emails: Vec<GitHubEmail> = ask(http, emails, token).await?;
    let email = emails.into_iter().find(|email| email.primary && email.verified);
    let name = user.name.filter(|name| !name.trim().is_empty()).unwrap_or(user.login);
    finish(user.id.to_string(), email.map(|email| email.email), Some(&name))
}

#[derive(Debug, Deserialize)]
struct GoogleUser {
    sub: String,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    name: Option<String>,
}

fn google(user: GoogleUser) -> Result<Person, ProviderError> {
    finish(user.sub, user.email.filter(|_| user.email_verified), user.name.as_deref())
}

fn finish(subject: String, email: Option<String>, name: Option<&str>) -> Result<Person, ProviderError> {
    // An address that is not what it looks like is as good as none.
    let email = email.filter(|email| text::line(email) == *email && email.contains('@') && email.len() <= 254);
    let email = email.ok_or(ProviderError::Unverified)?;
    if subject.is_empty() || subject.len() > 255 {
        return Err(ProviderError::Unavailable("its id of the account cannot be used".into()));
    }
    let name = name.map(|name| text::short(name, 100)).filter(|name| !name.trim().is_empty());
    Ok(Person { subject, email, name })
}

async fn ask<T: DeserializeOwned>(http: &reqwest::Client, url: &Url, token: &Secret) -> Result<T, ProviderError> {
    let request = http.get(url.clone()).bearer_auth(token.reveal()).header(ACCEPT, "application/json");
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if !status.is_success() {
        return Err(ProviderError::Unavailable(format!("it answered {status} to who somebody is")));
    }
    let body = read(response).await?;
    serde_json::from_slice(&body)
        .map_err(|_| ProviderError::Unavailable("its answer to who somebody is cannot be read".into()))
}

async fn send(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
    let request = reqwest::Request::try_from(request).map_err(unreachable)?;
    let response = http.execute(request).await.map_err(unreachable)?;
    let mut status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).cloned();
    let body = read(response).await?;
    // GitHub refuses with 200.
    if status.is_success() && is_refusal(&body) {
        status = StatusCode::BAD_REQUEST;
    }
    http::Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/json")))
        .body(body)
        .map_err(|error| ProviderError::Unavailable(error.to_string()))
}

fn is_refusal(body: &[u8]) -> bool {
    let members = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
    members.is_ok_and(|members| members.get("error").is_some_and(serde_json::Value::is_string))
}

/// The body, up to what such an answer may be long.
async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(unreachable)? {
        if body.len() + part.len() > MOST {
            return Err(ProviderError::Unavailable("its answer is too long".into()));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn unreachable(error: reqwest::Error) -> ProviderError {
    let what =
        if error.is_timeout() { "it did not answer in time".to_owned() } else { error.without_url().to_string() };
    ProviderError::Unavailable(what)
}
