//! What is said also to somebody who does not look: the end of what takes long. Whether anybody is told, and how, is
//! decided outside, where it is known who looks.

use std::time::Duration;

use crate::model::Problem;
use crate::tui::app::Shared;
use crate::tui::effect::Effect;
use crate::tui::format;
use crate::tui::outside::Errand;

/// A deploy has ended.
pub(super) fn deploy(shared: &mut Shared, name: &str, failed: Option<&Problem>, took: Duration) -> Effect {
    let (title, body) = match failed {
        None => (format!("{name} is deployed"), format!("in {}", format::estimate(took))),
        Some(problem) => (format!("The deploy of {name} did not finish"), problem.title.clone()),
    };
    shared.errand(Errand::Notify { title, body, took })
}

/// A rotation has ended.
pub(super) fn rotation(shared: &mut Shared, name: &str, failed: Option<&Problem>, took: Duration) -> Effect {
    let (title, body) = match failed {
        None => (format!("The credentials of {name} are new"), "Those before no longer work.".to_owned()),
        Some(problem) => (format!("The credentials of {name} were not rotated"), problem.title.clone()),
    };
    shared.errand(Errand::Notify { title, body, took })
}
