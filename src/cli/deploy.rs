//! `tenantry deploy`: from arguments to a deploy of one tenant or of several, shown until its end.

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};
use tokio_util::sync::CancellationToken;

use super::build_secret::Source;
use super::exit::Exit;
use super::frame::{Consent, Failure, Place};
use super::progress::{self, Ended, Mode, Output};
use crate::model::progress::{Builder, DeployProgress};
use crate::model::{Problem, Tenant, TenantId, TenantState};
use crate::ops::Session;
use crate::ops::deploy::{self, ImageSource, Options};
use crate::ops::tenants::{self, Chosen};

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Arguments {
    /// The tenant: its id or its name. May be left out where there is only one; may be given more than once: the image
    /// is then built once.
    #[arg(long = "tenant", value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenants: Vec<String>,
    /// Deploy to every tenant of the account.
    #[arg(long, conflicts_with = "tenants")]
    all: bool,
    /// Only look whether a deploy could begin; nothing is built or changed.
    #[arg(long)]
    check: bool,
    /// Leave out the project's own build.
    #[arg(long)]
    no_build: bool,
    /// Build nothing: deploy the image that the engine holds under the tenant's name.
    #[arg(long)]
    skip_build: bool,
    /// Build and push nothing: deploy again what the registry holds.
    #[arg(long, conflicts_with = "skip_build")]
    skip_push: bool,
    /// Build nothing: push and deploy this image or tag of the engine.
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["skip_build", "skip_push"])]
    tag: Option<String>,
    /// Build and push also where nothing changed.
    #[arg(long)]
    force: bool,
    /// Leave the tenant's secrets as they are.
    #[arg(long)]
    no_secrets: bool,
    /// How long the tenant may take to answer after the server called it ready.
    #[arg(long, value_name = "SECONDS", default_value_t = deploy::HEALTH_LIMIT.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    health_limit: u64,
    /// Deploy the version before this one again where the new one is not healthy.
    #[arg(long)]
    rollback_on_failure: bool,
    /// Go on from the last finished step of a deploy that was broken off.
    #[arg(long, conflicts_with_all = ["tag", "skip_build", "skip_push", "force"])]
    resume: bool,
    /// The profile whose secrets and settings are used; the tenant's own where it is left out.
    #[arg(short, long, value_name = "PROFILE", add = crate::cli::complete::profiles())]
    profile: Option<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    image: Image,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: Output,
}

/// How the image is built.
#[derive(Debug, Args)]
#[command(next_help_heading = "Image")]
struct Image {
    /// Who builds; what the engine has, BuildKit first, where it is left out.
    #[arg(long, value_name = "BUILDER")]
    builder: Option<WantedBuilder>,
    /// A value for an `ARG` of the Dockerfile; the environment's where only the name is given. It stays in the image's
    /// history: no place for secrets.
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    arguments: Vec<String>,
    /// The stage to build.
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// The platform to build for, such as `linux/arm64`.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Build every step anew.
    #[arg(long)]
    no_cache: bool,
    /// A secret for `RUN --mount=type=secret`: from the environment, a file, or standard input. It ends in no layer
    /// and no log.
    #[arg(long = "build-secret", value_name = "ID=env:NAME|ID=file:PATH|ID=-")]
    secrets: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WantedBuilder {
    Buildkit,
    Classic,
}

/// Usage of a command, by its words, that clap cannot judge.
pub(super) fn wrong_usage(command: &[&str], words: String) -> clap::Error {
    fn of(command: &mut clap::Command, path: &[&str], words: String) -> clap::Error {
        if let Some((first, rest)) = path.split_first()
            && let Some(below) = command.find_subcommand_mut(first)
        {
            return of(below, rest, words);
        }
        command.error(ErrorKind::ValueValidation, words)
    }
    let mut all = super::arguments::Arguments::command();
    // Its usage is told with the names of those above it.
    all.build();
    of(&mut all, command, words)
}

fn wrong(words: String) -> clap::Error {
    wrong_usage(&["deploy"], words)
}

impl Arguments {
    /// What is asked for, and where its secrets are to be read.
    fn options(&self) -> Result<(Options, Vec<(String, Source)>), clap::Error> {
        let source = match &self.tag {
            Some(image) => ImageSource::Local(image.clone()),
            None if self.skip_push => ImageSource::Registry,
            None if self.skip_build => ImageSource::Tagged,
            None => ImageSource::Build,
        };
        let args = self.image.arguments.iter().map(|given| build_argument(given)).collect::<Result<_, _>>()?;
        let secrets = super::build_secret::parse_all(&self.image.secrets).map_err(wrong)?;
        let options = Options {
            // What is not built from the project needs no build of it.
            project_build: !self.no_build && source == ImageSource::Build,
            source,
            builder: self.image.builder.map(|builder| match builder {
                WantedBuilder::Buildkit => Builder::BuildKit,
                WantedBuilder::Classic => Builder::Classic,
            }),
            args,
            target: self.image.target.clone(),
            platform: self.image.platform.clone(),
            no_cache: self.image.no_cache,
            build_secrets: Vec::new(),
            force: self.force,
            sync_secrets: !self.no_secrets,
            health_limit: Duration::from_secs(self.health_limit),
            rollback_on_failure: self.rollback_on_failure,
            resume: self.resume,
            profile: self.profile.clone(),
        };
        Ok((options, secrets))
    }
}

fn build_argument(given: &str) -> Result<(String, String), clap::Error> {
    let (name, value) = match given.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (given, std::env::var(given).ok()),
    };
    match value {
        Some(value) if !name.is_empty() => Ok((name.to_owned(), value)),
        Some(_) => Err(wrong("--build-arg needs a name before its =".to_owned())),
        None => Err(wrong(format!("--build-arg {name}: the environment has no such variable"))),
    }
}

/// Deploys, and tells it.
pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    let (mut options, secrets) = match arguments.options() {
        Ok(parsed) => parsed,
        Err(error) => {
            let _ = error.print();
            return Exit::Usage;
        }
    };
    let mode = if arguments.check { arguments.output.mode(false) } else { arguments.output.mode_here() };
    let prepared = async {
        options.build_secrets = super::build_secret::read_all(secrets).await?;
        let session = arguments.place.open_project().await?;
        if !arguments.check {
            arguments.consent.may_change(&session, arguments.output.asks()).await?;
        }
        let (tenants, profile) = wanted(&session, &arguments).await?;
        options.profile = profile.or(options.profile.take());
        Ok((session, tenants))
    };
    let (session, tenants) = match unless_stopped(&stop, prepared).await {
        Ok(prepared) => prepared,
        Err(failure) => return progress::not_begun(mode, &failure),
    };
    let several = arguments.all || arguments.tenants.len() > 1;
    deploy_all(&session, &tenants, &options, several, arguments.check, mode, stop).await
}

/// What is asked before the deploy begins, which a signal ends at once.
pub(super) async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        () = stop.cancelled() => Err(Problem::new("Stopped before the deploy began.").into()),
        result = work => result,
    }
}

/// The tenants that are meant, and the profile, where the tenant was chosen by one.
async fn wanted(session: &Session, arguments: &Arguments) -> Result<(Vec<Tenant>, Option<String>), Problem> {
    if arguments.all {
        return Ok((every(session).await?, None));
    }
    if arguments.tenants.is_empty() {
        return match tenants::choose(session, None, arguments.profile.as_deref()).await {
            Ok(Chosen { tenant, profile }) => Ok((vec![tenant], profile)),
            // What is wrong with a profile is told by the checks, where it is clear without it who is meant.
            Err(problem) if arguments.profile.is_some() && !problem.requires_login => {
                tenants::resolve(session, None).await.map(|tenant| (vec![tenant], None)).map_err(|_| problem)
            }
            Err(problem) => Err(problem),
        };
    }
    let mut found: Vec<Tenant> = Vec::with_capacity(arguments.tenants.len());
    for wanted in &arguments.tenants {
        let tenant = tenants::resolve(session, Some(wanted)).await?;
        if found.iter().all(|known| known.id != tenant.id) {
            found.push(tenant);
        }
    }
    Ok((found, None))
}

/// All that can be deployed to. Where some cannot be read nobody could say that it was all.
async fn every(session: &Session) -> Result<Vec<Tenant>, Problem> {
    let list = session.client().tenants().await.map_err(|error| error.problem())?;
    if let Some(problem) = tenants::unreadable(&list.rejected) {
        return Err(problem.hint("Name those that are to be deployed: --tenant <id or name>."));
    }
    let all: Vec<_> = list.tenants.into_iter().filter(|tenant| tenant.state() != TenantState::Deleting).collect();
    if all.is_empty() { tenants::resolve(session, None).await.map(|one| vec![one]) } else { Ok(all) }
}

async fn deploy_all(
    session: &Session,
    tenants: &[Tenant],
    options: &Options,
    several: bool,
    check: bool,
    mode: Mode,
    stop: CancellationToken,
) -> Exit {
    let shown = progress::shown(mode, tenants, several);
    progress::watch(mode, shown, stop, |sender, cancel| async move {
        match tenants {
            _ if check => {
                let mut ended = Vec::with_capacity(tenants.len());
                for tenant in tenants {
                    let work = |own| {
                        let cancel = &cancel;
                        async move { deploy::check(session, &tenant.id, options, &own, cancel).await }
                    };
                    let result = named(&tenant.id, &sender, work).await;
                    ended.push((tenant.id.clone(), result.map(|()| None)));
                }
                ended
            }
            [tenant] => {
                let work = |own| {
                    let cancel = &cancel;
                    async move { deploy::run(session, &tenant.id, options, &own, cancel).await }
                };
                let result = named(&tenant.id, &sender, work).await;
                vec![(tenant.id.clone(), result.map(Some))]
            }
            _ => {
                let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id.clone()).collect();
                let ended = deploy::run_many(session, &ids, options, &sender, &cancel).await;
                ended.into_iter().map(|(id, result)| (id, result.map(Some))).collect::<Vec<Ended>>()
            }
        }
    })
    .await
}

/// Work on one tenant, whose progress goes on with the tenant's id.
pub(super) async fn named<T, Fut>(
    tenant: &TenantId,
    sender: &Sender<(TenantId, DeployProgress)>,
    work: impl FnOnce(Sender<DeployProgress>) -> Fut,
) -> T
where
    Fut: Future<Output = T>,
{
    let (own, mut said) = mpsc::channel(64);
    let passing_on = async {
        while let Some(moved) = said.recv().await {
            let _ = sender.send((tenant.clone(), moved)).await;
        }
    };
    let (result, ()) = tokio::join!(work(own), passing_on);
    result
}

#[cfg(test)]
mod tests {
    use super::super::arguments::{Arguments as All, Command};
    use super::*;
    use clap::Parser;

    fn parsed(words: &str) -> Result<Arguments, clap::Error> {
        let words = ["tenantry", "deploy"].into_iter().chain(words.split_whitespace());
        match All::try_parse_from(words)?.command {
            Some(Command::Deploy(arguments)) => Ok(*arguments),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_flags_it_is_the_ordinary_deploy() {
        let (options, secrets) = parsed("").and_then(|arguments| arguments.options()).expect("good");
        assert_eq!(format!("{options:?}"), format!("{:?}", Options::default()));
        assert!(secrets.is_empty());
    }

    #[test]
    fn flags_become_options() {
        let options = |words: &str| parsed(words).and_then(|arguments| arguments.options()).expect(words).0;
        for (words, source, project_build) in [
            ("--no-build", ImageSource::Build, false),
            ("--skip-build", ImageSource::Tagged, false),
            ("--skip-push", ImageSource::Registry, false),
            ("--tag old:1", ImageSource::Local("old:1".into()), false),
        ] {
            let options = options(words);
            assert_eq!((options.source, options.project_build), (source, project_build), "{words}");
        }
        let all =
            options("--builder classic --build-arg A=b=c --target t --platform p --no-cache --force --no-secrets");
        assert_eq!((all.builder, all.args), (Some(Builder::Classic), vec![("A".into(), "b=c".into())]));
        assert_eq!((all.target.as_deref(), all.platform.as_deref()), (Some("t"), Some("p")));
        assert!(all.no_cache && all.force && !all.sync_secrets);
        let rest = options("--health-limit 5 --rollback-on-failure --resume --profile staging");
        assert_eq!(rest.health_limit, Duration::from_secs(5));
        assert!(rest.rollback_on_failure && rest.resume && rest.profile.as_deref() == Some("staging"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "--all --tenant a",
            "--skip-build --skip-push",
            "--tag a --skip-push",
            "--json --events",
            "--plain --quiet",
            "--builder podman",
            "--build-arg =x",
            "--build-arg TENANTRY_NO_SUCH_VARIABLE",
            "--build-secret id",
            "--health-limit 0",
        ] {
            let refused = parsed(words).and_then(|arguments| arguments.options().map(|_| arguments));
            assert!(refused.is_err(), "{words}");
        }
    }

    #[test]
    fn a_secret_that_was_typed_is_not_repeated() {
        let arguments = parsed("--build-secret npm=hunter2").expect("clap cannot know");
        let error = arguments.options().expect_err("no place for a value").to_string();
        assert!(!error.contains("hunter2") && error.contains("npm"), "{error}");
    }
}
