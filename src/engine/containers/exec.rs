//! A program run inside a container: what it writes goes where the caller says, byte for byte.

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::ContainerError;
use crate::engine::Engine;
use crate::model::{Secret, text};

/// The most that is kept of what it says of mistakes, bytes.
const ERRORS: usize = 256 * 1024;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// Its exit code.
    pub code: i64,
    /// What it wrote to standard error, as it was written: make it harmless before it is shown.
    pub errors: String,
}

impl Engine {
    /// Runs `command` in a running container, with `input` for its standard input. Everybody on the machine may see the
    /// command: a secret belongs into `environment`.
    ///
    /// # Errors
    /// Where it could not be run, was broken off, or where its output cannot be written.
    pub async fn run_inside(
        &self,
        id: &str,
        command: &[&str],
        environment: &[(&str, &Secret)],
        input: Option<impl AsyncRead + Unpin>,
        output: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Executed, ContainerError> {
        let action = format!("running {} in the container {id}", command.first().unwrap_or(&""));
        let failed = |error: &bollard::errors::Error| ContainerError::new(action.clone(), error);
        let wanted = CreateExecOptions {
            cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
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
            return Err(ContainerError::Failed { action, reason: "the engine did not attach to it".into() });
        };
        let send = async {
            if let Some(mut input) = input {
                // One that ends before it has read everything says so by its code.
                let _ = tokio::io::copy(&mut input, &mut sink).await;
                let _ = sink.shutdown().await;
            }
            // Kept open until the program has ended: closing it is for some engines the end of the whole connection.
            sink
        };
        let read = async {
            let mut errors = Vec::new();
            while let Some(frame) = frames.next().await {
                match frame.map_err(|error| failed(&error))? {
                    LogOutput::StdOut { message } => {
                        output.write_all(&message).await.map_err(|error| ContainerError::Failed {
                            action: action.clone(),
                            reason: text::short(&error.to_string(), 300),
                        })?;
                    }
                    LogOutput::StdErr { message } if errors.len() < ERRORS => errors.extend_from_slice(&message),
                    LogOutput::StdErr { .. } | LogOutput::StdIn { .. } => {}
                    LogOutput::Console { .. } => {
                        let reason = "the connection broke off in the middle of it".into();
                        return Err(ContainerError::Failed { action: action.clone(), reason });
                    }
                }
            }
            Ok(errors)
        };
        let (sink, errors) = tokio::join!(send, read);
        drop(sink);
        let errors = errors?;
        let state = self.docker.inspect_exec(&made.id).await.map_err(|error| failed(&error))?;
        match (state.running, state.exit_code) {
            (Some(true), _) | (_, None) => {
                Err(ContainerError::Failed { action, reason: "the connection ended before the program".into() })
            }
            (_, Some(code)) => Ok(Executed { code, errors: String::from_utf8_lossy(&errors).into_owned() }),
        }
    }
}
