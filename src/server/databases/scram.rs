//! What a Postgres server keeps of a password (RFC 5803): made here, so that the password itself is in no statement, and
//! in no log of statements.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;

use super::DatabaseError;
use crate::model::Secret;
use crate::server::keys;

/// What Postgres itself takes.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// `SCRAM-SHA-256$4096:salt$stored:server`, with a fresh salt. The password is letters and digits: there is nothing to
/// normalise.
pub(super) fn verifier(password: &Secret) -> Result<String, DatabaseError> {
    let salt = keys::random::<16>().map_err(|error| DatabaseError::Refused(error.to_string()))?;
    Ok(with_salt(password, &salt))
}

fn with_salt(password: &Secret, salt: &[u8]) -> String {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.reveal().as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server = hmac::sign(&key, b"Server Key");
    let [salt, stored, server] = [salt, stored.as_ref(), server.as_ref()].map(|bytes| STANDARD.encode(bytes));
    format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677: its client proof and server signature follow from these keys.
    #[test]
    fn the_keys_are_those_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let made = with_salt(&Secret::new("pencil"), &salt);
        let auth = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                    s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let (_, server) = made.rsplit_once(':').expect("two keys");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(server).expect("base64"));
        let signature = STANDARD.encode(hmac::sign(&key, auth.as_bytes()));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(made.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"));
    }

    #[test]
    fn two_verifiers_of_one_password_differ() {
        let one = Secret::new("x");
        assert_ne!(verifier(&one).expect("made"), verifier(&one).expect("made"));
    }
}
