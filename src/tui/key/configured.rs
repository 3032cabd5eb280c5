//! The keys that the user set, read: each with its command and its place in the file. Whether there is such a command, and
//! which keys clash, the key map knows.

use super::Chord;
use crate::settings::{KeyBinding, Mistake};

/// Keys for a command, instead of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The command's id as it is written.
    pub command: String,
    /// Its keys; none takes it off the keyboard.
    pub chords: Vec<Chord>,
    /// The line in the file; [`Config::line`](crate::settings::Config::line) names it in a sentence.
    pub line: usize,
}

/// Reads them. A command with a mistake keeps its own keys.
#[must_use]
pub fn read(bindings: &[KeyBinding]) -> (Vec<Bound>, Vec<Mistake>) {
    let (mut bound, mut mistakes) = (Vec::new(), Vec::new());
    for KeyBinding { command, keys, line } in bindings {
        let key = |what: String| Mistake::new(*line, &format!("keys.{command}"), what);
        let mut chords: Vec<Chord> = Vec::with_capacity(keys.len());
        let before = mistakes.len();
        for written in keys {
            match written.parse::<Chord>() {
                Ok(chord) if !chords.contains(&chord) => chords.push(chord),
                Ok(chord) => mistakes.push(key(format!("{chord} is written twice"))),
                Err(error) => mistakes.push(key(error.to_string())),
            }
        }
        if mistakes.len() == before {
            bound.push(Bound { command: command.clone(), chords, line: *line });
        }
    }
    (bound, mistakes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;
    use crate::tui::key::Key;

    #[test]
    fn what_can_be_read_is_bound_and_the_rest_is_told_with_its_line() {
        let text = "[keys]\ndeploy = \"D\"\nlogs.search = [\"/\", \"ctrl-f\"]\nquit = []\nhelp = [\"hyper-h\", \"?\", \"?\"]\n\
                    logs.wrap = \"ctrl-m\"\n";
        let (config, mistakes) = parse(text);
        assert_eq!(mistakes, []);
        let (bound, mistakes) = read(&config.keys);
        let one = |command: &str, chords: Vec<Chord>, line| Bound { command: command.to_owned(), chords, line };
        assert_eq!(
            bound,
            [
                one("deploy", vec![Chord::one(Key::Char('D'))], 2),
                one("logs.search", vec![Chord::one(Key::Char('/')), Chord::one(Key::Ctrl('f'))], 3),
                one("quit", Vec::new(), 4),
            ]
        );
        let told: Vec<_> = mistakes.iter().map(Mistake::to_string).collect();
        assert!(told[0].starts_with("line 5: keys.help: \"hyper-h\" is no key"), "{told:?}");
        assert_eq!(told[1], "line 5: keys.help: ? is written twice");
        assert!(told[2].starts_with("line 6: keys.logs.wrap: a terminal has no ctrl-m"), "{told:?}");
        assert_eq!(config.line(bound[1].line), "config.toml line 3");
    }
}
