//! How a deploy is told: what the screen, the command line and the headless demo have in common. Stands outside of the
//! rooms, like `logging`, because the three that tell may not know each other.
//!
//! Knows `model` alone. Must not know ratatui, clap, a terminal, or a clock: whoever asks says what time it is and how
//! much room there is.

mod build;
pub mod charset;
pub mod deploy;
mod ended;
pub mod format;
pub mod lines;
pub mod local;
mod push;
pub mod row;
mod run;
#[cfg(test)]
pub mod samples;

pub use row::{Row, Tone};
pub use run::{Before, Run};
