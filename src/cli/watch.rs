//! `tenantry watch`: what happens to a tenant, until it has come to rest.

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::events;
use super::exit::Exit;
use super::frame::{Failure, Output, Stream, Whom};
use crate::model::{Problem, ProvisioningEvent, Tenant, TenantState, TenantStatus};
use crate::ops::live::{self, Live};
use crate::ops::{Session, watch};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tenantry restart --yes && tenantry watch\n  tenantry watch --tenant orchard --follow --json\n\n\
    Exit code 0 where the tenant is ready or waits for a deploy, 1 where something failed. With --json, a line for every\n\
    event and one with the tenant's status at the end."
)]
pub(super) struct Arguments {
    /// Go on with every operation to come, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    whom: Whom,
    /// Print a JSON object per line, as with --json.
    #[arg(long, conflicts_with = "quiet")]
    events: bool,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    /// How the answer is given.
    pub(super) fn output(&self) -> Output {
        self.output.or_events(self.events)
    }
}

pub(super) async fn run(arguments: Arguments, stop: &CancellationToken) -> Result<Exit, Failure> {
    let output = arguments.output();
    let Arguments { follow: is_followed, whom, .. } = arguments;
    let (session, tenant) = whom.open().await?;
    if is_followed {
        return follow(&session, &tenant, output, stop).await;
    }
    let (sender, mut said) = mpsc::channel(16);
    let work = async {
        let sender = sender;
        watch::until_at_rest(&session, &tenant.id, &sender).await
    };
    let telling = async {
        let stream = Stream::new(output);
        while let Some(event) = said.recv().await {
            if !tell(&stream, &tenant, &event)? {
                break;
            }
        }
        Ok::<_, Problem>(())
    };
    tokio::select! {
        (status, told) = async { tokio::join!(work, telling) } => {
            told?;
            end(&tenant, &status?, output)
        }
        // Whoever reads only the beginning is not waited for; how it ends nobody wants to know.
        () = Stream::closed() => Ok(Exit::Done),
    }
}

fn tell(stream: &Stream, tenant: &Tenant, event: &ProvisioningEvent) -> Result<bool, Problem> {
    stream.line(&events::line(event, &TimeZone::system()), || events::object(tenant, event))
}

fn end(tenant: &Tenant, status: &TenantStatus, output: Output) -> Result<Exit, Failure> {
    let state = status.state();
    let document = json!({
        "tenant_id": tenant.id, "tenant_name": tenant.name, "state": state.word(), "url": status.app_url,
        "message": status.message,
    });
    let message = status.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    output.answer(&document, &format!("{} is {}{message}\n", tenant.name, state.word()))?;
    Ok(if state == TenantState::Failed { Exit::Failed } else { Exit::Done })
}

/// Ctrl-C is the way to end it, and no failure.
async fn follow(session: &Session, tenant: &Tenant, output: Output, stop: &CancellationToken) -> Result<Exit, Failure> {
    let (sender, mut said) = mpsc::channel(16);
    let work = async {
        let sender = sender;
        live::watch_tenant(session, &tenant.id, &sender).await;
    };
    let telling = async move {
        let stream = Stream::new(output);
        while let Some(said) = said.recv().await {
            match said {
                Live::Item(event) => {
                    if !tell(&stream, tenant, &event)? {
                        break;
                    }
                }
                Live::Interrupted { problem, .. } => {
                    crate::cli::note(&format!("the stream was interrupted: {problem}"));
                }
                Live::Failed(problem) => return Err(problem),
                Live::Connected => {}
                Live::Ended => break,
            }
        }
        Ok(())
    };
    tokio::select! {
        told = telling => told?,
        // What was said last is still to be told.
        never = async { work.await; std::future::pending().await } => never,
        () = Stream::closed() => {}
        () = stop.cancelled() => {}
    }
    Ok(Exit::Done)
}
