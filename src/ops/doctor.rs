//! What must hold before anything is built, and what a person should know besides (protocol E.8-E.10, F.3): a deploy
//! that is known to fail must not cost a build first.
//!
//! All checks run at once, and are told in an order that stays the same. Must not change anything.

mod database;
mod dockerfile;
mod finding;
mod machine;
pub mod offline;
mod online;
mod profile;
mod project;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use std::future::Future;
use std::pin::Pin;
use tokio::sync::oneshot;

use super::{Session, tenants};
use crate::engine::Engine;
use crate::model::progress::Builder;
use crate::model::{Check, CheckResult, Problem, RegistryToken, Tenant, TenantId};
use crate::workspace::{self, BuildCommand, Profile};
use finding::Finding;
use project::Files;

/// What is asked of a diagnosis.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The profile to use, instead of the one that names the tenant.
    pub profile: Option<String>,
    /// True where the project's own build will run first: what it makes need not be there yet.
    pub project_build: bool,
    /// True where the image is made already: what only making one needs is not looked at.
    pub image_is_there: bool,
    /// True in a deploy: what can only warn must not hold it up.
    pub for_deploy: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Diagnosis {
    /// All checks, always in the same order.
    pub checks: Vec<Check>,
    /// What the tenant is called, where the server said so.
    pub tenant_name: Option<String>,
    /// What a deploy goes on with, or why it cannot.
    pub cleared: Result<Cleared, Problem>,
}

/// What the checks found, for the steps that follow.
#[derive(Debug)]
pub struct Cleared {
    /// The engine.
    pub engine: Engine,
    /// Who builds there.
    pub builder: Builder,
    /// The Dockerfile below the project's root, with `/` between its parts; may be empty where no image is made.
    pub dockerfile: String,
    /// The project's own build.
    pub build_command: Option<BuildCommand>,
    /// The tenant.
    pub tenant: Tenant,
    /// The tenant's profile, where the project has one.
    pub profile: Option<Profile>,
    /// The registry's token that was asked for to see whether there is one; it lives for a while.
    pub registry_token: Option<RegistryToken>,
}

impl Diagnosis {
    /// One line: how many checks, and how they stand.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |wanted| self.checks.iter().filter(|check| check.result == wanted).count();
        let all = plural(self.checks.len(), "check");
        match (count(CheckResult::Fail), count(CheckResult::Warn)) {
            (0, 0) => format!("{all} passed"),
            (0, warned) => format!("{all}, {}", plural(warned, "warning")),
            (failed, 0) => format!("{all}, {failed} failed"),
            (failed, warned) => format!("{all}, {failed} failed, {}", plural(warned, "warning")),
        }
    }
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// What a group of checks leaves for the others.
enum Piece {
    Files(Box<Files>),
    Engine(Option<(Engine, Builder)>),
    Online(Box<online::Online>),
    None,
}

type Group<'a> = Pin<Box<dyn Future<Output = (Vec<Finding>, Piece)> + Send + 'a>>;

/// Runs the checks and tells each as soon as those before it are told. Without a tenant, the one that the named
/// profile belongs to is taken; without either, what needs a tenant is left out and nothing is cleared.
pub async fn diagnose(
    session: &Session,
    tenant: Option<&TenantId>,
    options: &Options,
    mut tell: impl FnMut(&Check),
) -> Diagnosis {
    let tenant = match tenant {
        Some(tenant) => Some(tenant.clone()),
        None => tenant_of_profile(session, options).await,
    };
    // What is on this machine no cloud knows.
    let tenant = tenant.filter(|id| !tenants::is_local(id));
    let (say_database, database) = oneshot::channel();
    let (say_storage, storage) = oneshot::channel();
    let groups: [Group<'_>; 5] = [
        Box::pin(async {
            let (findings, files) = project::examine(session, tenant.clone(), options).await;
            let _ = say_database.send(files.database.clone());
            (findings, Piece::Files(Box::new(files)))
        }),
        Box::pin(async {
            let (finding, found) = machine::docker(session).await;
            let _ = say_storage.send(found.as_ref().map(|(engine, _)| engine.clone()));
            (vec![finding], Piece::Engine(found))
        }),
        Box::pin(async {
            let engine = storage.await.ok().flatten();
            (machine::disk(session.project(), engine.as_ref()).await.into_iter().collect(), Piece::None)
        }),
        Box::pin(async {
            let (findings, online) = online::ask(session, tenant.as_ref()).await;
            (findings, Piece::Online(Box::new(online)))
        }),
        Box::pin(async {
            let address = database.await.ok().flatten();
            let limit = if options.for_deploy { database::IN_DEPLOY } else { database::LIMIT };
            (database::check(address, limit).await.into_iter().collect(), Piece::None)
        }),
    ];
    let mut groups: FuturesOrdered<Group<'_>> = groups.into_iter().collect();
    let mut found = Vec::new();
    let (mut files, mut engine, mut online) = (None, None, None);
    while let Some((findings, piece)) = groups.next().await {
        for finding in findings {
            tell(&finding.check);
            found.push(finding);
        }
        match piece {
            Piece::Files(piece) => files = Some(*piece),
            Piece::Engine(piece) => engine = piece,
            Piece::Online(piece) => online = Some(*piece),
            Piece::None => {}
        }
    }
    drop(groups);
    let tenant_name = online.as_ref().and_then(|online| online.tenant.as_ref()).map(|tenant| tenant.name.clone());
    let cleared = cleared(&found, files, engine, online);
    Diagnosis { checks: found.into_iter().map(|finding| finding.check).collect(), tenant_name, cleared }
}

async fn tenant_of_profile(session: &Session, options: &Options) -> Option<TenantId> {
    let name = options.profile.clone()?;
    let project = session.project().clone();
    let named = tokio::task::spawn_blocking(move || workspace::profile::named(&project, &name)).await;
    named.ok()?.ok()?.tenant()
}

fn cleared(
    found: &[Finding],
    files: Option<Files>,
    engine: Option<(Engine, Builder)>,
    online: Option<online::Online>,
) -> Result<Cleared, Problem> {
    if let Some(problem) = finding::first_failure(found) {
        return Err(problem);
    }
    let (Some(files), Some((engine, builder)), Some(online)) = (files, engine, online) else {
        return Err(Problem::new("The checks did not come to an end.").hint("Try again."));
    };
    let (Some(dockerfile), Some(tenant)) = (files.dockerfile, online.tenant) else {
        return Err(Problem::new("No tenant was named.").hint("Name one with --tenant."));
    };
    Ok(Cleared {
        engine,
        builder,
        dockerfile,
        build_command: files.build_command,
        tenant,
        profile: files.profile,
        registry_token: online.registry_token,
    })
}
