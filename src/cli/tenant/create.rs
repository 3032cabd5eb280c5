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

pub(super) async fn run(mut arguments: Arguments, stop: CancellationToken) -> Exit {
    // With events, what went wrong is a line like every other.
    let output = arguments.output.or_events(arguments.purchase.has_events());
    let has_kind = arguments.purchase.is_wanted() || arguments.local || arguments.database_url.is_some();
    if !has_kind && !arguments.may_choose() {
        let words = "say --plan for one of the cloud, --local for a container on this machine, or --database-url for a \
                     database that is there";
        let _ = wrong_usage(&["tenant", "create"], words.to_owned()).print();
        return Exit::Usage;
    }
    if !has_kind {
        match stop.run_until_cancelled(kind()).await {
            Some(Ok(kind)) => kind.choose(&mut arguments),
            Some(Err(failure)) => return failure.tell(output.json()),
            None => return Failure::from(Problem::new("Stopped.")).tell(output.json()),
        }
    }
    if arguments.purchase.is_wanted() {
        let work = Box::pin(buy::run(&arguments.purchase, arguments.name.as_deref(), arguments.output));
        return until_stopped(output, &stop, work).await;
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
        None => None,
    };
    let source = match url {
        Some(url) => Source::Existing(url),
        None => Source::Container { image: image(arguments).await?, port: arguments.port },
    };
    Ok(Order { name: arguments.name.clone(), source })
}

/// What can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cloud,
    Container,
    Existing,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "cloud" => Some(Self::Cloud),
            "container" | "local" => Some(Self::Container),
            "database" | "existing" => Some(Self::Existing),
            _ => None,
        }
    }

    /// As if it had been said on the command line.
    fn choose(self, arguments: &mut Arguments) {
        match self {
            Self::Cloud => arguments.purchase.want(),
            Self::Container => arguments.local = true,
            Self::Existing => arguments.database_url = Some(Address::asked()),
        }
    }
}

/// Which kind, asked of a person.
async fn kind() -> Result<Kind, Failure> {
    let question = "What kind: cloud, container (a Postgres on this machine), or database (one that is there)?";
    let word = ask::word(question.to_owned()).await?;
    Kind::of(&word).ok_or_else(|| Problem::new("Nothing was done.").detail("Nobody said which kind.").into())
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
        "\n{name} answers at {url}\nThe password is in .systemprompt/tenants.json; `tenantry tenant show {name:?} --reveal` prints it.\n"
    );
    let status = LocalStatus { tenant, state: LocalState::Running, detail: None };
    output.answer(&show::LocalDetail::of(&status, false), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_word() {
        assert_eq!((Kind::of("Cloud"), Kind::of("local")), (Some(Kind::Cloud), Some(Kind::Container)));
        assert_eq!((Kind::of("database"), Kind::of("")), (Some(Kind::Existing), None));
    }
}
