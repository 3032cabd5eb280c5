//! `tenantry tenant create --plan ...`: a tenant of the cloud. Prints the page to pay on, waits until it is paid and the
//! infrastructure is there, and tells every event on the way.

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;

use crate::cli::again::not_again;
use crate::cli::events;
use crate::cli::exit::Exit;
use crate::cli::frame::{Failure, Output, Place, Unlock, ask, print_json};
use crate::cli::{note, plans};
use crate::model::{CheckoutSession, Plan, Problem, ProvisioningEvent, REGIONS, Tenant, TenantId, text};
use crate::ops::checkout::{self, News, Wait};
use crate::ops::{Call, Reply, Session, browser, kept_tenants, perform};

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
    #[arg(long, value_name = "REGION", value_parser = region, add = crate::cli::complete::regions(), conflicts_with_all = ["local", "database_url", "image", "port"])]
    region: Option<String>,
    /// Let its database be reached from outside, once it is there.
    #[arg(long, conflicts_with_all = ["no_wait", "local", "database_url", "image", "port"])]
    external_access: bool,
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

    /// True where every event is a line of JSON.
    pub(super) fn has_events(&self) -> bool {
        self.events
    }

    /// True where one of the cloud is meant.
    pub(super) fn is_wanted(&self) -> bool {
        self.cloud || self.plan.is_some() || self.region.is_some()
    }
}

pub(super) async fn run(purchase: &Purchase, name: Option<&str>, output: Output) -> Result<Exit, Failure> {
    let session = purchase.place.open().await?;
    purchase.unlock.may_change(&session, output).await?;
    let Reply::Plans(all) = perform(&session, Call::Plans).await? else { return Ok(Exit::Done) };
    let plan = plan(&all, purchase.plan.as_deref(), output).await?;
    let region = purchase.region.clone().unwrap_or_else(|| REGIONS[0].code.to_owned());
    let wait = Wait::prepare(&session, &region).await?;
    let begun = checkout::start(&session, &plan.paddle_price_id, &region).await?;
    // Once more would be another purchase.
    not_again();
    let teller = Teller { output, events: purchase.events };
    let url = text::line(&begun.checkout_url);
    teller.page(&url, plan, &region);
    if purchase.no_wait {
        teller.begun(&begun, &url, plan, &region)?;
        return Ok(Exit::Done);
    }
    if !purchase.no_browser
        && output.can_ask()
        && let Err(problem) = browser::open(&url).await
    {
        note(&problem.title);
    }
    let limit = Duration::from_secs(purchase.wait_limit);
    let wait = wait.of(&begun);
    let id = match tokio::time::timeout(limit, until_there(&session, &wait, &teller)).await {
        Ok(id) => id?,
        Err(_) => return Err(late(limit, &wait, &url).into()),
    };
    let name = name.filter(|name| {
        let is_sure = wait.is_sure();
        if !is_sure {
            note(&unsure(&format!("tenantry tenant edit {id} --name {}", shell_words::quote(&text::line(name)))));
        }
        is_sure
    });
    if purchase.external_access {
        if wait.is_sure() {
            open_database(&session, &id).await;
        } else {
            note(&unsure(&format!("tenantry tenant external-access on {id}")));
        }
    }
    let record = match name {
        Some(name) => match perform(&session, Call::Rename { id: id.clone(), name: text::line(name) }).await {
            Ok(Reply::Tenant(renamed)) => Ok(*renamed),
            Ok(_) => record(&session, &id).await,
            // It is bought and there: whoever is told of a failure buys another one.
            Err(problem) => {
                note(&format!("it keeps the name that the platform gave it: {problem}"));
                record(&session, &id).await
            }
        },
        None => record(&session, &id).await,
    };
    match record {
        Ok(tenant) => teller.made(&tenant, &url)?,
        Err(problem) => teller.made_unseen(&id, &problem, &url)?,
    }
    Ok(Exit::Done)
}

async fn record(session: &Session, id: &TenantId) -> Result<Tenant, Problem> {
    match perform(session, Call::Tenant(id.clone())).await? {
        Reply::Tenant(tenant) => {
            kept_tenants::put(session, &tenant).await;
            Ok(*tenant)
        }
        _ => Err(Problem::new("The server did not say how it stands.")),
    }
}

fn late(limit: Duration, wait: &Wait, url: &str) -> Problem {
    let problem = Problem::new("Nothing came within the limit.");
    let seconds = limit.as_secs();
    match wait.tenant() {
        Some(id) => problem
            .detail(format!("Waited {seconds} s. It is paid; the infrastructure is not there yet."))
            .hint(format!("Go on waiting: tenantry watch --tenant {id}")),
        None => problem
            .detail(format!("Waited {seconds} s for the payment and the infrastructure."))
            .hint(format!("The page stays open: {url}")),
    }
}

/// Why something that was asked for is left to the person: it could be done to somebody else's tenant.
fn unsure(command: &str) -> String {
    format!("the server did not say which tenant was bought; look whether it is this one, then: {command}")
}

/// Lets the new database be reached from outside. The tenant is bought and there: whoever is told of a failure buys another one.
async fn open_database(session: &Session, id: &TenantId) {
    let call = Call::ExternalAccess { id: id.clone(), enabled: true };
    if let Err(problem) = Box::pin(perform(session, call)).await {
        note(&format!(
            "its database is not reached from outside: {problem}; `tenantry tenant external-access on` does it"
        ));
    }
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

/// Tells what happens, until the infrastructure is there.
async fn until_there(session: &Session, wait: &Wait, teller: &Teller) -> Result<TenantId, Problem> {
    let (sender, mut said) = mpsc::channel(16);
    let work = async {
        let sender = sender;
        wait.until_there(session, &sender).await
    };
    let telling = async {
        while let Some(said) = said.recv().await {
            match said {
                News::Event(event) => teller.event(&event),
                News::Interrupted(problem) => note(&format!("the stream was interrupted: {problem}")),
                News::Lost(problem) => {
                    note(&format!("the stream is lost for now, and how it stands is asked for instead: {problem}"));
                }
            }
        }
    };
    let (ended, ()) = tokio::join!(work, telling);
    ended
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
            let _ = print_json(event);
        } else {
            self.output.say(&events::line(event, &TimeZone::system()));
        }
    }

    fn begun(&self, begun: &CheckoutSession, url: &str, plan: &Plan, region: &str) -> Result<(), Problem> {
        let document = json!({
            "checkout_url": url, "checkout_session_id": begun.checkout_session_id, "plan": plan.name, "region": region,
        });
        if self.events {
            return print_json(&document);
        }
        self.output.answer(&document, "The tenant comes into being once it is paid: tenantry tenant list\n")
    }

    fn made(&self, tenant: &Tenant, url: &str) -> Result<(), Problem> {
        let state = tenant.state().word();
        let document = json!({ "tenant": tenant, "state": state, "checkout_url": url });
        if self.events {
            return print_json(&document);
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

    /// It is there, and its record cannot be read now.
    fn made_unseen(&self, id: &TenantId, problem: &Problem, url: &str) -> Result<(), Problem> {
        note(&format!("it is there, but what it is like cannot be read now: {problem}"));
        let document = json!({ "tenant": { "id": id }, "state": null, "checkout_url": url, "warning": problem });
        if self.events {
            return print_json(&document);
        }
        self.output.answer(&document, &format!("\nIt is there, id {id}.\nNext:\n  tenantry tenant show {id}\n"))
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
            ..Plan::default()
        };
        let (one, two) = ([plan_of("a")], [plan_of("a"), plan_of("b")]);
        assert_eq!(plan(&one, None, Output::default()).await.expect("the only one").name, "a");
        assert!(matches!(plan(&two, None, Output::default()).await, Err(Failure::Usage(_))));
        assert!(matches!(plan(&[], None, Output::default()).await, Err(Failure::Problem(_))));
    }
}
