//! Where the address of an existing database comes from: standard input or a file. On the command line every process of
//! the machine could read it, and the shell would remember it; it is taken from there with a warning.

use tokio::io::AsyncReadExt as _;

use super::ask;
use crate::cli::note;
use crate::model::{Problem, Secret};

/// The most that is read, bytes.
const LONGEST: u64 = 64 * 1024;

/// The value that `given` leads to: `-` is standard input, `@path` a file.
pub(super) async fn read(given: &str, non_interactive: bool) -> Result<Secret, Problem> {
    if given == "-" {
        if ask::can_ask(non_interactive) {
            return ask::secret("Address of the database (it is not shown): ").await;
        }
        return whole(tokio::io::stdin(), "standard input").await;
    }
    if let Some(path) = given.strip_prefix('@') {
        let file = tokio::fs::File::open(path).await.map_err(|error| unreadable(path, &error))?;
        return whole(file, path).await;
    }
    note(
        "an address with a password on the command line can be read by every process, and the shell remembers it; \
         --database-url - reads it from standard input, --database-url @file from a file",
    );
    Ok(Secret::new(given))
}

async fn whole(source: impl tokio::io::AsyncRead + Unpin, name: &str) -> Result<Secret, Problem> {
    let mut text = String::new();
    source.take(LONGEST).read_to_string(&mut text).await.map_err(|error| unreadable(name, &error))?;
    Ok(Secret::new(text.trim()))
}

fn unreadable(name: &str, error: &std::io::Error) -> Problem {
    Problem::new("The address of the database cannot be read.")
        .detail(format!("{name}: {error}"))
        .hint("Give --database-url - and write it to standard input, or --database-url @file.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("url");
        std::fs::write(&path, "postgres://u:hunter2@h/d\n").expect("written");
        let given = format!("@{}", path.display());
        assert_eq!(read(&given, true).await.expect("read").reveal(), "postgres://u:hunter2@h/d");
        let problem = read("@no/such/file", true).await.expect_err("missing");
        assert!(problem.detail.as_deref().is_some_and(|detail| detail.contains("no/such/file")), "{problem:?}");
    }
}
