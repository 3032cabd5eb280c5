//! `KEY=VALUE` on the command line, whose value nobody must see again: neither in an error nor while debugging.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::cli::frame::Output;
use crate::cli::frame::value::{self, Given};
use crate::cli::note;
use crate::model::{Problem, Secret};

/// A name, and where its value is; without a name what was written is no assignment.
#[derive(Clone)]
pub(super) struct Assignment(Option<(String, Given)>);

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without a name it may all be a value.
        f.write_str(self.0.as_ref().map_or("…", |(key, _)| key))
    }
}

impl FromStr for Assignment {
    // An error would repeat what was written.
    type Err = Infallible;
    fn from_str(raw: &str) -> Result<Self, Infallible> {
        let parts = raw.split_once('=').filter(|(key, _)| !key.trim().is_empty());
        Ok(Self(parts.map(|(key, value)| (key.trim().to_owned(), Given::of(value)))))
    }
}

impl Assignment {
    /// The name as it was written; empty where there is none.
    pub(super) fn key(&self) -> &str {
        self.0.as_ref().map_or("", |(key, _)| key)
    }

    /// The value.
    pub(super) async fn read(&self, key: &str, output: Output) -> Result<Secret, Problem> {
        let Some((_, given)) = &self.0 else { return Err(no_assignment()) };
        if matches!(given, Given::Here(_)) {
            note(&format!(
                "a value on the command line can be read by every process, and the shell remembers it; \
                 {key}=- reads it from standard input, {key}=@file from a file"
            ));
        }
        let question = format!("Value of {key} (it is not shown): ");
        let read = value::read(given, &question, output).await;
        read.map_err(|problem| problem.hint(format!("Give {key}=- or {key}=@file.")))
    }
}

/// Whether all of them can be meant.
pub(super) fn check(all: &[Assignment]) -> Result<(), Problem> {
    if all.iter().any(|one| one.0.is_none()) {
        return Err(no_assignment());
    }
    let inputs = all.iter().filter(|one| matches!(&one.0, Some((_, Given::Input))));
    if inputs.count() > 1 {
        return Err(Problem::new("Standard input holds one value, and more than one is to come from there.")
            .hint("Read the others from files: KEY=@file"));
    }
    Ok(())
}

fn no_assignment() -> Problem {
    Problem::new("A secret has a name and a value.")
        .hint("Write KEY=- and give the value on standard input, or KEY=@file.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(raw: &str) -> Assignment {
        raw.parse().expect("taken")
    }

    #[tokio::test]
    async fn a_value_is_read_and_never_shown() {
        let one = of("openai=sk-hunter2=x");
        assert_eq!((one.key(), format!("{one:?}").as_str()), ("openai", "openai"));
        assert_eq!(one.read("OPENAI", Output::default()).await.expect("read").reveal(), "sk-hunter2=x");
        let typo = of("sk-hunter2");
        assert!(!format!("{typo:?} {}", no_assignment()).contains("hunter2"));
        assert!(check(&[typo]).is_err() && check(&[of("=x")]).is_err());
        assert!(check(&[of("A=-"), of("B=-")]).is_err() && check(&[of("A=-"), of("B=@b")]).is_ok());
    }
}
