//! A copy put back: what is in the database under the same names is replaced by it. What did not work is told, and the rest
//! is done all the same.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::Target;
use super::access::Access;
use super::inside::Inside;
use super::tools::{self, Tool};
use crate::model::{Problem, text};
use crate::ops::local::database;
use tokio::io::AsyncSeekExt as _;

/// Whoever is logged in owns it all afterwards.
const ARCHIVE: [&str; 4] = ["--clean", "--if-exists", "--no-owner", "--no-privileges"];
/// Nobody's own settings, and nothing printed that is no mistake.
const SQL: [&str; 6] = ["--no-psqlrc", "--quiet", "--variable", "ON_ERROR_STOP=0", "--output", "/dev/null"];
/// How `pg_restore`'s own files begin.
const MAGIC: &[u8] = b"PGDMP";
/// What `pg_dump` writes above statements, and below the last of them.
const DUMP: &[u8] = b"-- PostgreSQL database dump";
const COMPLETE: &[u8] = b"-- PostgreSQL database dump complete";
/// Reads a whole copy and does nothing with it.
const READ: [&str; 1] = ["--file=-"];
/// The file of a folder that says what is in it.
const CONTENTS: &str = "toc.dat";

/// What a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One file of `pg_dump`'s own.
    Custom,
    /// A folder of them.
    Directory,
    /// Statements.
    Sql,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What did not work. Harmless text.
    pub warnings: Vec<String>,
    /// What did it, `pg_restore 15.18`. Harmless text.
    pub by: String,
}

/// What the copy at `path` is.
///
/// # Errors
/// Where there is none, or something else.
pub async fn kind(path: &Path) -> Result<Kind, Problem> {
    let path = path.to_owned();
    match tokio::task::spawn_blocking(move || look(&path)).await {
        Ok(kind) => kind,
        Err(stopped) => Err(Problem::new("The copy cannot be read.").detail(stopped.to_string())),
    }
}

fn look(path: &Path) -> Result<Kind, Problem> {
    let shown = text::line(&path.to_string_lossy());
    let failed = |error: std::io::Error| {
        Problem::new(format!("{shown} cannot be read.")).detail(format!("{error}.")).hint("Give the file of a backup.")
    };
    let no_copy = |why: &str| {
        Problem::new(format!("{shown} is no copy of a database."))
            .detail(why)
            .hint("Give what tenantry db backup or pg_dump has made.")
    };
    let meta = std::fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        return if path.join(CONTENTS).is_file() {
            Ok(Kind::Directory)
        } else {
            Err(no_copy("There is no toc.dat in it."))
        };
    }
    if !meta.is_file() {
        return Err(no_copy("It is no file."));
    }
    let mut begin = Vec::new();
    File::open(path).and_then(|file| file.take(64 * 1024).read_to_end(&mut begin)).map_err(failed)?;
    if begin.starts_with(MAGIC) {
        return Ok(Kind::Custom);
    }
    if begin.is_empty() {
        return Err(no_copy("It is empty."));
    }
    if begin.contains(&0) || begin.starts_with(&[0x1f, 0x8b]) {
        return Err(no_copy("It is neither text nor a file of pg_dump's own."));
    }
    let holds = |bytes: &[u8], words: &[u8]| bytes.windows(words.len()).any(|part| part == words);
    if holds(&begin, DUMP) && !holds(&end(path).map_err(failed)?, COMPLETE) {
        return Err(no_copy("It is only the beginning of one."));
    }
    Ok(Kind::Sql)
}

/// The last part of a file.
fn end(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(4 * 1024)))?;
    let mut end = Vec::new();
    file.take(4 * 1024).read_to_end(&mut end)?;
    Ok(end)
}

/// Puts the copy at `path` into the database. Ask first: what is there goes.
///
/// # Errors
/// Where nothing could be begun, or where the program gave up.
pub async fn restore(target: &Target, path: &Path, kind: Kind) -> Result<Restored, Problem> {
    let server = database::version(&target.url, database::LIMIT).await;
    let server = server.map_err(|silence| database::no_answer(&target.url, &silence))?;
    let path = std::path::absolute(path)
        .map_err(|error| Problem::new("The copy cannot be read.").detail(error.to_string()))?;
    let name = if kind == Kind::Sql { "psql" } else { "pg_restore" };
    let at_least = tools::major(&server).unwrap_or_default();
    let tool = tools::find(name, at_least).await;
    let access = {
        let target = target.clone();
        let prepared = tokio::task::spawn_blocking(move || Access::prepare(&target)).await;
        prepared.map_err(|stopped| Problem::new("The copy was not put back.").detail(stopped.to_string()))??
    };
    let fits = tool.as_ref().is_some_and(|tool| tool.major >= at_least);
    // One that is older than the server may not know what is in the copy; the container's own does.
    let inside = if fits || kind == Kind::Directory { None } else { Inside::of(target).await.ok().flatten() };
    let (code, said, by) = match (inside, tool) {
        (Some(inside), _) => {
            let by = format!("{name} of the tenant's container, Postgres {server}");
            let (code, said) = in_container(&inside, &access, &path, kind).await?;
            (code, said, by)
        }
        (None, Some(tool)) => {
            let (code, said) = with(&tool, &access, &path, kind).await?;
            (code, said, tool.words)
        }
        (None, None) => return Err(tools::missing(name, None, &server)),
    };
    let warnings = ended(code, kind, &access.scrubbed(&said))?;
    Ok(Restored { warnings, by })
}

async fn with(tool: &Tool, access: &Access, path: &Path, kind: Kind) -> Result<(i64, String), Problem> {
    let mut command = access.command(&tool.path);
    command.stdout(Stdio::null()).arg("--no-password");
    if kind != Kind::Sql {
        // What is in the database goes first, so a copy that is not whole must not come so far.
        let mut whole = access.command(&tool.path);
        whole.stdout(Stdio::null()).args(READ).arg(path);
        let (status, said) = tools::run(whole, tool).await?;
        is_whole(status.success(), &access.scrubbed(&said))?;
    }
    if kind == Kind::Sql {
        command.args(SQL).arg("--file").arg(path);
    } else {
        // Without a database named it would print the statements. An empty one is what the environment says.
        command.args(ARCHIVE).args(["--dbname", ""]).arg(path);
    }
    let (status, said) = tools::run(command, tool).await?;
    Ok((status.code().map_or(-1, i64::from), said))
}

async fn in_container(inside: &Inside, access: &Access, path: &PathBuf, kind: Kind) -> Result<(i64, String), Problem> {
    let unread = |error: std::io::Error| Problem::new("The copy cannot be read.").detail(error.to_string());
    let mut file = tokio::fs::File::open(path).await.map_err(unread)?;
    if kind != Kind::Sql {
        let again = file.try_clone().await.map_err(unread)?;
        let whole = inside.run_alone("pg_restore", &READ, again).await?;
        is_whole(whole.code == 0, &access.scrubbed(&whole.errors))?;
        file.rewind().await.map_err(unread)?;
    }
    let (program, arguments) = if kind == Kind::Sql { ("psql", &SQL[..]) } else { ("pg_restore", &ARCHIVE[..]) };
    let arguments = [arguments, &["--no-password"]].concat();
    let done = inside.run(program, access, &arguments, Some(file), &mut tokio::io::sink()).await?;
    Ok((done.code, done.errors))
}

fn is_whole(success: bool, said: &str) -> Result<(), Problem> {
    if success {
        return Ok(());
    }
    Err(Problem::new("The copy is not whole.")
        .detail(tools::detail(&tools::lines(said)))
        .hint("Take another one. The database is as it was."))
}

/// What did not work, where the rest did.
fn ended(code: i64, kind: Kind, said: &str) -> Result<Vec<String>, Problem> {
    let lines = tools::lines(said);
    let is_mistake = |line: &String| {
        let line = line.to_ascii_lowercase();
        line.contains("error:") || line.contains("warning:") || line.contains("fatal:")
    };
    let mistakes: Vec<String> = lines.iter().filter(|line| is_mistake(line)).cloned().collect();
    let went_on = said.contains("errors ignored on restore");
    match (code, kind) {
        (0, _) => Ok(mistakes),
        (1, Kind::Custom | Kind::Directory) if went_on => Ok(mistakes),
        _ => Err(Problem::new("The copy cannot be put back.")
            .detail(tools::detail(&lines))
            .hint("Correct what it says, then put it back again: a part of it may be there already.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_by_how_it_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |content: &[u8]| {
            let path = folder.path().join("copy");
            std::fs::write(&path, content).expect("written");
            look(&path)
        };
        assert_eq!(file(b"PGDMP\x01\x0e"), Ok(Kind::Custom));
        let dump = b"--\n-- PostgreSQL database dump\n--\nSELECT 1;\n--\n-- PostgreSQL database dump complete\n--\n";
        assert_eq!(file(dump), Ok(Kind::Sql));
        assert_eq!(file(b"SELECT 1;\n"), Ok(Kind::Sql), "somebody's own");
        assert!(file(&dump[..60]).is_err(), "the beginning of one");
        for bad in [&b""[..], b"\x1f\x8b\x08", b"a\0b"] {
            let problem = file(bad).expect_err("no copy");
            assert!(problem.title.ends_with("is no copy of a database.") && problem.hint.is_some(), "{problem}");
        }
        assert!(look(folder.path()).is_err());
        std::fs::write(folder.path().join(CONTENTS), "x").expect("written");
        assert_eq!(look(folder.path()), Ok(Kind::Directory));
        assert!(look(&folder.path().join("nothing")).is_err());
    }

    #[test]
    fn what_did_not_work_is_told_where_the_rest_did() {
        let said = "pg_restore: error: could not execute query: ERROR:  x\npg_restore: warning: errors ignored on restore: 1\n";
        assert_eq!(ended(1, Kind::Custom, said).expect("the rest").len(), 2);
        assert_eq!(ended(0, Kind::Sql, "NOTICE: hello\n"), Ok(Vec::new()));
        assert_eq!(ended(0, Kind::Sql, "psql:a:1: ERROR:  b\n").expect("the rest").len(), 1);
        for (code, kind) in [(1, Kind::Custom), (2, Kind::Sql), (-1, Kind::Custom)] {
            let problem = ended(code, kind, "pg_restore: error: connection failed\n").expect_err("it gave up");
            assert!(problem.detail.is_some_and(|detail| detail.contains("connection failed")));
        }
    }
}
