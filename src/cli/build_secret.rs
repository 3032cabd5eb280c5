//! Where the secrets of a build come from: the environment, a file, or standard input, and never the command line, which
//! every process of the machine can read.

use std::path::PathBuf;
use tokio::io::AsyncReadExt;

use crate::engine::BuildSecret;
use crate::model::{Problem, Secret};

/// Where one is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A variable.
    Environment(String),
    /// A file, as it is.
    File(PathBuf),
    /// Standard input to its end.
    Input,
}

/// Takes every `ID=SOURCE`. What is told of a wrong one never holds what stands behind its `=`: it may be the secret.
pub(super) fn parse_all(given: &[String]) -> Result<Vec<(String, Source)>, String> {
    let parsed = given.iter().map(|one| parse(one)).collect::<Result<Vec<_>, _>>()?;
    if parsed.iter().filter(|(_, source)| *source == Source::Input).count() > 1 {
        return Err("--build-secret: only one can come from standard input".to_owned());
    }
    Ok(parsed)
}

fn parse(given: &str) -> Result<(String, Source), String> {
    const FORMS: &str = "write ID=env:NAME, ID=file:PATH, or ID=- for standard input";
    let (id, source) = given.split_once('=').ok_or_else(|| format!("--build-secret: {FORMS}"))?;
    if id.is_empty() {
        return Err(format!("--build-secret needs an id: {FORMS}"));
    }
    let source = match source.split_once(':') {
        _ if source == "-" => Source::Input,
        Some(("env", name)) if !name.is_empty() => Source::Environment(name.to_owned()),
        Some(("file", path)) if !path.is_empty() => Source::File(path.into()),
        _ => return Err(format!("--build-secret {id}: the value itself must not stand here; {FORMS}")),
    };
    Ok((id.to_owned(), source))
}

/// Reads them.
pub(super) async fn read_all(sources: Vec<(String, Source)>) -> Result<Vec<BuildSecret>, Problem> {
    let mut secrets = Vec::with_capacity(sources.len());
    for (id, source) in sources {
        let missing = |words: String| {
            let hint = "Put it there, or leave out its --build-secret.";
            Problem::new(format!("The build secret {id} cannot be read.")).detail(words).hint(hint)
        };
        let value = match source {
            Source::Environment(name) => {
                std::env::var(&name).map_err(|_| missing(format!("The environment has no text in {name}.")))?
            }
            Source::File(path) => tokio::fs::read_to_string(&path)
                .await
                .map_err(|error| missing(format!("{}: {error}", path.display())))?,
            Source::Input => {
                let mut value = String::new();
                let read = tokio::io::stdin().read_to_string(&mut value).await;
                read.map_err(|error| missing(format!("Standard input: {error}")))?;
                value
            }
        };
        secrets.push(BuildSecret { id, value: Secret::new(value) });
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_are_taken_and_values_never() {
        let one = |text: &str| parse_all(&[text.to_owned()]).map(|mut all| all.remove(0));
        assert_eq!(one("npm=env:NPM_TOKEN"), Ok(("npm".into(), Source::Environment("NPM_TOKEN".into()))));
        assert_eq!(one("npm=file:a=b:c"), Ok(("npm".into(), Source::File("a=b:c".into()))));
        assert_eq!(one("npm=-"), Ok(("npm".into(), Source::Input)));
        for wrong in ["npm", "=env:A", "npm=env:", "npm=s3cret", "npm=s3cret:x", "npm="] {
            let told = one(wrong).expect_err(wrong);
            assert!(!told.contains("s3cret"), "{told}");
        }
        assert!(parse_all(&["a=-".into(), "b=-".into()]).is_err());
    }

    #[tokio::test]
    async fn a_file_is_read_as_it_is_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "s3cret\n").expect("written");
        let read = read_all(vec![("npm".into(), Source::File(path))]).await.expect("read");
        assert_eq!((read[0].id.as_str(), read[0].value.reveal()), ("npm", "s3cret\n"));
        let missing = read_all(vec![("npm".into(), Source::File("no/such".into()))]).await.expect_err("missing");
        assert!(missing.to_string().contains("no/such") && missing.title.contains("npm"), "{missing}");
    }
}
