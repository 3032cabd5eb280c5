//! Events of a tenant as lines or as JSON lines.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::model::{ProvisioningEvent, Tenant};
use crate::telling::format;

/// `12:03:09  app created       app sp-1`
pub(super) fn line(event: &ProvisioningEvent, zone: &TimeZone) -> String {
    let at = event.at.as_deref().and_then(format::moment).map(|at| format::clock(at, zone));
    let words = event.words().unwrap_or_default();
    let line = format!("{:8}  {:<18} {words}", at.unwrap_or_default(), event.title());
    line.trim_end().to_owned()
}

/// One object, of an event of this tenant: a tenant's own stream leaves its name out.
pub(super) fn object(tenant: &Tenant, event: &ProvisioningEvent) -> Value {
    let mut object = json!(event);
    object["tenant_id"] = json!(tenant.id);
    object["tenant_name"] = json!(tenant.name);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line() {
        let event: ProvisioningEvent = serde_json::from_str(
            r#"{"event_type": "vm_provisioning_progress", "status": "provisioning", "step": "app_created",
                "message": "app_created: sp-1\u001b[2J", "at": "2026-11-20T12:03:09Z"}"#,
        )
        .expect("an event");
        assert_eq!(line(&event, &TimeZone::UTC), "12:03:09  app created        sp-1");
        let tenant = serde_json::from_value(json!({"id": "ten_1", "name": "orchard"})).expect("a tenant");
        let object = object(&tenant, &event);
        assert!(!object.to_string().contains("\\u001b"));
        assert_eq!((&object["tenant_id"], &object["tenant_name"]), (&json!("ten_1"), &json!("orchard")));
    }
}
