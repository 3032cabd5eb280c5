//! Reads small files whole, and only files: a pipe would wait for ever, and a device never ends.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::WorkspaceError;

/// The most that a settings file may hold, bytes.
const LIMIT: u64 = 1024 * 1024;

/// The file's bytes; `None` where there is no such file.
pub(crate) fn small_file(path: &Path) -> Result<Option<Vec<u8>>, WorkspaceError> {
    let failed = |cause| WorkspaceError::Read { path: path.to_owned(), cause };
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Err(failed(std::io::Error::new(ErrorKind::InvalidInput, "it is not a file"))),
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(cause) => return Err(failed(cause)),
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(failed(std::io::Error::new(ErrorKind::FileTooLarge, "it is too long")));
    }
    Ok(Some(bytes))
}
