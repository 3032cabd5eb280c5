//! Ids that the server hands out. They become parts of URLs, file names, image tags and container
//! names, so one that could mean something there is refused where it arrives.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::text;

/// Longest id accepted, in characters. An image tag may have 128, and `tenant-` stands in front.
const MAX: usize = 100;

/// An id that holds something else than ASCII letters, digits, `-` and `_`, or is empty or too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {shown:?} is not usable: ids have 1 to {MAX} letters, digits, - or _")]
pub struct InvalidId {
    what: &'static str,
    shown: String,
}

fn check(what: &'static str, raw: &str) -> Result<(), InvalidId> {
    let fits = !raw.is_empty() && raw.len() <= MAX;
    if fits && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Ok(());
    }
    Err(InvalidId { what, shown: text::short(raw, 40) })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and keeps `raw`.
            pub fn new(raw: impl Into<String>) -> Result<Self, InvalidId> {
                let raw = raw.into();
                check($what, &raw)?;
                Ok(Self(raw))
            }

            /// The id as the server wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(raw: String) -> Result<Self, InvalidId> {
                Self::new(raw)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(raw: &str) -> Result<Self, InvalidId> {
                Self::new(raw)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A tenant's id: opaque text (protocol K17); our server makes UUIDs.
    TenantId,
    "tenant id"
);
id!(
    /// A checkout session's id, `cs_...`.
    SessionId,
    "checkout session id"
);

impl TenantId {
    /// The short form that names are made from: the first 12 hex digits of the UUID without dashes (protocol F.1).
    #[must_use]
    pub fn short(&self) -> String {
        self.0.chars().filter(|c| *c != '-').take(12).collect()
    }

    /// The tag of the tenant's image, `tenant-{id}`.
    #[must_use]
    pub fn image_tag(&self) -> String {
        format!("tenant-{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_mean_something_elsewhere_are_refused() {
        for bad in ["", "../etc", "a/b", "a b", "a\u{1b}[2Jb", "a\nb", "ä", "a.b", "%2e%2e", &"x".repeat(101)] {
            let error = TenantId::new(bad).expect_err(bad);
            assert!(error.to_string().chars().all(|c| !c.is_control()), "{error}");
        }
        assert_eq!(TenantId::new("ten_abc123").map(|id| id.to_string()), Ok("ten_abc123".to_owned()));
    }

    #[test]
    fn the_short_form_has_twelve_hex_digits() {
        let id = TenantId::new("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15").expect("valid");
        assert_eq!(id.short(), "3f6c1b8e52d4");
        assert_eq!(id.image_tag(), "tenant-3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15");
    }
}
