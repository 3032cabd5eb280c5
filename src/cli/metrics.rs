//! `tenantry metrics`: what a tenant's machine uses now, or used over the last hours or days.

use clap::Args;
use serde_json::json;
use std::time::Duration;

use super::exit::Exit;
use super::frame::{Failure, Output, Whom, fields, table};
use crate::model::{Metrics, MetricsHistory, MetricsPoint, MetricsRange};
use crate::ops::{Call, Reply, perform};
use crate::telling::format;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tenantry metrics --tenant orchard\n  tenantry metrics --range 24h --json")]
pub(super) struct Arguments {
    /// Show what was used, this far back.
    #[arg(long, value_name = "RANGE", value_parser = range, add = crate::cli::complete::ranges())]
    range: Option<MetricsRange>,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    pub(super) output: Output,
}

fn range(raw: &str) -> Result<MetricsRange, String> {
    let all = || MetricsRange::ALL.map(MetricsRange::as_str).join(", ");
    MetricsRange::from_word(raw).ok_or_else(|| format!("one of {}", all()))
}

pub(super) async fn run(Arguments { range, whom, output }: Arguments) -> Result<Exit, Failure> {
    let (session, tenant) = whom.open().await?;
    let id = tenant.id.clone();
    let call = match range {
        Some(range) => Call::MetricsHistory { id, range },
        None => Call::Metrics(id),
    };
    match perform(&session, call).await? {
        Reply::Metrics(now) => {
            let document = json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "metrics": now });
            output.answer(&document, &told(&now))?;
        }
        Reply::MetricsHistory(history) => {
            let document = json!({
                "tenant_id": tenant.id, "tenant_name": tenant.name, "range": range.map(MetricsRange::as_str),
                "interval_seconds": history.interval_seconds, "points": history.points,
            });
            output.answer(&document, &curve(&history))?;
        }
        _ => {}
    }
    Ok(Exit::Done)
}

fn told(now: &Metrics) -> String {
    let of = |used: i64, limit: i64| match limit {
        1.. => format!("{used} of {limit} MB"),
        _ => format!("{used} MB"),
    };
    let bytes = |value: i64| format::bytes(u64::try_from(value).unwrap_or(0));
    let uptime = u64::try_from(now.uptime_seconds).ok().filter(|seconds| *seconds > 0);
    fields([
        ("machine", Some(now.machine_state.clone()).filter(|state| !state.is_empty())),
        ("cpu", Some(format!("{:.1} %", now.cpu_percent))),
        ("memory", Some(of(now.memory_used_mb, now.memory_limit_mb))),
        ("volume", now.volume_used_mb.map(|used| of(used, now.volume_limit_mb))),
        ("received", Some(bytes(now.network_rx_bytes))),
        ("sent", Some(bytes(now.network_tx_bytes))),
        ("requests", now.requests_per_minute.map(|rate| format!("{rate:.1} a minute"))),
        ("up for", uptime.map(|seconds| format::estimate(Duration::from_secs(seconds)))),
        ("measured", Some(now.sampled_at.clone()).filter(|at| !at.is_empty())),
    ])
}

fn curve(history: &MetricsHistory) -> String {
    if history.points.is_empty() {
        return "Nothing was measured in that time.\n".to_owned();
    }
    let head = ["TIME", "CPU", "MEMORY", "VOLUME", "MACHINE"].map(str::to_owned);
    let row = |point: &MetricsPoint| {
        [
            point.sampled_at.clone(),
            format!("{:.1} %", point.cpu_percent),
            format!("{} MB", point.memory_used_mb),
            point.volume_used_mb.map_or_else(|| "-".to_owned(), |used| format!("{used} MB")),
            point.machine_state.clone(),
        ]
    };
    table(&std::iter::once(head).chain(history.points.iter().map(row)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_measured_is_left_out() {
        let now: Metrics = serde_json::from_value(json!({
            "cpu_percent": 12.34, "memory_used_mb": 100, "memory_limit_mb": 512, "network_rx_bytes": 2_000_000,
            "uptime_seconds": 61, "machine_state": "started",
        }))
        .expect("metrics");
        let text = told(&now);
        assert!(text.contains("cpu        12.3 %\nmemory     100 of 512 MB\nreceived   2.0 MB\n"), "{text}");
        assert!(!text.contains("volume") && text.contains("up for     1 min 01 s"), "{text}");
        assert_eq!(range("7d"), Ok(MetricsRange::Week));
        assert!(range("1y").is_err_and(|words| words.contains("1h, 6h, 24h, 7d")));
        assert_eq!(
            curve(&MetricsHistory { interval_seconds: 60, points: Vec::new() }),
            "Nothing was measured in that time.\n"
        );
    }
}
