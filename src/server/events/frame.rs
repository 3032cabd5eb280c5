//! An event as it goes over the wire (protocol C.1): made once, and shared by everyone who listens.

use bytes::Bytes;

/// An event with its number.
pub(super) fn event(seq: i64, json: &str) -> Bytes {
    // JSON on one line: serde writes line ends inside of strings as escapes.
    Bytes::from(format!("id: {seq}\nevent: provisioning\ndata: {json}\n\n"))
}

/// The same event for someone who comes when all is quiet.
pub(super) fn snapshot(seq: i64, json: &str) -> Bytes {
    let Ok(serde_json::Value::Object(mut object)) = serde_json::from_str(json) else { return event(seq, json) };
    object.insert("snapshot".into(), true.into());
    event(seq, &serde_json::Value::Object(object).to_string())
}
