//! The state machine of a tenant as one table (protocol F.3): what each event means in each phase.
//!
//! Pure: the caller reads the row, asks, and writes the answer in the same transaction. Must not know HTTP beyond
//! the refusals that the table names, and neither the store's statements nor providers.

mod smaller;

pub use smaller::{CheckoutEvent, DomainEvent, LinkEvent, SubscriptionEvent, checkout, domain, link, subscription};

use super::error::Failure;
use super::store::tenants::TenantRow;
use crate::model::Phase;

/// What happens to a tenant: a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Phase 1 begins.
    ProvisioningStarts,
    /// One of its steps is done.
    StepDone,
    /// All are.
    InfrastructureDone,
    /// One failed, or was cut off.
    InfrastructureError,
    /// `POST deploy`.
    Deploy,
    /// The machine is healthy.
    MachineStarted,
    /// The machine of a tenant that has no other did not start, or one that was started again did not.
    FirstMachineError,
    /// A new machine did not start beside the old one, or the one that ran has ended by itself.
    UpdateError,
    /// A machine that had ended runs again by itself. Not in the document's table, which knows no such machine.
    MachineReturned,
    /// `POST restart`.
    Restart,
    /// `POST retry-provision`.
    Retry,
    /// `POST suspend`.
    Suspend,
    /// `POST activate`.
    Activate,
    /// `POST rotate-credentials`.
    Rotate,
    /// `PATCH` of the memory.
    Resize,
    /// A secret is set or removed.
    SetSecret,
    /// The subscription lapses.
    Lapse,
    /// The subscription is canceled, or the tenant deleted.
    Delete,
}

impl Event {
    /// Every event, in the order of the document.
    pub const ALL: [Self; 18] = [
        Self::ProvisioningStarts,
        Self::StepDone,
        Self::InfrastructureDone,
        Self::InfrastructureError,
        Self::Deploy,
        Self::MachineStarted,
        Self::FirstMachineError,
        Self::UpdateError,
        Self::MachineReturned,
        Self::Restart,
        Self::Retry,
        Self::Suspend,
        Self::Activate,
        Self::Rotate,
        Self::Resize,
        Self::SetSecret,
        Self::Lapse,
        Self::Delete,
    ];
}

/// What a cell depends on beside phase and event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// A machine of the tenant exists.
    pub has_machine: bool,
}

impl From<&TenantRow> for Facts {
    fn from(tenant: &TenantRow) -> Self {
        Self { has_machine: tenant.machine_id.is_some() }
    }
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The tenant moves on.
    Move(Phase),
    /// Accepted, and the phase stays.
    Stay,
    /// Accepted; it takes effect when the operation that runs is over.
    Later,
    /// Not now.
    Refuse(Refusal),
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 409 `invalid_state`: the dot of the table.
    InvalidState,
    /// 400 `not_provisioned`.
    NotProvisioned,
    /// 400 `no_machine`.
    NoMachine,
    /// 409 `operation_running`.
    Busy,
}

/// The table.
#[must_use]
#[allow(clippy::match_same_arms, clippy::unnested_or_patterns, reason = "the cells of a row stay together")]
pub fn next(phase: Phase, event: Event, facts: Facts) -> Verdict {
    use Phase as P;
    use Refusal::{Busy, InvalidState, NoMachine, NotProvisioned};
    use Verdict::{Later, Move, Refuse, Stay};
    match (event, phase) {
        // Who is being removed is an operation of its own; who is gone has nothing left to happen to.
        (Event::Lapse, P::Deleting) => Stay,
        (_, P::Deleting) => Refuse(Busy),

        (Event::ProvisioningStarts, P::Created) => Move(P::Provisioning),
        (Event::ProvisioningStarts | Event::StepDone, P::Provisioning) => Stay,
        (Event::InfrastructureDone, P::Provisioning) => Move(P::AwaitingDeploy),
        (Event::InfrastructureError, P::Created | P::Provisioning) => Move(P::FailedInfra),

        (Event::Deploy, P::AwaitingDeploy | P::Running | P::FailedDeploy) => Move(P::Deploying),
        (Event::Deploy | Event::Restart | Event::Rotate, P::Created | P::Provisioning | P::FailedInfra)
        | (Event::Resize, P::Created) => Refuse(NotProvisioned),
        (Event::Deploy, P::Deploying | P::Restarting)
        | (Event::Restart, P::Deploying)
        | (Event::Rotate, P::Deploying | P::Restarting)
        | (Event::Resize | Event::Suspend | Event::Delete, P::Provisioning | P::Deploying | P::Restarting) => {
            Refuse(Busy)
        }

        (Event::MachineStarted, P::Deploying | P::Restarting) => Move(P::Running),
        (Event::MachineStarted, P::Running) => Stay,
        (Event::FirstMachineError, P::Deploying | P::Restarting) | (Event::UpdateError, P::Running | P::Restarting) => {
            Move(P::FailedDeploy)
        }
        (Event::UpdateError, P::Deploying) => Move(P::Running),
        (Event::MachineReturned, P::FailedDeploy) => Move(P::Running),

        (Event::Restart, P::Running) => Move(P::Restarting),
        (Event::Restart, P::Restarting) => Stay,
        (Event::Restart, P::FailedDeploy) if facts.has_machine => Move(P::Restarting),
        (Event::Restart, P::AwaitingDeploy | P::FailedDeploy) => Refuse(NoMachine),

        (Event::Retry, P::FailedDeploy) if facts.has_machine => Move(P::Deploying),
        (Event::Retry, P::FailedInfra | P::FailedDeploy) => Move(P::Provisioning),

        (Event::Suspend, P::AwaitingDeploy | P::Running | P::FailedDeploy)
        | (Event::Lapse, P::AwaitingDeploy | P::Running | P::Restarting | P::FailedDeploy) => Move(P::Suspended),
        // On the way the phase is `restarting`: a machine has to start.
        (Event::Activate, P::Suspended) if facts.has_machine => Move(P::Running),
        (Event::Activate, P::Suspended) => Move(P::AwaitingDeploy),

        (Event::Rotate | Event::Resize, P::Running) => Move(P::Restarting),
        (Event::Rotate, P::AwaitingDeploy | P::Suspended | P::FailedDeploy)
        | (Event::Resize, P::AwaitingDeploy | P::Suspended | P::FailedInfra | P::FailedDeploy)
        | (Event::Lapse, P::Created | P::Provisioning | P::Suspended | P::FailedInfra) => Stay,
        (Event::SetSecret, phase) if phase != P::Deleted => Stay,
        (Event::Lapse, P::Deploying) => Later,

        (Event::Delete, phase) if phase != P::Deleted => Move(P::Deleting),
        _ => Refuse(InvalidState),
    }
}

/// What the table says about a tenant: the phase to move to, or `None` when it stays.
pub fn ask(tenant: &TenantRow, event: Event) -> Result<Option<Phase>, Failure> {
    match next(tenant.phase(), event, tenant.into()) {
        Verdict::Move(phase) => Ok(Some(phase)),
        Verdict::Stay | Verdict::Later => Ok(None),
        Verdict::Refuse(refusal) => Err(refused(refusal, event, tenant.phase())),
    }
}

/// The phase after an event that cannot be refused; an event that means nothing there changes nothing.
#[must_use]
pub fn following(phase: Phase, event: Event, facts: Facts) -> Phase {
    match next(phase, event, facts) {
        Verdict::Move(phase) => phase,
        Verdict::Stay | Verdict::Later | Verdict::Refuse(_) => phase,
    }
}

/// The refusal as it is told.
#[must_use]
pub fn refused(refusal: Refusal, event: Event, phase: Phase) -> Failure {
    match (refusal, event, phase) {
        (Refusal::NotProvisioned, ..) => Failure::not_provisioned(),
        (Refusal::NoMachine, ..) => Failure::no_machine(),
        (Refusal::Busy, ..) => Failure::operation_running(),
        (_, Event::Retry, _) => Failure::invalid_state("tenant is not in failed state"),
        (_, Event::Activate, _) => Failure::invalid_state("the tenant is not suspended"),
        (_, Event::Suspend, Phase::Suspended) => Failure::invalid_state("the tenant is suspended already"),
        (_, Event::Suspend, _) => Failure::invalid_state("a tenant without infrastructure cannot be suspended"),
        (_, _, Phase::Suspended) => Failure::invalid_state("the tenant is suspended; activate it first"),
        (_, _, phase) => Failure::invalid_state(format!("this cannot be done in the phase {}", phase.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [Phase; 9] = [
        Phase::Created,
        Phase::Provisioning,
        Phase::AwaitingDeploy,
        Phase::Deploying,
        Phase::Running,
        Phase::Restarting,
        Phase::Suspended,
        Phase::FailedInfra,
        Phase::FailedDeploy,
    ];

    /// The table as the document writes it: rows are events, columns are [`PHASES`]. `a|b` is a with a machine, b without.
    const DOCUMENT: &str = "
ProvisioningStarts  | provisioning | =              | .               | .                | .             | .             | .                       | .            | .
StepDone            | .            | =              | .               | .                | .             | .             | .                       | .            | .
InfrastructureDone  | .            | awaiting_deploy| .               | .                | .             | .             | .                       | .            | .
InfrastructureError | failed_infra | failed_infra   | .               | .                | .             | .             | .                       | .            | .
Deploy              | np           | np             | deploying       | busy             | deploying     | busy          | .                       | np           | deploying
MachineStarted      | .            | .              | .               | running          | =             | running       | .                       | .            | .
FirstMachineError   | .            | .              | .               | failed_deploy    | .             | failed_deploy | .                       | .            | .
UpdateError         | .            | .              | .               | running          | failed_deploy | failed_deploy | .                       | .            | .
Restart             | np           | np             | nm              | busy             | restarting    | =             | .                       | np           | restarting/nm
Retry               | .            | .              | .               | .                | .             | .             | .                       | provisioning | deploying/provisioning
Suspend             | .            | busy           | suspended       | busy             | suspended     | busy          | .                       | .            | suspended
Activate            | .            | .              | .               | .                | .             | .             | running/awaiting_deploy | .            | .
Rotate              | np           | np             | =               | busy             | restarting    | busy          | =                       | np           | =
Resize              | np           | busy           | =               | busy             | restarting    | busy          | =                       | =            | =
SetSecret           | =            | =              | =               | =                | =             | =             | =                       | =            | =
Lapse               | =            | =              | suspended       | later            | suspended     | suspended     | =                       | =            | suspended
Delete              | deleting     | busy           | deleting        | busy             | deleting      | busy          | deleting                | deleting     | deleting";

    fn read(cell: &str) -> Verdict {
        match cell {
            "=" => Verdict::Stay,
            "later" => Verdict::Later,
            "." => Verdict::Refuse(Refusal::InvalidState),
            "np" => Verdict::Refuse(Refusal::NotProvisioned),
            "nm" => Verdict::Refuse(Refusal::NoMachine),
            "busy" => Verdict::Refuse(Refusal::Busy),
            word => Verdict::Move(Phase::from_word(word).expect(word)),
        }
    }

    #[test]
    fn every_cell_is_as_the_document_writes_it() {
        let mut seen = Vec::new();
        for line in DOCUMENT.trim().lines() {
            let mut cells = line.split('|').map(str::trim);
            let name = cells.next().expect("a name");
            let event = Event::ALL.into_iter().find(|event| format!("{event:?}") == name).expect(name);
            seen.push(event);
            let cells: Vec<&str> = cells.collect();
            assert_eq!(cells.len(), PHASES.len(), "{name}");
            for (phase, cell) in PHASES.into_iter().zip(cells) {
                let (with, without) = cell.split_once('/').unwrap_or((cell, cell));
                for (has_machine, cell) in [(true, with), (false, without)] {
                    assert_eq!(next(phase, event, Facts { has_machine }), read(cell), "{event:?} in {phase:?}");
                }
            }
        }
        let missing: Vec<Event> = Event::ALL.into_iter().filter(|event| !seen.contains(event)).collect();
        assert_eq!(missing, [Event::MachineReturned], "what the document does not know");
    }

    #[test]
    fn a_machine_returns_only_from_its_end() {
        for phase in PHASES {
            let expected = match phase {
                Phase::FailedDeploy => Verdict::Move(Phase::Running),
                _ => Verdict::Refuse(Refusal::InvalidState),
            };
            assert_eq!(next(phase, Event::MachineReturned, Facts::default()), expected);
        }
    }

    #[test]
    fn nothing_begins_on_what_is_being_removed_or_gone() {
        for event in Event::ALL {
            let removed = next(Phase::Deleting, event, Facts::default());
            let expected = if event == Event::Lapse { Verdict::Stay } else { Verdict::Refuse(Refusal::Busy) };
            assert_eq!(removed, expected, "{event:?}");
            let gone = next(Phase::Deleted, event, Facts::default());
            assert_eq!(gone, Verdict::Refuse(Refusal::InvalidState), "{event:?}");
        }
    }
}
