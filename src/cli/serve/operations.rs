//! Limits, logs and figures.

use crate::model::Problem;
use crate::server::Settings;

/// See the module.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Operations")]
pub(in crate::cli) struct OperationFlags {}

impl OperationFlags {
    /// Takes over what was given.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "nothing can be given yet")]
    pub(super) fn apply(self, _settings: &mut Settings) -> Result<(), Problem> {
        Ok(())
    }
}
