//! Failures on demand, so that tests can see what happens after each of them. Off unless asked for.
//!
//! Steps fail or wait by name or number, calls by method and path, and some things are done at once. Which of these is
//! done where is in [`http`] and its neighbours. Must not know what a step or a call does.

mod chatter;
mod cut;
pub mod http;
mod points;

pub use points::Points;
mod kinds;
mod webhook;

pub use kinds::{Effect, Fault, Place, STEPS, StepName};

use axum::http::Method;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which steps and calls fail, and how often. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    inside: Arc<Mutex<Inside>>,
    /// Points of the provisioner's work.
    pub points: Points,
}

#[derive(Debug, Default)]
struct Inside {
    armed: Vec<Fault>,
    made: u64,
}

/// A step that fails because it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnDemand;

/// What happens to one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Wait before it is done.
    pub before: Duration,
    /// Revoke the registry's tokens first.
    pub revoke: bool,
    /// Do not do it; say this, and when to come back.
    pub answer: Option<(u16, Option<u32>)>,
    /// Close the connection after so many bytes: the fault's id and the bytes.
    pub cut: Option<(u64, u64)>,
    /// Close the connection after so many events or bytes of the answer.
    pub cut_answer: Option<CutAnswer>,
    /// Wait after it was done.
    pub after: Duration,
    /// Do not say that it was done.
    pub lose: bool,
}

/// Where an answer is cut off; what comes first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutAnswer {
    /// The fault.
    pub id: u64,
    /// Events that still come; heartbeats do not count.
    pub after_events: Option<u64>,
    /// Bytes that still come.
    pub after_bytes: Option<u64>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the named step fail the next `times` times.
    pub fn fail(&self, step: &str, times: u32) {
        self.arm(Fault::new(Effect::FailStep { step: StepName::Word(step.to_owned()) }, times));
    }

    /// True when the step has to fail now; counts down.
    #[must_use]
    pub fn strike(&self, step: &str) -> bool {
        let mut inside = self.lock();
        let fault = inside
            .armed
            .iter_mut()
            .find(|fault| matches!(&fault.effect, Effect::FailStep { step: name } if fault.times > 0 && name.is(step)));
        fault.map(Fault::count).is_some()
    }

    /// The step begins: it takes longer, or fails, where that was asked for.
    pub async fn reach(&self, step: &str) -> Result<(), OnDemand> {
        let mut pause = Duration::ZERO;
        for fault in self.lock().armed.iter_mut().filter(|fault| fault.times > 0) {
            if let Effect::DelayStep { step: name, ms } = &fault.effect
                && name.is(step)
            {
                pause += Duration::from_millis(*ms);
                fault.count();
            }
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        if self.strike(step) { Err(OnDemand) } else { Ok(()) }
    }

    /// Lets something fail from now on; answers the fault's id.
    pub(super) fn arm(&self, mut fault: Fault) -> u64 {
        let mut inside = self.lock();
        inside.made += 1;
        fault.id = inside.made;
        inside.armed.push(fault);
        inside.made
    }

    /// Everything that was armed since the last [`Faults::disarm`], in order.
    #[must_use]
    pub fn armed(&self) -> Vec<Fault> {
        self.lock().armed.clone()
    }

    /// Ends all faults.
    pub fn disarm(&self) {
        self.lock().armed.clear();
    }

    /// What has to happen to this call; counts down.
    #[must_use]
    pub fn plan(&self, method: &Method, path: &str) -> Plan {
        let mut plan = Plan::default();
        for fault in self.lock().armed.iter_mut().filter(|fault| fault.is_meant(method, path)) {
            match &fault.effect {
                Effect::Answer { status, retry_after } => plan.answer = Some((*status, *retry_after)),
                Effect::Lose => plan.lose = true,
                Effect::Delay { ms, after: false } => plan.before += Duration::from_millis(*ms),
                Effect::Delay { ms, after: true } => plan.after += Duration::from_millis(*ms),
                Effect::Revoke => plan.revoke = true,
                // These are counted when they strike.
                Effect::Cut { after_bytes } => {
                    plan.cut = Some((fault.id, *after_bytes));
                    continue;
                }
                Effect::CutAnswer { after_events, after_bytes } => {
                    let (after_events, after_bytes) = (*after_events, *after_bytes);
                    plan.cut_answer = Some(CutAnswer { id: fault.id, after_events, after_bytes });
                    continue;
                }
                _ => continue,
            }
            fault.count();
        }
        plan
    }

    /// True when this fault has to strike now; counts down.
    #[must_use]
    pub fn strike_by_id(&self, id: u64) -> bool {
        let mut inside = self.lock();
        let fault = inside.armed.iter_mut().find(|fault| fault.id == id && fault.times > 0);
        fault.map(Fault::count).is_some()
    }

    /// How this webhook is repeated; counts down.
    #[must_use]
    fn repeat(&self) -> Option<(u32, Option<Place>)> {
        let mut inside = self.lock();
        inside.armed.iter_mut().filter(|fault| fault.times > 0).find_map(|fault| {
            let Effect::RepeatWebhook { copies, other_type } = fault.effect else { return None };
            fault.count();
            Some((copies, other_type))
        })
    }

    /// True for a login token of this user, by id or address, that is to be taken for expired.
    #[must_use]
    fn is_expired(&self, user: &str, email: &str, issued_at: i64) -> bool {
        let mut inside = self.lock();
        let fault = inside.armed.iter_mut().find(|fault| {
            let Effect::Expire { user: whose, before } = &fault.effect else { return false };
            issued_at <= *before && whose.as_deref().is_none_or(|whose| whose == user || whose == email)
        });
        // Does not run out.
        fault.map(|fault| fault.struck += 1).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).expect("a fault")
    }

    #[tokio::test]
    async fn a_fault_strikes_as_often_as_asked() {
        let faults = Faults::default();
        assert!(!faults.strike("volume_created"));
        faults.clone().fail("volume_created", 2);
        assert!(!faults.strike("app_created"));
        assert_eq!([(); 3].map(|()| faults.strike("volume_created")), [true, true, false]);
        faults.arm(fault(r#"{"fault":"fail_step","step":4}"#));
        assert_eq!(faults.reach("app_created").await, Ok(()));
        assert_eq!(faults.reach("volume_created").await, Err(OnDemand));
        assert_eq!(faults.reach("volume_created").await, Ok(()));
    }

    #[tokio::test]
    async fn a_step_takes_longer() {
        let faults = Faults::default();
        faults.arm(fault(r#"{"fault":"delay_step","step":"database","ms":30}"#));
        let begun = std::time::Instant::now();
        assert_eq!(faults.reach("database").await, Ok(()));
        assert!(begun.elapsed() >= Duration::from_millis(30));
        assert_eq!(faults.armed()[0].struck, 1);
    }

    #[test]
    fn calls_are_meant_by_method_and_path_and_only_so_often() {
        let faults = Faults::default();
        faults.arm(fault(r#"{"fault":"answer","path":"/api/*/x","method":"POST","times":2,"status":500,"struck":7}"#));
        assert_eq!(faults.armed()[0].struck, 0, "not for the caller to say");
        for (method, path) in [(Method::GET, "/api/v1/x"), (Method::POST, "/api/x"), (Method::POST, "/api/v1/x/")] {
            assert_eq!(faults.plan(&method, path), Plan::default(), "{path}");
        }
        let answers = [(); 3].map(|()| faults.plan(&Method::POST, "/api/v1/x").answer);
        assert_eq!(answers, [Some((500, None)), Some((500, None)), None]);
        assert_eq!((faults.armed()[0].times, faults.armed()[0].struck), (0, 2));
        faults.disarm();
        assert_eq!(faults.armed(), []);
        faults.arm(fault(r#"{"fault":"lose","path":"/api/**","times":9}"#));
        for (path, lost) in [("/api/v1/x/y", true), ("/api", false), ("/v2/", false)] {
            assert_eq!(faults.plan(&Method::GET, path).lose, lost, "{path}");
        }
    }

    #[test]
    fn a_cut_counts_when_it_strikes() {
        let faults = Faults::default();
        let id = faults.arm(fault(r#"{"fault":"cut","path":"/v2/*","after_bytes":5}"#));
        assert_eq!(faults.plan(&Method::PUT, "/v2/a").cut, Some((id, 5)));
        assert_eq!(faults.plan(&Method::PUT, "/v2/a").cut, Some((id, 5)));
        assert_eq!((faults.strike_by_id(id), faults.strike_by_id(id)), (true, false));
        assert_eq!(faults.plan(&Method::PUT, "/v2/a").cut, None);
    }

    #[test]
    fn logins_expire_by_user_and_time() {
        let faults = Faults::default();
        let effect = Effect::Expire { user: Some("mara@orchard.example".into()), before: 100 };
        faults.arm(Fault::new(effect, 1));
        assert!(faults.is_expired("u1", "mara@orchard.example", 100));
        assert!(!faults.is_expired("u1", "mara@orchard.example", 101));
        assert!(!faults.is_expired("u2", "nils@harbour.example", 5));
        assert_eq!(faults.armed()[0].struck, 1);
    }
}
