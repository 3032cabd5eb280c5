//! How fast bytes move and how long the rest will take, from what was said so far. Reads no clock: whoever feeds it
//! says when it is.

use std::time::Duration;

/// Shortest time over which a rate is measured.
const SAMPLE: Duration = Duration::from_millis(500);
/// How long bytes are watched before a rate or an estimate is told.
const PATIENCE: Duration = Duration::from_secs(1);
/// A longer pause between two reports says nothing about the rate: the machine slept, or its clock jumped.
const GAP: Duration = Duration::from_secs(10);
/// Without a byte for so long nothing is told: what stands still has no rate.
const STALL: Duration = Duration::from_secs(5);
/// How fast an old rate is forgotten, in seconds.
const MEMORY: f64 = 4.0;
/// The rate that is told changes when the measured one is further from it than this share.
const STEADY: f64 = 0.1;
/// Longest estimate that is told.
const LONGEST: Duration = Duration::from_hours(24);

/// Watches bytes on their way. What it tells changes in coarse steps, so that figures can be read, and never shrinks
/// where it says how much was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meter {
    begun: Option<Duration>,
    /// The newest moment; a clock that goes back stands still here.
    now: Duration,
    current: u64,
    total: u64,
    /// The largest share that was told, in thousandths.
    share: u16,
    /// When `current` last grew.
    grew: Duration,
    /// Where the open sample began.
    sample: (Duration, u64),
    /// Bytes per second, smoothed.
    smooth: Option<f64>,
    /// Bytes per second, as told.
    told: f64,
}

impl Meter {
    /// Takes a report: `current` of `total` bytes at `now`, since any fixed moment. A `total` of 0 means that nobody
    /// knows. Neither figure shrinks: a smaller one than before is no news.
    pub fn feed(&mut self, now: Duration, current: u64, total: u64) {
        let now = now.max(self.now);
        if self.begun.is_none() {
            self.begun = Some(now);
            self.grew = now;
            self.sample = (now, current);
        } else if now.saturating_sub(self.now) > GAP {
            self.sample = (now, current.max(self.current));
        }
        self.now = now;
        if current > self.current {
            self.current = current;
            self.grew = now;
        }
        self.total = self.total.max(total);
        if self.total > 0 {
            let share = u128::from(self.current.min(self.total)) * 1000 / u128::from(self.total);
            self.share = self.share.max(u16::try_from(share).unwrap_or(1000));
        }
        self.measure();
    }

    fn measure(&mut self) {
        let took = self.now.saturating_sub(self.sample.0);
        if took < SAMPLE {
            return;
        }
        let fresh = self.current.saturating_sub(self.sample.1) as f64 / took.as_secs_f64();
        let weight = 1.0 - (-took.as_secs_f64() / MEMORY).exp();
        let smooth = self.smooth.map_or(fresh, |old| old + weight * (fresh - old));
        self.smooth = Some(smooth);
        self.sample = (self.now, self.current);
        if (smooth - self.told).abs() > self.told * STEADY {
            self.told = two_digits(smooth);
        }
    }

    /// Bytes so far.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.current
    }

    /// Bytes in all; 0 where nobody knows. May be less than [`Self::current`] where it was an estimate.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How much is done, in thousandths, 0 to 1000; `None` where the total is not known. Never shrinks.
    #[must_use]
    pub fn share(&self) -> Option<u16> {
        (self.total > 0).then_some(self.share)
    }

    /// Since the first report.
    #[must_use]
    pub fn elapsed(&self, now: Duration) -> Duration {
        self.begun.map_or(Duration::ZERO, |begun| now.saturating_sub(begun))
    }

    /// Bytes per second in two digits; `None` until it was watched for a while, and while nothing moves.
    #[must_use]
    pub fn rate(&self, now: Duration) -> Option<u64> {
        let watched = self.elapsed(self.now) >= PATIENCE;
        let moves = now.saturating_sub(self.grew) < STALL;
        // Rounded above, and far below the limit of the type.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let told = self.told as u64;
        (watched && moves && told > 0).then_some(told)
    }

    /// How long the rest will take, rounded up: whole seconds below 10 s, then 5 s, a quarter of a minute, whole
    /// minutes. `None` where rate or total are not known, or nothing is left.
    #[must_use]
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let bytes = self.total.checked_sub(self.current).filter(|bytes| *bytes > 0)?;
        let rate = self.rate(now)?;
        let seconds = bytes.div_ceil(rate).max(1);
        let step = match seconds {
            0..10 => 1,
            10..60 => 5,
            60..600 => 15,
            _ => 60,
        };
        let left = Duration::from_secs(seconds.div_ceil(step).saturating_mul(step));
        (left <= LONGEST).then_some(left)
    }
}

/// `value` with two digits: `12_345_678` becomes `12_000_000`.
fn two_digits(value: f64) -> f64 {
    if value < 10.0 {
        return value.round();
    }
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    (value / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MEGABYTE: u64 = 1_000_000;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_steady_stream_has_its_rate_and_estimate() {
        let mut meter = Meter::default();
        for tenth in 0..=20 {
            meter.feed(at(tenth * 100), tenth * MEGABYTE, 60 * MEGABYTE);
        }
        let now = at(2000);
        assert_eq!(meter.rate(now), Some(10 * MEGABYTE));
        assert_eq!(meter.left(now), Some(Duration::from_secs(4)));
        assert_eq!((meter.share(), meter.elapsed(now)), (Some(333), Duration::from_secs(2)));
    }

    #[test]
    fn nothing_is_told_before_it_was_watched_nor_while_it_stands_still() {
        let mut meter = Meter::default();
        meter.feed(at(0), 0, 0);
        meter.feed(at(900), 9 * MEGABYTE, 100 * MEGABYTE);
        assert_eq!((meter.rate(at(900)), meter.left(at(900))), (None, None));
        meter.feed(at(1500), 15 * MEGABYTE, 100 * MEGABYTE);
        assert!(meter.rate(at(1500)).is_some());
        assert_eq!((meter.rate(at(6500)), meter.left(at(6500))), (None, None), "nothing came for five seconds");
        let mut done = meter.clone();
        done.feed(at(1600), 100 * MEGABYTE, 100 * MEGABYTE);
        assert_eq!((done.left(at(1600)), done.share()), (None, Some(1000)));
    }

    #[test]
    fn the_rate_that_is_told_does_not_flutter() {
        let mut meter = Meter::default();
        let mut told = Vec::new();
        let mut sent = 0;
        for tenth in 0..300_u64 {
            // Between 9.5 and 10.5 MB/s.
            sent += 950_000 + (tenth % 11) * 10_000;
            meter.feed(at(tenth * 100), sent, 0);
            if let Some(rate) = meter.rate(at(tenth * 100)) {
                told.push(rate);
            }
        }
        told.dedup();
        assert!(told.len() <= 2, "{told:?}");
    }

    #[test]
    fn a_clock_that_jumps_changes_no_rate() {
        let mut meter = Meter::default();
        for tenth in 0..=20 {
            meter.feed(at(tenth * 100), tenth * MEGABYTE, 0);
        }
        let before = meter.rate(at(2000));
        meter.feed(at(1000), 21 * MEGABYTE, 0);
        assert_eq!(meter.rate(at(1000)), before, "back");
        let hour = 3_600_000;
        meter.feed(at(hour), 22 * MEGABYTE, 0);
        assert_eq!(meter.rate(at(hour)), before, "forward");
        for tenth in 1..=20 {
            meter.feed(at(hour + tenth * 100), (22 + tenth) * MEGABYTE, 0);
        }
        assert_eq!(meter.rate(at(hour + 2000)), before);
    }

    proptest! {
        #[test]
        fn no_report_makes_it_tell_nonsense(reports in prop::collection::vec((any::<u32>(), any::<u64>(), any::<u64>()), 0..40)) {
            let mut meter = Meter::default();
            let (mut current, mut share) = (0, 0);
            for (milliseconds, sent, total) in reports {
                let now = at(milliseconds.into());
                meter.feed(now, sent, total);
                prop_assert!(meter.current() >= current && meter.current() >= sent);
                current = meter.current();
                if let Some(told) = meter.share() {
                    prop_assert!((share..=1000).contains(&told));
                    share = told;
                }
                for moment in [Duration::ZERO, now, Duration::MAX] {
                    prop_assert!(meter.rate(moment) != Some(0));
                    prop_assert!(meter.left(moment).is_none_or(|left| left > Duration::ZERO && left <= LONGEST));
                    prop_assert!(meter.elapsed(moment) <= moment);
                }
            }
        }

        #[test]
        fn a_steady_stream_is_told_within_a_tenth(rate in 10_000u64..500_000_000, step in 20u64..400) {
            let mut meter = Meter::default();
            for number in 0..200 {
                let now = number * step;
                meter.feed(at(now), rate * now / 1000, 0);
                if let Some(told) = meter.rate(at(now)) {
                    prop_assert!(told.abs_diff(rate) <= rate * 16 / 100, "{told} for {rate}");
                }
            }
        }
    }
}
