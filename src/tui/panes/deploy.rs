//! The deploy pane's state: each tenant's last deploy since the program started, and which one is running. What is
//! known of one deploy is in `telling`; how the pane looks is in `deploy/draw.rs`.

mod draw;

pub use draw::{draw, wanted_rows};

use jiff::Timestamp;
use std::collections::BTreeMap;

use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{Problem, TenantId};
use crate::telling::Before;
pub use crate::telling::Run;
use crate::tui::app::Moment;

/// A deploy, and when it ended.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    run: Run,
    ended: Option<Timestamp>,
}

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    runs: BTreeMap<TenantId, Kept>,
    /// The last deploy of each tenant that went well: the next one is compared with it.
    before: BTreeMap<TenantId, Before>,
    running: Option<TenantId>,
    /// Why the last press of the deploy key did nothing.
    pub refusal: Option<Problem>,
    /// How far the pane is scrolled down.
    pub scroll: usize,
}

impl State {
    /// Begins a deploy.
    pub fn begin(&mut self, id: TenantId, name: String, now: Moment) {
        self.refusal = None;
        self.scroll = 0;
        let mut run = Run::new(name, now.running);
        run.before = self.before.get(&id).cloned();
        self.runs.insert(id.clone(), Kept { run, ended: None });
        self.running = Some(id);
    }

    /// The running deploy.
    #[must_use]
    pub fn running(&self) -> Option<&Run> {
        self.running.as_ref().and_then(|id| self.of(id))
    }

    /// The tenant that is being deployed.
    #[must_use]
    pub fn running_id(&self) -> Option<&TenantId> {
        self.running.as_ref()
    }

    /// The last deploy of a tenant since the program started.
    #[must_use]
    pub fn of(&self, id: &TenantId) -> Option<&Run> {
        self.runs.get(id).map(|kept| &kept.run)
    }

    /// When that deploy ended.
    fn ended(&self, id: &TenantId) -> Option<Timestamp> {
        self.runs.get(id)?.ended
    }

    /// What was printed before this problem, oldest first.
    pub fn output_of(&self, problem: &Problem) -> impl Iterator<Item = &str> {
        let failed = |kept: &&Kept| matches!(kept.run.result(), Some(Err(failed)) if failed == problem);
        self.runs.values().find(failed).into_iter().flat_map(|kept| kept.run.last_words())
    }

    /// The running deploy says something.
    pub fn take(&mut self, progress: DeployProgress, now: Moment) {
        if let Some(kept) = self.running.as_ref().and_then(|id| self.runs.get_mut(id)) {
            kept.run.take(progress, now.running);
        }
    }

    /// The running deploy is asked to stop.
    pub fn cancel(&mut self) {
        if let Some(kept) = self.running.as_ref().and_then(|id| self.runs.get_mut(id)) {
            kept.run.cancelling = true;
        }
    }

    /// The running deploy has ended; hands back its tenant and name.
    pub fn end(&mut self, result: Result<DeployOutcome, Problem>, now: Moment) -> Option<(TenantId, String)> {
        let id = self.running.take()?;
        if let Ok(outcome) = &result {
            let before = Before { digest: outcome.digest.clone(), took: outcome.took };
            self.before.insert(id.clone(), before);
        }
        let kept = self.runs.get_mut(&id)?;
        kept.run.end(result, now.running);
        kept.ended = Some(now.wall);
        Some((id, kept.run.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;
    use crate::tui::testing::{moment, tenant_id};

    #[test]
    fn the_second_deploy_is_compared_with_the_first_that_went_well() {
        let mut state = State::default();
        let outcome = samples::outcome();
        for (second, result) in [(0, Ok(outcome.clone())), (20, Err(Problem::new("Broken."))), (40, Ok(outcome))] {
            state.begin(tenant_id(1), "orchard".into(), moment(second));
            let known = state.running().expect("runs").before.is_some();
            assert_eq!(known, second > 0);
            state.cancel();
            assert!(state.running().expect("runs").cancelling);
            state.end(result, moment(second + 5));
            assert!(state.running().is_none());
        }
    }
}
