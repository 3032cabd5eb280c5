//! What the machine uses (protocol B.32, B.33): now, and over the last days.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use crate::model::envelope::Data;
use crate::model::{Metrics, MetricsHistory, MetricsPoint};
use crate::server::auth::Owned;
use crate::server::error::Failure;
use crate::server::openapi::TenantRefusals;
use crate::server::state::Server;
use crate::server::store::usage as rows;
use crate::server::usage::{KEEP_ROLLED, KEEP_SAMPLES, ROLLED, SAMPLE, curve, row};

const MIB: i64 = 1024 * 1024;
/// Names and lengths of the ranges, seconds, and the distance of their points.
const RANGES: [(&str, i64, i64); 4] =
    [("1h", 3600, 60), ("6h", 6 * 3600, ROLLED), ("24h", 24 * 3600, ROLLED), ("7d", 7 * 24 * 3600, 1800)];
const DEFAULT_RANGE: &str = "24h";

/// The query of the history: `range`, or `from` and perhaps `to`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub struct Wish {
    /// `1h`, `6h`, `24h` (where nothing is said) or `7d`.
    range: Option<String>,
    /// RFC 3339.
    from: Option<String>,
    /// RFC 3339; now, where absent.
    to: Option<String>,
}

/// `GET /api/v1/tenants/{id}/metrics`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/metrics", tag = "machine",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "What the machine uses now", body = Data<Metrics>), TenantRefusals),
    security(("login" = [])))]
pub async fn now(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    let machine = owned.tenant.machine_id.as_deref().ok_or_else(Failure::no_machine)?;
    let (at, stats) = match server.usage.get(machine, server.settings.usage.interval) {
        Some((at, stats)) => (at, Some(stats)),
        None => (Timestamp::now(), server.provider.stats(machine).await?),
    };
    let volume_limit_mb = owned.tenant.volume_gb * 1024;
    let sampled_at = second(at.as_second());
    let data = match stats {
        Some(stats) => {
            let used = row(owned.tenant.id().as_str(), at, &stats);
            Metrics {
                cpu_percent: percent(used.cpu),
                memory_used_mb: used.memory_bytes / MIB,
                memory_limit_mb: i64::try_from(stats.memory_limit).unwrap_or(i64::MAX) / MIB,
                volume_used_mb: used.volume_bytes.map(|bytes| bytes / MIB),
                volume_limit_mb,
                network_rx_bytes: used.network_rx,
                network_tx_bytes: used.network_tx,
                requests_per_minute: None,
                uptime_seconds: used.uptime_seconds,
                machine_state: used.state,
                sampled_at,
            }
        }
        None => Metrics {
            cpu_percent: 0.0,
            memory_used_mb: 0,
            memory_limit_mb: owned.tenant.memory_mb,
            volume_used_mb: None,
            volume_limit_mb,
            network_rx_bytes: 0,
            network_tx_bytes: 0,
            requests_per_minute: None,
            uptime_seconds: 0,
            machine_state: "destroyed".into(),
            sampled_at,
        },
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Data { data })).into_response())
}

/// `GET /api/v1/tenants/{id}/metrics/history`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/metrics/history", tag = "machine",
    params(("id" = String, Path, description = "The tenant"),
        ("range" = Option<String>, Query, description = "`1h`, `6h`, `24h` or `7d`", pattern = "^(1h|6h|24h|7d)$"),
        ("from" = Option<String>, Query, description = "RFC 3339, instead of a range"),
        ("to" = Option<String>, Query, description = "RFC 3339; now, where absent")),
    responses((status = 200, description = "The curve", body = Data<MetricsHistory>), TenantRefusals),
    security(("login" = [])))]
pub async fn history(
    State(server): State<Server>,
    owned: Owned,
    query: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Data<MetricsHistory>>, Failure> {
    let Query(wish) = query.map_err(|_| Failure::bad_request("the query cannot be read"))?;
    let now = Timestamp::now().as_second();
    let span = Span::of(&wish, now)?;
    let tenant = owned.tenant.id().as_str();
    let points = if owned.tenant.machine_id.is_some() { span.read(&server, tenant).await? } else { Vec::new() };
    Ok(Json(Data { data: MetricsHistory { interval_seconds: span.interval, points } }))
}

/// A stretch of time, in seconds since 1970, and the distance of its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: i64,
    to: i64,
    interval: i64,
}

impl Span {
    fn of(wish: &Wish, now: i64) -> Result<Self, Failure> {
        if wish.range.is_some() && (wish.from.is_some() || wish.to.is_some()) {
            return Err(Failure::validation("either range, or from and to"));
        }
        let Some(from) = &wish.from else {
            if wish.to.is_some() {
                return Err(Failure::validation("to needs from"));
            }
            let wanted = wish.range.as_deref().unwrap_or(DEFAULT_RANGE);
            let found = RANGES.iter().find(|(name, ..)| *name == wanted);
            let Some(&(_, length, interval)) = found else {
                let names = RANGES.map(|(name, ..)| name).join(", ");
                return Err(Failure::validation(format!("range must be one of {names}")));
            };
            return Ok(Self { from: now - length, to: now + 1, interval });
        };
        let from = moment("from", from)?;
        let to = wish.to.as_deref().map_or(Ok(now + 1), |to| moment("to", to))?;
        if from >= to {
            return Err(Failure::validation("from must be before to"));
        }
        // What is older is forgotten, and what is newer has not happened.
        let (from, to) = (from.max(now - KEEP_ROLLED), to.min(now + 1));
        let interval = match to - from {
            length if length <= 2 * 3600 && from >= now - KEEP_SAMPLES => 60,
            length if length <= 24 * 3600 => ROLLED,
            _ => 1800,
        };
        Ok(Self { from, to, interval })
    }

    async fn read(self, server: &Server, tenant: &str) -> Result<Vec<MetricsPoint>, Failure> {
        let mut db = server.store.read().await?;
        let found = if self.interval < ROLLED {
            rows::of_tenant(&mut db, tenant, SAMPLE, self.from, self.to).await?
        } else {
            let mut rolled = rows::of_tenant(&mut db, tenant, ROLLED, self.from, self.to).await?;
            // What is not rolled up yet.
            let next = rolled.last().map_or(self.from, |row| row.at + ROLLED).max(self.from);
            let samples = rows::of_tenant(&mut db, tenant, SAMPLE, next, self.to).await?;
            rolled.extend(curve::fold(&samples, ROLLED));
            rolled
        };
        Ok(curve::fold(&found, self.interval).into_iter().map(point).collect())
    }
}

fn moment(name: &str, raw: &str) -> Result<i64, Failure> {
    // A blank is a plus sign that was not encoded.
    let parsed = raw.replace(' ', "+").parse::<Timestamp>();
    let parsed = parsed.map_err(|_| Failure::validation(format!("{name} must be a time like 2026-01-09T10:00:00Z")))?;
    Ok(parsed.as_second())
}

fn point(row: rows::UsageRow) -> MetricsPoint {
    MetricsPoint {
        sampled_at: second(row.at),
        cpu_percent: percent(row.cpu),
        memory_used_mb: row.memory_bytes / MIB,
        volume_used_mb: row.volume_bytes.map(|bytes| bytes / MIB),
        network_rx_bytes: row.network_rx,
        network_tx_bytes: row.network_tx,
        requests_per_minute: None,
        uptime_seconds: row.uptime_seconds,
        machine_state: row.state,
    }
}

/// With one decimal.
fn percent(hundredths: i64) -> f64 {
    let tenths = (hundredths + 5) / 10;
    f64::from(i32::try_from(tenths).unwrap_or(i32::MAX)) / 10.0
}

fn second(at: i64) -> String {
    Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(range: Option<&str>, from: Option<&str>, to: Option<&str>) -> Wish {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Wish { range: own(range), from: own(from), to: own(to) }
    }

    #[test]
    fn ranges_and_what_is_none() {
        let now = "2026-01-10T12:00:00Z".parse::<Timestamp>().expect("a time").as_second();
        let of = |range, from, to| Span::of(&wish(range, from, to), now).ok();
        for (range, length, interval) in RANGES {
            assert_eq!(of(Some(range), None, None), Some(Span { from: now - length, to: now + 1, interval }));
        }
        assert_eq!(of(None, None, None), of(Some("24h"), None, None));
        let (morning, noon) = ("2026-01-10T11:00:00Z", "2026-01-10T13:00:00+01:00");
        assert_eq!(of(None, Some(morning), Some(noon)), Some(Span { from: now - 3600, to: now, interval: 60 }));
        assert_eq!(of(None, Some(morning), Some("2026-01-10T13:00:00 01:00")).map(|span| span.to), Some(now));
        assert_eq!(of(None, Some("2026-01-09T11:00:00Z"), Some("2026-01-09T12:00:00Z")).map(|s| s.interval), Some(300));
        let all = of(None, Some("1999-01-01T00:00:00Z"), Some("2999-01-01T00:00:00Z")).expect("a span");
        assert_eq!(all, Span { from: now - KEEP_ROLLED, to: now + 1, interval: 1800 });
        for (range, from, to) in [
            (Some("2h"), None, None),
            (Some(""), None, None),
            (Some("1h"), Some(morning), None),
            (None, None, Some(morning)),
            (None, Some(noon), Some(morning)),
            (None, Some(noon), Some(noon)),
            (None, Some("yesterday"), None),
            (None, Some(morning), Some("1768046400")),
        ] {
            assert!(of(range, from, to).is_none(), "{range:?} {from:?} {to:?}");
        }
    }

    #[test]
    fn percents_have_one_decimal() {
        for (hundredths, expected) in [(0, 0.0), (744, 7.4), (745, 7.5), (20_000, 200.0)] {
            assert!((percent(hundredths) - expected).abs() < 1e-9);
        }
    }
}
