//! What setting a folder up would do, file by file, and why: plain data, made by looking and changing nothing.

use std::path::{Path, PathBuf};

use super::found::{self, Found};
use super::{ignores, image, profile, recipes};
use crate::model::{Problem, text};
use crate::workspace::{Project, WorkspaceError, project, reading};

/// Readable by everybody, as files of a project are.
const OPEN: u32 = 0o644;
/// The same for a program.
const PROGRAM: u32 = 0o755;
/// For its owner alone.
const PRIVATE: u32 = 0o600;

/// What the image starts with.
pub(super) const ENTRYPOINT: &str = include_str!("../../../.systemprompt.example/entrypoint.sh");
const SERVICES: &str = "\
# What the platform runs beside the program: agents, AI providers, MCP servers. Nothing yet.
agents: {}
";

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The folder.
    pub root: PathBuf,
    /// What people call it, harmless.
    pub name: String,
    /// File by file, in the order in which they are made.
    pub steps: Vec<Step>,
    /// What a person should know before that: what was left out because it cannot be read, where the folder lies.
    pub notes: Vec<Problem>,
}

/// What would be done with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Below the folder, with `/` between its parts. Harmless text.
    pub path: String,
    /// What.
    pub action: Action,
    /// Why, in a few words.
    pub why: String,
    /// Its permission bits where it is made.
    pub mode: u32,
}

/// What is done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is not there, and is made.
    Write(Content),
    /// It is there and grows at its end; everything before stays.
    Add {
        /// What it was when the plan was made: another one is left alone.
        seen: Vec<u8>,
        /// What is added.
        more: String,
        /// That in words: `recipes deploy, logs`.
        what: String,
    },
    /// It is there and stays.
    Keep,
    /// It is there and stays, although a new one would be different.
    Differs,
    /// It cannot be looked at, or is no file; it stays.
    Blocked(Problem),
}

/// What goes into a new file. Secrets are made when they are written, and are in no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// This text.
    Text(String),
    /// A profile's secrets.
    Secrets,
    /// A private key.
    SigningKey,
}

impl Plan {
    /// True where anything would be made or would grow.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.steps.iter().any(|step| step.action.changes())
    }

    /// `6 files are made, 1 grows, 2 stay as they are`.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |wanted: fn(&Action) -> bool| self.steps.iter().filter(|step| wanted(&step.action)).count();
        let made = count(|action| matches!(action, Action::Write(_)));
        let grown = count(|action| matches!(action, Action::Add { .. }));
        let kept = self.steps.len() - made - grown;
        let one = |count: usize, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let parts = [
            one(made, "file is made", "files are made"),
            one(grown, "grows at its end", "grow at their end"),
            one(kept, "stays as it is", "stay as they are"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Action {
    /// True where the disk is not the same afterwards.
    #[must_use]
    pub fn changes(&self) -> bool {
        matches!(self, Self::Write(_) | Self::Add { .. })
    }
}

/// What setting up this folder would do. Blocks: small files only.
///
/// # Errors
/// A folder that is none, that is taken by a file, or that may not be written to although there is something to write.
pub fn of_folder(root: &Path) -> Result<Plan, Problem> {
    let shown = text::line(&root.to_string_lossy());
    if !root.is_dir() {
        return Err(Problem::new(format!("{shown} is no folder.")).hint("Make it first, or change to another one."));
    }
    let own = root.join(project::DIRECTORY);
    if own.symlink_metadata().is_ok() && !own.is_dir() {
        return Err(Problem::new(format!("{} is no folder.", project::DIRECTORY))
            .detail(format!("Looked at {}.", text::line(&own.to_string_lossy())))
            .hint("Move it away: the project's files belong into a folder of that name."));
    }
    let mut found = found::look(root);
    let mut maker = Maker { root, steps: Vec::new() };
    maker.git();
    maker.profile(&mut found);
    maker.services(&mut found);
    maker.plain(".systemprompt/entrypoint.sh", ENTRYPOINT, PROGRAM, "migrates the database, then starts the program");
    maker.dockerfile(&found);
    maker.build(&found);
    let mut notes = found.mistakes.clone();
    notes.extend(place(root));
    let plan = Plan { root: root.to_owned(), name: found.name.clone(), steps: maker.steps, notes };
    if plan.has_work() {
        writable(root)?;
        if own.is_dir() {
            writable(&own)?;
        }
    }
    Ok(plan)
}

/// Where the folder lies, as far as that is odd.
fn place(root: &Path) -> Option<Problem> {
    if directories::BaseDirs::new().is_some_and(|base| base.home_dir() == root) {
        return Some(Problem::new("This is your home folder.").hint("A project is better off in a folder of its own."));
    }
    let above = Project::discover(root.parent()?).ok()?;
    let has_own = Project::discover(root).is_ok_and(|project| project.root == root);
    (!has_own).then(|| {
        Problem::new("This folder lies inside another project.")
            .detail(format!("That one is {}.", text::line(&above.root.to_string_lossy())))
            .hint("From here on this folder would be a project of its own.")
    })
}

fn writable(folder: &Path) -> Result<(), Problem> {
    use rustix::fs::Access;
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        Problem::new(format!("{} cannot be written to.", text::line(&folder.to_string_lossy())))
            .detail(format!("{}.", std::io::Error::from(error)))
            .hint("Make it yours, or change to a folder that is. Nothing was changed.")
    })
}

/// What is at a place.
enum There {
    Nothing,
    File(Vec<u8>),
    Other(Problem),
}

struct Maker<'a> {
    root: &'a Path,
    steps: Vec<Step>,
}

impl Maker<'_> {
    fn look(&self, path: &str) -> There {
        let place = self.root.join(path);
        if place.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return There::Nothing;
        }
        match reading::small_file(&place) {
            Ok(Some(bytes)) => There::File(bytes),
            // A link to nothing, or below something that is no folder.
            Ok(None) => {
                let cause = std::io::Error::other("it leads to nothing");
                There::Other(WorkspaceError::Read { path: place, cause }.problem())
            }
            Err(error) => There::Other(error.problem()),
        }
    }

    fn step(&mut self, path: &str, action: Action, why: impl Into<String>, mode: u32) {
        self.steps.push(Step { path: text::line(path), action, why: why.into(), mode });
    }

    /// A file that is made where it is missing, and else compared.
    fn plain(&mut self, path: &str, fresh: &str, mode: u32, why: impl Into<String>) {
        let action = match self.look(path) {
            There::Nothing => Action::Write(Content::Text(fresh.to_owned())),
            There::File(bytes) if bytes == fresh.as_bytes() => Action::Keep,
            There::File(_) => Action::Differs,
            There::Other(problem) => Action::Blocked(problem),
        };
        self.step(path, action, why, mode);
    }

    /// First of all, so that there is no moment in which a secret could be committed.
    fn git(&mut self) {
        const PATH: &str = ".systemprompt/.gitignore";
        let why = "keeps logins and secrets out of git";
        let action = match self.look(PATH) {
            There::Nothing => Action::Write(Content::Text(ignores::GIT.to_owned())),
            There::File(seen) => {
                let missing = ignores::missing_in_git(&String::from_utf8_lossy(&seen));
                let gap = if seen.is_empty() || seen.ends_with(b"\n") { "" } else { "\n" };
                let more = format!("{gap}{}", missing.iter().flat_map(|line| [*line, "\n"]).collect::<String>());
                if missing.is_empty() { Action::Keep } else { Action::Add { seen, more, what: missing.join(", ") } }
            }
            There::Other(problem) => Action::Blocked(problem),
        };
        self.step(PATH, action, why, OPEN);
    }

    fn profile(&mut self, found: &mut Found) {
        let place = format!(".systemprompt/profiles/{}", profile::NAME);
        let settings = format!("{place}/profile.yaml");
        let fresh = profile::settings(&found.name);
        let is_ours = matches!(self.look(&settings), There::File(bytes) if bytes == fresh.as_bytes());
        if !found.profiles.is_empty() && !is_ours {
            let why = format!("it has {}", found.profiles.join(", "));
            self.step(".systemprompt/profiles", Action::Keep, why, OPEN);
            return;
        }
        self.plain(&settings, &fresh, OPEN, "how the project runs on a tenant");
        for (name, content, why) in [
            ("secrets.json", Content::Secrets, "two secrets made for it, and room for yours"),
            ("signing_key.pem", Content::SigningKey, "the key that the platform signs with"),
        ] {
            let path = format!("{place}/{name}");
            let action = match self.look(&path) {
                There::Nothing => Action::Write(content),
                There::File(_) => Action::Keep,
                There::Other(problem) => Action::Blocked(problem),
            };
            self.step(&path, action, why, PRIVATE);
        }
        if found.profiles.is_empty() {
            found.profiles.push(profile::NAME.to_owned());
        }
    }

    fn services(&mut self, found: &mut Found) {
        if found.has_services {
            return;
        }
        self.plain("services/config/config.yaml", SERVICES, OPEN, "what runs beside the program: nothing yet");
        found.has_services = true;
    }

    fn dockerfile(&mut self, found: &Found) {
        let project = Project { root: self.root.to_owned() };
        let used = project.dockerfile().unwrap_or_else(|_| ".systemprompt/Dockerfile".to_owned());
        // First, because what is made for a Dockerfile depends on whether it was there before: broken off between the two, the
        // next run still sees that it was not.
        self.ignore_file(found, &used);
        if used == "Dockerfile" {
            self.step(&used, Action::Keep, "a deploy builds with it", OPEN);
        } else {
            self.plain(&used, &image::dockerfile(found), OPEN, contents(found));
        }
    }

    /// The ignore file of the Dockerfile `used`.
    fn ignore_file(&mut self, found: &Found, used: &str) {
        let is_new = matches!(self.look(used), There::Nothing);
        let ignore = format!("{used}.dockerignore");
        let root_rules = self.look(".dockerignore");
        let why = "keeps secrets and what nobody needs out of the image";
        let action = match (self.look(&ignore), &root_rules) {
            (There::File(_), _) => Action::Keep,
            (There::Other(problem), _) => Action::Blocked(problem),
            (There::Nothing, _) if is_new => {
                let theirs = match &root_rules {
                    There::File(bytes) => std::str::from_utf8(bytes).ok(),
                    _ => None,
                };
                Action::Write(Content::Text(ignores::beside_new_dockerfile(self.root, found, theirs)))
            }
            // The one at the root counts for a Dockerfile that was there before, and goes on doing so.
            (There::Nothing, There::File(_) | There::Other(_)) => {
                self.step(".dockerignore", Action::Keep, why, OPEN);
                return;
            }
            (There::Nothing, There::Nothing) => {
                let theirs = match self.look(used) {
                    There::File(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    There::Nothing | There::Other(_) => String::new(),
                };
                Action::Write(Content::Text(ignores::beside_old_dockerfile(&theirs)))
            }
        };
        self.step(&ignore, action, why, OPEN);
    }

    fn build(&mut self, found: &Found) {
        let is_justfile =
            |name: &String| name.eq_ignore_ascii_case("justfile") || name.eq_ignore_ascii_case(".justfile");
        let entries = std::fs::read_dir(self.root).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let justfile = names.into_iter().find(is_justfile);
        self.build_command(found, justfile.is_some());
        match justfile {
            None => {
                let fresh = Action::Write(Content::Text(recipes::whole(found)));
                self.step("justfile", fresh, format!("recipes {}", recipes::RECIPES.join(", ")), OPEN);
            }
            Some(name) => {
                let action = self.recipes(found, &name);
                self.step(&name, action, "recipes for the daily work", OPEN);
            }
        }
    }

    /// Where a justfile says how to build, nothing else has to.
    fn build_command(&mut self, found: &Found, has_justfile: bool) {
        const PATH: &str = ".systemprompt/build.json";
        let is_there = self.root.join(PATH).symlink_metadata().is_ok();
        if has_justfile && !is_there {
            return;
        }
        let command = match found.manifest {
            Some(manifest) if !found.needs_node() => {
                let mut words = vec!["cargo", "build", "--release"];
                if manifest != "Cargo.toml" {
                    words.extend(["--manifest-path", manifest]);
                }
                if !found.programs.is_empty() {
                    words.push("--workspace");
                }
                serde_json::json!(words)
            }
            // Nothing can be built, so nothing should be tried before each deploy.
            None if found.builds_nothing() && !is_there => return,
            _ => serde_json::json!(["just", "build-all"]),
        };
        let content = format!("{{\n  \"command\": {}\n}}\n", command.to_string().replace(',', ", "));
        let why = if is_there { "how the project is built" } else { "how the project is built before a deploy" };
        self.plain(PATH, &content, OPEN, why);
    }

    fn recipes(&self, found: &Found, name: &str) -> Action {
        let seen = match self.look(name) {
            There::File(bytes) => bytes,
            There::Other(problem) => return Action::Blocked(problem),
            There::Nothing => return Action::Keep,
        };
        let Ok(text) = std::str::from_utf8(&seen) else {
            let hint = "Save it as UTF-8, then recipes can be added.";
            return Action::Blocked(Problem::new(format!("{} is not UTF-8 text.", text::line(name))).hint(hint));
        };
        let read = |path: &str| {
            let bytes = reading::small_file(&self.root.join(path)).ok().flatten()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let Some(present) = recipes::Present::of(text, &read) else {
            let hint = "See that what it imports is there, then recipes can be added.";
            return Action::Blocked(
                Problem::new(format!("{} imports what cannot be read.", text::line(name))).hint(hint),
            );
        };
        let missing = present.missing();
        if missing.is_empty() {
            return Action::Keep;
        }
        let more = recipes::added(found, &missing, &present, text);
        let what = format!("recipes {}", missing.join(", "));
        Action::Add { seen, more, what }
    }
}

/// What the image has, in words.
fn contents(found: &Found) -> String {
    let mut parts = vec!["the program".to_owned()];
    let servers = found.programs.len() + found.packages.len();
    match servers {
        0 => {}
        1 => parts.push("1 MCP server".to_owned()),
        count => parts.push(format!("{count} MCP servers")),
    }
    for (is_there, word) in [(found.web.is_some(), "web pages"), (true, "services"), (found.has_storage, "storage")] {
        if is_there {
            parts.push(word.to_owned());
        }
    }
    format!("the image: {}", parts.join(", "))
}
