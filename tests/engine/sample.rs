//! A registry of its own per test, and images made from the sample project's program without pulling any.

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListVolumesOptionsBuilder,
    PushImageOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use futures_util::{FutureExt as _, StreamExt as _};
use libtest_mimic::Failed;
use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tenantry::engine::{ContainerError, Credentials, Engine, REGISTRY_LABEL};
use tenantry::model::{Secret, TenantId};
use tenantry::server::provider::docker::{DockerProvider, INSTANCE_LABEL};
use tenantry::server::provider::{AppSpec, MachineSpec};
use tenantry::server::registry::{Access, REPOSITORY, Registry, RegistryTokens, USER};

use crate::support::Outcome;

/// The program, compiled once for all tests: static, so that it runs in an image that has nothing else.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("assets/sample/src/main.rs", "systemprompt"))
}

/// The program that does what a test asks it to.
fn probe() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("tests/engine/probe/main.rs", "probe"))
}

fn compile(source: &str, name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let fresh = directory.path().join(name);
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let flags = ["--edition", "2021", "-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"];
    let status = Command::new(rustc).args(flags).arg(&fresh).arg(source).status().expect("rustc runs");
    assert!(status.success(), "{name} does not compile");
    // One place for all runs; the rename is safe beside another run.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::rename(&fresh, &place).expect("moves");
    place
}

/// What an image is made of.
pub struct Image<'a> {
    pub page: &'a str,
    pub command: &'a str,
    pub health_check: bool,
    /// The program is the probe.
    pub probe: bool,
    /// Further files in `/app/services`: path, content, modification time.
    pub files: &'a [(&'a str, &'a str, u64)],
}

impl Default for Image<'_> {
    fn default() -> Self {
        Self {
            page: "hello",
            command: r#"["services", "serve", "--foreground"]"#,
            health_check: true,
            probe: false,
            files: &[],
        }
    }
}

impl Image<'_> {
    pub fn probe() -> Self {
        Self { command: "[]", health_check: false, probe: true, ..Self::default() }
    }
}

/// One test's registry, and everything that it makes on the shared engine.
pub struct World {
    pub docker: Docker,
    pub engine: Engine,
    pub registry: Registry,
    pub tokens: RegistryTokens,
    pub host: String,
    pub instance: String,
    directory: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

/// Runs a test in a world of its own and cleans up whatever happened in it.
pub async fn in_world<F, Fut>(test: F) -> Outcome
where
    F: FnOnce(Arc<World>) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let world = Arc::new(World::new().await?);
    let outcome = AssertUnwindSafe(test(Arc::clone(&world))).catch_unwind().await;
    let cleaned = world.clean().await;
    world.server.abort();
    match outcome {
        Ok(outcome) => outcome.and(cleaned),
        Err(panic) => resume_unwind(panic),
    }
}

impl World {
    async fn new() -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let tokens = RegistryTokens::new([9; 32]);
        let registry = Registry::open(directory.path(), tokens.clone())?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let host = listener.local_addr()?.to_string();
        let app = registry.router();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        let docker = Docker::connect_with_defaults()?;
        let instance = uuid::Uuid::new_v4().to_string();
        Ok(Self { docker, engine: Engine::connect()?, registry, tokens, host, instance, directory, server })
    }

    pub fn token(&self, id: &str, access: Access) -> Secret {
        self.tokens.issue(&tenant(id), access, Duration::from_mins(5))
    }

    /// Has the engine pull an image with `token`.
    pub async fn pull(&self, image: &str, token: Secret) -> Result<(), ContainerError> {
        self.engine.pull(image, &Credentials { username: USER.into(), password: token }).await
    }

    /// `{host}/{repository}`.
    pub fn repository(&self) -> String {
        format!("{}/{REPOSITORY}", self.host)
    }

    /// Makes an image of one layer and gives it the tenant's tag. Imported, not built: that is ten times faster, and
    /// no two tests share a layer whose removal could disturb the other.
    pub async fn build(&self, id: &str, image: &Image<'_>) -> Result<(), Failed> {
        import(&self.docker, &self.host, &self.instance, id, image).await
    }

    /// Has the engine push the tenant's tag with `token`; the engine's words on failure.
    pub async fn push(&self, id: &str, token: &Secret) -> Result<(), String> {
        push(&self.docker, &self.host, id, token).await
    }

    /// Builds, pushes, and removes the local image, so that what runs next was really pulled.
    pub async fn publish(&self, id: &str, image: &Image<'_>) -> Result<String, Failed> {
        self.build(id, image).await?;
        self.push(id, &self.token(id, Access::Push)).await?;
        self.remove_local(&format!("{}:tenant-{id}", self.repository())).await?;
        let digest = self.registry.digest_of(&tenant(id)).await.ok_or("nothing was pushed")?;
        Ok(format!("{}@{digest}", self.repository()))
    }

    pub async fn remove_local(&self, reference: &str) -> Result<(), Failed> {
        let id = self.docker.inspect_image(reference).await?.id.ok_or("an image has an id")?;
        let options = RemoveImageOptionsBuilder::new().force(true).build();
        self.docker.remove_image(&id, Some(options), None).await?;
        assert!(self.docker.inspect_image(&id).await.is_err(), "the image is still there");
        Ok(())
    }

    pub fn provider(&self) -> DockerProvider {
        DockerProvider::new(self.instance.clone(), self.host.clone())
    }

    /// Ids of the containers, names of the volumes and ids of the images that are this test's.
    pub async fn left(&self) -> Result<[Vec<String>; 3], Failed> {
        let label = HashMap::from([("label", vec![format!("{INSTANCE_LABEL}={}", self.instance)])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&label).build();
        let containers = self.docker.list_containers(Some(containers)).await?;
        let volumes = ListVolumesOptionsBuilder::new().filters(&label).build();
        let volumes = self.docker.list_volumes(Some(volumes)).await?.volumes.unwrap_or_default();
        let images = ListImagesOptionsBuilder::new().filters(&label).build();
        let images = self.docker.list_images(Some(images)).await?;
        Ok([
            containers.into_iter().filter_map(|container| container.id).collect(),
            volumes.into_iter().map(|volume| volume.name).collect(),
            images.into_iter().map(|image| image.id).collect(),
        ])
    }

    async fn clean(&self) -> Outcome {
        let [containers, volumes, images] = self.left().await?;
        for id in containers {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            self.docker.remove_container(&id, Some(options)).await?;
        }
        for name in volumes {
            let options = RemoveVolumeOptionsBuilder::new().force(true).build();
            self.docker.remove_volume(&name, Some(options)).await?;
        }
        for id in images {
            let options = RemoveImageOptionsBuilder::new().force(true).build();
            self.docker.remove_image(&id, Some(options), None).await?;
        }
        assert!(self.directory.path().exists());
        Ok(())
    }
}

pub fn tenant(id: &str) -> TenantId {
    TenantId::new(id).expect("valid")
}

pub fn app(id: &str) -> AppSpec {
    AppSpec { tenant: tenant(id), app: format!("sp-{id}"), region: "iad".into(), volume_gb: 1 }
}

impl World {
    pub fn machine(&self, id: &str, image: &str) -> MachineSpec {
        MachineSpec {
            app: app(id),
            image: image.to_owned(),
            pull_user: USER.into(),
            pull_token: self.token(id, Access::Pull),
            environment: vec![
                ("TENANT_ID".into(), Secret::new(id)),
                ("OPENAI_API_KEY".into(), Secret::new("a secret = with; signs")),
            ],
            memory_mb: 64,
            last_deploy: None,
            replaces: None,
        }
    }
}

/// Makes an image of one layer, under the tenant's tag in the registry at `host`. The content names the instance: equal
/// images of two tests would be one image, and each would remove the other's.
pub async fn import(docker: &Docker, host: &str, instance: &str, id: &str, image: &Image<'_>) -> Result<(), Failed> {
    let mut root = tar::Builder::new(Vec::new());
    let services = format!("brought by the image of {instance}\n");
    let program = std::fs::read(if image.probe { probe() } else { program() })?;
    let mut files: Vec<(String, &[u8], u64)> = vec![
        ("app/web/index.html".into(), image.page.as_bytes(), 0),
        ("app/services/services.txt".into(), services.as_bytes(), 0),
        ("app/bin/systemprompt".into(), &program, 0),
    ];
    let more = image.files.iter();
    files.extend(more.map(|(name, content, time)| (format!("app/services/{name}"), content.as_bytes(), *time)));
    for (name, content, time) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_mtime(time);
        root.append_data(&mut header, name, content)?;
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o1777);
    root.append_data(&mut header, "tmp/", std::io::empty())?;
    let mut changes = vec![
        format!("LABEL {INSTANCE_LABEL}={instance} {REGISTRY_LABEL}={host}"),
        "ENTRYPOINT [\"/app/bin/systemprompt\"]".into(),
        format!("CMD {}", image.command),
    ];
    if image.health_check {
        changes.push("HEALTHCHECK --interval=1s CMD [\"/app/bin/systemprompt\", \"health\"]".into());
    }
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(&format!("{host}/{REPOSITORY}"))
        .tag(&format!("tenant-{id}"))
        .changes(vec![changes.join("\n")])
        .build();
    let body = bollard::body_full(root.into_inner()?.into());
    let mut steps = docker.create_image(Some(options), Some(body), None);
    while let Some(step) = steps.next().await {
        step?;
    }
    Ok(())
}

/// Has the engine push the tenant's tag to the registry at `host`; the engine's words on failure.
pub async fn push(docker: &Docker, host: &str, id: &str, token: &Secret) -> Result<(), String> {
    let options = PushImageOptionsBuilder::new().tag(&format!("tenant-{id}")).build();
    let credentials = DockerCredentials {
        username: Some(USER.into()),
        password: Some(token.reveal().to_owned()),
        serveraddress: Some(host.to_owned()),
        ..DockerCredentials::default()
    };
    let mut steps = docker.push_image(&format!("{host}/{REPOSITORY}"), Some(options), Some(credentials));
    while let Some(step) = steps.next().await {
        step.map_err(|error| error.to_string())?;
    }
    Ok(())
}
