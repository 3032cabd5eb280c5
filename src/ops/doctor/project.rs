//! What the project folder must hold (protocol E.8, E.9): all checks that read files and nothing else.

use std::path::Path;

use super::database::{self, Address};
use super::finding::Finding;
use super::{Options, dockerfile, profile};
use crate::model::{Problem, TenantId, text};
use crate::ops::Session;
use crate::workspace::project::BINARIES;
use crate::workspace::services::{self, Extensions, Services};
use crate::workspace::{BuildCommand, Dockerfile, Profile, Project, WorkspaceError};

/// Where a finished web bundle lies.
const BUNDLES: [&str; 2] = ["web/dist", "core/web/dist"];

/// What the files told.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) dockerfile: Option<String>,
    pub(super) build_command: Option<BuildCommand>,
    pub(super) profile: Option<Profile>,
    /// The tenant's database, where it can be reached from here.
    pub(super) database: Option<Address>,
}

/// What the checks of this room look at.
pub(super) struct Look<'a> {
    pub(super) project: &'a Project,
    pub(super) tenant: Option<&'a TenantId>,
    /// The project's build will run before the image is built.
    pub(super) will_build: bool,
    /// The Management API is on this machine: no provider's proxies stand in front of its tenants.
    pub(super) is_local_api: bool,
}

/// Reads the project on a thread that may block.
pub(super) async fn examine(session: &Session, tenant: Option<TenantId>, options: &Options) -> (Vec<Finding>, Files) {
    let (project, options) = (session.project().clone(), options.clone());
    let is_local_api = session.client().base().is_loopback();
    let work = move || all(&project, tenant.as_ref(), &options, is_local_api);
    match tokio::task::spawn_blocking(work).await {
        Ok(found) => found,
        Err(stopped) => {
            let problem = Problem::new("The project could not be looked at.").detail(stopped.to_string());
            (vec![Finding::fail("project", problem)], Files::default())
        }
    }
}

pub(super) fn all(
    project: &Project,
    tenant: Option<&TenantId>,
    options: &Options,
    is_local_api: bool,
) -> (Vec<Finding>, Files) {
    let mut found = vec![Finding::pass("project", format!("{} at {}", project.name(), shown(&project.root)))];
    let used = match (tenant, &options.profile) {
        (Some(tenant), name) => crate::workspace::profile::of_tenant(project, tenant, name.as_deref()),
        (None, Some(name)) => crate::workspace::profile::named(project, name).map(Some),
        (None, None) => Ok(None),
    };
    let command = project.build_command();
    let will_build = options.project_build && matches!(command, Ok(Some(_)));
    let look = Look { project, tenant, will_build, is_local_api };
    let own = used.as_ref().ok().and_then(Option::as_ref).and_then(Profile::dockerfile);
    let path = own.map_or_else(|| project.dockerfile(), Ok);
    let content = path.as_deref().ok().and_then(|path| dockerfile::content(project, path));
    let read = content.as_deref().map(Dockerfile::parse);
    let extensions = services::extensions(project);
    let services = services::read(project);

    if !options.image_is_there {
        found.push(build(&look, command.as_ref(), read.as_ref()));
        found.extend(dockerfile::check(&look, path.as_ref(), content.as_deref().zip(read.as_ref()), &extensions));
        found.push(web(&look, read.as_ref()));
        found.extend(services_config(&look, services.as_ref()));
        found.extend(storage(project));
        found.extend(extension_config(&extensions));
    }
    let mut database = None;
    let used = match used {
        Ok(Some(used)) => {
            let (checks, secrets) = profile::check(&look, &used, services.as_ref().ok().and_then(Option::as_ref));
            found.extend(checks);
            let urls = ["external_database_url", "database_url"];
            let mut urls = urls.iter().filter_map(|key| secrets.as_ref()?.get(key));
            database = urls.find_map(database::address);
            Some(used)
        }
        Ok(None) => None,
        Err(error) => {
            found.push(Finding::fail("profile", error.problem()));
            None
        }
    };
    let dockerfile = path.ok().or_else(|| options.image_is_there.then(String::new));
    let files = Files { dockerfile, build_command: command.ok().flatten(), profile: used, database };
    (found, files)
}

/// A path as a person sees it.
pub(super) fn shown(path: &Path) -> String {
    text::short(&path.to_string_lossy(), 160)
}

fn build(
    look: &Look<'_>,
    command: Result<&Option<BuildCommand>, &WorkspaceError>,
    dockerfile: Option<&Dockerfile>,
) -> Finding {
    const NAME: &str = "build";
    let command = match command {
        Ok(command) => command,
        Err(error) => return Finding::fail(NAME, error.problem()),
    };
    if let Some(command) = command.as_ref().filter(|_| look.will_build) {
        return if is_program(&command.program, &look.project.root, std::env::var_os("PATH").as_deref()) {
            Finding::pass(NAME, format!("{} leaves the binary", command.shown))
        } else {
            let program = text::short(&command.program, 80);
            let problem = Problem::new(format!("The build's program {program} is not there."))
                .detail(format!("`{}` cannot be started.", command.shown))
                .hint(format!("Install {program}, or name another build command in .systemprompt/build.json."));
            Finding::fail(NAME, problem)
        };
    }
    match look.project.binary() {
        Ok(binary) => Finding::pass(NAME, format!("{binary} is there; nothing builds it anew")),
        Err(error) if BINARIES.iter().any(|path| dockerfile.is_some_and(|file| file.copies_path(path))) => {
            Finding::fail(NAME, error.problem())
        }
        Err(error) => {
            let problem = error.problem();
            Finding::warn(NAME, problem.title, problem.hint.unwrap_or_default())
        }
    }
}

/// True where the system would find the program.
fn is_program(program: &str, root: &Path, search: Option<&std::ffi::OsStr>) -> bool {
    if program.contains('/') {
        return is_executable(&root.join(program));
    }
    std::env::split_paths(search.unwrap_or_default()).any(|place| is_executable(&root.join(place).join(program)))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

fn web(look: &Look<'_>, dockerfile: Option<&Dockerfile>) -> Finding {
    const NAME: &str = "web";
    let root = &look.project.root;
    if let Some(bundle) = BUNDLES.into_iter().find(|place| root.join(place).join("index.html").is_file()) {
        return Finding::pass(NAME, format!("{bundle}/index.html"));
    }
    let needs_build = ["web", "core/web"].iter().any(|place| root.join(place).join("package.json").is_file());
    let copied = BUNDLES.into_iter().find(|place| {
        let sources = dockerfile.into_iter().flat_map(|file| &file.copies).flat_map(|copying| &copying.sources);
        sources
            .clone()
            .any(|source| source == place || source.strip_prefix(*place).is_some_and(|rest| rest.starts_with('/')))
    });
    match (copied, needs_build) {
        (None, false) => {
            let page = root.join("web/index.html").is_file();
            Finding::pass(NAME, if page { "web/index.html needs no build" } else { "no web bundle is needed" })
        }
        _ if look.will_build => Finding::pass(NAME, "the bundle is left to the build"),
        (Some(place), _) => Finding::fail(
            NAME,
            Problem::new(format!("Web build not found at {place}."))
                .detail("The Dockerfile copies it, and it has no index.html.")
                .hint("Run the web build, or leave the project's own build switched on."),
        ),
        (None, true) => {
            Finding::warn(NAME, "the web bundle was not built", "Run the web build, if the image needs it.")
        }
    }
}

fn services_config(look: &Look<'_>, services: Result<&Option<Services>, &WorkspaceError>) -> Option<Finding> {
    const NAME: &str = "services-config";
    if !look.project.root.join("services").is_dir() {
        return None;
    }
    let services = match services {
        Ok(Some(services)) => services,
        Ok(None) => {
            let hint = "Add it, or remove services/ if nothing uses it.";
            return Some(Finding::warn(NAME, format!("no {}", services::CONFIG), hint));
        }
        Err(error) => return Some(Finding::fail(NAME, error.problem())),
    };
    let Some(ai) = &services.ai else { return Some(Finding::pass(NAME, services::CONFIG)) };
    let named = ai.default_provider.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let wrong = match named.map(|name| (name, ai.providers.get(name))) {
        None => "it names no default provider".to_owned(),
        Some((name, None)) => format!("the default provider {} is not defined", text::short(name, 60)),
        Some((name, Some(provider))) if provider.as_ref().is_some_and(|provider| !provider.is_enabled()) => {
            format!("the default provider {} is switched off", text::short(name, 60))
        }
        Some((name, Some(_))) => {
            return Some(Finding::pass(NAME, format!("{}, AI by {}", services::CONFIG, text::short(name, 60))));
        }
    };
    let problem = Problem::new("The AI configuration has no usable default provider.")
        .detail(format!("{wrong}."))
        .hint("Set ai.default_provider to a provider below ai.providers that is enabled.");
    Some(Finding::fail(NAME, problem))
}

fn storage(project: &Project) -> Option<Finding> {
    let has = |place: &str| project.root.join(place).is_dir();
    let missing: Vec<&str> = [("storage", "storage/files"), ("services/web", "services/web/templates")]
        .into_iter()
        .filter(|(above, _)| has(above))
        .map(|(_, place)| place)
        .filter(|place| !has(place))
        .collect();
    if !missing.is_empty() {
        let hint = "The platform expects it there: make the folder.";
        return Some(Finding::warn("storage", format!("{} is missing", missing.join(", ")), hint));
    }
    has("storage").then(|| Finding::pass("storage", "storage/files"))
}

pub(super) fn extension_config(extensions: &Extensions) -> Option<Finding> {
    const NAME: &str = "extension-config";
    if let Some(error) = extensions.damaged.first() {
        return Some(Finding::fail(NAME, error.problem()));
    }
    if let Some(without) = extensions.found.iter().find(|found| found.is_deployed && found.binary.is_none()) {
        let problem = Problem::new(format!("Extension {} names no binary.", without.name))
            .hint("Add `binary:` to its manifest.yaml, or switch it off with `enabled: false`.");
        return Some(Finding::fail(NAME, problem));
    }
    let count = extensions.found.len();
    (count > 0).then(|| Finding::pass(NAME, super::plural(count, "extension")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::CheckResult;
    use tempfile::TempDir;

    /// A project of these files.
    pub(in crate::ops::doctor) fn project(files: &[(&str, &str)]) -> (TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, content) in [(".systemprompt/keep", ""), ("services/keep", "")].iter().chain(files) {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(&path, content).expect("a file");
            if path.ends_with("secrets.json") || path.ends_with("signing_key.pem") {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
                std::fs::set_permissions(&path, mode).expect("a mode");
            }
        }
        let project = Project { root: folder.path().to_owned() };
        (folder, project)
    }

    /// How the check of this name ends for a project of these files; `None` where there is no such check.
    pub(in crate::ops::doctor) fn result(files: &[(&str, &str)], will_build: bool, name: &str) -> Option<CheckResult> {
        check(files, will_build, name).map(|check| check.result)
    }

    pub(in crate::ops::doctor) fn check(
        files: &[(&str, &str)],
        will_build: bool,
        name: &str,
    ) -> Option<crate::model::Check> {
        let (_folder, project) = project(files);
        let tenant = TenantId::new("ten_1").expect("an id");
        let options = Options { project_build: will_build, ..Options::default() };
        let (found, _) = all(&project, Some(&tenant), &options, false);
        for finding in &found {
            let check = &finding.check;
            assert_eq!(check.hint.is_some(), check.result != CheckResult::Pass, "{check:?}");
            assert!(!format!("{check:?}").contains("hunter2"), "{check:?}");
        }
        found.into_iter().map(|finding| finding.check).find(|check| check.name == name)
    }

    use CheckResult::{Fail, Pass, Warn};

    const COPIES_BINARY: (&str, &str) =
        ("Dockerfile", "FROM a\nCOPY target/release/systemprompt /app/bin/\nUSER a\nHEALTHCHECK CMD x");
    const BUILD: (&str, &str) = (".systemprompt/build.json", r#"{"command": ["sh", "-c", "true"]}"#);

    #[test]
    fn build() {
        let binary = ("target/release/systemprompt", "");
        for (files, will_build, expected) in [
            (&[COPIES_BINARY, BUILD][..], true, Pass),
            (&[COPIES_BINARY, BUILD], false, Fail),
            (&[COPIES_BINARY, binary, BUILD], false, Pass),
            (&[COPIES_BINARY], true, Fail),
            (&[("Dockerfile", "FROM a")], true, Warn),
            (&[COPIES_BINARY, (".systemprompt/build.json", r#"{"command": ["no-such-program-here"]}"#)], true, Fail),
            (
                &[COPIES_BINARY, (".systemprompt/build.json", r#"{"command": ["./build.sh"]}"#), ("build.sh", "")],
                true,
                Fail,
            ),
            (&[COPIES_BINARY, (".systemprompt/build.json", "{")], true, Fail),
        ] {
            assert_eq!(result(files, will_build, "build"), Some(expected), "{files:?} {will_build}");
        }
        assert!(is_program("sh", Path::new("/"), Some("/nonexistent:/bin".as_ref())));
        assert!(!is_program("sh", Path::new("/"), None));
    }

    #[test]
    fn web() {
        let copies = ("Dockerfile", "FROM a\nCOPY web/dist /app/web");
        let copies_all = ("Dockerfile", "FROM a\nCOPY . /app");
        for (files, will_build, expected) in [
            (&[][..], false, Pass),
            (&[("web/index.html", "")], false, Pass),
            (&[("web/dist/index.html", ""), copies], false, Pass),
            (&[("core/web/dist/index.html", "")], false, Pass),
            (&[copies], false, Fail),
            (&[copies, BUILD], true, Pass),
            (&[("web/package.json", "{}")], false, Warn),
            (&[("web/package.json", "{}"), copies_all], false, Warn),
            (&[("web/package.json", "{}"), BUILD], true, Pass),
        ] {
            assert_eq!(result(files, will_build, "web"), Some(expected), "{files:?}");
        }
    }

    #[test]
    fn services_config() {
        let config = |content| [("services/config/config.yaml", content)];
        for (content, expected) in [
            ("agents: {}", Pass),
            ("", Pass),
            ("agents: [", Fail),
            ("includes: [../nowhere.yaml]", Fail),
            ("ai: {default_provider: own, providers: {own: {}}}", Pass),
            ("ai: {default_provider: own, providers: {own: }}", Pass),
            ("ai: {providers: {own: {api_key: hunter2}}}", Fail),
            ("ai: {default_provider: other, providers: {own: {api_key: hunter2}}}", Fail),
            ("ai: {default_provider: own, providers: {own: {enabled: false, api_key: hunter2}}}", Fail),
            ("ai: {default_provider: own, providers: {own: {enabled: hunter2}}}", Fail),
        ] {
            assert_eq!(result(&config(content), false, "services-config"), Some(expected), "{content}");
        }
        assert_eq!(result(&[], false, "services-config"), Some(Warn));
        let included = [
            ("services/config/config.yaml", "includes: [../ai/mine.yaml]"),
            ("services/ai/mine.yaml", "ai: {default_provider: nobody}"),
        ];
        assert_eq!(result(&included, false, "services-config"), Some(Fail));
        let beside =
            [("services/config/config.yaml", "a: 1"), ("services/ai/config.yaml", "ai: {default_provider: x}")];
        assert_eq!(result(&beside, false, "services-config"), Some(Fail));
    }

    #[test]
    fn storage_and_extensions() {
        for (files, name, expected) in [
            (&[][..], "storage", None),
            (&[("storage/x", "")], "storage", Some(Warn)),
            (&[("storage/files/x", "")], "storage", Some(Pass)),
            (&[("storage/files/x", ""), ("services/web/x", "")], "storage", Some(Warn)),
            (&[], "extension-config", None),
            (&[("extensions/a/manifest.yaml", "binary: x")], "extension-config", Some(Pass)),
            (
                &[("extensions/mcp/a/manifest.yaml", "extension: {type: mcp, binary: x}")],
                "extension-config",
                Some(Pass),
            ),
            (&[("extensions/a/manifest.yaml", "extension: {type: mcp}")], "extension-config", Some(Fail)),
            (&[("extensions/a/manifest.yaml", "extension: {enabled: false}")], "extension-config", Some(Pass)),
            (&[("extensions/a/manifest.yaml", "extension: [hunter2")], "extension-config", Some(Fail)),
        ] {
            assert_eq!(result(files, false, name), expected, "{files:?} {name}");
        }
    }

    #[test]
    fn a_profile_that_cannot_be_read_fails() {
        let bad = |content| [(".systemprompt/profiles/prod/profile.yaml", content)];
        assert_eq!(result(&bad("cloud: {tenant_id: ten_1\n"), false, "profile"), Some(Fail));
        assert_eq!(result(&bad("cloud: {tenant_id: other\n"), false, "profile"), None);
    }
}
