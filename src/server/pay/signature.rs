//! The payment provider's signature: `Paddle-Signature: ts=..;h1=..`, HMAC-SHA256 over `ts:body`.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::model::Secret;
use crate::server::provisioner::steps::hex;

/// The header.
pub const HEADER: &str = "paddle-signature";
/// How far the sender's clock may be off, seconds.
const TOLERANCE: i64 = 5 * 60;

/// The secret shared with the payment provider.
pub struct WebhookKey(Vec<u8>);

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(••••)")
    }
}

impl WebhookKey {
    /// Wraps the key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key.to_vec())
    }

    /// The secret as Paddle shows it, `pdl_ntfset_...`: its characters are the key.
    #[must_use]
    pub fn from_secret(secret: &Secret) -> Self {
        Self(secret.reveal().as_bytes().to_vec())
    }

    fn mac(&self, timestamp: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{timestamp}:").as_bytes());
        mac.update(body);
        Some(mac)
    }

    /// The header for a body sent at `timestamp` (Unix seconds).
    #[must_use]
    pub fn sign(&self, timestamp: i64, body: &[u8]) -> String {
        let digest = self.mac(timestamp, body).map(|mac| hex(&mac.finalize().into_bytes())).unwrap_or_default();
        format!("ts={timestamp};h1={digest}")
    }

    /// True when one of the header's signatures fits the body and was made within five minutes of `now`.
    #[must_use]
    pub fn verify(&self, header: &str, body: &[u8], now: i64) -> bool {
        let parts = || header.split(';').filter_map(|part| part.trim().split_once('='));
        let timestamp = parts().find(|(key, _)| *key == "ts").and_then(|(_, value)| value.parse::<i64>().ok());
        let Some(timestamp) = timestamp.filter(|ts| now.abs_diff(*ts) <= TOLERANCE.unsigned_abs()) else {
            return false;
        };
        parts().filter(|(key, _)| *key == "h1").any(|(_, value)| {
            let (Some(claimed), Some(mac)) = (unhex(value), self.mac(timestamp, body)) else { return false };
            // Compares in constant time.
            mac.verify_slice(&claimed).is_ok()
        })
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).map(|i| digits.get(i * 2..i * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_key_body_and_time_fit() {
        let key = WebhookKey::new([1; 32]);
        let header = key.sign(1_000, b"{}");
        assert!(key.verify(&header, b"{}", 1_000));
        assert!(key.verify(&header, b"{}", 1_300));
        assert!(!key.verify(&header, b"{}", 1_301));
        assert!(!key.verify(&header, b"{}", 699));
        assert!(!key.verify(&header, b"{ }", 1_000));
        assert!(!WebhookKey::new([2; 32]).verify(&header, b"{}", 1_000));
        assert!(!key.verify(&header.replace("ts=1000", "ts=1001"), b"{}", 1_000));
        for bad in ["", "ts=1000", "h1=00", "ts=1000;h1=", "ts=x;h1=00", "ts=-9223372036854775808;h1=00"] {
            assert!(!key.verify(bad, b"{}", 1_000), "{bad}");
        }
    }

    #[test]
    fn paddles_secret_is_used_as_it_is_written() {
        // Made with: printf '1671552777:{"a":1}' | openssl dgst -sha256 -hmac pdl_ntfset_sample
        let key = WebhookKey::from_secret(&Secret::new("pdl_ntfset_sample"));
        let header = "ts=1671552777;h1=4671d3971745475e1d75f65340d1d62083743f2657dc427d3c41508f28cbba48";
        assert_eq!(key.sign(1_671_552_777, br#"{"a":1}"#), header);
        assert!(key.verify(header, br#"{"a":1}"#, 1_671_552_779));
        assert!(!format!("{key:?}").contains("sample"));
    }

    #[test]
    fn one_right_signature_of_several_is_enough() {
        let key = WebhookKey::new([1; 32]);
        let right = key.sign(1_000, b"{}");
        let header = format!("ts=1000;h1={};{}", "0".repeat(64), right.trim_start_matches("ts=1000;"));
        assert!(key.verify(&header, b"{}", 1_000));
    }
}
