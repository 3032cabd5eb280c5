//! Which containers and volumes of the engine are a local tenant's, and which are somebody else's.

use std::collections::HashMap;

use super::LABEL;
use super::plan::Plan;
use crate::engine::{ContainerError, ContainerState, Engine};
use crate::model::{LocalTenant, TenantId};
use crate::workspace::compose_file;

/// Compose's labels: so that its programs find what was made here, and what they made is found.
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const NUMBER: &str = "com.docker.compose.container-number";
const ONE_OFF: &str = "com.docker.compose.oneoff";
const FILES: &str = "com.docker.compose.project.config_files";
const FOLDER: &str = "com.docker.compose.project.working_dir";
const VOLUME: &str = "com.docker.compose.volume";
/// The image that a container was made from, as it was named.
pub(super) const IMAGE: &str = "dev.tenantry.local.image";

/// Labels of a new container. `file` is the Compose file, absolute.
pub(super) fn labels(plan: &Plan, file: &std::path::Path) -> Vec<(String, String)> {
    let folder = file.parent().unwrap_or(file);
    let all = [
        (LABEL, plan.id.as_str().to_owned()),
        (IMAGE, plan.image.clone()),
        (PROJECT, plan.project.clone()),
        (SERVICE, compose_file::SERVICE.to_owned()),
        (NUMBER, "1".to_owned()),
        (ONE_OFF, "False".to_owned()),
        (FILES, file.to_string_lossy().into_owned()),
        (FOLDER, folder.to_string_lossy().into_owned()),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Labels of a new volume.
pub(super) fn volume_labels(plan: &Plan) -> Vec<(String, String)> {
    let all = [(LABEL, plan.id.as_str()), (PROJECT, plan.project.as_str()), (VOLUME, compose_file::VOLUME)];
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Whose a thing with these labels is.
type Labels = HashMap<String, String>;

/// True for a container of this tenant: its label says so, or Compose made it from the tenant's file.
fn is_own(labels: &Labels, id: &TenantId, project: &str) -> bool {
    if let Some(owner) = labels.get(LABEL) {
        return owner == id.as_str();
    }
    let file = format!(".systemprompt/docker/{project}.yaml");
    labels.get(PROJECT).is_some_and(|known| known == project)
        && labels.get(FILES).is_some_and(|files| files.replace('\\', "/").ends_with(&file))
}

/// True for a volume of this tenant.
pub(super) fn is_own_volume(labels: &Labels, id: &TenantId, project: &str) -> bool {
    match labels.get(LABEL) {
        Some(owner) => owner == id.as_str(),
        None => labels.get(PROJECT).is_some_and(|known| known == project) && labels.contains_key(VOLUME),
    }
}

/// The tenant's containers, running or not.
pub(super) async fn own(engine: &Engine, id: &TenantId, project: &str) -> Result<Vec<ContainerState>, ContainerError> {
    let mut ids = engine.containers_labelled(&[(LABEL, id.as_str())]).await?;
    ids.extend(engine.containers_labelled(&[(PROJECT, project)]).await?);
    ids.sort();
    ids.dedup();
    let mut found = Vec::new();
    for container in ids {
        // One may go between the list and the look.
        found.extend(engine.container(&container).await?.filter(|state| is_own(&state.labels, id, project)));
    }
    Ok(found)
}

/// The same for a tenant of the list; none where nobody here runs it.
pub(in crate::ops) async fn of(engine: &Engine, tenant: &LocalTenant) -> Result<Vec<ContainerState>, ContainerError> {
    match &tenant.docker_project {
        Some(project) => own(engine, &tenant.id, project).await,
        None => Ok(Vec::new()),
    }
}

/// Names of the tenant's volumes.
pub(super) async fn own_volumes(engine: &Engine, id: &TenantId, project: &str) -> Result<Vec<String>, ContainerError> {
    let mut names = engine.volumes_labelled(&[(LABEL, id.as_str())]).await?;
    for name in engine.volumes_labelled(&[(PROJECT, project)]).await? {
        let is_own = engine.volume_labels(&name).await?.is_some_and(|labels| is_own_volume(&labels, id, project));
        if is_own && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// True for a volume that this program made for the tenant.
pub(super) async fn is_labelled(engine: &Engine, volume: &str, id: &TenantId) -> Result<bool, ContainerError> {
    let labels = engine.volume_labels(volume).await?;
    Ok(labels.is_some_and(|labels| labels.get(LABEL).is_some_and(|owner| owner == id.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels_of(all: &[(&str, &str)]) -> Labels {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_container_is_somebodys_only_where_it_says_so() {
        let id = TenantId::new("local_1").expect("an id");
        let own = |labels: &[(&str, &str)]| is_own(&labels_of(labels), &id, "local_19b9");
        let file = "/home/mara/orchard/.systemprompt/docker/local_19b9.yaml";
        assert!(own(&[(LABEL, "local_1")]));
        assert!(own(&[(PROJECT, "local_19b9"), (FILES, file)]), "the platform's own command line made it");
        for foreign in [
            &[][..],
            &[("maintainer", "postgres")],
            &[(PROJECT, "local_19b9")],
            &[(PROJECT, "local_19b9"), (FILES, "/srv/compose.yaml")],
            &[(PROJECT, "other"), (FILES, file)],
            // Another tenant's, whatever Compose says.
            &[(LABEL, "local_2"), (PROJECT, "local_19b9"), (FILES, file)],
        ] {
            assert!(!own(foreign), "{foreign:?}");
        }
        let volume = |labels: &[(&str, &str)]| is_own_volume(&labels_of(labels), &id, "local_19b9");
        assert!(volume(&[(LABEL, "local_1")]) && volume(&[(PROJECT, "local_19b9"), (VOLUME, "db")]));
        assert!(!volume(&[]) && !volume(&[(LABEL, "local_2"), (PROJECT, "local_19b9"), (VOLUME, "db")]));
    }
}
