//! What the machines in memory use and log: always the same, so that tests can say what they expect.

use super::fake::FakeProvider;
use super::{LogStart, ProviderError, Stats};
use crate::model::LogEntry;

const MIB: u64 = 1024 * 1024;
/// Lines that every machine has logged; the second and the third in the same moment.
const LINES: [(&str, &str); 3] =
    [("2026-01-09T10:09:31Z", "line 1"), ("2026-01-09T10:09:32Z", "line 2"), ("2026-01-09T10:09:32Z", "line 3")];

impl FakeProvider {
    /// The first look at any machine finds 10 percent, the next 20, and so on, until 50 and then 10 again; what the
    /// network counts grows with every look.
    pub(super) fn measure(&self, id: &str) -> Result<Option<Stats>, ProviderError> {
        self.call("stats", id, |inside| {
            if !inside.world.machines.contains_key(id) {
                return None;
            }
            let asked = format!("stats {id}");
            let looks = inside.world.calls.iter().filter(|call| **call == asked).count() as u64;
            let runs = !inside.world.stopped.contains(id);
            let tens = u32::try_from((looks.max(1) - 1) % 5 + 1).unwrap_or(1);
            Some(Stats {
                state: if runs { "started" } else { "stopped" },
                cpu_percent: if runs { f64::from(tens * 10) } else { 0.0 },
                memory_used: if runs { 100 * MIB } else { 0 },
                memory_limit: 1024 * MIB,
                volume_used: Some(5 * MIB),
                network_rx: if runs { looks * 1000 } else { 0 },
                network_tx: if runs { looks * 2000 } else { 0 },
                uptime_seconds: if runs { looks * 15 } else { 0 },
            })
        })
    }
}

/// What a machine has logged.
pub(super) fn log(lines: u32, start: Option<LogStart>) -> Vec<LogEntry> {
    let all = LINES.map(|(timestamp, message)| LogEntry {
        timestamp: timestamp.into(),
        message: message.into(),
        level: Some("info".into()),
    });
    let Some(start) = start else {
        let skipped = all.len().saturating_sub(usize::try_from(lines).unwrap_or(usize::MAX));
        return all.into_iter().skip(skipped).collect();
    };
    let mut skip = super::log_place::Skip::to(start);
    all.into_iter().filter(|entry| skip.passes(entry)).collect()
}
