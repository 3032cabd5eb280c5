//! What a deploy knows that nobody else may: the login's token, the registry's, a build's secret, and the login of another
//! registry. Somebody between the program and the server writes down every token that goes by; afterwards all of them are
//! looked for in what was printed, in the process list, and in every file.

use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use tenantry::api::BaseUrl;
use tenantry::demo::sample;
use tenantry::ops::Session;
use tenantry::workspace::{Project, StateDirectory};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::common::planted::{ProcessList, guises, holders};
use crate::common::server::Server;
use crate::support::{Outcome, trial};
use crate::world::buy;

/// The secret of a build, and the password of a registry that is not the tenant's.
const BUILD: &str = "planted-build-secret";
const PASSWORD: &str = "planted-registry-password";

pub fn trials() -> Vec<Trial> {
    vec![trial("planted::the_secrets_of_a_deploy_are_found_only_where_they_belong", only_where_they_belong)]
}

/// Passes everything on in both directions, and keeps it.
struct Between {
    address: SocketAddr,
    server: Arc<OnceLock<String>>,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Between {
    async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (server, heard) = (Arc::new(OnceLock::<String>::new()), Arc::new(Mutex::new(Vec::new())));
        let (target, kept) = (Arc::clone(&server), Arc::clone(&heard));
        // Ends with the test's runtime.
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Some(target) = target.get() else { continue };
                let Ok(server) = TcpStream::connect(target).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(pass_on(from_client, to_server, Arc::clone(&kept)));
                tokio::spawn(pass_on(from_server, to_client, Arc::clone(&kept)));
            }
        });
        Ok(Self { address, server, heard })
    }

    /// The registry tokens that the server gave.
    fn tokens(&self) -> BTreeSet<String> {
        let heard = self.heard.lock().expect("nobody panicked");
        let all: Vec<_> = heard.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        all.iter()
            .flat_map(|text| text.split(r#""token":""#).skip(1))
            .filter_map(|rest| rest.split_once('"').map(|(token, _)| token.to_owned()))
            .collect()
    }

    /// True where a connection had this in it.
    fn heard(&self, words: &[String]) -> bool {
        let heard = self.heard.lock().expect("nobody panicked");
        heard.iter().any(|bytes| words.iter().any(|word| String::from_utf8_lossy(bytes).contains(word)))
    }
}

/// One direction of a connection until it ends.
async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, kept: Arc<Mutex<Vec<Vec<u8>>>>) {
    let place = {
        let mut kept = kept.lock().expect("nobody panicked");
        kept.push(Vec::new());
        kept.len() - 1
    };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.lock().expect("nobody panicked")[place].extend_from_slice(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}

/// Where the server listens itself.
fn listens(log: &str) -> &str {
    log.split(r#"listens="http://"#).nth(1).and_then(|rest| rest.split('"').next()).expect("it says where it listens")
}

async fn only_where_they_belong() -> Outcome {
    let between = Between::start().await?;
    let public = format!("http://{}", between.address);
    let start = move || Server::start_with(&["--public-url", &public], &[("TENANTRY_LOG", "trace")]);
    let server = tokio::task::spawn_blocking(start).await?;
    let log = loop {
        let log = server.log();
        if log.contains("the Management API answers") {
            break log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    between.server.set(listens(&log).to_owned()).expect("once");

    let folder = tempfile::tempdir()?;
    let (root, state) = (folder.path().join("project"), folder.path().join("state"));
    sample::write(&root, &server.registry).await?;
    let docker = folder.path().join("docker");
    fs::create_dir_all(&docker)?;
    let login = guises(&format!("mara:{PASSWORD}"))[0].clone();
    fs::write(docker.join("config.json"), format!(r#"{{"auths": {{"registry.example": {{"auth": "{login}"}}}}}}"#))?;
    let base = BaseUrl::parse(&server.api_url)?;
    let project = Project { root: root.clone() };
    let session = Session::log_in(project, Some(StateDirectory::at(state.clone())), base, server.token.clone()).await?;
    let tenant = buy(&session, 0).await;

    let token = server.token.reveal().to_owned();
    let list = ProcessList::watch(vec![token.clone(), BUILD.into(), PASSWORD.into()], &["tenantry", "deploy"]);
    let mut printed = Vec::new();
    for (builder, more) in [("classic", &[][..]), ("buildkit", &["--build-secret", "id=env:BUILD_KEY", "--force"])] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.args(["deploy", "--tenant", tenant.as_str(), "--builder", builder, "--events"]).args(more);
        command.current_dir(&root).env("TENANTRY_STATE", &state).env("XDG_CONFIG_HOME", &state).env("HOME", &state);
        command.env("TENANTRY_KEYRING", "none").env("TENANTRY_LOG", "trace").env("DOCKER_CONFIG", &docker);
        command.env("BUILD_KEY", BUILD).env_remove("TENANTRY_TOKEN").env_remove("TENANTRY_CONFIG");
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{builder}: {said}");
        printed.push(said);
    }
    let tokens = between.tokens();
    assert!(tokens.len() >= 2, "each deploy has one of its own: {} tokens", tokens.len());
    list.end();

    // Who is between heard them; nobody wrote them down.
    let logs = holders(&state, "tenantry");
    assert!(logs.iter().any(|path| path.extension().is_some_and(|end| end == "log")), "the log is on: {logs:?}");
    let kept_by_server = server.data().parent().expect("its folder").to_owned();
    for secret in tokens.iter().map(String::as_str).chain([&*token, BUILD, PASSWORD]) {
        let guises = guises(secret);
        for guise in &guises {
            assert!(!printed.iter().any(|said| said.contains(guise)), "it was printed: {printed:?}");
            let found = holders(folder.path(), guise);
            let own = if secret == token {
                vec![Path::new("project/.systemprompt/credentials.json").to_owned()]
            } else {
                vec![]
            };
            let docker = |path: &std::path::PathBuf| secret == PASSWORD && path.ends_with("docker/config.json");
            let found: Vec<_> = found.into_iter().filter(|path| !docker(path)).collect();
            assert!(found.is_empty() || (found == own && guise == secret), "in {found:?}");
            let found: Vec<_> =
                holders(&kept_by_server, guise).into_iter().filter(|path| !path.ends_with("ready.json")).collect();
            assert!(found.is_empty(), "the server has it in {found:?}");
        }
        let sent = between.heard(&guises);
        assert_eq!(sent, secret != PASSWORD && secret != BUILD, "the registry's are sent to it, others are not");
    }
    Ok(())
}
