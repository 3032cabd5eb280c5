//! What the tests of this room share.

use crate::model::{DeployEnd, DeployRecord, Digest, TenantId};

/// The digest whose hex digits repeat `number`.
pub(super) fn digest(number: u8) -> Digest {
    Digest::new(&format!("sha256:{}", format!("{number:02x}").repeat(32))).expect("a digest")
}

/// A record of tenant `ten_1` that has only its id, and succeeded.
pub(super) fn record(id: &str) -> DeployRecord {
    DeployRecord {
        id: id.to_owned(),
        tenant_id: TenantId::new("ten_1").expect("an id"),
        tenant_name: "orchard".into(),
        by: None,
        began_at: "2026-11-20T10:00:00Z".into(),
        took_ms: 0,
        image: "127.0.0.1:5000/systemprompt-images:tenant-ten_1".into(),
        image_id: None,
        digest: None,
        git: None,
        builder: None,
        rollback_of: None,
        steps: Vec::new(),
        outcome: DeployEnd::Succeeded,
    }
}
