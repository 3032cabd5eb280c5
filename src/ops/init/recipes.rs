//! The justfile: the recipes that a project is worked with, and which of them one that is there lacks.
//!
//! What is added stands at the end, under names that nothing in the file has: no recipe, alias or module of it, and none of
//! the files that it imports. Must not run `just`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::found::Found;
use crate::workspace::justfile;

/// The recipes, in the order of the file. The first five are commands of this program: a test of the command line says
/// when that is not true any more.
pub const RECIPES: [&str; 9] =
    ["login", "tenant", "deploy", "logs", "restart", "build", "build-web", "build-mcp", "build-all"];
/// The most files that are followed through `import`.
const MOST: usize = 50;

/// What a justfile has already.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Present {
    /// Names that cannot be given again.
    taken: BTreeSet<String>,
    /// Its `build` takes no argument.
    plain_build: bool,
}

impl Present {
    /// What is in the text and in what it imports, each read by `read`; `None` where one of those cannot be read: a recipe of
    /// ours could take the place of one in there.
    pub(super) fn of(text: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let mut found = Self { taken: justfile::recipes(text), plain_build: has_plain_build(text) };
        let mut waiting = note(text, "", &mut found.taken);
        let mut seen = BTreeSet::new();
        while let Some((path, is_optional)) = waiting.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            if seen.len() > MOST {
                return None;
            }
            match read(&path) {
                Some(text) => {
                    found.taken.extend(justfile::recipes(&text));
                    found.plain_build |= has_plain_build(&text);
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    waiting.extend(note(&text, folder, &mut found.taken));
                }
                None if is_optional => {}
                None => return None,
            }
        }
        Some(found)
    }

    /// The recipes that are missing.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        RECIPES.into_iter().filter(|name| !self.taken.contains(*name)).collect()
    }
}

/// Notes the modules of a file, and answers what it imports and whether that may be missing.
fn note(text: &str, folder: &str, taken: &mut BTreeSet<String>) -> Vec<(String, bool)> {
    let mut imports = Vec::new();
    // An indented line belongs to a recipe, and is the shell's.
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        let mut words = line.split_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        match first {
            "mod" | "mod?" => {
                taken.insert(second.to_owned());
            }
            "import" | "import?" => {
                let path = line.split_once(['\'', '"']).map_or(second, |(_, rest)| rest);
                let path = path.split(['\'', '"']).next().unwrap_or_default().to_owned();
                let path = if folder.is_empty() || path.starts_with('/') { path } else { format!("{folder}/{path}") };
                imports.push((path, first == "import?"));
            }
            _ => {}
        }
    }
    imports
}

/// `build:`, whatever it depends on.
fn has_plain_build(text: &str) -> bool {
    let heads = text.lines().filter_map(|line| line.strip_prefix('@').unwrap_or(line).strip_prefix("build"));
    heads.map(str::trim_start).any(|rest| rest.starts_with(':') && !rest.starts_with(":="))
}

/// A justfile with all of them.
pub(super) fn whole(found: &Found) -> String {
    let default = "# List the recipes\ndefault:\n    @just --list\n";
    format!("# `just` lists what can be done here.\n\n{default}{}", some(found, &RECIPES, &Present::default()))
}

/// What makes a justfile have these as well.
pub(super) fn added(found: &Found, missing: &[&str], present: &Present, text: &str) -> String {
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{gap}\n# Added by `tenantry init`.\n{}", some(found, missing, present))
}

fn some(found: &Found, wanted: &[&str], present: &Present) -> String {
    let mut out = String::new();
    for name in RECIPES.into_iter().filter(|name| wanted.contains(name)) {
        let _ = write!(out, "\n{}", recipe(found, name, present));
    }
    out
}

fn recipe(found: &Found, name: &str, present: &Present) -> String {
    match name {
        "build" => build(found),
        "build-web" => build_web(found),
        "build-mcp" => build_mcp(found),
        "build-all" if found.builds_nothing() && !present.taken.contains("build") => {
            "# Everything that the image needs\nbuild-all:\n    @echo 'There is nothing to build yet.'\n".to_owned()
        }
        "build-all" => {
            let flags = if present.plain_build { "" } else { " --release" };
            format!(
                "# Everything that the image needs; `tenantry deploy` runs it first\nbuild-all:\n    just build{flags}\n    just \
                 build-mcp\n    just build-web\n"
            )
        }
        name => of_program(name),
    }
}

/// A recipe that runs this program.
fn of_program(name: &str) -> String {
    let about = match name {
        "login" => "Log in to the cloud",
        "tenant" => "Buy tenants, list and change them",
        "deploy" => "Build the project, push its image and deploy it to a tenant",
        "logs" => "Read a tenant's log",
        _ => "Start a tenant's machine again",
    };
    format!("# {about}\n{name} *ARGS:\n    tenantry {name} {{{{ARGS}}}}\n")
}

fn cargo(found: &Found) -> Option<String> {
    let manifest = found.manifest?;
    Some(if manifest == "Cargo.toml" { String::new() } else { format!(" --manifest-path {manifest}") })
}

fn build(found: &Found) -> String {
    let body = match cargo(found) {
        Some(manifest) => format!("cargo build{manifest} {{{{FLAGS}}}}"),
        None => "@echo 'There is no Cargo.toml here: nothing to build.'".to_owned(),
    };
    format!("# Build the program; `just build --release` is what an image needs\nbuild *FLAGS:\n    {body}\n")
}

fn build_web(found: &Found) -> String {
    let about = "# Build the web bundle\nbuild-web:\n";
    match &found.web_package {
        Some(place) => format!("{about}{}", npm(std::slice::from_ref(place), None)),
        None => format!("{about}    @echo 'There is no web/package.json: no web bundle to build.'\n"),
    }
}

fn build_mcp(found: &Found) -> String {
    let about = "# Build the MCP servers\nbuild-mcp:\n";
    let programs = cargo(found).filter(|_| !found.programs.is_empty()).map(|manifest| {
        let names = found.programs.iter().map(|name| format!(" --bin {name}")).collect::<Vec<_>>().concat();
        format!("cargo build{manifest} --release --workspace{names}")
    });
    match (programs, found.packages.as_slice()) {
        (None, []) => format!("{about}    @echo 'There are no MCP servers to build.'\n"),
        (Some(programs), []) => format!("{about}    {programs}\n"),
        (programs, packages) => format!("{about}{}", npm(packages, programs)),
    }
}

/// A body that does not depend on the shell that the file sets.
fn npm(places: &[String], before: Option<String>) -> String {
    let mut body = vec!["#!/bin/sh".to_owned(), "set -eu".to_owned()];
    body.extend(before);
    for place in places {
        // Both programs' own words for a quote in a quoted word.
        let place = place.replace('\'', r"'\''").replace("{{", "{{{{");
        body.push(format!("(cd '{place}' && if [ -f package-lock.json ]; then npm ci; else npm install; fi && npm run build --if-present)"));
    }
    body.into_iter().map(|line| format!("    {line}\n")).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn found() -> Found {
        Found {
            manifest: Some("Cargo.toml"),
            target: "target/release/",
            programs: vec!["systemprompt-a".into()],
            packages: vec!["extensions/chat room".into()],
            trees: vec!["extensions/chat room".into()],
            web_package: Some("web".into()),
            ..Found::default()
        }
    }

    #[test]
    fn a_new_file_has_every_recipe_and_lacks_none() {
        let text = whole(&found());
        let present = Present::of(&text, &nothing).expect("it imports nothing");
        assert_eq!(present.missing(), [""; 0]);
        for words in [
            "    tenantry deploy {{ARGS}}\n",
            "    cargo build {{FLAGS}}\n",
            "    just build --release\n",
            "--workspace --bin systemprompt-a\n",
            "(cd 'extensions/chat room' && if",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        let core = Found { manifest: Some("core/Cargo.toml"), ..Found::default() };
        assert!(whole(&core).contains("cargo build --manifest-path core/Cargo.toml {{FLAGS}}"));
        let nothing_there = whole(&Found::default());
        assert!(justfile::only_talks(&nothing_there, "build-all"), "{nothing_there}");
        assert!(!justfile::only_talks(&text, "build-all"));
        assert!(!nothing_there.contains("cargo") && !nothing_there.contains("npm"), "{nothing_there}");
    }

    #[test]
    fn only_names_that_are_free_are_added_and_what_is_there_stays() {
        for (text, free) in [
            ("", &RECIPES[..]),
            ("deploy:\n    x", &["login", "tenant", "logs", "restart", "build", "build-web", "build-mcp", "build-all"]),
            ("mod login\nmod? tenant 'x'\nalias logs := x\n@restart:\n\ndeploy a b='c':\n\nbuild:\n", &RECIPES[6..]),
        ] {
            let present = Present::of(text, &nothing).expect("nothing is imported");
            assert_eq!(present.missing(), free, "{text}");
            let more = format!("{text}{}", added(&found(), free, &present, text));
            assert!(more.starts_with(text));
            let again = Present::of(&more, &nothing).expect("nothing is imported");
            assert_eq!(again.missing(), [""; 0], "{more}");
        }
    }

    #[test]
    fn what_is_imported_counts_and_what_cannot_be_read_stops_it() {
        let read = |path: &str| match path {
            "more/web.just" => Some("import 'deep.just'\nbuild-web:\n".to_owned()),
            "more/deep.just" => Some("import 'web.just'\nlogs:\n".to_owned()),
            _ => None,
        };
        let present = Present::of("import 'more/web.just'\nimport? 'local.just'\n", &read).expect("all of it");
        assert!(!present.missing().contains(&"build-web") && !present.missing().contains(&"logs"));
        assert_eq!(Present::of("import \"no.just\"\n", &read), None);
        assert!(Present::of("run:\n    import \"no.just\"\n\tmod x\n", &read).is_some(), "a line of a recipe");
    }

    #[test]
    fn a_build_without_arguments_gets_none() {
        for (text, flags) in [
            ("build:\n    x\n", "    just build\n"),
            ("@build : check\n", "    just build\n"),
            ("build := 'x'\nbuild *FLAGS:\n", "    just build --release\n"),
        ] {
            let present = Present::of(text, &nothing).expect("nothing is imported");
            assert!(added(&found(), &["build-all"], &present, text).contains(flags), "{text}");
        }
    }
}
