//! The sandbox's sign-in page: it stands where GitHub or Google would ask for consent, and believes everybody. Works
//! without scripts.

use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{Provider, page, pending, refuse, welcome};
use crate::server::error::Failure;
use crate::server::redirect;
use crate::server::state::Server;
use crate::server::store::{accounts, audit};

/// Longest e-mail address (RFC 5321).
const LONGEST_EMAIL: usize = 254;

/// Names the sign-in.
#[derive(Debug, Deserialize)]
pub struct ShowQuery {
    request: Option<String>,
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct Choice {
    request: String,
    nonce: String,
    email: Option<String>,
    decision: Option<String>,
}

/// `GET /sign-in/{provider}?request=`
pub async fn show(
    State(server): State<Server>,
    provider: Result<Path<String>, PathRejection>,
    query: Result<Query<ShowQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(provider) = here(&server, provider, &headers)? else { return Ok(page::unknown()) };
    let request = query.ok().and_then(|Query(query)| query.request).unwrap_or_default();
    form(&server, provider, &request, StatusCode::OK, "").await
}

/// `POST /sign-in/{provider}`
pub async fn decide(
    State(server): State<Server>,
    provider: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    choice: Result<Form<Choice>, FormRejection>,
) -> Result<Response, Failure> {
    let Some(provider) = here(&server, provider, &headers)? else { return Ok(page::unknown()) };
    let Ok(Form(choice)) = choice else { return Ok(page::over(StatusCode::BAD_REQUEST)) };
    let Some(pending) = pending::look(&server, provider, &choice.request).await? else {
        return Ok(page::over(StatusCode::GONE));
    };
    let again = async |status, notice| form(&server, provider, &choice.request, status, notice).await;
    if !bool::from(choice.nonce.as_bytes().ct_eq(pending.secret.reveal().as_bytes())) {
        return again(StatusCode::FORBIDDEN, "This form is not from this page. Please choose again.").await;
    }
    let email = match (choice.decision.as_deref(), choice.email.as_deref()) {
        (Some("deny"), _) => None,
        (None | Some("allow"), Some(raw)) => match may_choose(&server, raw) {
            Ok(email) => Some(email),
            Err(why) => return again(StatusCode::UNPROCESSABLE_ENTITY, why).await,
        },
        _ => return again(StatusCode::BAD_REQUEST, "Please choose one of the accounts, or Deny.").await,
    };
    // From here on it is decided: of two answers at once, one counts.
    let Some(pending) = pending::take(&server, provider, &choice.request).await? else {
        return Ok(page::over(StatusCode::GONE));
    };
    let Some(email) = email else {
        return Ok(refuse(pending.redirect, "access_denied", "The sign-in was denied in the browser."));
    };
    let mut tx = server.store.write().await?;
    let user = accounts::ensure_user(&mut tx, &email).await?;
    audit::record(&mut tx, &user.id, None, "sign_in").await?;
    tx.commit().await?;
    welcome(&server, pending.redirect, &user)
}

/// The address, if the page offers it, or may make an account for it.
fn may_choose(server: &Server, raw: &str) -> Result<String, &'static str> {
    let settings = &server.settings;
    let email = accounts::address(raw);
    let known = settings.users.iter().any(|user| accounts::address(user) == email);
    if !known && !settings.login.open_sign_up {
        return Err("There is no such account here.");
    }
    if !known && !is_address(&email) {
        return Err("This is no e-mail address.");
    }
    if !settings.login.admits(&settings.users, &email) {
        return Err("This address may not log in here.");
    }
    Ok(email)
}

fn is_address(email: &str) -> bool {
    let parts = email.split_once('@');
    parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && email.len() <= LONGEST_EMAIL
        && email.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\' | '(' | ')' | ',' | ';'))
}

/// The provider of the path, where the sandbox stands in for it.
fn here(
    server: &Server,
    provider: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<Option<Provider>, Failure> {
    from_here(server, headers)?;
    let login = &server.settings.login;
    let provider = provider.ok().and_then(|Path(word)| Provider::from_word(&word));
    Ok(provider.filter(|provider| provider.client(login).is_none() && login.has_sandbox_page()))
}

/// Refuses a browser that reached this machine under a stranger's name: a foreign page whose name was pointed here could
/// otherwise sign somebody in and read the answer. Not where the page was opened to everybody.
pub(super) fn from_here(server: &Server, headers: &HeaderMap) -> Result<(), Failure> {
    if server.settings.login.sandbox {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let url = host.and_then(|host| Url::parse(&format!("http://{host}/")).ok());
    match url.as_ref().and_then(Url::host) {
        Some(host) if redirect::is_local(&host) => Ok(()),
        _ => Err(Failure::bad_request("the sandbox's sign-in is for this machine: open it under localhost")),
    }
}

async fn form(
    server: &Server,
    provider: Provider,
    request: &str,
    status: StatusCode,
    notice: &str,
) -> Result<Response, Failure> {
    let Some(pending) = pending::look(server, provider, request).await? else {
        return Ok(page::over(StatusCode::GONE));
    };
    Ok(page::form(
        status,
        &page::Form {
            provider,
            request,
            nonce: pending.secret.reveal(),
            users: &server.settings.users,
            any_email: server.settings.login.open_sign_up,
            callback: &pending.redirect.origin().ascii_serialization(),
            notice,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_gets_no_account() {
        for good in ["mara@orchard.example", "a+b@localhost", "x@[127.0.0.1]"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "mara", "@orchard.example", "mara@", "a@b@c", "a b@c", "<b>@c", "ä@c", "a@c\u{1b}[1m"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
