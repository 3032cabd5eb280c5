//! `tenantry secrets`: what a tenant's machine is given and nobody may see. Names are told, values never.

mod assignment;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::exit::Exit;
use super::frame::{self, Consent, Failure, OfProfile, Output, Whom};
use super::note;
use crate::model::{Problem, Secret, Tenant, secret_name, text};
use crate::ops::{Call, Reply, Session, perform};
use assignment::Assignment;

/// What older versions of the platform's own tool sent by mistake.
const BY_MISTAKE: [&str; 1] = ["SYSTEMPROMPT_API_URL"];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the names of a tenant's secrets.
    #[command(visible_alias = "ls", after_help = "Example:\n  tenantry secrets list --tenant orchard")]
    List(List),
    /// Set secrets; those that are not named stay.
    #[command(
        after_help = "Examples:\n  tenantry secrets set OPENAI_API_KEY=- < key.txt\n  tenantry secrets set TLS_KEY=@key.pem --restart"
    )]
    Set(Set),
    /// Remove secrets.
    #[command(after_help = "Example:\n  tenantry secrets unset OPENAI_API_KEY")]
    Unset(Unset),
    /// Send what the tenant's profile holds, as a deploy does.
    #[command(after_help = "Example:\n  tenantry secrets sync --tenant orchard")]
    Sync(Sync),
    /// Remove what older versions of the platform's own tool sent by mistake.
    #[command(after_help = "Example:\n  tenantry secrets cleanup --yes")]
    Cleanup(Cleanup),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Sync {
    #[command(flatten)]
    of: OfProfile,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
struct Set {
    /// A name and its value: - reads the value from standard input, @PATH from a file. Written out, every process of the
    /// machine can read it.
    #[arg(value_name = "KEY=-|KEY=@FILE|KEY=VALUE", required = true)]
    secrets: Vec<Assignment>,
    /// Also start a running machine again, so that it has them.
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
struct Unset {
    /// Their names; capitals make no difference.
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
struct Cleanup {
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
            Command::List(list) => list.output,
            Command::Set(set) => set.change.output,
            Command::Unset(unset) => unset.change.output,
            Command::Sync(sync) => sync.change.output,
            Command::Cleanup(cleanup) => cleanup.output,
        }
    }
}

impl Change {
    async fn open(&self) -> Result<(Session, Tenant), Failure> {
        self.open_with(&OfProfile::default()).await
    }

    async fn open_with(&self, of: &OfProfile) -> Result<(Session, Tenant), Failure> {
        let (session, tenant) = self.whom.open_with(of).await?;
        self.consent.may_change(&session, self.output).await?;
        Ok((session, tenant))
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::List(arguments) => list(arguments).await,
        Command::Set(arguments) => set(arguments).await,
        Command::Unset(Unset { keys, change }) => {
            let (session, tenant) = change.open().await?;
            unset(&session, &tenant, "unset", &keys, change.output).await
        }
        Command::Sync(wanted) => sync(wanted).await,
        Command::Cleanup(Cleanup { whom, consent, output }) => {
            let (session, tenant) = whom.open().await?;
            let question = format!("Remove {} from {}?", BY_MISTAKE.join(", "), tenant.name);
            consent.ask(&session, output, question).await?;
            unset(&session, &tenant, "cleanup", &BY_MISTAKE.map(str::to_owned), output).await
        }
    }
}

async fn list(List { whom, output }: List) -> Result<Exit, Failure> {
    let (session, tenant) = whom.open().await?;
    let Reply::Secrets(keys) = perform(&session, Call::Secrets(tenant.id.clone())).await? else {
        return Ok(Exit::Done);
    };
    let text = match &keys[..] {
        [] => format!("{} has no secrets.\n", tenant.name),
        keys => keys.join("\n") + "\n",
    };
    output.answer(&document(&tenant, "list", json!({ "keys": keys })), &text)?;
    Ok(Exit::Done)
}

async fn set(Set { secrets, restart, change }: Set) -> Result<Exit, Failure> {
    let output = change.output;
    let mut wanted = Vec::new();
    let mut rejected = Vec::new();
    assignment::check(&secrets).map_err(Failure::Usage)?;
    for secret in &secrets {
        let key = secret.key().to_ascii_uppercase();
        if secret_name::is_managed(&key) {
            note(&format!("{key} is set by the platform itself, and left out"));
            rejected.push(key);
        } else {
            wanted.push((secret_name::read(&key)?, secret));
        }
    }
    if wanted.is_empty() {
        return Err(Problem::new("None of these can be set: the platform sets them itself.").into());
    }
    let (session, tenant) = change.open().await?;
    let mut values: BTreeMap<String, Secret> = BTreeMap::new();
    for (key, secret) in wanted {
        let value = secret.read(&key, output).await?;
        secret_name::check_value(&value)?;
        if values.insert(key.clone(), value).is_some() {
            return Err(Failure::Usage(Problem::new(format!("{key} is named twice."))));
        }
    }
    let call = Call::SetSecrets { id: tenant.id.clone(), secrets: values, restart };
    let reply = perform(&session, call).await?;
    let message = reply.sentence().unwrap_or_default();
    let Reply::SecretsSet { set, ignored, restarted, .. } = reply else { return Ok(Exit::Done) };
    rejected.extend(ignored.iter().cloned());
    let keys: Vec<_> = set.into_iter().filter(|key| !ignored.contains(key)).collect();
    let more = json!({ "keys": keys, "rejected_keys": rejected, "restarted": restarted, "message": message });
    output.answer(&document(&tenant, "set", more), &format!("{}: {message}\n", tenant.name))?;
    Ok(Exit::Done)
}

/// One after the other, and on after one that fails.
async fn unset(
    session: &Session,
    tenant: &Tenant,
    operation: &str,
    keys: &[String],
    output: Output,
) -> Result<Exit, Failure> {
    let (mut removed, mut absent, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let mut message = Vec::new();
    for key in keys {
        match perform(session, Call::UnsetSecret { id: tenant.id.clone(), key: key.clone() }).await {
            Ok(reply) => {
                let sentence = reply.sentence().unwrap_or_default();
                output.say(&format!("{}: {sentence}", tenant.name));
                message.push(sentence);
                if let Reply::SecretUnset { key, already } = reply {
                    if already { absent.push(key) } else { removed.push(key) }
                }
            }
            Err(problem) if problem.requires_login => return Err(problem.into()),
            Err(problem) => {
                // What was typed may be a value.
                let key = text::short(key, 60);
                if !output.json() {
                    crate::cli::tell(&problem);
                }
                failed.push(json!({ "key": key, "problem": problem }));
            }
        }
    }
    let has_failed = !failed.is_empty();
    let message = Some(message.join(" ")).filter(|message| !message.is_empty());
    let more = json!({ "keys": removed, "absent_keys": absent, "failed": failed, "message": message });
    output.answer(&document(tenant, operation, more), "")?;
    Ok(if has_failed { Exit::Failed } else { Exit::Done })
}

async fn sync(Sync { of, change }: Sync) -> Result<Exit, Failure> {
    frame::project()?;
    let (session, tenant) = change.open_with(&of).await?;
    let reply = perform(&session, Call::SyncSecrets(tenant.id.clone())).await?;
    let message = reply.sentence().unwrap_or_default();
    let Reply::SecretsSynced { was_skipped, .. } = reply else { return Ok(Exit::Done) };
    // Also what the server keeps by itself: names alone tell what came of it.
    let keys = session.client().secrets(&tenant.id).await.unwrap_or_default();
    let more = json!({ "keys": keys, "skipped": was_skipped, "message": message });
    change.output.answer(&document(&tenant, "sync", more), &format!("{}: {message}\n", tenant.name))?;
    Ok(Exit::Done)
}

fn document(tenant: &Tenant, operation: &str, more: Value) -> Value {
    let mut document = json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "operation": operation });
    if let (Some(all), Value::Object(more)) = (document.as_object_mut(), more) {
        all.extend(more);
    }
    document
}
