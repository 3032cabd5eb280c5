//! `tenantry tenant create`: one of the cloud is bought, a local one made, with its steps as lines. A signal takes back
//! what was made on this machine.

use clap::Args;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::buy::{self, Purchase};
use super::show;
use super::source::{self, Address};
use crate::cli::deploy::wrong_usage;
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Output, ask, until_stopped};
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
    database_url: Option<Address>,
    /// What it is called; where nothing is said a local one `local`, and one of the cloud as the platform calls it.
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
    purchase: Purchase,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    let output = arguments.output;
    if arguments.purchase.is_wanted() {
        let work = Box::pin(buy::run(&arguments.purchase, arguments.name.as_deref(), output));
        return until_stopped(output, &stop, work).await;
    }
    if !arguments.local && arguments.database_url.is_none() && !arguments.may_choose() {
        let words = "say --plan for one of the cloud, --local for a container on this machine, or --database-url for a \
                     database that is there";
        let _ = wrong_usage(words.to_owned()).print();
        return Exit::Usage;
    }
    // Not broken off at once: a signal takes back what was made.
    match create(arguments, &stop).await.and_then(|tenant| Ok(answer(tenant, output)?)) {
        Ok(()) => Exit::Done,
        Err(failure) => failure.tell(output.json()),
    }
}

impl Arguments {
    /// Without a kind, somebody at a terminal can be asked for one.
    fn may_choose(&self) -> bool {
        !self.yes && !self.output.json() && self.output.can_ask()
    }
}

async fn create(arguments: Arguments, stop: &CancellationToken) -> Result<LocalTenant, Failure> {
    let project = frame::project()?;
    frame::may_change_here().await?;
    let order = stop.run_until_cancelled(order(&arguments)).await.unwrap_or_else(|| Err(Problem::new("Stopped.")))?;
    let (sender, mut said) = mpsc::channel(64);
    let output = arguments.output;
    let listen = async move {
        while let Some(said) = said.recv().await {
            if let Some(line) = line(&said) {
                output.say(&line);
            }
        }
    };
    let work = async {
        let sender = sender;
        local::create(&project, &order, &sender, stop).await
    };
    let (result, ()) = tokio::join!(work, listen);
    Ok(result?)
}

async fn order(arguments: &Arguments) -> Result<Order, Problem> {
    let url = match &arguments.database_url {
        Some(given) => Some(source::read(given, arguments.output).await?),
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
    ask::secret("Address of the database that is there (it is not shown): ".to_owned()).await.map(Some)
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

fn answer(tenant: LocalTenant, output: Output) -> Result<(), Problem> {
    let url = tenant.database_url.as_ref().map(database_url::masked).unwrap_or_default();
    let name = &tenant.name;
    let text = format!(
        "\n{name} answers at {url}\nThe password is in .systemprompt/tenants.json; tenantry tenant show {name:?} --reveal prints it.\n"
    );
    let status = LocalStatus { tenant, state: LocalState::Running, detail: None };
    output.answer(&show::LocalDetail::of(&status, false), &text)
}
