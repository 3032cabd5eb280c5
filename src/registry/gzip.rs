//! A layer compressed in pieces that know nothing of each other, so that every core can take one: each piece becomes a
//! gzip member, and members one after the other are one gzip stream (RFC 1952, 2.2).
//!
//! Must not know where the pieces come from.

use libdeflater::{CompressionLvl, Compressor};
use std::io;

/// Bytes of a piece before it is compressed: far more than the 32 KiB that gzip looks back, and small enough that all
/// pieces under way fit into a few megabytes.
pub const PIECE: usize = 512 * 1024;

/// How much time is spent on how small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For a registry on this machine: bytes cost next to nothing.
    Least,
    /// For one behind a network.
    Usual,
}

/// One gzip member. Takes milliseconds: not for a thread that must not block.
pub fn compress(piece: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
    let level = match effort {
        Effort::Least => 1,
        Effort::Usual => 6,
    };
    let level = CompressionLvl::new(level).map_err(|_| io::Error::other("the compression has no such level"))?;
    let mut compressor = Compressor::new(level);
    let mut member = vec![0; compressor.gzip_compress_bound(piece.len())];
    let length = compressor.gzip_compress(piece, &mut member).map_err(io::Error::other)?;
    member.truncate(length);
    Ok(member)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libdeflater::Decompressor;

    #[test]
    fn a_member_is_an_ordinary_gzip_file() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for effort in [Effort::Least, Effort::Usual] {
            let member = compress(&content, effort).unwrap();
            assert!(member.len() < content.len() / 2, "{effort:?}: {}", member.len());
            let mut back = vec![0; content.len()];
            Decompressor::new().gzip_decompress(&member, &mut back).unwrap();
            assert_eq!(back, content);
        }
        assert!(!compress(b"", Effort::Least).unwrap().is_empty());
    }
}
