//! Which engine the environment means: the Docker command line's own order, as a function of what it is given.
//!
//! Must not touch the process, the network or bollard: everything it looks at comes through [`Environment`].

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::EngineError;
use crate::model::text;

/// The port of an engine whose address names none.
const PLAIN_PORT: u16 = 2375;

/// What the resolution may look at.
pub(super) struct Environment<'a> {
    /// An environment variable's value.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The user's home directory.
    pub(super) home: Option<PathBuf>,
    /// True when something is there.
    pub(super) exists: &'a dyn Fn(&Path) -> bool,
    /// A small file's text.
    pub(super) read: &'a dyn Fn(&Path) -> std::io::Result<String>,
}

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// `host:port`, plain HTTP.
    Tcp(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(f, "tcp://{authority}"),
        }
    }
}

/// The engine that the environment means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// `default`, `DOCKER_HOST`, the context's name, or the address that was given.
    pub(super) name: String,
    /// Where it listens.
    pub(super) address: Address,
    /// Why this one and no other, for a person: `default socket /var/run/docker.sock`. One harmless line.
    pub(super) reason: String,
}

/// `config.json` of the Docker command line, as far as it matters here.
#[derive(Deserialize)]
struct Configuration {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

/// A context's `meta.json`, as far as it matters here.
#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
}

/// The address that was `given`, then `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the current context of the
/// configuration, then the first socket that exists.
pub(super) fn resolve(environment: &Environment<'_>, given: Option<&str>) -> Result<Target, EngineError> {
    if let Some(host) = given {
        let address = environment.parse_plain(host)?;
        return Ok(Target { name: text::short(&address.to_string(), 60), address, reason: "given address".into() });
    }
    if let Some(host) = environment.set("DOCKER_HOST") {
        let address = environment.parse_plain(&host)?;
        return Ok(Target { name: "DOCKER_HOST".into(), address, reason: "DOCKER_HOST".into() });
    }
    let named = environment.set("DOCKER_CONTEXT").map(|name| (name, "DOCKER_CONTEXT".to_owned()));
    match named.or_else(|| environment.current_context()) {
        Some((name, said_by)) if name != "default" => {
            let address = environment.context(&name)?;
            let name = text::short(&name, 60);
            Ok(Target { reason: format!("Docker context {name} ({said_by})"), name, address })
        }
        _ => environment.default_socket(),
    }
}

impl Environment<'_> {
    /// A variable's value, where an empty one counts as none, as Docker has it.
    fn set(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn configuration_directory(&self) -> Option<PathBuf> {
        self.set("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(self.home.as_ref()?.join(".docker")))
    }

    /// An address from outside a context, which says nothing about TLS itself.
    fn parse_plain(&self, host: &str) -> Result<Address, EngineError> {
        let address = parse(host)?;
        let tls = self.set("DOCKER_TLS_VERIFY").is_some() || self.set("DOCKER_TLS").is_some();
        if tls && matches!(address, Address::Tcp(_)) {
            return Err(EngineError::Unsupported {
                address: text::short(host, 200),
                reason: "TLS is not supported (DOCKER_TLS_VERIFY is set)",
            });
        }
        Ok(address)
    }

    /// The name of the current context, and what says so. A configuration that cannot be read is no configuration,
    /// as Docker has it.
    fn current_context(&self) -> Option<(String, String)> {
        let path = self.configuration_directory()?.join("config.json");
        let json = (self.read)(&path).ok()?;
        match serde_json::from_str::<Configuration>(&json) {
            Ok(configuration) => {
                let name = configuration.current_context.filter(|name| !name.is_empty())?;
                Some((name, format!("currentContext in {}", self.for_people(&path))))
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "Docker's configuration cannot be read");
                None
            }
        }
    }

    /// A path as people write it, with `~` for their home.
    fn for_people(&self, path: &Path) -> String {
        let below_home = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        text::line(&below_home.map_or_else(|| path.display().to_string(), |rest| format!("~/{}", rest.display())))
    }

    /// The address that the context `name` stands for.
    fn context(&self, name: &str) -> Result<Address, EngineError> {
        let directory = self.configuration_directory().unwrap_or_default().join("contexts");
        let id = context_id(name);
        let path = directory.join("meta").join(&id).join("meta.json");
        let wrong = |reason: String| EngineError::Configuration { name: name.to_owned(), path: path.clone(), reason };
        let text = (self.read)(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => wrong("there is no such context".into()),
            _ => wrong(error.to_string()),
        })?;
        let meta: ContextMeta = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let host = meta
            .endpoints
            .docker
            .and_then(|endpoint| endpoint.host)
            .filter(|host| !host.is_empty())
            .ok_or_else(|| wrong("it has no Docker endpoint".into()))?;
        let address = parse(&host)?;
        if matches!(address, Address::Tcp(_)) && (self.exists)(&directory.join("tls").join(&id).join("docker")) {
            return Err(EngineError::Unsupported { address: host, reason: "contexts with TLS are not supported" });
        }
        Ok(address)
    }

    fn default_socket(&self) -> Result<Target, EngineError> {
        let candidates = self.sockets();
        match candidates.iter().find(|(_, path)| (self.exists)(path)) {
            Some((what, path)) => Ok(Target {
                name: "default".into(),
                reason: format!("{what} {}", self.for_people(path)),
                address: Address::Unix(path.clone()),
            }),
            None => Err(EngineError::NotFound {
                looked_at: candidates.iter().map(|(_, path)| path.display().to_string()).collect(),
            }),
        }
    }

    /// Where engines put their sockets, and what each place is called.
    fn sockets(&self) -> Vec<(&'static str, PathBuf)> {
        let runtime = self.set("XDG_RUNTIME_DIR").map(PathBuf::from);
        let below_runtime = |path| runtime.as_ref().map(|directory| directory.join(path));
        let below_home = |path| self.home.as_ref().map(|home| home.join(path));
        [
            ("default socket", Some(PathBuf::from("/var/run/docker.sock"))),
            ("rootless socket", below_runtime("docker.sock")),
            // Where rootless engines listen that were started without a runtime directory.
            ("rootless socket", below_home(".docker/run/docker.sock")),
            ("Docker Desktop's socket", below_home(".docker/desktop/docker.sock")),
            ("colima's socket", below_home(".colima/default/docker.sock")),
            ("podman's socket", below_runtime("podman/podman.sock")),
            ("podman's socket", Some(PathBuf::from("/run/podman/podman.sock"))),
        ]
        .into_iter()
        .filter_map(|(what, path)| Some((what, path?)))
        .collect()
    }
}

/// The name of a context's directories.
fn context_id(name: &str) -> String {
    format!("{:x}", Sha256::digest(name.as_bytes()))
}

/// Reads an address as `DOCKER_HOST` has it.
fn parse(host: &str) -> Result<Address, EngineError> {
    let unsupported = |reason| Err(EngineError::Unsupported { address: text::short(host, 200), reason });
    // Docker takes an address without a scheme for one over the network.
    let (scheme, rest) = match host.split_once("://") {
        Some(parts) => parts,
        None if host.contains('/') => return unsupported("an address begins with unix:// or tcp://"),
        None => ("tcp", host),
    };
    match scheme {
        "unix" if rest.is_empty() => unsupported("the path of the socket is missing"),
        "unix" => Ok(Address::Unix(PathBuf::from(rest))),
        "tcp" | "http" => {
            let authority = rest.trim_end_matches('/');
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
            if authority.is_empty() || !authority.chars().all(plain) {
                return unsupported("an address over the network is host:port, nothing more");
            }
            let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
            let port = if after_host.contains(':') { String::new() } else { format!(":{PLAIN_PORT}") };
            Ok(Address::Tcp(format!("{authority}{port}")))
        }
        "https" => unsupported("TLS is not supported"),
        "ssh" => unsupported("ssh is not supported; forward the socket with ssh -L and name that one"),
        _ => unsupported("only unix:// and tcp:// are supported"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::io;

    #[derive(Default)]
    struct Machine {
        variables: HashMap<&'static str, &'static str>,
        files: HashMap<PathBuf, String>,
    }

    impl Machine {
        fn with(mut self, name: &'static str, value: &'static str) -> Self {
            self.variables.insert(name, value);
            self
        }

        fn file(mut self, path: impl Into<PathBuf>, text: &str) -> Self {
            self.files.insert(path.into(), text.to_owned());
            self
        }

        fn context(self, name: &str, host: &str) -> Self {
            let path = format!("/home/ada/.docker/contexts/meta/{}/meta.json", context_id(name));
            let meta = format!(
                r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
            );
            self.file(path, &meta)
        }

        fn resolve(&self) -> Result<Target, EngineError> {
            self.resolve_given(None)
        }

        fn resolve_given(&self, given: Option<&str>) -> Result<Target, EngineError> {
            let environment = Environment {
                variable: &|name| self.variables.get(name).map(ToString::to_string),
                home: Some("/home/ada".into()),
                exists: &|path| self.files.keys().any(|file| file.starts_with(path)),
                read: &|path| self.files.get(path).cloned().ok_or(io::ErrorKind::NotFound.into()),
            };
            resolve(&environment, given)
        }
    }

    fn unix(name: &str, path: &str, reason: &str) -> Target {
        Target { name: name.into(), address: Address::Unix(path.into()), reason: reason.into() }
    }

    #[test]
    fn the_id_of_a_context_is_the_digest_of_its_name() {
        // What `docker context create colima` makes.
        assert_eq!(context_id("colima"), "f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16");
    }

    #[test]
    fn each_source_goes_before_the_next_and_says_that_it_was_the_one() {
        let mut machine = Machine::default();
        for (path, reason) in [
            ("/run/podman/podman.sock", "podman's socket /run/podman/podman.sock"),
            ("/run/user/7/podman/podman.sock", "podman's socket /run/user/7/podman/podman.sock"),
            ("/home/ada/.colima/default/docker.sock", "colima's socket ~/.colima/default/docker.sock"),
            ("/home/ada/.docker/desktop/docker.sock", "Docker Desktop's socket ~/.docker/desktop/docker.sock"),
            ("/home/ada/.docker/run/docker.sock", "rootless socket ~/.docker/run/docker.sock"),
            ("/run/user/7/docker.sock", "rootless socket /run/user/7/docker.sock"),
            ("/var/run/docker.sock", "default socket /var/run/docker.sock"),
        ] {
            machine = machine.with("XDG_RUNTIME_DIR", "/run/user/7").file(path, "");
            assert_eq!(machine.resolve().unwrap(), unix("default", path, reason));
        }
        let machine = machine
            .context("work", "unix:///work.sock")
            .file("/home/ada/.docker/config.json", r#"{"auths":{},"currentContext":"work"}"#);
        let reason = "Docker context work (currentContext in ~/.docker/config.json)";
        assert_eq!(machine.resolve().unwrap(), unix("work", "/work.sock", reason));
        let machine = machine.context("play", "tcp://play.local:99").with("DOCKER_CONTEXT", "play");
        assert_eq!(
            machine.resolve().unwrap(),
            Target {
                name: "play".into(),
                address: Address::Tcp("play.local:99".into()),
                reason: "Docker context play (DOCKER_CONTEXT)".into()
            }
        );
        let machine = machine.with("DOCKER_HOST", "unix:///host.sock");
        assert_eq!(machine.resolve().unwrap(), unix("DOCKER_HOST", "/host.sock", "DOCKER_HOST"));
        let given = machine.resolve_given(Some("unix:///given.sock")).unwrap();
        assert_eq!(given, unix("unix:///given.sock", "/given.sock", "given address"));
    }

    #[test]
    fn the_context_default_means_the_default_sockets() {
        let machine = Machine::default()
            .file("/var/run/docker.sock", "")
            .file("/home/ada/.docker/config.json", r#"{"currentContext":"work"}"#)
            .with("DOCKER_CONTEXT", "default");
        let reason = "default socket /var/run/docker.sock";
        assert_eq!(machine.resolve().unwrap(), unix("default", "/var/run/docker.sock", reason));
    }

    #[test]
    fn an_empty_variable_is_none() {
        let machine = Machine::default().file("/var/run/docker.sock", "").with("DOCKER_HOST", "");
        let machine = machine.with("DOCKER_CONTEXT", "").with("DOCKER_CONFIG", "");
        assert_eq!(machine.resolve().unwrap().reason, "default socket /var/run/docker.sock");
    }

    #[test]
    fn the_configuration_may_be_elsewhere_and_may_be_broken() {
        let machine = Machine::default()
            .file("/var/run/docker.sock", "")
            .file("/etc/dock/config.json", "{ not json")
            .with("DOCKER_CONFIG", "/etc/dock");
        assert_eq!(machine.resolve().unwrap().name, "default");
        let machine = machine.file("/etc/dock/config.json", r#"{"currentContext":"c"}"#).file(
            format!("/etc/dock/contexts/meta/{}/meta.json", context_id("c")),
            r#"{"Endpoints":{"docker":{"Host":"unix:///c"}}}"#,
        );
        let reason = "Docker context c (currentContext in /etc/dock/config.json)";
        assert_eq!(machine.resolve().unwrap(), unix("c", "/c", reason));
    }

    #[test]
    fn what_a_configuration_says_reaches_nobody_with_escape_sequences() {
        let name = "a\u{1b}[2Jb";
        let path = format!("/home/ada/.docker/contexts/meta/{}/meta.json", context_id(name));
        let machine = Machine::default()
            .file(path, r#"{"Endpoints":{"docker":{"Host":"unix:///c"}}}"#)
            .file("/home/ada/.docker/config.json", r#"{"currentContext":"a\u001b[2Jb"}"#);
        let target = machine.resolve().unwrap();
        assert_eq!((target.name.as_str(), target.reason.contains('\u{1b}')), ("ab", false));
    }

    #[test]
    fn a_context_that_does_not_exist_is_an_error_with_its_path() {
        let error = Machine::default().file("/var/run/docker.sock", "").with("DOCKER_CONTEXT", "gone").resolve();
        let problem = error.expect_err("no such context").problem();
        assert!(
            problem.detail.is_some_and(|detail| detail.contains("\"gone\"") && detail.contains(&context_id("gone")))
        );
    }

    #[test]
    fn nothing_anywhere_names_every_place() {
        let error = Machine::default().with("XDG_RUNTIME_DIR", "/run/user/7").resolve().expect_err("no socket");
        let EngineError::NotFound { looked_at } = error else { panic!("{error}") };
        assert_eq!(looked_at.len(), 7, "{looked_at:?}");
    }

    #[test]
    fn addresses_over_the_network() {
        for (written, means) in [
            ("tcp://build.local", "build.local:2375"),
            ("tcp://build.local:4000/", "build.local:4000"),
            ("http://127.0.0.1:80", "127.0.0.1:80"),
            ("tcp://[::1]:2375", "[::1]:2375"),
            ("tcp://[::1]", "[::1]:2375"),
            ("build.local", "build.local:2375"),
            ("127.0.0.1:4000", "127.0.0.1:4000"),
        ] {
            assert_eq!(parse(written).unwrap(), Address::Tcp(means.into()), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_reached_says_so() {
        for bad in [
            "ssh://me@build",
            "https://build:2376",
            "npipe:////./pipe/docker",
            "/var/run/docker.sock",
            "unix://",
            "tcp://",
            "tcp://a/b",
        ] {
            assert!(matches!(parse(bad), Err(EngineError::Unsupported { .. })), "{bad}");
        }
        let tls = Machine::default().with("DOCKER_HOST", "tcp://build:2376").with("DOCKER_TLS_VERIFY", "1").resolve();
        assert!(tls.expect_err("TLS").problem().detail.is_some_and(|detail| detail.contains("TLS")));
        let tls = Machine::default()
            .context("safe", "tcp://build:2376")
            .file(format!("/home/ada/.docker/contexts/tls/{}/docker/ca.pem", context_id("safe")), "")
            .with("DOCKER_CONTEXT", "safe");
        assert!(matches!(tls.resolve(), Err(EngineError::Unsupported { .. })));
    }
}
