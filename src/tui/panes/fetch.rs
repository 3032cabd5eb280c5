//! Something that a pane asks for about the tenant that the panes follow: when it is asked again, and whose it is. What
//! belongs to another tenant is never handed out. Must not know what is asked for.

use std::time::Duration;

use super::Pane;
use crate::model::{Problem, Tenant, TenantId};
use crate::ops::call::{Call, Reply};
use crate::tui::app::Shared;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;

/// What is known of it, and whom it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetch<T> {
    /// Whom the newest question was about.
    asked: Option<TenantId>,
    /// When that was, since the start of the program.
    asked_at: Duration,
    /// The answer has not come.
    waiting: bool,
    /// It has to be asked again.
    old: bool,
    /// The tenant's row of the list when it was asked: another row is a reason to ask again.
    seen: Option<Box<Tenant>>,
    value: Option<T>,
    problem: Option<Problem>,
}

impl<T> Default for Fetch<T> {
    fn default() -> Self {
        Self {
            asked: None,
            asked_at: Duration::ZERO,
            waiting: false,
            old: false,
            seen: None,
            value: None,
            problem: None,
        }
    }
}

impl<T> Fetch<T> {
    /// Asks where something is missing or old: for another tenant, after a change of its row, after [`Self::age`].
    pub fn attend(
        &mut self,
        shared: &mut Shared,
        pane: Pane,
        topic: &'static str,
        call: fn(TenantId) -> Call,
    ) -> Option<Effect> {
        let Some(id) = shared.followed.clone() else {
            *self = Self::default();
            return None;
        };
        let slot = Slot::Pane(pane, topic);
        let row = shared.tenants.get(&id);
        if self.asked.as_ref() == Some(&id) {
            // A question that was dropped is asked anew.
            let is_waiting = self.waiting && shared.jobs.is_running(&slot);
            let is_known = self.value.is_some() || self.problem.is_some();
            let has_changed = self.seen.as_deref() != row;
            if is_waiting || (is_known && !self.waiting && !self.old && !has_changed) {
                return None;
            }
        } else {
            *self = Self { asked: Some(id.clone()), ..Self::default() };
        }
        self.seen = row.cloned().map(Box::new);
        self.asked_at = shared.now.running;
        self.waiting = true;
        self.old = false;
        Some(shared.start(slot, Request::Call(call(id))))
    }

    /// Takes the answer; `pick` finds in it what was asked for.
    pub fn take(&mut self, answer: Answer, pick: impl FnOnce(Reply) -> Option<T>) {
        self.waiting = false;
        let Answer::Reply(result) = answer else { return };
        let unfit = || Problem::new("The answer is one to another question.");
        match result.and_then(|reply| pick(reply).ok_or_else(unfit)) {
            Ok(value) => {
                self.value = Some(value);
                self.problem = None;
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Something newer became known in another way.
    pub fn put(&mut self, tenant: &TenantId, value: T) {
        if self.asked.as_ref() == Some(tenant) {
            self.value = Some(value);
            self.problem = None;
        }
    }

    /// It is old: asked again as soon as somebody looks. What is known stays until then.
    pub fn age(&mut self) {
        self.old = true;
    }

    /// The same where it is about this tenant.
    pub fn age_of(&mut self, tenant: &TenantId) {
        if self.is_about(tenant) {
            self.age();
        }
    }

    /// When it is `every` old, since the start of the program; `None` while the answer to a question is on its way.
    #[must_use]
    pub fn due(&self, every: Duration) -> Option<Duration> {
        (self.asked.is_some() && !self.waiting).then(|| self.asked_at + every)
    }

    /// Whom the newest question was about.
    #[must_use]
    pub fn asked(&self) -> Option<&TenantId> {
        self.asked.as_ref()
    }

    /// True where it is about this tenant.
    #[must_use]
    pub fn is_about(&self, tenant: &TenantId) -> bool {
        self.asked.as_ref() == Some(tenant)
    }

    /// What is known of the selected tenant.
    #[must_use]
    pub fn of(&self, shared: &Shared) -> Option<&T> {
        self.value.as_ref().filter(|_| self.is_shown(shared))
    }

    /// Why what is known of the selected tenant is missing or old.
    #[must_use]
    pub fn problem(&self, shared: &Shared) -> Option<&Problem> {
        self.problem.as_ref().filter(|_| self.is_shown(shared))
    }

    /// What is known whoever is selected, for whoever works with it between two pictures.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// True while a tenant is selected of which nothing is known and nothing failed.
    #[must_use]
    pub fn is_loading(&self, shared: &Shared) -> bool {
        // Of a database on this machine the API is not asked.
        let is_asked = shared.selected().is_some_and(|tenant| !tenant.is_local());
        is_asked && self.of(shared).is_none() && self.problem(shared).is_none()
    }

    fn is_shown(&self, shared: &Shared) -> bool {
        shared.selected().is_some_and(|tenant| self.is_about(&tenant.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Environment;
    use crate::tui::testing::{Play, tenant, tenant_id};

    fn attend(fetch: &mut Fetch<Environment>, play: &mut Play) -> bool {
        fetch.attend(&mut play.app.shared, Pane::Tenants, "test", Call::Environment).is_some()
    }

    fn end(play: &mut Play) {
        play.app.shared.jobs.end(&Slot::Pane(Pane::Tenants, "test"));
    }

    fn take(fetch: &mut Fetch<Environment>, play: &mut Play, result: Result<Reply, Problem>) {
        end(play);
        fetch.take(Answer::Reply(result), |reply| match reply {
            Reply::Environment(environment) => Some(environment),
            _ => None,
        });
    }

    fn play() -> Play {
        Play::ready(120, 36, vec![tenant(1, "orchard", "running"), tenant(2, "docs", "running")])
    }

    #[test]
    fn it_asks_once_and_again_when_something_changed() {
        let (mut play, mut fetch) = (play(), Fetch::default());
        assert!(attend(&mut fetch, &mut play));
        assert!(!attend(&mut fetch, &mut play), "the answer is on its way");
        assert_eq!(fetch.due(Duration::from_secs(30)), None, "nothing is due while it is");
        take(&mut fetch, &mut play, Ok(Reply::Environment(Environment { variables: Vec::new() })));
        assert!(fetch.of(&play.app.shared).is_some());
        assert!(!attend(&mut fetch, &mut play));
        assert_eq!(fetch.due(Duration::from_secs(30)), Some(Duration::from_secs(30)));
        fetch.age();
        assert!(attend(&mut fetch, &mut play));
        assert!(fetch.of(&play.app.shared).is_some(), "what is known stays");
        take(&mut fetch, &mut play, Err(Problem::new("No.")));
        assert!(fetch.of(&play.app.shared).is_some() && fetch.problem(&play.app.shared).is_some());
        assert!(!attend(&mut fetch, &mut play), "a failure is not asked again by itself");
        play.keys(&[crate::tui::key::Key::Char('R')]);
        play.list(vec![tenant(1, "orchard", "deploying"), tenant(2, "docs", "running")]);
        assert!(attend(&mut fetch, &mut play), "its row is another one");
        end(&mut play);
        assert!(attend(&mut fetch, &mut play), "a question that was dropped is asked anew");
    }

    #[test]
    fn what_is_of_another_tenant_is_not_handed_out() {
        let (mut play, mut fetch) = (play(), Fetch::default());
        attend(&mut fetch, &mut play);
        play.keys(&[crate::tui::key::Key::Down]);
        take(&mut fetch, &mut play, Ok(Reply::Environment(Environment { variables: Vec::new() })));
        assert!(fetch.of(&play.app.shared).is_none() && fetch.is_loading(&play.app.shared));
        play.tick(1);
        assert!(attend(&mut fetch, &mut play) && fetch.is_about(&tenant_id(2)));
        take(&mut fetch, &mut play, Ok(Reply::Tenants { tenants: Vec::new(), rejected: Vec::new() }));
        assert!(fetch.problem(&play.app.shared).is_some(), "an answer to something else is none");
    }
}
