//! Events of a tenant as lines or as JSON lines.

use jiff::tz::TimeZone;

use crate::model::ProvisioningEvent;
use crate::telling::format;

/// `12:03:09  app created       app sp-1`
pub(super) fn line(event: &ProvisioningEvent, zone: &TimeZone) -> String {
    let at = event.at.as_deref().and_then(format::moment).map(|at| format::clock(at, zone));
    let words = event.words().unwrap_or_default();
    let line = format!("{:8}  {:<18} {words}", at.unwrap_or_default(), event.title());
    line.trim_end().to_owned()
}

/// One object.
pub(super) fn object(event: &ProvisioningEvent) -> String {
    // Plain data: there is nothing in it that JSON cannot say.
    serde_json::to_string(event).unwrap_or_default()
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
        assert!(!object(&event).contains("\\u001b"));
    }
}
