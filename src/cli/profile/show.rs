//! `tenantry profile show`.

use clap::{Args, ValueEnum};

use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Nowhere, Output};
use crate::ops::profiles;

/// What people look for comes first.
const ORDER: [&str; 3] = ["profile", "settings", "env"];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The profile; the active one where nothing is said.
    #[arg(add = crate::cli::complete::profiles())]
    name: Option<String>,
    /// Show only a part.
    #[arg(short, long, value_enum, default_value_t = Filter::All)]
    filter: Filter,
    /// Show secrets, too.
    #[arg(long)]
    reveal: bool,
    /// Print it as YAML.
    #[arg(long, conflicts_with_all = ["json", "quiet"])]
    yaml: bool,
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Filter {
    All,
    Agents,
    Mcp,
    Skills,
    Ai,
    Web,
    Content,
    Env,
    Settings,
}

impl From<Filter> for profiles::Filter {
    fn from(filter: Filter) -> Self {
        match filter {
            Filter::All => Self::All,
            Filter::Agents => Self::Agents,
            Filter::Mcp => Self::Mcp,
            Filter::Skills => Self::Skills,
            Filter::Ai => Self::Ai,
            Filter::Web => Self::Web,
            Filter::Content => Self::Content,
            Filter::Env => Self::Env,
            Filter::Settings => Self::Settings,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project()?;
    let name = super::named(&project, arguments.name).await?;
    let document = profiles::show(&project, &name, arguments.filter.into(), arguments.reveal).await?;
    let text = if arguments.yaml { super::yaml::document(&document) } else { profiles::text(&document, &ORDER) };
    arguments.output.answer(&document, &text)?;
    Ok(Exit::Done)
}
