//! What a folder has that an image of it needs: programs, Node trees, a web bundle, services, profiles (protocol E.7).
//!
//! Reads names and small files; must not know how a Dockerfile or a recipe is written.

use std::fs;
use std::path::Path;

use crate::model::{Problem, text};
use crate::workspace::project::BINARIES;
use crate::workspace::{Project, dockerfile, profile, services};

/// The most folders of extensions that are looked at.
const MOST: usize = 200;
/// Where web sources lie, the better place first.
const WEB: [&str; 2] = ["web", "core/web"];
/// Where Node trees of MCP servers lie, all of them together.
const MCP: &str = "extensions/mcp";

/// See the module. Paths are below the root, with `/` between their parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is there or not")]
pub(super) struct Found {
    /// The folder's name, harmless.
    pub(super) name: String,
    /// The manifest of the Rust workspace; `None` where nothing is built with cargo.
    pub(super) manifest: Option<&'static str>,
    /// Where a build leaves programs: `target/release/`.
    pub(super) target: &'static str,
    /// The programs of MCP servers: file names.
    pub(super) programs: Vec<String>,
    /// Node trees that go into the image.
    pub(super) trees: Vec<String>,
    /// Folders with a `package.json` that have to be built before that, in those trees.
    pub(super) packages: Vec<String>,
    /// The pages or the bundle that go into the image.
    pub(super) web: Option<String>,
    /// The folder with the `package.json` that makes the bundle.
    pub(super) web_package: Option<String>,
    pub(super) has_services: bool,
    pub(super) has_storage: bool,
    /// Its profiles, sorted.
    pub(super) profiles: Vec<String>,
    /// What could not be read or taken, and is left out.
    pub(super) mistakes: Vec<Problem>,
}

impl Found {
    /// The release binary.
    pub(super) fn binary(&self) -> String {
        format!("{}systemprompt", self.target)
    }

    /// True where something has to be built besides the Rust workspace.
    pub(super) fn needs_node(&self) -> bool {
        self.web_package.is_some() || !self.packages.is_empty()
    }

    /// True where there is nothing that could be built.
    pub(super) fn builds_nothing(&self) -> bool {
        self.manifest.is_none() && !self.needs_node()
    }
}

/// Looks at the folder. Blocks.
pub(super) fn look(root: &Path) -> Found {
    let project = Project { root: root.to_owned() };
    let mut found = Found {
        name: project.name(),
        has_services: root.join("services").exists(),
        has_storage: root.join("storage").is_dir(),
        ..Found::default()
    };
    found.manifest = ["Cargo.toml", "core/Cargo.toml"].into_iter().find(|place| root.join(place).is_file());
    let built = project.binary().ok();
    let below_core = |path: &str| path.starts_with("core/");
    let builds_there = built.as_deref().map_or(found.manifest.is_some_and(below_core), below_core);
    found.target = if builds_there { "core/target/release/" } else { "target/release/" };
    debug_assert!(BINARIES.contains(&found.binary().as_str()));
    match profile::names(&project) {
        Ok(names) => found.profiles = names,
        Err(error) => found.mistakes.push(error.problem()),
    }
    programs(&project, &mut found);
    trees(root, &mut found);
    web(root, &mut found);
    found
}

fn programs(project: &Project, found: &mut Found) {
    let extensions = services::extensions(project);
    found.mistakes.extend(extensions.damaged.iter().map(crate::workspace::WorkspaceError::problem));
    for extension in extensions.found.into_iter().filter(|extension| extension.is_deployed) {
        let Some(name) = extension.binary.filter(|name| name != "systemprompt") else { continue };
        if !is_program(&name) {
            let problem = Problem::new(format!("Extension {} names a binary that no file is called.", extension.name));
            found
                .mistakes
                .push(problem.hint("Use letters, digits, dots, dashes and underscores in its manifest.yaml."));
        } else if !found.programs.contains(&name) {
            found.programs.push(name);
        }
    }
    found.programs.sort();
}

fn is_program(name: &str) -> bool {
    !name.starts_with(['.', '-']) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn trees(root: &Path, found: &mut Found) {
    let mut take = |tree: String, packages: Vec<String>| {
        if packages.is_empty() {
            return;
        }
        if !can_be_copied(&tree) {
            let problem = Problem::new(format!("{} cannot be named in a Dockerfile.", text::short(&tree, 80)));
            found.mistakes.push(problem.hint("Rename it without the characters * ? [ ] \\ $ and quotes."));
            return;
        }
        found.trees.push(tree);
        found.packages.extend(packages);
    };
    take(MCP.to_owned(), packages(root, MCP));
    for name in folders(&root.join("extensions")).into_iter().filter(|name| name != "mcp") {
        let tree = format!("extensions/{name}");
        let own = if has_package(root, &tree) { vec![tree.clone()] } else { Vec::new() };
        take(tree, own);
    }
}

/// The folder itself and those right below it, as far as they have a `package.json`.
fn packages(root: &Path, place: &str) -> Vec<String> {
    let below = folders(&root.join(place)).into_iter().map(|name| format!("{place}/{name}"));
    std::iter::once(place.to_owned()).chain(below).filter(|place| has_package(root, place)).collect()
}

fn has_package(root: &Path, place: &str) -> bool {
    root.join(place).join("package.json").is_file()
}

fn web(root: &Path, found: &mut Found) {
    for place in WEB {
        let has_source = has_package(root, place);
        if has_source || root.join(place).join("dist/index.html").is_file() {
            found.web = Some(format!("{place}/dist"));
            found.web_package = has_source.then(|| place.to_owned());
            return;
        }
    }
    // Pages that nothing has to build.
    found.web = WEB.into_iter().find(|place| root.join(place).join("index.html").is_file()).map(str::to_owned);
}

/// The names of the folders in `place` that are text, sorted; hidden ones and other people's code left out.
fn folders(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let readable = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> =
        readable.filter(|name| !name.starts_with('.') && name != "node_modules").take(MOST).collect();
    names.sort();
    names
}

/// True where a `COPY` takes the path for exactly this folder.
fn can_be_copied(path: &str) -> bool {
    !dockerfile::is_pattern(path) && !path.contains(['$', '"', '\'', ']']) && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::init::tests::folder;

    #[test]
    fn a_whole_project_is_seen() {
        let (_guard, root) = folder(&[
            ("Cargo.toml", ""),
            ("services/x", ""),
            ("storage/files/x", ""),
            ("web/package.json", "{}"),
            ("extensions/b/manifest.yaml", "binary: systemprompt-b"),
            ("extensions/a/manifest.yaml", "binary: systemprompt-a"),
            ("extensions/off/manifest.yaml", "{binary: x, enabled: false}"),
            ("extensions/mcp/mail/package.json", "{}"),
            ("extensions/mcp/node_modules/x/package.json", "{}"),
            ("extensions/chat room/package.json", "{}"),
            (".systemprompt/profiles/prod/profile.yaml", "{}"),
        ]);
        let found = look(&root);
        assert_eq!(found.programs, ["systemprompt-a", "systemprompt-b"]);
        assert_eq!(found.trees, ["extensions/mcp", "extensions/chat room"]);
        assert_eq!(found.packages, ["extensions/mcp/mail", "extensions/chat room"]);
        assert_eq!((found.web.as_deref(), found.web_package.as_deref()), (Some("web/dist"), Some("web")));
        assert!(found.has_services && found.has_storage && found.needs_node());
        assert_eq!((found.binary().as_str(), found.profiles), ("target/release/systemprompt", vec!["prod".to_owned()]));
        assert_eq!(found.mistakes, []);
    }

    #[test]
    fn the_binary_is_where_it_was_built_or_will_be() {
        for (files, binary) in [
            (&[][..], "target/release/systemprompt"),
            (&[("core/Cargo.toml", "")], "core/target/release/systemprompt"),
            (&[("core/Cargo.toml", ""), ("Cargo.toml", "")], "target/release/systemprompt"),
            (
                &[("Cargo.toml", ""), ("core/target/release/systemprompt", ""), ("core/Cargo.toml", "")],
                "core/target/release/systemprompt",
            ),
        ] {
            let (_guard, root) = folder(files);
            assert_eq!(look(&root).binary(), binary, "{files:?}");
        }
    }

    #[test]
    fn pages_need_no_build_and_a_bundle_is_enough() {
        for (files, web, package) in [
            (&[][..], None, None),
            (&[("web/index.html", "")], Some("web"), None),
            (&[("web/dist/index.html", "")], Some("web/dist"), None),
            (&[("core/web/package.json", "")], Some("core/web/dist"), Some("core/web")),
        ] {
            let (_guard, root) = folder(files);
            let found = look(&root);
            assert_eq!((found.web.as_deref(), found.web_package.as_deref()), (web, package), "{files:?}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_said() {
        let (_guard, root) = folder(&[
            ("extensions/a/manifest.yaml", "binary: '../../etc/passwd'"),
            ("extensions/b/manifest.yaml", "binary: ["),
            ("extensions/c*/package.json", "{}"),
        ]);
        let found = look(&root);
        assert_eq!((found.programs.len(), found.trees.len(), found.mistakes.len()), (0, 0, 3), "{found:?}");
        assert!(found.mistakes.iter().all(|mistake| mistake.hint.is_some()));
    }
}
