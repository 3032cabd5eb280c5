//! `tenantry subscription`: what is paid for a tenant, and another plan.

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::Exit;
use super::frame::{Consent, Failure, Output, Whom, fields};
use super::plans;
use crate::model::text;
use crate::ops::{Call, Reply, perform};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what is paid for a tenant, and until when.
    #[command(after_help = "Example:\n  tenantry subscription show --tenant orchard")]
    Show(Show),
    /// Begin to buy another plan: prints the page to pay on. Nothing changes before it is paid.
    #[command(after_help = "Example:\n  tenantry subscription change Pro --tenant orchard")]
    Change(Change),
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Change {
    /// The plan: its name, its id or its price.
    plan: String,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    /// How the answer is given.
    pub(super) fn output(&self) -> Output {
        match &self.command {
            Command::Show(show) => show.output,
            Command::Change(change) => change.output,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Show(show) => of(show).await,
        Command::Change(wanted) => change(wanted).await,
    }
}

async fn of(Show { whom, output }: Show) -> Result<Exit, Failure> {
    let (session, tenant) = whom.open().await?;
    let Reply::Subscription(found) = perform(&session, Call::Subscription(tenant.id.clone())).await? else {
        return Ok(Exit::Done);
    };
    let plan = found.plan.as_ref().map(|plan| format!("{}, {} MB, {} GB", plan.name, plan.memory_mb, plan.volume_gb));
    let ends = if found.cancel_at_period_end { "ends" } else { "paid until" };
    let told = fields([
        ("tenant", Some(tenant.name.clone())),
        ("status", Some(found.status.clone())),
        ("plan", plan),
        ("since", found.current_period_start.clone()),
        (ends, found.current_period_end.clone()),
        ("page", found.management_url.clone()),
    ]);
    let document = json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "subscription": found });
    output.answer(&document, &told)?;
    Ok(Exit::Done)
}

async fn change(Change { plan, whom, consent, output }: Change) -> Result<Exit, Failure> {
    let (session, tenant) = whom.open().await?;
    consent.may_change(&session, output).await?;
    let all = session.client().plans().await.map_err(|error| error.problem())?;
    let plan = plans::named(&all, &plan)?;
    let call = Call::ChangePlan { id: tenant.id.clone(), price_id: plan.paddle_price_id.clone() };
    let Reply::Checkout(checkout) = perform(&session, call).await? else { return Ok(Exit::Done) };
    let url = text::line(&checkout.checkout_url);
    let message = format!("Nothing changes before {} is paid there.", plan.name);
    let document = json!({
        "tenant_id": tenant.id, "tenant_name": tenant.name, "plan": plan.name, "checkout_url": url,
        "checkout_session_id": checkout.checkout_session_id, "message": message,
    });
    output.answer(&document, &format!("{url}\n{message}\n"))?;
    Ok(Exit::Done)
}
