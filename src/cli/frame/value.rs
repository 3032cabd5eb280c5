//! A secret value that is given without being written out: `-` is standard input, `@path` a file.

use std::io::IsTerminal as _;
use tokio::io::AsyncReadExt as _;

use super::{Output, ask};
use crate::model::{Problem, Secret};

/// The most that is read, bytes.
const LONGEST: u64 = 64 * 1024;

/// Where a value is. `Debug` does not show one.
#[derive(Debug, Clone)]
pub(in crate::cli) enum Given {
    /// On standard input; asked for at a terminal.
    Input,
    /// In a file.
    File(String),
    /// Written out, where every process of the machine can read it.
    Here(Secret),
}

impl Given {
    /// What `raw` means.
    pub(in crate::cli) fn of(raw: &str) -> Self {
        match raw.strip_prefix('@') {
            _ if raw == "-" => Self::Input,
            Some(path) => Self::File(path.to_owned()),
            None => Self::Here(Secret::new(raw)),
        }
    }
}

/// The value. `question` asks for it at a terminal, where it is not shown. Line ends around it are not part of it.
pub(in crate::cli) async fn read(given: &Given, question: &str, output: Output) -> Result<Secret, Problem> {
    match given {
        Given::Here(value) => Ok(value.clone()),
        Given::Input if output.can_ask() => ask::secret(question.to_owned()).await,
        // There it would be shown while it is typed.
        Given::Input if std::io::stdin().is_terminal() => {
            Err(unreadable("standard input", "it is a terminal, and nothing may be asked"))
        }
        Given::Input => whole(tokio::io::stdin(), "standard input").await,
        Given::File(path) => {
            let file = tokio::fs::File::open(path).await.map_err(|error| unreadable(path, &error.to_string()))?;
            whole(file, path).await
        }
    }
}

async fn whole(source: impl tokio::io::AsyncRead + Unpin, name: &str) -> Result<Secret, Problem> {
    let mut text = String::new();
    let read = source.take(LONGEST + 1).read_to_string(&mut text).await;
    read.map_err(|error| unreadable(name, &error.to_string()))?;
    if text.len() as u64 > LONGEST {
        return Err(unreadable(name, "it is longer than 64 kB"));
    }
    Ok(Secret::new(text.trim()))
}

fn unreadable(name: &str, why: &str) -> Problem {
    Problem::new("The value cannot be read.").detail(format!("{name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_comes_from_where_it_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("value");
        std::fs::write(&path, "hunter2\nsecond\n").expect("written");
        let given = Given::of(&format!("@{}", path.display()));
        assert_eq!(read(&given, "", Output::default()).await.expect("read").reveal(), "hunter2\nsecond");
        assert_eq!(read(&Given::of("plain"), "", Output::default()).await.expect("read").reveal(), "plain");
        assert!(matches!(Given::of("-"), Given::Input) && !format!("{:?}", Given::of("hunter2")).contains("hunter2"));
        std::fs::write(&path, "x".repeat(65 * 1024)).expect("written");
        let problem = read(&given, "", Output::default()).await.expect_err("too long");
        assert!(problem.detail.is_some_and(|detail| detail.contains("longer")));
    }
}
