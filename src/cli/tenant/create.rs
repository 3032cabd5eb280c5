//! `tenantry tenant create`: a local tenant, with its steps as lines. A signal takes back what was made.

use clap::Args;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Output, ask, show, source, told};
use crate::cli::deploy::wrong_usage;
use crate::cli::exit::Exit;
use crate::cli::note;
use crate::model::{LocalState, LocalStatus, LocalTenant, Problem, database_url};
use crate::ops::local::{self, Order, Source};
use crate::settings;
use crate::telling::local::line;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Make a Postgres in a container on this machine.
    #[arg(long, conflicts_with = "database_url")]
    local: bool,
    /// Take a Postgres that is there already: - reads its address from standard input, @PATH from a file.
    #[arg(long, value_name = "-|@FILE")]
    database_url: Option<String>,
    /// What it is called; `local` where nothing is said.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The image of the container; the configuration's where nothing is said.
    #[arg(long, value_name = "IMAGE", conflicts_with = "database_url")]
    image: Option<String>,
    /// The port of 127.0.0.1; a free one from 5432 on where nothing is said.
    #[arg(long, value_name = "PORT", conflicts_with = "database_url", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Answer every question with yes.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Result<Exit, Problem> {
    if !arguments.local && arguments.database_url.is_none() && !arguments.may_choose() {
        let words = "say --local for a container on this machine, or --database-url for a database that is there; one of \
                     the cloud is bought on the screen: run tenantry and press n";
        let _ = wrong_usage(words.to_owned()).print();
        return Ok(Exit::Usage);
    }
    let json = arguments.output.json;
    let made = create(arguments, &stop).await;
    let done = made.and_then(|tenant| if json { as_json(tenant) } else { as_text(&tenant) });
    told(json, done)
}

impl Arguments {
    /// Without a kind, somebody at a terminal can be asked for one.
    fn may_choose(&self) -> bool {
        !self.yes && !self.output.json && ask::can_ask(self.output.non_interactive)
    }
}

async fn create(arguments: Arguments, stop: &CancellationToken) -> Result<LocalTenant, Problem> {
    let project = super::project()?;
    let order = super::unless_stopped(stop, order(&arguments)).await?;
    let (sender, mut said) = mpsc::channel(64);
    let json = arguments.output.json;
    let listen = async move {
        while let Some(said) = said.recv().await {
            if let Some(line) = line(&said).filter(|_| !json) {
                // Whoever reads only its beginning closes the pipe.
                let _ = super::print(&format!("{line}\n"));
            }
        }
    };
    let work = async {
        let sender = sender;
        local::create(&project, &order, &sender, stop).await
    };
    let (result, ()) = tokio::join!(work, listen);
    result
}

async fn order(arguments: &Arguments) -> Result<Order, Problem> {
    let url = match &arguments.database_url {
        Some(given) => Some(source::read(given, arguments.output.non_interactive).await?),
        None if !arguments.local => existing().await?,
        None => None,
    };
    let source = match url {
        Some(url) => Source::Existing(url),
        None => Source::Container { image: image(arguments).await?, port: arguments.port },
    };
    Ok(Order { name: arguments.name.clone(), source })
}

/// Which kind, asked of a person: an address, or nothing for a container.
async fn existing() -> Result<Option<crate::model::Secret>, Problem> {
    if ask::yes("Make a Postgres in a container on this machine?".to_owned()).await? {
        return Ok(None);
    }
    ask::secret("Address of the database that is there (it is not shown): ").await.map(Some)
}

async fn image(arguments: &Arguments) -> Result<String, Problem> {
    if let Some(image) = &arguments.image {
        return Ok(image.clone());
    }
    let loaded = tokio::task::spawn_blocking(settings::load)
        .await
        .map_err(|stopped| Problem::new("Reading the configuration stopped.").detail(stopped.to_string()))?;
    let loaded = loaded.map_err(|error| error.problem())?;
    if let Some(problem) = loaded.problem() {
        note(&problem.to_string());
    }
    Ok(loaded.config.local.image)
}

fn as_json(tenant: LocalTenant) -> Result<(), Problem> {
    let status = LocalStatus { tenant, state: LocalState::Running, detail: None };
    super::print_json(&show::LocalDetail::of(&status, false))
}

fn as_text(tenant: &LocalTenant) -> Result<(), Problem> {
    let url = tenant.database_url.as_ref().map(database_url::masked).unwrap_or_default();
    let name = &tenant.name;
    super::print(&format!(
        "\n{name} answers at {url}\nThe password is in .systemprompt/tenants.json; tenantry tenant show {name:?} --reveal prints it.\n"
    ))
}
