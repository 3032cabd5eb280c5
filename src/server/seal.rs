//! Secrets at rest: what the database keeps of a secret cannot be read without the key file, and a
//! sealed value cannot be moved to another tenant or another name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::keys;
use crate::model::Secret;

/// Why a value could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No random numbers, or no room.
    #[error("a secret could not be sealed")]
    Seal,
    /// Another key, another place, or damage.
    #[error("a stored secret cannot be opened with this server's key")]
    Open,
}

/// Seals and opens values.
pub struct Sealer(LessSafeKey);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(••••)")
    }
}

impl Sealer {
    /// A sealer with this key.
    pub fn new(key: &[u8; 32]) -> Result<Self, SealError> {
        UnboundKey::new(&CHACHA20_POLY1305, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_| SealError::Seal)
    }

    /// Seals `secret` for one place (`tenant`, `name`).
    pub fn seal(&self, tenant: &str, name: &str, secret: &Secret) -> Result<String, SealError> {
        let nonce: [u8; NONCE_LEN] = keys::random().map_err(|_| SealError::Seal)?;
        let mut body = secret.reveal().as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), place(tenant, name), &mut body)
            .map_err(|_| SealError::Seal)?;
        Ok(STANDARD_NO_PAD.encode([nonce.as_slice(), &body].concat()))
    }

    /// Opens what was sealed for the same place.
    pub fn open(&self, tenant: &str, name: &str, sealed: &str) -> Result<Secret, SealError> {
        let mut bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| SealError::Open)?;
        let (nonce, body) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(SealError::Open)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Open)?;
        let clear = self.0.open_in_place(nonce, place(tenant, name), body).map_err(|_| SealError::Open)?;
        std::str::from_utf8(clear).map(Secret::new).map_err(|_| SealError::Open)
    }
}

fn place(tenant: &str, name: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("{tenant}\n{name}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_with_its_key() {
        let ours = Sealer::new(&[7; 32]).expect("a sealer");
        let sealed = ours.seal("t1", "DATABASE_URL", &Secret::new("postgres://x")).expect("sealed");
        assert!(!sealed.contains("postgres"));
        assert_eq!(ours.open("t1", "DATABASE_URL", &sealed).expect("opened").reveal(), "postgres://x");
        assert_eq!(ours.open("t2", "DATABASE_URL", &sealed).err(), Some(SealError::Open));
        assert_eq!(ours.open("t1", "JWT_SECRET", &sealed).err(), Some(SealError::Open));
        let other = Sealer::new(&[8; 32]).expect("a sealer");
        assert_eq!(other.open("t1", "DATABASE_URL", &sealed).err(), Some(SealError::Open));
        assert_eq!(ours.open("t1", "DATABASE_URL", "AAAA").err(), Some(SealError::Open));
    }
}
