//! The project's own build command, run before the image is built (protocol D.3, step 0): without it a
//! deploy after a change of source would ship the old binary.

use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{self, Sender};
use tokio_util::sync::CancellationToken;

use super::reporter::{Done, cancelled};
use crate::model::progress::{DeployProgress, DeployStep};
use crate::model::{Problem, Remedy, text};
use crate::workspace::{BuildCommand, Project};

/// Longest line kept, in bytes; a program may print without ever ending a line.
const LINE_LIMIT: usize = 4096;
/// How long output is still read after the program ended: a helper it left behind may hold the pipe open.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// Lines kept to find what the error message quotes.
const TAIL: usize = 200;
/// Lines that it quotes: what is wrong, and where.
const QUOTED: usize = 2;

/// Runs `command` in the project and says its output line by line. Cancelling ends it with everything it started.
pub(super) async fn run(
    project: &Project,
    command: &BuildCommand,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<Done<()>, Problem> {
    let mut child = Command::new(&command.program)
        .args(&command.arguments)
        .current_dir(&project.root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that the compiler that the build tool started ends with it, and so that
        // Ctrl-C in the terminal reaches this program alone, which then decides.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(project, command, &error))?;
    let (sender, mut lines) = mpsc::channel(64);
    let readers = [
        child.stdout.take().map(|pipe| tokio::spawn(read_lines(pipe, sender.clone()))),
        child.stderr.take().map(|pipe| tokio::spawn(read_lines(pipe, sender.clone()))),
    ];
    drop(sender);
    let mut tail = Tail::default();
    let group = Group::of(&child);
    let status = loop {
        tokio::select! {
            () = cancel.cancelled() => {
                group.end();
                let _ = child.wait().await;
                return Err(cancelled(DeployStep::Project));
            }
            Some(line) = lines.recv() => tail.say(line, progress).await,
            status = child.wait() => break status,
        }
    };
    let rest = async {
        while let Some(line) = lines.recv().await {
            tail.say(line, progress).await;
        }
    };
    let _ = tokio::time::timeout(AFTERWARDS, rest).await;
    for reader in readers.into_iter().flatten() {
        reader.abort();
    }
    match status {
        Ok(status) if status.success() => Ok(Done::new((), command.shown.clone())),
        Ok(status) => Err(Problem::new("The project's build failed.")
            .detail(format!("{} · `{}` ended with {status}.", tail.telling(), command.shown))
            .hint(format!("Correct it in {}, then deploy again.", project.root.display()))
            .remedy(Remedy::OpenLog)
            .remedy(Remedy::Retry)),
        Err(error) => Err(Problem::new("The project's build could not be watched.").detail(error.to_string())),
    }
}

fn not_started(project: &Project, command: &BuildCommand, error: &std::io::Error) -> Problem {
    let problem = Problem::new("The project's build could not be started.").detail(format!(
        "`{}` in {}: {error}",
        command.shown,
        project.root.display()
    ));
    if error.kind() == std::io::ErrorKind::NotFound {
        return problem.hint(format!(
            "Install `{}`, or name another build command in .systemprompt/build.json.",
            command.program
        ));
    }
    problem.hint("Check that the program may be run here.")
}

/// The process group of the build.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| rustix::process::Pid::from_raw(id.try_into().unwrap_or(0))))
    }

    fn end(&self) {
        if let Some(group) = self.0 {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    /// What the build left running in its group must not outlive the deploy.
    fn drop(&mut self) {
        self.end();
    }
}

/// The last lines, for the error message.
#[derive(Default)]
struct Tail(std::collections::VecDeque<String>);

impl Tail {
    async fn say(&mut self, line: String, progress: &Sender<DeployProgress>) {
        if self.0.len() == TAIL {
            self.0.pop_front();
        }
        self.0.push_back(line.clone());
        let _ = progress.send(DeployProgress::Output { step: DeployStep::Project, line }).await;
    }

    /// The lines that most likely say what is wrong: from the first that begins as an error, else the last ones.
    /// Their layout would not survive in a sentence, so they are few.
    fn telling(&self) -> String {
        let is_error =
            |line: &String| line.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("error"));
        let first = self.0.iter().position(is_error).unwrap_or(self.0.len().saturating_sub(QUOTED));
        let quoted: Vec<_> = self.0.iter().skip(first).take(QUOTED).map(|line| line.trim()).collect();
        if quoted.is_empty() { "It printed nothing".to_owned() } else { quoted.join(" · ") }
    }
}

/// Reads lines that end with `\n` or `\r` (progress bars), makes them harmless, and drops empty ones.
async fn read_lines(pipe: impl AsyncRead + Unpin, sender: Sender<String>) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(chunk) = reader.fill_buf().await {
        if chunk.is_empty() {
            break;
        }
        let end = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let taken = end.unwrap_or(chunk.len());
        let room = LINE_LIMIT.saturating_sub(line.len());
        line.extend_from_slice(chunk.get(..taken.min(room)).unwrap_or_default());
        let consumed = end.map_or(taken, |end| end + 1);
        reader.consume(consumed);
        if end.is_some() && !say_line(&mut line, &sender).await {
            return;
        }
    }
    say_line(&mut line, &sender).await;
}

async fn say_line(line: &mut Vec<u8>, sender: &Sender<String>) -> bool {
    let clean = text::line(&String::from_utf8_lossy(line));
    line.clear();
    clean.trim().is_empty() || sender.send(clean.trim_end().to_owned()).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> BuildCommand {
        BuildCommand { program: "sh".into(), arguments: vec!["-c".into(), script.into()], shown: "build".into() }
    }

    async fn play(script: &str, cancel: CancellationToken) -> (Result<(), Problem>, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        let (sender, mut receiver) = mpsc::channel(1024);
        let result = run(&project, &shell(script), &sender, &cancel).await.map(|done| done.value);
        drop(sender);
        let mut lines = Vec::new();
        while let Some(DeployProgress::Output { line, .. }) = receiver.recv().await {
            lines.push(line);
        }
        (result, lines)
    }

    #[tokio::test]
    async fn output_of_both_pipes_comes_as_harmless_lines() {
        let (result, mut lines) =
            play(r"printf 'one\r\033[31mtwo\033[0m\n\n'; printf 'three' >&2", CancellationToken::new()).await;
        lines.sort();
        assert_eq!((result, lines), (Ok(()), vec!["one".into(), "three".into(), "two".into()]));
    }

    #[tokio::test]
    async fn a_failure_says_what_is_wrong_the_command_and_its_status() {
        for (script, told) in [
            (
                "echo warning; echo error: no such crate; echo '  --> src/main.rs:3:1'; seq 50; exit 101",
                "error: no such crate · --> src/main.rs:3:1",
            ),
            ("seq 9; echo it broke; exit 101", "9 · it broke"),
            ("exit 101", "It printed nothing"),
        ] {
            let (result, _) = play(script, CancellationToken::new()).await;
            let detail = result.expect_err("it fails").detail.expect("a detail");
            assert_eq!(detail, format!("{told} · `build` ended with exit status: 101."));
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_a_missing_program_is_named() {
        let (result, lines) = play("head -c 100000 /dev/zero | tr '\\0' x", CancellationToken::new()).await;
        assert!(result.is_ok());
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), vec![LINE_LIMIT]);
        let project = Project { root: std::env::temp_dir() };
        let missing =
            BuildCommand { program: "no-such-tool".into(), arguments: Vec::new(), shown: "no-such-tool".into() };
        let (sender, _receiver) = mpsc::channel(8);
        let problem = run(&project, &missing, &sender, &CancellationToken::new()).await.err().expect("it fails");
        assert!(problem.hint.is_some_and(|hint| hint.contains("Install `no-such-tool`")));
    }

    #[tokio::test]
    async fn cancelling_ends_the_build_with_what_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        let (sender, mut receiver) = mpsc::channel(16);
        let cancel = CancellationToken::new();
        let command = shell("sleep 600 & echo $!; wait");
        let work = run(&project, &command, &sender, &cancel);
        let watch = async {
            let Some(DeployProgress::Output { line: pid, .. }) = receiver.recv().await else { panic!("no output") };
            cancel.cancel();
            pid
        };
        let (result, pid) = tokio::join!(work, watch);
        assert_eq!(result.err().map(|problem| problem.title), Some("Deploy cancelled.".into()));
        // A killed process may stay for a moment until its new parent has waited for it.
        let pid = rustix::process::Pid::from_raw(pid.parse().expect("a number")).expect("a pid");
        while rustix::process::test_kill_process(pid).is_ok() && !is_zombie(pid) {
            tokio::task::yield_now().await;
        }
    }

    fn is_zombie(pid: rustix::process::Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('Z'))
    }
}
