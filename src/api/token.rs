//! What a login token says of itself (protocol A.2). Its signature is the server's business.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::model::Secret;

#[derive(Deserialize)]
struct Claims {
    exp: f64,
}

#[derive(Deserialize)]
struct Subject {
    sub: String,
}

/// When the token ends; `None` where it does not say so, or is of another form.
#[must_use]
pub fn expires_at(token: &Secret) -> Option<Timestamp> {
    let claims: Claims = claims(token)?;
    #[allow(clippy::cast_possible_truncation, reason = "far beyond any date that a token can have, it saturates")]
    let second = claims.exp as i64;
    Timestamp::from_second(second).ok()
}

/// True where both say whose they are, and say the same.
pub(super) fn is_same_subject(one: &Secret, other: &Secret) -> bool {
    let subject = |token| claims::<Subject>(token).map(|claims| claims.sub);
    subject(one).is_some_and(|sub| subject(other) == Some(sub))
}

fn claims<T: serde::de::DeserializeOwned>(token: &Secret) -> Option<T> {
    let mut parts = token.reveal().split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(claims: &str) -> Option<i64> {
        let token = Secret::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)));
        expires_at(&token).map(Timestamp::as_second)
    }

    #[test]
    fn whose_a_token_is_must_be_said_by_both() {
        let token = |claims: &str| Secret::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)));
        let mara = token(r#"{"sub": "mara", "exp": 1}"#);
        assert!(is_same_subject(&mara, &token(r#"{"sub": "mara"}"#)));
        for other in [token(r#"{"sub": "nils"}"#), token("{}"), Secret::new("hunter2")] {
            assert!(!is_same_subject(&mara, &other) && !is_same_subject(&other, &mara));
            assert!(!is_same_subject(&other, &token("{}")));
        }
    }

    #[test]
    fn the_end_is_read_where_there_is_one() {
        assert_eq!(expiry(r#"{"exp": 1767952691, "sub": "u"}"#), Some(1_767_952_691));
        assert_eq!(expiry(r#"{"exp": 1767952691.5}"#), Some(1_767_952_691));
        for odd in ["{}", r#"{"exp": "soon"}"#, r#"{"exp": 1e300}"#, r#"{"exp": null}"#, "no json"] {
            assert_eq!(expiry(odd), None, "{odd}");
        }
        for odd in ["", "hunter2", "a.b", "a.b.c", "a.e30.c.d", "a.e30=.c"] {
            assert_eq!(expires_at(&Secret::new(odd)), None, "{odd}");
        }
    }
}
