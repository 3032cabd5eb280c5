//! An answer of a Management API that is not a success, and the words for it (protocol A.4, H).
//!
//! Holds only clean text. Must not know who asked.

use std::time::Duration;

use super::sentence;
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

impl Refusal {
    /// True for a path below `/tenants/`.
    fn concerns_a_tenant(&self) -> bool {
        self.url.contains("/tenants/")
    }

    /// True for the place of the credentials that can be read once. Their errors have its address without the token.
    fn concerns_one_time_credentials(&self) -> bool {
        self.url.ends_with("/credentials")
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// A problem with the server's own words in it.
    fn told(&self, title: &str, hint: &str) -> Problem {
        Problem::new(title).detail(sentence(&self.message)).hint(hint)
    }

    /// The refusal as a person sees it (protocol H).
    pub(super) fn problem(&self) -> Problem {
        match self.status {
            401 => Problem::new("Your login is no longer valid.")
                .hint("Log in again; then the action can be repeated.")
                .needs_login(),
            403 => self.forbidden(),
            400 | 404 | 410 if self.concerns_one_time_credentials() => self
                .told("The one-time credentials are gone.", "They were fetched already. Rotate to get new ones.")
                .remedy(Remedy::Rotate),
            400 => self.bad_request(),
            404 if self.concerns_a_tenant() => self.missing(),
            404 | 410 => Problem::new("The server does not know this.")
                .detail(format!("{} answered {}: {}", self.url, self.status, sentence(&self.message)))
                .hint("Check the API address."),
            409 => self.conflict(),
            422 => self.not_allowed(),
            429 => Problem::new(match self.retry_after {
                Some(wait) => format!("Too many requests; again in {} s.", wait.as_secs()),
                None => "Too many requests.".to_owned(),
            })
            .hint("Wait a moment, then try again.")
            .remedy(Remedy::Retry),
            503 => {
                self.told("Cloud is switched off or its provider is failing.", "Try again later.").remedy(Remedy::Retry)
            }
            300..=399 => Problem::new("The server sends this request elsewhere.")
                .detail(format!("{} answered {}: {}", self.url, self.status, sentence(&self.message)))
                .hint("Redirects are not followed, because the token would travel along. Check the API address."),
            500..=599 => self
                .told(
                    &format!("The server failed ({}).", self.status),
                    "Try again. If it stays, the server's log says more.",
                )
                .remedy(Remedy::Retry),
            _ => self.other(),
        }
    }

    /// What is not there, below a tenant. Only the API itself can say that something is gone.
    fn missing(&self) -> Problem {
        if self.code.as_deref() != Some("not_found") {
            return Problem::new("The server does not offer this.")
                .detail(format!("{} answered {}: {}", self.url, self.status, sentence(&self.message)))
                .hint("It may be older than this program, or something answers in its place. Check the API address.");
        }
        match self.reason() {
            Some("customer_missing") => self
                .told("This account never bought anything.", "Log in with the account that owns the tenant.")
                .remedy(Remedy::LogIn),
            Some("domain_missing") => self.told("No custom domain set.", "Set one first.").remedy(Remedy::SetDomain),
            Some("secret_missing") => {
                self.told("There is no such secret.", "Look at the list of secrets: capitals count.")
            }
            // Without a reason it may be the tenant as well that is not there.
            _ if self.url.ends_with("/custom-domain") => self
                .told(
                    "No custom domain set, or no such tenant.",
                    "Refresh the tenant; where it is there, set one first.",
                )
                .remedy(Remedy::SetDomain),
            _ if self.url.contains("/secrets/") => self.told(
                "There is no such secret, or no such tenant.",
                "Look at the list of secrets: capitals count; where there is none, refresh the list of tenants.",
            ),
            _ => self
                .told(
                    "Tenant no longer exists on the server.",
                    "Refresh the list of tenants; an entry of the project can go.",
                )
                .remedy(Remedy::RemoveEntry),
        }
    }

    fn other(&self) -> Problem {
        self.told(
            &format!("The server refused the request ({}).", self.status),
            "Check the API address and the version of this program.",
        )
    }

    fn bad_request(&self) -> Problem {
        match self.reason() {
            Some("invalid_image") => {
                let expected = self.expected.as_deref();
                let detail = expected.map_or_else(|| sentence(&self.message), |image| format!("It expects {image}."));
                Problem::new("The server expects another image.")
                    .detail(detail)
                    .hint("Deploy again: a new registry token names the right image.")
                    .remedy(Remedy::Deploy)
            }
            Some("not_provisioned") => self
                .told(
                    "The tenant has no infrastructure yet.",
                    "Wait for provisioning to end, or retry it if it failed.",
                )
                .remedy(Remedy::RetryProvision),
            Some("no_machine") => {
                self.told("The tenant was never deployed.", "Deploy it first.").remedy(Remedy::Deploy)
            }
            Some("image_not_pushed") => self
                .told("Image not in the registry.", "Push it first: deploy without leaving out the push.")
                .remedy(Remedy::Deploy),
            _ => self.other(),
        }
    }

    fn conflict(&self) -> Problem {
        match self.reason() {
            Some("operation_running") => self
                .told("Another operation is running on the tenant.", "Watch it, and try again when it has ended.")
                .remedy(Remedy::Watch)
                .remedy(Remedy::Retry),
            Some("domain_taken") => self.told("The domain is in use by another tenant.", "Choose another domain."),
            Some("domain_set") => {
                self.told("The tenant has another domain.", "Remove that one first, then set the new one.")
            }
            Some("name_taken") => self.told("Another tenant has this name.", "Choose another name."),
            Some("same_plan") => self.told("The tenant has this plan already.", "Choose another plan."),
            _ => self.told(
                "Not possible in the tenant's present state.",
                "Refresh the tenant: its state says what can be done.",
            ),
        }
    }

    fn not_allowed(&self) -> Problem {
        match self.reason() {
            Some("unknown_region") => self.told("The region is not offered.", "Choose another region."),
            Some("unknown_price") => self.told("The plan is not offered.", "Load the plans again and choose one."),
            Some("memory_not_offered") => {
                self.told("This memory is not offered.", "Choose less, or a larger plan first.")
            }
            Some("key_not_allowed") => {
                self.told("The platform sets this variable itself.", "Choose another name for it.")
            }
            _ => self.told("The server does not take these values.", "Correct what was sent, then try again."),
        }
    }

    fn forbidden(&self) -> Problem {
        match self.reason() {
            Some("not_owner") => self
                .told("This tenant belongs to another account.", "Log in with the account that owns it.")
                .remedy(Remedy::LogIn),
            Some("subscription_inactive") => {
                let status = self.subscription.as_deref();
                let hint = match status {
                    Some("past_due") => "Pay what is due with the payment provider, then try again.",
                    Some("paused") => "Activate the tenant, or resume the subscription with the payment provider.",
                    Some("canceled") => "Choose a plan for it again, then try again.",
                    _ => "Renew the subscription, then try again.",
                };
                let title =
                    status.map_or("Subscription is not active.".into(), |word| format!("Subscription is {word}."));
                let problem = self.told(&title, hint);
                match status {
                    Some("canceled") => problem.remedy(Remedy::ChoosePlan),
                    Some("paused") => problem.remedy(Remedy::Activate).remedy(Remedy::OpenPortal),
                    _ => problem.remedy(Remedy::OpenPortal),
                }
            }
            Some("free_limit") => self
                .told("Free plan allows one tenant.", "Choose a paid plan, or delete the other tenant.")
                .remedy(Remedy::ChoosePlan),
            _ => self.told("The server does not allow this.", "Check that you are logged in with the right account."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, path: &str, reason: Option<&str>) -> Refusal {
        Refusal {
            url: format!("https://h.example/api/v1{path}"),
            status,
            code: None,
            message: "the server's words".into(),
            reason: reason.map(Into::into),
            expected: Some("h.example/systemprompt-images:tenant-a".into()),
            subscription: Some("paused".into()),
            retry_after: Some(Duration::from_secs(7)),
        }
    }

    #[test]
    fn every_refusal_has_its_own_words_and_says_what_to_do() {
        for (status, path, reason, title) in [
            (401, "/tenants", None, "Your login is no longer valid."),
            (403, "/tenants/a/deploy", Some("not_owner"), "This tenant belongs to another account."),
            (403, "/tenants/a/deploy", Some("subscription_inactive"), "Subscription is paused."),
            (403, "/checkout", Some("free_limit"), "Free plan allows one tenant."),
            (403, "/checkout", None, "The server does not allow this."),
            (404, "/tenants/a/status", None, "The server does not offer this."),
            (404, "/checkout/cs_1/events", None, "The server does not know this."),
            (409, "/tenants/a/deploy", Some("operation_running"), "Another operation is running on the tenant."),
            (409, "/tenants/a/deploy", None, "Not possible in the tenant's present state."),
            (400, "/tenants/a/deploy", Some("invalid_image"), "The server expects another image."),
            (400, "/tenants/a/logs", Some("not_provisioned"), "The tenant has no infrastructure yet."),
            (400, "/tenants/a/logs", Some("no_machine"), "The tenant was never deployed."),
            (400, "/tenants/a/deploy", Some("image_not_pushed"), "Image not in the registry."),
            (404, "/tenants/a/credentials", Some("secrets_already_retrieved"), "The one-time credentials are gone."),
            (400, "/tenants/a/credentials", None, "The one-time credentials are gone."),
            (410, "/tenants/a/credentials", None, "The one-time credentials are gone."),
            (409, "/tenants/a/custom-domain", Some("domain_taken"), "The domain is in use by another tenant."),
            (409, "/tenants/a/custom-domain", Some("domain_set"), "The tenant has another domain."),
            (409, "/tenants/a", Some("name_taken"), "Another tenant has this name."),
            (409, "/tenants/a/subscription", Some("same_plan"), "The tenant has this plan already."),
            (422, "/checkout", Some("unknown_region"), "The region is not offered."),
            (422, "/checkout", Some("unknown_price"), "The plan is not offered."),
            (422, "/tenants/a", Some("memory_not_offered"), "This memory is not offered."),
            (422, "/tenants/a/secrets/PORT", Some("key_not_allowed"), "The platform sets this variable itself."),
            (422, "/tenants/a", None, "The server does not take these values."),
            (418, "/tenants/a", None, "The server refused the request (418)."),
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
    fn what_can_be_done_is_offered_in_the_order_of_the_hint() {
        let paused = |word: &str| Refusal {
            subscription: Some(word.into()),
            ..refusal(403, "/tenants/a/deploy", Some("subscription_inactive"))
        };
        let gone = |path: &str| Refusal { code: Some("not_found".into()), ..refusal(404, path, None) };
        for (refusal, remedies) in [
            (refusal(409, "/tenants/a", Some("operation_running")), vec![Remedy::Watch, Remedy::Retry]),
            (refusal(403, "/checkout", Some("free_limit")), vec![Remedy::ChoosePlan]),
            (refusal(403, "/tenants/a", Some("not_owner")), vec![Remedy::LogIn]),
            (paused("past_due"), vec![Remedy::OpenPortal]),
            (paused("paused"), vec![Remedy::Activate, Remedy::OpenPortal]),
            (paused("canceled"), vec![Remedy::ChoosePlan]),
            (gone("/tenants/a"), vec![Remedy::RemoveEntry]),
            (gone("/tenants/a/custom-domain"), vec![Remedy::SetDomain]),
        ] {
            assert_eq!(refusal.problem().remedies, remedies, "{refusal:?}");
        }
    }

    #[test]
    fn only_the_api_itself_says_what_is_gone() {
        for (path, reason, title) in [
            ("/tenants/a/status", None, "Tenant no longer exists on the server."),
            ("/tenants/a", Some("customer_missing"), "This account never bought anything."),
            ("/tenants/a/custom-domain", Some("domain_missing"), "No custom domain set."),
            ("/tenants/a/custom-domain", None, "No custom domain set, or no such tenant."),
            ("/tenants/a/secrets/KEY", Some("secret_missing"), "There is no such secret."),
            ("/tenants/a/secrets/KEY", None, "There is no such secret, or no such tenant."),
        ] {
            let gone = Refusal { code: Some("not_found".into()), ..refusal(404, path, reason) };
            assert_eq!(gone.problem().title, title);
            assert!(!gone.problem().requires_login && gone.problem().hint.is_some());
            assert_eq!(refusal(404, path, reason).problem().title, "The server does not offer this.");
        }
    }
}
