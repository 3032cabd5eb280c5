//! Projects to build, a registry name that nobody else uses, and a look at what the engine has.

use bollard::Docker;
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveContainerOptions,
};
use futures_util::StreamExt;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tar::EntryType;
use tenantry::engine::{BuildRequest, BuiltImage, Engine, EngineError, REGISTRY_LABEL};
use tenantry::model::ImageReference;
use tenantry::model::progress::{BuildProgress, Builder, VertexState};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub kind: EntryType,
    pub mode: u32,
    pub owner: (u64, u64),
    /// Where a symbolic link leads.
    pub link: String,
    pub content: Vec<u8>,
}

/// A directory to build from, with a registry name of its own. Its images are removed with [`Project::clean_up`].
pub struct Project {
    pub directory: tempfile::TempDir,
    pub registry: String,
    pub engine: Engine,
    pub docker: Docker,
    /// Who builds; what the engine has where nobody is named.
    pub builder: Option<Builder>,
}

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            directory: tempfile::tempdir().unwrap(),
            registry: format!("{}.invalid:5000", uuid::Uuid::new_v4().simple()),
            engine: Engine::connect().unwrap(),
            docker: Docker::connect_with_defaults().unwrap(),
            builder: None,
        };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A project that a certain builder builds.
    pub fn with(builder: Builder, files: &[(&str, &str)]) -> Self {
        let mut project = Self::new(files);
        project.builder = Some(builder);
        project
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Adds a Dockerfile whose images and containers can be found by [`Self::left_behind`] from the first step on.
    pub fn dockerfile(&self, instructions: &str) {
        self.write("Dockerfile", &format!("FROM scratch\nLABEL test.project={}\n{instructions}", self.registry));
    }

    /// Adds the program `step`: `exit <code>` after it printed `leaving`, `hash <file>` prints a hash of a file,
    /// `print <variable>`, or `wait` after it printed `waiting`.
    pub fn add_step_program(&self) {
        std::fs::copy(step_program(), self.path().join("step")).unwrap();
    }

    pub fn image(&self) -> ImageReference {
        ImageReference::new(&self.registry, "team/app", "t").unwrap()
    }

    pub fn request(&self) -> BuildRequest {
        BuildRequest {
            labels: vec![(REGISTRY_LABEL.into(), self.registry.clone())],
            builder: self.builder,
            ..BuildRequest::new(self.path().to_owned(), "Dockerfile", self.image())
        }
    }

    pub async fn build(&self) -> (Result<BuiltImage, EngineError>, Vec<BuildProgress>) {
        self.build_as(self.request()).await
    }

    pub async fn build_as(&self, request: BuildRequest) -> (Result<BuiltImage, EngineError>, Vec<BuildProgress>) {
        let (progress, mut received) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let reading = async {
            let mut all = Vec::new();
            while let Some(one) = received.recv().await {
                all.push(one);
            }
            all
        };
        let building = async move { self.engine.build(request, &progress, &cancel).await };
        tokio::join!(building, reading)
    }

    /// Containers and images, intermediate ones too, that came from [`Self::dockerfile`].
    pub async fn left_behind(&self) -> (usize, usize) {
        let label = format!("test.project={}", self.registry);
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let containers = self.docker.list_containers(Some(options)).await.unwrap().len();
        let options = ListImagesOptionsBuilder::default().all(true).filters(&filters).build();
        (containers, self.docker.list_images(Some(options)).await.unwrap().len())
    }

    /// What the image holds, without directories and what the engine puts into every container.
    pub async fn content(&self) -> Vec<String> {
        let files = self.files().await.into_iter().filter(|(_, file)| file.kind != EntryType::Directory);
        files.map(|(name, file)| if file.link.is_empty() { name } else { format!("{name} -> {}", file.link) }).collect()
    }

    /// The same with everything that is known of a file.
    pub async fn files(&self) -> BTreeMap<String, File> {
        let body = bollard::models::ContainerCreateBody {
            image: Some(self.image().to_string()),
            cmd: Some(vec!["/none".into()]),
            ..Default::default()
        };
        let container = self.docker.create_container(None::<CreateContainerOptions>, body).await.unwrap().id;
        let pieces: Vec<_> = self.docker.export_container(&container).collect().await;
        self.docker.remove_container(&container, None::<RemoveContainerOptions>).await.unwrap();
        let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            if ["dev/", "etc/", "proc/", "sys/", ".dockerenv"].iter().any(|part| name.starts_with(part)) {
                continue;
            }
            let link = entry.link_name().unwrap().map(|target| target.display().to_string()).unwrap_or_default();
            let kind = entry.header().entry_type();
            let file = if kind == EntryType::Link {
                // Another name of a file that came before.
                File::clone(&files[&link])
            } else {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                let header = entry.header();
                let owner = (header.uid().unwrap(), header.gid().unwrap());
                File { kind, mode: header.mode().unwrap(), owner, link, content }
            };
            files.insert(name, file);
        }
        files
    }

    pub async fn clean_up(self) {
        self.engine.remove_images_for_registry(&self.registry).await.unwrap();
        assert_eq!(self.left_behind().await, (0, 0));
    }
}

/// A test that fails half-way leaves nothing behind either.
impl Drop for Project {
    fn drop(&mut self) {
        let (engine, registry) = (self.engine.clone(), std::mem::take(&mut self.registry));
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(engine.remove_images_for_registry(&registry)).ok()
        };
        let _ = std::thread::spawn(remove).join();
    }
}

/// A static program that needs no base image. Compiled once for each run of the tests.
pub fn step_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let source = r#"
            fn main() {
                let mut arguments = std::env::args().skip(1);
                match arguments.next().as_deref() {
                    Some("exit") => {
                        println!("leaving");
                        std::process::exit(arguments.next().and_then(|code| code.parse().ok()).unwrap_or(1))
                    }
                    Some("hash") => {
                        let content = std::fs::read(arguments.next().unwrap()).unwrap();
                        println!("hash {:x}", content.iter().fold(5381_u64, |all, byte| all * 33 % 0xffff_fffb + u64::from(*byte)));
                    }
                    Some("print") => println!("value {}", std::env::var(arguments.next().unwrap()).unwrap()),
                    _ => {
                        println!("waiting");
                        loop { std::thread::park() }
                    }
                }
            }
        "#;
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (own, program) = (directory.join(format!("step-{}", std::process::id())), directory.join("step"));
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2021", "--crate-name=step", "-Ctarget-feature=+crt-static", "-o"])
            .arg(&own)
            .arg("-")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        rustc.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
        assert!(rustc.wait().unwrap().success());
        std::fs::rename(own, &program).unwrap();
        program
    })
}

/// True when the build said that the instruction with this number stands so: `is_vertex(&said, "[3/4]", &VertexState::Cached)`.
pub fn is_vertex(said: &[BuildProgress], number: &str, state: &VertexState) -> bool {
    said.iter().any(
        |one| matches!(one, BuildProgress::Vertex(vertex) if vertex.name.starts_with(number) && vertex.state == *state),
    )
}
