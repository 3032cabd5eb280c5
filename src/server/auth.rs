//! Who is calling: login tokens (JWT, signed with Ed25519), the caller of a request, and the tenant that the caller owns.
//!
//! Every tenant endpoint checks in the same order: token (401), tenant exists (404), caller owns it (403).
//!
//! There are two kinds of token, told apart by their audience: the one of a login, and the short one that it can be
//! exchanged for, which opens nothing but calls about a tenant (protocol A.2).

use axum::extract::{FromRef, FromRequestParts, MatchedPath, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::Path;

use super::error::Failure;
use super::keys::{self, KeyError};
use super::operations::Who;
use super::state::Server;
use super::store::accounts::{self, UserRow};
use super::store::tenants::{self, TenantRow};
use crate::model::{Secret, TenantId};

/// How long a login lasts, seconds.
pub const LIFETIME_SECONDS: i64 = 24 * 60 * 60;
const ISSUER: &str = "tenantry";
/// Tenant calls that follow a stream: a login token is enough for them, always.
const STREAMS: [&str; 1] = ["/api/v1/tenants/{id}/events"];

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything that its user may do.
    Login,
    /// Calls about one tenant or another, and nothing else.
    Tenants,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::Login, Self::Tenants];

    fn audience(self) -> &'static str {
        match self {
            Self::Login => "tenantry",
            Self::Tenants => "tenantry:tenants",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    email: String,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whose it is.
    pub user_id: String,
    /// What for.
    pub purpose: Purpose,
    /// Until when, seconds since 1970.
    pub expires: i64,
}

/// The public half of the key, as others need it to check tokens (RFC 7517, RFC 8037).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    x: String,
    kid: String,
    #[serde(rename = "use")]
    for_what: &'static str,
    alg: &'static str,
}

/// Makes and checks login tokens.
pub struct LoginTokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
    public: PublicKey,
}

impl std::fmt::Debug for LoginTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginTokens(••••)")
    }
}

impl LoginTokens {
    /// Tokens signed with the key of a server's data directory, which must be there.
    pub fn open(data: &Path) -> Result<Self, KeyError> {
        Self::new(&keys::login_key(data)?).ok_or_else(|| KeyError::Broken(data.join("login.key")))
    }

    /// Tokens signed with this key (PKCS#8, Ed25519); `None` when it is not one.
    #[must_use]
    pub fn new(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        // One algorithm, whatever a token says about itself.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&Purpose::ALL.map(Purpose::audience));
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        // The key's thumbprint (RFC 7638): members in this order, no blanks.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        let kid = URL_SAFE_NO_PAD.encode(thumbprint);
        Some(Self {
            sign: EncodingKey::from_ed_der(pkcs8),
            verify: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            validation,
            public: PublicKey { kty: "OKP", crv: "Ed25519", x, kid, for_what: "sig", alg: "EdDSA" },
        })
    }

    /// The public half of the key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// A login token for a user that ends `lifetime_seconds` from now.
    pub fn issue(
        &self,
        user_id: &str,
        email: &str,
        lifetime_seconds: i64,
    ) -> Result<Secret, jsonwebtoken::errors::Error> {
        self.issue_for(Purpose::Login, user_id, email, lifetime_seconds)
    }

    /// A token for one purpose.
    pub fn issue_for(
        &self,
        purpose: Purpose,
        user_id: &str,
        email: &str,
        lifetime_seconds: i64,
    ) -> Result<Secret, jsonwebtoken::errors::Error> {
        let now = jiff::Timestamp::now().as_second();
        let claims = Claims {
            sub: user_id.to_owned(),
            email: email.to_owned(),
            iss: ISSUER.to_owned(),
            aud: purpose.audience().to_owned(),
            iat: now,
            exp: now.saturating_add(lifetime_seconds),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.public.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.sign).map(Secret::new)
    }

    /// What a token says that is ours and not over.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<Checked> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verify, &self.validation).ok()?.claims;
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.audience() == claims.aud)?;
        Some(Checked { user_id: claims.sub, purpose, expires: claims.exp })
    }
}

/// The user behind a token that is good for one of these purposes, and may log in.
pub async fn user_of(
    server: &Server,
    token: &str,
    accepted: &[Purpose],
) -> Result<Option<(UserRow, Checked)>, Failure> {
    let Some(checked) = server.logins.check(token).filter(|checked| accepted.contains(&checked.purpose)) else {
        return Ok(None);
    };
    let user = accounts::user(&mut *server.store.read().await?, &checked.user_id).await?;
    // Also asked here and not only at the login: who is taken off the list is out at once.
    let user = user.filter(|user| server.settings.login.admits(&server.settings.users, &user.email));
    Ok(user.map(|user| (user, checked)))
}

async fn bearer(parts: &Parts, server: &Server, accepted: &[Purpose]) -> Result<UserRow, Failure> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(token) = token else { return Err(Failure::unauthorized()) };
    let (user, _) = user_of(server, token, accepted).await?.ok_or_else(Failure::unauthorized)?;
    if let Some(who) = parts.extensions.get::<Who>() {
        who.set(&user.id);
    }
    server.operations.limits.user(&user.id)?;
    Ok(user)
}

/// The user behind a request, logged in.
#[derive(Debug, Clone)]
pub struct Caller(pub UserRow);

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Server: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        bearer(parts, &Server::from_ref(state), &[Purpose::Login]).await.map(Self)
    }
}

/// The user behind a request about a tenant: also with a token that was exchanged for a login.
#[derive(Debug, Clone)]
pub struct TenantCaller(pub UserRow);

impl<S: Send + Sync> FromRequestParts<S> for TenantCaller
where
    Server: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let server = Server::from_ref(state);
        let stream = parts.extensions.get::<MatchedPath>().is_some_and(|path| STREAMS.contains(&path.as_str()));
        let only_exchanged = server.settings.login.require_exchange && !stream;
        let accepted: &[Purpose] = if only_exchanged { &[Purpose::Tenants] } else { &Purpose::ALL };
        bearer(parts, &server, accepted).await.map(Self)
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
        let server = Server::from_ref(state);
        let TenantCaller(caller) = TenantCaller::from_request_parts(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state).await.ok();
        let raw = params.as_ref().and_then(|params| params.iter().find(|(name, _)| *name == "id"));
        let id = raw.and_then(|(_, value)| TenantId::new(value).ok());
        let mut db = server.store.read().await?;
        let tenant = match id {
            Some(id) => tenants::get(&mut db, &id).await?,
            None => None,
        };
        let tenant = tenant.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
        let customer = accounts::customer_of(&mut db, &caller.id).await?.ok_or_else(|| {
            Failure::not_found("this account is no customer: it never bought anything").reason("customer_missing")
        })?;
        if customer.id != tenant.owner_customer_id {
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

    fn user(tokens: &LoginTokens, token: &str) -> Option<String> {
        tokens.check(token).map(|checked| checked.user_id)
    }

    #[test]
    fn only_our_own_tokens_count_and_only_for_their_time() {
        let ours = tokens();
        let token = ours.issue("u1", "mara@orchard.example", 60).expect("a token");
        assert_eq!(user(&ours, token.reveal()).as_deref(), Some("u1"));
        assert_eq!(ours.check(token.reveal()).map(|checked| checked.purpose), Some(Purpose::Login));
        let short = ours.issue_for(Purpose::Tenants, "u1", "mara@orchard.example", 60).expect("a token");
        assert_eq!(ours.check(short.reveal()).map(|checked| checked.purpose), Some(Purpose::Tenants));
        assert_eq!(user(&tokens(), token.reveal()), None);
        let over = ours.issue("u1", "mara@orchard.example", -1).expect("a token");
        assert_eq!(user(&ours, over.reveal()), None);
        for bad in ["", "a.b.c", &format!("{}x", token.reveal())] {
            assert_eq!(user(&ours, bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_without_our_signature_is_refused_whatever_it_says() {
        let ours = tokens();
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let claims = r#"{"sub":"u1","email":"x","iss":"tenantry","aud":"tenantry","iat":0,"exp":99999999999}"#;
        // Signed with the public key as if it were a shared secret: the classic confusion.
        let secret = EncodingKey::from_secret(ours.public.x.as_bytes());
        let as_value: serde_json::Value = serde_json::from_str(claims).expect("JSON");
        let confused = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &as_value, &secret).expect("a token");
        assert_eq!(user(&ours, &confused), None);
        for algorithm in ["none", "HS256", "EdDSA"] {
            let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
            assert_eq!(user(&ours, &format!("{}.{}.", part(&header), part(claims))), None);
        }
    }

    #[test]
    fn a_token_of_ours_that_says_something_else_is_refused() {
        let ours = tokens();
        let good = serde_json::json!({ "sub": "u1", "email": "x", "iss": "tenantry", "aud": "tenantry", "iat": 0,
            "exp": 99_999_999_999_i64 });
        let sign = |claims: &serde_json::Value| {
            jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &ours.sign).expect("a token")
        };
        assert_eq!(user(&ours, &sign(&good)).as_deref(), Some("u1"));
        for (member, value) in [
            ("iss", serde_json::json!("another")),
            ("aud", serde_json::json!("another")),
            ("aud", serde_json::json!(["tenantry", "another"])),
            ("aud", serde_json::Value::Null),
            ("exp", serde_json::Value::Null),
        ] {
            let mut claims = good.clone();
            claims[member] = value;
            assert_eq!(user(&ours, &sign(&claims)), None, "{claims}");
        }
    }

    #[test]
    fn a_token_names_the_key_that_others_check_it_with() {
        let ours = tokens();
        let token = ours.issue("u1", "x", 60).expect("a token");
        let header = jsonwebtoken::decode_header(token.reveal()).expect("a header");
        assert_eq!(header.kid.as_deref(), Some(&*ours.public.kid));
        let key = DecodingKey::from_ed_components(&ours.public.x).expect("a key");
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["tenantry"]);
        assert!(jsonwebtoken::decode::<Claims>(token.reveal(), &key, &validation).is_ok());
    }
}
