//! The call that starts a build, and the one that ends it early. Must not know how a session works.

use hyper::header::HeaderMap;
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

use crate::engine::build::BuildRequest;
use crate::engine::contexts::Address;
use crate::engine::error::EngineError;
use crate::engine::request::{self, Answer};

/// Starts a build whose files come from the session. The build is found again under `build_id`.
pub(super) async fn start(
    address: &Address,
    request: &BuildRequest,
    session_id: &str,
    build_id: &str,
) -> Result<Answer, EngineError> {
    request::post_with(address, &path(request, session_id, build_id), HeaderMap::new()).await
}

/// Ends the build early. False where the engine does not know how.
pub(super) async fn cancel(address: &Address, build_id: &str) -> Result<bool, EngineError> {
    let answer = request::post_with(address, &format!("/build/cancel?id={build_id}"), HeaderMap::new()).await?;
    Ok((200..300).contains(&answer.status()))
}

fn path(request: &BuildRequest, session_id: &str, build_id: &str) -> String {
    let json = |pairs: &[(String, String)]| {
        let map: BTreeMap<&str, &str> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        serde_json::to_string(&map).unwrap_or_default()
    };
    let mut query = Serializer::new(String::new());
    query
        .append_pair("version", "2")
        .append_pair("session", session_id)
        .append_pair("remote", "client-session")
        .append_pair("buildid", build_id)
        .append_pair("dockerfile", &request.dockerfile)
        .append_pair("t", &request.image.to_string())
        .append_pair("labels", &json(&request.labels))
        .append_pair("buildargs", &json(&request.args));
    if let Some(target) = &request.target {
        query.append_pair("target", target);
    }
    if let Some(platform) = &request.platform {
        query.append_pair("platform", platform);
    }
    if request.no_cache {
        query.append_pair("nocache", "1");
    }
    format!("/build?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::BuildSecret;
    use crate::model::{ImageReference, Secret};

    #[test]
    fn everything_but_the_secrets_is_in_the_call() {
        let image = ImageReference::new("127.0.0.1:5000", "app", "t").unwrap();
        let request = BuildRequest {
            labels: vec![("a b".into(), "&=\"".into())],
            args: vec![("VERSION".into(), "1".into())],
            target: Some("final".into()),
            platform: Some("linux/arm64".into()),
            no_cache: true,
            secrets: vec![BuildSecret { id: "token".into(), value: Secret::new("hunter2") }],
            ..BuildRequest::new("/project".into(), "docker/Dockerfile", image)
        };
        let path = path(&request, "s", "b");
        let (call, query) = path.split_once('?').unwrap();
        assert_eq!(call, "/build");
        let pairs: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for (name, value) in [
            ("version", "2"),
            ("session", "s"),
            ("remote", "client-session"),
            ("buildid", "b"),
            ("dockerfile", "docker/Dockerfile"),
            ("t", "127.0.0.1:5000/app:t"),
            ("labels", r#"{"a b":"&=\""}"#),
            ("buildargs", r#"{"VERSION":"1"}"#),
            ("target", "final"),
            ("platform", "linux/arm64"),
            ("nocache", "1"),
        ] {
            assert_eq!(pairs.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!path.contains("hunter2"));
    }
}
