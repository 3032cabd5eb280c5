//! The deploys of a tenant as one list: what the server remembers, with what this machine remembers of the same deploys.
//! Must not know how it looks.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

use crate::model::progress::DeployStep;
use crate::model::{DeployEnd, Deployment};
use crate::ops::history::Entry;
use crate::tui::format;

/// How far the two clocks may be apart, and the server's part from the rest of a deploy.
const APART: SignedDuration = SignedDuration::from_mins(10);

/// How a deploy stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The tenant runs it, or ran it.
    Succeeded,
    /// It is under way.
    Deploying,
    /// It failed.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Somebody left it, and nobody said how it ended.
    Left,
    /// It broke off without a word.
    BrokenOff,
    /// A word of a newer server.
    Other(String),
}

/// One deploy.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// When it began, as far as anybody knows.
    pub began: Option<Timestamp>,
    /// The whole digest, with `sha256:` in front.
    pub digest: Option<String>,
    /// How it stands.
    pub outcome: Outcome,
    /// How long it took in all.
    pub took: Option<Duration>,
    /// The tenant runs this one.
    pub runs_now: bool,
    /// What this machine remembers of it.
    pub local: Option<Entry>,
    /// What the server remembers of it.
    pub server: Option<Deployment>,
}

impl Row {
    /// What tells it apart from all others, also after both sides know of it.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.local.as_ref().is_some_and(|entry| entry.record.id == key)
            || self.server.as_ref().is_some_and(|deployment| deployment.id == key)
    }

    /// See [`Self::is`].
    #[must_use]
    pub fn key(&self) -> &str {
        let server = || self.server.as_ref().map_or("", |deployment| deployment.id.as_str());
        self.local.as_ref().map_or_else(server, |entry| entry.record.id.as_str())
    }

    fn of_local(entry: Entry) -> Self {
        let record = &entry.record;
        Self {
            began: format::moment(&record.began_at),
            digest: record.digest.as_ref().map(|digest| digest.as_str().to_owned()),
            outcome: match record.outcome {
                DeployEnd::Succeeded => Outcome::Succeeded,
                DeployEnd::Failed { .. } => Outcome::Failed,
                DeployEnd::Cancelled { .. } => Outcome::Cancelled,
                DeployEnd::Detached => Outcome::Left,
                DeployEnd::Open => Outcome::BrokenOff,
            },
            took: (record.took_ms > 0).then(|| Duration::from_millis(record.took_ms)),
            runs_now: entry.runs_now,
            local: Some(entry),
            server: None,
        }
    }

    fn of_server(deployment: Deployment) -> Self {
        let began = format::moment(&deployment.created_at);
        let ended = deployment.finished_at.as_deref().and_then(format::moment);
        let took = began.zip(ended).and_then(|(began, ended)| Duration::try_from(ended.duration_since(began)).ok());
        Self {
            began,
            digest: Some(deployment.digest.clone()).filter(|digest| !digest.is_empty()),
            outcome: outcome(&deployment.status),
            took,
            runs_now: false,
            local: None,
            server: Some(deployment),
        }
    }

    /// The same deploy as the server remembers it: how it ended is the server's to say, the rest this machine knows better.
    fn join(&mut self, deployment: Deployment) {
        if matches!(self.outcome, Outcome::Left | Outcome::BrokenOff) {
            self.outcome = outcome(&deployment.status);
        }
        self.server = Some(deployment);
    }

    /// True where the server has it, or may have it.
    fn reached_server(&self) -> bool {
        let Some(entry) = &self.local else { return true };
        matches!(entry.record.outcome, DeployEnd::Succeeded | DeployEnd::Detached)
            || entry.record.steps.iter().any(|step| step.step >= DeployStep::Deploy)
    }
}

fn outcome(word: &str) -> Outcome {
    match word {
        "succeeded" => Outcome::Succeeded,
        "deploying" => Outcome::Deploying,
        "failed" => Outcome::Failed,
        other => Outcome::Other(other.to_owned()),
    }
}

/// One list of both, newest first; `running` is the digest that the tenant runs, where that is known.
#[must_use]
pub fn rows(local: &[Entry], server: &[Deployment], running: Option<&str>) -> Vec<Row> {
    let mut rows: Vec<Row> = local.iter().cloned().map(Row::of_local).collect();
    for deployment in server {
        let same = rows.iter().enumerate().filter_map(|(place, row)| Some((place, apart(row, deployment)?)));
        match same.min_by_key(|(_, apart)| *apart) {
            Some((place, _)) => rows[place].join(deployment.clone()),
            None => rows.push(Row::of_server(deployment.clone())),
        }
    }
    // What has no time is the oldest; the sort keeps the order of equal ones.
    rows.sort_by_key(|row| std::cmp::Reverse(row.began));
    if !rows.iter().any(|row| row.runs_now) {
        let runs = |row: &&mut Row| row.outcome == Outcome::Succeeded && row.digest.as_deref() == running;
        if let (Some(_), Some(row)) = (running, rows.iter_mut().find(runs)) {
            row.runs_now = true;
        }
    }
    rows
}

/// How far apart in time a row of this machine and a deploy of the server are, where they can be the same deploy.
fn apart(row: &Row, deployment: &Deployment) -> Option<SignedDuration> {
    if row.server.is_some() || !row.reached_server() || row.digest.as_deref() != Some(deployment.digest.as_str()) {
        return None;
    }
    let (began, at) = (row.began?, format::moment(&deployment.created_at)?);
    let ended = began.saturating_add(row.took.unwrap_or_default()).ok()?;
    let apart = match () {
        () if at < began => began.duration_since(at),
        () if at > ended => at.duration_since(ended),
        () => SignedDuration::ZERO,
    };
    (apart <= APART).then_some(apart)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{deployment, digest, entry};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_deploy_is_one_row() {
        let local = [entry("new", 1, -180, DeployEnd::Succeeded), entry("old", 2, -9000, DeployEnd::Succeeded)];
        let server = [
            deployment("dep_3", 1, -175, "succeeded"),
            deployment("dep_2", 3, -5000, "failed"),
            deployment("dep_1", 2, -8990, "succeeded"),
        ];
        let rows = rows(&local, &server, Some(&digest(1)));
        let keys: Vec<_> = rows.iter().map(|row| (row.key(), row.local.is_some(), row.server.is_some())).collect();
        assert_eq!(keys, [("new", true, true), ("dep_2", false, true), ("old", true, true)]);
        assert_eq!(rows.iter().map(|row| row.runs_now).collect::<Vec<_>>(), [true, false, false]);
        assert!(rows[0].is("new") && rows[0].is("dep_3") && !rows[0].is("old"));
    }

    #[test]
    fn one_image_deployed_twice_is_two_rows_and_the_nearest_in_time_is_the_same() {
        let local = [entry("b", 1, -100, DeployEnd::Succeeded), entry("a", 1, -400, DeployEnd::Succeeded)];
        let server = [deployment("dep_2", 1, -95, "succeeded"), deployment("dep_1", 1, -395, "succeeded")];
        let rows = rows(&local, &server, Some(&digest(1)));
        let pairs: Vec<_> =
            rows.iter().map(|row| (row.key(), row.server.as_ref().map(|known| known.id.as_str()))).collect();
        assert_eq!(pairs, [("b", Some("dep_2")), ("a", Some("dep_1"))]);
    }

    #[test]
    fn one_that_never_reached_the_server_is_not_taken_for_another() {
        let failed = DeployEnd::Failed { step: DeployStep::Push, title: "No.".into() };
        let local = [entry("failed", 1, -100, failed)];
        let rows = rows(&local, &[deployment("dep_1", 1, -90, "succeeded")], None);
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| !row.runs_now), "nobody says what runs");
    }

    #[test]
    fn how_it_ended_is_the_servers_to_say_where_somebody_left() {
        let local = [entry("left", 1, -100, DeployEnd::Detached)];
        let with = |word| rows(&local, &[deployment("dep_1", 1, -90, word)], None).remove(0).outcome;
        assert_eq!(with("failed"), Outcome::Failed);
        assert_eq!(with("paused"), Outcome::Other("paused".into()));
    }

    proptest! {
        #[test]
        fn no_deploy_is_lost_or_told_twice(
            local in prop::collection::vec((0u8..3, -2000i64..0), 0..8),
            server in prop::collection::vec((0u8..3, -2000i64..0), 0..8),
        ) {
            let local: Vec<_> = local
                .iter()
                .enumerate()
                .map(|(number, (digest, at))| entry(&format!("l{number}"), *digest, *at, DeployEnd::Succeeded))
                .collect();
            let server: Vec<_> = server
                .iter()
                .enumerate()
                .map(|(number, (digest, at))| deployment(&format!("s{number}"), *digest, *at, "succeeded"))
                .collect();
            let rows = rows(&local, &server, Some(&digest(1)));
            prop_assert_eq!(rows.iter().filter(|row| row.local.is_some()).count(), local.len());
            prop_assert_eq!(rows.iter().filter(|row| row.server.is_some()).count(), server.len());
            prop_assert!(rows.iter().filter(|row| row.runs_now).count() <= 1);
            prop_assert!(rows.windows(2).all(|pair| pair[0].began >= pair[1].began));
        }
    }
}
