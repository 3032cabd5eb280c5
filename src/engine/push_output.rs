//! What the engine says during a push, read as data: one JSON object a line, cut anywhere by the connection.
//!
//! Must not know the connection.

use serde::Deserialize;

use crate::model::progress::{LayerProgress, LayerState};
use crate::model::{Digest, text};

/// Longest line accepted, in bytes; a longer one is skipped.
const LONGEST_LINE: usize = 1024 * 1024;

/// Something that the engine said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PushEvent {
    /// A layer moved on.
    Layer(LayerProgress),
    /// What the registry holds now.
    Digest(Digest),
    /// The push failed, in the engine's words.
    Failed(String),
}

/// Reads a push's output.
#[derive(Debug, Default)]
pub(super) struct PushOutput {
    pending: Vec<u8>,
    is_skipping: bool,
}

#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    status: Option<String>,
    #[serde(rename = "progressDetail")]
    progress: Option<ProgressDetail>,
    aux: Option<Aux>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    error_detail: Option<ErrorDetail>,
}

#[derive(Deserialize)]
struct ProgressDetail {
    current: Option<i64>,
    total: Option<i64>,
}

#[derive(Deserialize)]
struct Aux {
    #[serde(rename = "Digest")]
    digest: Option<String>,
}

#[derive(Deserialize)]
struct ErrorDetail {
    message: Option<String>,
}

impl PushOutput {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<PushEvent> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if !self.is_skipping {
                self.pending.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                events.extend(self.end_line());
            } else if self.pending.len() >= LONGEST_LINE {
                tracing::warn!("a line of the push's output was too long");
                self.pending = Vec::new();
                self.is_skipping = true;
            }
        }
        events
    }

    /// The last line, when the stream ended without a line end.
    pub(super) fn finish(&mut self) -> Option<PushEvent> {
        self.end_line()
    }

    fn end_line(&mut self) -> Option<PushEvent> {
        let bytes = std::mem::take(&mut self.pending);
        if std::mem::take(&mut self.is_skipping) || bytes.trim_ascii().is_empty() {
            return None;
        }
        match serde_json::from_slice::<Line>(&bytes) {
            Ok(line) => line.event(),
            Err(error) => {
                tracing::debug!(%error, "a line of the push's output was not understood");
                None
            }
        }
    }
}

impl Line {
    fn event(self) -> Option<PushEvent> {
        let detail = self.error_detail.and_then(|detail| detail.message);
        if let Some(message) = detail.or(self.error) {
            return Some(PushEvent::Failed(text::short(&message, 1000)));
        }
        if let Some(digest) = self.aux.and_then(|aux| aux.digest) {
            return Digest::new(&digest).ok().map(PushEvent::Digest);
        }
        let status = self.status?;
        let Some(id) = self.id.filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit())) else {
            return digest_in(&status).map(PushEvent::Digest);
        };
        let state = match status.as_str() {
            "Preparing" | "Waiting" => LayerState::Waiting,
            "Pushing" => {
                let bytes = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
                let (current, total) = self.progress.map_or((None, None), |detail| (detail.current, detail.total));
                LayerState::Pushing { current: bytes(current), total: bytes(total) }
            }
            "Pushed" => LayerState::Pushed,
            "Layer already exists" => LayerState::AlreadyThere,
            mounted if mounted.starts_with("Mounted from") => LayerState::AlreadyThere,
            _ => return None,
        };
        Some(PushEvent::Layer(LayerProgress { id, state }))
    }
}

/// The digest in `latest: digest: sha256:... size: 528`, for engines that give it nowhere else.
fn digest_in(status: &str) -> Option<Digest> {
    let (_, rest) = status.split_once("digest: ")?;
    Digest::new(rest.split_whitespace().next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORDED: &str = concat!(
        "{\"status\":\"The push refers to repository [127.0.0.1:5000/app]\"}\r\n",
        "{\"status\":\"Preparing\",\"progressDetail\":{},\"id\":\"5f70bf18a086\"}\r\n",
        "{\"status\":\"Waiting\",\"progressDetail\":{},\"id\":\"5f70bf18a086\"}\r\n",
        "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":512,\"total\":1024},\"progress\":\"[=> ]\",\"id\":\"5f70bf18a086\"}\r\n",
        "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":2048},\"id\":\"5f70bf18a086\",\"new\":{\"field\":[1]}}\r\n",
        "{\"status\":\"Retrying in 5 seconds\",\"progressDetail\":{},\"id\":\"5f70bf18a086\"}\r\n",
        "{\"status\":\"Pushed\",\"progressDetail\":{},\"id\":\"5f70bf18a086\"}\r\n",
        "{\"status\":\"Layer already exists\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}\r\n",
        "{\"status\":\"Mounted from other/app\",\"progressDetail\":{},\"id\":\"bbbbbbbbbbbb\"}\r\n",
        "\r\nnot json\r\n",
        "{\"status\":\"t: digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef size: 528\"}\r\n",
        "{\"progressDetail\":{},\"aux\":{\"Tag\":\"t\",\"Digest\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"Size\":528}}\r\n",
    );

    fn layer(id: &str, state: LayerState) -> PushEvent {
        PushEvent::Layer(LayerProgress { id: id.into(), state })
    }

    fn expected() -> Vec<PushEvent> {
        let digest = Digest::new("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").unwrap();
        vec![
            layer("5f70bf18a086", LayerState::Waiting),
            layer("5f70bf18a086", LayerState::Waiting),
            layer("5f70bf18a086", LayerState::Pushing { current: 512, total: 1024 }),
            layer("5f70bf18a086", LayerState::Pushing { current: 2048, total: 0 }),
            layer("5f70bf18a086", LayerState::Pushed),
            layer("aaaaaaaaaaaa", LayerState::AlreadyThere),
            layer("bbbbbbbbbbbb", LayerState::AlreadyThere),
            PushEvent::Digest(digest.clone()),
            PushEvent::Digest(digest),
        ]
    }

    #[test]
    fn a_recorded_push_is_read_as_data() {
        assert_eq!(PushOutput::default().feed(RECORDED.as_bytes()), expected());
    }

    #[test]
    fn an_error_is_harmless_text() {
        let line = r#"{"errorDetail":{"message":"denied\u001b[2J"},"error":"denied"}"#;
        let mut output = PushOutput::default();
        assert!(output.feed(line.as_bytes()).is_empty());
        assert_eq!(output.finish(), Some(PushEvent::Failed("denied".into())));
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever_and_the_next_one_counts() {
        let mut output = PushOutput::default();
        for _ in 0..256 {
            assert!(output.feed(&[b'x'; 16 * 1024]).is_empty());
            assert!(output.pending.len() <= LONGEST_LINE);
        }
        assert!(output.feed(b"x\n").is_empty());
        assert_eq!(output.feed(RECORDED.as_bytes()), expected());
    }

    proptest! {
        #[test]
        fn where_the_connection_cuts_does_not_matter(size in 1_usize..200) {
            let mut output = PushOutput::default();
            let events: Vec<_> = RECORDED.as_bytes().chunks(size).flat_map(|piece| output.feed(piece)).collect();
            prop_assert_eq!(events, expected());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let mut output = PushOutput::default();
            output.feed(&bytes);
            output.finish();
        }
    }
}
