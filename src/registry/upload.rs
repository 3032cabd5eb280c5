//! A blob on its way to a registry: begun, streamed, and finished with the digest that it turned out to have.
//!
//! Must not know what the blob is.

use bytes::Bytes;
use futures_util::Stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method, StatusCode};
use std::io;
use std::time::Duration;
use url::Url;

use super::answer;
use super::{Client, RegistryError};
use crate::model::{Digest, Hasher};

/// How long the registry may take to store what it has been sent.
const STORING: Duration = Duration::from_mins(5);

/// An upload that was begun. One that is dropped before it is finished is known to its client, which tells the registry
/// when it is asked to ([`Client::abandon_uploads`]).
#[derive(Debug)]
pub struct Upload {
    client: Client,
    place: Url,
}

impl Client {
    /// Begins an upload.
    pub async fn begin_upload(&self) -> Result<Upload, RegistryError> {
        let url = self.url(&["blobs", "uploads", ""])?;
        let answer = self.send(&Method::POST, &url, |request| request.header(CONTENT_LENGTH, 0)).await?;
        let answer = self.expect(StatusCode::ACCEPTED, answer).await?;
        let place = self.elsewhere(&url, answer.headers())?;
        self.open().insert(place.clone());
        Ok(Upload { client: self.clone(), place })
    }

    /// Asks for a blob that another push of the same repository brought: true where the registry takes it over for this
    /// login, without a byte sent. Registries that do not know the blob, or that say nothing of others' blobs, begin an
    /// upload instead, which is given up.
    pub async fn mount(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let mut url = self.url(&["blobs", "uploads", ""])?;
        url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", &self.place().repository);
        let answer = self.send(&Method::POST, &url, |request| request.header(CONTENT_LENGTH, 0)).await?;
        if answer.status() == StatusCode::CREATED {
            return Ok(true);
        }
        let answer = self.expect(StatusCode::ACCEPTED, answer).await?;
        let place = self.elsewhere(&url, answer.headers())?;
        drop(self.send(&Method::DELETE, &place, |request| request).await);
        Ok(false)
    }

    /// Puts a small blob, unless it is there already. True when it was uploaded.
    pub async fn put_blob(&self, content: &Bytes) -> Result<bool, RegistryError> {
        let digest = Hasher::digest(content);
        if self.head_blob(&digest).await? == Some(content.len() as u64) {
            return Ok(false);
        }
        self.begin_upload().await?.finish(&digest, content.clone()).await?;
        Ok(true)
    }
}

impl Upload {
    /// Sends what the stream gives. An error in the stream breaks the upload off, and the registry throws it away. The
    /// time is the caller's business.
    pub async fn send<S>(&mut self, content: S) -> Result<(), RegistryError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let request = self
            .client
            .once(Method::PATCH, &self.place)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(Body::wrap_stream(content));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = self.client.place().failure(error);
                return Err(self.client.refuses_login().await.unwrap_or(failure));
            }
        };
        let answer = self.client.expect(StatusCode::ACCEPTED, answer).await?;
        if answer.headers().contains_key(reqwest::header::LOCATION) {
            let next = self.client.elsewhere(&self.place, answer.headers())?;
            self.moved(Some(next));
        }
        Ok(())
    }

    /// Sends the rest, which may be nothing, and says which digest the whole must have.
    pub async fn finish(mut self, digest: &Digest, rest: Bytes) -> Result<(), RegistryError> {
        let mut url = self.place.clone();
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        let fill = |request: reqwest::RequestBuilder| {
            request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, rest.len())
                .body(rest.clone())
                .timeout(STORING)
        };
        let answer = self.client.send(&Method::PUT, &url, fill).await?;
        let answer = self.client.expect(StatusCode::CREATED, answer).await?;
        answer::no_web_page(answer, self.client.place())?;
        self.moved(None);
        Ok(())
    }

    /// The upload goes on at another place, or is over.
    fn moved(&mut self, next: Option<Url>) {
        let mut open = self.client.open();
        open.remove(&self.place);
        if let Some(next) = next {
            open.insert(next.clone());
            drop(open);
            self.place = next;
        }
    }
}
