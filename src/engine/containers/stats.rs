//! What a container uses at this moment, as counters. Rates are made by whoever looks twice.
//!
//! Asked with `one-shot`: the engine then answers at once. Without it every look takes the engine a second or two,
//! because it looks twice itself.

use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt as _;
use serde::Deserialize;
use std::collections::HashMap;

use super::ContainerError;
use crate::engine::{Engine, EngineError, request};

/// Largest answer about disk usage that is read, bytes: an engine with ten thousand images says about five million.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;

/// One look at a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContainerUsage {
    /// Processor time of the container since it started, nanoseconds.
    pub cpu_ns: u64,
    /// Processor time that the whole machine has spent, idle or not, nanoseconds; 0 where the engine does not say.
    pub system_ns: u64,
    /// Processors.
    pub cpus: u32,
    /// Memory without the file cache that can be given up at once, bytes: what `docker stats` shows.
    pub memory: u64,
    /// Its limit, bytes.
    pub memory_limit: u64,
    /// Received over all networks since it started, bytes.
    pub received: u64,
    /// Sent, likewise.
    pub sent: u64,
}

impl ContainerUsage {
    /// Percent of one processor since `earlier`, as `docker stats` computes it: two busy processors are 200. `None`
    /// where no time has gone by, or the container was started again in between.
    #[must_use]
    pub fn cpu_percent_since(&self, earlier: &Self) -> Option<f64> {
        let used = self.cpu_ns.checked_sub(earlier.cpu_ns)?;
        let whole = self.system_ns.checked_sub(earlier.system_ns).filter(|whole| *whole > 0)?;
        #[allow(clippy::cast_precision_loss, reason = "nanoseconds of a few minutes are far below 2^52")]
        Some(used as f64 / whole as f64 * f64::from(self.cpus.max(1)) * 100.0)
    }
}

impl From<ContainerStatsResponse> for ContainerUsage {
    fn from(answer: ContainerStatsResponse) -> Self {
        let cpu = answer.cpu_stats.unwrap_or_default();
        let time = cpu.cpu_usage.unwrap_or_default();
        let memory = answer.memory_stats.unwrap_or_default();
        let details = memory.stats.unwrap_or_default();
        // Control groups of the first and of the second version.
        let cache = details.get("total_inactive_file").or_else(|| details.get("inactive_file")).copied();
        let networks = answer.networks.unwrap_or_default();
        let cpus = cpu.online_cpus.filter(|count| *count > 0);
        Self {
            cpu_ns: time.total_usage.unwrap_or_default(),
            system_ns: cpu.system_cpu_usage.unwrap_or_default(),
            cpus: cpus.unwrap_or_else(|| time.percpu_usage.map_or(1, |each| u32::try_from(each.len()).unwrap_or(1))),
            memory: memory.usage.unwrap_or_default().saturating_sub(cache.unwrap_or_default()),
            memory_limit: memory.limit.unwrap_or_default(),
            received: networks.values().filter_map(|network| network.rx_bytes).sum(),
            sent: networks.values().filter_map(|network| network.tx_bytes).sum(),
        }
    }
}

/// The part of the answer that is wanted, in its two shapes: until API 1.51 and since.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DiskUsage {
    volumes: Option<Vec<VolumeUsage>>,
    volume_usage: Option<VolumeList>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct VolumeList {
    items: Option<Vec<VolumeUsage>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeUsage {
    name: String,
    usage_data: Option<VolumeSize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeSize {
    size: i64,
}

impl DiskUsage {
    fn sizes(self) -> HashMap<String, u64> {
        let newer = self.volume_usage.and_then(|list| list.items);
        let all = self.volumes.into_iter().chain(newer).flatten();
        // -1 stands for a driver that cannot say.
        all.filter_map(|volume| Some((volume.name, u64::try_from(volume.usage_data?.size).ok()?))).collect()
    }
}

impl Engine {
    /// What a container uses now; `None` if it does not exist or does not run.
    pub async fn container_usage(&self, id: &str) -> Result<Option<ContainerUsage>, ContainerError> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let mut answers = Box::pin(self.docker.stats(id, Some(options)));
        match answers.next().await {
            // One that does not run has no counters, and the engine sends zeros.
            Some(Ok(answer)) => Ok(Some(ContainerUsage::from(answer)).filter(|usage| usage.cpu_ns > 0)),
            None | Some(Err(bollard::errors::Error::DockerResponseServerError { status_code: 404 | 409, .. })) => {
                Ok(None)
            }
            Some(Err(error)) => Err(ContainerError::new(format!("measuring the container {id}"), &error)),
        }
    }

    /// How many bytes each volume holds, by name. The engine goes through all files of all volumes for it (an engine
    /// older than 23 also through all containers and images), and refuses a second question meanwhile: ask seldom.
    pub async fn volume_sizes(&self) -> Result<HashMap<String, u64>, EngineError> {
        // By hand: bollard reads the newer shape only.
        let mut answer = request::get(&self.address, "/system/df?type=volume").await?;
        if answer.status() != 200 {
            return Err(EngineError::Lost { reason: answer.message().await });
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.next().await? {
            if body.len() + piece.len() > LONGEST_ANSWER {
                return Err(EngineError::Lost { reason: "the answer about disk usage is too long".into() });
            }
            body.extend_from_slice(&piece);
        }
        let usage: DiskUsage = serde_json::from_slice(&body)
            .map_err(|error| EngineError::Lost { reason: format!("disk usage cannot be read: {error}") })?;
        Ok(usage.sizes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;

    #[test]
    fn processor_time_is_counted_as_docker_does() {
        let at = |cpu_ns, system_ns| ContainerUsage { cpu_ns, system_ns, cpus: 2, ..ContainerUsage::default() };
        let percent = |a: ContainerUsage, b: ContainerUsage| b.cpu_percent_since(&a);
        // One of two processors is busy: the machine's counter runs twice as fast as the clock.
        assert_eq!(percent(at(0, 0), at(1_000, 2_000)), Some(100.0));
        assert_eq!(percent(at(500, 1_000), at(500, 3_000)), Some(0.0));
        assert_eq!(percent(at(500, 1_000), at(600, 1_000)), None, "no time has gone by");
        assert_eq!(percent(at(500, 1_000), at(100, 3_000)), None, "it was started again");
    }

    #[test]
    fn both_versions_of_control_groups_are_read() {
        for key in ["total_inactive_file", "inactive_file"] {
            let answer = format!(
                r#"{{"cpu_stats":{{"cpu_usage":{{"total_usage":7,"percpu_usage":[3,4]}},"system_cpu_usage":9}},
                "memory_stats":{{"usage":1000,"limit":2000,"stats":{{"{key}":400}}}},
                "networks":{{"eth0":{{"rx_bytes":1,"tx_bytes":2}},"eth1":{{"rx_bytes":10,"tx_bytes":20}}}}}}"#
            );
            let answer: ContainerStatsResponse = serde_json::from_str(&answer).expect("an answer");
            let expected = ContainerUsage {
                cpu_ns: 7,
                system_ns: 9,
                cpus: 2,
                memory: 600,
                memory_limit: 2000,
                received: 11,
                sent: 22,
            };
            assert_eq!(ContainerUsage::from(answer), expected);
        }
    }

    #[tokio::test]
    async fn volumes_have_sizes_in_either_shape() {
        for body in [
            r#"{"LayersSize":5,"Volumes":[{"Name":"a","UsageData":{"Size":7,"RefCount":1}},{"Name":"b","UsageData":{"Size":-1}},{"Name":"c"}],"BuildCache":null}"#,
            r#"{"VolumeUsage":{"ActiveCount":1,"Items":[{"Name":"a","UsageData":{"Size":7,"RefCount":1}}]}}"#,
        ] {
            let engine = fake::Engine::start(move |mut call| async move { call.answer("200 OK", body).await });
            let sizes = engine.connect().volume_sizes().await.expect("sizes");
            assert_eq!(sizes, HashMap::from([("a".to_owned(), 7)]));
        }
        let busy = r#"{"message":"a disk usage operation is already running"}"#;
        let engine = fake::Engine::start(move |mut call| async move { call.answer("500 Oh", busy).await });
        let error = engine.connect().volume_sizes().await.expect_err("busy");
        assert!(error.to_string().contains("already running"), "{error}");
    }
}
