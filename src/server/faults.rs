//! Failures on demand, so that tests can see what happens after each of them. Off unless asked for.
//!
//! Steps of phase 1 fail by name. Calls fail by method and path ([`http`]). Must not know what a step or a call does.

pub mod http;
mod points;

pub use points::Points;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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
    steps: HashMap<String, u32>,
    calls: Vec<CallFault>,
    made: u64,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Effect {
    /// It is answered with this status, and nothing is done.
    Answer {
        /// An HTTP status.
        status: u16,
        /// Seconds, for the header `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// It is done, and the connection is closed without an answer.
    Lose,
    /// It takes longer.
    Delay {
        /// Milliseconds.
        ms: u64,
        /// Done first and answered late; otherwise done late.
        #[serde(default)]
        after: bool,
    },
    /// The connection is closed when this many bytes of its body have come. Smaller ones pass, and do not count.
    Cut {
        /// Bytes.
        after_bytes: u64,
    },
    /// Every registry token that was issued before it is worth nothing from here on.
    Revoke,
}

/// A fault that waits for calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFault {
    /// Names it.
    #[serde(default, skip_deserializing)]
    pub id: u64,
    /// The path of the call; `*` stands for one part of it.
    pub path: String,
    /// `GET`, `POST`, ...; every one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How often it strikes yet.
    #[serde(default = "once")]
    pub times: u32,
    /// How often it struck.
    #[serde(default, skip_deserializing)]
    pub struck: u32,
    /// What it does.
    #[serde(flatten)]
    pub effect: Effect,
}

fn once() -> u32 {
    1
}

impl CallFault {
    fn is_meant(&self, method: &Method, path: &str) -> bool {
        self.times > 0 && self.method.as_deref().is_none_or(|name| name == method.as_str()) && matches(&self.path, path)
    }

    fn count(&mut self) {
        self.times -= 1;
        self.struck += 1;
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return false,
        }
    }
}

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
    /// Wait after it was done.
    pub after: Duration,
    /// Do not say that it was done.
    pub lose: bool,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the named step fail the next `times` times.
    pub fn fail(&self, step: &str, times: u32) {
        self.lock().steps.insert(step.to_owned(), times);
    }

    /// True when the step has to fail now; counts down.
    #[must_use]
    pub fn strike(&self, step: &str) -> bool {
        let mut inside = self.lock();
        match inside.steps.get_mut(step) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Lets calls fail from now on; answers the fault's id.
    pub(super) fn arm(&self, mut fault: CallFault) -> u64 {
        let mut inside = self.lock();
        inside.made += 1;
        fault.id = inside.made;
        inside.calls.push(fault);
        inside.made
    }

    /// Everything that was armed for calls since the last [`Faults::disarm`], in order.
    #[must_use]
    pub fn armed(&self) -> Vec<CallFault> {
        self.lock().calls.clone()
    }

    /// Ends all faults.
    pub fn disarm(&self) {
        let mut inside = self.lock();
        inside.steps.clear();
        inside.calls.clear();
    }

    /// What has to happen to this call; counts down.
    #[must_use]
    pub fn plan(&self, method: &Method, path: &str) -> Plan {
        let mut plan = Plan::default();
        for fault in self.lock().calls.iter_mut().filter(|fault| fault.is_meant(method, path)) {
            match fault.effect {
                Effect::Answer { status, retry_after } => plan.answer = Some((status, retry_after)),
                Effect::Lose => plan.lose = true,
                Effect::Delay { ms, after: false } => plan.before += Duration::from_millis(ms),
                Effect::Delay { ms, after: true } => plan.after += Duration::from_millis(ms),
                Effect::Revoke => plan.revoke = true,
                Effect::Cut { after_bytes } => {
                    plan.cut = Some((fault.id, after_bytes));
                    // Counted when it strikes.
                    continue;
                }
            }
            fault.count();
        }
        plan
    }

    /// True when this fault has to strike now; counts down.
    #[must_use]
    pub fn strike_call(&self, id: u64) -> bool {
        let mut inside = self.lock();
        let fault = inside.calls.iter_mut().find(|fault| fault.id == id && fault.times > 0);
        fault.map(CallFault::count).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_asked() {
        let faults = Faults::default();
        assert!(!faults.strike("volume_created"));
        faults.clone().fail("volume_created", 2);
        assert!(!faults.strike("app_created"));
        assert_eq!([(); 3].map(|()| faults.strike("volume_created")), [true, true, false]);
    }

    #[test]
    fn calls_are_meant_by_method_and_path_and_only_so_often() {
        let faults = Faults::default();
        let fault = r#"{"fault":"answer","path":"/api/*/x","method":"POST","times":2,"status":500,"struck":7}"#;
        faults.arm(serde_json::from_str(fault).expect("a fault"));
        assert_eq!(faults.armed()[0].struck, 0, "not for the caller to say");
        for (method, path) in [(Method::GET, "/api/v1/x"), (Method::POST, "/api/x"), (Method::POST, "/api/v1/x/")] {
            assert_eq!(faults.plan(&method, path), Plan::default(), "{path}");
        }
        let answers = [(); 3].map(|()| faults.plan(&Method::POST, "/api/v1/x").answer);
        assert_eq!(answers, [Some((500, None)), Some((500, None)), None]);
        assert_eq!((faults.armed()[0].times, faults.armed()[0].struck), (0, 2));
        faults.disarm();
        assert_eq!(faults.armed(), []);
    }

    #[test]
    fn a_cut_counts_when_it_strikes() {
        let faults = Faults::default();
        let fault = r#"{"fault":"cut","path":"/v2/*","after_bytes":5}"#;
        let id = faults.arm(serde_json::from_str(fault).expect("a fault"));
        assert_eq!(faults.plan(&Method::PUT, "/v2/a").cut, Some((id, 5)));
        assert_eq!(faults.plan(&Method::PUT, "/v2/a").cut, Some((id, 5)));
        assert_eq!((faults.strike_call(id), faults.strike_call(id)), (true, false));
        assert_eq!(faults.plan(&Method::PUT, "/v2/a").cut, None);
    }
}
