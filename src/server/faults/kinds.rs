//! The faults that there are, as they go over the wire.

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// The steps that can fail or wait, in order; their numbers begin with 1. First those of phase 1, then those with which
/// a deploy or a restart makes a machine.
pub const STEPS: [&str; 10] = [
    "database",
    "secrets_stored",
    "app_created",
    "volume_created",
    "ip_allocated",
    "certificate_added",
    "machine_create",
    "machine_started",
    "secrets_configured",
    "machine_switch",
];

/// What is no step of phase 1 or of a deploy and fails by its name alone: the work of a webhook's event, and the places
/// in a rotation of credentials where it stops for good, as if the program ended there.
pub const PLACES: [&str; 3] = ["webhook", "rotation_before_password", "rotation_after_password"];

/// A step by its name or its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StepName {
    /// From 1.
    Number(usize),
    /// One of [`STEPS`] or of [`PLACES`].
    Word(String),
}

impl StepName {
    /// The step's name, if there is such a step.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Number(number) => STEPS.get(number.checked_sub(1)?).copied(),
            Self::Word(word) => STEPS.iter().chain(&PLACES).any(|known| known == word).then_some(word),
        }
    }

    /// True when this step is meant.
    #[must_use]
    pub fn is(&self, step: &str) -> bool {
        self.word() == Some(step)
    }
}

/// Where something is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// First.
    Before,
    /// Last.
    After,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Effect {
    /// A call is answered with this status, and nothing is done.
    Answer {
        /// An HTTP status.
        status: u16,
        /// Seconds, for the header `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// A call is done, and the connection is closed without an answer.
    Lose,
    /// A call takes longer.
    Delay {
        /// Milliseconds.
        ms: u64,
        /// Done first and answered late; otherwise done late.
        #[serde(default)]
        after: bool,
    },
    /// The connection is closed when this many bytes of a call's body have come. Smaller ones pass, and do not count.
    Cut {
        /// Bytes.
        after_bytes: u64,
    },
    /// The connection is closed when this much of an answer was sent. Smaller ones pass, and do not count.
    CutAnswer {
        /// Events of a stream; heartbeats do not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_events: Option<u64>,
        /// Bytes of the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_bytes: Option<u64>,
    },
    /// Every registry token that was issued before it is worth nothing from here on.
    Revoke,
    /// A step fails.
    FailStep {
        /// Which one.
        step: StepName,
    },
    /// A step takes longer.
    DelayStep {
        /// Which one.
        step: StepName,
        /// Milliseconds.
        ms: u64,
    },
    /// A webhook of the payment provider comes more than once.
    RepeatWebhook {
        /// How often more, word for word.
        #[serde(default)]
        copies: u32,
        /// The provider's other event about the same purchase comes too, before or after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        other_type: Option<Place>,
    },
    /// Login tokens that were issued up to now are expired.
    Expire {
        /// Id or address of the user; everyone's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Unix seconds.
        #[serde(default, skip_deserializing)]
        before: i64,
    },
    /// A tenant's stream says `times` events that mean nothing.
    Chatter {
        /// Its id.
        tenant: String,
        /// How fast.
        per_second: u32,
    },
}

impl Effect {
    /// True for what happens to calls, which are named by a path.
    #[must_use]
    pub fn is_of_calls(&self) -> bool {
        use Effect::{Answer, Cut, CutAnswer, Delay, Lose, Revoke};
        matches!(self, Answer { .. } | Lose | Delay { .. } | Cut { .. } | CutAnswer { .. } | Revoke)
    }
}

/// A fault that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Names it.
    #[serde(default, skip_deserializing)]
    pub id: u64,
    /// The path of the call; `*` stands for one part of it, `**` at the end for all that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
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

impl Fault {
    /// A fault that is not of calls.
    #[must_use]
    pub fn new(effect: Effect, times: u32) -> Self {
        Self { id: 0, path: None, method: None, times, struck: 0, effect }
    }

    pub(super) fn is_meant(&self, method: &Method, path: &str) -> bool {
        self.times > 0
            && self.method.as_deref().is_none_or(|name| name == method.as_str())
            && self.path.as_deref().is_some_and(|pattern| matches(pattern, path))
    }

    pub(super) fn count(&mut self) {
        self.times = self.times.saturating_sub(1);
        self.struck += 1;
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) | (Some("**"), Some(_)) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return false,
        }
    }
}
