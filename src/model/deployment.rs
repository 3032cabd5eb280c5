//! The deploys of a tenant as the server remembers them (protocol B.41, J.27).

use serde::{Deserialize, Serialize};

use super::{lenient, text};

/// One deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deployment {
    /// Its id.
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// The image reference that was deployed.
    #[serde(default, deserialize_with = "lenient::text")]
    pub image: String,
    /// What the reference named then; empty where the server does not say.
    #[serde(default, deserialize_with = "lenient::text")]
    pub digest: String,
    /// `deploying`, `succeeded`, `failed`, or a word of a newer server.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    /// RFC 3339.
    #[serde(default, deserialize_with = "lenient::text")]
    pub created_at: String,
    /// RFC 3339; absent while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub finished_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope;

    #[test]
    fn deploys_are_read() {
        let json = r#"{"data": [{"id": "dep_12",
            "image": "registry.fly.io/systemprompt-images:tenant-3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15",
            "digest": "sha256:5e1f", "status": "succeeded", "created_at": "2026-01-09T10:08:02Z",
            "finished_at": "2026-01-09T10:09:40Z"}, {"id": "dep_13", "status": "paused?\u001b[2J", "digest": null}]}"#;
        let read: Vec<Deployment> = envelope::read(json.as_bytes()).expect("deploys");
        assert_eq!(read[0].finished_at.as_deref(), Some("2026-01-09T10:09:40Z"));
        assert_eq!((read[1].status.as_str(), &read[1].finished_at), ("paused?", &None));
    }
}
