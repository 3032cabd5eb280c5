//! How machines are measured.

use std::time::Duration;

use crate::server::Settings;

/// See the module.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Operations")]
pub(in crate::cli) struct UsageFlags {
    /// Seconds between two looks at what each machine uses [default: 15]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "TENANTRY_METRICS_INTERVAL",
        value_parser = clap::value_parser!(u64).range(1..=300)
    )]
    metrics_interval: Option<u64>,
}

impl UsageFlags {
    /// Takes over what was given.
    pub(super) fn apply(self, settings: &mut Settings) {
        if let Some(seconds) = self.metrics_interval {
            settings.usage.interval = Duration::from_secs(seconds);
        }
    }
}
