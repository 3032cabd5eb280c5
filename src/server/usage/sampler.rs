//! Looks at every machine again and again, until the server stops. A provider that does not answer is asked again the
//! next time; nothing is written for a time in which nobody could look.

use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{KEEP_ROLLED, KEEP_SAMPLES, ROLLED, SAMPLE, curve};
use crate::server::provider::{ProviderError, Stats};
use crate::server::provisioner::StepError;
use crate::server::state::Server;
use crate::server::store::{StoreError, usage};

/// Machines that are looked at at a time.
const AT_ONCE: usize = 8;
/// How long one look may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Rows in one transaction: others want to write, too.
const BATCH: usize = 200;
/// Pause between two clean-ups.
const CLEAN_EVERY: Duration = Duration::from_mins(5);

/// The last look at each machine.
#[derive(Debug, Default)]
pub struct Latest(Mutex<HashMap<String, (Timestamp, Stats)>>);

impl Latest {
    /// The last look, if it is not older than `age`.
    pub fn get(&self, machine: &str, age: Duration) -> Option<(Timestamp, Stats)> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, stats) = looks.get(machine)?;
        let is_young = Timestamp::now().duration_since(*at).unsigned_abs() <= age;
        is_young.then(|| (*at, stats.clone()))
    }

    fn replace(&self, looks: HashMap<String, (Timestamp, Stats)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = looks;
    }
}

/// Samples until the server stops.
pub fn start(server: &Server) {
    let worker = server.clone();
    drop(server.background(async move {
        let mut tick = interval(worker.settings.usage.interval.max(Duration::from_millis(10)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut cleaned, mut was_well) = (None::<Instant>, true);
        loop {
            tick.tick().await;
            let outcome = round(&worker).await;
            match &outcome {
                Err(error) if was_well => tracing::warn!(%error, "the machines cannot be measured now"),
                Ok(()) if !was_well => tracing::info!("the machines are measured again"),
                _ => {}
            }
            was_well = outcome.is_ok();
            if cleaned.is_none_or(|at| at.elapsed() >= CLEAN_EVERY) {
                cleaned = Some(Instant::now());
                if let Err(error) = clean(&worker, Timestamp::now().as_second()).await {
                    tracing::warn!(%error, "what machines used cannot be rolled up now");
                }
            }
        }
    }));
}

/// Looks at every machine once, and writes down what it found.
async fn round(server: &Server) -> Result<(), StepError> {
    let machines = usage::machines(&mut *server.store.read().await?).await?;
    if machines.is_empty() {
        server.usage.replace(HashMap::new());
        return Ok(());
    }
    // Asked once: behind an engine that hangs every look would wait.
    timeout(LIMIT, server.provider.available()).await.map_err(|_| hangs())??;
    let looks = stream::iter(machines).map(|(tenant, machine)| async move {
        let look = timeout(LIMIT, server.provider.stats(&machine)).await.unwrap_or_else(|_| Err(hangs()));
        (tenant, machine, Timestamp::now(), look)
    });
    let (mut rows, mut latest, mut failed) = (Vec::new(), HashMap::new(), None);
    let mut looks = std::pin::pin!(looks.buffer_unordered(AT_ONCE));
    while let Some((tenant, machine, at, look)) = looks.next().await {
        match look {
            Ok(Some(stats)) => {
                rows.push(super::row(&tenant, at, &stats));
                latest.insert(machine, (at, stats));
            }
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
    }
    server.usage.replace(latest);
    write(server, SAMPLE, &rows).await?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn hangs() -> ProviderError {
    ProviderError::Unavailable("the provider takes too long to answer".into())
}

async fn write(server: &Server, width: i64, rows: &[usage::UsageRow]) -> Result<(), StoreError> {
    for rows in rows.chunks(BATCH) {
        let mut tx = server.store.write().await?;
        usage::insert(&mut tx, width, rows).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Rolls up what is complete, and forgets what is too old. Repeating it changes nothing, so a server that was stopped
/// in between goes on where it was.
pub async fn clean(server: &Server, now: i64) -> Result<(), StoreError> {
    let complete = now.div_euclid(ROLLED) * ROLLED;
    let (rolled, first) = {
        let mut db = server.store.read().await?;
        (usage::newest(&mut db, ROLLED).await?, usage::oldest(&mut db, SAMPLE).await?)
    };
    // A stretch is rolled up for all at once, so what follows the newest row is what is missing.
    let mut from = match (rolled, first) {
        (Some(rolled), _) => rolled + ROLLED,
        (None, Some(first)) => first.div_euclid(ROLLED) * ROLLED,
        (None, None) => complete,
    };
    from = from.max(complete - KEEP_SAMPLES);
    while from < complete {
        let samples = usage::of_all(&mut *server.store.read().await?, SAMPLE, from, from + ROLLED).await?;
        let by_tenant = samples.chunk_by(|a, b| a.tenant_id == b.tenant_id);
        let rows: Vec<_> = by_tenant.flat_map(|rows| curve::fold(rows, ROLLED)).collect();
        write(server, ROLLED, &rows).await?;
        from += ROLLED;
    }
    let mut tx = server.store.write().await?;
    usage::forget(&mut tx, SAMPLE, now - KEEP_SAMPLES).await?;
    usage::forget(&mut tx, ROLLED, now - KEEP_ROLLED).await?;
    tx.commit().await?;
    Ok(())
}
