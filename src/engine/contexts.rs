//! Which engine the environment means: the Docker command line's own order, as a function of what it is given.
//!
//! Must not touch the process, the network or bollard: everything it looks at comes through [`Environment`].

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::EngineError;

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
    /// `default`, `DOCKER_HOST`, or the context's name.
    pub(super) name: String,
    /// Where it listens.
    pub(super) address: Address,
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

/// `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the current context of the configuration, then the first socket
/// that exists.
pub(super) fn resolve(environment: &Environment<'_>) -> Result<Target, EngineError> {
    if let Some(host) = environment.set("DOCKER_HOST") {
        let address = parse(&host)?;
        let tls = environment.set("DOCKER_TLS_VERIFY").is_some() || environment.set("DOCKER_TLS").is_some();
        if tls && matches!(address, Address::Tcp(_)) {
            return Err(EngineError::Unsupported {
                address: host,
                reason: "TLS is not supported (DOCKER_TLS_VERIFY is set)",
            });
        }
        return Ok(Target { name: "DOCKER_HOST".into(), address });
    }
    match environment.set("DOCKER_CONTEXT").or_else(|| environment.current_context()) {
        Some(name) if name != "default" => {
            Ok(Target { address: environment.context(&name)?, name: crate::model::text::short(&name, 60) })
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

    /// A configuration that cannot be read is no configuration, as Docker has it.
    fn current_context(&self) -> Option<String> {
        let path = self.configuration_directory()?.join("config.json");
        let text = (self.read)(&path).ok()?;
        match serde_json::from_str::<Configuration>(&text) {
            Ok(configuration) => configuration.current_context.filter(|name| !name.is_empty()),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "Docker's configuration cannot be read");
                None
            }
        }
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
        match candidates.iter().find(|path| (self.exists)(path)) {
            Some(path) => Ok(Target { name: "default".into(), address: Address::Unix(path.clone()) }),
            None => Err(EngineError::NotFound {
                looked_at: candidates.iter().map(|path| path.display().to_string()).collect(),
            }),
        }
    }

    /// Where engines put their sockets: the system's, the rootless one, Docker Desktop's, colima's, podman's.
    fn sockets(&self) -> Vec<PathBuf> {
        let runtime = self.set("XDG_RUNTIME_DIR").map(PathBuf::from);
        let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
        sockets.extend(runtime.as_ref().map(|directory| directory.join("docker.sock")));
        if let Some(home) = &self.home {
            sockets.extend(
                [".docker/run/docker.sock", ".docker/desktop/docker.sock", ".colima/default/docker.sock"]
                    .map(|path| home.join(path)),
            );
        }
        sockets.extend(runtime.as_ref().map(|directory| directory.join("podman/podman.sock")));
        sockets.push(PathBuf::from("/run/podman/podman.sock"));
        sockets
    }
}

/// The name of a context's directories.
fn context_id(name: &str) -> String {
    format!("{:x}", Sha256::digest(name.as_bytes()))
}

/// Reads an address as `DOCKER_HOST` has it.
fn parse(host: &str) -> Result<Address, EngineError> {
    let unsupported = |reason| Err(EngineError::Unsupported { address: crate::model::text::short(host, 200), reason });
    let Some((scheme, rest)) = host.split_once("://") else {
        return unsupported("an address begins with unix:// or tcp://");
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
            resolve(&Environment {
                variable: &|name| self.variables.get(name).map(ToString::to_string),
                home: Some("/home/ada".into()),
                exists: &|path| self.files.keys().any(|file| file.starts_with(path)),
                read: &|path| self.files.get(path).cloned().ok_or(io::ErrorKind::NotFound.into()),
            })
        }
    }

    fn unix(name: &str, path: &str) -> Target {
        Target { name: name.into(), address: Address::Unix(path.into()) }
    }

    #[test]
    fn the_id_of_a_context_is_the_digest_of_its_name() {
        // What `docker context create colima` makes.
        assert_eq!(context_id("colima"), "f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16");
    }

    #[test]
    fn each_source_goes_before_the_next() {
        let machine = Machine::default().file("/run/podman/podman.sock", "");
        assert_eq!(machine.resolve().unwrap(), unix("default", "/run/podman/podman.sock"));
        let machine = machine.file("/home/ada/.colima/default/docker.sock", "");
        assert_eq!(machine.resolve().unwrap(), unix("default", "/home/ada/.colima/default/docker.sock"));
        let machine = machine.with("XDG_RUNTIME_DIR", "/run/user/7").file("/run/user/7/docker.sock", "");
        assert_eq!(machine.resolve().unwrap(), unix("default", "/run/user/7/docker.sock"));
        let machine = machine.file("/var/run/docker.sock", "");
        assert_eq!(machine.resolve().unwrap(), unix("default", "/var/run/docker.sock"));
        let machine = machine
            .context("work", "unix:///work.sock")
            .file("/home/ada/.docker/config.json", r#"{"auths":{},"currentContext":"work"}"#);
        assert_eq!(machine.resolve().unwrap(), unix("work", "/work.sock"));
        let machine = machine.context("play", "tcp://play.local:99").with("DOCKER_CONTEXT", "play");
        assert_eq!(
            machine.resolve().unwrap(),
            Target { name: "play".into(), address: Address::Tcp("play.local:99".into()) }
        );
        let machine = machine.with("DOCKER_HOST", "unix:///host.sock");
        assert_eq!(machine.resolve().unwrap(), unix("DOCKER_HOST", "/host.sock"));
    }

    #[test]
    fn the_context_default_means_the_default_sockets() {
        let machine = Machine::default()
            .file("/var/run/docker.sock", "")
            .file("/home/ada/.docker/config.json", r#"{"currentContext":"work"}"#)
            .with("DOCKER_CONTEXT", "default");
        assert_eq!(machine.resolve().unwrap(), unix("default", "/var/run/docker.sock"));
    }

    #[test]
    fn the_configuration_may_be_elsewhere_and_may_be_broken() {
        let machine = Machine::default()
            .file("/var/run/docker.sock", "")
            .file("/etc/dock/config.json", "{ not json")
            .with("DOCKER_CONFIG", "/etc/dock");
        assert_eq!(machine.resolve().unwrap(), unix("default", "/var/run/docker.sock"));
        let machine = machine.file("/etc/dock/config.json", r#"{"currentContext":"c"}"#).file(
            format!("/etc/dock/contexts/meta/{}/meta.json", context_id("c")),
            r#"{"Endpoints":{"docker":{"Host":"unix:///c"}}}"#,
        );
        assert_eq!(machine.resolve().unwrap(), unix("c", "/c"));
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
