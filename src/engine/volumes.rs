//! Named volumes of the engine.
//!
//! Knows bollard. Must not know tenants, or which labels mean what.

use bollard::errors::Error;
use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};
use std::collections::HashMap;

use super::Engine;
use super::containers::{ContainerError, label_filter};

impl Engine {
    /// Creates a volume; one of that name that exists already is kept as it is, labels included.
    pub async fn create_volume(&self, name: &str, labels: &[(String, String)]) -> Result<(), ContainerError> {
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.iter().cloned().collect()),
            ..VolumeCreateRequest::default()
        };
        let created = self.docker.create_volume(request).await;
        created.map(|_| ()).map_err(|error| ContainerError::new(format!("creating the volume {name}"), &error))
    }

    /// A volume's labels; `None` if it does not exist.
    pub async fn volume_labels(&self, name: &str) -> Result<Option<HashMap<String, String>>, ContainerError> {
        match self.docker.inspect_volume(name).await {
            Ok(volume) => Ok(Some(volume.labels)),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(ContainerError::new(format!("looking at the volume {name}"), &error)),
        }
    }

    /// Removes a volume with what is in it. Gone already is success; one in use is a [`ContainerError::Conflict`].
    pub async fn remove_volume(&self, name: &str) -> Result<(), ContainerError> {
        match self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(ContainerError::new(format!("removing the volume {name}"), &error)),
        }
    }

    /// Names of all volumes that have every one of these labels.
    pub async fn volumes_labelled(&self, labels: &[(&str, &str)]) -> Result<Vec<String>, ContainerError> {
        let options = ListVolumesOptionsBuilder::new().filters(&label_filter(labels)).build();
        let listed = self.docker.list_volumes(Some(options)).await;
        let listed = listed.map_err(|error| ContainerError::new("listing volumes", &error))?;
        Ok(listed.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }
}
