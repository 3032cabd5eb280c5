//! The sample project: small, real, and built without pulling an image.

use std::path::Path;

use crate::model::Problem;

/// Every file of it, by its path in the project.
const FILES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("../../assets/sample/manifest.toml")),
    ("src/main.rs", include_str!("../../assets/sample/src/main.rs")),
    ("justfile", include_str!("../../assets/sample/justfile")),
    ("web/index.html", include_str!("../../assets/sample/web/index.html")),
    ("services/config/config.yaml", include_str!("../../assets/sample/services/config/config.yaml")),
    (".dockerignore", include_str!("../../assets/sample/dockerignore")),
    (".systemprompt/Dockerfile", include_str!("../../assets/sample/systemprompt/Dockerfile")),
    (".systemprompt/build.json", include_str!("../../assets/sample/systemprompt/build.json")),
    (".systemprompt/.gitignore", include_str!("../../.systemprompt.example/.gitignore")),
];

/// The page that a change is made in, and what is changed.
pub const PAGE: &str = "web/index.html";

/// Writes the project, for a demo whose registry is at `registry`.
pub async fn write(root: &Path, registry: &str) -> Result<(), Problem> {
    for (path, content) in FILES {
        let path = root.join(path);
        let written = async {
            if let Some(folder) = path.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            tokio::fs::write(&path, content.replace("@REGISTRY@", registry)).await
        };
        written.await.map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

/// Makes version `to` of the page, as a person would in an editor.
pub async fn change(root: &Path, from: u32, to: u32) -> Result<(), Problem> {
    let path = root.join(PAGE);
    let change = async {
        let page = tokio::fs::read_to_string(&path).await?;
        tokio::fs::write(&path, page.replace(&title(from), &title(to))).await
    };
    change.await.map_err(|error| failed(&path, &error))
}

/// What the page says in its version `number`.
#[must_use]
pub fn title(number: u32) -> String {
    format!("Orchard, version {number}")
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new("The sample project could not be written.").detail(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_has_the_recipes_of_every_project_and_builds_as_before() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "127.0.0.1:5000").await.expect("written");
        let text = std::fs::read_to_string(folder.path().join("justfile")).expect("a justfile");
        let there = crate::workspace::justfile::recipes(&text);
        for name in crate::ops::init::RECIPES {
            assert!(there.contains(name), "{name}");
        }
        // `init` finds nothing to add, and the build of a deploy needs no `just`.
        let plan = crate::ops::init::of_folder(folder.path()).expect("a plan");
        let step = plan.steps.iter().find(|step| step.path == "justfile").expect("it is looked at");
        assert_eq!(step.action, crate::ops::init::Action::Keep);
        let project = crate::workspace::Project { root: folder.path().to_owned() };
        let command = project.build_command().expect("read").expect("a command");
        assert_eq!((command.program.as_str(), command.arguments[0].as_str()), ("cargo", "rustc"));
    }

    #[tokio::test]
    async fn a_change_makes_the_next_version() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "127.0.0.1:5000").await.expect("written");
        let page = || std::fs::read_to_string(folder.path().join(PAGE)).expect("the page");
        assert!(page().contains(&title(1)));
        change(folder.path(), 1, 2).await.expect("changed");
        assert!(page().contains(&title(2)) && !page().contains(&title(1)));
    }
}
