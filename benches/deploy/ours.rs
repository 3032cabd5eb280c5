//! This side: the built program, as a person or a script starts it.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tenantry::api::{BaseUrl, FeedItem};
use tenantry::model::{EventKind, RegistryToken, TenantId};
use tenantry::ops::{Session, checkout};
use tenantry::workspace::{Project as Folder, StateDirectory};

use crate::common::server::Server;
use crate::project::Project;

pub struct Tenantry {
    runtime: tokio::runtime::Runtime,
    session: Session,
}

/// One deploy, as its events told it.
pub struct Deployed {
    /// From start to end of the process.
    pub wall: Duration,
    steps: HashMap<String, Duration>,
}

impl Deployed {
    /// What a step took, also where it only found that there was nothing to do. The longest, where several tenants had it.
    pub fn step(&self, name: &str) -> Duration {
        self.steps.get(name).copied().unwrap_or_default()
    }

    /// Everything but what the server and the tenant do: start of the program, checks, token, build, push.
    pub fn build_and_push(&self) -> Duration {
        self.wall.saturating_sub(self.step("deploy") + self.step("health"))
    }
}

impl Tenantry {
    pub fn log_in(server: &Server, project: &Project) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let base = BaseUrl::parse(&server.api_url).expect("an address");
        let folder = Folder { root: project.path() };
        let state = Some(StateDirectory::at(project.state()));
        let session = runtime.block_on(Session::log_in(folder, state, base, server.token.clone())).expect("a login");
        Self { runtime, session }
    }

    /// Buys a tenant and waits for its infrastructure.
    pub fn buy(&self) -> String {
        let id: TenantId = self.runtime.block_on(async {
            let plans = self.session.client().plans().await.expect("plans");
            let plan = plans.last().expect("a plan");
            let opened = checkout::start(&self.session, &plan.paddle_price_id, "fra").await.expect("a checkout");
            checkout::auto_pay(&opened.checkout_url).await.expect("paid");
            let mut feed = self.session.client().checkout_events(&opened.checkout_session_id.expect("a session"));
            loop {
                match feed.next().await.expect("events until the infrastructure is ready") {
                    FeedItem::Item(event) if event.event_type == EventKind::InfrastructureReady => {
                        break event.tenant_id.expect("the tenant's id");
                    }
                    FeedItem::Failed(error) => panic!("{error}"),
                    _ => {}
                }
            }
        });
        id.to_string()
    }

    /// `tenantry deploy` with its events as lines of JSON. The project's own build is not what is measured.
    pub fn deploy(project: &Project, tenants: &[&str]) -> Deployed {
        let mut command = Self::command(project, tenants);
        let begun = Instant::now();
        let output = command.output().expect("tenantry starts");
        let wall = begun.elapsed();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}\n{told}", String::from_utf8_lossy(&output.stderr));
        let mut steps: HashMap<String, Duration> = HashMap::new();
        for line in told.lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            if event["event"] == "finished" || event["event"] == "skipped" {
                let took = Duration::from_millis(event["took_ms"].as_u64().expect("milliseconds"));
                let step = steps.entry(event["step"].as_str().expect("a step").to_owned()).or_default();
                *step = took.max(*step);
            }
        }
        Deployed { wall, steps }
    }

    /// The command of [`Self::deploy`].
    pub fn command(project: &Project, tenants: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.args(["deploy", "--events", "--no-secrets"]);
        if project.path().join("target/release/systemprompt").exists() {
            command.arg("--no-build");
        }
        for tenant in tenants {
            command.args(["--tenant", tenant]);
        }
        command.current_dir(project.path()).env("TENANTRY_STATE", project.state());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn registry_token(&self, tenant: &str) -> RegistryToken {
        let tenant = TenantId::new(tenant).expect("an id");
        self.runtime.block_on(self.session.client().registry_token(&tenant)).expect("a token")
    }

    /// The deploy call alone, as a script would make it after `docker push`.
    pub fn call_deploy(&self, tenant: &str) -> Duration {
        let image = self.registry_token(tenant).image().expect("an image");
        let id = TenantId::new(tenant).expect("an id");
        let begun = Instant::now();
        let answer = self.runtime.block_on(self.session.client().deploy(&id, &image)).expect("an answer");
        assert_eq!(answer.status, "deployed");
        begun.elapsed()
    }
}
