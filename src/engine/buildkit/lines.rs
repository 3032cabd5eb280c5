//! Output that comes in pieces, as harmless lines. Must not know whose output it is.

use crate::model::text;

/// Longest line kept, in bytes; what comes beyond is cut into lines of this length.
const LONGEST: usize = 8 * 1024;

/// The line that is not over yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes the next piece and returns the lines that it ended.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in piece {
            if matches!(byte, b'\n' | b'\r') || self.pending.len() >= LONGEST {
                lines.extend(self.finish());
            }
            if !matches!(byte, b'\n' | b'\r') {
                self.pending.push(*byte);
            }
        }
        lines
    }

    /// The last line, when the output ended without a line end.
    pub(super) fn finish(&mut self) -> Option<String> {
        let raw = std::mem::take(&mut self.pending);
        let line = text::line(&String::from_utf8_lossy(&raw)).trim_end().to_owned();
        (!line.is_empty()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let mut lines = Lines::default();
        assert!(lines.feed(&vec![b'x'; 5 * LONGEST]).len() >= 4);
        assert!(lines.pending.len() <= LONGEST);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cuts in prop::collection::vec(0_usize..40, 0..8)) {
            let whole = "one\r\n\u{1b}[31mtwö\u{1b}[0m\n\n  three\rlast".as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < whole.len()).collect();
            cuts.sort_unstable();
            cuts.push(whole.len());
            let (mut lines, mut from, mut all) = (Lines::default(), 0, Vec::new());
            for cut in cuts {
                all.extend(lines.feed(&whole[from..cut]));
                from = cut;
            }
            all.extend(lines.finish());
            prop_assert_eq!(all, ["one", "twö", "  three", "last"]);
        }
    }
}
