//! How the engine is told with which user and password it reaches a registry.
//!
//! Must not know which registry, or where the credentials come from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hyper::header::{HeaderValue, InvalidHeaderValue};
use serde::Serialize;

use crate::model::{Secret, secret};

/// User and password for a registry.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

#[derive(Serialize)]
struct Auth<'a> {
    username: &'a str,
    #[serde(serialize_with = "secret::expose")]
    password: &'a Secret,
    serveraddress: &'a str,
}

impl Credentials {
    /// The value of `X-Registry-Auth`: JSON in the URL-safe alphabet of base64. With the ordinary alphabet passwords
    /// that have `?` or `~` in certain places do not arrive.
    pub(super) fn header(&self, registry: &str) -> Result<HeaderValue, InvalidHeaderValue> {
        let auth = Auth { username: &self.username, password: &self.password, serveraddress: registry };
        let json = Secret::new(serde_json::to_string(&auth).unwrap_or_default());
        let encoded = Secret::new(URL_SAFE.encode(json.reveal()));
        let mut value = HeaderValue::from_str(encoded.reveal())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_password_survives_the_header() {
        for password in ["a?~b>>>???", "\u{fc}ml\u{e4}ut", "", "\"\\\n"] {
            let credentials = Credentials { username: "tenant".into(), password: Secret::new(password) };
            let header = credentials.header("127.0.0.1:5000").unwrap();
            let text = header.to_str().unwrap();
            assert!(!text.contains(['+', '/']), "{text}");
            let json: serde_json::Value = serde_json::from_slice(&URL_SAFE.decode(text).unwrap()).unwrap();
            assert_eq!(json["password"], password);
            assert_eq!(json["serveraddress"], "127.0.0.1:5000");
        }
    }

    #[test]
    fn the_header_does_not_show_itself() {
        let credentials = Credentials { username: "tenant".into(), password: Secret::new("hunter2") };
        assert_eq!(format!("{:?}", credentials.header("r").unwrap()), "Sensitive");
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
