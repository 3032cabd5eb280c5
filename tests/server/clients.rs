//! The registry's other clients: skopeo and podman, as people use them.

use crate::store::{self, Kind};
use crate::support::{House, digest, text};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tokio::process::Command;

pub fn trials() -> Vec<Trial> {
    macro_rules! trials {
        ($($test:ident),* $(,)?) => {
            vec![$(store::trial(Kind::Sqlite, module_path!(), stringify!($test), $test)),*]
        };
    }
    trials![skopeo_copies_inspects_and_deletes, podman_pushes_and_pulls]
}

/// False where a program is not installed; with `CI=true` that is a failure.
fn is_installed(program: &str) -> bool {
    let found =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(program).is_file());
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "{program} is not installed");
    if !found {
        eprintln!("SKIPPED: {program} is not installed (Debian: {program}).");
    }
    found
}

async fn run(program: &str, home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env("HOME", home).env("XDG_RUNTIME_DIR", home).env_remove("HTTP_PROXY").kill_on_drop(true);
    command.output().await.expect("it runs")
}

async fn must(program: &str, home: &Path, arguments: &[&str]) -> String {
    let output = run(program, home, arguments).await;
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn blob(layout: &Path, content: &[u8], kind: &str) -> Value {
    let sum = digest(content);
    let folder = layout.join("blobs/sha256");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(&sum["sha256:".len()..]), content).expect("written");
    json!({ "mediaType": kind, "digest": sum, "size": content.len() })
}

/// A layout with an index of two images that share a layer; answers the index's digest.
fn layout(folder: &Path) -> String {
    let layer: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut images = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let config = json!({ "architecture": architecture, "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] } });
        let config = blob(folder, config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
        let shared = blob(folder, &layer, "application/vnd.oci.image.layer.v1.tar");
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let image = json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": [shared] });
        let mut described = blob(folder, image.to_string().as_bytes(), kind);
        described["platform"] = json!({ "architecture": architecture, "os": "linux" });
        images.push(described);
    }
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": images });
    let mut described = blob(folder, index.to_string().as_bytes(), kind);
    let sum = text(&described["digest"]);
    described["annotations"] = json!({ "org.opencontainers.image.ref.name": "one" });
    let top = json!({ "schemaVersion": 2, "manifests": [described] });
    std::fs::write(folder.join("index.json"), top.to_string()).expect("written");
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("written");
    sum
}

struct World {
    house: House,
    folder: tempfile::TempDir,
    tenant: String,
    image: String,
    credentials: String,
}

async fn world() -> World {
    let house = House::start().await;
    let tenant = house.mara.tenant().await;
    let image = house.mara.image(&tenant).await;
    let token = house.mara.get(&format!("/api/v1/tenants/{tenant}/registry-token")).await.ok()["data"].clone();
    let credentials = format!("x:{}", text(&token["token"]));
    World { house, folder: tempfile::tempdir().expect("a folder"), tenant, image, credentials }
}

async fn skopeo_copies_inspects_and_deletes() {
    if !is_installed("skopeo") {
        return;
    }
    let World { house, folder, tenant, image, credentials } = world().await;
    let home = folder.path();
    let from = home.join("from");
    let sum = layout(&from);
    let (source, place) = (format!("oci:{}:one", from.display()), format!("docker://{image}"));
    let copy = [
        "--insecure-policy",
        "copy",
        "--all",
        "--preserve-digests",
        "--dest-tls-verify=false",
        "--dest-creds",
        &credentials,
        &source,
        &place,
    ];
    must("skopeo", home, &copy).await;
    // Everything is there already.
    must("skopeo", home, &copy).await;
    let raw = must("skopeo", home, &["inspect", "--raw", "--tls-verify=false", "--creds", &credentials, &place]).await;
    assert_eq!(digest(raw.as_bytes()), sum);
    let seen = must(
        "skopeo",
        home,
        &["inspect", "--override-arch", "arm64", "--tls-verify=false", "--creds", &credentials, &place],
    )
    .await;
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    assert_eq!((&seen["Architecture"], &seen["RepoTags"]), (&json!("arm64"), &json!([format!("tenant-{tenant}")])));
    let (to, back) = (home.join("to"), format!("oci:{}:one", home.join("to").display()));
    must(
        "skopeo",
        home,
        &[
            "--insecure-policy",
            "copy",
            "--all",
            "--preserve-digests",
            "--src-tls-verify=false",
            "--src-creds",
            &credentials,
            &place,
            &back,
        ],
    )
    .await;
    let name = |path: &Path| {
        let mut names: Vec<_> =
            std::fs::read_dir(path.join("blobs/sha256")).expect("blobs").flatten().map(|e| e.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(name(&from), name(&to), "what came back is what was sent");
    // Somebody else's token opens nothing.
    let other = house.mara.tenant().await;
    let token = house.mara.get(&format!("/api/v1/tenants/{other}/registry-token")).await.ok()["data"]["token"].clone();
    let strange = format!("x:{}", text(&token));
    let refused = run("skopeo", home, &["inspect", "--raw", "--tls-verify=false", "--creds", &strange, &place]).await;
    assert!(!refused.status.success());
    must("skopeo", home, &["delete", "--tls-verify=false", "--creds", &credentials, &place]).await;
    let gone = run("skopeo", home, &["inspect", "--raw", "--tls-verify=false", "--creds", &credentials, &place]).await;
    assert!(!gone.status.success());
    let image = house
        .mara
        .call(Method::POST, &format!("/api/v1/tenants/{tenant}/deploy"), Some(json!({ "image": image })))
        .await;
    image.refused(400, Some("image_not_pushed"));
}

async fn podman_pushes_and_pulls() {
    if !is_installed("podman") {
        return;
    }
    let World { house: _house, folder, image, credentials, .. } = world().await;
    let home = folder.path();
    let (root, state) = (home.join("root").display().to_string(), home.join("state").display().to_string());
    let storage = ["--root", &root, "--runroot", &state, "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"];
    let podman = |arguments: &[&str]| {
        storage.iter().copied().chain(arguments.iter().copied()).map(str::to_owned).collect::<Vec<_>>()
    };
    let files = home.join("files.tar");
    let mut tar = tar::Builder::new(std::fs::File::create(&files).expect("a file"));
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    tar.append_data(&mut header, "hello", &b"hello"[..]).expect("written");
    tar.finish().expect("written");
    let files = files.display().to_string();
    let call = async |arguments: &[&str]| {
        let arguments = podman(arguments);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        must("podman", home, &arguments).await
    };
    call(&["import", &files, &image]).await;
    let kept = home.join("digest").display().to_string();
    call(&["push", "--tls-verify=false", "--creds", &credentials, "--digestfile", &kept, &image]).await;
    let pushed = std::fs::read_to_string(&kept).expect("a digest");
    call(&["rmi", "--force", &image]).await;
    let repository = image.rsplit_once(':').expect("a tag").0;
    for reference in [image.clone(), format!("{repository}@{}", pushed.trim())] {
        call(&["pull", "--tls-verify=false", "--creds", &credentials, &reference]).await;
        let found = call(&["image", "inspect", "--format", "{{.Digest}}", &reference]).await;
        assert_eq!(found.trim(), pushed.trim());
    }
}
