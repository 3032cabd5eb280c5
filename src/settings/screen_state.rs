//! What the program remembers of the screen between two starts: its own file in the state directory, never the user's
//! configuration. Nothing in it is needed, and nothing is a secret.
//!
//! Of two programs that write at once the last one wins. A file of a newer version is read as far as it can be, and never
//! overwritten.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::model::{TenantId, text};
use crate::workspace::{StateDirectory, WorkspaceError, aside, atomic, reading};

/// The version that this program writes.
const VERSION: u32 = 1;
/// Where, below the state directory.
const FOLDER: &str = "screen";
const FILE: &str = "state.json";
/// The most recent commands that are kept.
const COMMANDS: usize = 20;
/// The most contexts that are kept.
const CONTEXTS: usize = 50;
/// The most entries of everything else that is a list.
const ENTRIES: usize = 100;
/// The longest path of a folder, bytes.
const FOLDERS: usize = 1000;
/// The longest name of anything, characters.
const NAME: usize = 100;

/// See the module. Every field may be missing in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScreenState {
    version: u32,
    /// The context that was open last.
    pub last_context: Option<String>,
    /// Ids of commands that were run by name, the newest first, at most 20.
    pub recent_commands: Vec<String>,
    /// Where the screen is divided: by name, in thousandths, 50 to 950.
    pub splits: BTreeMap<String, u16>,
    /// Panes and columns that were put away.
    pub hidden: BTreeSet<String>,
    /// Panes and columns that were brought in and are not there by themselves.
    pub shown: BTreeSet<String>,
    /// Folders without a project in which somebody chose to look around, at most 100.
    pub looked_around: BTreeSet<String>,
    /// What belongs to one context each, the one that was used last first, at most 50.
    pub contexts: Vec<ContextState>,
}

impl Default for ScreenState {
    fn default() -> Self {
        Self {
            version: VERSION,
            last_context: None,
            recent_commands: Vec::new(),
            splits: BTreeMap::new(),
            hidden: BTreeSet::new(),
            shown: BTreeSet::new(),
            looked_around: BTreeSet::new(),
            contexts: Vec::new(),
        }
    }
}

/// What is remembered of a context.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContextState {
    /// Its name.
    pub name: String,
    /// The tenant that was selected.
    pub selected: Option<TenantId>,
    /// How its tenants are sorted.
    pub sort: Option<Sort>,
}

/// An order of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sort {
    /// The id of the column.
    pub column: String,
    /// True where the largest comes first.
    pub descending: bool,
}

impl ScreenState {
    /// What is remembered. A file that cannot be understood is put aside as `.bak`, and one that cannot be read is as good as
    /// none: the program must open. Blocks on the disk.
    #[must_use]
    pub fn load(state: &StateDirectory) -> Self {
        let path = path(state);
        let bytes = match reading::small_file(&path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Self::default(),
            Err(error) => {
                tracing::warn!(%error, "the screen begins anew");
                return Self::default();
            }
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(read) => read.bounded(),
            Err(error) => {
                tracing::warn!(path = %path.display(), line = error.line(), "the screen begins anew, its state is damaged");
                if let Err(error) = aside::put(&path) {
                    tracing::warn!(%error, "the damaged state stays where it is");
                }
                Self::default()
            }
        }
    }

    /// Writes it, for its owner alone. Does nothing where a newer version of the program wrote the file. Blocks on the disk.
    pub fn save(&self, state: &StateDirectory) -> Result<(), WorkspaceError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let present = reading::small_file(&path(state))?.unwrap_or_default();
        if serde_json::from_slice::<Version>(&present).is_ok_and(|present| present.version > VERSION) {
            return Ok(());
        }
        let folder = state.folder(FOLDER)?;
        let path = folder.join(FILE);
        let failed = |error: serde_json::Error| WorkspaceError::Write { path: path.clone(), cause: error.into() };
        let content = Self { version: VERSION, ..self.clone().bounded() };
        let mut json = serde_json::to_vec_pretty(&content).map_err(failed)?;
        json.push(b'\n');
        atomic::write(&path, &json, 0o600)
    }

    /// What is remembered of a context.
    #[must_use]
    pub fn context(&self, name: &str) -> Option<&ContextState> {
        self.contexts.iter().find(|context| context.name == name)
    }

    /// The same to be changed, made where it is missing; it is now the one that was used last.
    pub fn context_mut(&mut self, name: &str) -> &mut ContextState {
        let place = self.contexts.iter().position(|context| context.name == name);
        let found = place.map(|place| self.contexts.remove(place));
        let fresh = || ContextState { name: text::short(name, NAME), ..ContextState::default() };
        self.contexts.insert(0, found.unwrap_or_else(fresh));
        self.contexts.truncate(CONTEXTS);
        &mut self.contexts[0]
    }

    /// A command was run by name.
    pub fn ran(&mut self, command: &str) {
        self.recent_commands.retain(|known| known != command);
        self.recent_commands.insert(0, text::short(command, NAME));
        self.recent_commands.truncate(COMMANDS);
    }

    /// Within its bounds, and harmless: anybody may have edited the file.
    fn bounded(mut self) -> Self {
        let clean = |name: &String| !name.is_empty() && name.chars().count() <= NAME && text::line(name) == *name;
        self.last_context = self.last_context.filter(clean);
        self.recent_commands.retain(clean);
        self.recent_commands.truncate(COMMANDS);
        self.splits.retain(|name, _| clean(name));
        while self.splits.len() > ENTRIES {
            self.splits.pop_last();
        }
        for share in self.splits.values_mut() {
            *share = (*share).clamp(50, 950);
        }
        for names in [&mut self.hidden, &mut self.shown] {
            names.retain(clean);
            while names.len() > ENTRIES {
                names.pop_last();
            }
        }
        self.looked_around.retain(|folder| folder.len() <= FOLDERS && text::line(folder) == *folder);
        while self.looked_around.len() > ENTRIES {
            self.looked_around.pop_last();
        }
        self.contexts.retain(|context| clean(&context.name));
        self.contexts.truncate(CONTEXTS);
        for context in &mut self.contexts {
            context.sort = context.sort.take().filter(|sort| clean(&sort.column));
        }
        self
    }
}

fn path(state: &StateDirectory) -> PathBuf {
    state.path().join(FOLDER).join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn directory() -> (tempfile::TempDir, StateDirectory) {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateDirectory::at(folder.path().join("state"));
        (folder, state)
    }

    fn written(state: &StateDirectory, content: &str) {
        let folder = state.folder(FOLDER).expect("a folder");
        std::fs::write(folder.join(FILE), content).expect("written");
    }

    fn some() -> ScreenState {
        let mut some = ScreenState { last_context: Some("production".into()), ..ScreenState::default() };
        some.context_mut("production").selected = TenantId::new("t1").ok();
        some.context_mut("sandbox").sort = Some(Sort { column: "name".into(), descending: true });
        some.ran("deploy");
        some.splits.insert("tenants".into(), 420);
        some.hidden.insert("region".into());
        some
    }

    #[test]
    fn what_was_saved_is_found_again_by_its_owner_alone() {
        let (_folder, state) = directory();
        assert_eq!(ScreenState::load(&state), ScreenState::default());
        some().save(&state).expect("saved");
        assert_eq!(ScreenState::load(&state), some());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path(&state)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_is_put_aside() {
        let (_folder, state) = directory();
        let all = ["{\"version\": 1, \"last_con", "7", "{\"splits\": 7}", "\u{0}"];
        for (damaged, aside) in all.into_iter().zip(["bak", "bak.2", "bak.3", "bak.4"]) {
            written(&state, damaged);
            assert_eq!(ScreenState::load(&state), ScreenState::default(), "{damaged}");
            assert!(!path(&state).exists());
            let aside = path(&state).with_extension(format!("json.{aside}"));
            assert_eq!(std::fs::read_to_string(aside).ok().as_deref(), Some(damaged));
        }
        some().save(&state).expect("saved");
        assert_eq!(ScreenState::load(&state), some());
    }

    #[test]
    fn what_a_newer_program_wrote_is_read_and_stays() {
        let (_folder, state) = directory();
        let newer = r#"{"version": 2, "last_context": "sandbox", "tomorrow": {"x": 1}}"#;
        written(&state, newer);
        let read = ScreenState::load(&state);
        assert_eq!(read.last_context.as_deref(), Some("sandbox"));
        read.save(&state).expect("nothing to do");
        assert_eq!(std::fs::read_to_string(path(&state)).ok().as_deref(), Some(newer));
    }

    #[test]
    fn lists_do_not_grow_without_end() {
        let (_folder, state) = directory();
        let mut full = ScreenState::default();
        for number in 0..200 {
            full.ran(&format!("command-{number}"));
            full.context_mut(&format!("context-{number}"));
            full.splits.insert(format!("split-{number}"), 5000);
            full.hidden.insert(format!("column-{number}"));
        }
        full.ran("command-190");
        full.context_mut("context-160");
        assert_eq!((full.recent_commands.len(), full.contexts.len()), (COMMANDS, CONTEXTS));
        assert_eq!(full.recent_commands[..3], ["command-190", "command-199", "command-198"]);
        assert_eq!((full.contexts[0].name.as_str(), full.contexts[1].name.as_str()), ("context-160", "context-199"));
        full.save(&state).expect("saved");
        let read = ScreenState::load(&state);
        assert_eq!((read.splits.len(), read.hidden.len()), (ENTRIES, ENTRIES));
        assert!(read.splits.values().all(|share| *share == 950));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told() {
        let (folder, state) = directory();
        std::fs::write(folder.path().join("state"), "a file").expect("written");
        assert!(some().save(&state).is_err());
        assert_eq!(ScreenState::load(&state), ScreenState::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_in_the_file_is_too_strange(name in any::<String>(), share: u16) {
            let (_folder, state) = directory();
            let strange = serde_json::json!({
                "last_context": name, "recent_commands": [name], "splits": { &name: share }, "hidden": [name],
                "contexts": [{ "name": name, "sort": { "column": name } }],
            });
            written(&state, &strange.to_string());
            let read = ScreenState::load(&state);
            let shown = [read.last_context.into_iter().collect(), read.recent_commands].concat().concat();
            prop_assert!(shown.chars().all(|c| !c.is_control()));
            prop_assert!(read.splits.values().all(|share| (50..=950).contains(share)));
        }
    }
}
