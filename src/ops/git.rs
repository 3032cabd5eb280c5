//! Which source a project stands at, as git tells it. Never holds a deploy up, and never asks anybody anything.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::model::GitRevision;

/// How long git may take for all of it.
const LIMIT: Duration = Duration::from_secs(2);
/// Variables that would lead git to another repository: it may have been git that started this program, as a hook.
const ELSEWHERE: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"];

/// The commit that the folder stands at, and whether the folder has changes beside it. `None` without git, a repository
/// or a commit. Where git does not tell in time, there may be changes, and that is what is said.
pub(super) async fn revision(folder: &Path) -> Option<GitRevision> {
    let commit = tokio::time::timeout(LIMIT, commit(folder));
    let dirty = tokio::time::timeout(LIMIT, is_dirty(folder));
    let (commit, dirty) = tokio::join!(commit, dirty);
    Some(GitRevision { commit: commit.ok()??, dirty: dirty.unwrap_or(true) })
}

async fn commit(folder: &Path) -> Option<String> {
    let output = git(folder, &["rev-parse", "--verify", "HEAD"]).output().await.ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    let fits = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    (output.status.success() && fits).then_some(commit)
}

/// True where git prints anything about the folder, or cannot tell. The first byte is enough: a list of a hundred
/// thousand new files is not waited for.
async fn is_dirty(folder: &Path) -> bool {
    let look = async {
        let mut child = git(folder, &["status", "--porcelain", "--", "."]).spawn()?;
        let Some(mut output) = child.stdout.take() else { return Ok(true) };
        if output.read(&mut [0]).await? > 0 {
            return Ok(true);
        }
        std::io::Result::Ok(!child.wait().await?.success())
    };
    look.await.unwrap_or(true)
}

/// Git with `arguments` in `folder`: takes no lock, starts no program of the repository's, and ends when it is dropped.
fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(["--no-pager", "-c", "core.fsmonitor=false"]).args(arguments).current_dir(folder);
    for variable in ELSEWHERE {
        command.env_remove(variable);
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, arguments: &[&str]) {
        let status = std::process::Command::new("git")
            .args(["-c", "user.name=Mara", "-c", "user.email=mara@orchard.example", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("git runs");
        assert!(status.success(), "{arguments:?}");
    }

    #[tokio::test]
    async fn commit_and_changes_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("project");
        std::fs::create_dir(&project).expect("made");
        assert_eq!(revision(&project).await, None, "no repository");
        run(folder.path(), &["init"]);
        assert_eq!(revision(&project).await, None, "no commit");
        std::fs::write(project.join("file"), "one").expect("written");
        run(folder.path(), &["add", "."]);
        run(folder.path(), &["commit", "-m", "one"]);
        let clean = revision(&project).await.expect("a commit");
        assert!(clean.commit.len() >= 40 && !clean.dirty, "{clean:?}");
        std::fs::write(folder.path().join("beside"), "").expect("written");
        assert_eq!(revision(&project).await, Some(clean.clone()), "outside of the project");
        std::fs::write(project.join("new"), "").expect("written");
        assert_eq!(revision(&project).await, Some(GitRevision { dirty: true, ..clean }));
        assert_eq!(revision(&folder.path().join("nowhere")).await, None);
    }
}
