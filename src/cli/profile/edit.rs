//! `tenantry profile edit`.

use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;

use super::value::{self, Value};
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Nowhere, Output, Unasked};
use crate::model::{Problem, Secret};
use crate::ops::profiles::{self, Edits};
use crate::workspace::profile_change::Change;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The profile; the active one where nothing is said.
    #[arg(add = crate::cli::complete::profiles())]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    unasked: Unasked,
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
struct Settings {
    /// Where the program listens, such as 0.0.0.0.
    #[arg(long = "set-host", value_name = "HOST")]
    host: Option<String>,
    /// On which port.
    #[arg(long = "set-port", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Its address as the world sees it, such as `https://app.example`.
    #[arg(long = "set-external-url", value_name = "URL")]
    external_url: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Keys")]
struct Keys {
    /// Key of Anthropic: - reads it from standard input, @PATH from a file.
    #[arg(long = "set-anthropic-key", value_name = "-|@FILE")]
    anthropic_key: Option<Value>,
    /// Key of `OpenAI`, in the same way.
    #[arg(long = "set-openai-key", value_name = "-|@FILE")]
    openai_key: Option<Value>,
    /// Key of Gemini, in the same way.
    #[arg(long = "set-gemini-key", value_name = "-|@FILE")]
    gemini_key: Option<Value>,
    /// Token of GitHub, in the same way.
    #[arg(long = "set-github-token", value_name = "-|@FILE")]
    github_token: Option<Value>,
    /// Address of the database, in the same way.
    #[arg(long = "set-database-url", value_name = "-|@FILE")]
    database_url: Option<Value>,
}

impl Keys {
    async fn read(&self, output: Output) -> Result<(BTreeMap<&'static str, Secret>, Option<Secret>), Problem> {
        let all = [
            ("anthropic", "--set-anthropic-key", "Key of Anthropic", self.anthropic_key.as_ref()),
            ("openai", "--set-openai-key", "Key of OpenAI", self.openai_key.as_ref()),
            ("gemini", "--set-gemini-key", "Key of Gemini", self.gemini_key.as_ref()),
            ("github", "--set-github-token", "Token of GitHub", self.github_token.as_ref()),
        ];
        let url = self.database_url.as_ref();
        value::check(all.iter().map(|(.., given)| *given).chain([url]))?;
        let mut keys = BTreeMap::new();
        for (key, option, what, given) in all {
            if let Some(given) = given {
                keys.insert(key, value::read(given, option, what, output).await?);
            }
        }
        let url = match url {
            Some(given) => Some(value::read(given, "--set-database-url", "Address of the database", output).await?),
            None => None,
        };
        Ok((keys, url))
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project()?;
    frame::may_change_here().await?;
    let name = super::named(&project, arguments.name).await?;
    let Settings { host, port, external_url } = arguments.settings;
    let settings = [host.map(Change::Host), port.map(Change::Port), external_url.map(Change::ExternalUrl)];
    let (keys, database_url) = arguments.keys.read(arguments.output).await?;
    let edits = Edits { keys, database_url, settings: settings.into_iter().flatten().collect() };
    if edits.is_empty() {
        return Err(Failure::Usage(
            Problem::new("Nothing was said that should change.")
                .hint("Say it with --set-port, --set-openai-key and the like: tenantry profile edit --help"),
        ));
    }
    let changed = profiles::edit(&project, &name, edits).await?;
    let document = json!({
        "name": name, "changed": changed, "message": format!("{name}: {} changed.", changed.join(", ")),
    });
    arguments.output.answer(&document, &format!("✓ {name}: {} changed\n", changed.join(", ")))?;
    Ok(Exit::Done)
}
