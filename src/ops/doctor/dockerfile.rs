//! The Dockerfile, judged before anything is built (protocol E.8).

use std::collections::BTreeSet;
use std::path::Path;

use super::finding::Finding;
use super::project::Look;
use crate::engine::Sent;
use crate::model::{Problem, text};
use crate::workspace::dockerfile::{before_pattern, is_pattern};
use crate::workspace::project::{self, BINARIES};
use crate::workspace::services::Extensions;
use crate::workspace::{Dockerfile, Generated, Project, WorkspaceError};

const NAME: &str = "dockerfile";
/// The largest Dockerfile that is looked at, bytes.
const LARGEST: u64 = 1024 * 1024;
/// The most names of the project that are looked at in search of secrets.
const MOST: usize = 50_000;
/// Folders of other people's code: keys in there are examples.
const SKIPPED: [&str; 2] = [".git", "node_modules"];
/// Where a build leaves programs.
const PROGRAMS: [&str; 2] = ["target/release/", "core/target/release/"];
/// Copies every program of the platform's extensions at once.
const ALL_PROGRAMS: &str = "target/release/systemprompt-*";

/// The Dockerfile's text; `None` where it cannot be read, or is none. A builder reads other bytes than UTF-8, too: a comment in
/// an old alphabet is no mistake, but where they hide every instruction nothing can be built.
pub(super) fn content(project: &Project, path: &str) -> Option<String> {
    let bytes = bytes(project, path)?;
    let text = String::from_utf8_lossy(&bytes);
    let begins = |line: &str| line.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("FROM "));
    let is_text = !bytes.contains(&0) && (std::str::from_utf8(&bytes).is_ok() || text.lines().any(begins));
    is_text.then(|| text.into_owned())
}

fn bytes(project: &Project, path: &str) -> Option<Vec<u8>> {
    let path = project.root.join(path);
    let is_small = std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
    if is_small { std::fs::read(path).ok() } else { None }
}

fn unread(project: &Project, path: &str) -> Problem {
    if bytes(project, path).is_some() {
        return Problem::new(format!("{path} is not text."))
            .detail("It holds zeros, or other bytes than text and no FROM.")
            .hint("Save it as UTF-8, or take a good one: `tenantry dockerfile generate` prints one that fits.");
    }
    Problem::new(format!("{path} cannot be read.")).hint("Check that you may read it, and its size.")
}

/// The check, and a second one where what may leave the machine is not what should.
pub(super) fn check(
    look: &Look<'_>,
    path: Result<&String, &WorkspaceError>,
    read: Option<(&str, &Dockerfile)>,
    extensions: &Extensions,
) -> Vec<Finding> {
    let path = match path {
        Ok(path) => path,
        Err(error) => return vec![Finding::fail(NAME, error.problem())],
    };
    let Some((content, file)) = read else {
        return vec![Finding::fail(NAME, unread(look.project, path))];
    };
    let sent = match Sent::read(&look.project.root, path) {
        Ok(sent) => sent,
        Err(error) => return vec![Finding::fail(NAME, error.problem())],
    };
    let problem = secrets(look.project, file, &sent)
        .or_else(|| programs(file, content, extensions))
        .or_else(|| missing(look, path, file, &sent));
    if let Some(problem) = problem {
        return vec![Finding::fail(NAME, problem)];
    }
    let mut warnings = warnings(look, file, content);
    warnings.extend(doubtful(look.project, file, &sent));
    if warnings.is_empty() {
        return vec![Finding::pass(NAME, path)];
    }
    let (details, hints): (Vec<_>, Vec<_>) = warnings.into_iter().unzip();
    vec![Finding::warn(NAME, format!("{path}: {}", details.join("; ")), hints.join(" "))]
}

/// Secrets that would end in the image.
fn secrets(project: &Project, file: &Dockerfile, sent: &Sent) -> Option<Problem> {
    let (first, more) = reached(project, file, sent, &|path| is_secret(project, path))?;
    Some(Problem::new("Secrets would be copied into the image.").detail(format!("A COPY reaches {first}{more}.")).hint(
        "Add .systemprompt/**/secrets.json, **/*.pem, **/*.bak, **/*.bak.* and .systemprompt/*.json to .dockerignore.",
    ))
}

/// What mostly holds secrets, and may not.
fn doubtful(project: &Project, file: &Dockerfile, sent: &Sent) -> Option<(String, &'static str)> {
    let (first, more) = reached(project, file, sent, &is_doubtful)?;
    let hint =
        "Where they hold secrets, add **/.env*, **/*.bak, **/*.bak.* and .systemprompt/docker to the ignore file.";
    Some((format!("it copies {first}{more}"), hint))
}

/// Files of variables, copies of files, and the Compose files of local databases, which hold their passwords.
fn is_doubtful(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_example = [".example", ".sample", ".template"].iter().any(|ending| name.ends_with(ending));
    path.starts_with(".systemprompt/docker/")
        || (name == ".env" || name.starts_with(".env.")) && !is_example
        || is_copy(name)
}

/// True for what was put aside as `.bak`, `.bak.2` and so on.
fn is_copy(name: &str) -> bool {
    name.rsplit_once(".bak").is_some_and(|(_, rest)| {
        rest.is_empty() || rest.strip_prefix('.').is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// The first files for which `is_wanted` holds and that a `COPY` reaches, and how many more there are.
fn reached(
    project: &Project,
    file: &Dockerfile,
    sent: &Sent,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Option<(String, String)> {
    let copies = file.copies.iter().filter(|copying| !copying.excludes).cloned().collect();
    let whole = Dockerfile { copies, ..Dockerfile::default() };
    // Where the platform keeps its secrets is looked at first and whole, however large the rest is.
    let mut wanted = |path: &str| is_wanted(path) && whole.copies_path(path);
    let mut found: BTreeSet<String> = sent.files(project::DIRECTORY, &SKIPPED, MOST, &mut wanted).into_iter().collect();
    let mut seen = BTreeSet::new();
    for copying in &whole.copies {
        for source in &copying.sources {
            let folder = before_pattern(source);
            if seen.insert(folder.clone()) {
                found.extend(sent.files(&folder, &SKIPPED, MOST, &mut wanted));
            }
            if is_wanted(source) && sent.has_file(source) && project.root.join(source).is_file() {
                found.insert(source.clone());
            }
        }
    }
    let all: Vec<String> = found.iter().take(3).map(|path| text::short(path, 80)).collect();
    let more = if found.len() > all.len() { format!(" and {} more", found.len() - all.len()) } else { String::new() };
    (!all.is_empty()).then(|| (all.join(", "), more))
}

/// True for the platform's files of secrets, and for private keys. A certificate is none.
fn is_secret(project: &Project, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_aside = |what: &str| name.strip_prefix(what).is_some_and(|rest| is_copy(&format!("x{rest}")));
    let is_login = matches!(path, ".systemprompt/credentials.json" | ".systemprompt/tenants.json")
        || ["credentials.json", "tenants.json", "secrets.json"].into_iter().any(is_aside);
    let is_key = || {
        let path = project.root.join(path);
        let is_small = std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
        is_small && std::fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"))
    };
    name == "secrets.json"
        || is_login
        || (Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("pem")) && is_key())
}

/// Programs of extensions that are not copied, and copies of programs that no extension has.
fn programs(file: &Dockerfile, content: &str, extensions: &Extensions) -> Option<Problem> {
    let deployed = extensions.found.iter().filter(|found| found.is_deployed);
    let wanted: BTreeSet<&str> = deployed.filter_map(|found| found.binary.as_deref()).collect();
    let named = names_in(content);
    let is_copied =
        |name: &str| named.contains(name) || PROGRAMS.iter().any(|place| file.copies_path(&format!("{place}{name}")));
    let has_all = content.contains(ALL_PROGRAMS);
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !has_all && !is_copied(name)).collect();
    // Only what comes from the project: another stage may build programs of its own.
    let sources = file.copies.iter().flat_map(|copying| &copying.sources).filter(|source| !is_pattern(source));
    let copied: BTreeSet<&str> =
        sources.filter_map(|source| PROGRAMS.iter().find_map(|place| source.strip_prefix(place))).collect();
    let stale: Vec<&str> =
        copied.difference(&wanted).copied().filter(|name| name.starts_with("systemprompt-")).collect();
    let missing_words = || format!("These binaries are not copied: {}.", missing.join(", "));
    let stale_words = || format!("These no longer belong to an extension: {}.", stale.join(", "));
    let (title, detail) = match (missing.is_empty(), stale.is_empty()) {
        (true, true) => return None,
        (false, true) => ("The Dockerfile lacks binaries.", missing_words()),
        (true, false) => ("The Dockerfile copies binaries that no longer exist.", stale_words()),
        (false, false) => {
            ("The Dockerfile does not fit the extensions.", format!("{} {}", missing_words(), stale_words()))
        }
    };
    Some(Problem::new(title).detail(detail).hint(format!(
        "Correct its COPY lines, or copy {ALL_PROGRAMS} at once; `tenantry dockerfile generate` prints one that fits."
    )))
}

/// What stands behind `target/release/` in the lines that are no comments.
fn names_in(content: &str) -> BTreeSet<&str> {
    let lines = content.lines().filter(|line| !line.trim_start().starts_with('#'));
    let behind = lines.flat_map(|line| line.split("target/release/").skip(1));
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ']' | '/');
    behind.filter_map(|rest| rest.split(ends).next()).filter(|name| !name.is_empty()).collect()
}

/// The first source of a `COPY` that will not be there.
fn missing(look: &Look<'_>, path: &str, file: &Dockerfile, sent: &Sent) -> Option<Problem> {
    for copying in &file.copies {
        for source in copying.sources.iter().filter(|source| !source.is_empty()) {
            let shown = text::short(source, 120);
            let place = before_pattern(source);
            let on_disk = look.project.root.join(&place);
            let wrong = |title: String, hint: &str| {
                Some(Problem::new(title).detail(format!("{path}, line {}.", copying.line)).hint(hint))
            };
            let Ok(meta) = std::fs::metadata(&on_disk) else {
                // What a build makes is not there before it; the binary is another check's business.
                let is_made = look.will_build && look.project.generates(source) != Generated::No;
                if is_made || BINARIES.contains(&source.as_str()) {
                    continue;
                }
                return wrong(format!("Nothing to copy at {shown}."), "Correct the COPY, or make what it names.");
            };
            let is_sent = if meta.is_dir() { sent.has_folder(&place) } else { sent.has_file(&place) };
            if !is_sent && !is_pattern(source) {
                let hint = "Remove the rule from .dockerignore, or the COPY.";
                return wrong(format!("The ignore file excludes {shown}, which is copied."), hint);
            }
        }
    }
    None
}

fn warnings(look: &Look<'_>, file: &Dockerfile, content: &str) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    if !BINARIES.iter().any(|path| file.copies_path(path)) && !content.contains("target/release") {
        found.push(("it copies no release binary".to_owned(), "Copy target/release/systemprompt."));
    }
    if !file.has_user {
        found.push(("it has no USER, so the program runs as root".to_owned(), "Add a USER."));
    }
    if !file.has_health_check {
        found.push(("it has no HEALTHCHECK".to_owned(), "Add a HEALTHCHECK that asks /api/v1/health."));
    }
    let sources = file.copies.iter().flat_map(|copying| &copying.sources);
    for source in sources.filter(|source| !is_pattern(source) && look.will_build) {
        if !look.project.root.join(source).exists() && look.project.generates(source) == Generated::Perhaps {
            let detail = format!("{} is not there yet", text::short(source, 80));
            found.push((detail, "See that the project's build makes it."));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::project::tests::{check, result};
    use crate::model::CheckResult::{self, Fail, Pass, Warn};

    const END: &str = "\nUSER app\nHEALTHCHECK CMD x\n";
    const BINARY: (&str, &str) = ("target/release/systemprompt", "");
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";

    fn of(copies: &str, files: &[(&str, &str)], will_build: bool) -> CheckResult {
        let content = format!("FROM a\nCOPY target/release/systemprompt /app/bin/\n{copies}{END}");
        let build = (".systemprompt/build.json", r#"{"command": ["sh"]}"#);
        let own = [("Dockerfile", content.as_str()), BINARY, build];
        let all: Vec<_> = own.into_iter().chain(files.iter().copied()).collect();
        result(&all, will_build, "dockerfile").expect("a check")
    }

    #[test]
    fn sources_must_be_there() {
        for (copies, files, will_build, expected) in [
            ("COPY web /app", &[("web/x", "")][..], false, Pass),
            ("COPY wb /app", &[("web/x", "")], true, Fail),
            ("COPY web/dist /app", &[], true, Pass),
            ("COPY web/dist /app", &[], false, Fail),
            ("COPY schema.json /app", &[(".gitignore", "/schema.json")], true, Warn),
            ("COPY schema.json /app", &[(".gitignore", "/schema.json")], false, Fail),
            ("COPY *.json /app", &[], false, Pass),
            ("COPY config/*.json /app", &[], false, Fail),
            ("COPY $X /app\nCOPY --from=b /y /y\nADD https://h/x /", &[], false, Pass),
            ("COPY web /app", &[("web/x", ""), (".dockerignore", "web")], false, Fail),
            ("COPY web /app", &[("web/x", ""), (".dockerignore", "web\n!web/x")], false, Pass),
            ("COPY a.txt /app", &[("a.txt", ""), (".dockerignore", "*.txt")], false, Fail),
            ("COPY a.txt /app", &[("a.txt", ""), (".dockerignore", "[")], false, Fail),
        ] {
            assert_eq!(of(copies, files, will_build), expected, "{copies} {files:?} {will_build}");
        }
    }

    #[test]
    fn secrets_stay_out_of_the_image() {
        let profile = ".systemprompt/profiles/prod/secrets.json";
        for (copies, files, expected) in [
            ("COPY . /app", &[(profile, "{}")][..], Fail),
            ("COPY . /app", &[(profile, "{}"), (".dockerignore", ".systemprompt/**/secrets.json")], Pass),
            ("COPY . /app", &[(profile, "{}"), ("Dockerfile.dockerignore", ".systemprompt/**/secrets.json")], Pass),
            ("COPY .systemprompt/profiles /app/p", &[(profile, "{}")], Fail),
            ("COPY .systemprompt/profiles/*/secrets.json /app/p", &[(profile, "{}")], Fail),
            ("COPY .systemprompt/profiles/prod/secrets.json /x", &[(profile, "{}")], Fail),
            ("COPY web /app", &[(profile, "{}"), ("web/x", "")], Pass),
            ("COPY --from=x . /app", &[(profile, "{}")], Pass),
            ("COPY . /app", &[(".systemprompt/credentials.json", "{}")], Fail),
            ("COPY . /app", &[(".systemprompt/credentials.json.bak.2", "{}")], Fail),
            ("COPY . /app", &[(".systemprompt/profiles/prod/secrets.json.bak", "{}")], Fail),
            ("COPY . /app", &[(".env", "A=b")], Warn),
            ("COPY web /app", &[(".env", "A=b"), ("web/x", "")], Pass),
            ("COPY . /app", &[("web/.env.local", "A=b")], Warn),
            ("COPY . /app", &[("web/.env.example", "A=")], Pass),
            ("COPY . /app", &[(".systemprompt/docker/barn_1.yaml", "")], Warn),
            ("COPY . /app", &[("notes.bak", "")], Warn),
            ("COPY . /app", &[(".env", "A=b"), (".dockerignore", "**/.env*")], Pass),
            ("COPY certs /app", &[("certs/server.pem", KEY)], Fail),
            ("COPY certs/*.crt /app", &[("certs/server.pem", KEY)], Pass),
            ("COPY certs /app", &[("certs/ca.pem", "-----BEGIN CERTIFICATE-----")], Pass),
            ("COPY . /app", &[("node_modules/tls/test.pem", KEY)], Pass),
            ("COPY --exclude=*.pem certs /app", &[("certs/server.pem", KEY)], Pass),
        ] {
            assert_eq!(of(copies, files, false), expected, "{copies} {files:?}");
        }
    }

    #[test]
    fn programs_of_extensions_must_be_copied() {
        let manifest = "extensions/a/manifest.yaml";
        let (mcp, off) = ("binary: systemprompt-a", "{binary: systemprompt-a, enabled: false}");
        let there = ("target/release/systemprompt-a", "");
        for (copies, files, words) in [
            ("", &[(manifest, mcp)][..], Some("lacks binaries")),
            ("COPY target/release/systemprompt-a /app/bin/", &[(manifest, mcp), there], None),
            ("COPY target/release/systemprompt-* /app/bin/", &[(manifest, mcp), there], None),
            ("COPY target/release/systemprompt-a /app/bin/", &[(manifest, off), there], Some("no longer exist")),
            ("COPY target/release/systemprompt-b /app/bin/", &[(manifest, mcp), there], Some("does not fit")),
            ("COPY --from=x /src/target/release/systemprompt-b /app/bin/", &[], None),
            ("COPY target /app/target", &[(manifest, mcp), there], None),
            ("", &[(manifest, off)], None),
            ("", &[(manifest, "{binary: x, dev_only: true}")], None),
            ("", &[(manifest, "{binary: x, type: blog}")], None),
        ] {
            let content = format!("FROM a\nCOPY target/release/systemprompt /app/bin/\n{copies}{END}");
            let all: Vec<_> =
                [("Dockerfile", content.as_str()), BINARY].into_iter().chain(files.iter().copied()).collect();
            let check = check(&all, false, "dockerfile").expect("a check");
            assert_eq!(check.result, if words.is_some() { Fail } else { Pass }, "{copies} {files:?} {check:?}");
            assert!(words.is_none_or(|words| check.detail.contains(words)), "{check:?}");
        }
    }

    #[test]
    fn what_only_warns() {
        for (content, words) in [
            ("FROM a\nCOPY target/release/systemprompt /\nHEALTHCHECK CMD x", "no USER"),
            ("FROM a\nCOPY target/release/systemprompt /\nUSER x", "no HEALTHCHECK"),
            ("FROM a\nUSER x\nHEALTHCHECK CMD x", "no release binary"),
        ] {
            let check = check(&[("Dockerfile", content), BINARY], false, "dockerfile").expect("a check");
            assert!(check.result == Warn && check.detail.contains(words), "{check:?}");
        }
        assert_eq!(result(&[], false, "dockerfile"), Some(Fail));
    }

    #[test]
    fn what_is_no_text_is_no_dockerfile() {
        let utf16: Vec<u8> = "FROM a\nUSER x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("Dockerfile"), b"# caf\xe9\nfrom a\n").expect("written");
        let project = crate::workspace::Project { root: folder.path().to_owned() };
        assert!(super::content(&project, "Dockerfile").is_some(), "a comment in an old alphabet is no mistake");
        for bytes in [&utf16[..], b"\xff\xfe\x00\x80 random", b"FROM a\n\0", b"\xffFROM a\n"] {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(folder.path().join("Dockerfile"), bytes).expect("written");
            let project = crate::workspace::Project { root: folder.path().to_owned() };
            let checks = crate::ops::doctor::offline::dockerfile_of(&project, None);
            let told = checks.iter().find(|check| check.result == Fail).map(|check| check.detail.clone());
            assert!(told.as_ref().is_some_and(|told| told.contains("is not text")), "{checks:?}");
        }
    }

    #[test]
    fn the_profiles_own_dockerfile_wins() {
        let profile = (".systemprompt/profiles/prod/profile.yaml", "cloud: {tenant_id: ten_1}");
        let own = (".systemprompt/profiles/prod/docker/Dockerfile", "FROM a\nCOPY nowhere /");
        let good = format!("FROM a\nCOPY target/release/systemprompt /{END}");
        let check = check(&[("Dockerfile", &good), BINARY, profile, own], false, "dockerfile").expect("a check");
        assert!(check.result == Fail && check.detail.contains("profiles/prod/docker/Dockerfile"), "{check:?}");
    }
}
