//! Does what a plan says, file by file, each of them whole or not at all. What has come or changed since the plan was made
//! is left alone and said.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::plan::{Action, Content, Plan, Step};
use super::profile;
use crate::model::{Check, CheckResult, Problem};
use crate::ops::doctor::offline;
use crate::workspace::{Credentials, Project, StateDirectory, WorkspaceError, atomic, reading};

/// What keeps secrets out of the repository.
const GIT_IGNORE: &str = ".systemprompt/.gitignore";
/// Below this, folders are for their owner alone: there are secrets in them.
const PROFILES: &str = ".systemprompt/profiles/";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The folder.
    pub root: PathBuf,
    /// File by file, in the plan's order.
    pub files: Vec<Made>,
    /// What stopped it midway. Calling it again goes on from there.
    pub problem: Option<Problem>,
    /// What a deploy still lacks, as far as files tell: checks that warn or fail.
    pub open: Vec<Check>,
    /// The project has a login already.
    pub has_login: bool,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Below the folder.
    pub path: String,
    /// What.
    pub outcome: Outcome,
    /// Why, in a few words.
    pub why: String,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was made.
    Written,
    /// It grew at its end.
    Added,
    /// It was there and is as it was.
    Kept,
    /// The same, and a new one would be different.
    WouldDiffer,
    /// It was not made; `why` says what was in the way.
    LeftOut,
}

impl Outcome {
    /// The word for people and for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Added => "added to",
            Self::Kept => "kept",
            Self::WouldDiffer => "kept, would differ",
            Self::LeftOut => "left out",
        }
    }

    /// What an action leads to where nothing is in the way.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        match action {
            Action::Write(_) => Self::Written,
            Action::Add { .. } => Self::Added,
            Action::Keep => Self::Kept,
            Action::Differs => Self::WouldDiffer,
            Action::Blocked(_) => Self::LeftOut,
        }
    }
}

/// Performs the plan. Blocks.
#[must_use]
pub fn perform(plan: &Plan) -> Done {
    let mut files = Vec::new();
    let mut problem = None;
    // Git would see the secrets.
    let mut is_bare = false;
    for step in &plan.steps {
        let (outcome, why) = if problem.is_some() {
            (Outcome::LeftOut, "not begun".to_owned())
        } else if is_bare && matches!(step.action, Action::Write(Content::Secrets | Content::SigningKey)) {
            (Outcome::LeftOut, format!("{GIT_IGNORE} does not keep it out of the repository"))
        } else {
            match do_step(&plan.root, step) {
                Ok(done) => done,
                Err(error) => {
                    problem = Some(error.problem());
                    (Outcome::LeftOut, "it cannot be written".to_owned())
                }
            }
        };
        is_bare |= outcome == Outcome::LeftOut && step.path == GIT_IGNORE;
        files.push(Made { path: step.path.clone(), outcome, why });
    }
    let project = Project { root: plan.root.clone() };
    let open = offline::files(&project).into_iter().filter(|check| check.result != CheckResult::Pass).collect();
    let kept = || StateDirectory::of_user()?.logins().ok()?.of_project(&project).cloned();
    let has_login = matches!(Credentials::read(&project), Ok(Some(_))) || kept().is_some();
    Done { root: plan.root.clone(), files, problem, open, has_login }
}

fn do_step(root: &Path, step: &Step) -> Result<(Outcome, String), WorkspaceError> {
    let path = root.join(&step.path);
    let planned = Outcome::of(&step.action);
    match &step.action {
        Action::Keep | Action::Differs => Ok((planned, step.why.clone())),
        Action::Blocked(problem) => Ok((planned, problem.title.clone())),
        Action::Write(content) => {
            make_folders(root, &step.path)?;
            match write(&path, content, step.mode) {
                Ok(true) => Ok((planned, step.why.clone())),
                Ok(false) => {
                    let how = profile::by_hand(&step.path);
                    Ok((
                        Outcome::LeftOut,
                        format!("this machine has no openssl that works; make it where one is: {how}"),
                    ))
                }
                Err(WorkspaceError::Write { cause, .. }) if cause.kind() == io::ErrorKind::AlreadyExists => {
                    Ok((Outcome::Kept, "it has come meanwhile".to_owned()))
                }
                Err(error) => Err(error),
            }
        }
        Action::Add { seen, more, what } => {
            if reading::small_file(&path)?.as_ref() != Some(seen) {
                return Ok((Outcome::LeftOut, "it has changed meanwhile".to_owned()));
            }
            append(&path, seen, more)?;
            Ok((planned, what.clone()))
        }
    }
}

/// False where this machine cannot make what is wanted.
fn write(path: &Path, content: &Content, mode: u32) -> Result<bool, WorkspaceError> {
    let secret = match content {
        Content::Text(text) => return atomic::write_new(path, text.as_bytes(), mode).map(|()| true),
        Content::Secrets => profile::secrets(),
        Content::SigningKey => match profile::signing_key() {
            Some(key) => key,
            None => return Ok(false),
        },
    };
    atomic::write_new(path, secret.reveal().as_bytes(), mode).map(|()| true)
}

/// The file with more at its end, in place of the one that a link leads to, and as readable as before.
fn append(path: &Path, seen: &[u8], more: &str) -> Result<(), WorkspaceError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |cause| WorkspaceError::Write { path: path.to_owned(), cause };
    let real = fs::canonicalize(path).map_err(failed)?;
    let permissions = fs::metadata(&real).map_err(failed)?.permissions();
    atomic::write(&real, &[seen, more.as_bytes()].concat(), permissions.mode() & 0o777)?;
    fs::set_permissions(&real, permissions).map_err(failed)
}

/// The folders above a file, as far as they are missing.
fn make_folders(root: &Path, path: &str) -> Result<(), WorkspaceError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut place = root.to_owned();
    let mut below = String::new();
    let Some((folders, _)) = path.rsplit_once('/') else { return Ok(()) };
    for name in folders.split('/') {
        place.push(name);
        below = below + name + "/";
        let mode = if below.starts_with(PROFILES) { 0o700 } else { 0o755 };
        match fs::DirBuilder::new().mode(mode).create(&place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => result.map_err(|cause| WorkspaceError::Write { path: place.clone(), cause })?,
        }
    }
    Ok(())
}
