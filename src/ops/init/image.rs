//! The Dockerfile for what a project has: the example's, with the `COPY` lines that fit (protocol E.7, E.8).
//!
//! Must not know files: it writes from what was found.

use super::found::Found;

/// Where the image's first program is in the project.
pub(super) const ENTRYPOINT: &str = ".systemprompt/entrypoint.sh";

const EXAMPLE: &str = include_str!("../../../.systemprompt.example/Dockerfile");
/// The packages of the example's image, and what Node trees need besides.
const PACKAGES: (&str, &str) = ("libssl3 lsof", "libssl3 lsof nodejs npm");
/// What stands above a generated one.
const HEADER: &str = "\
# The image of this project: what it has, as `tenantry dockerfile generate` found it. It is yours: change it, and
# `tenantry dockerfile validate` says whether it still fits.";

/// A path in the project and where it lies in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) from: String,
    to: String,
}

/// What is copied, the seldom changed first: what changes most comes last, so that most layers stay as they are.
pub(super) fn copies(found: &Found) -> Vec<Copied> {
    let mut all = Vec::new();
    let mut copy = |from: &str, to: &str| all.push(Copied { from: from.to_owned(), to: to.to_owned() });
    copy(ENTRYPOINT, "/app/entrypoint.sh");
    if found.has_storage {
        copy("storage", "/app/storage");
    }
    for tree in &found.trees {
        copy(tree, &format!("/app/{tree}"));
    }
    if let Some(web) = &found.web {
        copy(web, "/app/web");
    }
    if found.has_services {
        copy("services", "/app/services");
    }
    if !found.profiles.is_empty() {
        copy(".systemprompt/profiles", "/app/services/profiles");
    }
    for program in &found.programs {
        copy(&format!("{}{program}", found.target), "/app/bin/");
    }
    copy(&found.binary(), "/app/bin/");
    all
}

/// The Dockerfile.
pub(super) fn dockerfile(found: &Found) -> String {
    let is_copy = |line: &&str| line.starts_with("COPY ");
    // The first comment speaks of the example itself.
    let before = EXAMPLE.lines().skip(1).take_while(|line| !is_copy(line));
    let after = EXAMPLE.lines().skip_while(|line| !is_copy(line)).skip_while(is_copy);
    let needs_node = !found.trees.is_empty();
    let mut lines = vec![HEADER.to_owned()];
    lines.extend(before.map(|line| if needs_node { line.replace(PACKAGES.0, PACKAGES.1) } else { line.to_owned() }));
    lines.extend(copies(found).iter().map(line));
    lines.extend(after.map(str::to_owned));
    lines.join("\n") + "\n"
}

fn line(copied: &Copied) -> String {
    let Copied { from, to } = copied;
    if from.chars().any(char::is_whitespace) {
        let list = serde_json::json!([from, to]);
        format!("COPY --chown=app:app {list}")
    } else {
        format!("COPY --chown=app:app {from} {to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dockerfile;

    fn whole() -> Found {
        Found {
            target: "target/release/",
            web: Some("web/dist".into()),
            has_services: true,
            has_storage: true,
            profiles: vec!["production".into()],
            ..Found::default()
        }
    }

    #[test]
    fn of_a_whole_project_it_is_the_example() {
        let made = dockerfile(&whole());
        let without_header = |text: &str, lines: usize| text.lines().skip(lines).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(without_header(&made, HEADER.lines().count()), without_header(EXAMPLE, 1));
        assert!(made.ends_with('\n') && EXAMPLE.contains(PACKAGES.0));
    }

    #[test]
    fn it_copies_what_is_there_and_nothing_else() {
        let bare = Found { target: "core/target/release/", ..Found::default() };
        let read = Dockerfile::parse(&dockerfile(&bare));
        let sources: Vec<_> = read.copies.iter().flat_map(|copying| copying.sources.clone()).collect();
        assert_eq!(sources, [".systemprompt/entrypoint.sh", "core/target/release/systemprompt"]);
        assert!(read.has_user && read.has_health_check);

        let servers = Found {
            programs: vec!["systemprompt-a".into(), "mail".into()],
            trees: vec!["extensions/chat room".into()],
            ..whole()
        };
        let text = dockerfile(&servers);
        let read = Dockerfile::parse(&text);
        for source in ["target/release/systemprompt-a", "target/release/mail", "extensions/chat room", "storage"] {
            assert!(read.copies_path(source), "{source}\n{text}");
        }
        assert!(text.contains(" nodejs npm "), "{text}");
        assert!(text.contains(r#"["extensions/chat room","/app/extensions/chat room"]"#), "{text}");
    }
}
