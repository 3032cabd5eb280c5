//! `tenantry tenant external-access` and `credentials`: how a tenant's database is reached. Passwords are shown only where
//! that is asked for.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::change::{self, address, where_stored};
use crate::cli::exit::Exit;
use crate::cli::frame::{Consent, Failure, Named, OfProfile, Output, fields};
use crate::model::Secret;
use crate::ops::{Call, Reply, perform};

#[derive(Debug, Args)]
pub(super) struct ExternalAccess {
    /// Whether it can be reached from outside.
    #[arg(value_name = "on|off")]
    switch: Switch,
    /// Show the password.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    of: OfProfile,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
pub(super) struct Credentials {
    /// Show the passwords.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    of: OfProfile,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn external(arguments: ExternalAccess) -> Result<Exit, Failure> {
    let ExternalAccess { switch, reveal, named, of, consent, output } = arguments;
    let (session, tenant) = named.open_with(&of).await?;
    let enabled = switch == Switch::On;
    let verb = if enabled { "Let the database of" } else { "Close the database of" };
    let rest = if enabled { "be reached from outside" } else { "to the outside" };
    consent.ask(&session, output, format!("{verb} {} {rest}?", tenant.name)).await?;
    let reply = perform(&session, Call::ExternalAccess { id: tenant.id.clone(), enabled }).await?;
    let Reply::ExternalAccess(access) = &reply else { return Ok(Exit::Done) };
    let known = access.database_url.as_ref().filter(|_| access.enabled);
    // What cannot be shown has the stars that it has everywhere.
    let masked = || address(&Secret::new(access.masked_url.as_str()), false);
    let url =
        known.map(|url| address(url, reveal)).or_else(|| Some(masked()).filter(|_| !access.masked_url.is_empty()));
    let url = url.filter(|url| access.enabled && !url.is_empty());
    let more = json!({
        "external_db_access": access.enabled, "database_url": url,
        "stored": access.stored.as_ref().map(where_stored),
    });
    change::tell(&tenant, &reply, more, output)?;
    if let Some(url) = &url {
        let is_whole = reveal && known.is_some();
        let attempt = is_whole.then(|| format!("psql '{url}'"));
        output.say(fields([("address", Some(url.clone())), ("try", attempt)]).trim_end());
    }
    if reveal && access.enabled && known.is_none() {
        crate::cli::note("this machine does not know the password; `tenantry rotate` gives the database a new one");
    }
    Ok(Exit::Done)
}

pub(super) async fn credentials(arguments: Credentials) -> Result<Exit, Failure> {
    let Credentials { reveal, named, of, consent, output } = arguments;
    let (session, tenant) = named.open_with(&of).await?;
    let question = format!("Fetch the credentials of {}? They can be fetched once.", tenant.name);
    consent.ask(&session, output, question).await?;
    let reply = Box::pin(perform(&session, Call::OneTimeCredentials(tenant.id.clone()))).await?;
    let Reply::OneTimeCredentials(fetched) = &reply else { return Ok(Exit::Done) };
    let inside = fetched.credentials.inside().map(|url| address(url, reveal));
    let outside = fetched.external_database_url.as_ref().map(|url| address(url, reveal));
    let more = json!({
        "internal_database_url": inside,
        "external_database_url": outside,
        "app_url": fetched.credentials.app_url,
        "stored": where_stored(&fetched.stored),
    });
    let words = fields([("inside", inside), ("outside", outside)]);
    change::tell_handed_out((&tenant, &reply), more, &words, (&fetched.stored, reveal), output)
}
