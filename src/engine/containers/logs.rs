//! A container's log as clean lines with their time.
//!
//! The engine sends frames: one record each, marked with its stream and prefixed with its time. A line
//! longer than 16 KiB comes as several records, each with a time of its own, and only the last ends with
//! a newline; the two streams may interleave between them.

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use jiff::Timestamp;
use std::collections::VecDeque;

use super::ContainerError;
use crate::engine::Engine;
use crate::model::{LogEntry, text};

/// Log lines, oldest first. After an error it ends. Dropping it closes the connection.
pub type LogStream = BoxStream<'static, Result<LogEntry, ContainerError>>;

/// A line longer than this is cut, in bytes.
const MAX_LINE: usize = 256 * 1024;

impl Engine {
    /// The last `lines` lines of both streams; with `follow` also those to come, until the container ends.
    #[must_use]
    pub fn container_logs(&self, id: &str, lines: u32, follow: bool) -> LogStream {
        self.read_logs(id, LogsOptionsBuilder::new().tail(&lines.to_string()), follow)
    }

    /// The lines of both streams from the second of `moment` on: the engine counts in seconds here.
    #[must_use]
    pub fn container_logs_since(&self, id: &str, moment: Timestamp, follow: bool) -> LogStream {
        let second = i32::try_from(moment.as_second()).unwrap_or(i32::MAX);
        self.read_logs(id, LogsOptionsBuilder::new().since(second), follow)
    }

    fn read_logs(&self, id: &str, options: LogsOptionsBuilder, follow: bool) -> LogStream {
        let options = options.stdout(true).stderr(true).timestamps(true).follow(follow).build();
        let frames = self.docker.logs(id, Some(options)).boxed();
        let action = format!("reading the log of {id}");
        let state = (frames, Lines::default(), action, false);
        stream::unfold(state, |(mut frames, mut lines, action, mut ended)| async move {
            loop {
                if let Some(entry) = lines.ready.pop_front() {
                    return Some((Ok(entry), (frames, lines, action, ended)));
                }
                if ended {
                    return None;
                }
                match frames.next().await {
                    Some(Ok(frame)) => lines.push(&frame),
                    Some(Err(error)) => {
                        let error = ContainerError::new(action.clone(), &error);
                        return Some((Err(error), (frames, lines, action, true)));
                    }
                    None => {
                        lines.finish();
                        ended = true;
                    }
                }
            }
        })
        .boxed()
    }
}

/// Makes lines of frames.
#[derive(Debug, Default)]
struct Lines {
    output: Unfinished,
    errors: Unfinished,
    ready: VecDeque<LogEntry>,
}

/// The beginning of a line.
#[derive(Debug, Default)]
struct Unfinished {
    timestamp: String,
    bytes: Vec<u8>,
}

impl Lines {
    fn push(&mut self, frame: &LogOutput) {
        let (line, record) = match frame {
            LogOutput::StdErr { message } => (&mut self.errors, message),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                (&mut self.output, message)
            }
        };
        let (timestamp, rest) = split_time(record);
        if line.bytes.is_empty() {
            timestamp.clone_into(&mut line.timestamp);
        }
        let (rest, whole) = rest.strip_suffix(b"\n").map_or((rest, false), |rest| (rest, true));
        let room = MAX_LINE.saturating_sub(line.bytes.len()).min(rest.len());
        line.bytes.extend_from_slice(rest.get(..room).unwrap_or_default());
        if whole {
            self.ready.push_back(line.take());
        }
    }

    /// What the last records left without a newline.
    fn finish(&mut self) {
        for line in [&mut self.output, &mut self.errors] {
            if !line.bytes.is_empty() {
                self.ready.push_back(line.take());
            }
        }
    }
}

impl Unfinished {
    fn take(&mut self) -> LogEntry {
        let line = std::mem::take(self);
        let message = text::coloured(String::from_utf8_lossy(&line.bytes).trim_end());
        let level = level(&text::plain(&message)).map(str::to_owned);
        LogEntry { timestamp: line.timestamp, message, level }
    }
}

/// `2026-11-20T18:00:00.123456789Z text`. Without a time in front everything is text.
fn split_time(record: &[u8]) -> (&str, &[u8]) {
    let parsed = record.iter().position(|byte| *byte == b' ').and_then(|blank| {
        let time = std::str::from_utf8(record.get(..blank)?).ok()?;
        time.parse::<jiff::Timestamp>().ok()?;
        Some((time, record.get(blank + 1..)?))
    });
    parsed.unwrap_or(("", record))
}

/// The level that the line itself names near its beginning, in lower case.
fn level(message: &str) -> Option<&'static str> {
    message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(12)
        .find_map(|word| match word {
            "ERROR" | "FATAL" | "CRITICAL" | "PANIC" => Some("error"),
            "WARN" | "WARNING" => Some("warn"),
            "INFO" => Some("info"),
            "DEBUG" => Some("debug"),
            "TRACE" => Some("trace"),
            _ => None,
        })
        .or_else(|| {
            let (_, after) = message.split_once("\"level\":\"")?;
            ["error", "warn", "info", "debug", "trace"]
                .into_iter()
                .find(|level| after.to_lowercase().starts_with(level))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    fn err(text: &str) -> LogOutput {
        LogOutput::StdErr { message: text.to_owned().into() }
    }

    fn lines(frames: &[LogOutput]) -> Vec<LogEntry> {
        let mut lines = Lines::default();
        for frame in frames {
            lines.push(frame);
        }
        lines.finish();
        lines.ready.into()
    }

    #[test]
    fn a_line_has_its_time_its_level_and_no_escapes_but_its_colours() {
        let entries =
            lines(&[out("2026-11-20T18:00:00.123456789Z \u{1b}[32mINFO\u{1b}[0m  GET /\u{1b}[2J 200 1 ms\r\n")]);
        assert_eq!(
            entries,
            [LogEntry {
                timestamp: "2026-11-20T18:00:00.123456789Z".into(),
                message: "\u{1b}[32mINFO\u{1b}[0m  GET / 200 1 ms".into(),
                level: Some("info".into()),
            }]
        );
    }

    #[test]
    fn parts_of_a_line_are_joined_whatever_the_other_stream_says_between() {
        let entries = lines(&[
            out("2026-11-20T18:00:00Z one "),
            err("2026-11-20T18:00:01Z WARN other\n"),
            out("2026-11-20T18:00:02Z and two\n"),
            out("2026-11-20T18:00:03Z \n"),
            out("2026-11-20T18:00:04Z unfinished"),
        ]);
        let seen: Vec<_> = entries.iter().map(|e| (e.timestamp.as_str(), e.message.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("2026-11-20T18:00:01Z", "WARN other"),
                ("2026-11-20T18:00:00Z", "one and two"),
                ("2026-11-20T18:00:03Z", ""),
                ("2026-11-20T18:00:04Z", "unfinished"),
            ]
        );
    }

    #[test]
    fn a_character_that_two_records_share_is_whole_again() {
        let bytes = "2026-11-20T18:00:00Z gr\u{fc}n\n".as_bytes();
        let (first, second) = bytes.split_at("2026-11-20T18:00:00Z gr".len() + 1);
        let mut second_record = b"2026-11-20T18:00:00Z ".to_vec();
        second_record.extend_from_slice(second);
        let frames =
            [LogOutput::StdOut { message: first.to_vec().into() }, LogOutput::StdOut { message: second_record.into() }];
        assert_eq!(lines(&frames)[0].message, "gr\u{fc}n");
    }

    #[test]
    fn levels_are_guessed_from_words_and_not_from_parts_of_them() {
        for (message, expected) in [
            ("ERROR no page", Some("error")),
            ("2026-11-20 [WARN] slow", Some("warn")),
            (r#"{"level":"Info","msg":"x"}"#, Some("info")),
            ("INFORMATION about ERRORS", None),
            ("an error in small letters", None),
            ("", None),
        ] {
            assert_eq!(level(message), expected, "{message}");
        }
    }

    #[test]
    fn an_endless_line_is_cut() {
        let part = "x".repeat(16 * 1024);
        let frames: Vec<_> = (0..100).map(|_| out(&part)).collect();
        let entries = lines(&frames);
        assert_eq!((entries.len(), entries[0].message.len()), (1, MAX_LINE));
    }
}
