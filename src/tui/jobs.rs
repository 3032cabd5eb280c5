//! Which background jobs are current. Every start gets a sequence number; an answer that carries an
//! older one is stale and dropped. Must not know how jobs are run.

/// The kinds of jobs; of each at most one is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// Beginning a purchase.
    Checkout,
    /// The purchase's events.
    CheckoutFeed,
    /// The selected tenant's events.
    EventFeed,
    /// The selected tenant's logs.
    LogFeed,
    /// The deploy.
    Deploy,
    /// Opening a browser.
    Open,
    /// Paying without a browser.
    Pay,
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

const SLOTS: usize = Slot::Terminal as usize + 1;

/// A job that was started: its kind and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Its kind.
    pub slot: Slot,
    /// Grows with every start of any kind, from 1.
    pub sequence: u64,
}

/// The current job of every kind.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    last: u64,
    current: [Option<u64>; SLOTS],
}

impl Jobs {
    /// Makes a new job the current one of its kind.
    pub fn start(&mut self, slot: Slot) -> Ticket {
        self.last += 1;
        self.current[slot as usize] = Some(self.last);
        Ticket { slot, sequence: self.last }
    }

    /// Forgets the current job of this kind: whatever it still says is stale.
    pub fn end(&mut self, slot: Slot) {
        self.current[slot as usize] = None;
    }

    /// True while a job of this kind has not ended.
    #[must_use]
    pub fn is_running(&self, slot: Slot) -> bool {
        self.current[slot as usize].is_some()
    }

    /// True for the newest job of its kind.
    #[must_use]
    pub fn is_current(&self, ticket: Ticket) -> bool {
        self.current[ticket.slot as usize] == Some(ticket.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_job_of_a_kind_is_current() {
        let mut jobs = Jobs::default();
        let first = jobs.start(Slot::LogFeed);
        let other = jobs.start(Slot::EventFeed);
        let second = jobs.start(Slot::LogFeed);
        assert!(!jobs.is_current(first));
        assert!(jobs.is_current(second) && jobs.is_current(other));
        jobs.end(Slot::LogFeed);
        assert!(!jobs.is_current(second) && !jobs.is_running(Slot::LogFeed));
    }
}
