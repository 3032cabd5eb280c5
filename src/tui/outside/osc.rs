//! Messages to the terminal beside the picture: its clipboard, its notices, and the wrapping in which tmux and
//! GNU screen pass them on. Bytes only; must not know where they go.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

use super::surroundings::Multiplexer;
use crate::model::text;

/// The most text that is sent, in bytes. Terminals take less or more than this and say nothing; one that takes less
/// throws all of it away.
pub const LARGEST: usize = 100_000;
/// The most that GNU screen passes on in one piece, in bytes, with room for its own marks.
const PIECE: usize = 240;
/// Longest title and body of a notice, in characters.
const TITLE: usize = 80;
const BODY: usize = 200;
/// The bell, which also ends a message.
const BELL: u8 = 0x07;

/// How a terminal is told of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// One text: iTerm2's way, which kitty reads too.
    One,
    /// Title and body: urxvt's way, which many read.
    Two,
}

/// Puts `text` into the terminal's clipboard. An empty one empties it.
#[must_use]
pub fn copy(text: &str) -> Zeroizing<Vec<u8>> {
    // As long as it will be from the start: a vector that grows leaves copies behind.
    let mut message = String::with_capacity(text.len() / 3 * 4 + 16);
    message.push_str("\x1b]52;c;");
    STANDARD.encode_string(text, &mut message);
    message.push(char::from(BELL));
    Zeroizing::new(message.into_bytes())
}

/// A notice. What it says is one harmless line each; a `;` would begin the next part.
#[must_use]
pub fn notice(way: Notice, title: &str, body: &str) -> Vec<u8> {
    let (title, body) = (text::short(title, TITLE), text::short(body, BODY));
    let message = match way {
        // A number in front would be one of another program's commands.
        Notice::One => format!("\x1b]9;tenantry: {title} {body}\x07"),
        Notice::Two => format!("\x1b]777;notify;{};{}\x07", title.replace(';', ","), body.replace(';', ",")),
    };
    message.into_bytes()
}

/// The bell: the terminal, or tmux, marks the window.
#[must_use]
pub fn bell() -> Vec<u8> {
    vec![BELL]
}

/// `message`, so that the terminal around `multiplexer` gets it.
#[must_use]
pub fn through(multiplexer: Multiplexer, message: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(message.len() + message.len() / PIECE * 4 + 64));
    match multiplexer {
        Multiplexer::None => out.extend_from_slice(message),
        Multiplexer::Tmux => {
            out.extend_from_slice(b"\x1bPtmux;");
            for byte in message {
                // An escape inside is written twice.
                if *byte == 0x1b {
                    out.push(0x1b);
                }
                out.push(*byte);
            }
            out.extend_from_slice(b"\x1b\\");
        }
        Multiplexer::Screen => {
            for piece in message.chunks(PIECE) {
                out.extend_from_slice(b"\x1bP");
                out.extend_from_slice(piece);
                out.extend_from_slice(b"\x1b\\");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_copy_is_one_sequence_and_an_empty_one_clears() {
        assert_eq!(copy("grün\n").as_slice(), b"\x1b]52;c;Z3LDvG4K\x07");
        assert_eq!(copy("").as_slice(), b"\x1b]52;c;\x07");
    }

    #[test]
    fn notices_speak_the_terminals_way() {
        assert_eq!(notice(Notice::One, "4;Deployed", "in 3 s"), b"\x1b]9;tenantry: 4;Deployed in 3 s\x07");
        assert_eq!(notice(Notice::Two, "a;b", "c;d"), b"\x1b]777;notify;a,b;c,d\x07");
    }

    #[test]
    fn tmux_gets_every_escape_twice() {
        assert_eq!(through(Multiplexer::Tmux, b"\x1b]9;x\x07").as_slice(), b"\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\");
        assert_eq!(through(Multiplexer::None, b"\x1b]9;x\x07").as_slice(), b"\x1b]9;x\x07");
    }

    /// What the terminal around the multiplexer gets.
    fn unwrapped(multiplexer: Multiplexer, wrapped: &[u8]) -> Vec<u8> {
        let begin: &[u8] = if multiplexer == Multiplexer::Tmux { b"\x1bPtmux;" } else { b"\x1bP" };
        let mut out = Vec::new();
        let mut rest = wrapped;
        while let Some(inner) = rest.strip_prefix(begin) {
            let mut at = 0;
            loop {
                match inner[at] {
                    0x1b if inner[at + 1] == b'\\' => break,
                    0x1b if multiplexer == Multiplexer::Tmux => {
                        assert_eq!(inner[at + 1], 0x1b, "an escape that is not doubled");
                        out.push(0x1b);
                        at += 2;
                    }
                    byte => {
                        out.push(byte);
                        at += 1;
                    }
                }
            }
            assert!(at <= PIECE || multiplexer == Multiplexer::Tmux);
            rest = &inner[at + 2..];
        }
        assert!(rest.is_empty());
        out
    }

    proptest! {
        #[test]
        fn whatever_is_wrapped_comes_out_again(text in any::<String>(), title in any::<String>()) {
            for message in [copy(&text).to_vec(), notice(Notice::Two, &title, &text), notice(Notice::One, &title, &text)] {
                for multiplexer in [Multiplexer::Tmux, Multiplexer::Screen] {
                    prop_assert_eq!(&unwrapped(multiplexer, &through(multiplexer, &message)), &message);
                }
            }
        }

        #[test]
        fn nothing_ends_a_notice_early(title in any::<String>(), body in any::<String>()) {
            for way in [Notice::One, Notice::Two] {
                let message = notice(way, &title, &body);
                let ends = message.iter().filter(|byte| **byte == BELL || **byte == 0x1b).count();
                prop_assert_eq!(ends, 2);
                prop_assert_eq!(message.last(), Some(&BELL));
            }
        }
    }
}
