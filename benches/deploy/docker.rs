//! The other side: the docker command line with BuildKit.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::ours::Tenantry;
use crate::project::Project;

pub struct Docker {
    program: String,
    /// Keeps its logins out of the user's.
    configuration: tempfile::TempDir,
}

/// What the steps of one release took.
pub struct Release {
    pub build: Duration,
    pub login: Duration,
    pub push: Duration,
}

impl Release {
    pub fn whole(&self) -> Duration {
        self.build + self.login + self.push
    }
}

impl Docker {
    pub fn find() -> Self {
        let program = std::env::var("TENANTRY_BENCH_DOCKER").unwrap_or_else(|_| "/usr/bin/docker".into());
        Self { program, configuration: tempfile::tempdir().expect("a folder") }
    }

    pub fn describe(&self) -> String {
        let asked =
            self.run(&["version", "--format", "docker command line {{.Client.Version}}, engine {{.Server.Version}}"]);
        let driver = self.run(&["info", "--format", "storage driver {{.Driver}}, {{.NCPU}} cores"]);
        format!("{}, {}", text(&asked), text(&driver))
    }

    /// Build, login and push, as people write it in a script.
    pub fn release(&self, project: &Project, tenantry: &Tenantry, tenant: &str) -> Release {
        let token = tenantry.registry_token(tenant);
        let image = token.image().expect("an image").to_string();
        let root = project.path();
        let root = root.to_str().expect("a path");
        let dockerfile = format!("{root}/.systemprompt/Dockerfile");
        let begun = Instant::now();
        self.run(&["build", "--quiet", "--file", &dockerfile, "--tag", &image, root]);
        let build = begun.elapsed();
        let begun = Instant::now();
        let mut child = self
            .command(&["login", &token.registry, "--username", &token.username, "--password-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("docker starts");
        child.stdin.take().expect("its input").write_all(token.token.reveal().as_bytes()).expect("the token");
        assert!(child.wait().expect("it ends").success(), "docker login failed");
        let login = begun.elapsed();
        let begun = Instant::now();
        self.run(&["push", "--quiet", &image]);
        Release { build, login, push: begun.elapsed() }
    }

    /// Removes what was built here, by the registry that it was built for.
    pub fn clean_up(&self, registry: &str) {
        let listed = self.run(&["images", "--quiet", "--filter", &format!("reference={registry}/*")]);
        let ids: Vec<_> = text(&listed).split_whitespace().map(str::to_owned).collect();
        for id in ids {
            let _ = self.command(&["rmi", "--force", &id]).output();
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("DOCKER_BUILDKIT", "1").env("DOCKER_CONFIG", self.configuration.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("docker starts");
        assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
