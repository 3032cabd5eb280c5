//! Keeps the record of a deploy up to date on the disk while it runs, so that a history, a rollback and a resumed deploy
//! know what happened, also after a crash.
//!
//! Never fails a deploy and never makes one wait: a task of its own writes the newest state whenever there is one.
//! Durations are measured with a clock that nobody sets. Must not know how a step is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use super::resume::Resume;
use super::{Session, git};
use crate::api::BaseUrl;
use crate::model::progress::{Builder, DeployOutcome, DeployProgress, DeployStep};
use crate::model::{
    DeployEnd, DeployRecord, Digest, GitRevision, ImageReference, Problem, StepRecord, StepResult, TenantId, text,
};
use crate::workspace::{Credentials, StateDirectory};

/// How long the server may take to say whose login it is, where that is not stored.
const ACCOUNT_LIMIT: Duration = Duration::from_secs(2);
/// The longest title of a problem that is kept, characters.
const TITLE: usize = 200;

/// The steps whose outcome a resumed deploy takes over.
const CARRIED: [DeployStep; 3] = [DeployStep::Project, DeployStep::Build, DeployStep::Push];

/// Where the image of a deploy comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The project as it stands: the record names its revision.
    Project,
    /// A deploy that did not come to its end, which this one goes on with. What it had done counts as skipped.
    Resumed(Box<Resume>),
    /// An earlier deploy, whose image this one brings back.
    Rollback(Box<DeployRecord>),
    /// A local image, or what the registry holds: nobody knows of which revision.
    Elsewhere,
}

/// Writes the record of one deploy. One that is dropped without [`Self::finish`] leaves a record that is still open.
#[derive(Debug)]
pub struct Recorder {
    record: Arc<watch::Sender<DeployRecord>>,
    begun: Instant,
    accepted: AtomicBool,
    inquiry: AbortOnDropHandle<()>,
    /// Ends by itself, with the last state written, once nobody can change the record any more.
    writer: JoinHandle<()>,
}

impl Recorder {
    /// Begins the record of a deploy of `tenant`. Must be called on the runtime; waits for nothing.
    #[must_use]
    pub fn begin(session: &Session, tenant: &TenantId, origin: Origin) -> Self {
        let wants_revision = match &origin {
            Origin::Project => true,
            Origin::Resumed(resume) => resume.from <= DeployStep::Build,
            Origin::Rollback(_) | Origin::Elsewhere => false,
        };
        let (sender, receiver) = watch::channel(first(tenant, origin));
        let record = Arc::new(sender);
        let writer = tokio::spawn(write(session.state().cloned(), receiver));
        let inquiry = inquire(session.clone(), wants_revision, Arc::clone(&record));
        let inquiry = AbortOnDropHandle::new(tokio::spawn(inquiry));
        Self { record, begun: Instant::now(), accepted: AtomicBool::new(false), inquiry, writer }
    }

    /// The record's id.
    #[must_use]
    pub fn id(&self) -> String {
        self.record.borrow().id.clone()
    }

    /// What the tenant is called, once that is known.
    pub fn name(&self, tenant_name: &str) {
        self.change(|record| text::line(tenant_name).clone_into(&mut record.tenant_name));
    }

    /// Where the image goes.
    pub fn image(&self, image: &ImageReference) {
        self.change(|record| record.image = image.to_string());
    }

    /// The image is on the engine; `builder` made it, where one did.
    pub fn made(&self, image_id: &str, builder: Option<Builder>) {
        self.change(|record| {
            record.image_id = Some(text::line(image_id));
            record.builder = builder.or(record.builder);
        });
    }

    /// What the registry holds under the tag.
    pub fn pushed(&self, digest: &Digest) {
        self.change(|record| record.digest = Some(digest.clone()));
    }

    /// The server has accepted the deploy: from here on nobody stops it, one can only stop watching.
    pub fn accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// Takes note of what a step says: its end counts, everything else is ignored.
    pub fn hear(&self, progress: &DeployProgress) {
        let (step, took, result) = match progress {
            DeployProgress::Finished { step, took, .. } => (*step, *took, StepResult::Done),
            DeployProgress::Skipped { step, took, .. } => (*step, *took, StepResult::Skipped),
            DeployProgress::Failed { step, took, .. } => (*step, *took, StepResult::Failed),
            _ => return,
        };
        self.change(|record| {
            record.steps.retain(|known| known.step != step);
            record.steps.push(StepRecord { step, took_ms: milliseconds(took), result });
        });
    }

    /// Writes down how it ended, and waits until that is on the disk. `was_cancelled`: somebody stopped it.
    pub async fn finish(self, result: &Result<DeployOutcome, Problem>, was_cancelled: bool) {
        let Self { record, begun, accepted, mut inquiry, writer } = self;
        // Who and of which revision is worth a wait where there is an image that may be wanted again.
        if record.borrow().image_id.is_none() {
            inquiry.abort();
        }
        let _ = (&mut inquiry).await;
        let accepted = accepted.into_inner();
        record.send_modify(|record| {
            record.took_ms = milliseconds(begun.elapsed());
            record.outcome = end(record, result, was_cancelled, accepted);
            if let Ok(outcome) = result {
                record.digest = Some(outcome.digest.clone());
                if outcome.image_id.is_some() {
                    record.image_id.clone_from(&outcome.image_id);
                }
            }
        });
        drop((inquiry, record));
        if let Err(stopped) = writer.await {
            tracing::warn!(%stopped, "the deploy is not in the history");
        }
    }

    fn change(&self, change: impl FnOnce(&mut DeployRecord)) {
        self.record.send_modify(|record| {
            record.took_ms = milliseconds(self.begun.elapsed());
            change(record);
        });
    }
}

/// The record as it begins.
fn first(tenant: &TenantId, origin: Origin) -> DeployRecord {
    let fresh = DeployRecord {
        id: uuid::Uuid::new_v4().to_string(),
        tenant_id: tenant.clone(),
        tenant_name: String::new(),
        by: None,
        began_at: format!("{:.0}", jiff::Timestamp::now()),
        took_ms: 0,
        image: String::new(),
        image_id: None,
        digest: None,
        git: None,
        builder: None,
        rollback_of: None,
        steps: Vec::new(),
        outcome: DeployEnd::Open,
    };
    match origin {
        Origin::Project | Origin::Elsewhere => fresh,
        Origin::Resumed(resume) => {
            let Resume { record, from } = *resume;
            let is_done = |known: &StepRecord| CARRIED.contains(&known.step) && known.step < from;
            let skipped = |known: StepRecord| StepRecord { took_ms: 0, result: StepResult::Skipped, ..known };
            let steps = record.steps.into_iter().filter(is_done).map(skipped).collect();
            // What a step that comes again will make is not known yet.
            let image_id = record.image_id.filter(|_| from > DeployStep::Build);
            let digest = record.digest.filter(|_| from > DeployStep::Push);
            let git = record.git.filter(|_| from > DeployStep::Build);
            let DeployRecord { tenant_name, image, builder, rollback_of, .. } = record;
            DeployRecord { tenant_name, image, image_id, digest, git, builder, rollback_of, steps, ..fresh }
        }
        Origin::Rollback(to) => {
            let DeployRecord { id, tenant_name, image, git, builder, .. } = *to;
            DeployRecord { tenant_name, image, git, builder, rollback_of: Some(id), ..fresh }
        }
    }
}

/// How a deploy stands after its last word.
fn end(
    record: &DeployRecord,
    result: &Result<DeployOutcome, Problem>,
    was_cancelled: bool,
    accepted: bool,
) -> DeployEnd {
    let Err(problem) = result else { return DeployEnd::Succeeded };
    let failed =
        record.steps.iter().rfind(|known| known.result == StepResult::Failed && known.step != DeployStep::Rollback);
    let step = failed.map_or(DeployStep::Preflight, |known| known.step);
    match (was_cancelled, accepted || step >= DeployStep::Health) {
        (true, true) => DeployEnd::Detached,
        (true, false) => DeployEnd::Cancelled { step },
        (false, _) => DeployEnd::Failed { step, title: text::short(&problem.title, TITLE) },
    }
}

/// Asks whose login it is and what the source is, side by side with the deploy.
async fn inquire(session: Session, wants_revision: bool, record: Arc<watch::Sender<DeployRecord>>) {
    let revision =
        async { if wants_revision { git::revision(&session.project().root).await } else { None::<GitRevision> } };
    let (by, revision) = tokio::join!(account(&session), revision);
    record.send_modify(|record| {
        record.by = by;
        if wants_revision {
            record.git = revision;
        }
    });
}

/// The account's e-mail: as it is stored, else as the server tells it.
async fn account(session: &Session) -> Option<String> {
    let project = session.project().clone();
    let stored = tokio::task::spawn_blocking(move || Credentials::read(&project)).await;
    let ours = session.client().base().to_string();
    if let Ok(Ok(Some(stored))) = stored
        && BaseUrl::parse(&stored.api_url).is_ok_and(|base| base.to_string() == ours)
    {
        return Some(stored.email);
    }
    let asked = tokio::time::timeout(ACCOUNT_LIMIT, session.client().me()).await;
    asked.ok()?.ok().map(|me| me.user.email)
}

/// Writes the record, and writes it again as long as it changes: the newest state only, however many there were.
async fn write(state: Option<StateDirectory>, mut record: watch::Receiver<DeployRecord>) {
    let Some(state) = state else { return };
    let mut is_told = false;
    loop {
        let (place, now) = (state.clone(), record.borrow_and_update().clone());
        let saved = tokio::task::spawn_blocking(move || place.save_record(&now)).await;
        if let Ok(Err(error)) = saved
            && !is_told
        {
            tracing::warn!(%error, "the deploy cannot be remembered");
            is_told = true;
        }
        if record.changed().await.is_err() {
            return;
        }
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "record/tests.rs"]
mod tests;
