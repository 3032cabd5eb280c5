//! Floor 2: the desktop's keyring, where login tokens lie between two starts. A token is found by the API that it is for,
//! and by the context where several accounts of one API are used.
//!
//! Everything in here is asynchronous and has a limit of its own, because a keyring may ask the person for a password and
//! wait. Must not know the network, files, or what a token is good for.

mod error;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Secret;
pub use error::KeyringError;

/// The variable that switches the keyring off: `none`.
pub const VARIABLE: &str = "TENANTRY_KEYRING";

/// What a token is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The API's address, without trailing slash.
    pub api: String,
    /// The context of the configuration that it is for; `None` serves every context of this API that has none of its own.
    pub context: Option<String>,
}

/// A keyring. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Keyring {
    /// The desktop's.
    Desktop,
    /// One in memory, for tests and for whoever wants nothing to be kept.
    Memory(Memory),
    /// None: somebody switched it off.
    Off,
}

/// Tokens in memory. Shared between its clones.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<BTreeMap<Key, Secret>>>);

impl Keyring {
    /// The user's: the desktop's, unless `TENANTRY_KEYRING` is `none`.
    #[must_use]
    pub fn of_user() -> Self {
        match std::env::var(VARIABLE) {
            Ok(word) if word.eq_ignore_ascii_case("none") => Self::Off,
            _ => Self::Desktop,
        }
    }

    /// Whether a token could be kept now. A locked keyring is asked to be unlocked, as for [`read`](Self::read): better now
    /// than once there is a token and no place for it.
    ///
    /// # Errors
    /// Where there is no keyring, it stays locked, or it does not answer.
    pub async fn ready(&self) -> Result<(), KeyringError> {
        match self {
            // Boxed, as the others: the library's futures are large.
            Self::Desktop => Box::pin(desktop::ready()).await,
            Self::Memory(_) => Ok(()),
            Self::Off => Err(KeyringError::off()),
        }
    }

    /// The token of this key, if there is one. A locked keyring is asked to be unlocked, which the person has to answer
    /// within half a minute.
    ///
    /// # Errors
    /// Where there is no keyring, it stays locked, or it does not answer.
    pub async fn read(&self, key: &Key) -> Result<Option<Secret>, KeyringError> {
        match self {
            Self::Desktop => Box::pin(desktop::read(key)).await,
            Self::Memory(memory) => Ok(memory.lock().get(key).cloned()),
            Self::Off => Err(KeyringError::off()),
        }
    }

    /// Keeps a token; one of the same key is replaced.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn write(&self, key: &Key, token: &Secret) -> Result<(), KeyringError> {
        match self {
            Self::Desktop => Box::pin(desktop::write(key, token)).await,
            Self::Memory(memory) => {
                memory.lock().insert(key.clone(), token.clone());
                Ok(())
            }
            Self::Off => Err(KeyringError::off()),
        }
    }

    /// Forgets the token of this key. True where there was one.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn remove(&self, key: &Key) -> Result<bool, KeyringError> {
        match self {
            Self::Desktop => Box::pin(desktop::remove(key)).await,
            Self::Memory(memory) => Ok(memory.lock().remove(key).is_some()),
            Self::Off => Err(KeyringError::off()),
        }
    }
}

impl Memory {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
use secret_service as desktop;

/// Where this program knows no keyring yet.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod desktop {
    use super::{Key, KeyringError};
    use crate::model::Secret;

    fn none() -> KeyringError {
        KeyringError::Absent("tenantry knows no keyring on this system yet".to_owned())
    }

    pub(super) async fn ready() -> Result<(), KeyringError> {
        Err(none())
    }

    pub(super) async fn read(_: &Key) -> Result<Option<Secret>, KeyringError> {
        Err(none())
    }

    pub(super) async fn write(_: &Key, _: &Secret) -> Result<(), KeyringError> {
        Err(none())
    }

    pub(super) async fn remove(_: &Key) -> Result<bool, KeyringError> {
        Err(none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_belongs_to_its_api_and_context_alone() {
        let keyring = Keyring::Memory(Memory::default());
        let key = |context: Option<&str>| Key { api: "https://h.example".into(), context: context.map(str::to_owned) };
        keyring.write(&key(None), &Secret::new("hunter2")).await.expect("kept");
        keyring.write(&key(Some("staging")), &Secret::new("hunter3")).await.expect("kept");
        let read = async |key: &Key| keyring.read(key).await.expect("read").map(|token| token.reveal().to_owned());
        assert_eq!(read(&key(None)).await.as_deref(), Some("hunter2"));
        assert_eq!(read(&key(Some("staging"))).await.as_deref(), Some("hunter3"));
        assert_eq!(read(&key(Some("live"))).await, None);
        assert_eq!(read(&Key { api: "https://h.example/x".into(), context: None }).await, None);
        assert!(!format!("{keyring:?}").contains("hunter"));
        assert!(keyring.remove(&key(None)).await.expect("removed"));
        assert!(!keyring.remove(&key(None)).await.expect("removed"));
    }

    #[tokio::test]
    async fn one_that_is_switched_off_says_so() {
        let key = Key { api: "https://h.example".into(), context: None };
        let error = Keyring::Off.read(&key).await.expect_err("off");
        assert!(error.problem().detail.is_some_and(|detail| detail.contains(VARIABLE)));
    }
}
