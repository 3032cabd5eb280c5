//! What a request's path names. Repository names may hold slashes, so the path is read from its end;
//! every part is checked against the specification's grammar before anything else sees it.

use percent_encoding::percent_decode_str;

use super::error::Refusal;
use crate::model::Digest;

/// A checked path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `/v2/`.
    Base,
    /// `/v2/{name}/blobs/uploads/`.
    NewUpload(String),
    /// `/v2/{name}/blobs/uploads/{id}`.
    Upload(String, uuid::Uuid),
    /// `/v2/{name}/blobs/{digest}`.
    Blob(String, Digest),
    /// `/v2/{name}/manifests/{reference}`.
    Manifest(String, Reference),
    /// `/v2/{name}/tags/list`.
    Tags(String),
}

impl Target {
    /// The repository that the path names; none for the base.
    pub(super) fn repository(&self) -> Option<&str> {
        match self {
            Self::Base => None,
            Self::NewUpload(name)
            | Self::Upload(name, _)
            | Self::Blob(name, _)
            | Self::Manifest(name, _)
            | Self::Tags(name) => Some(name),
        }
    }
}

/// How a manifest is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(String),
    Digest(Digest),
}

/// Longest repository name, in bytes.
const MAX_NAME: usize = 200;

/// Reads the raw path of a request, `/v2/...`, percent-encoding and all.
pub(super) fn parse(path: &str) -> Result<Target, Refusal> {
    let rest = path.strip_prefix("/v2").ok_or(Refusal::NameInvalid)?;
    if rest.is_empty() || rest == "/" {
        return Ok(Target::Base);
    }
    let mut parts = Vec::new();
    for part in rest.trim_start_matches('/').split('/') {
        parts.push(percent_decode_str(part).decode_utf8().map_err(|_| Refusal::NameInvalid)?);
    }
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.as_slice() {
        [name @ .., "tags", "list"] => Ok(Target::Tags(repository(name)?)),
        [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
            Ok(Target::NewUpload(repository(name)?))
        }
        [name @ .., "blobs", "uploads", id] => {
            let name = repository(name)?;
            Ok(Target::Upload(name, uuid::Uuid::try_parse(id).map_err(|_| Refusal::UploadUnknown)?))
        }
        [name @ .., "blobs", raw] => Ok(Target::Blob(repository(name)?, digest(raw)?)),
        [name @ .., "manifests", raw] => Ok(Target::Manifest(repository(name)?, reference(raw)?)),
        _ => Err(Refusal::NameInvalid),
    }
}

/// A checked digest; the registry keeps SHA-256 only.
pub(super) fn digest(raw: &str) -> Result<Digest, Refusal> {
    Digest::new(raw).map_err(|_| Refusal::DigestInvalid("a digest is sha256: and 64 lower-case hex digits".into()))
}

fn reference(raw: &str) -> Result<Reference, Refusal> {
    if raw.contains(':') {
        return digest(raw).map(Reference::Digest);
    }
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let fits = (1..=128).contains(&raw.len()) && raw.bytes().all(inside) && !raw.starts_with(['.', '-']);
    if fits { Ok(Reference::Tag(raw.to_owned())) } else { Err(Refusal::TagInvalid) }
}

fn repository(parts: &[&str]) -> Result<String, Refusal> {
    let name = parts.join("/");
    if !parts.is_empty() && name.len() <= MAX_NAME && parts.iter().all(|part| is_component(part)) {
        return Ok(name);
    }
    Err(Refusal::NameInvalid)
}

/// Lower-case letters and digits, with separators between them and never `..`.
fn is_component(part: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last)) if inside(*first) && inside(*last))
        && bytes.iter().all(|b| inside(*b) || matches!(b, b'.' | b'_' | b'-'))
        && !part.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_slashes_are_read_from_the_end() {
        let sha = format!("sha256:{}", "a".repeat(64));
        let digest = Digest::new(&sha).expect("a digest");
        for (path, target) in [
            ("/v2", Target::Base),
            ("/v2/", Target::Base),
            ("/v2/a/b/c/tags/list", Target::Tags("a/b/c".into())),
            ("/v2/a/blobs/uploads/", Target::NewUpload("a".into())),
            ("/v2/a/blobs/uploads", Target::NewUpload("a".into())),
            ("/v2/blobs/blobs/uploads", Target::NewUpload("blobs".into())),
            (&format!("/v2/a/b/blobs/{sha}"), Target::Blob("a/b".into(), digest.clone())),
            (&format!("/v2/a/b/blobs/{}", sha.replace(':', "%3A")), Target::Blob("a/b".into(), digest.clone())),
            ("/v2/a/manifests/v1", Target::Manifest("a".into(), Reference::Tag("v1".into()))),
            (&format!("/v2/a/manifests/{sha}"), Target::Manifest("a".into(), Reference::Digest(digest.clone()))),
        ] {
            assert_eq!(parse(path).ok(), Some(target), "{path}");
        }
    }

    #[test]
    fn hostile_paths_are_refused() {
        let long = "a".repeat(201);
        for path in [
            "/v2/../etc/tags/list".to_owned(),
            "/v2/%2e%2e/tags/list".into(),
            "/v2/a/%2e%2e%2f%2e%2e/tags/list".into(),
            "/v2/a%2fb/tags/list".into(),
            "/v2/a%00b/tags/list".into(),
            "/v2/a%1b%5b2J/tags/list".into(),
            "/v2/%ff/tags/list".into(),
            "/v2//tags/list".into(),
            "/v2/tags/list".into(),
            "/v2/A/tags/list".into(),
            "/v2/-a/tags/list".into(),
            format!("/v2/{long}/tags/list"),
            "/v2/a/manifests/..".into(),
            "/v2/a/manifests/%2e%2e%2f".into(),
            format!("/v2/a/manifests/{}", "t".repeat(129)),
            "/v2/a/manifests/sha256:..".into(),
            "/v2/a/manifests/".into(),
            "/v2/a/blobs/sha256:%2e%2e".into(),
            "/v2/a/blobs/md5:abc".into(),
            "/v2/a/blobs/uploads/..".into(),
            "/v2/a/blobs/uploads/%2e%2e%2fx".into(),
            "/v2/a".into(),
            "/v2/_catalog".into(),
        ] {
            assert!(parse(&path).is_err(), "{path}");
        }
    }
}
