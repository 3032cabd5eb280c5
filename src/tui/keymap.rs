//! Which key does what: the table's defaults with the person's own keys laid over them. Keys may come in a row (`g g`); a
//! key that means two things in the same place is refused, with both places named. Must not know what commands do.

use std::collections::BTreeMap;

use super::commands::{Command, Scope, table};
use super::key::{Chord, Key, configured};
use crate::settings::Config;

/// A chord and what it does.
#[derive(Debug, Clone)]
struct Binding {
    chord: Chord,
    command: &'static Command,
    /// Where it is written, for a refusal.
    place: String,
}

/// What the keys pressed so far mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This command.
    Command(&'static Command),
    /// The beginning of a row of keys.
    Begun,
    /// Nothing.
    Nothing,
}

/// The keys of every command.
#[derive(Debug, Clone)]
pub struct Keymap {
    scopes: BTreeMap<Scope, Vec<Binding>>,
}

/// The person's keys of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The command's id.
    pub command: String,
    /// Its keys; none takes it off the keyboard.
    pub chords: Vec<Chord>,
    /// Where it is written: `config.toml line 12`.
    pub place: String,
}

/// The keys that the configuration sets, and a sentence for everything in them that cannot be read.
#[must_use]
pub fn own_keys(config: &Config) -> (Vec<Own>, Vec<String>) {
    let (bound, mistakes) = configured::read(&config.keys);
    let place = |line: usize| config.line(line);
    let own = bound.into_iter().map(|key| Own { command: key.command, chords: key.chords, place: place(key.line) });
    let told =
        mistakes.into_iter().map(|mistake| format!("{}: {}: {}.", place(mistake.line), mistake.key, mistake.what));
    (own.collect(), told.collect())
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&[]).0
    }
}

impl Keymap {
    /// The table with `own` laid over it, and a sentence for everything of `own` that cannot be: a command that does not
    /// exist, a key that means two things. What is refused keeps its default.
    #[must_use]
    pub fn new(own: &[Own]) -> (Self, Vec<String>) {
        let mut refused = Vec::new();
        let mut taken: BTreeMap<&str, &Own> = BTreeMap::new();
        for entry in own {
            if !table().any(|command| command.id == entry.command) {
                refused.push(format!("{}: there is no command {:?}.", entry.place, entry.command));
            } else if let Some(first) = taken.insert(&entry.command, entry) {
                refused.push(format!("{} and {} are both about {}.", first.place, entry.place, entry.command));
            }
        }
        let map = Self::lay(&taken);
        // The defaults alone do not clash: a test looks, so that no start has to.
        let clashes = if taken.is_empty() { Vec::new() } else { map.clashes() };
        if clashes.is_empty() {
            return (map, refused);
        }
        refused.extend(clashes.iter().map(|clash| clash.sentence.clone()));
        for clash in clashes {
            for id in clash.commands {
                taken.remove(id);
            }
        }
        let map = Self::lay(&taken);
        // What is left can still clash where a default came back; then the defaults are the safe answer.
        let map = if map.clashes().is_empty() { map } else { Self::lay(&BTreeMap::new()) };
        (map, refused)
    }

    fn lay(own: &BTreeMap<&str, &Own>) -> Self {
        let mut scopes: BTreeMap<Scope, Vec<Binding>> = BTreeMap::new();
        for command in table() {
            let bindings = scopes.entry(command.scope).or_default();
            if let Some(own) = own.get(command.id) {
                let place = own.place.clone();
                bindings.extend(own.chords.iter().map(|chord| Binding {
                    chord: *chord,
                    command,
                    place: place.clone(),
                }));
            } else {
                let default = || format!("the default of {}", command.id);
                let chords = command.keys.iter().filter_map(|keys| keys.parse().ok());
                bindings.extend(chords.map(|chord| Binding { chord, command, place: default() }));
            }
        }
        Self { scopes }
    }

    /// What `keys` mean where these scopes are read, the strongest first.
    #[must_use]
    pub fn find(&self, scopes: &[Scope], keys: &[Key]) -> Found {
        for scope in scopes {
            let mut begun = false;
            for binding in self.scopes.get(scope).into_iter().flatten() {
                if binding.chord.keys() == keys {
                    return Found::Command(binding.command);
                }
                begun |= binding.chord.keys().starts_with(keys);
            }
            if begun {
                return Found::Begun;
            }
        }
        Found::Nothing
    }

    /// How the rows of keys that begin with `keys` may go on.
    #[must_use]
    pub fn after(&self, scopes: &[Scope], keys: &[Key]) -> Vec<(Vec<Key>, &'static Command)> {
        let mut ways: Vec<(Vec<Key>, &'static Command)> = Vec::new();
        for binding in scopes.iter().filter_map(|scope| self.scopes.get(scope)).flatten() {
            if let Some(rest) = binding.chord.keys().strip_prefix(keys)
                && !rest.is_empty()
                && !ways.iter().any(|(known, _)| known == rest)
            {
                ways.push((rest.to_vec(), binding.command));
            }
        }
        ways
    }

    /// The keys of a command, as they are shown.
    #[must_use]
    pub fn all_of(&self, command: &Command) -> Vec<String> {
        let bindings = self.scopes.get(&command.scope).into_iter().flatten();
        bindings.filter(|binding| binding.command == command).map(|binding| binding.chord.shown()).collect()
    }

    /// True where the first key of a command does it while these scopes are read: no stronger scope has taken it.
    #[must_use]
    pub fn reaches(&self, scopes: &[Scope], command: &Command) -> bool {
        let mut bindings = self.scopes.get(&command.scope).into_iter().flatten();
        let first = bindings.find(|binding| binding.command == command);
        first.is_some_and(|first| self.find(scopes, first.chord.keys()) == Found::Command(first.command))
    }

    /// The first key of a command, as it is shown; `None` where it has none.
    #[must_use]
    pub fn shown(&self, id: &str) -> Option<String> {
        let command = table().find(|command| command.id == id)?;
        self.all_of(command).into_iter().next()
    }

    fn clashes(&self) -> Vec<Clash> {
        let all: Vec<(&Scope, &Binding)> = self
            .scopes
            .iter()
            .flat_map(|(scope, bindings)| bindings.iter().map(move |binding| (scope, binding)))
            .collect();
        let mut clashes = Vec::new();
        for (index, (scope, one)) in all.iter().enumerate() {
            for (other_scope, other) in &all[index + 1..] {
                let (a, b) = (one.chord.keys(), other.chord.keys());
                if one.command.id != other.command.id
                    && scope.meets(**other_scope)
                    && (a.starts_with(b) || b.starts_with(a))
                {
                    clashes.push(Clash {
                        commands: [one.command.id, other.command.id],
                        sentence: format!(
                            "{} means {} ({}) and {} ({}) at the same time.",
                            one.chord, one.command.id, one.place, other.command.id, other.place
                        ),
                    });
                }
            }
        }
        clashes
    }
}

struct Clash {
    commands: [&'static str; 2],
    sentence: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(command: &str, keys: &[&str], line: u32) -> Own {
        let chords = keys.iter().map(|keys| keys.parse().unwrap()).collect();
        Own { command: command.to_owned(), chords, place: format!("config.toml line {line}") }
    }

    #[test]
    fn every_default_can_be_read_and_none_means_two_things() {
        for command in table() {
            for keys in command.keys {
                let chord: Chord = keys.parse().unwrap_or_else(|error| panic!("{command:?}: {keys}: {error}"));
                let reserved = chord.keys().iter().find_map(|key| key.reserved());
                assert!(
                    reserved.is_none() || ["leave", "suspend"].contains(&command.id),
                    "{command:?}: {keys}: {reserved:?}"
                );
            }
        }
        let clashes: Vec<_> = Keymap::default().clashes().into_iter().map(|clash| clash.sentence).collect();
        assert_eq!(clashes, [] as [String; 0]);
    }

    #[test]
    fn a_persons_key_replaces_the_default() {
        let (map, refused) = Keymap::new(&[own("deploy", &["f9", "ctrl-y"], 3)]);
        assert_eq!(refused, [] as [String; 0]);
        assert!(matches!(map.find(&[Scope::Main], &[Key::F(9)]), Found::Command(command) if command.id == "deploy"));
        assert_eq!(map.find(&[Scope::Main], &[Key::Char('d')]), Found::Nothing);
        assert_eq!(map.shown("deploy").as_deref(), Some("F9"));
        let (map, _) = Keymap::new(&[own("deploy", &[], 3)]);
        assert_eq!(map.shown("deploy"), None);
    }

    #[test]
    fn a_clash_is_refused_with_both_places() {
        let (map, refused) = Keymap::new(&[own("deploy", &["?"], 3)]);
        assert_eq!(refused.len(), 1);
        assert!(refused[0].contains("config.toml line 3") && refused[0].contains("the default of help"), "{refused:?}");
        assert_eq!(map.shown("deploy").as_deref(), Some("d"), "what is refused keeps its default");
        let (_, refused) = Keymap::new(&[own("deploy", &["f9"], 3), own("open", &["f9 x"], 7)]);
        assert!(
            refused[0].contains("line 3") && refused[0].contains("line 7"),
            "the first of a row is one too: {refused:?}"
        );
        let (_, refused) = Keymap::new(&[own("fly", &["x"], 1)]);
        assert!(refused[0].contains("no command \"fly\""), "{refused:?}");
    }

    #[test]
    fn a_row_of_keys_is_known_from_its_first() {
        let map = Keymap::default();
        let scopes = [Scope::Main];
        assert_eq!(map.find(&scopes, &[Key::Char('g')]), Found::Begun);
        assert!(map.after(&scopes, &[Key::Char('g')]).len() > 3);
        assert!(matches!(map.find(&scopes, &[Key::Char('g'), Key::Char('g')]), Found::Command(_)));
        assert_eq!(map.find(&scopes, &[Key::Char('g'), Key::Enter]), Found::Nothing);
    }
}
