//! Which background jobs are current. Every start gets a sequence number; an answer that carries an
//! older one is stale and dropped. Must not know how jobs are run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::panes::Pane;
use crate::model::TenantId;

/// The kinds of jobs; of each at most one is current.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// Who is logged in.
    Account,
    /// Does the API answer.
    Api,
    /// Does the Docker Engine answer.
    Engine,
    /// The plans on offer.
    Plans,
    /// The tenant list.
    Tenants,
    /// The databases on this machine.
    LocalTenants,
    /// Making a local tenant, and what that begins with.
    NewLocal,
    /// Beginning a purchase.
    Checkout,
    /// The purchase's events.
    CheckoutFeed,
    /// The selected tenant's events.
    EventFeed,
    /// A tenant's logs.
    LogFeed(TenantId),
    /// A deploy, of one or of several tenants, named by the first.
    Deploy(TenantId),
    /// Opening a browser.
    Open,
    /// Paying without a browser.
    Pay,
    /// Logging in.
    LogIn,
    /// Logging out.
    LogOut,
    /// What a pane asks for itself.
    Pane(Pane, &'static str),
    /// Something that is done to a tenant: `restart`.
    Action(&'static str, TenantId),
    /// Looking at what a first deploy lacks.
    FirstDeploy,
    /// Setting the folder up.
    SetUp,
    /// Putting something into the clipboard.
    Copy,
    /// Taking it out again.
    Clear,
    /// A notice.
    Notice,
    /// An editor.
    Edit,
    /// Writing a file.
    Save,
    /// What the terminal does: its mouse, a stop.
    Terminal,
}

/// A job that was started: its kind and its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Its kind.
    pub slot: Slot,
    /// Grows with every start of any kind, from 1.
    pub sequence: u64,
}

/// A job that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    sequence: u64,
    /// When it began, since the start of the program.
    pub since: Duration,
}

/// The current job of every kind.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    last: u64,
    current: BTreeMap<Slot, Job>,
}

impl Jobs {
    /// Makes a new job the current one of its kind.
    pub fn start(&mut self, slot: Slot, now: Duration) -> Ticket {
        self.last += 1;
        self.current.insert(slot.clone(), Job { sequence: self.last, since: now });
        Ticket { slot, sequence: self.last }
    }

    /// Forgets the current job of this kind: whatever it still says is stale.
    pub fn end(&mut self, slot: &Slot) {
        self.current.remove(slot);
    }

    /// True while a job of this kind has not ended.
    #[must_use]
    pub fn is_running(&self, slot: &Slot) -> bool {
        self.current.contains_key(slot)
    }

    /// True for the newest job of its kind.
    #[must_use]
    pub fn is_current(&self, ticket: &Ticket) -> bool {
        self.current.get(&ticket.slot).is_some_and(|job| job.sequence == ticket.sequence)
    }

    /// When the current job of this kind began, since the start of the program.
    #[must_use]
    pub fn since(&self, slot: &Slot) -> Option<Duration> {
        self.current.get(slot).map(|job| job.since)
    }

    /// Every job that has not ended.
    pub fn running(&self) -> impl Iterator<Item = (Ticket, &Job)> {
        self.current.iter().map(|(slot, job)| (Ticket { slot: slot.clone(), sequence: job.sequence }, job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_job_of_a_kind_is_current() {
        let mut jobs = Jobs::default();
        let first = jobs.start(Slot::EventFeed, Duration::ZERO);
        let other = jobs.start(Slot::Tenants, Duration::ZERO);
        let second = jobs.start(Slot::EventFeed, Duration::from_secs(1));
        assert!(!jobs.is_current(&first));
        assert!(jobs.is_current(&second) && jobs.is_current(&other));
        jobs.end(&Slot::EventFeed);
        assert!(!jobs.is_current(&second) && !jobs.is_running(&Slot::EventFeed));
        assert!(jobs.is_running(&Slot::Tenants));
    }
}
