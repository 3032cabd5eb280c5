//! A registry that asks nobody who they are, as a hub's public part does.

use libtest_mimic::Failed;
use std::collections::HashMap;
use std::sync::Arc;
use tenantry::model::Hasher;

/// What a manifest is.
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Serves one image, tag `one` of any repository, with a label, whose program is not there; answers the host. It ends with
/// the runtime.
pub async fn serve(label: (&str, &str)) -> Result<String, Failed> {
    let mut layer = tar::Builder::new(Vec::new());
    let content = format!("made for {}", label.1);
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    layer.append_data(&mut header, "made-for", content.as_bytes())?;
    let layer = layer.into_inner()?;
    let of = |bytes: &[u8]| Hasher::digest(bytes).to_string();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [of(&layer)]},
        "config": {"Cmd": ["/no/such/program"], "Labels": {label.0: label.1}},
    });
    let config = config.to_string().into_bytes();
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": config.len(), "digest": of(&config)},
        "layers": [{"mediaType": LAYER, "size": layer.len(), "digest": of(&layer)}],
    });
    let manifest = manifest.to_string().into_bytes();
    let tag = of(&manifest);
    let known = HashMap::from([(of(&layer), layer), (of(&config), config), (tag.clone(), manifest)]);
    let known = Arc::new(known);
    let answer = move |uri: axum::http::Uri| {
        let (known, tag) = (Arc::clone(&known), tag.clone());
        async move {
            let last = uri.path().rsplit('/').next().unwrap_or_default();
            let digest = if last == "one" { tag.as_str() } else { last };
            let is_manifest = uri.path().contains("/manifests/");
            let body = known.get(digest).cloned().unwrap_or_default();
            let kind = if is_manifest { MANIFEST } else { "application/octet-stream" };
            ([("content-type", kind.to_owned()), ("docker-content-digest", digest.to_owned())], body)
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let host = listener.local_addr()?.to_string();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    Ok(host)
}
