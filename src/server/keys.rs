//! The server's own keys: made once from the system's random source, kept in files that only the owner
//! can read. Knows files and bytes; must not know what the keys are used for.

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::Ed25519KeyPair;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file {} cannot be used: {error}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file holds something else than a key.
    #[error("the key file {} does not hold a key", .0.display())]
    Broken(PathBuf),
    /// The system's random source failed.
    #[error("the system gives no random numbers")]
    Random,
}

/// All keys of a server.
pub struct Keys {
    /// Signs login tokens: PKCS#8, Ed25519.
    pub login: Vec<u8>,
    /// Signs registry tokens.
    pub registry: [u8; 32],
    /// Seals secrets in the database.
    pub seal: [u8; 32],
    /// Signs the payment provider's webhooks.
    pub webhook: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(••••)")
    }
}

impl Keys {
    /// Reads the keys below `data`, and makes those that are missing.
    pub fn open(data: &Path) -> Result<Self, KeyError> {
        let login = load_or_make(&data.join("login.key"), || {
            let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
            Ok(document.as_ref().to_vec())
        })?;
        let symmetric = |name: &str| {
            let path = data.join(name);
            let bytes = load_or_make(&path, || random::<32>().map(Vec::from))?;
            <[u8; 32]>::try_from(bytes).map_err(|_| KeyError::Broken(path))
        };
        Ok(Self {
            login,
            registry: symmetric("registry.key")?,
            seal: symmetric("seal.key")?,
            webhook: symmetric("webhook.key")?,
        })
    }
}

/// The key that signs login tokens, of a server that was started before: makes nothing.
pub fn login_key(data: &Path) -> Result<Vec<u8>, KeyError> {
    let path = data.join("login.key");
    std::fs::read(&path).map_err(|error| KeyError::File { path, error })
}

/// `N` bytes from the system's random source.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::Random)?;
    Ok(bytes)
}

/// `length` letters and digits, every one equally likely.
pub fn random_word(length: usize) -> Result<String, KeyError> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut word = String::with_capacity(length);
    while word.len() < length {
        // Bytes above the last multiple of 62 would favour the first letters.
        let fair = random::<64>()?.into_iter().filter(|byte| *byte < 248);
        word.extend(
            fair.filter_map(|byte| ALPHABET.get(usize::from(byte) % 62))
                .map(|b| char::from(*b))
                .take(length - word.len()),
        );
    }
    Ok(word)
}

fn load_or_make(path: &Path, make: impl FnOnce() -> Result<Vec<u8>, KeyError>) -> Result<Vec<u8>, KeyError> {
    let fail = |error| KeyError::File { path: path.to_owned(), error };
    match std::fs::File::open(path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(fail)?;
            if bytes.is_empty() { Err(KeyError::Broken(path.to_owned())) } else { Ok(bytes) }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let bytes = make()?;
            write_new(path, &bytes).map_err(fail)?;
            Ok(bytes)
        }
        Err(error) => Err(fail(error)),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_and_only_the_owner_reads_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Keys::open(dir.path()).expect("keys");
        let second = Keys::open(dir.path()).expect("keys");
        assert_eq!((first.login, first.seal), (second.login, second.seal));
        assert_ne!(first.registry, first.webhook);
        #[cfg(unix)]
        for entry in std::fs::read_dir(dir.path()).expect("a list") {
            use std::os::unix::fs::PermissionsExt;
            let mode = entry.expect("an entry").metadata().expect("metadata").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_broken_key_file_is_said_and_not_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("seal.key"), b"short").expect("written");
        assert!(matches!(Keys::open(dir.path()), Err(KeyError::Broken(_))));
        assert_eq!(std::fs::read(dir.path().join("seal.key")).expect("read"), b"short");
    }

    #[test]
    fn random_words_have_their_length_and_differ() {
        let (one, two) = (random_word(64).expect("a word"), random_word(64).expect("a word"));
        assert_eq!(one.len(), 64);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, two);
    }
}
