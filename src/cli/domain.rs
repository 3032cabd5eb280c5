//! `tenantry domain`: a tenant's own domain, and the DNS record that it needs.

use clap::{Args, Subcommand};
use serde_json::json;

use super::change::perform_and_tell;
use super::exit::Exit;
use super::frame::{Consent, Failure, Output, Whom, fields};
use crate::model::{CustomDomain, Tenant};
use crate::ops::{Call, Reply, perform};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Give a tenant a domain of its own, and say which DNS record that needs.
    #[command(after_help = "Example:\n  tenantry domain set app.orchard.example --tenant orchard")]
    Set(Set),
    /// Show the domain, and whether its record was seen.
    #[command(alias = "show", after_help = "Example:\n  tenantry domain status --json")]
    Status(Status),
    /// Take the domain away.
    #[command(after_help = "Example:\n  tenantry domain remove --yes")]
    Remove(Remove),
}

#[derive(Debug, Args)]
struct Set {
    /// The domain, as in app.orchard.example.
    domain: String,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Status {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Remove {
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
            Command::Set(set) => set.output,
            Command::Status(status) => status.output,
            Command::Remove(remove) => remove.output,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Set(Set { domain, whom, consent, output }) => {
            let (session, tenant) = whom.open().await?;
            consent.may_change(&session, output).await?;
            show(&tenant, perform(&session, Call::SetDomain { id: tenant.id.clone(), domain }).await?, output)
        }
        Command::Status(Status { whom, output }) => {
            let (session, tenant) = whom.open().await?;
            show(&tenant, perform(&session, Call::Domain(tenant.id.clone())).await?, output)
        }
        Command::Remove(Remove { whom, consent, output }) => {
            let (session, tenant) = whom.open().await?;
            consent.ask(&session, output, format!("Take the domain of {} away?", tenant.name)).await?;
            perform_and_tell(&session, &tenant, Call::RemoveDomain(tenant.id.clone()), output).await
        }
    }
}

fn show(tenant: &Tenant, reply: Reply, output: Output) -> Result<Exit, Failure> {
    let Reply::Domain(domain) = reply else { return Ok(Exit::Done) };
    let document = json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "domain": domain });
    let text = match &domain {
        Some(domain) => told(domain),
        None => format!("{} has no domain of its own. Give it one: tenantry domain set <domain>\n", tenant.name),
    };
    output.answer(&document, &text)?;
    Ok(Exit::Done)
}

fn told(domain: &CustomDomain) -> String {
    let mut out = fields([
        ("domain", Some(domain.domain.clone())),
        ("status", Some(domain.status.to_string())),
        ("verified", Some(if domain.verified { "yes" } else { "no" }.to_owned())),
        ("target", Some(domain.dns_target.clone()).filter(|target| !target.is_empty())),
        ("created", domain.created_at.clone()),
        ("seen", domain.verified_at.clone()),
        ("message", domain.message.clone()),
    ]);
    if let Some(record) = domain.dns_instructions.as_ref().filter(|_| !domain.leads_here()) {
        out.push_str("\nEnter this where the domain is administered:\n\n");
        out.push_str(&fields([
            ("type", Some(record.record_type.clone())),
            ("host", Some(record.host.clone())),
            ("value", Some(record.value.clone())),
            ("ttl", (record.ttl > 0).then(|| format!("{} s", record.ttl))),
        ]));
        out.push_str("\nThen look whether it was seen: tenantry domain status\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_told_until_it_was_seen() {
        let domain = |verified: bool| -> CustomDomain {
            serde_json::from_value(json!({
                "domain": "app.orchard.example", "status": if verified { "active" } else { "pending_dns" },
                "verified": verified, "dns_target": "t.example",
                "dns_instructions": {"record_type": "CNAME", "host": "app", "value": "t.example", "ttl": 300},
            }))
            .expect("a domain")
        };
        assert!(
            told(&domain(false)).contains("type       CNAME\nhost       app\nvalue      t.example\nttl        300 s\n")
        );
        assert!(!told(&domain(true)).contains("CNAME"));
    }
}
