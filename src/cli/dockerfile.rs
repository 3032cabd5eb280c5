//! `tenantry dockerfile`: prints the Dockerfile that fits what the project has, or says whether its own one does. Writes no
//! file: `tenantry init` does.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::doctor::line;
use super::exit::Exit;
use super::frame::{Failure, Nowhere, Output, Paint, until_stopped};
use crate::model::{CheckResult, Problem};
use crate::ops::{doctor, init};
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Wanted,
}

#[derive(Debug, Subcommand)]
enum Wanted {
    /// Print a Dockerfile for what the project has: its program, MCP servers, pages, services, profiles.
    #[command(
        after_help = "Examples:\n  tenantry dockerfile generate > .systemprompt/Dockerfile\n  tenantry dockerfile generate --json | jq -r .content"
    )]
    Generate(Generate),
    /// Check the project's Dockerfile: programs, what it copies, and that no secret gets into the image.
    #[command(
        after_help = "Examples:\n  tenantry dockerfile validate\n  tenantry dockerfile validate .systemprompt/Dockerfile --json"
    )]
    Validate(Validate),
}

#[derive(Debug, Args)]
struct Generate {
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Validate {
    /// Another Dockerfile, by its path below the project's root.
    #[arg(value_name = "FILE")]
    file: Option<String>,
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    output: Output,
}

/// What a command answers.
struct Answer {
    document: Value,
    text: String,
    /// What went wrong, where something did and nobody reads the text.
    failed: Option<Problem>,
    exit: Exit,
}

pub(super) async fn run(arguments: Arguments, stop: &CancellationToken) -> Exit {
    let output = match &arguments.command {
        Wanted::Generate(generate) => generate.output,
        Wanted::Validate(validate) => validate.output,
    };
    until_stopped(output, stop, async {
        let here = std::env::current_dir()
            .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
        let work = move || {
            let project = Project::discover(&here).map_err(|error| error.problem())?;
            answer(&project, arguments.command)
        };
        let done = tokio::task::spawn_blocking(work).await;
        let answer = done.map_err(|stopped| Problem::new("Looking stopped.").detail(stopped.to_string()))??;
        output.answer(&answer.document, &answer.text)?;
        if let Some(problem) = answer.failed.filter(|_| output.quiet()) {
            super::tell(&problem);
        }
        Ok::<_, Failure>(answer.exit)
    })
    .await
}

fn answer(project: &Project, wanted: Wanted) -> Result<Answer, Problem> {
    match wanted {
        Wanted::Generate(_) => {
            let content = init::dockerfile(project)?;
            Ok(Answer { document: json!({ "content": content }), text: content, failed: None, exit: Exit::Done })
        }
        Wanted::Validate(Validate { file, .. }) => {
            let checks = doctor::offline::dockerfile_of(project, file);
            let failed = checks.iter().find(|check| check.result == CheckResult::Fail);
            let failed = failed.map(|check| {
                let problem = Problem::new("The Dockerfile does not fit.").detail(check.detail.clone());
                match &check.hint {
                    Some(hint) => problem.hint(hint.clone()),
                    None => problem,
                }
            });
            let exit = if failed.is_some() { Exit::Preflight } else { Exit::Done };
            let document = json!({ "valid": failed.is_none(), "checks": checks });
            Ok(Answer { document, text: checks.iter().map(|check| line(check, Paint::out())).collect(), failed, exit })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_valid_and_what_does_not_fit_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |path: &str, content: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, content).expect("written");
        };
        put("Cargo.toml", "");
        put("services/config/config.yaml", "agents: {}");
        put("extensions/a/manifest.yaml", "binary: systemprompt-a");
        put(".systemprompt/entrypoint.sh", "");
        let project = Project { root: folder.path().to_owned() };
        let generate = || {
            let (nowhere, output) = Default::default();
            answer(&project, Wanted::Generate(Generate { nowhere, output }))
        };
        let generated = generate().expect("generated");
        assert_eq!((generated.exit, &generated.document["content"]), (Exit::Done, &json!(generated.text)));
        put(".systemprompt/Dockerfile", &generated.text);
        let validate = |file: Option<&str>| {
            let (nowhere, output) = Default::default();
            let wanted = Validate { file: file.map(str::to_owned), nowhere, output };
            let answer = answer(&project, Wanted::Validate(wanted)).expect("an answer");
            assert_eq!(answer.failed.is_none(), answer.document["valid"] == true);
            (answer.document.to_string(), answer.exit)
        };
        let (said, exit) = validate(None);
        assert_eq!(exit, Exit::Done, "{said}");

        put("extensions/b/manifest.yaml", "binary: systemprompt-b");
        let (said, exit) = validate(None);
        assert!(exit == Exit::Preflight && said.contains("lacks binaries"), "{said}");
        let (said, exit) = validate(Some("no/Dockerfile"));
        assert!(exit == Exit::Preflight && said.contains("cannot be read"), "{said}");
        put("extensions/b/manifest.yaml", "binary: [");
        assert!(generate().is_err());
    }
}
