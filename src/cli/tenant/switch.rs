//! `tenantry tenant suspend`, `activate`, `retry` and `scale`: one call each, told in a sentence.

use clap::Args;

use super::choice::named_or_chosen;
use crate::cli::change::{self, perform_and_tell};
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Consent, Failure, Named, Output, Place};
use crate::ops::{Call, Reply, perform};

#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Scale {
    /// MB of memory, up to what the plan has.
    #[arg(long, value_name = "MB", value_parser = memory)]
    memory: u32,
    #[command(flatten)]
    pub(super) asked: Asked,
}

fn memory(raw: &str) -> Result<u32, String> {
    raw.parse().ok().filter(|mb| [256, 512, 1024, 2048].contains(mb)).ok_or_else(|| "256, 512, 1024 or 2048".to_owned())
}

pub(super) async fn suspend(Asked { named, consent, output }: Asked) -> Result<Exit, Failure> {
    let (session, tenant) = named.open().await?;
    let question = format!("Suspend {}? Its machine stops; its data stays.", tenant.name);
    consent.ask(&session, output, question).await?;
    perform_and_tell(&session, &tenant, Call::Suspend(tenant.id.clone()), output).await
}

pub(super) async fn activate(Asked { named, consent, output }: Asked) -> Result<Exit, Failure> {
    let (session, tenant) = named.open().await?;
    let question = format!("Activate {}? It starts again, and billing goes on.", tenant.name);
    consent.ask(&session, output, question).await?;
    perform_and_tell(&session, &tenant, Call::Activate(tenant.id.clone()), output).await
}

pub(super) async fn retry(Asked { named, consent, output }: Asked) -> Result<Exit, Failure> {
    let (session, tenant) = named.open().await?;
    let question = format!("Provision {} again? What was half made is removed; its data stays.", tenant.name);
    consent.ask(&session, output, question).await?;
    perform_and_tell(&session, &tenant, Call::RetryProvision(tenant.id.clone()), output).await
}

pub(super) async fn scale(Scale { memory, asked }: Scale) -> Result<Exit, Failure> {
    let Asked { named, consent, output } = asked;
    let (session, tenant) = named.open().await?;
    let question = format!("Give the machine of {} {memory} MB? One that runs starts again.", tenant.name);
    consent.ask(&session, output, question).await?;
    let call = Call::ScaleMemory { id: tenant.id.clone(), memory_mb: memory };
    let Reply::Tenant(now) = perform(&session, call).await? else { return Ok(Exit::Done) };
    let memory_mb = now.memory_mb.unwrap_or(memory);
    let message = format!("Its machine has {memory_mb} MB now.");
    let document = serde_json::json!({
        "tenant_id": tenant.id, "tenant_name": tenant.name, "memory_mb": memory_mb, "message": message,
    });
    output.answer(&document, &format!("{}: {message}\n", tenant.name))?;
    Ok(Exit::Done)
}

#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The tenant: its id or its name; with a question the beginning of one is enough. At a terminal it may be left out, and
    /// is asked for.
    #[arg(value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn cancel(Cancel { tenant: wanted, place, consent, output }: Cancel) -> Result<Exit, Failure> {
    // What is done unasked is done to what was named.
    let asked = if consent.is_given() { output.unasked() } else { output };
    let wanted = named_or_chosen(&frame::project()?, &place, wanted, asked).await?;
    let session = place.open().await?;
    let tenant = crate::ops::tenants::resolve(&session, Some(&wanted)).await?;
    let name = &tenant.name;
    if consent.is_given() {
        super::whole(&wanted, name, &tenant.id)?;
    }
    let question = format!(
        "The subscription of {name} ({}) ends at once. Its machine, its volume, its database and its secrets are destroyed, \
         and nothing brings them back.",
        tenant.id
    );
    consent.ask_name(&session, output, &question, name).await?;
    // Afterwards nobody knows it any more. It is worth no failure.
    let page = match perform(&session, Call::Subscription(tenant.id.clone())).await {
        Ok(Reply::Subscription(paid)) => paid.management_url,
        _ => None,
    };
    let reply = Box::pin(perform(&session, Call::CancelSubscription(tenant.id.clone()))).await?;
    change::tell(&tenant, &reply, serde_json::json!({ "management_url": page }), output)?;
    if let Some(page) = page {
        output.say(&format!("What was paid: {page}"));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_in_sizes() {
        assert_eq!(memory("512"), Ok(512));
        assert!(memory("300").is_err() && memory("much").is_err());
    }
}
