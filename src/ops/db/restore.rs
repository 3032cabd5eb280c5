//! A copy put back: what is in the database under the same names is replaced by it, in one transaction: whole, or not at all.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncSeekExt as _};
use tokio_util::sync::CancellationToken;

use super::Target;
use super::access::Access;
use super::inside::Inside;
use super::statements;
use super::tools::{self, Tool};
use crate::model::{Problem, text};
use crate::ops::local::database;

/// Whoever is logged in owns it all afterwards.
const ARCHIVE: [&str; 5] = ["--single-transaction", "--clean", "--if-exists", "--no-owner", "--no-privileges"];
/// Nobody's own settings, nothing printed that is no mistake, and the first mistake is the end.
const SQL: [&str; 6] = ["--no-psqlrc", "--quiet", "--variable", "ON_ERROR_STOP=1", "--output", "/dev/null"];
/// The transaction of statements that come through a pipe: where it breaks off nothing ends the transaction well.
const BEGIN: &[u8] = b"BEGIN;\n";
const COMMIT: &[u8] = b"\n;COMMIT;\n";
/// What nothing was changed by ends with.
const UNCHANGED: &str = "The database is as it was.";
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
    /// What the program warned of. Harmless text.
    pub warnings: Vec<String>,
    /// What did it, `pg_restore 15.18`. Harmless text.
    pub by: String,
}

/// What the copy at `path` is. Statements are looked through to the end.
///
/// # Errors
/// Where there is none, or something else, or where it has in it what does not belong into a copy.
pub async fn kind(path: &Path, stop: &CancellationToken) -> Result<Kind, Problem> {
    let (path, stop) = (path.to_owned(), stop.clone());
    let look = move || {
        let kind = look(&path)?;
        if kind == Kind::Sql {
            look_through(&path, &stop)?;
        }
        Ok(kind)
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(kind) => kind,
        Err(stopped) => Err(Problem::new("The copy cannot be read.").detail(stopped.to_string())),
    }
}

/// Whether statements are nothing but statements, and all of them.
fn look_through(path: &Path, stop: &CancellationToken) -> Result<(), Problem> {
    let shown = text::line(&path.to_string_lossy());
    let file =
        File::open(path).and_then(|file| statements::check(std::io::BufReader::with_capacity(64 * 1024, file), stop));
    let checked = file.map_err(|error| {
        Problem::new(format!("{shown} cannot be read.")).detail(format!("{error}.")).hint("Give the file of a backup.")
    })?;
    checked.map_err(|why| {
        Problem::new(format!("{shown} is no copy that can be put back."))
            .detail(why)
            .hint("Give what `tenantry db backup` or pg_dump has made, or run it with psql yourself.")
    })
}

fn look(path: &Path) -> Result<Kind, Problem> {
    let shown = text::line(&path.to_string_lossy());
    let failed = |error: std::io::Error| {
        Problem::new(format!("{shown} cannot be read.")).detail(format!("{error}.")).hint("Give the file of a backup.")
    };
    let no_copy = |why: &str| {
        Problem::new(format!("{shown} is no copy of a database."))
            .detail(why)
            .hint("Give what `tenantry db backup` or pg_dump has made.")
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

/// Puts the copy at `path` into the database, whole or not at all. Ask first: what is there goes. With `stop` it is broken
/// off.
///
/// # Errors
/// Where anything of it did not work, or where it was broken off: then nothing was changed.
pub async fn restore(target: &Target, path: &Path, kind: Kind, stop: &CancellationToken) -> Result<Restored, Problem> {
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
            // It ends by itself with `stop`, and takes what it had begun with it.
            let done = in_container(&inside, &access, &path, kind, stop).await;
            if stop.is_cancelled() && done.is_err() {
                return Err(broken_off());
            }
            let (code, said) = done?;
            (code, said, by)
        }
        (None, Some(tool)) => {
            let (code, said) = tokio::select! {
                biased;
                done = with(&tool, &access, &path, kind) => done?,
                // What runs is killed with it.
                () = stop.cancelled() => return Err(broken_off()),
            };
            (code, said, tool.words)
        }
        (None, None) => return Err(tools::missing(name, None, &server)),
    };
    // A terminal's Ctrl-C reaches the program, too, and it may have been the first to end.
    if code != 0 && stop.is_cancelled() {
        return Err(broken_off());
    }
    let warnings = ended(code, &access.scrubbed(&said))?;
    Ok(Restored { warnings, by })
}

fn broken_off() -> Problem {
    Problem::new("The restore was broken off.")
        .detail("It was in one transaction, which had not ended: nothing was changed.")
        .hint("Put the copy back again when you want it.")
}

async fn with(tool: &Tool, access: &Access, path: &Path, kind: Kind) -> Result<(i64, String), Problem> {
    let mut command = access.command(&tool.path);
    command.stdout(Stdio::null()).arg("--no-password");
    if kind != Kind::Sql {
        // Told before anything is done: what is wrong is then the copy, and not the database.
        let mut whole = access.command(&tool.path);
        whole.stdout(Stdio::null()).args(READ).arg(path);
        let (status, said) = tools::run(whole, tool).await?;
        is_whole(status.success(), &access.scrubbed(&said))?;
    }
    if kind == Kind::Sql {
        command.args(SQL).args(["--single-transaction", "--file"]).arg(path);
    } else {
        // Without a database named it would print the statements. An empty one is what the environment says.
        command.args(ARCHIVE).args(["--dbname", ""]).arg(path);
    }
    let (status, said) = tools::run(command, tool).await?;
    Ok((status.code().map_or(-1, i64::from), said))
}

async fn in_container(
    inside: &Inside,
    access: &Access,
    path: &PathBuf,
    kind: Kind,
    stop: &CancellationToken,
) -> Result<(i64, String), Problem> {
    let unread = |error: std::io::Error| Problem::new("The copy cannot be read.").detail(error.to_string());
    let mut file = tokio::fs::File::open(path).await.map_err(unread)?;
    let nowhere = &mut tokio::io::sink();
    let done = if kind == Kind::Sql {
        let all = AsyncReadExt::chain(BEGIN, file).chain(COMMIT);
        let arguments = [&SQL[..], &["--file", "-", "--no-password"]].concat();
        inside.run("psql", access, &arguments, Some(all), nowhere, stop).await
    } else {
        let again = file.try_clone().await.map_err(unread)?;
        let whole = inside.run_alone("pg_restore", &READ, again, stop).await?;
        is_whole(whole.code == 0, &access.scrubbed(&whole.errors))?;
        file.rewind().await.map_err(unread)?;
        let arguments = [&ARCHIVE[..], &["--no-password"]].concat();
        inside.run("pg_restore", access, &arguments, Some(file), nowhere, stop).await
    };
    done.map(|done| (done.code, done.errors))
}

fn is_whole(success: bool, said: &str) -> Result<(), Problem> {
    if success {
        return Ok(());
    }
    Err(Problem::new("The copy is not whole.").detail(unchanged(&tools::lines(said))).hint("Take another one."))
}

/// Why it did not work, and what became of the database.
fn unchanged(said: &[String]) -> String {
    format!("{}. {UNCHANGED}", tools::detail(said).trim_end_matches('.'))
}

/// What it warned of, where it all worked.
fn ended(code: i64, said: &str) -> Result<Vec<String>, Problem> {
    let lines = tools::lines(said);
    if code == 0 {
        return Ok(lines.into_iter().filter(|line| line.to_ascii_lowercase().contains("warning:")).collect());
    }
    // What is newer than the server says it like that to every older one.
    let hint = if said.contains("unrecognized configuration parameter") {
        "The copy or the program is for a newer Postgres: take the programs of the server's own version."
    } else {
        "Correct what it says, then put it back again."
    };
    Err(Problem::new("The copy cannot be put back.").detail(unchanged(&lines)).hint(hint))
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
    fn anything_that_did_not_work_is_a_failure() {
        assert_eq!(ended(0, "NOTICE: hello\n"), Ok(Vec::new()));
        assert_eq!(ended(0, "psql:a:1: WARNING:  b\n").expect("the rest").len(), 1);
        for code in [1, 2, 3, -1] {
            let said = "pg_restore: error: x\npg_restore: warning: errors ignored on restore: 1\n";
            let problem = ended(code, said).expect_err("it did not work");
            assert!(problem.detail.is_some_and(|detail| detail.contains("error: x") && detail.ends_with(UNCHANGED)));
        }
    }
}
