//! Files of a container, running or not: the archive calls, which need no tool in the image. A path in a mounted volume
//! leads into the volume, also while the container was never started.

use bollard::errors::Error;
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use jiff::Timestamp;
use std::io;
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::ContainerError;
use crate::engine::{Engine, EngineError};

/// A tar archive as it comes.
pub type ArchiveStream = BoxStream<'static, io::Result<Bytes>>;

/// Go's bit for a directory.
const DIRECTORY: u32 = 1 << 31;

/// What there is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// A directory, and not a file or a link.
    pub is_directory: bool,
    /// When it was changed; `None` where the engine does not say.
    pub modified: Option<Timestamp>,
}

impl Engine {
    /// Everything at `path` as a tar archive whose names begin with the path's last part; `None` where there is nothing.
    pub async fn container_archive(&self, id: &str, path: &str) -> Result<Option<ArchiveStream>, ContainerError> {
        if self.container_file(id, path).await?.is_none() {
            return Ok(None);
        }
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let pieces = self.docker.download_from_container(id, Some(options));
        let action = format!("reading {path} of the container {id}");
        Ok(Some(pieces.map(move |p| p.map_err(|e| io::Error::other(ContainerError::new(&*action, &e)))).boxed()))
    }

    /// What there is at `path`; `None` where there is nothing. A link is not followed.
    pub async fn container_file(&self, id: &str, path: &str) -> Result<Option<FileState>, ContainerError> {
        let options = ContainerArchiveInfoOptionsBuilder::new().path(path).build();
        match self.docker.get_container_archive_info(id, Some(options)).await {
            Ok(found) => Ok(Some(FileState {
                is_directory: found.file_mode & DIRECTORY != 0,
                modified: found.modification_time.and_then(|time| time.parse().ok()),
            })),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(ContainerError::new(format!("looking at {path} of the container {id}"), &error)),
        }
    }

    /// Unpacks a tar archive into the directory `path`, with the owners, modes and times that it names.
    pub async fn put_archive(&self, id: &str, path: &str, archive: File) -> Result<(), ContainerError> {
        let options = UploadToContainerOptionsBuilder::new().path(path).no_overwrite_dir_non_dir("true").build();
        let body = bollard::body_try_stream(ReaderStream::new(archive));
        let sent = self.docker.upload_to_container(id, Some(options), body).await;
        sent.map_err(|error| ContainerError::new(format!("writing into {path} of the container {id}"), &error))
    }

    /// When an image was made; `None` where it is not here, or does not say.
    pub async fn image_created(&self, image: &str) -> Result<Option<Timestamp>, EngineError> {
        match self.docker.inspect_image(image).await {
            Ok(found) => Ok(found.created.and_then(|time| time.parse().ok())),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(self.explain(error)),
        }
    }
}
