//! A copy of a database in a file, for its owner alone, which is there whole or not at all.

use jiff::Zoned;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use super::Target;
use super::access::Access;
use super::inside::Inside;
use super::tools::{self, Tool};
use crate::model::{Problem, text};
use crate::ops::local::database;
use crate::workspace::atomic;

/// Where copies go where nobody says where, below the project.
const FOLDER: &str = "backups";
/// The same for all formats: who owns what is the business of whoever puts it back.
const PLAIN: [&str; 3] = ["--no-owner", "--no-privileges", "--no-password"];

/// The form of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One compressed file, for `pg_restore`.
    Custom,
    /// Statements that people can read; they remove first what they make.
    Sql,
    /// A folder of files, for `pg_restore`.
    Directory,
}

impl Format {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Sql => "sql",
            Self::Directory => "directory",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Custom => "dump",
            Self::Sql => "sql",
            Self::Directory => "dir",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Custom => &["--format=custom"],
            Self::Sql => &["--format=plain", "--clean", "--if-exists"],
            Self::Directory => &["--format=directory"],
        }
    }
}

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Its form.
    pub format: Format,
    /// What made it, `pg_dump 15.18`. Harmless text.
    pub by: String,
}

/// Copies the database into `output`, else into a file that is named after it and the time. Dropping the future leaves
/// nothing of the copy behind.
///
/// # Errors
/// Where the database or a program for it is missing, and where there is something of that name already: it stays.
pub async fn backup(target: &Target, format: Format, output: Option<PathBuf>) -> Result<Backup, Problem> {
    let server = database::version(&target.url, database::LIMIT).await;
    let server = server.map_err(|silence| database::no_answer(&target.url, &silence))?;
    let path = blocking({
        let (root, name) = (target.root.clone(), target.name.clone());
        move || place(&root, &name, format, output, &Zoned::now())
    })
    .await?;
    let at_least = tools::major(&server).unwrap_or_default();
    let tool = tools::find("pg_dump", at_least).await;
    let by = match &tool {
        Some(tool) if tool.major >= at_least => {
            with(target, tool, format, &path).await?;
            tool.words.clone()
        }
        _ => {
            let missing = || tools::missing("pg_dump", tool.as_ref(), &server);
            // Why Docker does not help matters less than what would.
            let inside = Inside::of(target).await.ok().flatten().ok_or_else(missing)?;
            if format == Format::Directory {
                return Err(missing().detail("The tenant's container makes files, and no folders: --format custom."));
            }
            in_container(target, &inside, format, &path).await?;
            format!("pg_dump of the tenant's container, Postgres {server}")
        }
    };
    let size_bytes = blocking({
        let path = path.clone();
        move || Ok(size(&path))
    })
    .await?;
    Ok(Backup { path, size_bytes, format, by })
}

async fn with(target: &Target, tool: &Tool, format: Format, path: &Path) -> Result<(), Problem> {
    let access = blocking({
        let target = target.clone();
        move || Access::prepare(&target)
    })
    .await?;
    let mut command = access.command(&tool.path);
    command.args(format.arguments()).args(PLAIN);
    let folder = tools::folder_of(path).to_owned();
    if format == Format::Directory {
        let beside = blocking({
            let (folder, path) = (folder.clone(), path.to_owned());
            move || temporary().tempdir_in(&folder).map_err(|error| unwritable(&path, &error))
        })
        .await?;
        let inner = beside.path().join("copy");
        command.arg("--file").arg(&inner).stdout(Stdio::null());
        let (status, said) = tools::run(command, tool).await?;
        ended(status.success(), &access.scrubbed(&said))?;
        let path = path.to_owned();
        return blocking(move || keep_folder(&inner, &path)).await;
    }
    let file = blocking({
        let path = path.to_owned();
        move || temporary().tempfile_in(&folder).map_err(|error| unwritable(&path, &error))
    })
    .await?;
    let out = file.reopen().map_err(|error| unwritable(path, &error))?;
    command.stdout(Stdio::from(out));
    let (status, said) = tools::run(command, tool).await?;
    ended(status.success(), &access.scrubbed(&said))?;
    keep(file, path).await
}

async fn in_container(target: &Target, inside: &Inside, format: Format, path: &Path) -> Result<(), Problem> {
    let access = blocking({
        let target = target.clone();
        move || Access::prepare(&target)
    })
    .await?;
    let file = blocking({
        let path = path.to_owned();
        move || temporary().tempfile_in(tools::folder_of(&path)).map_err(|error| unwritable(&path, &error))
    })
    .await?;
    let out = file.reopen().map_err(|error| unwritable(path, &error))?;
    let mut out = tokio::fs::File::from_std(out);
    let arguments = [format.arguments(), &PLAIN[..]].concat();
    // Whoever stops it drops this: with its output closed it ends by itself.
    let stop = CancellationToken::new();
    let done = inside.run("pg_dump", &access, &arguments, None::<tokio::io::Empty>, &mut out, &stop).await?;
    tokio::io::AsyncWriteExt::flush(&mut out).await.map_err(|error| unwritable(path, &error))?;
    ended(done.code == 0, &access.scrubbed(&done.errors))?;
    keep(file, path).await
}

fn ended(success: bool, said: &str) -> Result<(), Problem> {
    if success {
        return Ok(());
    }
    Err(Problem::new("The database cannot be copied.")
        .detail(tools::detail(&tools::lines(said)))
        .hint("Correct what it says, then try again. There is no half of a copy."))
}

/// Where the copy will be: nothing is there, and its folder is.
fn place(root: &Path, name: &str, format: Format, output: Option<PathBuf>, now: &Zoned) -> Result<PathBuf, Problem> {
    let path = if let Some(output) = output {
        std::path::absolute(&output).map_err(|error| unwritable(&output, &error))?
    } else {
        let folder = root.join(FOLDER);
        own_folder(&folder)?;
        folder.join(format!("{name}-{}.{}", now.strftime("%Y-%m-%d-%H%M%S"), format.ending()))
    };
    let shown = text::line(&path.to_string_lossy());
    if !tools::folder_of(&path).is_dir() {
        return Err(
            Problem::new(format!("There is no folder for {shown}.")).hint("Make it first, or name another one.")
        );
    }
    if path.symlink_metadata().is_ok() {
        return Err(Problem::new(format!("{shown} is there already."))
            .detail("It stays as it is.")
            .hint("Name another file with --output."));
    }
    Ok(path)
}

/// The folder for copies: for its owner alone, and nothing in it goes into a repository.
fn own_folder(folder: &Path) -> Result<(), Problem> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unwritable(folder, &error)),
    }
    // Somebody's own stays, whatever it says.
    let ignore = folder.join(".gitignore");
    match ignore.symlink_metadata() {
        Ok(_) => Ok(()),
        Err(_) => Ok(atomic::write_new(&ignore, b"*\n", 0o644)?),
    }
}

fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder
}

async fn keep(file: NamedTempFile, path: &Path) -> Result<(), Problem> {
    let path = path.to_owned();
    blocking(move || {
        let failed = |error: std::io::Error| unwritable(&path, &error);
        private(file.path(), 0o600).map_err(failed)?;
        if file.as_file().metadata().map_err(failed)?.len() == 0 {
            return Err(Problem::new("The copy of the database is empty.").hint("Try again, with another --format."));
        }
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(&path).map_err(|error| unwritable(&path, &error.error))?;
        Ok(())
    })
    .await
}

fn keep_folder(inner: &Path, path: &Path) -> Result<(), Problem> {
    let failed = |error: std::io::Error| unwritable(path, &error);
    private(inner, 0o700).map_err(failed)?;
    for entry in fs::read_dir(inner).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        private(&file, 0o600).map_err(failed)?;
        fs::File::open(&file).and_then(|file| file.sync_all()).map_err(failed)?;
    }
    if path.symlink_metadata().is_ok() {
        return Err(unwritable(path, &std::io::ErrorKind::AlreadyExists.into()));
    }
    fs::rename(inner, path).map_err(failed)
}

fn private(path: &Path, mode: u32) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, mode);
        Ok(())
    }
}

fn size(path: &Path) -> u64 {
    let length = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
    if !path.is_dir() {
        return length(path);
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| length(&entry.path())).sum()
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("{} cannot be written.", text::line(&path.to_string_lossy())))
        .detail(format!("{error}."))
        .hint("Check that you may write there and that the disk is not full, or name another file with --output.")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(stopped) => Err(Problem::new("The copy was not written.").detail(stopped.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_after_what_it_is_of_and_when() {
        let folder = tempfile::tempdir().expect("a folder");
        let now: Zoned = "2026-11-30T09:08:07+01:00[Europe/Berlin]".parse().expect("a time");
        let at = |format, output: Option<&str>| place(folder.path(), "dev", format, output.map(PathBuf::from), &now);
        for (format, name) in [
            (Format::Custom, "dev-2026-11-30-090807.dump"),
            (Format::Sql, "dev-2026-11-30-090807.sql"),
            (Format::Directory, "dev-2026-11-30-090807.dir"),
        ] {
            assert_eq!(at(format, None).expect(name), folder.path().join("backups").join(name));
        }
        assert_eq!(fs::read_to_string(folder.path().join("backups/.gitignore")).ok().as_deref(), Some("*\n"));
        let ignore = folder.path().join("backups/.gitignore");
        fs::write(&ignore, "!mine\n").expect("written");
        at(Format::Sql, None).expect("a place");
        assert_eq!(fs::read_to_string(&ignore).ok().as_deref(), Some("!mine\n"), "somebody's own stays");
        fs::remove_file(&ignore).expect("removed");
        at(Format::Sql, None).expect("a place");
        assert_eq!(fs::read_to_string(&ignore).ok().as_deref(), Some("*\n"), "a folder that was there gets one");
        let there = folder.path().join("there");
        fs::write(&there, "mine").expect("written");
        let problem = at(Format::Sql, there.to_str()).expect_err("it is there");
        assert!(problem.title.ends_with("is there already."), "{problem}");
        assert!(at(Format::Sql, folder.path().join("no/such").to_str()).is_err());
        assert_eq!(fs::read_to_string(there).ok().as_deref(), Some("mine"));
    }
}
