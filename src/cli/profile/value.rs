//! Values of secrets on the command line: where each comes from, and that no two want the same standard input.

use std::convert::Infallible;
use std::str::FromStr;

use crate::cli::frame::Output;
use crate::cli::frame::value::{self, Given};
use crate::cli::note;
use crate::model::{Problem, Secret};

/// What was written for a value. `Debug` does not show one.
#[derive(Debug, Clone)]
pub(super) struct Value(Given);

impl FromStr for Value {
    // An error would repeat what was written.
    type Err = Infallible;
    fn from_str(raw: &str) -> Result<Self, Infallible> {
        Ok(Self(Given::of(raw)))
    }
}

/// Whether all of them can be meant: standard input holds one value.
pub(super) fn check<'a>(all: impl IntoIterator<Item = Option<&'a Value>>) -> Result<(), Problem> {
    let inputs = all.into_iter().flatten().filter(|one| matches!(one.0, Given::Input));
    if inputs.count() > 1 {
        return Err(Problem::new("Standard input holds one value, and more than one is to come from there.")
            .hint("Read the others from files: @file"));
    }
    Ok(())
}

/// The value for `option`, such as `--openai-key`.
pub(super) async fn read(given: &Value, option: &str, what: &str, output: Output) -> Result<Secret, Problem> {
    if matches!(given.0, Given::Here(_)) {
        note(&format!(
            "a value on the command line can be read by every process, and the shell remembers it; \
             {option} - reads it from standard input, {option} @file from a file"
        ));
    }
    let question = format!("{what} (it is not shown): ");
    let read = value::read(&given.0, &question, output).await;
    read.map_err(|problem| problem.hint(format!("Give {option} - or {option} @file.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_alone_comes_from_standard_input() {
        let of = |raw: &str| raw.parse::<Value>().expect("taken");
        let (input, file, here) = (of("-"), of("@key"), of("hunter2"));
        assert!(check([Some(&input), Some(&file), None, Some(&here)]).is_ok());
        assert!(check([Some(&input), Some(&input)]).is_err());
        assert!(!format!("{here:?}").contains("hunter2"));
    }
}
