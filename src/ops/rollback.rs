//! Back to an image that ran before (protocol D.8): which deploy is meant, and its image on the engine again under the
//! tenant's name. Pushing and deploying it is the ordinary deploy's business.

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::Session;
use super::reporter::cancelled;
use crate::engine::{ContainerError, Credentials, Engine};
use crate::model::progress::{DeployProgress, DeployStep};
use crate::model::{
    DeployEnd, DeployRecord, Digest, ImageReference, Problem, RegistryToken, Remedy, StepResult, TenantId,
};

/// The fewest characters of an id or a digest that name a deploy; fewer are a number of steps, or nothing.
const SHORTEST_NAME: usize = 4;

/// What to go back to: nothing said, a number of steps, or the beginning of a deploy's id, digest, image id or commit.
/// `records` are newest first; `current` is the digest that runs, where that is known.
pub fn find(records: &[DeployRecord], current: Option<&Digest>, wanted: Option<&str>) -> Result<DeployRecord, Problem> {
    let Some(wanted) = wanted.map(str::trim) else { return choose(records, current, 1) };
    match wanted.parse() {
        Ok(back) if wanted.len() < SHORTEST_NAME => choose(records, current, back),
        _ => named(records, wanted),
    }
}

/// The deploy of the `back`-th distinct image before the one that runs now; 1 is the last one. Only deploys that succeeded
/// count. After a rollback, 1 is the image that was left. Where it is not known what runs, it is what was brought last.
pub fn choose(records: &[DeployRecord], current: Option<&Digest>, back: usize) -> Result<DeployRecord, Problem> {
    if back == 0 {
        return Err(
            Problem::new("Nothing to go back to: 0 is what runs now.").hint("Give 1 for the version before it.")
        );
    }
    let runs = match current {
        // The registry may hold the same image under several digests.
        Some(digest) => records.iter().find(|record| record.digest.as_ref() == Some(digest)),
        None => records.iter().find(|record| is_presumed(record) && is_kept(record)),
    };
    let is_current = |record: &DeployRecord| {
        record.digest.as_ref().is_some_and(|digest| Some(digest) == current)
            || runs.is_some_and(|runs| is_same_image(runs, record))
    };
    let mut distinct: Vec<&DeployRecord> = Vec::new();
    for record in records.iter().filter(|record| succeeded(record) && !is_current(record)) {
        if !distinct.iter().any(|known| is_same_image(known, record)) {
            distinct.push(record);
        }
    }
    distinct.get(back - 1).map(|record| (*record).clone()).ok_or_else(|| {
        let problem = Problem::new("No recorded deploy to go back to.");
        match distinct.len() {
            0 => problem
                .detail("This machine remembers no other image that was deployed with success.")
                .hint("Deploy an earlier revision from its source."),
            one_or_more => problem
                .detail(format!("This machine remembers {one_or_more} before the one that runs, not {back}."))
                .hint("See `tenantry history`."),
        }
    })
}

/// The deploy that `name` is the beginning of: its id, its digest (`sha256:` may be left out), its image's id or commit.
fn named(records: &[DeployRecord], name: &str) -> Result<DeployRecord, Problem> {
    let wanted = name.strip_prefix("sha256:").unwrap_or(name).to_lowercase();
    let begins = |text: Option<&str>| text.is_some_and(|text| text.trim_start_matches("sha256:").starts_with(&wanted));
    let is_meant = |record: &&DeployRecord| {
        begins(Some(&record.id))
            || begins(record.digest.as_ref().map(Digest::as_str))
            || begins(record.image_id.as_deref())
            || begins(record.git.as_ref().map(|git| git.commit.as_str()))
    };
    let meant: Vec<&DeployRecord> = records.iter().filter(is_meant).filter(|_| wanted.len() >= SHORTEST_NAME).collect();
    let good: Vec<&DeployRecord> = meant.iter().copied().filter(|record| succeeded(record)).collect();
    match (good.first(), meant.first()) {
        (Some(newest), _) if good.iter().all(|other| is_same_image(newest, other)) => Ok((*newest).clone()),
        (Some(_), _) => Err(Problem::new(format!("More than one recorded image is meant by {name}."))
            .detail(format!("They are of the deploys {}.", ids(&good)))
            .hint("Give more of its digest.")),
        (None, Some(_)) => Err(Problem::new(format!("The deploy {name} did not succeed."))
            .detail("Only an image that has run is brought back.")
            .hint("See `tenantry history`, and choose one that did.")),
        (None, None) => Err(Problem::new("No recorded deploy with that name.")
            .detail(format!("No id, digest or commit on this machine begins with {name}."))
            .hint("See `tenantry history`.")),
    }
}

fn ids(records: &[&DeployRecord]) -> String {
    records.iter().map(|record| record.id.get(..8).unwrap_or(&record.id)).collect::<Vec<_>>().join(", ")
}

/// True for a deploy that the tenant runs as far as anybody can tell from the record alone.
fn is_presumed(record: &DeployRecord) -> bool {
    let is_undone =
        record.steps.iter().any(|known| known.step == DeployStep::Rollback && known.result == StepResult::Done);
    match record.outcome {
        DeployEnd::Succeeded | DeployEnd::Detached => true,
        DeployEnd::Failed { step, .. } | DeployEnd::Cancelled { step } => step >= DeployStep::Health && !is_undone,
        DeployEnd::Open => false,
    }
}

fn is_kept(record: &DeployRecord) -> bool {
    record.digest.is_some() || record.image_id.is_some()
}

fn succeeded(record: &DeployRecord) -> bool {
    record.outcome == DeployEnd::Succeeded && is_kept(record)
}

/// True where both brought the same image. Either name decides: another pusher may give the same image another digest, and an
/// image that was pulled may have another id.
fn is_same_image(one: &DeployRecord, other: &DeployRecord) -> bool {
    let equal = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
    equal(one.image_id.as_deref(), other.image_id.as_deref())
        || equal(one.digest.as_ref().map(Digest::as_str), other.digest.as_ref().map(Digest::as_str))
}

/// Brings the image of `record` back onto the engine under the name `target`, and returns its id: the engine's own where it is still
/// there, else pulled by its digest from where `token` leads. A token that is refused is replaced once. Cancelling ends the
/// pull; what is tagged stays tagged.
pub async fn bring_back(
    session: &Session,
    engine: &Engine,
    record: &DeployRecord,
    target: &ImageReference,
    token: &RegistryToken,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<String, Problem> {
    let say = async |line: String| {
        // A receiver that went away is no reason to stop.
        let _ = progress.send(DeployProgress::Output { step: DeployStep::Build, line }).await;
    };
    let work = async {
        let id = if let Some(id) = local(engine, record, target).await? {
            say(format!("the engine still has {}", short(&id))).await;
            id
        } else {
            let Some(digest) = &record.digest else { return Err(gone(record, "It never came to the registry.")) };
            let reference = target.at(digest);
            say(format!("the engine no longer has it: pulling {reference}")).await;
            pull(session, engine, record, &reference, token).await?;
            let id = engine.image_id(&reference).await.map_err(|error| error.problem())?;
            id.ok_or_else(|| gone(record, "It was pulled, and removed again at once."))?
        };
        engine.tag(&id, target).await.map_err(|error| error.problem())?;
        Ok(id)
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(cancelled(DeployStep::Build)),
        brought = work => brought,
    }
}

/// The id of the image where the engine has it, by its id or by its digest.
async fn local(engine: &Engine, record: &DeployRecord, target: &ImageReference) -> Result<Option<String>, Problem> {
    // Checked: the engine would take a name as well, and a name says nothing about what it stands for now.
    let id = record.image_id.as_deref().and_then(|id| Digest::new(id).ok()).map(|id| id.to_string());
    let by_digest = record.digest.as_ref().map(|digest| target.at(digest));
    for reference in [id, by_digest].into_iter().flatten() {
        if let Some(found) = engine.image_id(&reference).await.map_err(|error| error.problem())? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn pull(
    session: &Session,
    engine: &Engine,
    record: &DeployRecord,
    reference: &str,
    token: &RegistryToken,
) -> Result<(), Problem> {
    let pulled = match engine.pull(reference, &credentials(token)).await {
        Err(ContainerError::PullDenied { reason, .. }) => {
            tracing::info!(reason, "the registry refused the token; a new one is asked for");
            let token = new_token(session, &record.tenant_id).await?;
            engine.pull(reference, &credentials(&token)).await
        }
        pulled => pulled,
    };
    pulled.map_err(|error| not_pulled(record, &error))
}

fn credentials(token: &RegistryToken) -> Credentials {
    Credentials { username: token.username.clone(), password: token.token.clone() }
}

async fn new_token(session: &Session, tenant: &TenantId) -> Result<RegistryToken, Problem> {
    session.client().registry_token(tenant).await.map_err(|error| error.problem())
}

fn not_pulled(record: &DeployRecord, error: &ContainerError) -> Problem {
    match error {
        ContainerError::PullDenied { reason, .. } => Problem::new("Registry refused the login.")
            .detail(format!("{reason}; also with a new token."))
            .hint("Log in again.")
            .needs_login(),
        ContainerError::PullFailed { reason, .. } if is_absent(reason) => {
            gone(record, &format!("The engine no longer has it, and the registry says: {reason}."))
        }
        ContainerError::Unreachable(reason) => {
            Problem::new("Docker does not answer.").detail(reason).remedy(Remedy::Retry)
        }
        other => Problem::new("The image cannot be pulled.")
            .detail(format!("{other}."))
            .hint("See that the registry can be reached, then try again.")
            .remedy(Remedy::Retry),
    }
}

/// True for the engine's words where the registry answered that there is no such image. The engine remembers manifests, so it
/// may be a layer that it misses first.
fn is_absent(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    let words = ["manifest unknown", "no such manifest", "blob unknown", "unknown blob", "not found"];
    words.iter().any(|words| reason.contains(words))
}

fn gone(record: &DeployRecord, why: &str) -> Problem {
    let problem = Problem::new("The image of that deploy is gone.").detail(format!(
        "Deploy {} of {}: {why}",
        record.id.get(..8).unwrap_or(&record.id),
        record.began_at
    ));
    match &record.git {
        Some(git) if !git.dirty => problem.hint(format!(
            "Deploy its source again, commit {}; or choose another from `tenantry history`.",
            git.commit.get(..12).unwrap_or(&git.commit)
        )),
        _ => problem.hint("Choose another from `tenantry history`."),
    }
}

fn short(id: &str) -> &str {
    let id = id.trim_start_matches("sha256:");
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GitRevision, StepRecord};
    use crate::ops::testing::{digest, record};

    /// A deploy of image `number` that succeeded.
    fn good(id: &str, number: u8) -> DeployRecord {
        DeployRecord { digest: Some(digest(number)), image_id: Some(digest(number + 100).to_string()), ..record(id) }
    }

    fn ended(id: &str, number: u8, outcome: DeployEnd) -> DeployRecord {
        DeployRecord { outcome, ..good(id, number) }
    }

    fn failed(step: DeployStep) -> DeployEnd {
        DeployEnd::Failed { step, title: "No.".into() }
    }

    fn chosen(records: &[DeployRecord], current: Option<u8>, back: usize) -> Option<String> {
        choose(records, current.map(digest).as_ref(), back).ok().map(|record| record.id)
    }

    #[test]
    fn it_is_the_image_before_the_one_that_runs() {
        let records = [good("c", 3), good("b again", 2), good("b", 2), good("a", 1)];
        for (current, back, expected) in [
            (Some(3), 1, Some("b again")),
            (Some(3), 2, Some("a")),
            (Some(3), 3, None),
            // After a rollback to b: where it came from, then what is older.
            (Some(2), 1, Some("c")),
            (Some(2), 2, Some("a")),
            // Somebody else deployed from another machine.
            (Some(9), 1, Some("c")),
            (None, 1, Some("b again")),
            (Some(3), 0, None),
        ] {
            assert_eq!(chosen(&records, current, back).as_deref(), expected, "{current:?} {back}");
        }
    }

    #[test]
    fn what_did_not_succeed_is_no_goal_but_may_be_what_runs() {
        let unhealthy = ended("unhealthy", 4, failed(DeployStep::Health));
        let records = [
            ended("pushed", 5, failed(DeployStep::Push)),
            unhealthy.clone(),
            ended("left", 3, DeployEnd::Detached),
            good("b", 2),
            DeployRecord { digest: None, image_id: None, ..good("nothing", 9) },
            good("a", 1),
        ];
        assert_eq!(chosen(&records, Some(4), 1).as_deref(), Some("b"));
        assert_eq!(chosen(&records, Some(2), 1).as_deref(), Some("a"));
        assert_eq!(chosen(&records, None, 1).as_deref(), Some("b"), "what was brought last is taken to run");
        assert_eq!(chosen(std::slice::from_ref(&unhealthy), None, 1), None);
        let refused = [ended("refused", 4, failed(DeployStep::Deploy)), good("b", 2), good("a", 1)];
        assert_eq!(chosen(&refused, None, 1).as_deref(), Some("a"), "b still runs");
        let mut undone = [unhealthy, good("b", 2), good("a", 1)];
        assert_eq!(chosen(&undone, None, 1).as_deref(), Some("b"));
        undone[0].steps.push(StepRecord { step: DeployStep::Rollback, took_ms: 1, result: StepResult::Done });
        assert_eq!(chosen(&undone, None, 1).as_deref(), Some("a"), "b runs again");
    }

    #[test]
    fn one_image_under_two_digests_is_one_image() {
        let pushed_again = DeployRecord { digest: Some(digest(7)), ..good("a again", 1) };
        let records = [pushed_again, good("b", 2), good("a", 1)];
        assert_eq!(chosen(&records, Some(7), 1).as_deref(), Some("b"));
        assert_eq!(chosen(&records, Some(7), 2), None, "a is what runs");
        assert_eq!(chosen(&records, Some(1), 1).as_deref(), Some("b"));
    }

    #[test]
    fn a_name_is_the_beginning_of_anything_that_names_it() {
        let mut first = good("3f6c1b8e-52d4", 1);
        first.git = Some(GitRevision { commit: "12345678".repeat(5), dirty: false });
        let records = [
            good("9a0c55d1-e2f3", 2),
            ended("77770000", 5, failed(DeployStep::Push)),
            first.clone(),
            DeployRecord { id: "3f6c9999".into(), ..first },
        ];
        let found = |wanted: &str| find(&records, Some(&digest(2)), Some(wanted)).map(|record| record.id);
        for name in ["3f6c1b8e", "3F6C1", "010101", "sha256:0101", "6565656565", "1234567"] {
            assert_eq!(found(name).as_deref(), Ok("3f6c1b8e-52d4"), "{name}");
        }
        assert_eq!(found("3f6c").as_deref(), Ok("3f6c1b8e-52d4"), "two deploys, one image");
        assert_eq!(found("1").as_deref(), Ok("3f6c1b8e-52d4"), "one step back");
        assert_eq!(find(&records, Some(&digest(2)), None).map(|record| record.id).as_deref(), Ok("3f6c1b8e-52d4"));
        for (name, title) in [
            ("7777", "The deploy 7777 did not succeed."),
            ("beef", "No recorded deploy with that name."),
            ("", "No recorded deploy with that name."),
            ("3f6", "No recorded deploy with that name."),
            ("sha256:", "No recorded deploy with that name."),
            ("12", "No recorded deploy to go back to."),
            ("1234567890123456789012345678901234567890123", "No recorded deploy with that name."),
        ] {
            assert_eq!(found(name).expect_err(name).title, title);
        }
        let mut twins = records.to_vec();
        twins[0].id = "3f6c7777".into();
        let problem = find(&twins, None, Some("3f6c")).expect_err("two images");
        assert_eq!(problem.title, "More than one recorded image is meant by 3f6c.");
    }

    #[test]
    fn what_is_gone_is_told_with_what_helps() {
        let mut lost = good("3f6c1b8e-52d4", 1);
        let failed = |reason: &str| ContainerError::PullFailed { image: "i".into(), reason: reason.into() };
        for words in ["manifest unknown: no such manifest", "error pulling image configuration: unknown blob"] {
            assert_eq!(not_pulled(&lost, &failed(words)).title, "The image of that deploy is gone.");
        }
        let absent = failed("manifest unknown");
        assert!(not_pulled(&lost, &absent).hint.is_some_and(|hint| hint.starts_with("Choose another")));
        lost.git = Some(GitRevision { commit: "12345678".repeat(5), dirty: false });
        let problem = not_pulled(&lost, &absent);
        assert_eq!(problem.title, "The image of that deploy is gone.");
        assert!(problem.hint.is_some_and(|hint| hint.contains("123456781234;")));
        assert_eq!(not_pulled(&lost, &failed("connection refused")).title, "The image cannot be pulled.");
    }
}
