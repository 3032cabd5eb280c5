//! The record as it is on the disk, step by step.

use super::*;
use crate::api::Client;
use crate::model::Secret;
use crate::model::progress::DeployStep::{Build, Deploy, Health, Preflight, Project as Own, Push, Rollback};
use crate::ops::testing::{digest, record};
use crate::workspace::Project;

struct World {
    folder: tempfile::TempDir,
    session: Session,
    state: StateDirectory,
}

/// A session in a project with a stored login, whose server nobody has to answer for.
fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let project = Project { root: folder.path().to_owned() };
    let base = BaseUrl::parse("http://127.0.0.1:1").expect("an address");
    let login = Credentials {
        token: Secret::new("t0ken"),
        api_url: base.to_string(),
        email: "mara@orchard.example".into(),
        user_id: None,
        context: None,
        authenticated_at: None,
    };
    login.write(&project).expect("stored");
    let client = Client::new(base, login.token).expect("a client");
    let state = StateDirectory::at(folder.path().join("state"));
    World { session: Session::new(client, project, Some(state.clone())), state, folder }
}

fn tenant() -> TenantId {
    TenantId::new("ten_1").expect("an id")
}

impl World {
    fn begin(&self, origin: Origin) -> Recorder {
        Recorder::begin(&self.session, &tenant(), origin)
    }

    fn saved(&self) -> Vec<DeployRecord> {
        self.state.records(&tenant()).expect("readable")
    }

    /// Waits until the newest record on the disk is so.
    async fn wait_until(&self, holds: impl Fn(&DeployRecord) -> bool) -> DeployRecord {
        loop {
            if let Some(newest) = self.saved().into_iter().next().filter(|newest| holds(newest)) {
                return newest;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn finished(step: DeployStep, took: u64) -> DeployProgress {
    DeployProgress::Finished { step, summary: "done".into(), took: Duration::from_millis(took) }
}

fn failed(step: DeployStep) -> DeployProgress {
    DeployProgress::Failed { step, problem: Problem::new("No."), took: Duration::from_millis(5) }
}

fn problem() -> Result<DeployOutcome, Problem> {
    Err(Problem::new("The registry is \u{1b}[31maway."))
}

#[allow(clippy::unnecessary_wraps, reason = "the other end of a deploy is an error")]
fn outcome() -> Result<DeployOutcome, Problem> {
    let image_id = Some(digest(1).to_string());
    Ok(DeployOutcome { app_url: None, digest: digest(2), image_id, took: Duration::from_secs(9) })
}

#[tokio::test]
async fn the_record_is_on_the_disk_after_every_step_and_stays_open_after_a_crash() {
    let world = world();
    let recorder = world.begin(Origin::Project);
    let begun = world.wait_until(|_| true).await;
    assert_eq!((begun.outcome, begun.id), (DeployEnd::Open, recorder.id()));
    recorder.name("orchard");
    recorder.hear(&DeployProgress::Started { step: Preflight });
    recorder.hear(&finished(Preflight, 3));
    recorder.hear(&DeployProgress::Skipped { step: Own, why: "no command".into(), took: Duration::ZERO });
    let image = ImageReference::new("127.0.0.1:5000", "images", "tenant-ten_1").expect("an image");
    recorder.image(&image);
    recorder.made(digest(1).as_str(), Some(Builder::Classic));
    recorder.hear(&finished(Build, 40));
    let seen = world.wait_until(|record| record.steps.len() == 3 && record.by.is_some()).await;
    assert_eq!(seen.by.as_deref(), Some("mara@orchard.example"));
    assert_eq!((seen.tenant_name.as_str(), seen.image), ("orchard", image.to_string()));
    assert_eq!(seen.steps[1], StepRecord { step: Own, took_ms: 0, result: StepResult::Skipped });
    assert_eq!((seen.image_id.as_deref(), seen.builder), (Some(digest(1).as_str()), Some(Builder::Classic)));
    // Nobody says how it ended.
    recorder.pushed(&digest(2));
    drop(recorder);
    let left = world.wait_until(|record| record.digest.is_some()).await;
    assert_eq!(left.outcome, DeployEnd::Open);
    assert_eq!(world.saved().len(), 1);
}

#[tokio::test]
async fn the_end_is_told_as_it_was() {
    let cancelled = true;
    for (steps, accepted, result, was_cancelled, expected) in [
        (vec![], false, outcome(), false, DeployEnd::Succeeded),
        (vec![], false, problem(), false, DeployEnd::Failed { step: Preflight, title: "The registry is away.".into() }),
        (
            vec![finished(Build, 1), failed(Push)],
            false,
            problem(),
            false,
            DeployEnd::Failed { step: Push, title: "The registry is away.".into() },
        ),
        (
            vec![failed(Health), finished(Rollback, 1)],
            true,
            problem(),
            false,
            DeployEnd::Failed { step: Health, title: "The registry is away.".into() },
        ),
        (
            vec![failed(Health), failed(Rollback)],
            true,
            problem(),
            false,
            DeployEnd::Failed { step: Health, title: "The registry is away.".into() },
        ),
        (vec![failed(Push)], false, problem(), cancelled, DeployEnd::Cancelled { step: Push }),
        (vec![failed(Deploy)], false, problem(), cancelled, DeployEnd::Cancelled { step: Deploy }),
        (vec![failed(Deploy)], true, problem(), cancelled, DeployEnd::Detached),
        (vec![failed(Health)], false, problem(), cancelled, DeployEnd::Detached),
        // The cancellation came too late.
        (vec![finished(Health, 1)], true, outcome(), cancelled, DeployEnd::Succeeded),
    ] {
        let world = world();
        let recorder = world.begin(Origin::Project);
        for step in &steps {
            recorder.hear(step);
        }
        if accepted {
            recorder.accepted();
        }
        recorder.finish(&result, was_cancelled).await;
        assert_eq!(world.saved()[0].outcome, expected, "{steps:?} {accepted} {was_cancelled}");
    }
}

#[tokio::test]
async fn a_finished_deploy_has_its_revision_and_its_image() {
    let world = world();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Mara", "-c", "user.email=mara@orchard.example"];
        let mut command = std::process::Command::new("git");
        let output =
            command.args(identity).args(arguments).current_dir(world.folder.path()).output().expect("git runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    git(&["init"]);
    git(&["add", "."]);
    git(&["commit", "-m", "all"]);
    let recorder = world.begin(Origin::Project);
    recorder.made(digest(1).as_str(), None);
    recorder.finish(&outcome(), false).await;
    let newest = world.saved().remove(0);
    // The state directory of this test is in the project, and may be there before git looks.
    assert_eq!(newest.git.map(|git| git.commit), Some(git(&["rev-parse", "HEAD"])));
    assert_eq!((newest.digest, newest.image_id), (Some(digest(2)), Some(digest(1).to_string())));
}

#[tokio::test]
async fn a_resumed_deploy_and_a_rollback_keep_what_is_known_of_their_image() {
    let world = world();
    let mut before = record("before");
    before.git = Some(GitRevision { commit: "ab".repeat(20), dirty: true });
    before.image_id = Some(digest(1).to_string());
    before.digest = Some(digest(2));
    before.outcome = DeployEnd::Failed { step: Deploy, title: "No.".into() };
    for step in [Preflight, Own, Build, Push] {
        before.steps.push(StepRecord { step, took_ms: 7, result: StepResult::Done });
    }
    let resume = Resume { record: before.clone(), from: Push };
    let recorder = world.begin(Origin::Resumed(Box::new(resume.clone())));
    // It breaks off before it has said anything, and can still be gone on with.
    recorder.finish(&problem(), true).await;
    let resumed = world.saved().remove(0);
    assert_eq!((&resumed.git, &resumed.image_id, &resumed.digest), (&before.git, &before.image_id, &None));
    let steps: Vec<_> = resumed.steps.iter().map(|known| (known.step, known.took_ms, known.result)).collect();
    assert_eq!(steps, [(Own, 0, StepResult::Skipped), (Build, 0, StepResult::Skipped)]);
    let again = DeployRecord { outcome: DeployEnd::Open, ..resumed };
    assert_eq!(crate::ops::resume::resumable(&[again]).map(|found| found.from), Some(Push));

    let recorder = world.begin(Origin::Rollback(Box::new(before.clone())));
    recorder.finish(&outcome(), false).await;
    let rollback = world.saved().remove(0);
    assert_eq!((rollback.rollback_of.as_deref(), &rollback.git), (Some("before"), &before.git));

    world.begin(Origin::Elsewhere).finish(&outcome(), false).await;
    assert_eq!(world.saved()[0].git, None);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_stops_nothing() {
    let mut world = world();
    let file = world.folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    for state in [Some(StateDirectory::at(file)), None] {
        world.session = Session::new(world.session.client().clone(), world.session.project().clone(), state);
        let recorder = world.begin(Origin::Project);
        recorder.hear(&finished(Build, 1));
        recorder.finish(&outcome(), false).await;
    }
}
