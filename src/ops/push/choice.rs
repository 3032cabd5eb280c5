//! Who pushes: the engine, or this program.
//!
//! The engine compresses on one core, and skips what the registry has. This program compresses on all cores, and reads
//! the whole image out of the engine first. So it is the faster one where much must be pushed, and where most of what is
//! read must be pushed.

use crate::engine::{Engine, ImageLayers};

use super::destination::Destination;

/// The least that must be pushed, bytes: below that both are done within a second.
const WORTH_IT: u64 = 24 * 1024 * 1024;

/// Who shall push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pusher {
    /// Whoever is faster.
    #[default]
    Automatic,
    /// The engine.
    Engine,
    /// This program.
    Tenantry,
}

/// True where this program is expected to be the faster one for an engine on this machine.
pub(super) fn own_is_faster(engine: &Engine, layers: &ImageLayers, destinations: &[Destination]) -> bool {
    let known = destinations
        .iter()
        .filter(|one| one.is_open())
        .map(|one| layers.diff_ids.iter().take_while(|diff_id| one.known.contains_key(diff_id)).count());
    engine.is_local() && pays(layers.size_above(known.min().unwrap_or(0)), layers.size())
}

fn pays(to_push: u64, in_all: u64) -> bool {
    to_push >= WORTH_IT && to_push.saturating_mul(2) >= in_all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_pays_where_much_is_pushed_and_little_read_in_vain() {
        const MIB: u64 = 1024 * 1024;
        assert!(pays(200 * MIB, 200 * MIB));
        assert!(pays(200 * MIB, 400 * MIB));
        assert!(!pays(200 * MIB, 500 * MIB));
        assert!(!pays(10 * MIB, 10 * MIB));
        assert!(!pays(0, 0));
    }
}
