//! How addresses outside of this machine are reached, as the configuration says: for all contexts, or for one.
//!
//! Must not know the network itself; `outbound` does.

use serde::{Serialize, Serializer};
use std::path::PathBuf;

use super::{Config, Context, SettingsError};
use crate::outbound::{Network, NetworkError, ProxySetting};
use crate::workspace::reading;

/// What is set. What is not is the environment's to say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Networking {
    /// The proxy.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    pub proxy: Option<ProxySetting>,
    /// A file of certificates (PEM) that count beside the machine's own; absolute, or as it is written where there is no
    /// folder to begin at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

#[allow(clippy::ref_option, reason = "serde's signature")]
fn shown<S: Serializer>(proxy: &Option<ProxySetting>, serializer: S) -> Result<S::Ok, S::Error> {
    match proxy {
        Some(ProxySetting::At { shown, .. }) => serializer.serialize_str(shown),
        Some(ProxySetting::None) => serializer.serialize_str("none"),
        Some(ProxySetting::Unreadable) => serializer.serialize_str("unreadable"),
        None => serializer.serialize_none(),
    }
}

impl Config {
    /// The way that a context goes; what it does not say itself is said for all. Blocks on the disk.
    ///
    /// # Errors
    /// A proxy that cannot be read, or a file of certificates that cannot, or holds none.
    pub fn network(&self, context: Option<&Context>) -> Result<Network, SettingsError> {
        let own = context.map(|context| &context.network);
        let proxy = self.proxy(context);
        if proxy == Some(&ProxySetting::Unreadable) {
            return Err(SettingsError::Proxy { why: "it cannot be read" });
        }
        let path = own.and_then(|own| own.ca_file.as_ref()).or(self.network.ca_file.as_ref());
        let wrong = |why: &'static str| SettingsError::Certificates { path: path.cloned().unwrap_or_default(), why };
        let pem = match path {
            Some(path) => Some(reading::small_file(path)?.ok_or_else(|| wrong("it is not there"))?),
            None => None,
        };
        Network::new(proxy.cloned(), pem.as_deref()).map_err(|error| match error {
            NetworkError::Proxy(why) => SettingsError::Proxy { why },
            NetworkError::Certificates(why) => wrong(why),
        })
    }

    /// The same for what goes on without: the certificates are left out, and where the proxy is not known nothing outside of
    /// this machine is reached.
    #[must_use]
    pub fn network_of_this_machine(&self, context: Option<&Context>) -> Network {
        let closed = || Network::new(Some(ProxySetting::Unreadable), None).unwrap_or_default();
        Network::new(self.proxy(context).cloned(), None).unwrap_or_else(|_| closed())
    }

    fn proxy<'a>(&'a self, context: Option<&'a Context>) -> Option<&'a ProxySetting> {
        context.and_then(|context| context.network.proxy.as_ref()).or(self.network.proxy.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;

    #[test]
    fn a_context_goes_its_own_way_where_it_says_one() {
        let (config, mistakes) = parse(
            r#"[network]
proxy = "http://mara:hunter2@proxy.example:3128"
[context.outside]
api = "https://h.example"
[context.inside]
api = "https://h.corp.example"
proxy = "none"
"#,
        );
        assert_eq!(mistakes, []);
        let proxy = |name: Option<&str>| {
            let context = name.and_then(|name| config.context(name));
            let told = format!("{:?}", config.network(context).expect("a network"));
            assert!(!told.contains("hunter2"));
            (told.contains("proxy.example"), told.contains("Some(None)"))
        };
        assert_eq!(proxy(None), (true, false));
        assert_eq!(proxy(Some("outside")), (true, false));
        assert_eq!(proxy(Some("inside")), (false, true));
        let told = format!("{config:?}{}", serde_json::to_string(&config).expect("plain data"));
        assert!(told.contains("proxy.example") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn a_context_whose_way_cannot_be_read_is_left_out() {
        for wrong in [r#"proxy = "ftp://hunter2@proxy.example""#, "proxy = 3128", r#"ca_file = """#, "ca_file = []"] {
            let (config, mistakes) = parse(&format!("[context.one]\napi = \"https://h.example\"\n{wrong}\n"));
            assert_eq!((config.contexts.len(), mistakes.len()), (0, 1), "{wrong}");
            assert!(
                mistakes[0].to_string().starts_with("line 3: context.one.")
                    && !mistakes[0].to_string().contains("hunter2")
            );
        }
    }

    #[test]
    fn a_way_for_all_that_cannot_be_read_is_no_reason_for_another() {
        let text = |wrong: &str| {
            format!(
                "[network]\nproxy = {wrong}\n[context.own]\napi = \"https://h.example\"\nproxy = \"none\"\n\
                 [context.all]\napi = \"https://h.example\"\n"
            )
        };
        for wrong in ["3128", r#""ftp://hunter2@proxy.example""#, ""] {
            let (config, mistakes) = parse(&text(wrong));
            assert!(!mistakes.is_empty(), "{wrong}");
            for context in [None, config.context("all")] {
                let problem = config.network(context).expect_err(wrong).problem();
                assert!(problem.title.contains("proxy") && !problem.to_string().contains("hunter2"), "{problem}");
                let left = format!("{:?}", config.network_of_this_machine(context));
                assert!(left.contains("Unreadable"), "{left}");
            }
            assert!(config.network(config.context("own")).is_ok(), "{wrong}");
        }
    }

    #[test]
    fn certificates_that_are_not_there_or_are_none_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        let network = Networking { ca_file: Some(path.clone()), ..Networking::default() };
        let config = Config { network, ..Config::default() };
        for content in [None, Some(""), Some("hunter2")] {
            if let Some(content) = content {
                std::fs::write(&path, content).expect("written");
            }
            let problem = config.network(None).expect_err("no certificates").problem();
            assert!(problem.detail.as_ref().is_some_and(|detail| detail.contains("ca.pem")), "{problem}");
            assert!(problem.hint.is_some() && !problem.to_string().contains("hunter2"));
        }
    }
}
