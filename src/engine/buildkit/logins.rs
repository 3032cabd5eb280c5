//! The user's own registry logins, for base images that need one: from the configuration of the Docker command line
//! and its credential helpers. A login is looked up when the engine asks for its registry, and no other is read out.
//!
//! Must not know what is pulled.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard_buildkit_proto::moby::filesync::v1::CredentialsResponse;
use serde::Deserialize;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::model::{Secret, text};

/// The Docker hub's name in requests, and in configurations.
const HUB: &str = "registry-1.docker.io";
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The user name that stands for a token instead of a password.
const TOKEN_USER: &str = "<token>";

/// How long a credential helper may take: it may have to ask the person.
const HELPER_LIMIT: Duration = Duration::from_secs(30);

/// Longest answer of a helper that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Where the logins are.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// The directory of `config.json`.
    directory: Option<PathBuf>,
    /// Where helpers are looked for; the process's own way where there is none.
    search_path: Option<OsString>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Configuration {
    auths: HashMap<String, Login>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers")]
    helpers: HashMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Login {
    auth: Option<Secret>,
    identitytoken: Option<Secret>,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret")]
    secret: Secret,
}

impl Logins {
    /// The logins of the person who runs the program.
    pub(super) fn of_user() -> Self {
        let named = std::env::var_os("DOCKER_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        let directory = named.or_else(|| Some(std::env::home_dir()?.join(".docker")));
        Self { directory, search_path: None }
    }

    /// The login for a registry; an empty one where there is none, which means a try without.
    pub(super) async fn answer(&self, host: &str) -> CredentialsResponse {
        let key = if host == HUB { HUB_KEY } else { host };
        let configuration = self.configuration().await;
        let helper = configuration.helpers.get(key).or(configuration.store.as_ref());
        let found = match helper {
            Some(helper) => self.ask(helper, key).await,
            None => configuration.login(key),
        };
        found.unwrap_or_default()
    }

    async fn configuration(&self) -> Configuration {
        let Some(path) = self.directory.as_ref().map(|directory| directory.join("config.json")) else {
            return Configuration::default();
        };
        let Ok(bytes) = tokio::fs::read(&path).await else { return Configuration::default() };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            // The error's own words may quote what is in the file.
            tracing::warn!(path = %path.display(), line = error.line(), "Docker's configuration cannot be read");
            Configuration::default()
        })
    }

    /// Runs a credential helper.
    async fn ask(&self, helper: &str, key: &str) -> Option<CredentialsResponse> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if helper.is_empty() || !helper.chars().all(is_name) {
            return None;
        }
        match tokio::time::timeout(HELPER_LIMIT, self.run(helper, key)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::warn!(helper, %error, "the credential helper cannot be asked");
                None
            }
            Err(_) => {
                tracing::warn!(helper, "the credential helper does not answer");
                None
            }
        }
    }

    async fn run(&self, helper: &str, key: &str) -> std::io::Result<Option<CredentialsResponse>> {
        let mut command = Command::new(format!("docker-credential-{helper}"));
        command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        if let Some(path) = &self.search_path {
            command.env("PATH", path);
        }
        let mut child = command.spawn()?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Ok(None) };
        // A helper that answers without reading is fine.
        let _ = input.write_all(format!("{key}\n").as_bytes()).await;
        drop(input);
        let mut answer = Vec::new();
        output.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
        if !child.wait().await?.success() {
            tracing::debug!(helper, registry = text::short(key, 120), "the credential helper knows no login");
            return Ok(None);
        }
        Ok(serde_json::from_slice::<HelperAnswer>(&answer).ok().map(|answer| match answer.username.as_str() {
            TOKEN_USER => response("", answer.secret.reveal()),
            user => response(user, answer.secret.reveal()),
        }))
    }
}

impl Configuration {
    /// Logins are kept under the registry's name, older ones under an address of it.
    fn login(&self, key: &str) -> Option<CredentialsResponse> {
        let same = |name: &&String| host_of(name) == host_of(key);
        let login = self.auths.get(key).or_else(|| self.auths.get(self.auths.keys().find(same)?))?;
        if let Some(token) = login.identitytoken.as_ref().filter(|token| !token.reveal().is_empty()) {
            return Some(response("", token.reveal()));
        }
        let decoded = Secret::new(String::from_utf8(STANDARD.decode(login.auth.as_ref()?.reveal()).ok()?).ok()?);
        let (user, password) = decoded.reveal().split_once(':')?;
        Some(response(user, password.trim_end_matches('\0')))
    }
}

fn response(username: &str, secret: &str) -> CredentialsResponse {
    CredentialsResponse { username: username.to_owned(), secret: secret.to_owned() }
}

fn host_of(name: &str) -> &str {
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    name.split('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn logins(configuration: &str, helper: Option<&str>) -> (tempfile::TempDir, Logins) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("config.json"), configuration).unwrap();
        let mut search_path = directory.path().as_os_str().to_owned();
        search_path.push(":/usr/bin:/bin");
        if let Some(script) = helper {
            let path = directory.path().join("docker-credential-test");
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let logins = Logins { directory: Some(directory.path().to_owned()), search_path: Some(search_path) };
        (directory, logins)
    }

    async fn ask(configuration: &str, helper: Option<&str>, host: &str) -> (String, String) {
        let (_directory, logins) = logins(configuration, helper);
        let answer = logins.answer(host).await;
        (answer.username, answer.secret)
    }

    fn pair(user: &str, secret: &str) -> (String, String) {
        (user.to_owned(), secret.to_owned())
    }

    #[tokio::test]
    async fn logins_of_the_configuration_are_given_for_their_registry_only() {
        let auth = STANDARD.encode("ada:pass:word");
        let configuration = format!(
            r#"{{"auths": {{"r.example:5000": {{"auth": "{auth}"}}, "https://old.example/v1/": {{"auth": "{auth}"}},
                "{HUB_KEY}": {{"auth": "{auth}"}}, "token.example": {{"identitytoken": "t0ken"}},
                "bad.example": {{"auth": "???"}}}}}}"#
        );
        for (host, expected) in [
            ("r.example:5000", pair("ada", "pass:word")),
            ("old.example", pair("ada", "pass:word")),
            (HUB, pair("ada", "pass:word")),
            ("token.example", pair("", "t0ken")),
            ("bad.example", pair("", "")),
            ("r.example", pair("", "")),
            ("other.example", pair("", "")),
        ] {
            assert_eq!(ask(&configuration, None, host).await, expected, "{host}");
        }
    }

    #[tokio::test]
    async fn a_configuration_that_is_missing_or_broken_means_no_login() {
        assert_eq!(ask("{", None, "r.example").await, pair("", ""));
        assert_eq!(ask(r#"{"auths": "hunter2"}"#, None, "r.example").await, pair("", ""));
        assert_eq!(Logins::default().answer("r.example").await, CredentialsResponse::default());
    }

    #[tokio::test]
    async fn a_helper_is_asked_for_the_registry() {
        let script = r#"read host; echo "{\"Username\": \"$1\", \"Secret\": \"for $host\"}""#;
        let store = r#"{"credsStore": "test"}"#;
        assert_eq!(ask(store, Some(script), "r.example").await, pair("get", "for r.example"));
        let helpers = r#"{"credHelpers": {"r.example": "test"}}"#;
        assert_eq!(ask(helpers, Some(script), "r.example").await, pair("get", "for r.example"));
        assert_eq!(ask(helpers, Some(script), "other.example").await, pair("", ""));
        let token = r#"echo '{"Username": "<token>", "Secret": "t0ken"}'"#;
        assert_eq!(ask(store, Some(token), "r.example").await, pair("", "t0ken"));
    }

    #[tokio::test]
    async fn a_helper_that_fails_is_missing_or_is_no_name_means_no_login() {
        let store = r#"{"credsStore": "test"}"#;
        assert_eq!(ask(store, Some("echo credentials not found; exit 1"), "r.example").await, pair("", ""));
        assert_eq!(ask(store, None, "r.example").await, pair("", ""));
        assert_eq!(ask(r#"{"credsStore": "../evil"}"#, None, "r.example").await, pair("", ""));
    }
}
