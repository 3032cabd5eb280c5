//! What a login that was over broke off: asks whether to log in and to go on, where there is somebody to ask. Never for
//! scripts, whose standard input may have been read, and never for what must not be begun twice.

use clap::{ArgMatches, CommandFactory as _};
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

use super::arguments::Arguments;
use super::frame::{ask, project};
use crate::model::Problem;
use crate::ops::login::{Seat, Wanted};

/// Commands that are about the login itself, or need none.
const NEVER: [&str; 8] = ["login", "logout", "whoami", "auth", "serve", "demo", "completions", "man"];
/// Switches that only scripts use, or that want nothing asked.
const UNASKED: [&str; 4] = ["json", "events", "quiet", "non_interactive"];

/// The command has begun what must not be begun twice.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// From here on the command is not done again: what it began goes on without it.
pub(super) fn not_again() {
    BEGUN.store(true, Ordering::Relaxed);
}

/// Where somebody can log in to go on with the command of `words`; `None` where that is not offered.
pub(super) async fn seat(words: &[OsString]) -> Option<Seat> {
    if BEGUN.load(Ordering::Relaxed) || !ask::can_ask(false) {
        return None;
    }
    let context = offered(words)?;
    let seat = Seat::of_user(project().ok(), Wanted { context, base: None }).await.ok()?;
    // A token of the environment is nobody's to change.
    seat.can_log_in().is_ok().then_some(seat)
}

/// Asks.
pub(super) async fn go_on() -> Result<bool, Problem> {
    ask::yes("Log in and go on?".to_owned()).await
}

/// The context that the command works in, where it is one that can be gone on with: `Some(None)` for the usual one.
fn offered(words: &[OsString]) -> Option<Option<String>> {
    let mut matches = Arguments::command().try_get_matches_from(words).ok()?;
    let (first, below) = matches.remove_subcommand()?;
    matches = below;
    while let Some((_, below)) = matches.remove_subcommand() {
        matches = below;
    }
    let is_unasked = UNASKED.iter().any(|switch| is_set(&matches, switch));
    if is_unasked || NEVER.contains(&first.as_str()) {
        return None;
    }
    Some(matches.try_get_one::<String>("context").ok().flatten().cloned())
}

fn is_set(matches: &ArgMatches, switch: &str) -> bool {
    matches.try_get_one::<bool>(switch).ok().flatten().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_offered_to_go_on_and_scripts_are_not() {
        let offered = |words: &str| offered(&words.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(offered("tenantry plans"), Some(None));
        assert_eq!(offered("tenantry tenant suspend orchard --context staging"), Some(Some("staging".into())));
        assert_eq!(offered("tenantry deploy --plain"), Some(None));
        for words in [
            "tenantry",
            "tenantry plans --json",
            "tenantry deploy --events",
            "tenantry tenant list --quiet",
            "tenantry restart --non-interactive",
            "tenantry login",
            "tenantry auth whoami",
            "tenantry nonsense",
        ] {
            assert_eq!(offered(words), None, "{words}");
        }
    }
}
