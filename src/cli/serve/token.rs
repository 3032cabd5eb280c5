//! `tenantry serve token`: a login token for a user of a server on this machine.

use std::io::Write as _;
use std::path::PathBuf;

use super::databases::secret;
use crate::model::{Problem, Secret};
use crate::server::{Settings, login};

/// See the module.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TokenArguments {
    /// The server's folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// E-mail of the user.
    #[arg(long, value_name = "EMAIL")]
    user: String,
    /// The server's Postgres database, where it uses one. Better in the environment: others on this machine can read
    /// arguments.
    #[arg(long, value_name = "URL", env = "TENANTRY_DATABASE_URL", hide_env_values = true, value_parser = secret)]
    database_url: Option<Secret>,
}

/// Prints the token and nothing else.
pub(super) async fn run(arguments: TokenArguments) -> Result<(), Problem> {
    let mut settings = Settings::new(arguments.data);
    settings.database_url = arguments.database_url;
    let token = login::token_of(&settings.data, &settings.database(), &arguments.user).await;
    let token = token.map_err(|error| error.problem())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", token.reveal())
        .and_then(|()| out.flush())
        .map_err(|error| Problem::new("The token could not be printed.").detail(error.to_string()))
}
