//! The smaller state machines beside the tenant's (protocol F.3): subscriptions, one-time links, checkout sessions and
//! custom domains. Each answers the state that follows, or `None` where the move is not allowed. States are the words
//! that the store keeps.

/// What is said about a subscription, by the payment provider or by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionEvent {
    /// Paid, or paid again.
    Activated,
    /// A payment is late.
    PastDue,
    /// Paused, by the provider or because its tenant was suspended.
    Paused,
    /// Ended.
    Canceled,
}

/// The state that follows. The same again is no move, and an end is final.
#[must_use]
pub fn subscription(state: &str, event: SubscriptionEvent) -> Option<&'static str> {
    use SubscriptionEvent::{Activated, Canceled, PastDue, Paused};
    match (state, event) {
        ("trialing" | "past_due" | "paused", Activated) => Some("active"),
        ("active", PastDue) => Some("past_due"),
        ("active" | "past_due", Paused) => Some("paused"),
        ("trialing" | "active" | "past_due" | "paused", Canceled) => Some("canceled"),
        _ => None,
    }
}

/// What happens to the credentials that can be read once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEvent {
    /// The end of phase 1, or a rotation.
    Arm,
    /// Somebody reads them with the right token.
    Read,
}

/// The state that follows: `none`, `armed`, `consumed`. A link that is armed twice is another link.
#[must_use]
pub fn link(state: &str, event: LinkEvent) -> Option<&'static str> {
    match (state, event) {
        ("none" | "armed" | "consumed", LinkEvent::Arm) => Some("armed"),
        ("armed", LinkEvent::Read) => Some("consumed"),
        _ => None,
    }
}

/// What happens to a checkout session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutEvent {
    /// The payment provider says so.
    Paid,
    /// Somebody said no on the payment page.
    Declined,
    /// Nobody said anything for 24 hours.
    Expired,
    /// Phase 1 of its tenant begins, also once more.
    Provisioning,
    /// Phase 1 is done.
    Done,
    /// It failed, or the payment cannot become a tenant.
    Failed,
}

/// The state that follows.
#[must_use]
pub fn checkout(state: &str, event: CheckoutEvent) -> Option<&'static str> {
    use CheckoutEvent::{Declined, Done, Expired, Failed, Paid, Provisioning};
    match (state, event) {
        ("open", Paid) => Some("paid"),
        ("open", Declined) => Some("declined"),
        ("open", Expired) => Some("expired"),
        ("paid" | "failed", Provisioning) => Some("provisioning"),
        ("provisioning", Done) => Some("done"),
        ("provisioning", Failed) => Some("failed"),
        _ => None,
    }
}

/// What happens to a custom domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainEvent {
    /// It is asked for.
    Set,
    /// Its records point here.
    Found,
    /// It answers.
    Ready,
    /// A check failed.
    Failed,
    /// The next check.
    CheckAgain,
    /// It is taken away.
    Removed,
}

/// The state that follows: `none`, `pending_dns`, `provisioning`, `active`, `error`.
#[must_use]
pub fn domain(state: &str, event: DomainEvent) -> Option<&'static str> {
    match (state, event) {
        ("none", DomainEvent::Set) | ("error", DomainEvent::CheckAgain) => Some("pending_dns"),
        ("pending_dns", DomainEvent::Found) => Some("provisioning"),
        ("provisioning", DomainEvent::Ready) => Some("active"),
        ("pending_dns" | "provisioning", DomainEvent::Failed) => Some("error"),
        ("pending_dns" | "provisioning" | "active" | "error", DomainEvent::Removed) => Some("none"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every move that is possible, `from>to`, against what the document writes.
    fn check<E: Copy>(states: &[&str], events: &[E], next: impl Fn(&str, E) -> Option<&'static str>, moves: &str) {
        let mut found = BTreeSet::new();
        for state in states {
            for event in events {
                if let Some(to) = next(state, *event) {
                    assert!(states.contains(&to), "{to}");
                    found.insert(format!("{state}>{to}"));
                }
            }
        }
        let written: BTreeSet<String> = moves.split_whitespace().map(str::to_owned).collect();
        assert_eq!(found, written);
    }

    #[test]
    fn subscriptions_move_as_the_document_writes() {
        use SubscriptionEvent::{Activated, Canceled, PastDue, Paused};
        check(
            &["trialing", "active", "past_due", "paused", "canceled"],
            &[Activated, PastDue, Paused, Canceled],
            subscription,
            "trialing>active trialing>canceled active>past_due active>paused active>canceled past_due>active \
             past_due>paused past_due>canceled paused>active paused>canceled",
        );
    }

    #[test]
    fn one_time_links_are_read_once_until_they_are_armed_again() {
        let moves = "none>armed armed>armed armed>consumed consumed>armed";
        check(&["none", "armed", "consumed"], &[LinkEvent::Arm, LinkEvent::Read], link, moves);
    }

    #[test]
    fn checkout_sessions_move_as_the_document_writes() {
        use CheckoutEvent::{Declined, Done, Expired, Failed, Paid, Provisioning};
        check(
            &["open", "paid", "provisioning", "done", "failed", "declined", "expired"],
            &[Paid, Declined, Expired, Provisioning, Done, Failed],
            checkout,
            "open>paid paid>provisioning provisioning>done provisioning>failed open>declined open>expired \
             failed>provisioning",
        );
    }

    #[test]
    fn domains_move_as_the_document_writes() {
        use DomainEvent::{CheckAgain, Failed, Found, Ready, Removed, Set};
        check(
            &["none", "pending_dns", "provisioning", "active", "error"],
            &[Set, Found, Ready, Failed, CheckAgain, Removed],
            domain,
            "none>pending_dns pending_dns>provisioning provisioning>active pending_dns>error provisioning>error \
             error>pending_dns pending_dns>none provisioning>none active>none error>none",
        );
    }
}
