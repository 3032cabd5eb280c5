//! What a curve is drawn from: values in time, with the gaps where nobody measured, and rates out of counters that begin
//! anew with the machine. Must not know how large the picture is.

use jiff::Timestamp;

use crate::model::{MetricsHistory, MetricsPoint};

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Seconds since 1970.
    pub at: i64,
    /// Finite, and never below zero.
    pub value: f64,
}

/// A counter at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Seconds since 1970.
    pub at: i64,
    /// Since the machine started.
    pub bytes: i64,
    /// How long it had run then, seconds; 0 where that is not known.
    pub uptime: i64,
}

/// The points with a time, oldest first, each time once.
#[must_use]
pub fn points(history: &MetricsHistory) -> Vec<(i64, &MetricsPoint)> {
    let at = |point: &MetricsPoint| point.sampled_at.parse::<Timestamp>().ok().map(Timestamp::as_second);
    let mut points: Vec<_> = history.points.iter().filter_map(|point| Some((at(point)?, point))).collect();
    points.sort_by_key(|(at, _)| *at);
    points.dedup_by_key(|(at, _)| *at);
    points
}

/// The longest distance of two points, seconds, that is no gap: one missing point is forgiven.
#[must_use]
pub fn longest(history: &MetricsHistory, points: &[(i64, &MetricsPoint)]) -> i64 {
    let interval = if history.interval_seconds > 0 {
        history.interval_seconds
    } else {
        // A server that does not say it: most points are one interval apart.
        let mut apart: Vec<i64> = points.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).collect();
        apart.sort_unstable();
        apart.get(apart.len() / 2).copied().unwrap_or(60)
    };
    interval.saturating_mul(5).saturating_div(2).max(1)
}

/// The values of one kind; those that are none are left out.
#[must_use]
pub fn values(points: &[(i64, &MetricsPoint)], of: impl Fn(&MetricsPoint) -> Option<f64>) -> Vec<Sample> {
    let sample = |&(at, point): &(i64, &MetricsPoint)| of(point).and_then(|value| sample(at, value));
    points.iter().filter_map(sample).collect()
}

fn sample(at: i64, value: f64) -> Option<Sample> {
    (value.is_finite() && value >= 0.0).then_some(Sample { at, value })
}

/// How fast a counter grew up to each point, bytes a second. Not over a gap. A counter that began anew has counted since
/// then: what it lost of the time before is not made up.
#[must_use]
pub fn rates(counts: &[Count], longest: i64) -> Vec<Sample> {
    let rate = |pair: &[Count]| {
        let (before, now) = (pair[0], pair[1]);
        let seconds = now.at.saturating_sub(before.at);
        if seconds <= 0 || seconds > longest {
            return None;
        }
        // Who has run for a shorter time than has passed was started in between, however much it has counted since.
        let is_young = now.uptime > 0 && now.uptime < seconds;
        let anew = now.bytes < before.bytes || now.uptime < before.uptime || is_young;
        let grown = if anew { now.bytes } else { now.bytes.saturating_sub(before.bytes) };
        sample(now.at, grown.max(0) as f64 / seconds as f64)
    };
    counts.windows(2).filter_map(rate).collect()
}

/// The highest of them; the newest where several are.
#[must_use]
pub fn peak(samples: &[Sample]) -> Option<Sample> {
    samples.iter().copied().max_by(|a, b| a.value.total_cmp(&b.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Traffic in every minute, some of them begun with a restart: the rates add up to all of it.
        #[test]
        fn rates_add_up_over_restarts(minutes in prop::collection::vec((0i64..1_000_000, any::<bool>()), 1..60)) {
            let (mut bytes, mut uptime, mut total) = (0, 600, 0);
            let mut counts = vec![Count { at: 0, bytes, uptime }];
            for (minute, (traffic, restarts)) in (1..).zip(&minutes) {
                if *restarts {
                    (bytes, uptime) = (0, 0);
                }
                bytes += traffic;
                uptime += 59;
                total += traffic;
                counts.push(Count { at: minute * 60, bytes, uptime });
            }
            let rates = rates(&counts, 150);
            prop_assert_eq!(rates.len(), minutes.len());
            let sum: f64 = rates.iter().map(|rate| rate.value * 60.0).sum();
            prop_assert!((sum - total as f64).abs() < 1.0, "{sum} is not {total}");
        }

        #[test]
        fn whatever_comes_no_rate_is_below_zero_or_endless(
            counts in prop::collection::vec((any::<i64>(), any::<i64>(), any::<i64>()), 0..20), longest in any::<i64>(),
        ) {
            let counts: Vec<Count> = counts.into_iter().map(|(at, bytes, uptime)| Count { at, bytes, uptime }).collect();
            for rate in rates(&counts, longest) {
                prop_assert!(rate.value >= 0.0 && rate.value.is_finite());
            }
        }
    }

    #[test]
    fn a_gap_has_no_rate() {
        let count = |at, bytes| Count { at, bytes, uptime: at };
        let rates = rates(&[count(0, 0), count(60, 600), count(600, 90_000), count(660, 90_060)], 150);
        assert_eq!(rates, [Sample { at: 60, value: 10.0 }, Sample { at: 660, value: 1.0 }]);
    }

    #[test]
    fn points_are_put_in_order_and_odd_ones_left_out() {
        let point = |at: &str, cpu: f64| MetricsPoint {
            sampled_at: at.to_owned(),
            cpu_percent: cpu,
            ..serde_json::from_str(r#"{"sampled_at": ""}"#).unwrap()
        };
        let history = MetricsHistory {
            interval_seconds: 0,
            points: vec![
                point("2026-11-20T12:01:00Z", 2.0),
                point("soon", 9.0),
                point("2026-11-20T12:00:00Z", 1.0),
                point("2026-11-20T12:01:00Z", 5.0),
                point("2026-11-20T12:02:00Z", f64::NAN),
            ],
        };
        let points = points(&history);
        assert_eq!((points.len(), longest(&history, &points)), (3, 150));
        let cpu: Vec<f64> =
            values(&points, |point| Some(point.cpu_percent)).iter().map(|sample| sample.value).collect();
        assert_eq!(cpu, [1.0, 2.0]);
    }
}
