//! Commands that work on one account and end by themselves or with a signal: which there are, and that each is told alike.

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::frame::until_stopped;
use super::{
    browse, db, deployments, domain, environment, logs, metrics, plans, profile, restart, rotate, secrets, status,
    subscription, watch,
};

#[derive(Debug, Subcommand)]
pub(super) enum Once {
    /// Show how everything stands: profiles, login, tenants.
    Status(status::Arguments),
    /// Start a tenant's machine again.
    Restart(restart::Arguments),
    /// Show what tenants' machines say, and go on with every new line.
    Logs(logs::Arguments),
    /// Tell what happens to a tenant until it is ready or failed.
    Watch(watch::Arguments),
    /// Open a tenant's address in the browser.
    Open(browse::Arguments),
    /// Secrets of a tenant: list, set, remove and send them.
    Secrets(secrets::Arguments),
    /// Give a tenant's database a new password.
    Rotate(rotate::Arguments),
    /// A tenant's own domain: set, show, remove it.
    Domain(domain::Arguments),
    /// Show what a tenant's machine uses, or used.
    Metrics(metrics::Arguments),
    /// Show what a tenant's machine starts with.
    Env(environment::Arguments),
    /// What is paid for a tenant: show it, or change the plan.
    Subscription(subscription::Arguments),
    /// List what can be bought, and where it can run.
    Plans(plans::Arguments),
    /// Profiles of the project: make, list, show, change and delete them.
    Profile(profile::Arguments),
    /// Databases: how they are, questions to them, copies and copies put back.
    Db(db::Arguments),
    /// List a tenant's deploys as the server remembers them.
    Deployments(deployments::Arguments),
}

pub(super) async fn run(command: Once, stop: &CancellationToken) -> Exit {
    match command {
        Once::Status(wanted) => until_stopped(wanted.output, stop, status::run(wanted)).await,
        Once::Restart(wanted) => until_stopped(wanted.output, stop, restart::run(wanted)).await,
        Once::Logs(wanted) => until_stopped(wanted.output(), stop, logs::run(wanted, stop)).await,
        Once::Watch(wanted) => until_stopped(wanted.output(), stop, watch::run(wanted, stop)).await,
        Once::Open(wanted) => until_stopped(wanted.output, stop, browse::run(wanted)).await,
        Once::Secrets(wanted) => until_stopped(wanted.output(), stop, secrets::run(wanted)).await,
        Once::Rotate(wanted) => until_stopped(wanted.output(), stop, rotate::run(wanted)).await,
        Once::Domain(wanted) => until_stopped(wanted.output(), stop, domain::run(wanted)).await,
        Once::Metrics(wanted) => until_stopped(wanted.output, stop, metrics::run(wanted)).await,
        Once::Env(wanted) => until_stopped(wanted.output, stop, environment::run(wanted)).await,
        Once::Subscription(wanted) => until_stopped(wanted.output(), stop, subscription::run(wanted)).await,
        Once::Plans(wanted) => until_stopped(wanted.output, stop, plans::run(wanted)).await,
        Once::Profile(wanted) => until_stopped(wanted.output(), stop, profile::run(wanted)).await,
        Once::Db(wanted) => Box::pin(db::run(wanted, stop)).await,
        Once::Deployments(wanted) => until_stopped(wanted.output, stop, deployments::run(wanted)).await,
    }
}
