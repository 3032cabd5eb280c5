//! `tenantry rollback`: an image that ran before, deployed again and shown until its end.

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::deploy::{named, open, unless_stopped};
use super::exit::Exit;
use super::progress::{self, Output};
use crate::model::Problem;
use crate::ops::{deploy, tenants};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many versions to go back, or the beginning of a deploy's id or digest as `tenantry history` shows it; the
    /// version before the one that runs where it is left out.
    #[arg(value_name = "N|ID")]
    to: Option<String>,
    /// The tenant: its id or its name. May be left out where there is only one.
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Rolls back, and tells it.
pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Result<Exit, Problem> {
    let mode = arguments.output.mode_here();
    let prepared = async {
        let session = open().await?;
        let tenant = tenants::resolve(&session, arguments.tenant.as_deref()).await?;
        Ok((session, tenant))
    };
    let (session, tenant) = match unless_stopped(&stop, prepared).await {
        Ok(prepared) => prepared,
        Err(problem) => return progress::not_begun(mode, problem),
    };
    let shown = progress::shown(mode, std::slice::from_ref(&tenant), false);
    let (session, id, to) = (&session, &tenant.id, arguments.to.as_deref());
    progress::watch(shown, stop, |sender, cancel| async move {
        let work = |own| {
            let cancel = &cancel;
            async move { deploy::roll_back(session, id, to, &own, cancel).await }
        };
        let result = named(id, &sender, work).await;
        vec![(id.clone(), result.map(Some))]
    })
    .await
}
