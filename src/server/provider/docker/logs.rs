//! A machine's log, read on across whatever makes the engine end it: a log file that is rotated away under the reader, a
//! program that is started again. Only the machine's end ends a log that is followed. An engine (20.10 was seen to) that
//! rotates the file under its own reader may send the last lines before that once more: no line is passed on twice.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
use tokio::time::sleep;

use super::DockerProvider;
use crate::engine::{Engine, LogStream};
use crate::model::LogEntry;
use crate::server::provider::{LogPlace, LogStart, ProviderError, Skip};

/// Pause before a log that ended too early is opened again.
const PAUSE: Duration = Duration::from_millis(500);
/// Lines that are remembered: more than fit into what an engine reads ahead.
const REMEMBERED: usize = 2048;

struct Reading {
    engine: Engine,
    id: String,
    entries: LogStream,
    skip: Option<Skip>,
    place: LogPlace,
    recent: Recent,
    follow: bool,
}

/// The last lines that were passed on, as hashes of time and text. The engine dates every line in nanoseconds, so two that
/// are equal in both are one.
#[derive(Debug, Default)]
struct Recent {
    hasher: RandomState,
    members: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Recent {
    /// False for a line that came before.
    fn is_new(&mut self, entry: &LogEntry) -> bool {
        let hash = self.hasher.hash_one((&entry.timestamp, &entry.message));
        if !self.members.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.members.remove(&oldest);
        }
        true
    }
}

impl DockerProvider {
    pub(super) async fn read_log(
        &self,
        machine: &str,
        lines: u32,
        start: Option<LogStart>,
        follow: bool,
    ) -> Result<BoxStream<'static, LogEntry>, ProviderError> {
        let Some(container) = self.own(machine).await? else {
            return Err(ProviderError::Failed(format!("there is no machine {machine}")));
        };
        let (engine, id) = (self.engine().await?.clone(), container.id);
        let entries = match start {
            Some(start) => engine.container_logs_since(&id, start.from, follow),
            None => engine.container_logs(&id, lines, follow),
        };
        // Until a line was read: what is logged from now on.
        let now = LogStart { from: jiff::Timestamp::now(), known: 0 };
        let (skip, place) = (start.map(Skip::to), LogPlace::at(start.or(Some(now))));
        let reading = Reading { engine, id, entries, skip, place, recent: Recent::default(), follow };
        Ok(stream::unfold(reading, |mut reading| async move {
            let entry = reading.next().await?;
            Some((entry, reading))
        })
        .boxed())
    }
}

impl Reading {
    async fn next(&mut self) -> Option<LogEntry> {
        loop {
            match self.entries.next().await {
                Some(Ok(entry)) => {
                    let is_behind = self.skip.as_mut().is_none_or(|skip| skip.passes(&entry));
                    if is_behind && self.recent.is_new(&entry) {
                        self.place.pass(&entry);
                        return Some(entry);
                    }
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "a machine's log broke off");
                    self.reopen().await?;
                }
                None => self.reopen().await?,
            }
        }
    }

    /// Opens the log again where it ended, if the machine goes on.
    async fn reopen(&mut self) -> Option<()> {
        if !self.follow {
            return None;
        }
        let goes_on = |container: crate::engine::ContainerState| container.running || container.restarting;
        if !self.engine.container(&self.id).await.ok().flatten().is_some_and(goes_on) {
            return None;
        }
        sleep(PAUSE).await;
        let start = self.place.get()?;
        self.skip = Some(Skip::to(start));
        self.entries = self.engine.container_logs_since(&self.id, start.from, true);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_new_once_and_the_oldest_are_forgotten() {
        let line = |time: usize, message: &str| LogEntry {
            timestamp: format!("{time}"),
            message: message.into(),
            level: None,
        };
        let mut recent = Recent::default();
        assert!(recent.is_new(&line(1, "a")) && recent.is_new(&line(1, "b")) && recent.is_new(&line(2, "a")));
        assert!(!recent.is_new(&line(1, "a")));
        for time in 3..REMEMBERED + 2 {
            assert!(recent.is_new(&line(time, "a")));
        }
        assert!(recent.is_new(&line(1, "a")), "forgotten");
        assert_eq!(recent.members.len(), REMEMBERED);
    }
}
