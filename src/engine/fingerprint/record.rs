//! What is remembered of a build: its fingerprint, its image, and its inputs, as bytes for a file.
//!
//! The bytes end with a keyed checksum over all of them and the name of what was built, so a file that is damaged, cut
//! off, of another version, of another machine or of another project is not taken for a record. Must not know where
//! the file lies.

use ring::hmac;

use super::inputs::{Entry, Hash, InputRecord, Inputs, Kind, Stat, finish};
use super::{Fingerprint, FingerprintKey};

/// Begins every record. Another form of it gets another number.
const MAGIC: &[u8] = b"tenantry image record 1\n";

/// A build that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    /// Of what it was built from.
    pub fingerprint: Fingerprint,
    /// The engine's id of the image.
    pub image: String,
    /// When it was built, seconds since 1970.
    pub built_at: i64,
    /// What it was built from.
    pub inputs: InputRecord,
}

impl ImageRecord {
    /// The record as bytes. `place` says what it is a record of, see [`super::place`].
    #[must_use]
    pub fn encode(&self, key: &FingerprintKey, place: &str) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.bytes(self.fingerprint.as_str().as_bytes());
        out.bytes(self.image.as_bytes());
        out.signed(self.built_at);
        let inputs = self.inputs.inputs();
        out.signed(inputs.taken_at);
        out.number(inputs.entries.len() as u64);
        let mut before: &[u8] = &[];
        for entry in &inputs.entries {
            // Neighbours share most of their path.
            let shared = before.iter().zip(&entry.path).take_while(|(one, other)| one == other).count();
            out.number(shared as u64);
            out.bytes(entry.path.get(shared..).unwrap_or_default());
            out.0.push(match entry.kind {
                Kind::Directory => 0,
                Kind::File => 1,
                Kind::Link => 2,
            });
            let Stat { device, inode, size, mode, modified, changed } = entry.stat;
            for number in [device, inode, size, u64::from(mode)] {
                out.number(number);
            }
            out.signed(modified);
            out.signed(changed);
            if entry.kind != Kind::Directory {
                out.0.extend_from_slice(&entry.hash);
            }
            before = &entry.path;
        }
        let checksum = checksum(key, place, &out.0);
        out.0.extend_from_slice(&checksum);
        out.0
    }

    /// Reads what [`Self::encode`] wrote with the same key for the same place; `None` for anything else.
    #[must_use]
    pub fn decode(key: &FingerprintKey, place: &str, bytes: &[u8]) -> Option<Self> {
        let (content, found) = bytes.split_last_chunk::<32>()?;
        if checksum(key, place, content) != *found {
            return None;
        }
        let mut from = Reader(content.strip_prefix(MAGIC)?);
        let fingerprint = Fingerprint::parse(&from.text()?)?;
        let image = from.text()?;
        let built_at = from.signed()?;
        let taken_at = from.signed()?;
        let count = from.number()?;
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..count {
            let shared = usize::try_from(from.number()?).ok()?;
            let mut path = entries.last().map_or(&[][..], |entry| &entry.path).get(..shared)?.to_owned();
            path.extend_from_slice(from.bytes()?);
            let kind = match from.take(1)? {
                [0] => Kind::Directory,
                [1] => Kind::File,
                [2] => Kind::Link,
                _ => return None,
            };
            let stat = Stat {
                device: from.number()?,
                inode: from.number()?,
                size: from.number()?,
                mode: u32::try_from(from.number()?).ok()?,
                modified: from.signed()?,
                changed: from.signed()?,
            };
            let hash = if kind == Kind::Directory { [0; 32] } else { Hash::try_from(from.take(32)?).ok()? };
            entries.push(Entry { path, kind, stat, hash });
        }
        let inputs = InputRecord::new(Inputs { taken_at, entries, has_news: false });
        from.0.is_empty().then_some(Self { fingerprint, image, built_at, inputs })
    }
}

fn checksum(key: &FingerprintKey, place: &str, content: &[u8]) -> Hash {
    let mut all = hmac::Context::with_key(&key.0);
    all.update(b"record");
    all.update(&(place.len() as u64).to_le_bytes());
    all.update(place.as_bytes());
    all.update(content);
    finish(all.sign())
}

struct Writer(Vec<u8>);

impl Writer {
    /// Seven bits in a byte, the lowest first.
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn signed(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let stat = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u32>(), any::<i64>(), any::<i64>());
        let kind = prop_oneof![Just(Kind::Directory), Just(Kind::File), Just(Kind::Link)];
        (prop::collection::vec(any::<u8>(), 0..12), kind, stat, any::<Hash>()).prop_map(|(path, kind, stat, hash)| {
            let (device, inode, size, mode, modified, changed) = stat;
            let hash = if kind == Kind::Directory { [0; 32] } else { hash };
            Entry { path, kind, stat: Stat { device, inode, size, mode, modified, changed }, hash }
        })
    }

    fn record() -> impl Strategy<Value = ImageRecord> {
        (prop::collection::vec(entry(), 0..6), any::<i64>(), any::<i64>()).prop_map(|(entries, taken_at, built_at)| {
            ImageRecord {
                fingerprint: Fingerprint::parse(&"0a".repeat(32)).unwrap(),
                image: "sha256:00".into(),
                built_at,
                inputs: InputRecord::new(Inputs { taken_at, entries, has_news: false }),
            }
        })
    }

    fn key(byte: u8) -> FingerprintKey {
        FingerprintKey::new(&[byte; 32])
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_nothing_else(
            record in record(), at in any::<prop::sample::Index>(), bit in 0_u8..8, cut in any::<prop::sample::Index>(),
        ) {
            let bytes = record.encode(&key(1), "here");
            prop_assert_eq!(ImageRecord::decode(&key(1), "here", &bytes), Some(record));
            prop_assert_eq!(ImageRecord::decode(&key(2), "here", &bytes), None, "another machine");
            prop_assert_eq!(ImageRecord::decode(&key(1), "hero", &bytes), None, "another project");
            prop_assert_eq!(ImageRecord::decode(&key(1), "here", &bytes[..cut.index(bytes.len())]), None, "cut off");
            let mut damaged = bytes.clone();
            damaged[at.index(bytes.len())] ^= 1_u8 << bit;
            prop_assert_eq!(ImageRecord::decode(&key(1), "here", &damaged), None, "damaged");
        }

        /// Also behind a right checksum, as another version would have it.
        #[test]
        fn any_bytes_are_refused_without_a_panic(tail in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut bytes = [MAGIC, &tail].concat();
            bytes.extend(checksum(&key(1), "here", &bytes));
            prop_assert_eq!(ImageRecord::decode(&key(1), "here", &bytes), None);
        }
    }

    #[test]
    fn another_version_is_ignored() {
        let mut bytes = b"tenantry image record 2\n".to_vec();
        bytes.extend(checksum(&key(1), "here", &bytes));
        assert_eq!(ImageRecord::decode(&key(1), "here", &bytes), None);
    }
}
