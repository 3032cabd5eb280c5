//! Who is calling: login tokens (JWT, signed with Ed25519), the caller of a request, and the tenant that the caller owns.
//!
//! Every tenant endpoint checks in the same order: token (401), tenant exists (404), caller owns it (403).

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use std::path::Path;

use super::error::Failure;
use super::keys::{KeyError, Keys};
use super::operations::Who;
use super::state::Server;
use super::store::accounts::{self, UserRow};
use super::store::tenants::{self, TenantRow};
use crate::model::{Secret, TenantId};

/// How long a login lasts, seconds.
pub const LIFETIME_SECONDS: i64 = 24 * 60 * 60;
const ISSUER: &str = "tenantry";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    email: String,
    iss: String,
    iat: i64,
    exp: i64,
}

/// Makes and checks login tokens.
pub struct LoginTokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for LoginTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginTokens(••••)")
    }
}

impl LoginTokens {
    /// Tokens signed with the key of a server's data directory.
    pub fn open(data: &Path) -> Result<Self, KeyError> {
        Self::new(&Keys::open(data)?.login).ok_or_else(|| KeyError::Broken(data.join("login.key")))
    }

    /// Tokens signed with this key (PKCS#8, Ed25519); `None` when it is not one.
    #[must_use]
    pub fn new(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.leeway = 0;
        Some(Self {
            sign: EncodingKey::from_ed_der(pkcs8),
            verify: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            validation,
        })
    }

    /// A token for a user that ends `lifetime_seconds` from now.
    pub fn issue(
        &self,
        user_id: &str,
        email: &str,
        lifetime_seconds: i64,
    ) -> Result<Secret, jsonwebtoken::errors::Error> {
        let now = jiff::Timestamp::now().as_second();
        let claims = Claims {
            sub: user_id.to_owned(),
            email: email.to_owned(),
            iss: ISSUER.to_owned(),
            iat: now,
            exp: now.saturating_add(lifetime_seconds),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.sign).map(Secret::new)
    }

    /// The user id in a token that is ours and not over.
    fn check(&self, token: &str) -> Option<String> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.verify, &self.validation).ok()?;
        Some(data.claims.sub)
    }
}

/// The user behind a request.
#[derive(Debug, Clone)]
pub struct Caller(pub UserRow);

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Server: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let server = Server::from_ref(state);
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let Some(user_id) = token.and_then(|token| server.logins.check(token)) else {
            return Err(Failure::unauthorized());
        };
        let user = accounts::user(&mut *server.store.read().await?, &user_id).await?;
        let user = user.ok_or_else(Failure::unauthorized)?;
        if let Some(who) = parts.extensions.get::<Who>() {
            who.set(&user.id);
        }
        server.operations.limits.user(&user.id)?;
        Ok(Self(user))
    }
}

/// The tenant of the path, owned by the caller.
#[derive(Debug, Clone)]
pub struct Owned {
    /// The tenant as it was when the request came.
    pub tenant: TenantRow,
    /// Who asks.
    pub caller: UserRow,
}

impl<S: Send + Sync> FromRequestParts<S> for Owned
where
    Server: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Caller(caller) = Caller::from_request_parts(parts, state).await?;
        let server = Server::from_ref(state);
        let params = RawPathParams::from_request_parts(parts, state).await.ok();
        let raw = params.as_ref().and_then(|params| params.iter().find(|(name, _)| *name == "id"));
        let id = raw.and_then(|(_, value)| TenantId::new(value).ok());
        let mut db = server.store.read().await?;
        let tenant = match id {
            Some(id) => tenants::get(&mut db, &id).await?,
            None => None,
        };
        let tenant = tenant.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
        let customer = accounts::customer_of(&mut db, &caller.id).await?;
        if customer.is_none_or(|customer| customer.id != tenant.owner_customer_id) {
            return Err(Failure::forbidden("this tenant belongs to another account", "not_owner"));
        }
        Ok(Self { tenant, caller })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> LoginTokens {
        let pair = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).expect("a key");
        LoginTokens::new(pair.as_ref()).expect("tokens")
    }

    #[test]
    fn only_our_own_tokens_count_and_only_for_their_time() {
        let ours = tokens();
        let token = ours.issue("u1", "mara@orchard.example", 60).expect("a token");
        assert_eq!(ours.check(token.reveal()).as_deref(), Some("u1"));
        assert_eq!(tokens().check(token.reveal()), None);
        let over = ours.issue("u1", "mara@orchard.example", -1).expect("a token");
        assert_eq!(ours.check(over.reveal()), None);
        for bad in ["", "a.b.c", &format!("{}x", token.reveal())] {
            assert_eq!(ours.check(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_without_signature_is_refused() {
        use base64::Engine as _;
        let part = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        let claims = r#"{"sub":"u1","email":"x","iss":"tenantry","iat":0,"exp":99999999999}"#;
        for algorithm in ["none", "HS256"] {
            let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
            assert_eq!(tokens().check(&format!("{}.{}.", part(&header), part(claims))), None);
        }
    }
}
