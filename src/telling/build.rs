//! The image build: its steps as they stand, what they print and move, and their lines.

use std::collections::VecDeque;
use std::time::Duration;

use super::format;
use super::row::{Piece, Row, Tone, spinner, wrapped};
use crate::model::progress::{BuildProgress, Builder, Meter, Vertex, VertexState};

/// Lines kept of what a step prints.
const TAIL: usize = 100;
/// Lines of a running step that are shown where others wait for room too.
const LOG: usize = 3;
/// Lines of a failed step that are shown.
const LAST_WORDS: usize = 8;
/// Transfers of a running step that are shown: a base image has many layers.
const TRANSFERS: usize = 4;

/// Bytes that a step fetches or writes.
#[derive(Debug, Clone, PartialEq)]
struct Transfer {
    what: String,
    meter: Meter,
}

/// A step of the build.
#[derive(Debug, Clone, PartialEq)]
struct Node {
    vertex: Vertex,
    since: Option<Duration>,
    /// Counts up with every step that ends, so that the last ones are known.
    ended: usize,
    log: VecDeque<String>,
    transfers: Vec<Transfer>,
}

/// The build, as far as it is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Build {
    builder: Option<Builder>,
    context: Meter,
    nodes: Vec<Node>,
    ended: usize,
}

impl Build {
    /// The build moved on.
    pub(super) fn take(&mut self, progress: BuildProgress, now: Duration) {
        match progress {
            BuildProgress::Began { builder } => *self = Self { builder: Some(builder), ..Self::default() },
            BuildProgress::Context { sent } => self.context.feed(now, sent, 0),
            BuildProgress::Vertex(vertex) => self.moved(vertex, now),
            BuildProgress::Output { vertex, line } => {
                if let Some(node) = self.node(vertex) {
                    if node.log.len() == TAIL {
                        node.log.pop_front();
                    }
                    node.log.push_back(line);
                }
            }
            BuildProgress::Transfer { vertex, what, current, total } => {
                let Some(node) = self.node(vertex) else { return };
                let place = node.transfers.iter().position(|transfer| transfer.what == what).unwrap_or_else(|| {
                    node.transfers.push(Transfer { what, meter: Meter::default() });
                    node.transfers.len() - 1
                });
                if let Some(transfer) = node.transfers.get_mut(place) {
                    transfer.meter.feed(now, current, total);
                }
            }
        }
    }

    fn node(&mut self, number: u32) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.vertex.number == number)
    }

    fn moved(&mut self, vertex: Vertex, now: Duration) {
        if vertex.state.is_end() {
            self.ended += 1;
        }
        let ended = self.ended;
        if self.node(vertex.number).is_none() {
            let log = VecDeque::new();
            self.nodes.push(Node { vertex: vertex.clone(), since: None, ended, log, transfers: Vec::new() });
        }
        let Some(node) = self.node(vertex.number) else { return };
        if vertex.state == VertexState::Running && node.since.is_none() {
            node.since = Some(now);
        }
        node.ended = ended;
        node.vertex = vertex;
    }

    /// True where a step with this number is not known yet.
    pub(super) fn is_new(&self, number: u32) -> bool {
        self.nodes.iter().all(|node| node.vertex.number != number)
    }

    /// What the step printed that failed, oldest first; nothing where none failed or it was silent.
    pub(super) fn last_words(&self) -> impl Iterator<Item = &str> {
        let failed = self.nodes.iter().filter(|node| matches!(node.vertex.state, VertexState::Failed { .. }));
        failed.flat_map(|node| node.log.iter().map(String::as_str))
    }

    /// `5 of 10 steps, 3 cached, context 4.2 MB`.
    pub(super) fn head(&self, now: Duration) -> String {
        let steps = || self.nodes.iter().filter(|node| node.vertex.is_instruction());
        let count = |wanted: fn(&VertexState) -> bool| steps().filter(|node| wanted(&node.vertex.state)).count();
        let cached = count(|state| *state == VertexState::Cached);
        let done = cached + count(|state| matches!(state, VertexState::Done { .. }));
        let mut parts = Vec::new();
        if steps().next().is_some() {
            parts.push(format!("{done} of {}", format::count(self.total(), "step", "steps")));
        }
        if cached > 0 {
            parts.push(format!("{cached} cached"));
        }
        if self.context.current() > 0 {
            parts.push(format!("context {}", format::bytes(self.context.current())));
            parts.extend(self.context.rate(now).map(format::rate));
        }
        if parts.is_empty() {
            parts.extend(self.builder.map(|builder| builder.to_string()));
        }
        parts.join(", ")
    }

    /// Steps in all: what the Dockerfile's numbers promise, and never less than are known.
    fn total(&self) -> usize {
        let mut stages: Vec<(&str, usize)> = Vec::new();
        let mut known = 0;
        for node in self.nodes.iter().filter(|node| node.vertex.is_instruction()) {
            known += 1;
            let (stage, of) = place(&node.vertex.name);
            match stages.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, most)) => *most = (*most).max(of),
                None => stages.push((stage, of)),
            }
        }
        stages.iter().map(|(_, most)| most).sum::<usize>().max(known)
    }

    /// What there is to see, in at most `room` lines: what failed, what runs with its output, then what ended last.
    pub(super) fn rows(&self, indent: usize, now: Duration, turn: usize, columns: usize, room: usize) -> Vec<Row> {
        let mut order: Vec<&Node> = self.nodes.iter().collect();
        order.sort_by_key(|node| (rank(&node.vertex), usize::MAX - node.ended));
        order.truncate(room);
        let mut left = room.saturating_sub(order.len());
        let mut blocks: Vec<(&Node, Vec<Row>)> = Vec::with_capacity(order.len());
        let running = order.iter().filter(|node| node.vertex.state == VertexState::Running).count();
        // What is done gives way to what is happening.
        let idle = order.iter().filter(|node| rank(&node.vertex) > 2).count();
        let mut given_up = 0;
        for node in &order {
            let spare = left + idle - given_up;
            let more = extra_rows(
                node,
                indent + 2,
                now,
                columns,
                spare,
                if running > 1 { LOG } else { LOG.max(room * 2 / 3) },
            );
            let from_idle = more.len().saturating_sub(left);
            left -= more.len().min(left);
            given_up += from_idle;
            let mut rows = vec![node_row(node, indent, now, turn, columns)];
            rows.extend(more);
            blocks.push((node, rows));
        }
        blocks.truncate(order.len() - given_up);
        blocks.sort_by_key(|(node, _)| (self.stage_order(&node.vertex), node.vertex.number));
        blocks.into_iter().flat_map(|(_, rows)| rows).collect()
    }

    /// Stages in the order in which they appeared; the builder's own work stands where it comes.
    fn stage_order(&self, vertex: &Vertex) -> u32 {
        let (stage, _) = place(&vertex.name);
        let same = |node: &&Node| vertex.is_instruction() && place(&node.vertex.name).0 == stage;
        self.nodes.iter().find(same).map_or(vertex.number, |node| node.vertex.number)
    }
}

/// What matters first: failed, running, done, cached, to come; the builder's own finished work last.
fn rank(vertex: &Vertex) -> u8 {
    match &vertex.state {
        VertexState::Failed { .. } => 0,
        VertexState::Running => 1,
        _ if !vertex.is_instruction() => 6,
        VertexState::Done { .. } => 3,
        VertexState::Cached => 4,
        VertexState::Waiting => 5,
    }
}

/// Stage and number of steps of `[builder 2/6] RUN …`; one stage without a name where there is only one.
fn place(name: &str) -> (&str, usize) {
    let bracket = name.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or("", |(inside, _)| inside);
    let (stage, number) = bracket.trim().rsplit_once(' ').unwrap_or(("", bracket.trim()));
    let of = number.split_once('/').and_then(|(_, of)| of.parse().ok()).unwrap_or(0);
    (stage.trim(), of)
}

fn node_row(node: &Node, indent: usize, now: Duration, turn: usize, columns: usize) -> Row {
    let row = |glyph: &str, sign: Tone, words: Tone| {
        Row::of(" ".repeat(indent), Tone::Text).with(format!("{glyph} "), sign).with(node.vertex.name.clone(), words)
    };
    let time = |took: Duration| Piece::new(format::pad_left(&format::duration(took), 8), Tone::Dim);
    match &node.vertex.state {
        VertexState::Waiting => row("·", Tone::Dim, Tone::Dim).fit(columns),
        VertexState::Running => {
            let since = node.since.unwrap_or(now);
            row(spinner(turn), Tone::Accent, Tone::Text).spread(time(now.saturating_sub(since)), columns)
        }
        VertexState::Cached => row("✓", Tone::Dim, Tone::Dim).spread(Piece::new("cached", Tone::Dim), columns),
        VertexState::Done { took } => row("✓", Tone::Good, Tone::Dim).spread(time(*took), columns),
        VertexState::Failed { .. } => row("✕", Tone::Bad, Tone::Bad).fit(columns),
    }
}

/// What stands below a step: its transfers and last lines, or its last words; at most `room` lines.
fn extra_rows(node: &Node, indent: usize, now: Duration, columns: usize, room: usize, log: usize) -> Vec<Row> {
    let printed = |most: usize| {
        let skip = node.log.len().saturating_sub(most);
        let lines = node.log.iter().skip(skip);
        lines.map(|line| Row::of(format!("{}{line}", " ".repeat(indent)), Tone::Dim).fit(columns))
    };
    match &node.vertex.state {
        VertexState::Failed { message } => {
            let mut rows = wrapped(message, indent, columns, 2.min(room), Tone::Text);
            rows.extend(printed(LAST_WORDS.min(room - rows.len())));
            rows
        }
        VertexState::Running => {
            let moving = node.transfers.iter().filter(|transfer| !is_whole(&transfer.meter));
            let mut rows: Vec<_> =
                moving.take(TRANSFERS.min(room)).map(|transfer| transfer_row(transfer, indent, now, columns)).collect();
            rows.extend(printed(log.min(room - rows.len())));
            rows
        }
        _ => Vec::new(),
    }
}

fn is_whole(meter: &Meter) -> bool {
    meter.total() > 0 && meter.current() >= meter.total()
}

fn transfer_row(transfer: &Transfer, indent: usize, now: Duration, columns: usize) -> Row {
    let meter = &transfer.meter;
    let bytes = if meter.total() > 0 {
        format::bytes_of(meter.current(), meter.total())
    } else {
        format::bytes(meter.current())
    };
    let rate = meter.rate(now).map_or_else(String::new, |rate| format!("  {}", format::rate(rate)));
    let words = format!("{}{}", " ".repeat(indent), format::cut_middle(&transfer.what, 40));
    Row::of(words, Tone::Dim).spread(Piece::new(format!("{bytes}{rate}"), Tone::Dim), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(number: u32, name: &str, state: VertexState) -> BuildProgress {
        BuildProgress::Vertex(Vertex { number, name: name.into(), inputs: Vec::new(), state })
    }

    fn told(build: &Build, room: usize) -> Vec<String> {
        build.rows(0, Duration::from_secs(9), 0, 48, room).iter().map(Row::text).collect()
    }

    fn two_stages() -> Build {
        let mut build = Build::default();
        let second = Duration::from_secs(1);
        for moved in [
            BuildProgress::Began { builder: Builder::BuildKit },
            vertex(1, "[internal] load build definition", VertexState::Done { took: second }),
            vertex(2, "[builder 1/3] FROM rust", VertexState::Cached),
            vertex(3, "[stage-1 1/2] FROM scratch", VertexState::Cached),
            vertex(4, "[builder 2/3] COPY src src", VertexState::Done { took: second }),
            vertex(5, "[builder 3/3] RUN cargo build", VertexState::Running),
            vertex(6, "[stage-1 2/2] COPY --from=builder", VertexState::Waiting),
            BuildProgress::Output { vertex: 5, line: "Compiling tenantry".into() },
            BuildProgress::Output { vertex: 5, line: "Compiling axum".into() },
        ] {
            build.take(moved, second);
        }
        build
    }

    #[test]
    fn stages_stand_together_and_what_runs_shows_its_output() {
        let build = two_stages();
        assert_eq!(build.head(Duration::ZERO), "3 of 5 steps, 2 cached");
        assert_eq!(
            told(&build, 8),
            [
                "✓ [internal] load build definition         1.0 s",
                "✓ [builder 1/3] FROM rust                 cached",
                "✓ [builder 2/3] COPY src src               1.0 s",
                "◐ [builder 3/3] RUN cargo build            8.0 s",
                "  Compiling tenantry",
                "  Compiling axum",
                "✓ [stage-1 1/2] FROM scratch              cached",
                "· [stage-1 2/2] COPY --from=builder",
            ]
        );
    }

    #[test]
    fn without_room_what_runs_stays() {
        let build = two_stages();
        assert_eq!(told(&build, 1), ["◐ [builder 3/3] RUN cargo build            8.0 s"]);
        assert_eq!(told(&build, 0), Vec::<String>::new());
        assert_eq!(told(&build, 2)[1], "  Compiling axum");
        for room in 0..20 {
            assert!(told(&build, room).len() <= room, "{room}");
        }
    }

    #[test]
    fn a_step_that_failed_has_its_last_words() {
        let mut build = two_stages();
        let failed = VertexState::Failed { message: "exit code: 101".into() };
        build.take(vertex(5, "[builder 3/3] RUN cargo build", failed), Duration::from_secs(2));
        let told = told(&build, 5);
        let place = told.iter().position(|line| line.starts_with('✕')).expect("shown");
        assert_eq!(told[place + 1..place + 4], ["  exit code: 101", "  Compiling tenantry", "  Compiling axum"]);
        assert_eq!(build.last_words().collect::<Vec<_>>(), ["Compiling tenantry", "Compiling axum"]);
    }

    #[test]
    fn a_build_that_begins_anew_forgets_the_first() {
        let mut build = two_stages();
        build.take(BuildProgress::Began { builder: Builder::Classic }, Duration::ZERO);
        assert_eq!((build.head(Duration::ZERO).as_str(), told(&build, 9).len()), ("classic", 0));
    }

    #[test]
    fn transfers_say_what_is_still_moving() {
        let mut build = two_stages();
        for (what, current) in [("sha256:aaaa", 5_000_000), ("sha256:bbbb", 10_000_000)] {
            let what = what.to_owned();
            build.take(BuildProgress::Transfer { vertex: 5, what, current, total: 10_000_000 }, Duration::ZERO);
        }
        let told = told(&build, 12);
        assert!(told.iter().any(|line| line.contains("sha256:aaaa") && line.ends_with("5.0/10 MB")), "{told:?}");
        assert!(!told.iter().any(|line| line.contains("bbbb")), "{told:?}");
    }
}
