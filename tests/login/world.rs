//! A server with two people, a project without a login, and a browser that is an HTTP client.

use crate::common::server::Server;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tenantry::api::{BaseUrl, Client, Page};
use tenantry::model::{CheckoutRequest, TenantState};

pub const MARA: &str = "mara@orchard.example";
pub const NILS: &str = "nils@harbour.example";

/// All of it, thrown away at the end.
pub struct World {
    pub server: Server,
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
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.out.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.out).expect("JSON")
    }
}

impl World {
    pub fn new() -> Self {
        let server = Server::start_with(&["--user", MARA, "--user", NILS, "--faults"], &[]);
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["project/.systemprompt", "project/services", "home"] {
            std::fs::create_dir_all(folder.path().join(name)).expect("made");
        }
        Self { server, folder }
    }

    /// A tenant of the first person's, bought and waiting for its first deploy; answers its name.
    pub fn tenant(&self) -> String {
        on_runtime(async {
            let base = BaseUrl::parse(&self.server.api_url).expect("a base");
            let client = Client::new(base, self.server.token.clone()).expect("a client");
            let plans = client.plans().await.expect("plans");
            let (price_id, region) = (plans[0].paddle_price_id.clone(), "fra".to_owned());
            let bought =
                client.checkout(&CheckoutRequest { price_id, region, redirect_uri: None }).await.expect("a checkout");
            let page = Page::get(&bought.checkout_url).await.expect("the payment page");
            page.submit("pay").await.expect("paid");
            loop {
                let tenants = client.tenants().await.expect("tenants").tenants;
                if let Some(tenant) = tenants.into_iter().find(|tenant| tenant.state() == TenantState::ToDeploy) {
                    return tenant.name;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
    }

    /// Every login so far is over, as after a day.
    pub fn expire_logins(&self) {
        on_runtime(self.server.faults().arm(serde_json::json!({ "fault": "expire" })));
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn file(&self) -> PathBuf {
        self.project().join(".systemprompt/credentials.json")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn token(&self) -> String {
        self.server.token.reveal().to_owned()
    }

    /// The environment of a person without a keyring, and without anything of whoever runs the tests.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.path(name).display().to_string();
        [
            ("HOME", path("home")),
            ("TENANTRY_STATE", path("state")),
            ("XDG_CONFIG_HOME", path("home")),
            ("TENANTRY_KEYRING", "none".to_owned()),
            ("DOCKER_HOST", "unix:///nonexistent/docker.sock".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The built program in the project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.args(arguments).current_dir(self.project()).envs(self.environment());
        for name in ["TENANTRY_TOKEN", "TENANTRY_API_URL", "TENANTRY_CONFIG", "BROWSER"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it with `input`; no token may be seen.
    pub fn run(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        self.finish(&mut command, input)
    }

    pub fn finish(&self, command: &mut Command, input: &str) -> Said {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        // One that refuses at once does not read.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        let token = self.token();
        assert!(!said.out.contains(&token) && !said.err.contains(&token), "the token was shown");
        said
    }

    /// Logs in through the browser: `decide` presses a button of the page that the program names.
    pub fn log_in(&self, arguments: &[&str], button: &str) -> Said {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut err = BufReader::new(child.stderr.take().expect("its words"));
        let mut heard = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(err.read_line(&mut line).expect("a line") > 0, "it ended: {heard}");
            heard.push_str(&line);
            if line.trim().starts_with("http") {
                break line.trim().to_owned();
            }
        };
        browse(&address, button);
        let output = child.wait_with_output().expect("it ends");
        std::io::Read::read_to_string(&mut err, &mut heard).expect("text");
        Said { code: output.status.code(), out: String::from_utf8_lossy(&output.stdout).into_owned(), err: heard }
    }
}

/// What a person does in the browser: opens the page, presses a button, and is sent back to the program.
pub fn browse(address: &str, button: &str) {
    let page = on_runtime(async {
        let page = Page::get(address).await.expect("the sign-in page");
        let back = page.submit(button).await.expect("pressed").location.expect("a way back");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.get(back).send().await.expect("the program listens").text().await.expect("a page")
    });
    assert!(page.contains("back to the terminal"), "{page}");
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(std::time::Duration::from_mins(1), work).await.expect("in time") })
}

/// What `path` holds once it is there.
pub fn once_written(path: &Path) -> String {
    let begun = std::time::Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(begun.elapsed() < std::time::Duration::from_mins(1), "{} never came", path.display()),
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
