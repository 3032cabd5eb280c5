//! Where the address of an existing database comes from: standard input or a file. On the command line every process of
//! the machine could read it, and the shell would remember it; it is taken from there with a warning.

use std::convert::Infallible;
use std::str::FromStr;

use crate::cli::frame::Output;
use crate::cli::frame::value::{self, Given};
use crate::cli::note;
use crate::model::{Problem, Secret};

/// What was written for the address. `Debug` does not show one.
#[derive(Debug, Clone)]
pub(super) struct Address(Given);

impl FromStr for Address {
    type Err = Infallible;
    fn from_str(raw: &str) -> Result<Self, Infallible> {
        Ok(Self(Given::of(raw)))
    }
}

impl Address {
    /// One that is asked for.
    pub(super) fn asked() -> Self {
        Self(Given::Input)
    }
}

/// The value that `given` leads to.
pub(super) async fn read(given: &Address, output: Output) -> Result<Secret, Problem> {
    if matches!(given.0, Given::Here(_)) {
        note(
            "an address with a password on the command line can be read by every process, and the shell remembers it; \
             --database-url - reads it from standard input, --database-url @file from a file",
        );
    }
    value::read(&given.0, "Address of the database (it is not shown): ", output).await.map_err(|problem| {
        Problem::new("The address of the database cannot be read.")
            .detail(problem.detail.unwrap_or_default())
            .hint("Give --database-url - and write it to standard input, or --database-url @file.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("url");
        std::fs::write(&path, "postgres://u:hunter2@h/d\n").expect("written");
        let of = |raw: &str| raw.parse::<Address>().expect("taken");
        let given = of(&format!("@{}", path.display()));
        assert_eq!(read(&given, Output::default()).await.expect("read").reveal(), "postgres://u:hunter2@h/d");
        let problem = read(&of("@no/such/file"), Output::default()).await.expect_err("missing");
        assert!(problem.detail.as_deref().is_some_and(|detail| detail.contains("no/such/file")), "{problem:?}");
    }

    #[test]
    fn an_address_that_was_written_out_is_not_shown() {
        let given = "postgres://u:hunter2@h/d".parse::<Address>().expect("taken");
        assert!(!format!("{given:?}").contains("hunter2"));
    }
}
