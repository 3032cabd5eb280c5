//! What a command takes that it has no use for: whoever says the same options to every command is understood by all.

use clap::Args;

/// `--context` of a command that works on this machine alone.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Nowhere {
    /// Taken like everywhere; what is on this machine alone is in no context.
    #[arg(long, value_name = "NAME", hide_short_help = true, add = crate::cli::complete::contexts())]
    #[allow(dead_code, reason = "there is nothing that it could change")]
    context: Option<String>,
}

/// `--yes` of a command that changes something and asks nothing.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Consent")]
pub(in crate::cli) struct Unasked {
    /// Taken like everywhere; nothing is asked here.
    #[arg(short, long, hide_short_help = true)]
    #[allow(dead_code, reason = "there is no question")]
    yes: bool,
}
