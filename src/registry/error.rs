//! What can go wrong with a registry, and how it is told to a person (protocol H).
//!
//! Must not know requests.

use crate::model::{Digest, Problem, Remedy};
use crate::outbound::Barrier;

/// What can go wrong with a registry. The texts in here are harmless, and no secret is among them.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// The registry's name makes no address, or the login does not fit into a header.
    #[error("the registry {registry} cannot be used: {why}")]
    Unusable {
        /// Host and port.
        registry: String,
        /// Why.
        why: String,
    },
    /// Nobody answers, or the connection broke.
    #[error("the registry {registry} does not answer: {cause}")]
    Unreachable {
        /// Host and port.
        registry: String,
        /// The system's words.
        cause: String,
    },
    /// No connection: the proxy or the certificate stood in the way.
    #[error("there is no connection to the registry {registry}: {cause}")]
    Barred {
        /// Host and port.
        registry: String,
        /// What stood in the way.
        barrier: Barrier,
        /// The system's words.
        cause: String,
    },
    /// The registry does not accept the credentials, or no longer.
    #[error("the registry {registry} refused the login: {message}")]
    Unauthorized {
        /// Host and port.
        registry: String,
        /// Its words.
        message: String,
    },
    /// The credentials are good, and not for this.
    #[error("the registry {registry} does not allow this: {message}")]
    Denied {
        /// Host and port.
        registry: String,
        /// Its words.
        message: String,
    },
    /// Any other answer that is no success.
    #[error("the registry {registry} answered {status}: {message}")]
    Refused {
        /// Host and port.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// The specification's word for it; empty where it gave none.
        code: String,
        /// Its words.
        message: String,
    },
    /// A success that is not what the specification promises: a web page, a missing header.
    #[error("the registry {registry} gave an answer that cannot be understood: {why}")]
    Unreadable {
        /// Host and port.
        registry: String,
        /// What is wrong with it.
        why: String,
    },
    /// What arrived has another digest than it must have.
    #[error("the registry {registry} holds {found} where {expected} should be")]
    WrongDigest {
        /// Host and port.
        registry: String,
        /// What should be there.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
}

impl RegistryError {
    /// True where a new token may help.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// True where the same may succeed a little later: nobody answered, or the registry is busy or being restarted.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            // A proxy may be started again as well; and it refuses while what is behind it is.
            Self::Unreachable { .. } | Self::Barred { barrier: Barrier::Proxy { .. }, .. } => true,
            // A registry that was restarted has forgotten its uploads.
            Self::Refused { status, code, .. } => {
                matches!(status, 408 | 416 | 429 | 500..=599) || code == "BLOB_UPLOAD_UNKNOWN"
            }
            _ => false,
        }
    }

    /// What to tell the person.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let words = self.to_string();
        let mut chars = words.chars();
        let detail = chars.next().map(|first| format!("{}{}.", first.to_uppercase(), chars.as_str()));
        let problem = |title: &str, hint: &str| {
            Problem::new(title).detail(detail.as_deref().unwrap_or_default()).hint(hint).remedy(Remedy::Retry)
        };
        match self {
            Self::Unauthorized { .. } => problem(
                "Registry refused the login.",
                "Try again with a new registry token; if that fails, log in again.",
            ),
            Self::Denied { .. } => problem(
                "The registry does not allow this push.",
                "Check that this tenant is yours and that you are logged in to the right Management API.",
            ),
            Self::Unreachable { registry, .. } => problem(
                &format!("The registry {registry} does not answer."),
                "Check the network and that the registry runs, then push again.",
            ),
            Self::Barred { registry, barrier, .. } => {
                let title = match barrier {
                    Barrier::Proxy { address, .. } => {
                        format!("The proxy {address} gave no connection to the registry {registry}.")
                    }
                    Barrier::UnknownIssuer | Barrier::Certificate => {
                        format!("The certificate of the registry {registry} is not accepted.")
                    }
                };
                problem(&title, barrier.hint())
            }
            Self::Unusable { registry, .. } => problem(
                &format!("The registry {registry} cannot be used."),
                "Check which Management API you are logged in to.",
            ),
            Self::Refused { .. } | Self::Unreadable { .. } | Self::WrongDigest { .. } => problem(
                "Push failed, see log.",
                "Push again; if it fails in the same way, look at the registry's own log.",
            )
            .remedy(Remedy::OpenLog),
        }
    }
}

impl From<&RegistryError> for Problem {
    fn from(error: &RegistryError) -> Self {
        error.problem()
    }
}
