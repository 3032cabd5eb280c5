//! A real server with machines in memory, a project that is logged in, and the built program in it.

use crate::common::planted::holders;
use crate::common::terminal::Terminal;
use crate::support::{House, text, within};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// All of it, thrown away at the end.
pub struct World {
    pub house: House,
    folder: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Its one document.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "one document: {self:?}");
        serde_json::from_str(&self.out).expect("JSON")
    }

    /// Its documents, one on each line.
    pub fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The same, where it went well.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Where it ended with this code and told this.
    #[track_caller]
    pub fn refused(self, code: i32, words: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.contains(words) || self.out.contains(words), "{words} is not told: {self:?}");
        self
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(false).await
    }

    /// The same, whose server can be told to fail: [`World::fault`].
    pub async fn with_faults() -> Self {
        Self::with(true).await
    }

    async fn with(faults: bool) -> Self {
        // Nobody's name server is asked: a domain stays unseen.
        let nobody = "127.0.0.1:9".parse().expect("an address");
        let change = |settings: &mut tenantry::server::Settings| {
            settings.door.dns_server = Some(nobody);
            settings.serve_faults = faults;
        };
        let house = House::start_with(change).await;
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["project/.systemprompt", "project/services", "home"] {
            std::fs::create_dir_all(folder.path().join(name)).expect("made");
        }
        let world = Self { house, folder };
        let login = json!({
            "api_token": world.house.mara.token, "api_url": world.house.mara.base, "user_email": crate::support::MARA,
        });
        let place = world.project().join(".systemprompt/credentials.json");
        std::fs::write(&place, login.to_string()).expect("written");
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o600)).expect("private");
        }
        world
    }

    /// From now on the server fails like this.
    pub async fn fault(&self, fault: Value) {
        let answer = self.house.mara.post("/_faults", fault.clone()).await;
        assert_eq!(answer.status, 201, "{fault} {}", answer.body);
    }

    /// A second profile of the project that names the tenant.
    pub fn other_profile(&self, id: &str, name: &str) {
        let folder = self.project().join(".systemprompt/profiles").join(name);
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("profile.yaml"), format!("cloud: {{tenant_id: {id}}}\n")).expect("written");
        std::fs::write(folder.join("secrets.json"), "{}").expect("written");
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Nothing of whoever runs the tests.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.path(name).display().to_string();
        [
            ("HOME", path("home")),
            ("TENANTRY_STATE", path("state")),
            ("XDG_CONFIG_HOME", path("home")),
            ("TENANTRY_KEYRING", "none".to_owned()),
            ("DOCKER_HOST", "unix:///nonexistent/docker.sock".to_owned()),
            ("TZ", "UTC".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The built program in the project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.args(arguments).current_dir(self.project()).envs(self.environment()).kill_on_drop(true);
        for name in
            ["TENANTRY_TOKEN", "TENANTRY_API_URL", "TENANTRY_CONFIG", "BROWSER", "COMPLETE", "SYSTEMPROMPT_PROFILE"]
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it without input.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdin(Stdio::null()).spawn().expect("it starts")
    }

    pub async fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "").await
    }

    /// Runs it with `input`; no token may be seen, and no escape sequence where there is no terminal.
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.command(arguments).spawn().expect("it starts");
        // One that refuses at once does not read.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes()).await;
        let said = self.end(child).await;
        let is_in_lines = ["logs", "watch"].iter().any(|command| arguments.first() == Some(command));
        if is_in_lines && arguments.iter().any(|word| ["--json", "--events"].contains(word)) {
            check_lines(arguments, &said.out);
        } else if arguments.contains(&"--json") && said.out.lines().count() == 1 {
            crate::promises::check_document(arguments, &said);
        }
        said
    }

    pub async fn end(&self, child: Child) -> Said {
        let output = within("the end of the command", child.wait_with_output()).await.expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        let token = &self.house.mara.token;
        assert!(!said.out.contains(token) && !said.err.contains(token), "the token was shown");
        assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'), "no terminal: {said:?}");
        said
    }

    /// It in a terminal; without arguments the screen.
    pub fn terminal(&self, arguments: &[&str]) -> Terminal {
        let environment = self.environment();
        let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Terminal::start(arguments, &self.project(), &environment, 120, 36)
    }

    /// A tenant's record, as the server has it.
    pub async fn record(&self, id: &str) -> Value {
        self.house.mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone()
    }

    pub async fn name(&self, id: &str) -> String {
        text(&self.record(id).await["name"])
    }

    /// The requests so far that changed something, `POST /api/v1/tenants/{id}/restart`.
    pub async fn changes(&self) -> Vec<String> {
        // The log is written behind the answers: what came before this is in it once this is.
        static MARKS: AtomicU32 = AtomicU32::new(0);
        let mark = format!("/mark-{}", MARKS.fetch_add(1, Ordering::Relaxed));
        self.house.mara.get(&mark).await;
        let place = self.house.data().join("access.log");
        let log = within("the access log", async {
            loop {
                match std::fs::read_to_string(&place) {
                    Ok(log) if log.contains(&format!("{mark}\"")) && log.ends_with('\n') => return log,
                    _ => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
                }
            }
        })
        .await;
        let records = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        records
            .filter(|record| record["method"] != "GET" && record["route"].is_string())
            .map(|record| format!("{} {}", text(&record["method"]), text(&record["route"])))
            .collect()
    }

    /// A profile of the project that names the tenant.
    pub fn profile(&self, id: &str, secrets: &Value) {
        let folder = self.project().join(".systemprompt/profiles/prod");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("profile.yaml"), format!("cloud: {{tenant_id: {id}}}\n")).expect("written");
        std::fs::write(folder.join("secrets.json"), secrets.to_string()).expect("written");
    }

    pub fn profile_secrets(&self) -> Value {
        let path = self.project().join(".systemprompt/profiles/prod/secrets.json");
        serde_json::from_slice(&std::fs::read(path).expect("read")).expect("JSON")
    }

    /// The user's configuration.
    pub fn configure(&self, text: &str) {
        let folder = self.path("home/tenantry");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("config.toml"), text).expect("written");
    }
}

/// Fails where one of the documents has a field that the page does not describe, or does not say which tenant it is about.
#[track_caller]
pub fn check_lines(arguments: &[&str], lines: &str) {
    for line in lines.lines() {
        let said = Said { code: None, out: line.to_owned(), err: String::new() };
        crate::promises::check_document(arguments, &said);
        let document = said.json();
        let is_named = document["tenant_id"].is_string() && document["tenant_name"].is_string();
        assert!(is_named || document["problem"].is_object(), "{arguments:?}: {line}");
    }
}

/// Whatever a test did here: the login's token lies where logins lie, and nowhere else.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let token = &self.house.mara.token;
        for path in holders(self.folder.path(), token).iter().chain(&holders(&self.house.data(), token)) {
            let name = path.file_name().map(|name| name.to_string_lossy());
            assert!(name.is_some_and(|name| name.starts_with("credentials.json")), "in {}", path.display());
        }
    }
}

/// Asks a process to stop, as Ctrl-C does.
pub fn interrupt(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    kill_process(id.expect("it runs"), Signal::INT).expect("told");
}
