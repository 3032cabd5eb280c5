//! Where the user's configuration is, and its file read.

use directories::{BaseDirs, ProjectDirs};
use std::path::{Path, PathBuf};

use super::parse::parse_in;
use super::{Config, Mistake, SettingsError, mistake};
use crate::model::Problem;
use crate::workspace::reading;

/// The variable that names another file.
pub const VARIABLE: &str = "TENANTRY_CONFIG";
/// The file's name in the platform's place.
const FILE: &str = "config.toml";

/// A configuration and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// What can be understood; the defaults elsewhere.
    pub config: Config,
    /// What cannot, in the order of the file.
    pub mistakes: Vec<Mistake>,
}

impl Loaded {
    /// The mistakes as a person sees them; `None` where there are none. Whoever finds more of them, such as keys that clash,
    /// adds them first.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        mistake::problem(self.config.path.as_deref(), &self.mistakes)
    }
}

/// The user's file, whether it is there or not: `$TENANTRY_CONFIG`, else the platform's place (`~/.config/tenantry/config.toml`).
/// `None` where there is no home directory.
#[must_use]
pub fn place() -> Option<PathBuf> {
    named().or_else(|| Some(ProjectDirs::from("", "", "tenantry")?.config_dir().join(FILE)))
}

fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|set| !set.is_empty()).map(PathBuf::from)
}

/// The user's configuration. No file is an empty one, but where the variable names it. Blocks on the disk.
pub fn load() -> Result<Loaded, SettingsError> {
    match (named(), place()) {
        (Some(path), _) if !path.exists() => Err(SettingsError::NoConfig { path }),
        (_, Some(path)) => load_from(&path),
        (_, None) => Ok(Loaded::default()),
    }
}

/// The configuration at `path`; no file is an empty one. Blocks on the disk.
pub fn load_from(path: &Path) -> Result<Loaded, SettingsError> {
    let bytes = reading::small_file(path)?.unwrap_or_default();
    let text = String::from_utf8(bytes).map_err(|_| SettingsError::NoText { path: path.to_owned() })?;
    // Some editors begin a file so.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut config, mistakes) = parse_in(text, &Folders::of(path));
    config.path = Some(path.to_owned());
    Ok(Loaded { config, mistakes })
}

/// What paths in a configuration begin at.
#[derive(Debug, Default)]
pub(super) struct Folders {
    beside: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Folders {
    fn of(file: &Path) -> Self {
        let beside = std::path::absolute(file).ok().and_then(|file| file.parent().map(Path::to_owned));
        Self { beside, home: BaseDirs::new().map(|directories| directories.home_dir().to_owned()) }
    }

    /// `~/x` below the home directory, `x` beside the file.
    pub(super) fn whole(&self, written: &Path) -> PathBuf {
        match (written.strip_prefix("~"), &self.home, &self.beside) {
            (Ok(rest), Some(home), _) => home.join(rest),
            (_, _, Some(beside)) => beside.join(written),
            _ => written.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_an_empty_one_and_a_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        let loaded = load_from(&path).expect("nothing is there");
        assert_eq!(loaded, Loaded { config: Config { path: Some(path), ..Config::default() }, mistakes: Vec::new() });
        assert_eq!(loaded.problem(), None);
        assert!(matches!(load_from(folder.path()), Err(SettingsError::File(_))));
    }

    #[test]
    fn text_of_another_kind_is_told_and_a_mark_at_its_beginning_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        std::fs::write(&path, b"ui = \xff").expect("written");
        let error = load_from(&path).expect_err("no text");
        assert!(error.problem().detail.is_some_and(|detail| detail.contains("UTF-8")));
        std::fs::write(&path, "\u{feff}[ui]\nascii = true\n").expect("written");
        assert!(load_from(&path).is_ok_and(|loaded| loaded.config.ui.ascii && loaded.mistakes.is_empty()));
    }

    #[test]
    fn a_path_begins_at_home_or_beside_the_file() {
        let folders = Folders { beside: Some("/etc/tenantry".into()), home: Some("/home/mara".into()) };
        for (written, whole) in
            [("~/token", "/home/mara/token"), ("token", "/etc/tenantry/token"), ("/run/token", "/run/token")]
        {
            assert_eq!(folders.whole(Path::new(written)), Path::new(whole));
        }
    }
}
