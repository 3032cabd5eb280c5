//! Failures on demand, so that tests can see what happens after each of them. Off unless asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Which steps fail, and how often. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    armed: Arc<Mutex<HashMap<String, u32>>>,
}

impl Faults {
    /// Lets the named step fail the next `times` times.
    pub fn fail(&self, step: &str, times: u32) {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).insert(step.to_owned(), times);
    }

    /// True when the step has to fail now; counts down.
    #[must_use]
    pub fn strike(&self, step: &str) -> bool {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        match armed.get_mut(step) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
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
}
