//! Takes the bytes of an event stream apart into frames, as the HTML standard says ("Interpreting an
//! event stream"), with a limit on what one frame may hold.
//!
//! Written by hand because the parsers tried have no such limit, stop for good at a byte that is no UTF-8, and
//! do not tell a `retry:` that comes without data. This module must not know what is in a frame.

use std::collections::VecDeque;
use std::time::Duration;

/// The most that one frame may hold, bytes.
pub(super) const FRAME_LIMIT: usize = 1024 * 1024;

/// Everything between two blank lines. A comment makes a frame without any content: a sign of life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// `id:`, where this very frame has one.
    pub id: Option<String>,
    /// `event:`.
    pub event: Option<String>,
    /// `data:`, its lines joined.
    pub data: Option<String>,
    /// `retry:`.
    pub retry: Option<Duration>,
}

/// The parser: bytes in, frames out.
#[derive(Debug, Default)]
pub(super) struct Frames {
    ready: VecDeque<Frame>,
    line: Vec<u8>,
    /// The frame under way, from its first line on.
    frame: Option<Frame>,
    /// Bytes of the frame under way, finished lines included.
    size: usize,
    /// The frame under way is too long and its content is forgotten.
    too_long: bool,
    after_return: bool,
    after_first_line: bool,
    dropped: u32,
}

impl Frames {
    /// Takes the next piece of the stream.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let Some(&first) = bytes.first() {
            // The second half of a CRLF, perhaps in another piece than its first.
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.size += piece.len();
            if self.size > FRAME_LIMIT {
                self.too_long = true;
                self.frame = None;
                // Whether the line is blank is all that still matters about it.
                self.line.truncate(1);
                self.line.extend_from_slice(piece.get(..1).unwrap_or_default());
                self.line.truncate(1);
            } else {
                self.line.extend_from_slice(piece);
            }
            let Some(end_byte) = rest.first() else { return };
            self.after_return = *end_byte == b'\r';
            bytes = rest.get(1..).unwrap_or_default();
            self.end_of_line();
        }
    }

    /// The next whole frame.
    pub fn pop(&mut self) -> Option<Frame> {
        self.ready.pop_front()
    }

    /// How many frames were too long since this was last asked.
    pub fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.dropped)
    }

    fn end_of_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let mut line = line.as_ref();
        if !std::mem::replace(&mut self.after_first_line, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            self.end_of_frame();
            return;
        }
        if self.too_long {
            return;
        }
        let frame = self.frame.get_or_insert_default();
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => frame.event = Some(value.to_owned()),
            "data" => match &mut frame.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => frame.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                frame.retry = value.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
    }

    fn end_of_frame(&mut self) {
        let frame = self.frame.take();
        if std::mem::take(&mut self.too_long) {
            self.dropped += 1;
        } else {
            self.ready.extend(frame);
        }
        self.size = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut frames = Frames::default();
        let mut out = Vec::new();
        for piece in pieces {
            frames.push(piece);
            while let Some(frame) = frames.pop() {
                out.push(frame);
            }
        }
        out
    }

    fn data(value: &str) -> Frame {
        Frame { data: Some(value.into()), ..Frame::default() }
    }

    #[test]
    fn fields_are_read_as_the_standard_says() {
        for (stream, frames) in [
            ("data: a\n\n", vec![data("a")]),
            ("data:a\r\n\r\n", vec![data("a")]),
            ("data:  a\r\r", vec![data(" a")]),
            ("data: a\ndata\ndata: b\n\n", vec![data("a\n\nb")]),
            ("\u{feff}data: a\n\n", vec![data("a")]),
            ("\n\n\ndata: a\n\n\n", vec![data("a")]),
            (": comment\n\n", vec![Frame::default()]),
            ("unknown: x\ndata: {\"a\":1}\n\n", vec![data("{\"a\":1}")]),
            ("event: reset\n\n", vec![Frame { event: Some("reset".into()), ..Frame::default() }]),
            ("retry: 2000\n\n", vec![Frame { retry: Some(Duration::from_secs(2)), ..Frame::default() }]),
            ("retry: soon\nretry: -1\nid: a\0b\n\n", vec![Frame::default()]),
            ("id: 7\ndata: a\n\n", vec![Frame { id: Some("7".into()), ..data("a") }]),
            ("id\ndata: a\n\n", vec![Frame { id: Some(String::new()), ..data("a") }]),
            ("data: never ended", vec![]),
            ("data: never ended\n", vec![]),
        ] {
            assert_eq!(parse(&[stream.as_bytes()]), frames, "{stream:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_the_stream() {
        assert_eq!(parse(&[b"data: a\xffb\n\n", b"data: c\n\n"]), [data("a\u{fffd}b"), data("c")]);
    }

    #[test]
    fn a_frame_beyond_the_limit_is_dropped_and_the_next_one_lives() {
        let long = "x".repeat(FRAME_LIMIT);
        for stream in [
            format!("data: {long}\n\ndata: a\n\n"),
            format!("data: {long}\nid: 3\n\ndata: a\n\n"),
            format!("{long}{long}\r\n\r\ndata: a\r\n\r\n"),
            format!("data: b\n{}\n\ndata: a\n\n", "data: 0123456789\n".repeat(FRAME_LIMIT / 8)),
        ] {
            let mut frames = Frames::default();
            for piece in stream.as_bytes().chunks(5000) {
                frames.push(piece);
                assert!(frames.line.len() <= FRAME_LIMIT);
            }
            assert_eq!(frames.pop(), Some(data("a")));
            assert_eq!((frames.pop(), frames.take_dropped()), (None, 1));
        }
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_into_pieces_does_not_matter(
            stream in "(id: [0-9ä]{0,3}(\n|\r\n|\r)|data: ?[a-zü:]{0,5}(\n|\r\n|\r)|: ?x?(\n|\r\n|\r)|event: e(\n|\r\n|\r)|\n|\r\n|\r){0,30}",
            cuts in proptest::collection::vec(1usize..7, 0..200),
        ) {
            let whole = parse(&[stream.as_bytes()]);
            let mut rest = stream.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, other) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = other;
            }
            pieces.push(rest);
            prop_assert_eq!(parse(&pieces), whole);
        }
    }
}
