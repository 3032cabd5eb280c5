//! A program run inside a container: what it writes goes where the caller says, byte for byte. What it is given arrives whole,
//! or it is ended before it can take a part for the whole.

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::ContainerError;
use crate::engine::Engine;
use crate::model::{Secret, text};

/// The most that is kept of what it says of mistakes, bytes.
const ERRORS: usize = 256 * 1024;
/// Says first as which process it goes on, since the engine tells only the number that the machine has for it.
const BEGIN: &str = "echo \"$$\" >&2; exec \"$@\"";
/// How long the end of a process that is ended may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// Its exit code.
    pub code: i64,
    /// What it wrote to standard error, as it was written: make it harmless before it is shown.
    pub errors: String,
}

/// What is known of it while it runs.
#[derive(Default)]
struct Progress {
    /// Its number inside the container.
    process: OnceLock<u32>,
    begun: Notify,
    /// It was given everything that there was to give.
    is_fed: AtomicBool,
}

impl Progress {
    /// Takes the line with the process's number out of what was said of mistakes.
    fn note(&self, errors: &mut Vec<u8>) {
        if self.process.get().is_some() {
            return;
        }
        let Some(end) = errors.iter().position(|byte| *byte == b'\n') else { return };
        let number = errors.get(..end).and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok());
        if let Some(number) = number {
            errors.drain(..=end);
            let _ = self.process.set(number);
            self.begun.notify_one();
        }
    }

    /// Gives it `input` to its end. Comes back only where that could not be read.
    async fn feed(&self, input: Option<impl AsyncRead + Unpin>, sink: &mut (impl AsyncWrite + Unpin)) -> io::Error {
        self.begun.notified().await;
        let Some(mut input) = input else { return std::future::pending().await };
        let mut piece = vec![0; 64 * 1024];
        loop {
            let count = match input.read(&mut piece).await {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return error,
            };
            // One that ends before it has read everything says so by its code.
            if sink.write_all(piece.get(..count).unwrap_or_default()).await.is_err() {
                return std::future::pending().await;
            }
        }
        if sink.flush().await.is_ok() {
            self.is_fed.store(true, Ordering::Relaxed);
        }
        let _ = sink.shutdown().await;
        // Kept open until the program has ended: closing it is for some engines the end of the whole connection.
        std::future::pending().await
    }
}

/// What came first.
enum First {
    Ended(Result<Vec<u8>, ContainerError>),
    Unread(io::Error),
    Stopped,
}

impl Engine {
    /// Runs `command` in a running container that has a shell, with `input` for its standard input. Everybody on the machine
    /// may see the command: a secret belongs into `environment`. With `stop`, and where the input cannot be read to its end,
    /// the process is killed inside the container: it never sees an end that is none.
    ///
    /// # Errors
    /// Where it could not be run, was broken off or stopped, ended well without having taken its whole input, or where its
    /// output cannot be written.
    pub async fn run_inside(
        &self,
        id: &str,
        command: &[&str],
        environment: &[(&str, &Secret)],
        input: Option<impl AsyncRead + Unpin>,
        output: &mut (impl AsyncWrite + Unpin),
        stop: &CancellationToken,
    ) -> Result<Executed, ContainerError> {
        let action = format!("running {} in the container {id}", command.first().unwrap_or(&""));
        let failed = |error: &bollard::errors::Error| ContainerError::new(action.clone(), error);
        let because =
            |reason: &str| ContainerError::Failed { action: action.clone(), reason: text::short(reason, 300) };
        let wanted = CreateExecOptions {
            cmd: Some(["sh", "-c", BEGIN, "sh"].iter().chain(command).map(|word| (*word).to_owned()).collect()),
            env: Some(environment.iter().map(|(name, value)| format!("{name}={}", value.reveal())).collect()),
            attach_stdin: Some(input.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let made = self.docker.create_exec(id, wanted).await.map_err(|error| failed(&error))?;
        // Plain bytes in frames, and not a terminal's.
        let start = StartExecOptions { output_capacity: Some(64 * 1024), ..StartExecOptions::default() };
        let started = self.docker.start_exec(&made.id, Some(start)).await.map_err(|error| failed(&error))?;
        let StartExecResults::Attached { output: mut frames, input: mut sink } = started else {
            return Err(because("the engine did not attach to it"));
        };
        let progress = Progress { is_fed: AtomicBool::new(input.is_none()), ..Progress::default() };
        let read = async {
            let mut errors = Vec::new();
            while let Some(frame) = frames.next().await {
                match frame.map_err(|error| failed(&error))? {
                    LogOutput::StdOut { message } => {
                        output.write_all(&message).await.map_err(|error| because(&error.to_string()))?;
                    }
                    LogOutput::StdErr { message } if errors.len() < ERRORS => {
                        errors.extend_from_slice(&message);
                        progress.note(&mut errors);
                    }
                    LogOutput::StdErr { .. } | LogOutput::StdIn { .. } => {}
                    LogOutput::Console { .. } => {
                        return Err(because("the connection broke off in the middle of it"));
                    }
                }
            }
            Ok(errors)
        };
        let first = tokio::select! {
            biased;
            errors = read => First::Ended(errors),
            error = progress.feed(input, &mut sink) => First::Unread(error),
            () = stop.cancelled() => First::Stopped,
        };
        let errors = match first {
            First::Ended(Ok(errors)) => errors,
            other => {
                self.end_inside(id, &progress).await;
                return Err(match other {
                    First::Ended(Err(error)) => error,
                    First::Unread(error) => because(&format!("what it was to be given cannot be read: {error}")),
                    First::Ended(Ok(_)) | First::Stopped => because("it was stopped"),
                });
            }
        };
        drop(sink);
        let state = self.docker.inspect_exec(&made.id).await.map_err(|error| failed(&error))?;
        match (state.running, state.exit_code) {
            (Some(true), _) | (_, None) => Err(because("the connection ended before the program")),
            (_, Some(0)) if !progress.is_fed.load(Ordering::Relaxed) => {
                Err(because("it ended before it had taken everything that it was given"))
            }
            (_, Some(code)) => Ok(Executed { code, errors: String::from_utf8_lossy(&errors).into_owned() }),
        }
    }

    /// Kills the process inside the container. Where that does not work the connection's end has to do.
    async fn end_inside(&self, id: &str, progress: &Progress) {
        let Some(process) = progress.process.get() else { return };
        let words = ["sh", "-c", "kill -KILL \"$1\"", "sh", &process.to_string()].map(str::to_owned);
        let wanted = CreateExecOptions {
            cmd: Some(words.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let kill = async {
            let made = self.docker.create_exec(id, wanted).await?;
            if let StartExecResults::Attached { mut output, .. } = self.docker.start_exec(&made.id, None).await? {
                while output.next().await.is_some() {}
            }
            Ok::<_, bollard::errors::Error>(())
        };
        match tokio::time::timeout(LIMIT, kill).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, process, "a program in a container could not be ended"),
            Err(_) => tracing::warn!(process, "a program in a container could not be ended in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// One that breaks off.
    struct Broken;

    impl AsyncRead for Broken {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("a bad block")))
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_never_an_end() {
        let progress = Progress::default();
        let mut errors = b"1".to_vec();
        progress.note(&mut errors);
        assert_eq!(progress.process.get(), None, "half of a number");
        errors.extend_from_slice(b"7\nERROR: x\n");
        progress.note(&mut errors);
        progress.note(&mut errors);
        assert_eq!((progress.process.get(), errors.as_slice()), (Some(&17), &b"ERROR: x\n"[..]));
        let (mut sink, mut other) = tokio::io::duplex(64);
        let input = tokio::io::AsyncReadExt::chain(&b"half"[..], Broken);
        assert_eq!(progress.feed(Some(input), &mut sink).await.to_string(), "a bad block");
        assert!(!progress.is_fed.load(Ordering::Relaxed));
        let mut piece = [0; 8];
        assert_eq!(other.read(&mut piece).await.ok(), Some(4));
        let end = tokio::time::timeout(Duration::from_millis(20), other.read(&mut piece)).await;
        assert!(end.is_err(), "its input is still open");
    }
}
