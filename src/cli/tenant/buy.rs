//! `tenantry tenant create --plan ...`: a tenant of the cloud. Prints the page to pay on, waits until it is paid and the
//! infrastructure is there, and tells every event on the way.

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;

use crate::cli::events;
use crate::cli::exit::Exit;
use crate::cli::frame::{Failure, Output, Place, Unlock, ask, print};
use crate::cli::{note, plans};
use crate::model::{
    CheckoutSession, EventKind, Plan, Problem, ProvisioningEvent, REGIONS, SessionId, Tenant, TenantId, text,
};
use crate::ops::live::{self, Live};
use crate::ops::{Call, Reply, Session, browser, checkout, kept_tenants, perform};

/// What is said of a purchase.
#[derive(Debug, Args)]
#[command(next_help_heading = "Of the cloud")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Purchase {
    /// Buy a tenant of the cloud; with --plan it goes without saying.
    #[arg(long, conflicts_with_all = ["local", "database_url", "image", "port"])]
    cloud: bool,
    /// The plan: its name, its id or its price. `tenantry plans` lists them.
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["local", "database_url", "image", "port"])]
    plan: Option<String>,
    /// Where it runs.
    #[arg(long, value_name = "REGION", value_parser = region, conflicts_with_all = ["local", "database_url", "image", "port"])]
    region: Option<String>,
    /// Print the page to pay on, and wait for nothing.
    #[arg(long)]
    no_wait: bool,
    /// Only print the page, and open no browser.
    #[arg(long)]
    no_browser: bool,
    /// How long to wait for the payment and the infrastructure.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait_limit: u64,
    /// Print a JSON object per event, one on each line.
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    events: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    unlock: Unlock,
}

fn region(raw: &str) -> Result<String, String> {
    let codes = || REGIONS.map(|region| region.code).join(", ");
    REGIONS.iter().find(|region| region.code == raw).map(|region| region.code.to_owned()).ok_or_else(codes)
}

impl Purchase {
    /// One of the cloud is meant.
    pub(super) fn want(&mut self) {
        self.cloud = true;
    }

    /// True where one of the cloud is meant.
    pub(super) fn is_wanted(&self) -> bool {
        self.cloud || self.plan.is_some() || self.region.is_some()
    }
}

pub(super) async fn run(purchase: &Purchase, name: Option<&str>, output: Output) -> Result<Exit, Failure> {
    let session = purchase.place.open().await?;
    purchase.unlock.may_change(&session, output).await?;
    let all = session.client().plans().await.map_err(|error| error.problem())?;
    let plan = plan(&all, purchase.plan.as_deref(), output).await?;
    let region = purchase.region.clone().unwrap_or_else(|| REGIONS[0].code.to_owned());
    let begun = checkout::start(&session, &plan.paddle_price_id, &region).await?;
    let teller = Teller { output, events: purchase.events };
    let url = text::line(&begun.checkout_url);
    teller.page(&url, plan, &region);
    let watched = begun.checkout_session_id.clone();
    if purchase.no_wait {
        teller.begun(&begun, &url, plan, &region)?;
        return Ok(Exit::Done);
    }
    let Some(watched) = watched else {
        return Err(Problem::new("The server named no checkout session.")
            .detail("It is too old to be watched.")
            .hint("Pay on the page, and look for the tenant: tenantry tenant list")
            .into());
    };
    if !purchase.no_browser
        && output.can_ask()
        && let Err(problem) = browser::open(&url).await
    {
        note(&problem.title);
    }
    let limit = Duration::from_secs(purchase.wait_limit);
    let id = match tokio::time::timeout(limit, until_there(&session, &watched, &teller)).await {
        Ok(id) => id?,
        Err(_) => {
            return Err(Problem::new("Nothing came within the limit.")
                .detail(format!("Waited {} s for the payment and the infrastructure.", limit.as_secs()))
                .hint(format!("The page stays open: {url}"))
                .into());
        }
    };
    let mut tenant = session.client().tenant(&id).await.map_err(|error| error.problem())?;
    kept_tenants::put(&session, &tenant).await;
    if let Some(name) = name {
        match perform(&session, Call::Rename { id, name: text::line(name) }).await {
            Ok(Reply::Tenant(renamed)) => tenant = *renamed,
            Ok(_) => {}
            // It is bought and there: whoever is told of a failure buys another one.
            Err(problem) => note(&format!("it keeps the name {}: {problem}", tenant.name)),
        }
    }
    teller.made(&tenant, &url)?;
    Ok(Exit::Done)
}

/// The plan that is meant; asked for where nobody said it and somebody can be asked.
async fn plan<'a>(all: &'a [Plan], wanted: Option<&str>, output: Output) -> Result<&'a Plan, Failure> {
    match (wanted, all) {
        (_, []) => Err(Problem::new("No plan is offered.").hint("Ask whoever runs this Management API.").into()),
        (Some(wanted), all) => Ok(plans::named(all, wanted)?),
        (None, [one]) => Ok(one),
        (None, all) if output.can_ask() => {
            let typed = ask::word(format!("Which plan ({})?", plans::names(all))).await?;
            Ok(plans::named(all, &typed)?)
        }
        (None, all) => Err(Failure::Usage(
            Problem::new("It is not said which plan.")
                .detail(format!("There are {}.", plans::names(all)))
                .hint("Say it: --plan <plan>"),
        )),
    }
}

/// Tells what the checkout's stream says, until the infrastructure is there.
async fn until_there(session: &Session, watched: &SessionId, teller: &Teller) -> Result<TenantId, Problem> {
    let (sender, mut said) = mpsc::channel(16);
    let work = async {
        let sender = sender;
        live::watch_checkout(session, watched, &sender).await;
    };
    let telling = async move {
        while let Some(said) = said.recv().await {
            match said {
                Live::Item(event) => {
                    teller.event(&event);
                    match (&event.event_type, event.tenant_id) {
                        (EventKind::InfrastructureReady | EventKind::TenantReady, Some(id)) => return Ok(id),
                        (EventKind::ProvisioningFailed, id) => return Err(failed(id.as_ref(), event.message)),
                        _ => {}
                    }
                }
                Live::Interrupted { problem, .. } => note(&format!("the stream was interrupted: {problem}")),
                Live::Failed(problem) => return Err(problem),
                Live::Connected => {}
                Live::Ended => break,
            }
        }
        Err(Problem::new("The events ended before the infrastructure was ready.")
            .hint("Look how it stands: tenantry tenant list"))
    };
    tokio::select! {
        ended = telling => ended,
        // What was said last is still to be told.
        never = async { work.await; std::future::pending().await } => never,
    }
}

fn failed(id: Option<&TenantId>, message: Option<String>) -> Problem {
    let problem = Problem::new("Provisioning failed.").detail(message.unwrap_or_default());
    match id {
        Some(id) => problem.hint(format!("Try again what failed: tenantry tenant retry {id}")),
        None => problem,
    }
}

/// Tells a purchase.
struct Teller {
    output: Output,
    events: bool,
}

impl Teller {
    fn page(&self, url: &str, plan: &Plan, region: &str) {
        if self.events || self.output.json() || self.output.quiet() {
            // A person has to pay, whoever reads standard output.
            note(&format!("pay for {} in {region} here: {url}", plan.name));
        } else {
            self.output.say(&format!("{} in {region}. Pay here:\n\n  {url}\n", plan.name));
        }
    }

    fn event(&self, event: &ProvisioningEvent) {
        if self.events {
            let _ = print(&format!("{}\n", events::object(event)));
        } else {
            self.output.say(&events::line(event, &TimeZone::system()));
        }
    }

    fn begun(&self, begun: &CheckoutSession, url: &str, plan: &Plan, region: &str) -> Result<(), Problem> {
        let document = json!({
            "checkout_url": url, "checkout_session_id": begun.checkout_session_id, "plan": plan.name, "region": region,
        });
        if self.events {
            return print(&format!("{document}\n"));
        }
        self.output.answer(&document, "The tenant comes into being once it is paid: tenantry tenant list\n")
    }

    fn made(&self, tenant: &Tenant, url: &str) -> Result<(), Problem> {
        let state = tenant.state().word();
        let document = json!({ "tenant": tenant, "state": state, "checkout_url": url });
        if self.events {
            return print(&format!("{document}\n"));
        }
        let name = &tenant.name;
        self.output.answer(
            &document,
            &format!(
                "\n{name} is there: {state}, id {}.\nNext:\n  tenantry tenant credentials {name:?}   fetch the credentials of its \
                 database, once\n  tenantry deploy --tenant {name:?}\n",
                tenant.id
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_one_of_those_on_offer() {
        assert_eq!(region("fra"), Ok("fra".to_owned()));
        assert!(region("xyz").is_err_and(|words| words.contains("iad")));
    }

    #[tokio::test]
    async fn without_a_plan_the_only_one_is_meant() {
        let plan_of = |name: &str| Plan {
            id: name.into(),
            name: name.into(),
            paddle_price_id: "p".into(),
            memory_mb_default: 0,
            volume_gb: 0,
            max_tenants: None,
        };
        let (one, two) = ([plan_of("a")], [plan_of("a"), plan_of("b")]);
        assert_eq!(plan(&one, None, Output::default()).await.expect("the only one").name, "a");
        assert!(matches!(plan(&two, None, Output::default()).await, Err(Failure::Usage(_))));
        assert!(matches!(plan(&[], None, Output::default()).await, Err(Failure::Problem(_))));
    }
}
