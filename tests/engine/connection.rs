//! The engine is found and says what it is.

use crate::support::trial;
use libtest_mimic::Trial;
use tenantry::engine::Engine;

pub fn trials() -> Vec<Trial> {
    vec![trial("connection::the_engine_of_the_environment_says_what_it_is", || async {
        let engine = Engine::connect()?;
        assert!(!engine.name().is_empty() && !engine.reason().is_empty());
        assert!(engine.host().contains("://"), "{}", engine.host());
        let info = engine.ping().await?;
        assert!(!info.name.is_empty());
        assert!(info.version.starts_with(|c: char| c.is_ascii_digit()), "{info:?}");
        assert!(info.api_version.starts_with("1."), "{info:?}");
        assert!(info.platform.starts_with("linux/"), "{info:?}");
        Ok(())
    })]
}
