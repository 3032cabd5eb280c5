//! Asking DNS where a name leads.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::Notify;

use crate::model::{DnsRecord, text};
use crate::server::settings::DoorSettings;

/// How long one question may take, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(5);
const TRIES: usize = 2;
/// The most of what DNS says that is kept, characters.
const SHOWN: usize = 120;

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Here.
    Right,
    /// Nowhere yet.
    Nothing,
    /// Elsewhere.
    Wrong(String),
    /// Nobody could say.
    Unknown(String),
}

/// Looks names up, in rounds. A round begins after a pause, or when somebody asks for it.
#[derive(Debug)]
pub struct Checker {
    resolver: TokioResolver,
    wanted: Notify,
}

impl Checker {
    /// One that asks where the settings say, or where the system asks.
    pub fn new(settings: &DoorSettings) -> Result<Self, String> {
        let mut builder = match settings.dns_server {
            Some(server) => TokioResolver::builder_with_config(only(server), TokioRuntimeProvider::default()),
            None => TokioResolver::builder_tokio().unwrap_or_else(|error| {
                tracing::warn!(%error, "the system names no DNS server; custom domains cannot be checked");
                TokioResolver::builder_with_config(ResolverConfig::default(), TokioRuntimeProvider::default())
            }),
        };
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = TRIES;
        // What was entered a moment ago counts, and what this machine alone believes does not.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.preserve_intermediates = true;
        let resolver = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { resolver, wanted: Notify::new() })
    }

    /// Lets the next round begin at once.
    pub fn wake(&self) {
        self.wanted.notify_one();
    }

    /// Waits for the next round.
    pub async fn next_round(&self, pause: Duration) {
        let _ = tokio::time::timeout(pause, self.wanted.notified()).await;
    }

    /// Where `domain` leads, seen from what it should hold.
    pub async fn find(&self, domain: &str, wanted: &DnsRecord) -> Found {
        let kind = if wanted.record_type == "A" { RecordType::A } else { RecordType::CNAME };
        // The final dot: no search list of this machine is tried.
        let found = match self.resolver.lookup(format!("{domain}."), kind).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Found::Nothing,
            Err(error) => return Found::Unknown(text::short(&error.to_string(), SHOWN)),
        };
        let values: Vec<String> = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::A(address) if kind == RecordType::A => Some(address.0.to_string()),
                RData::CNAME(target) if kind == RecordType::CNAME => {
                    Some(target.0.to_ascii().trim_end_matches('.').to_ascii_lowercase())
                }
                _ => None,
            })
            .collect();
        if values.contains(&wanted.value) {
            return Found::Right;
        }
        match values.first() {
            Some(value) => Found::Wrong(text::short(value, SHOWN)),
            None => Found::Nothing,
        }
    }
}

fn only(server: SocketAddr) -> ResolverConfig {
    let connection = |protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = server.port();
        connection
    };
    let connections = vec![connection(ProtocolConfig::Udp), connection(ProtocolConfig::Tcp)];
    ResolverConfig::from_name_servers(vec![NameServerConfig::new(server.ip(), true, connections)])
}
