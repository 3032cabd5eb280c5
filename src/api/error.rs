//! What can go wrong between this program and a Management API, and how a person is told.
//!
//! Nothing in here holds a token, a query string or unclean text: values are cleaned where an error is
//! made, so every way of showing one is safe.

use std::time::Duration;

use crate::model::{Problem, Remedy};

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it came from, without query.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// The error family, where the body has the common form.
    pub code: Option<String>,
    /// The server's words, or the beginning of a body of another form.
    pub message: String,
    /// `details.reason`.
    pub reason: Option<String>,
    /// `details.expected`: the image that a deploy should have named.
    pub expected: Option<String>,
    /// `details.subscription_status`.
    pub subscription: Option<String>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

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
            Self::GaveUp { last, .. } => last.status(),
            _ => None,
        }
    }

    /// `details.reason` of a refusal.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.reason.as_deref(),
            Self::GaveUp { last, .. } => last.reason(),
            _ => None,
        }
    }

    /// True where only a new login helps.
    #[must_use]
    pub fn requires_login(&self) -> bool {
        self.status() == Some(401) || matches!(self, Self::Token)
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

impl Refusal {
    /// True for a path below `/tenants/`.
    fn concerns_a_tenant(&self) -> bool {
        self.url.contains("/tenants/")
    }

    fn problem(&self) -> Problem {
        let said = || sentence(&self.message);
        match (self.status, self.reason.as_deref()) {
            (401, _) => Problem::new("Your login is no longer valid.")
                .hint("Log in again; then the action can be repeated.")
                .needs_login(),
            (403, _) => self.forbidden(),
            (404, _) if self.concerns_a_tenant() => Problem::new("Tenant no longer exists on the server.")
                .detail(said())
                .hint("Refresh the list of tenants."),
            (404 | 410, _) => Problem::new("The server does not know this.")
                .detail(format!("{} answered {}: {}", self.url, self.status, said()))
                .hint("Check the API address."),
            (409, Some("operation_running")) => Problem::new("Another operation is running on the tenant.")
                .detail(said())
                .hint("Watch it, and try again when it has ended.")
                .remedy(Remedy::Retry),
            (409, Some("domain_taken")) => {
                Problem::new("The domain is in use by another tenant.").detail(said()).hint("Choose another domain.")
            }
            (409, _) => Problem::new("Not possible in the tenant's present state.")
                .detail(said())
                .hint("Refresh the tenant and look at its state."),
            (400, Some("invalid_image")) => {
                let expected = self.expected.as_deref().map_or_else(said, |image| format!("It expects {image}."));
                Problem::new("The server expects another image.")
                    .detail(expected)
                    .hint("Deploy again: a new registry token names the right image.")
                    .remedy(Remedy::Deploy)
            }
            (400, Some("not_provisioned")) => Problem::new("The tenant has no infrastructure yet.")
                .detail(said())
                .hint("Wait for provisioning to end, or retry it if it failed."),
            (400, Some("no_machine")) => Problem::new("The tenant was never deployed.")
                .detail(said())
                .hint("Deploy it first.")
                .remedy(Remedy::Deploy),
            (400, Some("image_not_pushed")) => Problem::new("Image not in the registry.")
                .detail(said())
                .hint("Push it first: deploy without leaving out the push.")
                .remedy(Remedy::Deploy),
            (429, _) => Problem::new(match self.retry_after {
                Some(wait) => format!("Too many requests; again in {} s.", wait.as_secs()),
                None => "Too many requests.".to_owned(),
            })
            .hint("Wait a moment, then try again.")
            .remedy(Remedy::Retry),
            (503, _) => Problem::new("Cloud is switched off or its provider is failing.")
                .detail(said())
                .hint("Try again later.")
                .remedy(Remedy::Retry),
            (300..=399, _) => Problem::new("The server sends this request elsewhere.")
                .detail(format!("{} answered {}: {}", self.url, self.status, said()))
                .hint("Redirects are not followed, because the token would travel along. Check the API address."),
            (500..=599, _) => Problem::new(format!("The server failed ({}).", self.status))
                .detail(said())
                .hint("Try again. If it stays, the server's log says more.")
                .remedy(Remedy::Retry),
            (status, _) => {
                Problem::new(format!("The server refused the request ({status}).")).detail(said()).hint(match status {
                    422 => "Check the values that were sent.",
                    _ => "Check the API address and the version of this program.",
                })
            }
        }
    }

    fn forbidden(&self) -> Problem {
        let said = sentence(&self.message);
        match self.reason.as_deref() {
            Some("not_owner") => Problem::new("This tenant belongs to another account.")
                .detail(said)
                .hint("Log in with the account that owns it.")
                .remedy(Remedy::LogIn),
            Some("subscription_inactive") => Problem::new(match &self.subscription {
                Some(word) => format!("Subscription is {word}."),
                None => "Subscription is not active.".to_owned(),
            })
            .detail(said)
            .hint("Renew the subscription, then try again."),
            Some("free_limit") => Problem::new("Free plan allows one tenant.")
                .detail(said)
                .hint("Choose a paid plan, or delete the other tenant."),
            _ => Problem::new("The server does not allow this.")
                .detail(said)
                .hint("Check that you are logged in with the right account."),
        }
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

    fn refusal(status: u16, path: &str, reason: Option<&str>) -> ApiError {
        ApiError::Refused(Box::new(Refusal {
            url: format!("https://h.example/api/v1{path}"),
            status,
            code: None,
            message: "the server's words".into(),
            reason: reason.map(Into::into),
            expected: Some("h.example/systemprompt-images:tenant-a".into()),
            subscription: Some("paused".into()),
            retry_after: Some(Duration::from_secs(7)),
        }))
    }

    #[test]
    fn every_refusal_has_its_own_words_and_says_what_to_do() {
        for (status, path, reason, title) in [
            (401, "/tenants", None, "Your login is no longer valid."),
            (403, "/tenants/a/deploy", Some("not_owner"), "This tenant belongs to another account."),
            (403, "/tenants/a/deploy", Some("subscription_inactive"), "Subscription is paused."),
            (403, "/checkout", Some("free_limit"), "Free plan allows one tenant."),
            (403, "/checkout", None, "The server does not allow this."),
            (404, "/tenants/a/status", None, "Tenant no longer exists on the server."),
            (404, "/checkout/cs_1/events", None, "The server does not know this."),
            (409, "/tenants/a/deploy", Some("operation_running"), "Another operation is running on the tenant."),
            (409, "/tenants/a/deploy", None, "Not possible in the tenant's present state."),
            (400, "/tenants/a/deploy", Some("invalid_image"), "The server expects another image."),
            (400, "/tenants/a/logs", Some("not_provisioned"), "The tenant has no infrastructure yet."),
            (400, "/tenants/a/logs", Some("no_machine"), "The tenant was never deployed."),
            (400, "/tenants/a/deploy", Some("image_not_pushed"), "Image not in the registry."),
            (422, "/checkout", Some("unknown_region"), "The server refused the request (422)."),
            (429, "/tenants", None, "Too many requests; again in 7 s."),
            (500, "/tenants", None, "The server failed (500)."),
            (503, "/tenants", None, "Cloud is switched off or its provider is failing."),
            (302, "/tenants", None, "The server sends this request elsewhere."),
        ] {
            let problem = refusal(status, path, reason).problem();
            assert_eq!(problem.title, title);
            assert!(problem.hint.is_some_and(|hint| !hint.is_empty()), "{title}");
            assert_eq!(problem.requires_login, status == 401, "{title}");
        }
    }

    #[test]
    fn a_given_up_stream_says_what_stood_in_its_way() {
        let last = Box::new(refusal(503, "/tenants/a/events", None));
        let error = ApiError::GaveUp { attempts: 5, last };
        let problem = error.problem();
        assert_eq!(problem.title, "Live updates stopped.");
        assert!(problem.detail.is_some_and(|detail| detail.contains("Cloud is switched off")));
        assert_eq!(error.status(), Some(503));
    }
}
