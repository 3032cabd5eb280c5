//! `tenantry dockerfile`: prints the Dockerfile that fits what the project has, or says whether its own one does. Writes no
//! file: `tenantry init` does.

use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

use super::doctor::line;
use super::exit::Exit;
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
    Generate {
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Check the project's Dockerfile: programs, what it copies, and that no secret gets into the image.
    Validate {
        /// Another Dockerfile, by its path below the project's root.
        #[arg(value_name = "FILE")]
        file: Option<String>,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Problem> {
    let here = std::env::current_dir()
        .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
    let work = move || {
        let project = Project::discover(&here).map_err(|error| error.problem())?;
        answer(&project, arguments.command)
    };
    let done = tokio::task::spawn_blocking(work).await;
    let (said, exit) = done.map_err(|stopped| Problem::new("Looking stopped.").detail(stopped.to_string()))??;
    // A reader that went away is no reason to stop.
    let _ = std::io::stdout().lock().write_all(said.as_bytes());
    Ok(exit)
}

fn answer(project: &Project, wanted: Wanted) -> Result<(String, Exit), Problem> {
    match wanted {
        Wanted::Generate { json } => {
            let content = init::dockerfile(project)?;
            Ok((if json { format!("{:#}\n", json!({"content": content})) } else { content }, Exit::Done))
        }
        Wanted::Validate { file, json } => {
            let checks = doctor::offline::dockerfile_of(project, file);
            let has_failed = checks.iter().any(|check| check.result == CheckResult::Fail);
            let said = if json {
                format!("{:#}\n", json!({"valid": !has_failed, "checks": checks}))
            } else {
                checks.iter().map(line).collect()
            };
            Ok((said, if has_failed { Exit::Preflight } else { Exit::Done }))
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
        let (content, exit) = answer(&project, Wanted::Generate { json: false }).expect("generated");
        assert_eq!(exit, Exit::Done);
        put(".systemprompt/Dockerfile", &content);
        let validate = |file: Option<&str>| {
            answer(&project, Wanted::Validate { file: file.map(str::to_owned), json: true }).expect("an answer")
        };
        let (said, exit) = validate(None);
        assert_eq!(exit, Exit::Done, "{said}");

        put("extensions/b/manifest.yaml", "binary: systemprompt-b");
        let (said, exit) = validate(None);
        assert!(exit == Exit::Preflight && said.contains("lacks binaries"), "{said}");
        let (said, exit) = validate(Some("no/Dockerfile"));
        assert!(exit == Exit::Preflight && said.contains("cannot be read"), "{said}");
        put("extensions/b/manifest.yaml", "binary: [");
        assert!(answer(&project, Wanted::Generate { json: false }).is_err());
    }
}
