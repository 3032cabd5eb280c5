//! Blobs on their way out, streamed from disk, whole or one range; and given up.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::http::{CONTENT_DIGEST, entity_tag, respond, unchanged};
use super::store::Kind;
use super::{Access, Grant, Refusal, Registry};
use crate::model::Digest;

/// Bytes read from disk in one go.
const CHUNK: usize = 256 * 1024;

impl Registry {
    /// GET and HEAD (whose body the HTTP layer drops).
    pub(super) async fn get_blob(
        &self,
        grant: &Grant,
        digest: Digest,
        headers: &HeaderMap,
    ) -> Result<Response, Refusal> {
        let (tenant, wanted) = (grant.tenant.clone(), digest.clone());
        let pushes = grant.access == Access::Push;
        let opened = self
            .blocking(move |store| {
                let Some(size) = store.size(&tenant, Kind::Blob, &wanted)? else { return Ok(None) };
                if pushes {
                    // Who is told that it is here will not send it again.
                    store.touch(&tenant, &wanted)?;
                }
                Ok(Some((std::fs::File::open(store.content(&wanted))?, size)))
            })
            .await?;
        let (file, size) = opened.ok_or_else(|| Refusal::BlobUnknown(digest.to_string()))?;
        if let Some(answer) = unchanged(headers, &digest) {
            return answer;
        }
        let tag = entity_tag(&digest);
        // A part is wanted of the content that the client knows, or the whole of another.
        let of_this = headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
        let range = headers
            .get(header::RANGE)
            .filter(|_| of_this)
            .and_then(|value| value.to_str().ok())
            .and_then(|raw| range(raw, size));
        let (status, start, length) = match range {
            None => (StatusCode::OK, 0, size),
            Some(Ok((start, length))) => (StatusCode::PARTIAL_CONTENT, start, length),
            Some(Err(())) => return Err(Refusal::RangeNotSatisfiable(size)),
        };
        let mut file = tokio::fs::File::from_std(file);
        file.seek(io::SeekFrom::Start(start)).await?;
        let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK));
        let length_text = length.to_string();
        let covered = format!("bytes {start}-{}/{size}", (start + length).saturating_sub(1));
        let mut headers = vec![
            ("content-type", "application/octet-stream"),
            ("content-length", length_text.as_str()),
            ("accept-ranges", "bytes"),
            ("etag", tag.as_str()),
            (CONTENT_DIGEST, digest.as_str()),
        ];
        if status == StatusCode::PARTIAL_CONTENT {
            headers.push(("content-range", &covered));
        }
        respond(status, &headers, body)
    }

    /// DELETE: the tenant has it no more. The content goes with the next collection, unless somebody else needs it.
    pub(super) async fn delete_blob(&self, grant: &Grant, digest: Digest) -> Result<Response, Refusal> {
        let (tenant, unwanted) = (grant.tenant.clone(), digest.clone());
        if self.blocking(move |store| store.forget(&tenant, Kind::Blob, &unwanted)).await? {
            return respond(StatusCode::ACCEPTED, &[], Body::empty());
        }
        Err(Refusal::BlobUnknown(digest.to_string()))
    }
}

/// Start and length of a single range. `None`: not one that this registry understands, and the whole is
/// a lawful answer. `Err`: it lies outside the content.
fn range(raw: &str, size: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = raw.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let wanted = last.parse::<u64>().ok()?.min(size);
        return Some(if wanted == 0 { Err(()) } else { Ok((size - wanted, wanted)) });
    }
    let first = first.parse::<u64>().ok()?;
    let last = if last.is_empty() { u64::MAX } else { last.parse::<u64>().ok()? };
    if last < first {
        return None;
    }
    if first >= size {
        return Some(Err(()));
    }
    Some(Ok((first, last.min(size - 1) - first + 1)))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_stay_inside_the_content() {
        for (raw, expected) in [
            ("bytes=0-4", Some(Ok((0, 5)))),
            ("bytes=3-", Some(Ok((3, 7)))),
            ("bytes=3-99", Some(Ok((3, 7)))),
            ("bytes=-4", Some(Ok((6, 4)))),
            ("bytes=-99", Some(Ok((0, 10)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=-0", Some(Err(()))),
            ("bytes=5-4", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=18446744073709551615-18446744073709551615", Some(Err(()))),
        ] {
            assert_eq!(range(raw, 10), expected, "{raw}");
        }
        assert_eq!(range("bytes=0-", 0), Some(Err(())));
    }
}
