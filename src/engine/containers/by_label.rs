//! Containers and volumes with what one of their labels says.

use bollard::query_parameters::{ListContainersOptionsBuilder, ListVolumesOptionsBuilder};

use super::{ContainerError, label_filter};
use crate::engine::Engine;

impl Engine {
    /// Ids of all containers, running or not, that have every one of these labels, each with what it says under `key`.
    /// Those that say nothing are left out.
    pub async fn containers_by_label(
        &self,
        labels: &[(&str, &str)],
        key: &str,
    ) -> Result<Vec<(String, String)>, ContainerError> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&label_filter(labels)).build();
        let listed = self.docker.list_containers(Some(options)).await;
        let listed = listed.map_err(|error| ContainerError::new("listing containers", &error))?;
        Ok(listed.into_iter().filter_map(|container| Some((container.id?, container.labels?.remove(key)?))).collect())
    }

    /// The same of volumes, by name.
    pub async fn volumes_by_label(
        &self,
        labels: &[(&str, &str)],
        key: &str,
    ) -> Result<Vec<(String, String)>, ContainerError> {
        let options = ListVolumesOptionsBuilder::new().filters(&label_filter(labels)).build();
        let listed = self.docker.list_volumes(Some(options)).await;
        let listed =
            listed.map_err(|error| ContainerError::new("listing volumes", &error))?.volumes.unwrap_or_default();
        Ok(listed.into_iter().filter_map(|mut volume| Some((volume.name, volume.labels.remove(key)?))).collect())
    }
}
