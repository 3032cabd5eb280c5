//! `tenantry rotate`: a new password for a tenant's database. Its passwords are shown only where that is asked for.

use clap::Args;
use serde_json::json;

use super::change::{address, tell_handed_out, where_stored};
use super::exit::Exit;
use super::frame::{Consent, Failure, Named, OfProfile, Output, Whom, fields};
use crate::model::Tenant;
use crate::ops::{Call, Reply, Session, perform};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tenantry rotate --tenant orchard --yes --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    asked: Asked,
}

/// What is the same below `tenant`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Show the new password.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    of: OfProfile,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

impl Arguments {
    /// How the answer is given.
    pub(super) fn output(&self) -> Output {
        self.asked.output
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let opened = arguments.whom.open_with(&arguments.asked.of).await?;
    rotate(opened, arguments.asked).await
}

/// The same below `tenant`, where the tenant is a word of the command.
pub(super) async fn named(named: Named, asked: Asked) -> Result<Exit, Failure> {
    let opened = named.open_with(&asked.of).await?;
    rotate(opened, asked).await
}

async fn rotate((session, tenant): (Session, Tenant), asked: Asked) -> Result<Exit, Failure> {
    let Asked { reveal, of: _, consent, output } = asked;
    let question = format!(
        "Give the database of {} a new password? The old one ends at once, and a running machine restarts.",
        tenant.name
    );
    consent.ask(&session, output, question).await?;
    let reply = Box::pin(perform(&session, Call::Rotate(tenant.id.clone()))).await?;
    let Reply::Rotated(rotated) = &reply else { return Ok(Exit::Done) };
    let inside = address(&rotated.database_url, reveal);
    let outside = rotated.external_database_url.as_ref().map(|url| address(url, reveal));
    let more = json!({
        "status": "rotated",
        "rotated_at": rotated.rotated_at,
        "restarts": rotated.restarts,
        "internal_database_url": inside,
        "external_database_url": outside,
        "stored": where_stored(&rotated.stored),
    });
    let words = fields([("inside", Some(inside)), ("outside", outside)]);
    tell_handed_out((&tenant, &reply), more, &words, (&rotated.stored, reveal), output)
}
