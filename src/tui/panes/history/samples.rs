//! For tests: invented deploys as this machine and as the server remember them.

use crate::model::progress::{Builder, DeployStep};
use crate::model::{DeployEnd, DeployRecord, Deployment, Digest, GitRevision, StepRecord, StepResult};
use crate::ops::history::Entry;
use crate::tui::testing::{at, tenant_id};

/// The digest whose hex digits repeat `number`.
pub fn digest(number: u8) -> String {
    format!("sha256:{}", format!("{number:02x}").repeat(32))
}

/// A deploy of this machine that began at a second and took ten.
pub fn entry(id: &str, number: u8, second: i64, outcome: DeployEnd) -> Entry {
    let until = match &outcome {
        DeployEnd::Failed { step, .. } | DeployEnd::Cancelled { step } => *step,
        _ => DeployStep::Health,
    };
    let result = |step: DeployStep| match outcome {
        DeployEnd::Failed { .. } | DeployEnd::Cancelled { .. } if step == until => StepResult::Failed,
        _ if step == DeployStep::Project => StepResult::Skipped,
        _ => StepResult::Done,
    };
    let steps = DeployStep::ALL.into_iter().filter(|step| *step <= until);
    let record = DeployRecord {
        id: id.to_owned(),
        tenant_id: tenant_id(1),
        tenant_name: "orchard".into(),
        by: Some("mara@orchard.example".into()),
        began_at: at(second),
        took_ms: 9_800,
        image: "registry.fly.io/systemprompt-images:tenant-3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f01".into(),
        image_id: Some(digest(number.wrapping_add(100))),
        digest: Digest::new(&digest(number)).ok(),
        git: Some(GitRevision { commit: format!("{number:02x}").repeat(20), dirty: number == 2 }),
        builder: Some(Builder::BuildKit),
        rollback_of: None,
        steps: steps.map(|step| StepRecord { step, took_ms: 1_200, result: result(step) }).collect(),
        outcome,
    };
    Entry { record, runs_now: false, compared: None }
}

/// A deploy of the server that began at a second and took five.
pub fn deployment(id: &str, number: u8, second: i64, status: &str) -> Deployment {
    Deployment {
        id: id.to_owned(),
        image: "registry.fly.io/systemprompt-images:tenant-3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f01".into(),
        digest: digest(number),
        status: status.to_owned(),
        created_at: at(second),
        finished_at: (status != "deploying").then(|| at(second + 5)),
    }
}
