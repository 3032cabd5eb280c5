//! The four charts as data: what is measured, in which figures, and what it may not go over. How large they are drawn is not
//! known here.

use ratatui::style::Style;

use super::State;
use super::scale::{Round, Scale, megabytes, per_second, percent};
use super::series::{Count, Sample, longest, peak, points, rates, values};
use crate::model::{Metrics, MetricsHistory, MetricsPoint};
use crate::tui::format;
use crate::tui::theme::Theme;

/// From this share of its limit on something deserves attention, percent.
const NEARLY: f64 = 90.0;

/// What is drawn of one kind of thing.
pub struct Chart {
    /// What it is called.
    pub name: &'static str,
    /// The newest figures in words, each with its style.
    pub newest: Vec<(String, Style)>,
    /// Each with its style.
    pub curves: Vec<(Vec<Sample>, Style)>,
    /// What it may not go over.
    pub limit: Option<f64>,
    /// The smallest value at the upper edge.
    least: f64,
    round: Round,
    /// A value in words.
    pub say: fn(f64) -> String,
    /// What stands there instead of a curve without samples.
    pub missing: &'static str,
}

impl Chart {
    /// The highest of all curves.
    pub fn peak(&self) -> Option<Sample> {
        let peaks: Vec<Sample> = self.curves.iter().filter_map(|(samples, _)| peak(samples)).collect();
        peak(&peaks)
    }

    /// What they and the limit fit below, in at most `figures` steps.
    pub fn scale(&self, figures: u32) -> Scale {
        let peak = self.peak().map_or(0.0, |peak| peak.value).max(self.limit.unwrap_or(0.0));
        Scale::new(peak, self.least, figures, self.round)
    }
}

/// The four of them.
pub fn charts(state: &State, theme: &Theme) -> [Chart; 4] {
    let empty = MetricsHistory { interval_seconds: 0, points: Vec::new() };
    let history = state.curve.as_ref().map_or(&empty, |curve| &curve.history);
    let points = points(history);
    let longest = longest(history, &points);
    let now = state.now.as_ref();
    let limit = |of: fn(&Metrics) -> i64| now.map(of).filter(|limit| *limit > 0).map(|limit| limit as f64);
    let (memory_limit, volume_limit) = (limit(|now| now.memory_limit_mb), limit(|now| now.volume_limit_mb));
    let plain = |value: Option<f64>, say: fn(f64) -> String| {
        value.map(|value| (say(value), theme.strong)).into_iter().collect::<Vec<_>>()
    };
    let missing = match (&state.curve, &state.curve_problem) {
        (Some(_), _) => "no samples in this time",
        (None, None) => "loading",
        (None, Some(_)) => "",
    };
    let counts = |of: fn(&MetricsPoint) -> i64| -> Vec<Count> {
        points.iter().map(|(at, point)| Count { at: *at, bytes: of(point), uptime: point.uptime_seconds }).collect()
    };
    let received = rates(&counts(|point| point.network_rx_bytes), longest);
    let sent = rates(&counts(|point| point.network_tx_bytes), longest);
    let traffic = |arrow: &str, of: fn(&Metrics) -> i64, curve: &[Sample], style: Style| {
        let rate = fresh_rate(state, of).or_else(|| curve.last().map(|sample| sample.value));
        rate.map(|rate| (format!("{arrow} {}", per_second(rate)), style))
    };
    [
        Chart {
            name: "CPU",
            newest: plain(now.map(|now| now.cpu_percent), percent),
            curves: vec![(values(&points, |point| Some(point.cpu_percent)), theme.accent)],
            limit: None,
            least: 10.0,
            round: Round::Tens,
            say: percent,
            missing,
        },
        Chart {
            name: "Memory",
            newest: used(theme, now.map(|now| now.memory_used_mb), memory_limit),
            curves: vec![(values(&points, |point| Some(point.memory_used_mb as f64)), theme.accent)],
            limit: memory_limit,
            least: 64.0,
            round: Round::Twos,
            say: megabytes,
            missing,
        },
        Chart {
            name: "Volume",
            newest: used(theme, now.and_then(|now| now.volume_used_mb), volume_limit),
            curves: vec![(values(&points, |point| point.volume_used_mb.map(|mb| mb as f64)), theme.accent)],
            limit: volume_limit,
            least: 64.0,
            round: Round::Twos,
            say: megabytes,
            missing: if state.curve.is_some() && !points.is_empty() { "nobody measures it here" } else { missing },
        },
        Chart {
            name: "Network",
            newest: [
                traffic("↓", |now| now.network_rx_bytes, &received, theme.accent),
                traffic("↑", |now| now.network_tx_bytes, &sent, theme.text),
            ]
            .into_iter()
            .flatten()
            .collect(),
            curves: vec![(received, theme.accent), (sent, theme.text)],
            limit: None,
            least: 1000.0,
            round: Round::Tens,
            say: per_second,
            missing,
        },
    ]
}

/// `381 MB of 1 GB, 37 %`; what is nearly full says so.
fn used(theme: &Theme, used: Option<i64>, limit: Option<f64>) -> Vec<(String, Style)> {
    let Some(used) = used.map(|used| used.max(0) as f64) else { return Vec::new() };
    let Some(limit) = limit else { return vec![(megabytes(used), theme.strong)] };
    let share = used / limit * 100.0;
    let full = if share >= NEARLY { ("! nearly full", theme.warn) } else { ("", theme.dim) };
    let of = format!("of {}, {share:.0} % {}", megabytes(limit), full.0);
    vec![(megabytes(used), theme.strong), (of.trim_end().to_owned(), full.1)]
}

/// Between the last two looks, bytes a second.
fn fresh_rate(state: &State, of: fn(&Metrics) -> i64) -> Option<f64> {
    let count = |metrics: &Metrics| {
        let at = format::moment(&metrics.sampled_at)?.as_second();
        Some(Count { at, bytes: of(metrics), uptime: metrics.uptime_seconds })
    };
    let two = [count(state.before.as_ref()?)?, count(state.now.as_ref()?)?];
    rates(&two, 600).first().map(|sample| sample.value)
}
