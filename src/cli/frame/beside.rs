//! What a command tells beside its answer, once: that the login ends soon.

use jiff::Timestamp;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::note;
use crate::ops::login::Validity;
use crate::telling::format;

/// Nothing is told, or nothing any more.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// Tells nothing beside where the words of the command line want an answer alone.
pub(in crate::cli) fn silent_where_wanted(words: &[OsString]) {
    let options = words.iter().take_while(|word| *word != "--");
    if options.into_iter().any(|word| ["--quiet", "--json", "--events"].iter().any(|wanted| word == wanted)) {
        IS_SILENT.store(true, Ordering::Relaxed);
    }
}

/// Tells of a login that ends within the hour.
pub(in crate::cli) fn tell_end(expires_at: Option<Timestamp>) {
    if let Some(words) = ends_soon(expires_at, Timestamp::now())
        && !IS_SILENT.swap(true, Ordering::Relaxed)
    {
        note(&words);
    }
}

fn ends_soon(expires_at: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let end = expires_at.filter(|end| Validity::of(Some(*end), now) == Validity::Expiring)?;
    let left = format::estimate(end.duration_since(now).unsigned_abs());
    Some(format!("your login ends in {left}; log in again soon: tenantry login"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hour_alone_is_worth_a_word() {
        let now = Timestamp::from_second(1_795_176_000).expect("a time");
        let after = |seconds| Some(now + jiff::SignedDuration::from_secs(seconds));
        assert_eq!(
            ends_soon(after(2580), now).as_deref(),
            Some("your login ends in 43 min; log in again soon: tenantry login")
        );
        for end in [None, after(-1), after(3601)] {
            assert_eq!(ends_soon(end, now), None, "{end:?}");
        }
    }
}
