//! Where the engine keeps images and containers, for those who ask how much room is left.
//!
//! Must not know how much is enough.

use std::path::PathBuf;

use super::connect::Engine;
use super::error::EngineError;

impl Engine {
    /// Its data directory; `None` where the engine is not on this machine, as far as that can be told.
    pub async fn data_directory(&self) -> Result<Option<PathBuf>, EngineError> {
        if !self.host().starts_with("unix://") {
            return Ok(None);
        }
        let info = self.docker.info().await.map_err(|error| self.explain(error))?;
        // An engine in a virtual machine names a place that is inside of it.
        Ok(info.docker_root_dir.map(PathBuf::from).filter(|place| place.is_absolute() && place.exists()))
    }
}
