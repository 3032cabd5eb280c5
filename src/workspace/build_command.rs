//! How a project is built before it is deployed (protocol D.3, step 0).

use serde::Deserialize;
use std::path::Path;

use super::{WorkspaceError, justfile, reading};
use crate::model::text;

/// The project's own setting for it, below the root.
pub const SETTINGS: &str = ".systemprompt/build.json";

/// The names under which `just` looks for its file.
const JUSTFILES: [&str; 3] = ["justfile", "Justfile", ".justfile"];

/// A program and its arguments, run in the project's root without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildCommand {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How a screen shows it. Harmless text.
    pub shown: String,
}

impl BuildCommand {
    fn new(words: &[&str]) -> Option<Self> {
        let (program, arguments) = words.split_first()?;
        let shown = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        Some(Self {
            program: (*program).to_owned(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            shown: text::short(&shown, 200),
        })
    }
}

/// As a shell would want it, where a word has more than plain characters.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[derive(Deserialize)]
struct Settings {
    command: Vec<String>,
}

/// The command of the project at `root`: its own setting, else `just build-all`, else `just build --release`, where such a
/// recipe does anything,
/// else `cargo build --release`, as far as the project has what they need.
pub(super) fn find(root: &Path) -> Result<Option<BuildCommand>, WorkspaceError> {
    let path = root.join(SETTINGS);
    if let Some(bytes) = reading::small_file(&path)? {
        let damaged = |why: String| WorkspaceError::DamagedBuildSettings { path: path.clone(), why };
        let settings: Settings =
            serde_json::from_slice(&bytes).map_err(|error| damaged(text::short(&error.to_string(), 160)))?;
        let words: Vec<&str> = settings.command.iter().map(String::as_str).collect();
        if words.first().is_none_or(|program| program.trim().is_empty()) {
            return Err(damaged("the command is empty".to_owned()));
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err(damaged("the command holds a character that no command can have".to_owned()));
        }
        return Ok(BuildCommand::new(&words));
    }
    for name in JUSTFILES {
        let Some(bytes) = reading::small_file(&root.join(name))? else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let recipes = justfile::recipes(&text);
        // One that builds nothing is none: nobody needs `just` for it.
        let builds = |name: &str| recipes.contains(name) && !justfile::only_talks(&text, name);
        if builds("build-all") {
            return Ok(BuildCommand::new(&["just", "build-all"]));
        }
        if builds("build") {
            return Ok(BuildCommand::new(&["just", "build", "--release"]));
        }
        break;
    }
    Ok(if root.join("Cargo.toml").is_file() { BuildCommand::new(&["cargo", "build", "--release"]) } else { None })
}
