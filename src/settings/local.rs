//! How local tenants are made, as the `[local]` part of the configuration says.

use serde::Serialize;

use crate::model::local_tenant::POSTGRES_IMAGE;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Local {
    /// The image of a local tenant's database, where none is named.
    pub image: String,
}

impl Default for Local {
    fn default() -> Self {
        Self { image: POSTGRES_IMAGE.to_owned() }
    }
}
