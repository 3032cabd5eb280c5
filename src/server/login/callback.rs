//! Where a real provider sends the browser back to.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::identity::{self, Outcome};
use super::provider::ProviderError;
use super::{Provider, page, pending, provider, refuse, welcome};
use crate::model::text;
use crate::server::error::Failure;
use crate::server::state::Server;

/// What the provider says.
#[derive(Debug, Deserialize)]
pub struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// `GET /api/v1/auth/oauth/{provider}/callback`
pub async fn callback(
    State(server): State<Server>,
    provider: Result<Path<String>, PathRejection>,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let provider = provider.ok().and_then(|Path(word)| Provider::from_word(&word));
    let client = provider.and_then(|provider| Some((provider, provider.client(&server.settings.login)?)));
    let Some((provider, client)) = client else { return Ok(page::unknown()) };
    // Until the state is known to be ours, and good for the first time, there is no client to go back to.
    let Ok(Query(query)) = query else { return Ok(page::over(StatusCode::BAD_REQUEST)) };
    let state = query.state.unwrap_or_default();
    let Some(pending) = pending::take(&server, provider, &state).await? else {
        return Ok(page::over(StatusCode::BAD_REQUEST));
    };
    let to = pending.redirect;
    if let Some(error) = query.error {
        let description = query.error_description.map(|words| text::short(&words, 300));
        let description = description.unwrap_or_else(|| format!("{} did not sign you in.", provider.label()));
        return Ok(refuse(to, known(&error), &description));
    }
    let Some(code) = query.code.filter(|code| !code.is_empty()) else {
        return Ok(refuse(to, "server_error", &format!("{} sent no code.", provider.label())));
    };
    let person = match provider::person(&server, provider, client, code, &pending.secret).await {
        Ok(person) => person,
        Err(error) => {
            tracing::warn!(provider = provider.word(), %error, "a sign-in failed");
            let (code, words) = words(provider, &error);
            return Ok(refuse(to, code, &words));
        }
    };
    match identity::open(&server, provider, &person).await? {
        Outcome::Welcome(user) => welcome(&server, to, &user),
        Outcome::NotAdmitted => {
            Ok(refuse(to, "access_denied", &format!("{} may not log in to this server.", person.email)))
        }
        Outcome::Taken => {
            let words = format!("The account of {} here is opened by another sign-in. Use that one.", person.email);
            Ok(refuse(to, "access_denied", &words))
        }
    }
}

/// The provider's code, as long as it is one that OAuth knows.
fn known(error: &str) -> &'static str {
    const CODES: [&str; 7] = [
        "access_denied",
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    ];
    CODES.into_iter().find(|code| *code == error).unwrap_or("server_error")
}

fn words(provider: Provider, error: &ProviderError) -> (&'static str, String) {
    let label = provider.label();
    match error {
        ProviderError::Unavailable(_) => {
            ("temporarily_unavailable", format!("{label} did not say who you are. Try again."))
        }
        ProviderError::Refused(_) => ("server_error", format!("{label} did not accept the sign-in. Try again.")),
        ProviderError::Unverified => {
            ("access_denied", format!("Your {label} account has no verified primary e-mail address."))
        }
    }
}
