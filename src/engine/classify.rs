//! What the engine's words mean. The engine reports a failed build or push as a sentence in a stream, so the
//! kind of failure has to be read from it; a sentence that nobody knows stays `Other` with its words.
//!
//! Must not know where the sentence came from, or what a person is told.

use super::error::{BuildErrorKind, PushErrorKind};

/// The kind of a failed build. `instruction` is the one that was running, where one was.
pub(super) fn build(message: &str, instruction: Option<&str>) -> BuildErrorKind {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["no space left on device"]) {
        BuildErrorKind::NoSpace
    } else if says(&["failed to get digest", "failed to get layer", "unable to find image 'sha256:"]) {
        BuildErrorKind::CacheVanished
    } else if let Some(code) = exit_code(&lower) {
        BuildErrorKind::StepFailed { code }
    } else if says(&["unknown instruction"]) {
        BuildErrorKind::UnknownInstruction
    } else if says(&["cannot locate specified dockerfile", "failed to read dockerfile", "dockerfile not found"]) {
        BuildErrorKind::DockerfileMissing
    } else if says(&["does not match the specified platform"]) {
        // The classic builder cannot go on from an image that it began for another platform.
        BuildErrorKind::NeedsBuildKit
    } else if is_instruction(instruction, "FROM")
        || says(&["pull access denied", "manifest unknown", "error pulling image", "failed to resolve source metadata"])
    {
        BuildErrorKind::BaseImage
    } else if says(&["copy failed", "add failed", "no source files were specified"])
        || (is_instruction(instruction, "COPY") || is_instruction(instruction, "ADD"))
            && says(&["no such file", "not found", "does not exist"])
    {
        BuildErrorKind::CopySourceMissing
    } else {
        BuildErrorKind::Other
    }
}

/// The kind of a build that failed at BuildKit. `vertex` is the name of the one that failed, where one did:
/// `[2/6] COPY a b`.
pub(super) fn buildkit(message: &str, vertex: Option<&str>) -> BuildErrorKind {
    let vertex = vertex.unwrap_or_default();
    let is_metadata = vertex.contains("load metadata for");
    let instruction = match vertex.split_once("] ") {
        _ if is_metadata => "FROM",
        Some((_, instruction)) => instruction,
        None => vertex,
    };
    match build(message, Some(instruction)) {
        BuildErrorKind::NoSpace => BuildErrorKind::NoSpace,
        _ if vertex.starts_with("resolve image config for") => BuildErrorKind::SyntaxImage,
        BuildErrorKind::Other if is_missing_secret(message) => BuildErrorKind::SecretMissing,
        kind => kind,
    }
}

/// The kind of a failed push.
pub(super) fn push(message: &str) -> PushErrorKind {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["no basic auth credentials"]) {
        PushErrorKind::NoCredentials
    } else if says(&["server gave http response to https client"]) {
        PushErrorKind::PlainHttp
    } else if says(&["does not exist locally", "no such image", "tag does not exist"]) {
        PushErrorKind::NoImage
    } else if says(&["unauthorized", "authentication required", "denied", "incorrect username or password"]) {
        PushErrorKind::Unauthorized
    } else if says(&[
        "connection refused",
        "no such host",
        "no route to host",
        "network is unreachable",
        "i/o timeout",
        "connection reset",
        "tls handshake timeout",
        "context deadline exceeded",
        "request canceled while waiting for connection",
    ]) {
        PushErrorKind::Refused
    } else {
        PushErrorKind::Other
    }
}

/// The code in `The command '...' returned a non-zero code: 3`. The command itself is the Dockerfile's text, so
/// only the end of the sentence counts.
fn exit_code(lower: &str) -> Option<i64> {
    let (_, code) = lower
        .rsplit_once("returned a non-zero code: ")
        .or_else(|| lower.rsplit_once("did not complete successfully: exit code: "))
        .or_else(|| lower.rsplit_once("]: exit code: ").filter(|_| lower.contains("executor failed running")))
        // Podman.
        .or_else(|| lower.rsplit_once("while running runtime: exit status "))?;
    code.trim().parse().ok()
}

/// `secret token not found: not found`, with what led there in front.
fn is_missing_secret(message: &str) -> bool {
    message.rsplit_once("secret ").is_some_and(|(_, rest)| rest.contains("not found"))
}

fn is_instruction(instruction: Option<&str>, name: &str) -> bool {
    instruction.and_then(|words| words.split_whitespace().next()).is_some_and(|word| word.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_sentences_of_real_engines() {
        use BuildErrorKind as Kind;
        for (message, instruction, kind) in [
            ("Cannot locate specified Dockerfile: Dockerfile", None, Kind::DockerfileMissing),
            ("dockerfile parse error line 2: unknown instruction: KOPY", None, Kind::UnknownInstruction),
            (
                "COPY failed: file not found in context or excluded by .dockerignore: stat a: file does not exist",
                Some("COPY a /"),
                Kind::CopySourceMissing,
            ),
            (
                r#"building at STEP "RUN /x 3": while running runtime: exit status 3"#,
                Some("RUN /x 3"),
                Kind::StepFailed { code: 3 },
            ),
            (
                r#"building at STEP "COPY a /": checking on sources under "/c": copier: stat: "/a": no such file or directory"#,
                Some("COPY a /"),
                Kind::CopySourceMissing,
            ),
            ("COPY failed: no source files were specified", Some("COPY *.x /"), Kind::CopySourceMissing),
            ("The command '/x 3' returned a non-zero code: 3", Some("RUN /x 3"), Kind::StepFailed { code: 3 }),
            (
                "pull access denied for nobody/nothing, repository does not exist",
                Some("FROM nobody/nothing"),
                Kind::BaseImage,
            ),
            ("Get \"https://registry-1.docker.io/v2/\": dial tcp: i/o timeout", Some("FROM debian"), Kind::BaseImage),
            ("write /x: no space left on device", Some("COPY . /"), Kind::NoSpace),
            (
                "image with reference sha256:00 was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64",
                Some("FROM scratch"),
                Kind::NeedsBuildKit,
            ),
            (
                "OCI runtime create failed: exec: \"/nothing\": no such file or directory",
                Some("RUN /nothing"),
                Kind::Other,
            ),
        ] {
            assert_eq!(build(message, instruction), kind, "{message}");
        }
    }

    #[test]
    fn build_sentences_of_buildkit() {
        use BuildErrorKind as Kind;
        for (message, vertex, kind) in [
            ("failed to read dockerfile: open /x/Dockerfile: no such file", None, Kind::DockerfileMissing),
            ("dockerfile parse error line 2: unknown instruction: KOPY", None, Kind::UnknownInstruction),
            ("\"/missing\" not found: not found", Some("[1/1] COPY missing /"), Kind::CopySourceMissing),
            (
                "lstat /x/missing: no such file or directory",
                Some("[b 1/1] COPY --from=a /missing /"),
                Kind::CopySourceMissing,
            ),
            ("executor failed running [/x 3]: exit code: 3", Some("[2/2] RUN /x 3"), Kind::StepFailed { code: 3 }),
            (
                "process \"/x\" did not complete successfully: exit code: 4",
                Some("[2/2] RUN /x"),
                Kind::StepFailed { code: 4 },
            ),
            ("failed to do request: connection refused", Some("[internal] load metadata for r/x:t"), Kind::BaseImage),
            ("failed to copy: 404 Not Found", Some("[1/2] FROM r/x:t"), Kind::BaseImage),
            ("failed to do request: no such host", Some("resolve image config for docker.io/a/b:1"), Kind::SyntaxImage),
            ("write /x: no space left on device", Some("resolve image config for docker.io/a/b:1"), Kind::NoSpace),
            (
                "secret token not found: not found",
                Some("[2/2] RUN --mount=type=secret,id=token x"),
                Kind::SecretMissing,
            ),
            ("exec: \"/nothing\": no such file or directory", Some("[2/2] RUN /nothing"), Kind::Other),
        ] {
            assert_eq!(buildkit(message, vertex), kind, "{message}");
        }
    }

    #[test]
    fn push_sentences_of_real_engines() {
        use PushErrorKind as Kind;
        for (message, kind) in [
            ("no basic auth credentials", Kind::NoCredentials),
            ("unauthorized: authentication required", Kind::Unauthorized),
            ("denied: requested access to the resource is denied", Kind::Unauthorized),
            ("Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused", Kind::Refused),
            ("Get \"https://10.0.0.1:5000/v2/\": http: server gave HTTP response to HTTPS client", Kind::PlainHttp),
            ("An image does not exist locally with the tag: 127.0.0.1:1/a", Kind::NoImage),
            ("received unexpected HTTP status: 500 Internal Server Error", Kind::Other),
        ] {
            assert_eq!(push(message), kind, "{message}");
        }
    }
}
