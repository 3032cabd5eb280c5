//! BuildKit's trace as progress: vertexes with small numbers, their output as lines, and the bytes that they move.
//!
//! BuildKit names a vertex by a digest and tells of it again whenever something changed. Must not know the connection.

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1 as buildkit;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::lines::Lines;
use crate::model::progress::{BuildProgress, Vertex, VertexState};
use crate::model::text;

/// Longest name and message kept, in characters.
const LONGEST_NAME: usize = 400;
const LONGEST_MESSAGE: usize = 1000;

/// Lines of a vertex that are remembered for when it fails.
const LAST_LINES: usize = 5;

/// Reads a trace.
#[derive(Debug, Default)]
pub(super) struct Trace {
    numbers: HashMap<String, u32>,
    steps: Vec<Step>,
    /// Bytes that were told, by vertex and what is moved.
    moved: HashMap<(u32, String), (u64, u64)>,
}

#[derive(Debug)]
struct Step {
    vertex: Vertex,
    is_told: bool,
    /// What it prints, by the number of its stream.
    output: HashMap<i64, Lines>,
    last: VecDeque<String>,
}

/// The vertex at which the build failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// BuildKit's words.
    pub(super) message: &'a str,
    /// The last lines that it printed, oldest first.
    pub(super) last_lines: Vec<&'a str>,
}

impl Trace {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, status: buildkit::StatusResponse) -> Vec<BuildProgress> {
        let mut progress = Vec::new();
        for vertex in &status.vertexes {
            self.number(&vertex.digest);
        }
        // A vertex that ended comes behind what it printed.
        let (ended, others): (Vec<_>, Vec<_>) = status.vertexes.into_iter().partition(|one| one.completed.is_some());
        for vertex in &others {
            self.vertex(vertex, &mut progress);
        }
        for status in &status.statuses {
            self.transfer(status, &mut progress);
        }
        for log in &status.logs {
            self.log(log, &mut progress);
        }
        for vertex in &ended {
            self.end_output(&vertex.digest, &mut progress);
            self.vertex(vertex, &mut progress);
        }
        progress
    }

    /// Lines without an end, when the trace is over.
    pub(super) fn finish(&mut self) -> Vec<BuildProgress> {
        let digests: Vec<String> = self.numbers.keys().cloned().collect();
        let mut progress = Vec::new();
        for digest in digests {
            self.end_output(&digest, &mut progress);
        }
        progress
    }

    /// The vertex that failed first; those that were broken off because of it do not count.
    pub(super) fn failure(&self) -> Option<Failure<'_>> {
        self.steps.iter().find_map(|step| match &step.vertex.state {
            VertexState::Failed { message } if !message.contains("context canceled") => Some(Failure {
                name: &step.vertex.name,
                message,
                last_lines: step.last.iter().map(String::as_str).collect(),
            }),
            _ => None,
        })
    }

    fn number(&mut self, digest: &str) -> u32 {
        if let Some(number) = self.numbers.get(digest) {
            return *number;
        }
        let number = u32::try_from(self.steps.len() + 1).unwrap_or(u32::MAX);
        self.numbers.insert(digest.to_owned(), number);
        let vertex = Vertex { number, name: String::new(), inputs: Vec::new(), state: VertexState::Waiting };
        self.steps.push(Step { vertex, is_told: false, output: HashMap::new(), last: VecDeque::new() });
        number
    }

    fn step(&mut self, digest: &str) -> Option<&mut Step> {
        let index = self.numbers.get(digest)?.checked_sub(1)?;
        self.steps.get_mut(index as usize)
    }

    fn vertex(&mut self, raw: &buildkit::Vertex, progress: &mut Vec<BuildProgress>) {
        let mut inputs: Vec<u32> = raw.inputs.iter().filter_map(|digest| self.numbers.get(digest).copied()).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let Some(step) = self.step(&raw.digest) else { return };
        let name = text::short(&raw.name, LONGEST_NAME);
        let vertex = Vertex { number: step.vertex.number, name, inputs, state: state(raw) };
        if !step.is_told || vertex != step.vertex {
            (step.vertex, step.is_told) = (vertex.clone(), true);
            progress.push(BuildProgress::Vertex(vertex));
        }
    }

    fn transfer(&mut self, status: &buildkit::VertexStatus, progress: &mut Vec<BuildProgress>) {
        let Some(vertex) = self.numbers.get(&status.vertex).copied() else { return };
        let bytes = |value: i64| u64::try_from(value).unwrap_or(0);
        let (current, total) = (bytes(status.current), bytes(status.total));
        let what = text::short(&status.id, LONGEST_NAME);
        // Without bytes it is one of BuildKit's own small steps.
        if current == 0 && total == 0 {
            return;
        }
        if self.moved.insert((vertex, what.clone()), (current, total)) != Some((current, total)) {
            progress.push(BuildProgress::Transfer { vertex, what, current, total });
        }
    }

    fn log(&mut self, log: &buildkit::VertexLog, progress: &mut Vec<BuildProgress>) {
        let Some(step) = self.step(&log.vertex) else { return };
        let lines = step.output.entry(log.stream).or_default().feed(&log.msg);
        for line in lines {
            step.say(line, progress);
        }
    }

    fn end_output(&mut self, digest: &str, progress: &mut Vec<BuildProgress>) {
        let Some(step) = self.step(digest) else { return };
        let mut streams: Vec<(i64, Lines)> = std::mem::take(&mut step.output).into_iter().collect();
        streams.sort_by_key(|(stream, _)| *stream);
        for line in streams.into_iter().filter_map(|(_, mut lines)| lines.finish()) {
            step.say(line, progress);
        }
    }
}

impl Step {
    fn say(&mut self, line: String, progress: &mut Vec<BuildProgress>) {
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        progress.push(BuildProgress::Output { vertex: self.vertex.number, line });
    }
}

fn state(raw: &buildkit::Vertex) -> VertexState {
    if !raw.error.is_empty() {
        VertexState::Failed { message: text::short(&raw.error, LONGEST_MESSAGE) }
    } else if raw.cached {
        VertexState::Cached
    } else if let Some(completed) = &raw.completed {
        VertexState::Done { took: between(raw.started.as_ref(), completed) }
    } else if raw.started.is_some() {
        VertexState::Running
    } else {
        VertexState::Waiting
    }
}

/// Never negative, whatever the engine's clock did.
fn between(started: Option<&Timestamp>, completed: &Timestamp) -> Duration {
    let nanoseconds = |time: &Timestamp| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let took = nanoseconds(completed) - started.map_or_else(|| nanoseconds(completed), nanoseconds);
    Duration::from_nanos(u64::try_from(took.max(0)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        let nanos = i32::try_from(milliseconds % 1000 * 1_000_000).unwrap();
        Timestamp { seconds: milliseconds / 1000, nanos }
    }

    fn vertex(digest: &str, name: &str, inputs: &[&str]) -> buildkit::Vertex {
        buildkit::Vertex {
            digest: digest.into(),
            name: name.into(),
            inputs: inputs.iter().map(ToString::to_string).collect(),
            ..buildkit::Vertex::default()
        }
    }

    fn feed(trace: &mut Trace, vertexes: Vec<buildkit::Vertex>, logs: &[(&str, i64, &str)]) -> Vec<BuildProgress> {
        let logs = logs.iter().map(|(vertex, stream, text)| buildkit::VertexLog {
            vertex: (*vertex).into(),
            stream: *stream,
            msg: text.as_bytes().to_vec(),
            ..buildkit::VertexLog::default()
        });
        trace.feed(buildkit::StatusResponse { vertexes, logs: logs.collect(), ..buildkit::StatusResponse::default() })
    }

    fn told(number: u32, name: &str, inputs: &[u32], state: VertexState) -> BuildProgress {
        BuildProgress::Vertex(Vertex { number, name: name.into(), inputs: inputs.into(), state })
    }

    fn line(vertex: u32, line: &str) -> BuildProgress {
        BuildProgress::Output { vertex, line: line.into() }
    }

    #[test]
    fn a_vertex_keeps_its_number_and_is_told_when_it_changed() {
        let mut trace = Trace::default();
        let copy = vertex("c", "[1/2] \u{1b}[1mCOPY a /\u{1b}[0m", &["i", "i", "unknown"]);
        let internal = vertex("i", "[internal] load build context", &[]);
        assert_eq!(
            feed(&mut trace, vec![copy.clone(), internal.clone()], &[]),
            [
                told(1, "[1/2] COPY a /", &[2], VertexState::Waiting),
                told(2, "[internal] load build context", &[], VertexState::Waiting),
            ]
        );
        assert_eq!(feed(&mut trace, vec![copy.clone()], &[]), []);
        let running = buildkit::Vertex { started: Some(at(1000)), ..copy.clone() };
        assert_eq!(
            feed(&mut trace, vec![running.clone()], &[]),
            [told(1, "[1/2] COPY a /", &[2], VertexState::Running)]
        );
        let done = buildkit::Vertex { completed: Some(at(2500)), ..running };
        let took = Duration::from_millis(1500);
        assert_eq!(feed(&mut trace, vec![done], &[]), [told(1, "[1/2] COPY a /", &[2], VertexState::Done { took })]);
        let cached = buildkit::Vertex { cached: true, started: Some(at(1)), completed: Some(at(1)), ..internal };
        assert_eq!(
            feed(&mut trace, vec![cached], &[]),
            [told(2, "[internal] load build context", &[], VertexState::Cached)]
        );
        assert_eq!(trace.failure(), None);
    }

    #[test]
    fn what_a_vertex_printed_comes_before_its_end_and_is_kept_for_its_failure() {
        let mut trace = Trace::default();
        let run = buildkit::Vertex { started: Some(at(0)), ..vertex("r", "[2/2] RUN x", &[]) };
        let other = buildkit::Vertex { started: Some(at(0)), ..vertex("o", "[1/2] RUN y", &[]) };
        feed(&mut trace, vec![other.clone(), run.clone()], &[]);
        let many = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        assert_eq!(feed(&mut trace, vec![], &[("r", 1, many), ("r", 1, "ha"), ("r", 2, "err")]).len(), 9);
        assert_eq!(feed(&mut trace, vec![], &[("r", 1, "lf"), ("nobody", 1, "x\n")]), []);
        let broken_off = buildkit::Vertex { completed: Some(at(1)), error: "context canceled".into(), ..other };
        let failed = buildkit::Vertex { completed: Some(at(1)), error: "exit\ncode: 3".into(), ..run };
        let message = "exit code: 3".to_owned();
        assert_eq!(
            feed(&mut trace, vec![broken_off, failed], &[]),
            [
                told(1, "[1/2] RUN y", &[], VertexState::Failed { message: "context canceled".into() }),
                line(2, "half"),
                line(2, "err"),
                told(2, "[2/2] RUN x", &[], VertexState::Failed { message }),
            ]
        );
        let last_lines = vec!["7", "8", "9", "half", "err"];
        assert_eq!(trace.failure(), Some(Failure { name: "[2/2] RUN x", message: "exit code: 3", last_lines }));
        assert_eq!(trace.finish(), []);
    }

    #[test]
    fn bytes_are_told_when_they_changed() {
        let mut trace = Trace::default();
        feed(&mut trace, vec![vertex("i", "[internal] load build context", &[])], &[]);
        let mut status = |id: &str, current, total| {
            let status = buildkit::VertexStatus {
                id: id.into(),
                vertex: "i".into(),
                current,
                total,
                ..buildkit::VertexStatus::default()
            };
            trace.feed(buildkit::StatusResponse { statuses: vec![status], ..buildkit::StatusResponse::default() })
        };
        let moved = |current, total| {
            vec![BuildProgress::Transfer { vertex: 1, what: "transferring context:".into(), current, total }]
        };
        assert_eq!(status("transferring context:", 5, 0), moved(5, 0));
        assert_eq!(status("transferring context:", 5, 0), []);
        assert_eq!(status("transferring context:", 7, -1), moved(7, 0));
        assert_eq!(status("exporting layers", 0, 0), []);
    }
}
