//! A text into a file that a person named.

use directories::BaseDirs;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Problem, Secret, text};
use crate::workspace::{WorkspaceError, atomic};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// The file has the text, for its owner alone.
    Done(PathBuf),
    /// There is such a file already, and it was not to be replaced. Nothing was written.
    Exists(PathBuf),
}

/// Writes `text` to `path`, whole or not at all. `~` is the home directory, a relative path begins at the working
/// directory. The folder must exist, and what is there is only replaced where `replace` says so.
pub async fn save(path: String, text: Secret, replace: bool) -> Result<Saved, Problem> {
    let home = BaseDirs::new().map(|base| base.home_dir().to_owned());
    match tokio::task::spawn_blocking(move || write(&expanded(&path, home.as_deref())?, &text, replace)).await {
        Ok(result) => result,
        Err(stopped) => Err(Problem::new("The file was not written.").detail(stopped.to_string())),
    }
}

/// The path as a person means it.
fn expanded(raw: &str, home: Option<&Path>) -> Result<PathBuf, Problem> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Err(Problem::new("No file name was given.").hint("Name a file, such as ~/orchard.log."));
    }
    match (raw.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            Ok(home.join(rest.trim_start_matches('/')))
        }
        (Some(_), _) => Err(Problem::new(format!("{} is not known here.", text::short(raw, 100)))
            .hint("Only ~ alone stands for a home directory: your own. Write the whole path.")),
        (None, _) => std::path::absolute(raw).map_err(|error| {
            Problem::new("The working directory cannot be read.")
                .detail(error.to_string())
                .hint("Write the whole path.")
        }),
    }
}

fn write(path: &Path, text: &Secret, replace: bool) -> Result<Saved, Problem> {
    let shown = text::line(&path.to_string_lossy());
    if path.is_dir() || path.file_name().is_none() {
        return Err(Problem::new(format!("{shown} is a folder.")).hint("Name a file in it."));
    }
    if !path.parent().is_some_and(Path::is_dir) {
        return Err(
            Problem::new(format!("There is no folder for {shown}.")).hint("Make it first, or name another one.")
        );
    }
    let content = text.reveal().as_bytes();
    let written = if replace { atomic::write(path, content, 0o600) } else { atomic::write_new(path, content, 0o600) };
    match written {
        Ok(()) => Ok(Saved::Done(path.to_owned())),
        Err(WorkspaceError::Write { cause, .. }) if cause.kind() == io::ErrorKind::AlreadyExists => {
            Ok(Saved::Exists(path.to_owned()))
        }
        Err(error) => Err(error.problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_tilde_alone_is_the_home_directory() {
        let home = Some(Path::new("/home/mara"));
        let of = |raw| expanded(raw, home).ok();
        assert_eq!(of("~"), Some("/home/mara".into()));
        assert_eq!(of(" ~/logs/a b.log "), Some("/home/mara/logs/a b.log".into()));
        assert_eq!(of("/~/a"), Some("/~/a".into()));
        assert_eq!(of("~root/a"), None);
        assert_eq!(of("  "), None);
        assert!(expanded("~/a", None).is_err());
        assert!(of("a.log").is_some_and(|path| path.is_absolute() && path.ends_with("a.log")));
    }

    #[tokio::test]
    async fn a_file_is_only_replaced_when_that_was_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("orchard.log");
        let name = path.to_str().expect("a plain path").to_owned();
        let first = save(name.clone(), Secret::new("first"), false).await;
        assert_eq!(first, Ok(Saved::Done(path.clone())));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let second = save(name.clone(), Secret::new("second"), false).await;
        assert_eq!(second, Ok(Saved::Exists(path.clone())));
        assert_eq!(fs::read_to_string(&path).expect("there"), "first");
        assert!(save(name, Secret::new("second"), true).await.is_ok());
        assert_eq!(fs::read_to_string(&path).expect("there"), "second");
    }

    #[tokio::test]
    async fn a_folder_is_neither_made_nor_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = folder.path().to_str().expect("a plain path");
        for (path, says) in [(name.to_owned(), "is a folder"), (format!("{name}/no/a.log"), "There is no folder for")] {
            let problem = save(path, Secret::new("text"), true).await.expect_err("refused");
            assert!(problem.title.contains(says) && problem.hint.is_some(), "{problem}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
    }
}
