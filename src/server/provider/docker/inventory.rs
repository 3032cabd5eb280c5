//! What this instance has on the engine, found by its labels.

use std::collections::BTreeMap;

use super::{APP_LABEL, DockerProvider, INSTANCE_LABEL};
use crate::server::provider::{Holding, ProviderError};

impl DockerProvider {
    /// See [`crate::server::provider::Provider::inventory`].
    pub(super) async fn list(&self, app: Option<&str>) -> Result<Vec<Holding>, ProviderError> {
        let engine = self.engine().await?;
        let mut labels = vec![(INSTANCE_LABEL, self.instance.as_str())];
        labels.extend(app.map(|app| (APP_LABEL, app)));
        let mut found: BTreeMap<String, Holding> = BTreeMap::new();
        for (id, app) in engine.containers_by_label(&labels, APP_LABEL).await? {
            found.entry(app).or_default().machines.push(id);
        }
        for (name, app) in engine.volumes_by_label(&labels, APP_LABEL).await? {
            found.entry(app).or_default().volume = Some(name);
        }
        Ok(found.into_iter().map(|(app, holding)| Holding { app, ..holding }).collect())
    }
}
