//! Can the tenant's database be reached from here? It can only warn: the tenant itself may reach it another way.

use std::time::Duration;
use tokio::net::TcpStream;
use url::Url;

use super::finding::Finding;
use crate::model::{Secret, text};

/// How long a connection may take (protocol D.0).
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// The same in a deploy, which waits for nothing that can only warn.
pub(super) const IN_DEPLOY: Duration = Duration::from_millis(300);

const NAME: &str = "database";
/// The port of a database whose address names none.
const PORT: u16 = 5432;

/// Where a database listens, without user and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

/// The address in a database URL; `None` where it is no URL with a host, or one that only the platform's own network
/// knows.
pub(super) fn address(url: &Secret) -> Option<Address> {
    let url = Url::parse(url.reveal()).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let host = host.trim_matches(['[', ']']);
    let is_inside = host.to_ascii_lowercase().ends_with(".internal");
    (!is_inside).then(|| Address { host: host.to_owned(), port: url.port().unwrap_or(PORT) })
}

/// Tries to connect; nothing to report where there is no address.
pub(super) async fn check(address: Option<Address>, limit: Duration) -> Option<Finding> {
    let Address { host, port } = address?;
    let shown = text::short(&format!("{host}:{port}"), 120);
    let why = match tokio::time::timeout(limit, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => return Some(Finding::pass(NAME, format!("{shown} answers"))),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {limit:?}"),
    };
    let hint = "Check database_url in the profile's secrets, and whether access from outside is on.";
    Some(Finding::warn(NAME, format!("{shown} cannot be reached from here: {why}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CheckResult;
    use tokio::net::TcpListener;

    #[test]
    fn only_addresses_for_this_side_are_tried() {
        let address = |url: &str| address(&Secret::new(url)).map(|Address { host, port }| format!("{host} {port}"));
        assert_eq!(address("postgres://u:hunter2@db.example:6000/x").as_deref(), Some("db.example 6000"));
        assert_eq!(address("postgres://u@db.example/x?sslmode=require").as_deref(), Some("db.example 5432"));
        assert_eq!(address("postgres://u@[::1]/x").as_deref(), Some("::1 5432"));
        for none in ["", "hunter2", "postgres:///x?host=/run", "postgres://u:p@sp-postgres.internal:5432/x", "${URL}"] {
            assert_eq!(address(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn it_answers_or_it_is_told_without_the_password() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let at = || address(&Secret::new(format!("postgres://u:hunter2@127.0.0.1:{port}/x")));
        let found = check(at(), LIMIT).await.expect("a finding");
        assert_eq!(found.check.result, CheckResult::Pass);
        drop(listener);
        let found = check(at(), LIMIT).await.expect("a finding");
        assert_eq!(found.check.result, CheckResult::Warn);
        assert!(!format!("{found:?} {:?}", at()).contains("hunter2"));
        assert!(check(None, LIMIT).await.is_none());
    }
}
