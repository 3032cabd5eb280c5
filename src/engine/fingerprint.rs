//! Nothing changed, nothing to build: a fingerprint of everything that can change an image.
//!
//! It covers what is sent (paths, kinds, modes, link targets, contents), the Dockerfile and the ignore file, arguments,
//! target, platform, labels, secrets, the builder, the engine, the ids of the images that the Dockerfile stands on, and
//! this program's version. It does not cover the name that the image gets, and, as with Docker's own cache, neither
//! times nor owners: a `touch` alone changes nothing.
//!
//! What happens outside counts as it does for Docker's cache. A `RUN` that fetches something is taken to fetch the same
//! again. A base image that the engine does not keep counts as one that does not change. An `ADD` of an address is
//! looked at anew in every build, so a Dockerfile with one never has the same fingerprint twice; nor has one whose base
//! images cannot be worked out from here.
//!
//! Must not know where records are kept, or what is done with a fingerprint.

mod inputs;
mod record;
#[cfg(test)]
mod tests;

use futures_util::future::try_join_all;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;

pub use inputs::InputRecord;
pub(super) use inputs::Kind;
pub use record::ImageRecord;

use super::build::BuildRequest;
use super::connect::Engine;
use super::context::{BuildContext, ignore_file};
use super::dockerfile::Dockerfile;
use super::error::EngineError;
use super::images::BaseImage;
use crate::model::progress::Builder;
use crate::model::text;

/// Two builds with the same one make the same image. 64 hex digits; keyed, so that nothing can be guessed from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned()))
    }
}

/// The key of one machine's fingerprints. Whoever does not have it cannot find out from a fingerprint or a record,
/// by trying, what a secret or a file holds.
#[derive(Clone)]
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// The key with these random bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(••••)")
    }
}

/// Names what a request builds, apart from its content: two requests of the same place follow one another. 64 hex
/// digits. Blocks: resolves the context's path.
#[must_use]
pub fn place(request: &BuildRequest) -> String {
    let context = fs::canonicalize(&request.context).unwrap_or_else(|_| request.context.clone());
    // The digest only makes a file name of it, so any key does.
    let mut fields = Fields::new(&hmac::Key::new(hmac::HMAC_SHA256, b"place"));
    fields.add("context", context.as_os_str().as_encoded_bytes());
    fields.add("dockerfile", request.dockerfile.as_bytes());
    fields.optional("target", request.target.as_deref());
    fields.optional("platform", request.platform.as_deref());
    fields.pairs("label", &request.labels);
    fields.finish().0
}

impl Engine {
    /// The fingerprint of what `request` would build now, and what it was made from. With the record of the time before
    /// only files that were touched since are read. Dropping the future ends the reading.
    pub async fn fingerprint(
        &self,
        request: &BuildRequest,
        builder: Builder,
        key: &FingerprintKey,
        previous: Option<InputRecord>,
    ) -> Result<(Fingerprint, InputRecord), EngineError> {
        let stop = CancellationToken::new();
        let _stops_when_dropped = stop.clone().drop_guard();
        let (root, path) = (request.context.clone(), request.dockerfile.clone());
        let (context, texts) = blocking(move || {
            let context = BuildContext::open(&root, &path)?;
            Ok((context, Texts::read(&root, &path)?))
        })
        .await?;
        let foundation = Dockerfile::parse(&String::from_utf8_lossy(&texts.dockerfile)).foundation(&request.args);
        let hash_key = key.0.clone();
        let reading = blocking(move || inputs::take(&context, &hash_key, previous.as_ref(), SystemTime::now(), &stop));
        let looking = try_join_all(foundation.images.iter().map(async |name| {
            let image = self.base_image(name).await?;
            Ok::<_, EngineError>((name.clone(), image))
        }));
        let (record, bases, engine) = tokio::try_join!(reading, looking, self.identity())?;
        let is_complete =
            foundation.is_complete && bases.iter().all(|(_, base)| base.as_ref().is_some_and(|base| !base.reaches_out));
        let surroundings = Surroundings { builder, engine, bases, is_complete };
        Ok((surroundings.fingerprint(key, request, &texts, &record)?, record))
    }
}

/// The two files that steer a build, whether they are sent or not.
struct Texts {
    dockerfile: Vec<u8>,
    /// Of the ignore file that counts; `None` without one.
    ignore_file: Option<Vec<u8>>,
}

impl Texts {
    fn read(root: &Path, dockerfile: &str) -> Result<Self, EngineError> {
        let read = |path: PathBuf| fs::read(&path).map_err(|source| EngineError::Context { path, source });
        let ignore_file = ignore_file(root, dockerfile).map(read).transpose()?;
        Ok(Self { dockerfile: read(root.join(dockerfile))?, ignore_file })
    }
}

/// What a build depends on beside the request and the files.
struct Surroundings {
    builder: Builder,
    /// The engine's own id.
    engine: String,
    /// By name, what the engine has under it.
    bases: Vec<(String, Option<BaseImage>)>,
    /// False where there is more that cannot be seen.
    is_complete: bool,
}

impl Surroundings {
    fn fingerprint(
        &self,
        key: &FingerprintKey,
        request: &BuildRequest,
        texts: &Texts,
        record: &InputRecord,
    ) -> Result<Fingerprint, EngineError> {
        let mut fields = Fields::new(&key.0);
        // Another version may send the same files differently.
        fields.add("program", env!("CARGO_PKG_VERSION").as_bytes());
        fields.add("builder", self.builder.to_string().as_bytes());
        fields.add("engine", self.engine.as_bytes());
        fields.add("dockerfile", request.dockerfile.as_bytes());
        fields.add("dockerfile text", &texts.dockerfile);
        fields.optional("ignore file", texts.ignore_file.as_deref());
        fields.optional("target", request.target.as_deref());
        fields.optional("platform", request.platform.as_deref());
        fields.pairs("arg", &request.args);
        fields.pairs("label", &request.labels);
        let secrets: BTreeMap<&str, &str> =
            request.secrets.iter().map(|secret| (secret.id.as_str(), secret.value.reveal())).collect();
        for (id, value) in secrets {
            fields.add("secret", id.as_bytes());
            fields.add("value", value.as_bytes());
        }
        for (name, image) in &self.bases {
            fields.add("base", name.as_bytes());
            fields.optional("image", image.as_ref().map(|image| &image.id));
        }
        // The root itself is not sent.
        for entry in record.entries().iter().filter(|entry| !entry.path.is_empty()) {
            let kind = match entry.kind {
                Kind::Directory => "directory",
                Kind::File => "file",
                Kind::Link => "link",
            };
            fields.add(kind, &entry.path);
            fields.add("mode", &(entry.stat.mode & 0o7777).to_le_bytes());
            fields.add("content", &entry.hash);
        }
        if !self.is_complete {
            let mut once = [0; 32];
            SystemRandom::new()
                .fill(&mut once)
                .map_err(|_| EngineError::Lost { reason: "the system gives no random numbers".into() })?;
            fields.add("only once", &once);
        }
        Ok(fields.finish())
    }
}

/// Names and values, each with its length, so that no two lists of them look the same.
struct Fields(hmac::Context);

impl Fields {
    fn new(key: &hmac::Key) -> Self {
        Self(hmac::Context::with_key(key))
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), value] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn optional(&mut self, name: &str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.add(name, value.as_ref());
        }
    }

    /// Their order does not count; of two with one name the last one does, as for the engine.
    fn pairs(&mut self, name: &str, pairs: &[(String, String)]) {
        let pairs: BTreeMap<_, _> = pairs.iter().map(|(name, value)| (name, value)).collect();
        for (key, value) in pairs {
            self.add(name, key.as_bytes());
            self.add("value", value.as_bytes());
        }
    }

    fn finish(self) -> Fingerprint {
        use fmt::Write as _;
        Fingerprint(self.0.sign().as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let lost = |error: tokio::task::JoinError| EngineError::Lost { reason: text::line(&error.to_string()) };
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}
