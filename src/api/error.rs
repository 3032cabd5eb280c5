//! What can go wrong between this program and a Management API, and how a person is told.
//!
//! Nothing in here holds a token, a query string or unclean text: values are cleaned where an error is
//! made, so every way of showing one is safe.

mod refusal;

use std::time::Duration;

pub use refusal::Refusal;

use crate::model::{Problem, Remedy};
use crate::outbound::Barrier;

/// The errors of this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// An address that a token must not be sent to, or that is none.
    #[error("{shown:?} cannot be used as an address: {why}")]
    BaseUrl {
        /// The address, without its secret parts.
        shown: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// Nobody is logged in; nothing was sent.
    #[error("nobody is logged in")]
    NoLogin,
    /// A token that cannot be sent in a header.
    #[error("the login token holds characters that a token cannot have")]
    Token,
    /// The HTTP client could not be made, for example because the machine's certificates are unreadable.
    #[error("no connection can be made: {0}")]
    Setup(String),
    /// No answer: no connection, or a connection that was cut.
    #[error("no answer from {url}: {cause}")]
    Unreachable {
        /// Where to, without query.
        url: String,
        /// The system's words.
        cause: String,
    },
    /// No connection: the proxy or the certificate stood in the way. Nothing was sent.
    #[error("no connection to {url}: {cause}")]
    Barred {
        /// Where to, without query.
        url: String,
        /// What stood in the way.
        barrier: Barrier,
        /// The system's words.
        cause: String,
    },
    /// No answer in time.
    #[error("no answer from {url} in time")]
    TimedOut {
        /// Where to, without query.
        url: String,
    },
    /// An answer that is not a success.
    #[error("{} answered {}: {}", .0.url, .0.status, .0.message)]
    Refused(Box<Refusal>),
    /// A success whose body is something else than promised.
    #[error("the answer of {url} (status {status}) cannot be read: {detail}")]
    Unreadable {
        /// Where it came from, without query.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong, and how the body begins.
        detail: String,
    },
    /// A body beyond the limit.
    #[error("the answer of {url} is longer than {limit} bytes")]
    TooLarge {
        /// Where it came from, without query.
        url: String,
        /// The limit, bytes.
        limit: usize,
    },
    /// The server did not take the login for a tenant, and whether it can be exchanged could not be found out. The call
    /// itself was not carried out.
    #[error("the login cannot be exchanged for one that opens tenants: {last}")]
    Exchange {
        /// Why.
        last: Box<ApiError>,
    },
    /// The server ended a stream that should have gone on.
    #[error("the server ended the stream {url}")]
    Ended {
        /// The stream, without query.
        url: String,
    },
    /// A stream that was reconnected in vain.
    #[error("given up after {attempts} reconnections: {last}")]
    GaveUp {
        /// How many reconnections brought nothing.
        attempts: u32,
        /// Why the last one failed.
        last: Box<ApiError>,
    },
    /// A one-time link that the login must not be sent to.
    #[error("the link to the credentials cannot be used: {why}")]
    Link {
        /// The rule it breaks. The link itself holds a token.
        why: &'static str,
    },
    /// A page without the form or button looked for.
    #[error("the page {url} cannot be used: {why}")]
    Page {
        /// The page, without query.
        url: String,
        /// What is missing.
        why: String,
    },
}

impl ApiError {
    /// The HTTP status, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Unreadable { status, .. } => Some(*status),
            Self::GaveUp { last, .. } | Self::Exchange { last } => last.status(),
            _ => None,
        }
    }

    /// `details.reason` of a refusal.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.reason.as_deref(),
            Self::GaveUp { last, .. } | Self::Exchange { last } => last.reason(),
            _ => None,
        }
    }

    /// The error family of a refusal, where its body has the common form.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.code.as_deref(),
            Self::GaveUp { last, .. } | Self::Exchange { last } => last.code(),
            _ => None,
        }
    }

    /// True where the API itself says that what was asked for is not there. A 404 of another form may come from
    /// anything that stands in between.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404) && self.code() == Some("not_found")
    }

    /// True where the API refuses because of the state that the tenant is in.
    #[must_use]
    pub fn is_invalid_state(&self) -> bool {
        self.status() == Some(409) && self.code() == Some("invalid_state")
    }

    /// The same error with another address: for requests whose own holds a secret.
    pub(super) fn at(self, shown: &url::Url) -> Self {
        let shown = super::base::harmless(shown);
        match self {
            Self::Unreachable { cause, .. } => Self::Unreachable { url: shown, cause },
            Self::Barred { barrier, cause, .. } => Self::Barred { url: shown, barrier, cause },
            Self::TimedOut { .. } => Self::TimedOut { url: shown },
            Self::TooLarge { limit, .. } => Self::TooLarge { url: shown, limit },
            Self::Unreadable { status, detail, .. } => Self::Unreadable { url: shown, status, detail },
            Self::Refused(refusal) => Self::Refused(Box::new(Refusal { url: shown, ..*refusal })),
            other => other,
        }
    }

    /// True where only a new login helps.
    #[must_use]
    pub fn requires_login(&self) -> bool {
        self.status() == Some(401) || matches!(self, Self::Token | Self::NoLogin)
    }

    /// True where a request may have reached the server, and been carried out, without its answer coming back.
    #[must_use]
    pub fn answer_was_lost(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Unreadable { .. } | Self::TooLarge { .. }
        )
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            Self::Exchange { last } => last.retry_after(),
            _ => None,
        }
    }

    /// The error as a person sees it (protocol H).
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::BaseUrl { shown, why } => Problem::new("The API address cannot be used.")
                .detail(format!("{shown:?}: {why}."))
                .hint("Use an https address, or http for a server on this machine."),
            Self::NoLogin => Problem::new("Not logged in.").hint("Log in first.").needs_login(),
            Self::Token => Problem::new("Your login is no longer valid.")
                .detail("The stored token is damaged.")
                .hint("Log in again.")
                .needs_login(),
            Self::Setup(cause) => {
                Problem::new("No connection can be made.").detail(cause).hint("Check the certificates of this machine.")
            }
            Self::Unreachable { url, cause } => Problem::new(format!("Server not reachable at {url}."))
                .detail(sentence(cause))
                .hint("Check the network and the API address, then try again.")
                .remedy(Remedy::Retry),
            Self::Barred { url, barrier, cause } => {
                let (title, detail) = match barrier {
                    Barrier::Proxy { address, .. } => {
                        ("The proxy gave no connection.", format!("{address} to {url}: {cause}"))
                    }
                    Barrier::UnknownIssuer => {
                        ("The server's certificate is not known here.", format!("{url}: its issuer is not known"))
                    }
                    Barrier::Certificate => ("The server's certificate is no good.", format!("{url}: {cause}")),
                };
                Problem::new(title).detail(sentence(&detail)).hint(barrier.hint()).remedy(Remedy::Retry)
            }
            Self::TimedOut { url } => Problem::new(format!("No answer in time from {url}."))
                .hint("The server or the network is slow. Try again.")
                .remedy(Remedy::Retry),
            Self::Refused(refusal) => refusal.problem(),
            Self::Unreadable { url, status, detail } => Problem::new("The server sent something else than expected.")
                .detail(format!("{url} answered {status}: {}", sentence(detail)))
                .hint("Check that the API address is right and that no proxy answers in its place.")
                .remedy(Remedy::Retry),
            Self::TooLarge { url, limit } => Problem::new("The server's answer is too long.")
                .detail(format!("{url} sent more than {limit} bytes."))
                .hint("Check that the API address is right."),
            Self::Exchange { last } => last.problem(),
            Self::Ended { .. } => Problem::new("The server ended the live updates.").remedy(Remedy::Retry),
            Self::GaveUp { attempts, last } => {
                let last = last.problem();
                let mut problem = Problem::new("Live updates stopped.").detail(format!(
                    "{attempts} reconnections brought nothing: {}",
                    last.detail
                        .as_ref()
                        .map_or_else(|| last.title.clone(), |detail| format!("{} {detail}", last.title))
                ));
                problem.hint = last.hint;
                problem.remedy(Remedy::Retry)
            }
            Self::Link { why } => Problem::new("The link to the credentials cannot be used.")
                .detail(format!("The server named one, but {why}, and the login must not be sent there."))
                .hint("Check that the API address is the one that the server calls its own."),
            Self::Page { url, why } => Problem::new("The page cannot be used.")
                .detail(format!("{url}: {}", sentence(why)))
                .hint("Open it in a browser instead."),
        }
    }
}

impl From<&ApiError> for Problem {
    fn from(error: &ApiError) -> Self {
        error.problem()
    }
}

/// With its full stop, so that parts of a problem can stand side by side.
fn sentence(words: &str) -> String {
    let words = words.trim();
    if words.is_empty() || words.ends_with(['.', '!', '?', '…']) { words.to_owned() } else { format!("{words}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: Option<&str>) -> ApiError {
        ApiError::Refused(Box::new(Refusal {
            url: "https://h.example/api/v1/tenants/a/credentials/sct_hunter2".into(),
            status,
            code: code.map(Into::into),
            message: "the server's words".into(),
            reason: None,
            expected: None,
            subscription: None,
            retry_after: None,
        }))
    }

    #[test]
    fn what_is_not_there_must_be_said_by_the_api_itself() {
        assert!(refused(404, Some("not_found")).is_not_found());
        assert!(!refused(404, None).is_not_found());
        assert!(refused(409, Some("invalid_state")).is_invalid_state());
        assert!(!refused(409, Some("conflict")).is_invalid_state());
    }

    #[test]
    fn an_address_with_a_secret_can_be_replaced_in_every_error_that_has_one() {
        let shown = url::Url::parse("https://h.example/credentials").expect("a url");
        let url = || "https://h.example/sct_hunter2".to_owned();
        for error in [
            refused(404, None),
            ApiError::Unreachable { url: url(), cause: "c".into() },
            ApiError::Barred { url: url(), barrier: Barrier::UnknownIssuer, cause: "c".into() },
            ApiError::TimedOut { url: url() },
            ApiError::TooLarge { url: url(), limit: 1 },
            ApiError::Unreadable { url: url(), status: 200, detail: "d".into() },
        ] {
            let error = error.at(&shown);
            let told = format!("{error} {error:?} {}", error.problem());
            assert!(!told.contains("hunter2") && told.contains("h.example/credentials"), "{told}");
        }
    }

    #[test]
    fn a_given_up_stream_says_what_stood_in_its_way() {
        let last = Box::new(refused(503, None));
        let error = ApiError::GaveUp { attempts: 5, last };
        let problem = error.problem();
        assert_eq!(problem.title, "Live updates stopped.");
        assert!(problem.detail.is_some_and(|detail| detail.contains("Cloud is switched off")));
        assert_eq!(error.status(), Some(503));
    }
}
