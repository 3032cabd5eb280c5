//! `tenantry restart`: a tenant's machine, started again.

use clap::Args;

use super::change::perform_and_tell;
use super::exit::Exit;
use super::frame::{Consent, Failure, Output, Whom};
use crate::ops::Call;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tenantry restart --tenant orchard --yes")]
pub(super) struct Arguments {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { whom, consent, output } = arguments;
    let (session, tenant) = whom.open().await?;
    consent.ask(&session, output, format!("Restart {}? It is away for a moment.", tenant.name)).await?;
    perform_and_tell(&session, &tenant, Call::Restart(tenant.id.clone()), output).await
}
