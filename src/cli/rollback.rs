//! `tenantry rollback`: an image that ran before, deployed again and shown until its end.

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::deploy::{named, unless_stopped};
use super::exit::Exit;
use super::frame::{self, Consent, Whom};
use super::progress::{self, Output};
use crate::ops::deploy;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many versions to go back, or the beginning of a deploy's id or digest as `tenantry history` shows it; the
    /// version before the one that runs where it is left out.
    #[arg(value_name = "N|ID")]
    to: Option<String>,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: Output,
}

/// Rolls back, and tells it.
pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    let mode = arguments.output.mode_here();
    let prepared = async {
        frame::project()?;
        let (session, tenant) = arguments.whom.open().await?;
        arguments.consent.may_change(&session, arguments.output.asks()).await?;
        Ok((session, tenant))
    };
    let (session, tenant) = match unless_stopped(&stop, prepared).await {
        Ok(prepared) => prepared,
        Err(failure) => return progress::not_begun(mode, &failure),
    };
    let shown = progress::shown(mode, std::slice::from_ref(&tenant), false);
    let (session, id, to) = (&session, &tenant.id, arguments.to.as_deref());
    progress::watch(mode, shown, stop, |sender, cancel| async move {
        let work = |own| {
            let cancel = &cancel;
            async move { deploy::roll_back(session, id, to, &own, cancel).await }
        };
        let result = named(id, &sender, work).await;
        vec![(id.clone(), result.map(Some))]
    })
    .await
}
