//! What can be written on the command line.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::frame::{Output, Place};
use super::once::Once;
use super::{
    auth, complete, deploy, dockerfile, history, init, login, logout, man, open, rollback, serve, tenant, whoami,
};

/// Manage your cloud tenants: buy one, watch it being provisioned, deploy with one key, read its logs.
///
/// Without a command, the full-screen program opens on the project of the working directory.
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) screen: open::Screen,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of them")]
pub(super) enum Command {
    /// Try everything on this machine: a Management API, a registry and a sample project, all thrown away at the end.
    #[command(after_help = "Examples:\n  tenantry demo\n  tenantry demo --headless")]
    Demo(Demo),
    /// Set the working directory up as a project: its image, a profile, ignore files, recipes. Overwrites nothing.
    #[command(after_help = "Examples:\n  tenantry init --dry-run\n  tenantry init --yes")]
    Init(init::Arguments),
    /// Generate a Dockerfile that fits what the project has, or check the one that it has.
    Dockerfile(dockerfile::Arguments),
    /// Build the project, push its image and deploy it to a tenant.
    #[command(
        after_help = "Examples:\n  tenantry deploy --check\n  tenantry deploy --tenant orchard --rollback-on-failure\n  tenantry deploy --profile prod --yes --json"
    )]
    Deploy(Box<deploy::Arguments>),
    /// Deploy again what a tenant ran before.
    #[command(after_help = "Examples:\n  tenantry rollback\n  tenantry rollback 2 --tenant orchard --yes")]
    Rollback(rollback::Arguments),
    /// Check what a deploy needs: the project, its profile, Docker, the login, the tenant. Changes nothing.
    #[command(after_help = "Examples:\n  tenantry doctor\n  tenantry doctor --profile prod --json")]
    Doctor(Doctor),
    /// Run the Management API: for the sandbox, or to host your own.
    #[command(
        after_help = "Examples:\n  tenantry serve --data ./tenantry-data --user mara@orchard.example\n  tenantry serve --print-config > serve.toml"
    )]
    Serve(Box<Serve>),
    /// Tenants: buy, list, show, rename, stop, scale and delete them; make and start those on this machine.
    Tenant(tenant::Arguments),
    #[command(flatten)]
    Once(Once),
    /// List the deploys that this machine remembers: when, from which commit, how they ended, and which one runs.
    #[command(after_help = "Example:\n  tenantry history --tenant orchard")]
    History(history::Arguments),
    /// Log in through the browser, or with a token.
    #[command(
        after_help = "Examples:\n  tenantry login\n  tenantry login --provider google --no-browser\n  tenantry login --context staging --token-stdin < token.txt"
    )]
    Login(login::Arguments),
    /// Forget the login, wherever it is kept.
    #[command(after_help = "Example:\n  tenantry logout --context staging")]
    Logout(logout::Arguments),
    /// Show who is logged in, where, and until when.
    #[command(after_help = "Example:\n  tenantry whoami --json")]
    Whoami(whoami::Arguments),
    /// Login, logout and whoami under one name.
    Auth(auth::Arguments),
    /// Print what completes commands in a shell.
    Completions(complete::Arguments),
    /// Print a manual page.
    Man(man::Arguments),
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Play the whole flow without keys and print a line per event and step. Taken for granted where
    /// standard output is not a terminal.
    #[arg(long)]
    pub(super) headless: bool,
    /// Pay on the sandbox's page by itself, through the page's own form.
    #[arg(long)]
    pub(super) auto_pay: bool,
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Tenant to check for; else the one that the profile names.
    #[arg(long, value_name = "TENANT", add = crate::cli::complete::tenants())]
    pub(super) tenant: Option<String>,
    /// Profile to check, instead of the one that names the tenant.
    #[arg(short, long, value_name = "NAME", add = crate::cli::complete::profiles())]
    pub(super) profile: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Serve {
    #[command(subcommand)]
    pub(super) command: Option<serve::ServeCommand>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9400")]
    pub(super) listen: SocketAddr,
    /// Folder for the store, the registry's blobs and the keys. Made where missing.
    #[arg(long, value_name = "DIR", required = true)]
    pub(super) data: Option<PathBuf>,
    /// File that is written once the server answers: JSON with `api_url`, `registry` and `token`, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// E-mail of a sandbox user; may be given more than once.
    #[arg(long = "user", value_name = "EMAIL")]
    pub(super) users: Vec<String>,
    /// Remove every container, volume, image and file of this server when it stops, `--data` included.
    #[arg(long)]
    pub(super) throw_away: bool,
    /// Stop when standard input closes, as it does when the program that started this one is gone.
    #[arg(long, hide = true)]
    pub(super) until_input_closes: bool,
    /// Pause between two provisioning steps, in milliseconds, so that people can watch them.
    #[arg(long, value_name = "MS", default_value_t = 0, hide = true)]
    pub(super) step_delay: u64,
    /// For tests: whoever may log in on this machine can ask for failures at `/_faults`. Never where others rely on it.
    #[arg(long)]
    pub(super) faults: bool,
    /// Ports for tenants, both ends included.
    #[arg(long, value_name = "FIRST-LAST", value_parser = ports, hide = true)]
    pub(super) ports: Option<RangeInclusive<u16>>,
    #[command(flatten)]
    #[allow(dead_code, reason = "read before everything else")]
    pub(super) configuration: serve::ConfigurationFlags,
    #[command(flatten)]
    pub(super) databases: serve::DatabaseFlags,
    #[command(flatten)]
    pub(super) door: serve::DoorFlags,
    #[command(flatten)]
    pub(super) login: serve::LoginFlags,
    #[command(flatten)]
    pub(super) payment: serve::PaymentFlags,
    #[command(flatten)]
    pub(super) operations: serve::OperationFlags,
    #[command(flatten)]
    pub(super) usage: serve::UsageFlags,
}

fn ports(raw: &str) -> Result<RangeInclusive<u16>, String> {
    let read = || {
        let (first, last) = raw.split_once('-')?;
        Some((first.parse::<u16>().ok()?, last.parse::<u16>().ok()?))
    };
    match read() {
        Some((first, last)) if (1..=last).contains(&first) => Ok(first..=last),
        _ => Err("two ports with a dash between, the lower one first".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_range_of_ports_has_two_ends() {
        assert_eq!(ports("3900-3909"), Ok(3900..=3909));
        for bad in ["", "3900", "3909-3900", "0-9", "1-70000", "a-b"] {
            assert!(ports(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_needs_its_folder_and_its_token_has_arguments_of_its_own() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        for good in ["tenantry serve --data d --user a@b --user c@d", "tenantry serve token --data d --user a@b"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["tenantry serve", "tenantry serve token --data d", "tenantry serve --data d token --user a@b"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }
}
