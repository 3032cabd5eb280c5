//! `tenantry auth`: logging in, logging out, who is logged in; and what these commands have in common.

use clap::{Args, Subcommand};
use std::io::Write;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::{login, logout, whoami};
use crate::api::BaseUrl;
use crate::model::Problem;
use crate::ops::login::{Seat, Wanted};
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Auth,
}

#[derive(Debug, Subcommand)]
enum Auth {
    /// Log in through the browser, or with a token.
    #[command(
        after_help = "Examples:\n  tenantry auth login --provider google\n  tenantry auth login --token-stdin < token.txt"
    )]
    Login(login::Arguments),
    /// Forget the login, wherever it is kept.
    #[command(after_help = "Example:\n  tenantry auth logout --context staging")]
    Logout(logout::Arguments),
    /// Show who is logged in, where, and until when.
    #[command(alias = "status", after_help = "Example:\n  tenantry auth whoami --json")]
    Whoami(whoami::Arguments),
}

/// Which login is meant.
#[derive(Debug, Clone, Args)]
pub(super) struct Place {
    /// Context of the configuration; else what the project used last.
    #[arg(long, value_name = "NAME", add = crate::cli::complete::contexts())]
    context: Option<String>,
    /// Address of the Management API; else the context's, the project's, or production.
    #[arg(long, value_name = "URL", conflicts_with = "context")]
    base_url: Option<BaseUrl>,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    match arguments.command {
        Auth::Login(arguments) => login::run(arguments, stop).await,
        Auth::Logout(arguments) => logout::run(arguments, stop).await,
        Auth::Whoami(arguments) => whoami::run(arguments, stop).await,
    }
}

impl Place {
    /// The seat that is meant. A project is no condition: a login in the keyring serves all.
    pub(super) async fn seat(&self) -> Result<Seat, Problem> {
        let (project, wanted) = self.asked()?;
        Seat::of_user(project, wanted).await
    }

    /// The same where the API need not be reached.
    pub(super) async fn seat_at_home(&self) -> Result<Seat, Problem> {
        let (project, wanted) = self.asked()?;
        Seat::of_user_at_home(project, wanted).await
    }

    fn asked(&self) -> Result<(Option<Project>, Wanted), Problem> {
        let here = std::env::current_dir()
            .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
        let wanted = Wanted { context: self.context.clone(), base: self.base_url.clone() };
        Ok((Project::discover(&here).ok(), wanted))
    }
}

/// Something on the way, for the person and not for a script.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Arguments;
    use clap::Parser;

    #[test]
    fn every_command_has_a_short_form_that_takes_the_same() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        for tail in [
            "login",
            "login --provider google --base-url https://h.example --no-browser --json",
            "login --context staging --token-stdin --store file",
            "logout --context staging --json",
            "whoami --base-url http://127.0.0.1:9400",
        ] {
            for line in [format!("tenantry {tail}"), format!("tenantry auth {tail}")] {
                assert!(parse(&line).is_ok(), "{line}");
            }
        }
        for bad in [
            "tenantry auth",
            "tenantry login --provider gitlab",
            "tenantry login --token-stdin --provider github",
            "tenantry login --token hunter2",
            "tenantry login --base-url http://h.example",
            "tenantry login --base-url https://h.example --context staging",
            "tenantry login --store cloud",
            "tenantry whoami --store file",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
