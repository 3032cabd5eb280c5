//! `tenantry open`: a tenant's address in the browser, or printed.

use clap::Args;

use super::exit::Exit;
use super::frame::{Failure, Output, Whom};
use super::note;
use crate::model::Problem;
use crate::ops::browser;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tenantry open --tenant orchard\n  curl \"$(tenantry open --print)\"")]
pub(super) struct Arguments {
    /// Only print the address.
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { print, whom, output } = arguments;
    let (session, tenant) = whom.open().await?;
    // The list may leave it out.
    let record = session.client().tenant(&tenant.id).await.map_err(|error| error.problem())?;
    let host = || record.hostname.as_ref().map(|host| format!("https://{host}"));
    let Some(url) = record.app_url.clone().or_else(host) else {
        return Err(Problem::new(format!("{} has no address yet.", tenant.name))
            .hint("It gets one with its first deploy: tenantry deploy")
            .into());
    };
    let opened = if print { None } else { Some(browser::open(&url).await) };
    if let Some(Err(problem)) = &opened {
        note(&problem.title);
    }
    let is_open = matches!(opened, Some(Ok(())));
    let document =
        serde_json::json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "url": url, "opened": is_open });
    output.answer(&document, &format!("{url}\n"))?;
    Ok(Exit::Done)
}
