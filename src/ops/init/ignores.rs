//! The ignore files: what git leaves out of the repository, and what Docker leaves out of the image (protocol E.1, E.7).
//!
//! Must not know whether a file is there already.

use super::found::Found;
use super::image;
use crate::engine::Sent;
use crate::workspace::Dockerfile;
use crate::workspace::credentials::IGNORED;

/// The `.gitignore` of a new `.systemprompt`.
pub(super) const GIT: &str = include_str!("../../../.systemprompt.example/.gitignore");
/// The ignore file beside a new Dockerfile.
const DOCKER: &str = include_str!("../../../.systemprompt.example/Dockerfile.dockerignore");
/// What must never be in an image, whatever the other rules say.
const SECRETS: &str = "\
.systemprompt/credentials.json
.systemprompt/tenants.json
.systemprompt/**/secrets.json
.systemprompt/docker
**/*.pem
**/.writing-*
**/*.bak
**/*.bak.*
backups
";
/// Files of variables, which mostly hold some.
const VARIABLES: &str = "**/.env*\n";

/// The lines for secrets that a `.gitignore` of a `.systemprompt` lacks.
pub(super) fn missing_in_git(present: &str) -> Vec<&'static str> {
    let has = |wanted: &str| present.lines().any(|line| line.trim_end() == wanted);
    if has("*") { Vec::new() } else { IGNORED.into_iter().filter(|line| !has(line)).collect() }
}

/// The ignore file beside a new Dockerfile. Docker does not read the `.dockerignore` at the root beside it, so the rules of
/// that one (`theirs`) come along, except where they keep out what the Dockerfile copies.
pub(super) fn beside_new_dockerfile(root: &std::path::Path, found: &Found, theirs: Option<&str>) -> String {
    let mut rules = DOCKER.to_owned();
    let theirs = theirs.filter(|theirs| Sent::by_rules(root, theirs).is_some());
    if let Some(theirs) = theirs {
        rules.push_str("\n# From .dockerignore, which Docker does not read beside this file.\n");
        rules.push_str(&without_comments(theirs));
    }
    let kept_out: Vec<String> = image::copies(found)
        .into_iter()
        .map(|copied| copied.from)
        .filter(|path| !Sent::by_rules(root, &rules).is_some_and(|sent| reaches(&sent, path)))
        // Whoever lets single things of a folder in means these.
        .filter(|path| !theirs.is_some_and(|theirs| lets_some_in(theirs, path)))
        .collect();
    if !kept_out.is_empty() {
        rules.push_str("\n# The Dockerfile copies these.\n");
        for path in kept_out {
            rules.extend(["!", path.as_str(), "\n"]);
        }
    }
    // Of several rules the last one counts, and theirs may let a whole folder in again.
    if rules.len() > DOCKER.len() {
        rules.push_str("\n# Whatever stands above: these never.\n");
        rules.push_str(SECRETS);
        rules.push_str(VARIABLES);
    }
    rules
}

/// The ignore file beside a Dockerfile that was there, where no other one counts: it keeps out secrets alone, so that
/// everything that is copied today still is; also a file of variables that the Dockerfile names.
pub(super) fn beside_old_dockerfile(dockerfile: &str) -> String {
    let read = Dockerfile::parse(dockerfile);
    let mut sources = read.copies.iter().flat_map(|copying| &copying.sources);
    let is_named = sources.any(|source| source.rsplit('/').next().is_some_and(|name| name.starts_with(".env")));
    let variables = if is_named { "" } else { VARIABLES };
    format!("# Secrets never belong into an image.\n{SECRETS}{variables}")
}

/// The rules of an ignore file without comments and empty lines, each with an end.
fn without_comments(theirs: &str) -> String {
    let rules = theirs.strip_prefix('\u{feff}').unwrap_or(theirs).lines();
    let kept = rules.filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    kept.flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// True where an exception is about something below the folder.
fn lets_some_in(theirs: &str, folder: &str) -> bool {
    let exceptions = theirs.lines().filter_map(|line| line.trim().strip_prefix('!'));
    exceptions.map(|rule| rule.trim().trim_start_matches('/')).any(|rule| {
        rule.strip_prefix(folder).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/')) || rule.starts_with("**")
    })
}

/// True where the path is sent, and what lies right below it where it is a folder.
fn reaches(sent: &Sent, path: &str) -> bool {
    sent.has_file(path) && sent.has_file(&format!("{path}/index.js"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::init::tests::folder;

    fn found() -> Found {
        Found { target: "target/release/", has_services: true, profiles: vec!["p".into()], ..Found::default() }
    }

    #[test]
    fn lines_for_git_are_added_where_they_are_missing() {
        assert_eq!(missing_in_git(GIT), [""; 0]);
        assert_eq!(missing_in_git("*\n"), [""; 0]);
        assert_eq!(
            missing_in_git("credentials.json\r\ntenants.json\n**/secrets.json\ndocker/\n"),
            ["**/*.pem", "**/.writing-*", "*.bak", "*.bak.*"]
        );
        assert_eq!(missing_in_git("").len(), IGNORED.len());
    }

    #[test]
    fn without_rules_of_the_project_it_is_the_example() {
        let (_guard, root) = folder(&[]);
        assert_eq!(beside_new_dockerfile(&root, &found(), None), DOCKER);
        // One that Docker would refuse is not taken over.
        assert_eq!(beside_new_dockerfile(&root, &found(), Some("[")), DOCKER);
    }

    #[test]
    fn the_projects_rules_come_along_and_keep_out_nothing_that_is_copied() {
        let (_guard, root) = folder(&[]);
        let rules = beside_new_dockerfile(&root, &found(), Some("private\ntarget\n**/services/*\n.systemprompt\n"));
        let sent = Sent::by_rules(&root, &rules).expect("rules");
        for path in ["target/release/systemprompt", "services/a/b", ".systemprompt/profiles/p/profile.yaml"] {
            assert!(sent.has_file(path), "{path}\n{rules}");
        }
        for path in [
            "private/x",
            "target/debug/x",
            ".systemprompt/profiles/p/secrets.json",
            "services/key.pem",
            "services/.env.local",
            ".git/config",
        ] {
            assert!(!sent.has_file(path), "{path}\n{rules}");
        }
        let rules = beside_new_dockerfile(&root, &found(), Some("*\n!.systemprompt\n!services\n!target\n"));
        let sent = Sent::by_rules(&root, &rules).expect("rules");
        assert!(sent.has_file("services/a") && sent.has_file(".systemprompt/profiles/p/profile.yaml"), "{rules}");
        for path in
            [".systemprompt/profiles/p/secrets.json", ".systemprompt/profiles/p/signing_key.pem", "services/.env"]
        {
            assert!(!sent.has_file(path), "{path} is let in again\n{rules}");
        }
        let rules = beside_new_dockerfile(&root, &found(), Some("services/*\n!services/config\n"));
        let sent = Sent::by_rules(&root, &rules).expect("rules");
        assert!(sent.has_file("services/config/x") && !sent.has_file("services/other/x"), "{rules}");
    }

    #[test]
    fn rules_come_without_their_comments() {
        assert_eq!(without_comments("\u{feff}# x\r\na\r\n\n  \n!b c \n #d"), "a\n!b c\n #d\n");
    }

    #[test]
    fn copies_of_databases_stay_out() {
        let (_guard, root) = folder(&[]);
        let sample = include_str!("../../../assets/sample/dockerignore").to_owned();
        let theirs = beside_new_dockerfile(&root, &found(), Some("!backups\n"));
        for rules in [DOCKER.to_owned(), theirs, beside_old_dockerfile("FROM a\nCOPY . /app\n"), sample] {
            let sent = Sent::by_rules(&root, &rules).expect("rules");
            assert!(!sent.has_file("backups/dev-2026-11-30-090807.dump"), "{rules}");
            for name in ["credentials.json.bak", "tenants.json.bak.2", "profiles/p/secrets.json.bak"] {
                assert!(!sent.has_file(&format!(".systemprompt/{name}")), "{name}\n{rules}");
            }
        }
    }

    #[test]
    fn beside_an_old_dockerfile_secrets_alone_stay_out() {
        let (_guard, root) = folder(&[]);
        let sent = Sent::by_rules(&root, &beside_old_dockerfile("FROM a\nCOPY . /app\n")).expect("rules");
        assert!(sent.has_file("docs/x") && sent.has_file("target/debug/x") && sent.has_file("README.md"));
        for path in
            [".systemprompt/profiles/p/secrets.json", "a/b.pem", ".env", "a/.env.local", ".systemprompt/docker/a.yaml"]
        {
            assert!(!sent.has_file(path), "{path}");
        }
        let sent = Sent::by_rules(&root, &beside_old_dockerfile("FROM a\nCOPY .env /app/\n")).expect("rules");
        assert!(sent.has_file(".env"), "what is copied by its name still is");
    }
}
