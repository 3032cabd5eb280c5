//! The registry's passwords: signed tokens, each for one tenant and one kind of access.
//!
//! A token is `tenantry2.{push|pull}.{expiry}.{generation}.{tenant}.{mac}`; the MAC covers everything in front
//! of it. No token is stored, so one outlives a restart exactly when the server keeps its key. Each tenant's tokens
//! have a generation, which the registry keeps: a new one makes every older token worthless at once, because
//! tokens are checked with every request. Must not know HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::{Secret, TenantId};

/// Names the format, and separates these MACs from any other made with the same key.
const VERSION: &str = "tenantry2";

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Write the tenant's own tag, and read what the tenant pushed.
    Push,
    /// Read what the tenant pushed.
    Pull,
}

impl Access {
    fn word(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Push, Self::Pull].into_iter().find(|access| access.word() == word)
    }
}

/// Whose token it is and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The tenant.
    pub tenant: TenantId,
    /// What it may do.
    pub access: Access,
}

/// Issues and checks tokens. Cheap to clone, and all clones are one; `Debug` does not show the key.
#[derive(Debug, Clone)]
pub struct RegistryTokens {
    key: hmac::Key,
    /// Of tenants whose tokens were revoked at least once.
    generations: Arc<RwLock<HashMap<TenantId, u64>>>,
}

impl RegistryTokens {
    /// Signs with `key`: 32 random bytes that the server keeps for as long as its tokens shall be good.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), generations: Arc::default() }
    }

    /// A token for `tenant` that is good for `ttl` from now.
    #[must_use]
    pub fn issue(&self, tenant: &TenantId, access: Access, ttl: Duration) -> Secret {
        self.issue_at(tenant, access, seconds(SystemTime::now() + ttl))
    }

    /// What the token allows; `None` if it is not ours, was changed, has expired, or was revoked.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<Grant> {
        self.check_at(token, seconds(SystemTime::now()))
    }

    /// The generation of the tokens that are issued for `tenant` now.
    pub(super) fn generation(&self, tenant: &TenantId) -> u64 {
        self.generations.read().unwrap_or_else(PoisonError::into_inner).get(tenant).copied().unwrap_or_default()
    }

    /// Begins a generation: from now on tokens of any other are worth nothing.
    pub(super) fn begin_generation(&self, tenant: &TenantId, generation: u64) {
        self.generations.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), generation);
    }

    fn issue_at(&self, tenant: &TenantId, access: Access, expiry: u64) -> Secret {
        let claim = format!("{VERSION}.{}.{expiry}.{}.{tenant}", access.word(), self.generation(tenant));
        let mac = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, claim.as_bytes()));
        Secret::new(format!("{claim}.{mac}"))
    }

    fn check_at(&self, token: &str, now: u64) -> Option<Grant> {
        let (claim, mac) = token.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        hmac::verify(&self.key, claim.as_bytes(), &mac).ok()?;
        // From here on the text is our own.
        let mut parts = claim.split('.');
        let (version, access, expiry) = (parts.next()?, parts.next()?, parts.next()?);
        let (generation, tenant) = (parts.next()?, TenantId::new(parts.next()?).ok()?);
        let expiry: u64 = expiry.parse().ok()?;
        let generation: u64 = generation.parse().ok()?;
        let is_over = now >= expiry || generation != self.generation(&tenant);
        if version != VERSION || parts.next().is_some() || is_over {
            return None;
        }
        Some(Grant { access: Access::from_word(access)?, tenant })
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).expect("valid")
    }

    #[test]
    fn a_token_says_whose_it_is_until_it_expires() {
        let tokens = RegistryTokens::new([7; 32]);
        let token = tokens.issue_at(&tenant("ten_1"), Access::Push, 1000);
        let grant = Grant { tenant: tenant("ten_1"), access: Access::Push };
        assert_eq!(tokens.check_at(token.reveal(), 999), Some(grant));
        assert_eq!(tokens.check_at(token.reveal(), 1000), None);
    }

    #[test]
    fn a_new_generation_ends_the_tokens_of_one_tenant() {
        let tokens = RegistryTokens::new([7; 32]);
        let issue = |id: &str| tokens.issue(&tenant(id), Access::Push, Duration::from_mins(1));
        let (ours, theirs) = (issue("a"), issue("b"));
        tokens.clone().begin_generation(&tenant("a"), 1);
        assert_eq!(tokens.check(ours.reveal()), None);
        assert!(tokens.check(theirs.reveal()).is_some() && tokens.check(issue("a").reveal()).is_some());
    }

    #[test]
    fn a_changed_token_is_worth_nothing() {
        let tokens = RegistryTokens::new([7; 32]);
        let token = tokens.issue(&tenant("ten_1"), Access::Pull, Duration::from_mins(1));
        let token = token.reveal();
        assert!(tokens.check(token).is_some());
        for changed in [
            token.replace("pull", "push"),
            token.replace("ten_1", "ten_2"),
            token.replace(".pull.", ".pull.9"),
            format!("{token}A"),
            token[..token.len() - 1].to_owned(),
            token.rsplit_once('.').map(|(claim, _)| format!("{claim}.")).expect("a mac"),
            String::new(),
            "x".to_owned(),
            "....".to_owned(),
        ] {
            assert_eq!(tokens.check(&changed), None, "{changed}");
        }
        assert_eq!(RegistryTokens::new([8; 32]).check(token), None, "another server's key");
    }

    #[test]
    fn a_token_survives_every_place_that_docker_puts_it_in() {
        let token = RegistryTokens::new([7; 32]).issue(&tenant("a-b_c"), Access::Push, Duration::from_mins(1));
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        assert!(token.reveal().bytes().all(fits));
    }
}
