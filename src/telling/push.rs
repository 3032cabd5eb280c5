//! The layers on their way to the registry: what is known of each, and their lines.

use std::time::Duration;

use super::format;
use super::row::{Piece, Row, Tone, bar};
use crate::model::progress::{LayerProgress, LayerState, Meter};

/// Columns of `3 of 5 layers` and of a layer's id.
pub(super) const LABEL: usize = 14;
/// Columns of `41/62 MB`.
const BYTES: usize = 12;
/// Columns of `12 MB/s`.
const RATE: usize = 10;
/// Below this a rate has no room beside its bar.
const WIDE: usize = 76;

/// One layer; what it has uploaded never shrinks.
#[derive(Debug, Clone, PartialEq)]
struct Layer {
    id: String,
    state: LayerState,
    meter: Meter,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Push {
    layers: Vec<Layer>,
    all: Meter,
}

impl Push {
    /// A layer moved on.
    pub(super) fn take(&mut self, moved: &LayerProgress, now: Duration) {
        let place = self.layers.iter().position(|layer| layer.id == moved.id).unwrap_or_else(|| {
            self.layers.push(Layer { id: moved.id.clone(), state: LayerState::Waiting, meter: Meter::default() });
            self.layers.len() - 1
        });
        let Some(layer) = self.layers.get_mut(place) else { return };
        layer.state = moved.state;
        match moved.state {
            LayerState::Pushing { current, total } => layer.meter.feed(now, current, total),
            LayerState::Pushed => {
                let whole = layer.meter.total().max(layer.meter.current());
                layer.meter.feed(now, whole, whole);
            }
            LayerState::Waiting | LayerState::AlreadyThere => {}
        }
        let (sent, total) = self.sent();
        self.all.feed(now, sent, total);
    }

    /// True before any layer was named.
    pub(super) fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The largest share of the whole that was told, in thousandths.
    #[cfg(test)]
    pub(super) fn share(&self) -> u16 {
        self.all.share().unwrap_or(0)
    }

    /// What the rest will take.
    pub(super) fn left(&self, now: Duration) -> Option<Duration> {
        self.all.left(now)
    }

    /// Bytes sent and to send, as far as anybody says.
    fn sent(&self) -> (u64, u64) {
        let sum = |value: fn(&Meter) -> u64| {
            self.layers
                .iter()
                .filter(|layer| layer.state != LayerState::AlreadyThere)
                .fold(0_u64, |sum, layer| sum.saturating_add(value(&layer.meter)))
        };
        (sum(|meter| meter.current().min(meter.total())), sum(Meter::total))
    }

    /// `2 of 6 layers ████████░░░░ 38/59 MB 12 MB/s`, behind what `row` says already.
    pub(super) fn head(&self, mut row: Row, now: Duration, columns: usize) -> Row {
        let done = self.layers.iter().filter(|layer| is_done(layer)).count();
        row.push(format::pad(&format!("{done} of {} layers", self.layers.len()), LABEL), Tone::Text);
        if let Some(share) = self.all.share() {
            let (sent, total) = self.sent();
            measured(&mut row, &self.all, (share, sent, total), now, columns, Tone::Text);
        }
        row
    }

    /// Layers on their way first, then those that are done, in at most `room` lines; what does not fit is counted.
    pub(super) fn rows(&self, indent: usize, now: Duration, columns: usize, room: usize) -> Vec<Row> {
        let is_moving = |layer: &&Layer| matches!(layer.state, LayerState::Pushing { .. });
        let moving = self.layers.iter().filter(is_moving);
        let resting = self.layers.iter().filter(|layer| !is_moving(layer));
        let shown = if self.layers.len() > room { room.saturating_sub(1) } else { room };
        let mut rows: Vec<_> =
            moving.chain(resting).take(shown).map(|layer| layer_row(layer, indent, now, columns)).collect();
        if self.layers.len() > shown && room > 0 {
            let words = format!("{}and {} more", " ".repeat(indent), self.layers.len() - shown);
            rows.push(Row::of(words, Tone::Dim).fit(columns));
        }
        rows
    }
}

fn is_done(layer: &Layer) -> bool {
    matches!(layer.state, LayerState::Pushed | LayerState::AlreadyThere)
}

fn layer_row(layer: &Layer, indent: usize, now: Duration, columns: usize) -> Row {
    let id: String = layer.id.chars().take(8).collect();
    let mut row = Row::of(" ".repeat(indent), Tone::Text).with(format::pad(&id, LABEL), Tone::Dim);
    let meter = &layer.meter;
    match (layer.state, meter.share()) {
        (LayerState::Waiting, _) => row.push("waiting", Tone::Dim),
        (LayerState::AlreadyThere, _) => row.push("already there", Tone::Dim),
        (LayerState::Pushed, _) if meter.current() == 0 => row.push("pushed", Tone::Dim),
        (LayerState::Pushed, _) => row.push(format!("pushed, {}", format::bytes(meter.current())), Tone::Dim),
        (LayerState::Pushing { .. }, None) => row.push(format::bytes(meter.current()), Tone::Text),
        (LayerState::Pushing { .. }, Some(share)) => {
            let sent = meter.current().min(meter.total());
            measured(&mut row, meter, (share, sent, meter.total()), now, columns, Tone::Dim);
        }
    }
    row.fit(columns)
}

/// A bar, its bytes, and its rate where there is room for one.
fn measured(
    row: &mut Row,
    meter: &Meter,
    (share, sent, total): (u16, u64, u64),
    now: Duration,
    columns: usize,
    tone: Tone,
) {
    row.pieces.extend(bar(share, bar_columns(row.width(), columns)));
    row.push(format::pad_left(&format::bytes_of(sent, total), BYTES), tone);
    if columns >= WIDE {
        let rate = meter.rate(now).map_or_else(String::new, format::rate);
        row.pieces.push(Piece::new(format::pad_left(&rate, RATE), Tone::Dim));
    }
}

/// What is left for a bar between `before` and its figures; nine columns at the end are the time's.
fn bar_columns(before: usize, columns: usize) -> usize {
    let rate = if columns >= WIDE { RATE } else { 0 };
    columns.saturating_sub(before + BYTES + rate + 9).clamp(4, 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(id: &str, state: LayerState) -> LayerProgress {
        LayerProgress { id: id.into(), state }
    }

    #[test]
    fn the_bar_of_a_push_only_grows() {
        let mut push = Push::default();
        let mut last = 0;
        for (second, moved) in (0..).zip([
            layer("a", LayerState::Pushing { current: 50, total: 100 }),
            layer("b", LayerState::Pushing { current: 0, total: 1000 }),
            layer("b", LayerState::Pushing { current: 900, total: 1000 }),
            layer("a", LayerState::Pushing { current: 120, total: 100 }),
            layer("a", LayerState::Pushed),
            layer("b", LayerState::Pushed),
        ]) {
            push.take(&moved, Duration::from_secs(second));
            assert!((last..=1000).contains(&push.share()));
            last = push.share();
        }
        assert_eq!(last, 1000);
    }

    #[test]
    fn a_layer_on_its_way_says_how_fast_it_is() {
        let mut push = Push::default();
        for tenth in 0..=20_u64 {
            let state = LayerState::Pushing { current: tenth * 1_000_000, total: 60_000_000 };
            push.take(&layer("c6d9f012bbbb", state), Duration::from_millis(tenth * 100));
        }
        let now = Duration::from_secs(2);
        let wide: Vec<_> = push.rows(2, now, 100, 3).iter().map(Row::text).collect();
        assert_eq!(wide, ["  c6d9f012      █████████▉░░░░░░░░░░░░░░░░░░░░    20/60 MB   10 MB/s"]);
        let narrow = push.rows(2, now, 60, 3)[0].text();
        assert!(!narrow.contains("MB/s") && narrow.contains("20/60 MB"), "{narrow}");
        assert_eq!(push.left(now), Some(Duration::from_secs(4)));
    }
}
