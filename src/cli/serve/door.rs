//! Under which addresses tenants answer.

use crate::model::Problem;
use crate::server::Settings;

/// See the module.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Tenants")]
pub(in crate::cli) struct DoorFlags {}

impl DoorFlags {
    /// Takes over what was given.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "nothing can be given yet")]
    pub(super) fn apply(self, _settings: &mut Settings) -> Result<(), Problem> {
        Ok(())
    }
}
