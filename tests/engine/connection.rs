//! The engine is found and says what it is.

use crate::support::trial;
use libtest_mimic::Trial;
use tenantry::engine::Engine;

pub fn trials() -> Vec<Trial> {
    vec![trial("connection::the_engine_of_the_environment_is_found", || async {
        let engine = Engine::connect()?;
        assert!(!engine.name().is_empty());
        Ok(())
    })]
}
