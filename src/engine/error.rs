//! What can go wrong with the engine, and how it is told to a person.
//!
//! Must not know how an operation works: the operations say what failed, [`super::classify`] says what the
//! engine's words mean, and this module says what to do next.

use bollard::errors::Error as DockerError;
use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use crate::model::{Problem, Remedy, text};

/// Why an image build failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildErrorKind {
    /// There is no Dockerfile where it was said to be.
    DockerfileMissing,
    /// The Dockerfile has an instruction that does not exist.
    UnknownInstruction,
    /// A `COPY` or `ADD` names something that the context does not hold.
    CopySourceMissing,
    /// A `RUN` ended with this exit code.
    StepFailed {
        /// Not zero.
        code: i64,
    },
    /// The image of a `FROM` cannot be had.
    BaseImage,
    /// The engine's disk is full.
    NoSpace,
    /// An image that the build found in its cache was removed before the build could go on from it.
    CacheVanished,
    /// The image that a `# syntax=` line names cannot be had.
    SyntaxImage,
    /// What was asked for only BuildKit has, and another builder is at work.
    NeedsBuildKit,
    /// A step needs a secret that was not given.
    SecretMissing,
    /// BuildKit was asked for, and the engine has no sessions.
    NoBuildKit,
    /// Anything else; the message says what.
    Other,
}

/// Why a push failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushErrorKind {
    /// The registry wants credentials and got none.
    NoCredentials,
    /// The registry does not accept the credentials, or not for this repository.
    Unauthorized,
    /// The registry cannot be reached.
    Refused,
    /// The registry speaks plain HTTP and the engine allows that on loopback only.
    PlainHttp,
    /// The engine has no such image.
    NoImage,
    /// Anything else; the message says what.
    Other,
}

/// What can go wrong with the engine. The texts of the engine in here are harmless, those of [`Self::Docker`]
/// become so in [`EngineError::problem`].
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no socket where an engine would have one.
    #[error("no Docker socket at {}", looked_at.join(", "))]
    NotFound {
        /// Every place that was looked at, in order.
        looked_at: Vec<String>,
    },
    /// The socket is there and this user may not open it.
    #[error("no permission to open the Docker socket{}", at(address.as_ref()))]
    PermissionDenied {
        /// Which.
        address: Option<String>,
    },
    /// Nobody answers there.
    #[error("the Docker Engine{} does not answer: {reason}", at(address.as_ref()))]
    Unreachable {
        /// Where.
        address: Option<String>,
        /// The system's words.
        reason: String,
    },
    /// The environment names an engine in a way that this program cannot follow.
    #[error("{address} is not supported: {reason}")]
    Unsupported {
        /// As it was written.
        address: String,
        /// What is not supported.
        reason: &'static str,
    },
    /// A Docker context was named that does not exist or cannot be read.
    #[error("the Docker context {name:?} cannot be used: {reason} ({})", path.display())]
    Configuration {
        /// The context's name.
        name: String,
        /// The file that should describe it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The image build failed.
    #[error("the image build failed: {message}")]
    Build {
        /// Why.
        kind: BuildErrorKind,
        /// The instruction that was running, `Step 2/6: COPY ...`.
        step: Option<String>,
        /// The engine's words.
        message: String,
    },
    /// The push failed.
    #[error("the push to {registry} failed: {message}")]
    Push {
        /// Why.
        kind: PushErrorKind,
        /// Host and port.
        registry: String,
        /// The engine's words.
        message: String,
    },
    /// The connection broke in the middle: the engine stopped or was restarted.
    #[error("the connection to the Docker Engine was lost: {reason}")]
    Lost {
        /// The system's words.
        reason: String,
    },
    /// Somebody cancelled the operation.
    #[error("cancelled")]
    Cancelled,
    /// A file of the build context cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Context {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An ignore file has a pattern that cannot be understood.
    #[error("{} line {line}: {pattern:?} is not a valid pattern", path.display())]
    IgnoreFile {
        /// The ignore file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The pattern as written.
        pattern: String,
    },
    /// Anything the engine says that nothing more exact was found for, answers with a status among them.
    #[error("the Docker Engine failed: {0}")]
    Docker(#[source] DockerError),
}

fn at(address: Option<&String>) -> String {
    address.map(|address| format!(" at {address}")).unwrap_or_default()
}

impl From<DockerError> for EngineError {
    fn from(error: DockerError) -> Self {
        let reason = || text::line(&innermost(&error).to_string());
        match &error {
            DockerError::SocketNotFoundError(path) => Self::NotFound { looked_at: vec![text::line(path)] },
            DockerError::RequestTimeoutError => Self::Unreachable { address: None, reason: "no answer in time".into() },
            DockerError::HyperLegacyError { err } => Self::from_connection(&error, err.is_connect()),
            DockerError::HyperResponseError { .. } | DockerError::IOError { .. } => Self::Lost { reason: reason() },
            _ => Self::Docker(error),
        }
    }
}

impl EngineError {
    /// An error of the connection itself: while it was made, or afterwards.
    pub(super) fn from_connection(error: &(dyn StdError + 'static), while_connecting: bool) -> Self {
        let reason = text::line(&innermost(error).to_string());
        match io_kind(error) {
            Some(io::ErrorKind::PermissionDenied) => Self::PermissionDenied { address: None },
            _ if while_connecting => Self::Unreachable { address: None, reason },
            _ => Self::Lost { reason },
        }
    }

    /// Fills in the address where the error left it open.
    pub(super) fn at(mut self, host: &str) -> Self {
        if let Self::PermissionDenied { address } | Self::Unreachable { address, .. } = &mut self {
            address.get_or_insert_with(|| text::line(host));
        }
        self
    }

    /// True when the engine answered that there is no such thing.
    pub(super) fn is_absent(&self) -> bool {
        self.status() == Some(404)
    }

    /// True when the engine keeps an image because a container uses it, which may end.
    pub(super) fn is_in_use(&self) -> bool {
        matches!(
            self,
            Self::Docker(DockerError::DockerResponseServerError { status_code: 409, message })
                if message.contains("container")
        )
    }

    /// The HTTP status of the engine's answer, where the error is one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Docker(DockerError::DockerResponseServerError { status_code, .. }) => Some(*status_code),
            _ => None,
        }
    }

    /// What to tell the person (protocol H).
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::NotFound { looked_at } => Problem::new("Docker does not answer.")
                .detail(format!("There is no Docker socket at {}.", looked_at.join(", ")))
                .hint(START)
                .remedy(Remedy::Retry),
            Self::PermissionDenied { .. } => Problem::new("Docker does not let you in.")
                .detail(sentence(self))
                .hint("Add yourself to the group: sudo usermod -aG docker $USER; then log out and in again.")
                .remedy(Remedy::Retry),
            Self::Unreachable { .. } => {
                Problem::new("Docker does not answer.").detail(sentence(self)).hint(START).remedy(Remedy::Retry)
            }
            Self::Unsupported { .. } => Problem::new("This Docker address is not supported.")
                .detail(sentence(self))
                .hint("Set DOCKER_HOST to unix:///path/to/docker.sock or to tcp://host:port without TLS."),
            Self::Configuration { .. } => Problem::new("The Docker context cannot be used.")
                .detail(sentence(self))
                .hint("List the contexts with docker context ls, or unset DOCKER_CONTEXT."),
            Self::Build { kind, step, message } => build_problem(*kind, step.as_deref(), message),
            Self::Push { kind, registry, message } => push_problem(*kind, registry, message),
            Self::Lost { .. } => Problem::new("Docker stopped answering.")
                .detail(sentence(self))
                .hint("See whether Docker still runs, then try again.")
                .remedy(Remedy::Retry),
            Self::Cancelled => Problem::new("Cancelled."),
            Self::Context { .. } => Problem::new("The build context cannot be read.")
                .detail(sentence(self))
                .hint("Make the file readable, or exclude it in .dockerignore.")
                .remedy(Remedy::Retry),
            Self::IgnoreFile { .. } => Problem::new("The ignore file has a mistake.")
                .detail(sentence(self))
                .hint("Correct the line and try again.")
                .remedy(Remedy::Retry),
            Self::Docker(error) => Problem::new("Docker reports an error.")
                .detail(match error {
                    DockerError::DockerResponseServerError { status_code, message } => {
                        format!("{} (status {status_code})", text::short(message, 400))
                    }
                    other => text::short(&other.to_string(), 400),
                })
                .remedy(Remedy::Retry),
        }
    }
}

impl From<&EngineError> for Problem {
    fn from(error: &EngineError) -> Self {
        error.problem()
    }
}

const START: &str = "Start Docker: sudo systemctl start docker, or open Docker Desktop.";

fn build_problem(kind: BuildErrorKind, step: Option<&str>, message: &str) -> Problem {
    let detail = match step {
        Some(step) => format!("{step}: {message}"),
        None => message.to_owned(),
    };
    let problem = |title: &str, hint: &str| {
        Problem::new(title).detail(&detail).hint(hint).remedy(Remedy::Retry).remedy(Remedy::OpenLog)
    };
    match kind {
        BuildErrorKind::DockerfileMissing => {
            Problem::new("No Dockerfile.").detail(&detail).hint("Generate one, or name it.").remedy(Remedy::Retry)
        }
        BuildErrorKind::UnknownInstruction => {
            problem("The Dockerfile has an unknown instruction.", "Correct the line and build again.")
        }
        BuildErrorKind::CopySourceMissing => problem(
            "A file that the Dockerfile copies is missing.",
            "Build the project first, and see that .dockerignore does not exclude the file.",
        ),
        BuildErrorKind::StepFailed { code } => {
            problem(&format!("Build failed with exit code {code}, see log."), "Read the step's output, fix it, repeat.")
        }
        BuildErrorKind::BaseImage => problem(
            "The base image cannot be pulled.",
            "Check the name after FROM and the network, or pull the image by hand with docker pull.",
        ),
        BuildErrorKind::NoSpace => {
            problem("Docker's disk is full.", "See what fills it with docker system df, and free some space.")
        }
        BuildErrorKind::CacheVanished => problem(
            "Images that the build goes on from are being removed.",
            "See what removes images on this engine, then deploy again.",
        ),
        BuildErrorKind::SyntaxImage => problem(
            "The image of the Dockerfile's syntax line cannot be pulled.",
            "Remove the line that begins with # syntax= (what BuildKit has built in knows the ordinary syntax), \
             or build with --builder classic.",
        ),
        BuildErrorKind::NeedsBuildKit => Problem::new("This build needs BuildKit.").detail(&detail).hint(
            "Build with BuildKit (Docker 18.09 and later), or without secrets and for the engine's own platform.",
        ),
        BuildErrorKind::SecretMissing => problem(
            "A build secret is missing.",
            "Give the build the secret that the Dockerfile's RUN --mount=type=secret names.",
        ),
        BuildErrorKind::NoBuildKit => Problem::new("This Docker has no BuildKit.")
            .detail(&detail)
            .hint("Build with --builder classic, or update Docker."),
        BuildErrorKind::Other => problem("Build failed, see log.", "Read the log, fix it, repeat."),
    }
}

fn push_problem(kind: PushErrorKind, registry: &str, message: &str) -> Problem {
    let problem = |title: &str, hint: &str| Problem::new(title).detail(message).hint(hint).remedy(Remedy::Retry);
    match kind {
        PushErrorKind::NoCredentials | PushErrorKind::Unauthorized => {
            problem("Registry refused the login.", "Try again with a new registry token; if that fails, log in again.")
        }
        PushErrorKind::Refused => problem(
            &format!("The registry {registry} does not answer."),
            "Check the network and that the registry runs, then push again.",
        ),
        PushErrorKind::PlainHttp => problem(
            &format!("The registry {registry} has no TLS."),
            "Give the registry TLS, or list it under insecure-registries in Docker's daemon.json.",
        ),
        PushErrorKind::NoImage => problem("There is no image to push.", "Build it first."),
        PushErrorKind::Other => problem("Push failed, see log.", "Push again.").remedy(Remedy::OpenLog),
    }
}

/// The error's own words as a sentence.
fn sentence(error: &EngineError) -> String {
    let words = error.to_string();
    let mut chars = words.chars();
    chars.next().map(|first| format!("{}{}.", first.to_uppercase(), chars.as_str())).unwrap_or_default()
}

/// The kind of the first I/O error in the chain of causes.
fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    causes(error).last().unwrap_or(error)
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn StdError + 'static)| (*cause).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Wrapped(#[source] io::Error);

    #[test]
    fn a_denied_socket_is_told_apart_from_a_dead_one() {
        let denied = Wrapped(io::Error::from(io::ErrorKind::PermissionDenied));
        let denied = EngineError::from_connection(&denied, true).at("/var/run/docker.sock");
        assert!(matches!(&denied, EngineError::PermissionDenied { address: Some(at) } if at == "/var/run/docker.sock"));
        assert!(denied.problem().hint.is_some_and(|hint| hint.contains("usermod -aG docker")));

        let dead = Wrapped(io::Error::from(io::ErrorKind::ConnectionRefused));
        let dead = EngineError::from_connection(&dead, true).at("tcp://127.0.0.1:1");
        assert_eq!(dead.problem().title, "Docker does not answer.");
        assert!(dead.to_string().contains("tcp://127.0.0.1:1"), "{dead}");
    }

    #[test]
    fn a_connection_that_breaks_later_is_lost() {
        let error = Wrapped(io::Error::from(io::ErrorKind::ConnectionReset));
        assert!(matches!(EngineError::from_connection(&error, false), EngineError::Lost { .. }));
        let error = DockerError::IOError { err: io::Error::other("error reading a body from connection") };
        assert!(matches!(EngineError::from(error), EngineError::Lost { .. }));
    }

    #[test]
    fn what_the_engine_says_reaches_nobody_with_escape_sequences() {
        let error = EngineError::Docker(DockerError::DockerResponseServerError {
            status_code: 500,
            message: "bad\u{1b}[2Jthing".into(),
        });
        assert_eq!(error.problem().detail.as_deref(), Some("badthing (status 500)"));
    }

    #[test]
    fn every_problem_but_a_cancelled_one_says_what_to_do() {
        let build = |kind| EngineError::Build { kind, step: None, message: "words".into() };
        let push = |kind| EngineError::Push { kind, registry: "127.0.0.1:5000".into(), message: "words".into() };
        let errors = [
            EngineError::NotFound { looked_at: vec!["/var/run/docker.sock".into()] },
            EngineError::Lost { reason: "reset".into() },
            EngineError::Context { path: "secret.key".into(), source: io::ErrorKind::PermissionDenied.into() },
            EngineError::IgnoreFile { path: ".dockerignore".into(), line: 3, pattern: "[".into() },
            build(BuildErrorKind::DockerfileMissing),
            build(BuildErrorKind::StepFailed { code: 3 }),
            build(BuildErrorKind::Other),
            push(PushErrorKind::Refused),
            push(PushErrorKind::PlainHttp),
            push(PushErrorKind::NoImage),
            push(PushErrorKind::Unauthorized),
        ];
        for error in errors {
            let problem = error.problem();
            assert!(problem.hint.is_some() && problem.detail.is_some(), "{problem:?}");
        }
    }
}
