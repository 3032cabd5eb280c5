//! What a server left on the engine, found by its registry's address, which no other server has.

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListVolumesOptionsBuilder};
use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct Leftovers {
    containers: Vec<String>,
    volumes: Vec<String>,
    images: Vec<String>,
}

impl Leftovers {
    pub async fn of_registry(registry: &str) -> Self {
        let docker = Docker::connect_with_defaults().expect("an engine");
        let label = format!("dev.tenantry.registry={registry}");
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers = docker.list_containers(Some(containers)).await.expect("containers");
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes = docker.list_volumes(Some(volumes)).await.expect("volumes").volumes.unwrap_or_default();
        let images = docker.list_images(Some(ListImagesOptionsBuilder::new().all(true).build())).await.expect("images");
        let ours = |names: &[String]| names.iter().any(|name| name.starts_with(&format!("{registry}/")));
        let images = images.into_iter().filter(|image| {
            image.labels.get("dev.tenantry.registry").is_some_and(|host| host == registry)
                || ours(&image.repo_tags)
                || ours(&image.repo_digests)
        });
        Self {
            containers: containers.into_iter().filter_map(|container| container.id).collect(),
            volumes: volumes.into_iter().map(|volume| volume.name).collect(),
            images: images.map(|image| image.id).collect(),
        }
    }

    pub fn assert_none(&self) {
        let none = self.containers.is_empty() && self.volumes.is_empty() && self.images.is_empty();
        assert!(none, "left on the engine: {self:?}");
    }
}
