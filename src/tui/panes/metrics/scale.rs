//! Where the figures and the clock times stand beside a curve: in round steps, as many as there is room for.

use jiff::civil::Time;
use jiff::{Timestamp, tz::TimeZone};

use crate::tui::format;

/// What is round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// 1, 2, 5, 10, 20, 50.
    Tens,
    /// 1, 2, 4, 8: memory is sold in them; and from 5 GB on 5, 10, 20.
    Twos,
}

/// 5 GB, MB.
const FIVE_GB: f64 = 5.0 * 1024.0;

/// The figures from 0 upwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// From one figure to the next.
    pub step: f64,
    /// How many of them, at least 1.
    pub steps: u32,
}

impl Scale {
    /// The scale that `peak` fits below, in at most `most` steps, and no smaller than `least`.
    #[must_use]
    pub fn new(peak: f64, least: f64, most: u32, round: Round) -> Self {
        let most = most.max(1);
        let peak = if peak.is_finite() { peak.clamp(least.max(f64::MIN_POSITIVE), 1e18) } else { least.max(1.0) };
        // A hair more than it is worth: a step that fits but for a rounding error fits.
        let wanted = peak / f64::from(most) * (1.0 - 1e-9);
        let steps = |step: f64| (1..most).find(|steps| step * f64::from(*steps) >= peak * (1.0 - 1e-9)).unwrap_or(most);
        let step = match round {
            Round::Twos => {
                let two = 2f64.powf(wanted.log2().ceil());
                // Volumes are sold in fives and tens too: what ends at the limit is better than what ends above it.
                let five = FIVE_GB * 2f64.powf((wanted / FIVE_GB).log2().ceil().max(0.0));
                let top = |step: f64| step * f64::from(steps(step));
                if top(five) < top(two) { five } else { two }
            }
            Round::Tens => {
                let ten = 10f64.powf(wanted.log10().floor());
                [1.0, 2.0, 5.0].into_iter().map(|one| one * ten).find(|step| *step >= wanted).unwrap_or(10.0 * ten)
            }
        };
        let steps = steps(step);
        Self { step, steps }
    }

    /// The highest figure.
    #[must_use]
    pub fn top(self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// All figures, 0 first.
    pub fn figures(self) -> impl Iterator<Item = f64> {
        (0..=self.steps).map(move |place| self.step * f64::from(place))
    }
}

/// Minutes from one clock time to the next that are round.
const MINUTES: [i64; 10] = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440];

/// The longest stretch that has clock times, seconds: more than any range.
const LONGEST: i64 = 400 * 86_400;

/// Clock times between two moments, each with how far along it is, thousandths: every so many minutes of the person's own
/// clock that `room` labels are not too many. Days are named where the whole is longer than two of them.
#[must_use]
pub fn clock_times(start: i64, end: i64, zone: &TimeZone, room: usize) -> Vec<(u16, String)> {
    let span = end.saturating_sub(start);
    let (Ok(first), Ok(last)) = (Timestamp::from_second(start), Timestamp::from_second(end)) else { return Vec::new() };
    if !(1..=LONGEST).contains(&span) || room == 0 {
        return Vec::new();
    }
    let days = span > 2 * 86_400;
    let fits = |minutes: &i64| span / (minutes * 60) < i64::try_from(room).unwrap_or(i64::MAX);
    let minutes = MINUTES.into_iter().filter(|minutes| !days || *minutes >= 1440).find(fits);
    let (minutes, every) = match minutes {
        Some(minutes) => (minutes, 1),
        // Longer than a day from one to the next.
        None => (1440, usize::try_from(span / 86_400).unwrap_or(1).div_ceil(room).max(1)),
    };
    let mut times = Vec::new();
    let mut day = first.to_zoned(zone.clone()).date();
    while day <= last.to_zoned(zone.clone()).date() {
        let mut minute = 0;
        while minute < 1440 {
            let at = i8::try_from(minute / 60).ok().zip(i8::try_from(minute % 60).ok());
            let time = at.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
            let zoned = time.and_then(|time| day.to_datetime(time).to_zoned(zone.clone()).ok());
            if let Some(zoned) = zoned.filter(|zoned| (first..=last).contains(&zoned.timestamp())) {
                let along = (zoned.timestamp().as_second() - start) * 1000 / span;
                let label =
                    if days { zoned.strftime("%-d %b").to_string() } else { zoned.strftime("%H:%M").to_string() };
                times.push((u16::try_from(along).unwrap_or(1000), label));
            }
            minute += minutes;
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    times.into_iter().step_by(every).collect()
}

/// `512 MB`, `1 GB`, `9.8 GB`: what is sold in powers of two.
#[must_use]
pub fn megabytes(mb: f64) -> String {
    if mb < 1024.0 {
        return format!("{mb:.0} MB");
    }
    let gb = mb / 1024.0;
    if (gb - gb.round()).abs() < 0.05 { format!("{gb:.0} GB") } else { format!("{gb:.1} GB") }
}

/// `40 %`.
#[must_use]
pub fn percent(value: f64) -> String {
    if value > 0.0 && value < 0.95 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

/// `1.2 kB/s`.
#[must_use]
pub fn per_second(bytes: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, never below zero, and capped")]
    let whole = bytes.clamp(0.0, 1e15).round() as u64;
    format::rate(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_peak_fits_below_round_figures(
            peak in prop_oneof![0.0..200.0f64, 0.0..1e12f64, Just(f64::NAN), Just(f64::INFINITY), Just(-4.0)],
            most in 0u32..7, twos in any::<bool>(),
        ) {
            let round = if twos { Round::Twos } else { Round::Tens };
            let scale = Scale::new(peak, 1.0, most, round);
            prop_assert!(scale.step > 0.0 && scale.steps >= 1 && scale.steps <= most.max(1), "{scale:?}");
            if peak.is_finite() {
                prop_assert!(scale.top() >= peak * (1.0 - 1e-6), "{scale:?} for {peak}");
                // Not one step more than needed.
                prop_assert!(scale.steps == 1 || scale.top() - scale.step < peak.max(1.0), "{scale:?} for {peak}");
            }
            let whole = |value: f64| (value - value.round()).abs();
            let mantissa = if twos { whole(scale.step.log2()).min(whole((scale.step / FIVE_GB).log2())) } else {
                let one = scale.step / 10f64.powf(scale.step.log10().floor());
                [1.0, 2.0, 5.0, 10.0].iter().map(|round| (one - round).abs()).fold(9.0, f64::min)
            };
            prop_assert!(mantissa < 1e-6, "{} is not round", scale.step);
            prop_assert_eq!(scale.figures().count(), usize::try_from(scale.steps).unwrap() + 1);
        }

        #[test]
        fn clock_times_are_round_ordered_and_no_more_than_fit(
            start in 1_700_000_000i64..1_900_000_000, hours in 1i64..400, room in 0usize..20,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        ) {
            // Without a database of time zones there is UTC alone.
            let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            let end = start + hours * 3600;
            let times = clock_times(start, end, &zone, room);
            prop_assert!(times.len() <= room + 1, "{times:?}");
            prop_assert!(times.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{times:?}");
            for (along, label) in &times {
                prop_assert!(*along <= 1000);
                prop_assert!(hours > 48 || label.ends_with('0') || label.ends_with('5'), "{label}");
            }
        }
    }

    #[test]
    fn figures_are_what_a_person_would_write() {
        let figures = |peak, most, round| Scale::new(peak, 1.0, most, round).figures().collect::<Vec<_>>();
        assert_eq!(figures(34.0, 3, Round::Tens), [0.0, 20.0, 40.0]);
        assert_eq!(figures(1024.0, 4, Round::Twos), [0.0, 256.0, 512.0, 768.0, 1024.0]);
        assert_eq!(figures(10_240.0, 3, Round::Twos), [0.0, 5120.0, 10_240.0]);
        assert_eq!(figures(12_000.0, 3, Round::Twos), [0.0, 4096.0, 8192.0, 12_288.0]);
        assert_eq!(figures(0.0, 3, Round::Tens), [0.0, 0.5, 1.0]);
        assert_eq!(
            (megabytes(512.0), megabytes(1024.0), megabytes(1536.0)),
            ("512 MB".into(), "1 GB".into(), "1.5 GB".into())
        );
        assert_eq!(
            (percent(7.4), percent(0.25), per_second(1234.0)),
            ("7 %".into(), "0.2 %".into(), "1.2 kB/s".into())
        );
    }

    #[test]
    fn an_hour_has_clock_times_and_a_week_has_days() {
        let noon = 1_795_176_000;
        let labels = |span, room| {
            clock_times(noon - span, noon, &TimeZone::UTC, room).into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(labels(3600, 6), ["11:00", "11:15", "11:30", "11:45", "12:00"]);
        assert_eq!(labels(86_400, 6), ["12:00", "18:00", "00:00", "06:00", "12:00"]);
        assert_eq!(labels(7 * 86_400, 8), ["14 Nov", "15 Nov", "16 Nov", "17 Nov", "18 Nov", "19 Nov", "20 Nov"]);
        assert_eq!(labels(7 * 86_400, 4), ["14 Nov", "16 Nov", "18 Nov", "20 Nov"]);
    }
}
