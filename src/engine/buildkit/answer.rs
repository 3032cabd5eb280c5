//! What the engine answers to a build, read as data: one JSON object a line, cut anywhere by the connection, most of
//! them with a piece of BuildKit's trace inside.
//!
//! Must not know what the trace means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard_buildkit_proto::moby::buildkit::v1::StatusResponse;
use prost::Message;
use serde::Deserialize;

use crate::model::text;

/// Longest line accepted, in bytes; a longer one is skipped. A step's output comes in pieces of far less.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

const TRACE: &str = "moby.buildkit.trace";
const IMAGE: &str = "moby.image.id";

/// Something that the engine said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// The build moved on.
    Trace(StatusResponse),
    /// The id of the image that was built.
    Image(String),
    /// The build failed, in the engine's words, harmless.
    Failed(String),
}

/// Reads the answer.
#[derive(Debug, Default)]
pub(super) struct AnswerReader {
    pending: Vec<u8>,
    is_skipping: bool,
}

#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    aux: Option<Aux>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    error_detail: Option<ErrorDetail>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Aux {
    Encoded(String),
    Image {
        #[serde(rename = "ID")]
        id: String,
    },
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct ErrorDetail {
    message: Option<String>,
}

impl AnswerReader {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if !self.is_skipping {
                self.pending.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                said.extend(self.finish());
            } else if self.pending.len() >= LONGEST_LINE {
                tracing::warn!("a line of the build's answer was too long");
                self.pending = Vec::new();
                self.is_skipping = true;
            }
        }
        said
    }

    /// The last line, when the answer ended without a line end.
    pub(super) fn finish(&mut self) -> Option<Said> {
        let bytes = std::mem::take(&mut self.pending);
        if std::mem::take(&mut self.is_skipping) || bytes.trim_ascii().is_empty() {
            return None;
        }
        let said = serde_json::from_slice::<Line>(&bytes).ok().and_then(Line::said);
        if said.is_none() {
            tracing::debug!("a line of the build's answer was not understood");
        }
        said
    }
}

impl Line {
    fn said(self) -> Option<Said> {
        let detail = self.error_detail.and_then(|detail| detail.message);
        if let Some(message) = detail.or(self.error) {
            return Some(Said::Failed(text::short(&message, 4000)));
        }
        match (self.id.as_deref(), self.aux?) {
            (Some(TRACE), Aux::Encoded(encoded)) => {
                let bytes = STANDARD.decode(encoded).ok()?;
                StatusResponse::decode(bytes.as_slice()).ok().map(Said::Trace)
            }
            (Some(IMAGE), Aux::Image { id }) => Some(Said::Image(text::short(&id, 200))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard_buildkit_proto::moby::buildkit::v1::Vertex;
    use proptest::prelude::*;

    fn trace() -> StatusResponse {
        let vertex = Vertex { digest: "sha256:1".into(), name: "[1/2] COPY ä /".into(), ..Vertex::default() };
        StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() }
    }

    fn body() -> String {
        let encoded = STANDARD.encode(trace().encode_to_vec());
        [
            &format!(r#"{{"id":"moby.buildkit.trace","aux":"{encoded}"}}"#),
            r#"{"id":"moby.buildkit.trace","aux":"???"}"#,
            r#"{"id":"something.new","aux":{"x":[1]}}"#,
            r#"{"stream":"words"}"#,
            "no json",
            "",
            r#"{"id":"moby.image.id","aux":{"ID":"sha256:ab"}}"#,
            r#"{"errorDetail":{"message":"f\u001b[2Jailed"},"error":"failed"}"#,
        ]
        .join("\r\n")
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cuts in prop::collection::vec(0_usize..600, 0..12)) {
            let whole = body();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < whole.len()).collect();
            cuts.sort_unstable();
            cuts.push(whole.len());
            let (mut reader, mut from, mut said) = (AnswerReader::default(), 0, Vec::new());
            for cut in cuts {
                said.extend(reader.feed(&whole.as_bytes()[from..cut]));
                from = cut;
            }
            said.extend(reader.finish());
            prop_assert_eq!(said, [Said::Trace(trace()), Said::Image("sha256:ab".into()), Said::Failed("failed".into())]);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = AnswerReader::default();
            reader.feed(&bytes);
            reader.finish();
        }
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let mut reader = AnswerReader::default();
        for _ in 0..40 {
            reader.feed(&vec![b'x'; 1024 * 1024]);
            assert!(reader.pending.len() <= LONGEST_LINE);
        }
        assert_eq!(reader.feed(b"\n{\"error\":\"e\"}\n"), [Said::Failed("e".into())]);
    }
}
