//! What the classic builder prints, read as data: steps, cache hits, output lines, and the ids of the images that
//! this build made. Podman, which answers the same calls, has other words for the same things.
//!
//! The text comes in pieces that know nothing of lines, and a step's own output comes in the same stream as the
//! builder's words, so lines count as the builder's only while no step is running. Must not know the connection.

use tokio::time::Instant;

use crate::model::progress::{BuildProgress, Vertex, VertexState};
use crate::model::text;

/// Longest line kept, in bytes; what a step prints beyond is cut into lines of this length.
const LONGEST_LINE: usize = 8 * 1024;

/// Reads a build's output.
#[derive(Debug, Default)]
pub(super) struct BuildOutput {
    pending: String,
    step: Option<Step>,
    /// True while a container runs the step: what comes then is its output.
    is_running: bool,
    /// The container that runs, or ran, the step that is not over.
    container: Option<String>,
    is_cached: bool,
    made: Vec<String>,
    image: Option<String>,
}

#[derive(Debug)]
struct Step {
    number: u32,
    total: u32,
    instruction: String,
    began: Instant,
}

impl BuildOutput {
    /// Takes the next piece of text.
    pub(super) fn feed(&mut self, piece: &str, now: Instant) -> Vec<BuildProgress> {
        let mut progress = Vec::new();
        for part in piece.split_inclusive(['\n', '\r']) {
            self.pending.push_str(part);
            if part.ends_with(['\n', '\r']) || self.pending.len() > LONGEST_LINE {
                self.end_line(now, &mut progress);
            }
        }
        progress
    }

    /// The last line, when the stream ended without a line end, and the end of the last step.
    pub(super) fn finish(&mut self, now: Instant) -> Vec<BuildProgress> {
        let mut progress = Vec::new();
        self.end_line(now, &mut progress);
        progress
    }

    /// The number of the step that was begun last; 0 before the first.
    pub(super) fn number(&self) -> u32 {
        self.step.as_ref().map_or(0, |step| step.number)
    }

    /// The instruction that was begun last.
    pub(super) fn instruction(&self) -> Option<&str> {
        self.step.as_ref().map(|step| step.instruction.as_str())
    }

    /// The step that was begun last, for a person: `Step 2/6: COPY ...`.
    pub(super) fn step_for_people(&self) -> Option<String> {
        self.step.as_ref().map(|step| format!("Step {}/{}: {}", step.number, step.total, step.instruction))
    }

    /// The id that `Successfully built` names, short.
    pub(super) fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// Short ids of the images that steps made without the cache, oldest first.
    pub(super) fn made(&self) -> &[String] {
        &self.made
    }

    /// Short id of the container of a step that is not over.
    pub(super) fn container(&self) -> Option<&str> {
        self.container.as_deref()
    }

    fn end_line(&mut self, now: Instant, progress: &mut Vec<BuildProgress>) {
        let raw = std::mem::take(&mut self.pending);
        let line = text::line(raw.trim_end_matches(['\n', '\r'])).trim_end().to_owned();
        if line.is_empty() {
            return;
        }
        if self.is_running {
            progress.extend(self.line_while_running(line));
        } else if let Some(step) = Step::parse(&line, now) {
            progress.extend(self.end_step(now));
            progress.push(step.vertex(VertexState::Running));
            self.step = Some(step);
            self.is_cached = false;
        } else if let Some(arrow) = line.trim_start().strip_prefix("--->") {
            progress.extend(self.arrow(arrow.trim()));
        } else if let Some(arrow) = line.strip_prefix("--> ") {
            progress.extend(self.podman_arrow(arrow.trim()));
        } else if line.starts_with("COMMIT ") || is_long_id(&line) {
            // Podman says how the image is called, and its id, which come once more in Docker's words.
        } else if let Some(id) = line.strip_prefix("Successfully built ") {
            progress.extend(self.end_step(now));
            self.image = is_short_id(id).then(|| id.to_owned());
        } else if !line.starts_with("Successfully tagged ") {
            progress.push(self.said(line));
        }
    }

    /// What becomes of the step under way when the next one begins.
    fn end_step(&self, now: Instant) -> Option<BuildProgress> {
        let step = self.step.as_ref().filter(|_| !self.is_cached)?;
        Some(step.vertex(VertexState::Done { took: now.duration_since(step.began) }))
    }

    fn said(&self, line: String) -> BuildProgress {
        BuildProgress::Output { vertex: self.number(), line }
    }

    fn line_while_running(&mut self, line: String) -> Option<BuildProgress> {
        if line.strip_prefix("Removing intermediate container ").is_some_and(is_short_id) {
            self.is_running = false;
            self.container = None;
            return None;
        }
        Some(self.said(line))
    }

    fn arrow(&mut self, words: &str) -> Option<BuildProgress> {
        if let Some(id) = words.strip_prefix("Running in ") {
            self.is_running = true;
            self.container = is_short_id(id).then(|| id.to_owned());
        } else if words == "Using cache" {
            self.is_cached = true;
            return self.step.as_ref().map(|step| step.vertex(VertexState::Cached));
        } else if is_short_id(words) {
            // Behind `FROM` stands the base image, which nobody made now.
            let is_base = self.instruction().is_none_or(|instruction| starts_with_word(instruction, "FROM"));
            if !is_base && !self.is_cached {
                self.made.push(words.to_owned());
            }
        } else if !words.is_empty() {
            return Some(self.said(words.to_owned()));
        }
        None
    }
}

impl BuildOutput {
    /// `Using cache 0123...`, or the id of what the step made.
    fn podman_arrow(&mut self, words: &str) -> Option<BuildProgress> {
        if words.strip_prefix("Using cache ").is_some_and(is_long_id) {
            self.arrow("Using cache")
        } else {
            self.arrow(words)
        }
    }
}

impl Step {
    /// `Step 2/6 : COPY a b`, and podman's `STEP 2/6: COPY a b`.
    fn parse(line: &str, began: Instant) -> Option<Self> {
        let rest = line.strip_prefix("Step ").or_else(|| line.strip_prefix("STEP "))?;
        let (numbers, instruction) = rest.split_once(':')?;
        let (number, total) = numbers.trim().split_once('/')?;
        Some(Self {
            number: number.parse().ok()?,
            total: total.parse().ok()?,
            instruction: instruction.trim().to_owned(),
            began,
        })
    }

    /// The step as a vertex; each stands on the one before it.
    fn vertex(&self, state: VertexState) -> BuildProgress {
        BuildProgress::Vertex(Vertex {
            number: self.number,
            name: format!("[{}/{}] {}", self.number, self.total, self.instruction),
            inputs: if self.number > 1 { vec![self.number - 1] } else { Vec::new() },
            state,
        })
    }
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(word))
}

fn is_short_id(text: &str) -> bool {
    text.len() == 12 && is_hex(text)
}

fn is_long_id(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORDED: &[&str] = &[
        "Step 1/4 : FROM base",
        "\n",
        " ---> 0123456789ab\n",
        "Step 2/4 : COPY a /\n",
        " ---> Using cache\n",
        " ---> 111111111111\n",
        "Step 3/4 : RUN /x",
        "\n",
        " ---> Running in aaaaaaaaaaaa\n",
        "\u{1b}[32mhel",
        "lo\u{1b}[0m\r\n---> 999999999999\nStep 9/9 : LIE\n",
        "Removing intermediate container aaaaaaaaaaaa\n",
        " ---> 222222222222\n",
        "Step 4/4 : COPY b /\n",
        " ---> 333333333333\n",
        "Successfully built 333333333333\n",
        "Successfully tagged 127.0.0.1:5000/app:t\n",
    ];

    fn step(number: u32, instruction: &str, state: VertexState) -> BuildProgress {
        let inputs = if number > 1 { vec![number - 1] } else { Vec::new() };
        BuildProgress::Vertex(Vertex { number, name: format!("[{number}/4] {instruction}"), inputs, state })
    }

    fn said(line: &str) -> BuildProgress {
        BuildProgress::Output { vertex: 3, line: line.into() }
    }

    fn expected() -> Vec<BuildProgress> {
        let done = || VertexState::Done { took: std::time::Duration::ZERO };
        vec![
            step(1, "FROM base", VertexState::Running),
            step(1, "FROM base", done()),
            step(2, "COPY a /", VertexState::Running),
            step(2, "COPY a /", VertexState::Cached),
            step(3, "RUN /x", VertexState::Running),
            said("hello"),
            said("---> 999999999999"),
            said("Step 9/9 : LIE"),
            step(3, "RUN /x", done()),
            step(4, "COPY b /", VertexState::Running),
            step(4, "COPY b /", done()),
        ]
    }

    #[test]
    fn a_recorded_build_is_read_as_data() {
        let (mut output, now) = (BuildOutput::default(), Instant::now());
        let progress: Vec<_> = RECORDED.iter().flat_map(|piece| output.feed(piece, now)).collect();
        assert_eq!(progress, expected());
        assert_eq!(output.image(), Some("333333333333"));
        assert_eq!(output.step_for_people().as_deref(), Some("Step 4/4: COPY b /"));
    }

    #[test]
    fn only_what_this_build_made_is_remembered() {
        let mut output = BuildOutput::default();
        output.feed(&RECORDED.concat(), Instant::now());
        assert_eq!(output.made(), ["222222222222", "333333333333"]);
    }

    #[test]
    fn the_last_line_needs_no_end() {
        let (mut output, now) = (BuildOutput::default(), Instant::now());
        assert!(output.feed("half a line", now).is_empty());
        assert_eq!(output.finish(now), [BuildProgress::Output { vertex: 0, line: "half a line".into() }]);
        assert_eq!(output.finish(now), []);
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let (mut output, now) = (BuildOutput::default(), Instant::now());
        let lines: usize = (0..100).map(|_| output.feed(&"x".repeat(1024), now).len()).sum();
        assert!(lines > 5, "{lines}");
        assert!(output.pending.len() <= LONGEST_LINE);
    }

    #[test]
    fn a_build_by_podman_is_read_as_data_too() {
        let id = |digit: &str| digit.repeat(64);
        let recorded = [
            "STEP 1/4: FROM base\n".to_owned(),
            "STEP 2/4: COPY a /\n".into(),
            format!("--> Using cache {}\n", id("1")),
            "--> 111111111111\n".into(),
            "STEP 3/4: RUN /x\n".into(),
            "hello\n--> not an id\n".into(),
            "--> 222222222222\n".into(),
            "STEP 4/4: COPY b /\n".into(),
            "COMMIT 127.0.0.1:5000/app:t\n".into(),
            "--> 333333333333\n".into(),
            "Successfully tagged 127.0.0.1:5000/app:t\n".into(),
            format!("{}\n", id("3")),
            "Successfully built 333333333333\n".into(),
            "Successfully tagged 127.0.0.1:5000/app:t\n".into(),
        ];
        let (mut output, now) = (BuildOutput::default(), Instant::now());
        let progress: Vec<_> = recorded.iter().flat_map(|piece| output.feed(piece, now)).collect();
        let done = || VertexState::Done { took: std::time::Duration::ZERO };
        assert_eq!(
            progress,
            [
                step(1, "FROM base", VertexState::Running),
                step(1, "FROM base", done()),
                step(2, "COPY a /", VertexState::Running),
                step(2, "COPY a /", VertexState::Cached),
                step(3, "RUN /x", VertexState::Running),
                said("hello"),
                said("not an id"),
                step(3, "RUN /x", done()),
                step(4, "COPY b /", VertexState::Running),
                step(4, "COPY b /", done()),
            ]
        );
        assert_eq!(output.made(), ["222222222222", "333333333333"]);
        assert_eq!(output.image(), Some("333333333333"));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cuts in prop::collection::vec(0_usize..400, 0..12)) {
            let whole = RECORDED.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| whole.is_char_boundary(*cut) && *cut < whole.len()).collect();
            cuts.sort_unstable();
            cuts.push(whole.len());
            let (mut output, now) = (BuildOutput::default(), Instant::now());
            let (mut from, mut progress) = (0, Vec::new());
            for cut in cuts {
                progress.extend(output.feed(&whole[from..cut], now));
                from = cut;
            }
            prop_assert_eq!(progress, expected());
        }
    }
}
