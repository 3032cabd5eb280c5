//! Logging in: a client asks where to send the browser, the browser comes back with who somebody is, and the client's own
//! callback gets a token.
//!
//! Who somebody is, a real provider says, or the sandbox's own page, which believes everybody. Knows accounts and tokens;
//! must not know tenants or payments.

pub mod callback;
pub mod exchange;
mod identity;
pub mod keys;
pub mod offline;
mod page;
mod pending;
mod provider;
pub mod sandbox;
pub mod start;

pub use offline::{TokenError, token_of};
pub use provider::Providers;

use axum::response::Response;
use std::net::SocketAddr;
use url::Url;

use super::auth::LIFETIME_SECONDS;
use super::error::Failure;
use super::redirect;
use super::settings::{LoginSettings, OAuthClient};
use super::state::Server;
use super::store::accounts::UserRow;

/// Who can say who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// github.com, or an enterprise server.
    GitHub,
    /// Google accounts.
    Google,
}

impl Provider {
    fn from_word(word: &str) -> Option<Self> {
        [Self::GitHub, Self::Google].into_iter().find(|provider| provider.word() == word)
    }

    /// As paths and tables have it.
    fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Google => "google",
        }
    }

    /// As people read it.
    fn label(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::Google => "Google",
        }
    }

    fn client(self, settings: &LoginSettings) -> Option<&OAuthClient> {
        match self {
            Self::GitHub => settings.github.as_ref(),
            Self::Google => settings.google.as_ref(),
        }
    }
}

/// True when the sandbox's sign-in page, which believes everybody, would be there for others than those on this machine,
/// and nobody said that this is wanted.
#[must_use]
pub fn is_open_to_strangers(settings: &LoginSettings, listen: SocketAddr, base: &str) -> bool {
    let base = Url::parse(base).ok();
    let local = base.as_ref().and_then(Url::host).is_some_and(|host| redirect::is_local(&to_borrowed(&host)));
    settings.has_sandbox_page() && !settings.sandbox && !(listen.ip().is_loopback() && local)
}

fn to_borrowed<'a>(host: &url::Host<&'a str>) -> url::Host<&'a str> {
    match host {
        url::Host::Domain(name) => url::Host::Domain(name),
        url::Host::Ipv4(address) => url::Host::Ipv4(*address),
        url::Host::Ipv6(address) => url::Host::Ipv6(*address),
    }
}

/// Back to the client, logged in.
fn welcome(server: &Server, to: Url, user: &UserRow) -> Result<Response, Failure> {
    let token = server.logins.issue(&user.id, &user.email, LIFETIME_SECONDS);
    let token = token.map_err(|error| Failure::internal(format!("a login token cannot be made: {error}")))?;
    Ok(redirect::back(to, &[("access_token", token.reveal())]))
}

/// Back to the client, without a login.
fn refuse(to: Url, code: &str, description: &str) -> Response {
    redirect::back(to, &[("error", code), ("error_description", description)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_believes_everybody_is_not_shown_to_strangers_by_accident() {
        let sandbox = LoginSettings::default();
        let wanted = LoginSettings { sandbox: true, ..LoginSettings::default() };
        for (listen, base, open) in [
            ("127.0.0.1:9400", "http://127.0.0.1:9400", false),
            ("[::1]:9400", "http://[::1]:9400", false),
            ("127.0.0.1:9400", "http://api.localhost:9400", false),
            ("0.0.0.0:9400", "http://127.0.0.1:9400", true),
            ("192.168.0.7:9400", "http://192.168.0.7:9400", true),
            ("127.0.0.1:9400", "https://api.orchard.example", true),
        ] {
            let listen = listen.parse().expect("an address");
            assert_eq!(is_open_to_strangers(&sandbox, listen, base), open, "{listen} {base}");
            assert!(!is_open_to_strangers(&wanted, listen, base));
        }
    }
}
