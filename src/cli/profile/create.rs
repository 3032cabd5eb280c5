//! `tenantry profile create`.

use clap::{Args, ValueEnum};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::value::{self, Value};
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Consent, Failure, Output, Place};
use crate::cli::{note, tenant};
use crate::model::{Problem, Secret};
use crate::ops::profiles::{self, Created, Database, Order, Whose};
use crate::ops::{init, local, tenants};
use crate::workspace::Project;

/// The tenant, where the command line does not name it.
const TENANT: &str = "SYSTEMPROMPT_TENANT_ID";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What it is called: letters, digits, dots, dashes and underscores.
    name: String,
    /// Its tenant, of the cloud or on this machine: its id, its name, or the beginning of one. Else what
    /// `SYSTEMPROMPT_TENANT_ID` says, or the only one on this machine.
    #[arg(long, visible_alias = "tenant-id", value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    /// Where its tenant has to be, where one of the same name could be elsewhere.
    #[arg(long, value_name = "TYPE")]
    tenant_type: Option<Kind>,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Where a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Local,
    Cloud,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Keys")]
struct Keys {
    /// Key of Anthropic: - reads it from standard input, @PATH from a file. Else what `ANTHROPIC_API_KEY` says.
    #[arg(long, value_name = "-|@FILE")]
    anthropic_key: Option<Value>,
    /// Key of `OpenAI`, in the same way. Else what `OPENAI_API_KEY` says.
    #[arg(long, value_name = "-|@FILE")]
    openai_key: Option<Value>,
    /// Key of Gemini, in the same way. Else what `GEMINI_API_KEY` says.
    #[arg(long, value_name = "-|@FILE")]
    gemini_key: Option<Value>,
    /// Token of GitHub, in the same way. Else what `GITHUB_TOKEN` says.
    #[arg(long, value_name = "-|@FILE")]
    github_token: Option<Value>,
}

impl Keys {
    /// The name in `secrets.json`, the option, the variable, what it is, and what was given.
    fn all(&self) -> [(&'static str, &'static str, &'static str, &'static str, Option<&Value>); 4] {
        [
            ("anthropic", "--anthropic-key", "ANTHROPIC_API_KEY", "Key of Anthropic", self.anthropic_key.as_ref()),
            ("openai", "--openai-key", "OPENAI_API_KEY", "Key of OpenAI", self.openai_key.as_ref()),
            ("gemini", "--gemini-key", "GEMINI_API_KEY", "Key of Gemini", self.gemini_key.as_ref()),
            ("github", "--github-token", "GITHUB_TOKEN", "Token of GitHub", self.github_token.as_ref()),
        ]
    }

    async fn read(&self, output: Output) -> Result<BTreeMap<&'static str, Secret>, Problem> {
        value::check(self.all().map(|(.., given)| given))?;
        let mut keys = BTreeMap::new();
        for (key, option, variable, what, given) in self.all() {
            let set = || std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
            let value = match given {
                Some(given) => Some(value::read(given, option, what, output).await?),
                None => set().map(|value| Secret::new(value.trim())),
            };
            if let Some(value) = value {
                profiles::checked(key, &value)?;
                keys.insert(key, value);
            }
        }
        Ok(keys)
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project()?;
    frame::may_change_here().await?;
    let whose = whose(&project, &arguments).await?;
    let keys = arguments.keys.read(arguments.output).await?;
    let names: Vec<&str> = keys.keys().copied().collect();
    let made = profiles::create(&project, Order { name: arguments.name, whose, keys }).await?;
    let missing = match &made.database {
        Database::Silent(problem) | Database::Missing(problem) => Some(problem),
        Database::Answers(_) | Database::Known => None,
    };
    let document = json!({
        "name": made.name, "directory": made.directory, "tenant_id": made.tenant, "tenant_name": made.tenant_name,
        "tenant_type": if made.is_local { "local" } else { "cloud" }, "keys": names, "database": word(&made.database),
        "has_signing_key": made.has_signing_key, "warning": missing,
        "message": format!("The profile {} of {} is made.", made.name, made.tenant_name),
    });
    arguments.output.answer(&document, &told(&made, &names))?;
    if let Some(problem) = missing.filter(|_| !arguments.output.json()) {
        note(&problem.to_string());
    }
    Ok(Exit::Done)
}

async fn whose(project: &Project, arguments: &Arguments) -> Result<Whose, Failure> {
    let wanted = arguments.tenant.clone().or_else(|| std::env::var(TENANT).ok().filter(|set| !set.trim().is_empty()));
    let kind = arguments.tenant_type;
    let Some(wanted) = wanted else {
        // There is no only one of the cloud to be meant: a profile of it goes into deploys.
        let mut locals = local::all(project).await?;
        if kind != Some(Kind::Cloud)
            && let (1, Some(tenant)) = (locals.len(), locals.pop())
        {
            return Ok(Whose::Local(tenant));
        }
        return Err(Failure::Usage(
            Problem::new("A profile is for a tenant, and none was named.")
                .hint("Name it: --tenant <id or name>. `tenantry tenant list` shows them."),
        ));
    };
    let target = match kind {
        Some(Kind::Local) => tenant::Target::Local(local::find(project, &wanted).await?),
        Some(Kind::Cloud) => {
            let session = arguments.place.open_in(project.clone()).await?;
            let tenant = tenants::resolve(&session, Some(&wanted)).await?;
            tenant::Target::Cloud(Box::new(session), Box::new(tenant))
        }
        None => tenant::target(project, &arguments.place, &wanted).await?,
    };
    Ok(match target {
        tenant::Target::Local(tenant) => Whose::Local(tenant),
        tenant::Target::Cloud(session, tenant) => {
            // Where the address of its database is missing, the credentials that can be read once are fetched.
            arguments.consent.may_change(&session, arguments.output).await?;
            Whose::Cloud(*session, tenant)
        }
    })
}

fn word(database: &Database) -> &'static str {
    match database {
        Database::Answers(_) => "answers",
        Database::Known => "known",
        Database::Silent(_) => "silent",
        Database::Missing(_) => "missing",
    }
}

fn told(made: &Created, keys: &[&str]) -> String {
    let mut out = format!("✓ profile {} of {} is in {}\n", made.name, made.tenant_name, made.directory);
    match &made.database {
        Database::Answers(version) => {
            let _ = writeln!(out, "✓ its database answers: Postgres {version}");
        }
        Database::Known => out.push_str("✓ it has the address of its database\n"),
        Database::Silent(_) => out.push_str("! it has the address of its database, which does not answer\n"),
        Database::Missing(_) => out.push_str("! it has no address of its database yet\n"),
    }
    if !made.has_signing_key {
        let how = init::key_by_hand(&format!("{}/signing_key.pem", made.directory));
        let _ = writeln!(
            out,
            "! it has no signing key: this machine has no openssl that works; make it where one is: {how}"
        );
    }
    if keys.is_empty() {
        let _ = writeln!(out, "Give it a key: tenantry profile edit {} --set-anthropic-key -", made.name);
    } else {
        let _ = writeln!(out, "✓ keys: {}", keys.join(", "));
    }
    let next = if made.is_local {
        format!("tenantry db status --profile {}", made.name)
    } else {
        format!("tenantry deploy --profile {}", made.name)
    };
    let _ = writeln!(out, "Next: {next}");
    out
}
