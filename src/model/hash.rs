//! The digest of content that comes in pieces.
//!
//! Must not know where the content comes from.

use ring::digest::{Context, SHA256};
use std::fmt;

use super::Digest;

/// Takes content piece by piece and says its digest at the end.
#[derive(Clone)]
pub struct Hasher(Context);

impl Hasher {
    /// Nothing taken yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of everything taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        let mut hash = [0; 32];
        // SHA-256 has 32 bytes; a zip cannot run past either end.
        for (place, byte) in hash.iter_mut().zip(self.0.finish().as_ref()) {
            *place = *byte;
        }
        Digest::of_hash(hash)
    }

    /// The digest of `content`.
    #[must_use]
    pub fn digest(content: &[u8]) -> Digest {
        let mut hasher = Self::new();
        hasher.update(content);
        hasher.finish()
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_digest_of_the_whole() {
        let known = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hasher::digest(b"abc").as_str(), known);
        let mut hasher = Hasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish().as_str(), known);
    }
}
