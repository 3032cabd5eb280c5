//! Whether a database answers: a real login and a real question, so that "it answers" is never only an open port.
//!
//! Knows sqlx. Must not know who runs the database.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use std::str::FromStr as _;
use std::time::Duration;
use url::Url;

use crate::model::{Problem, Remedy, Secret, database_url, text};

/// How long an existing database may take to answer (protocol E.11).
pub(in crate::ops) const LIMIT: Duration = Duration::from_secs(5);
/// How long one may take that is only looked at for a list.
pub(in crate::ops) const GLANCE: Duration = Duration::from_secs(2);
/// The longest address that is taken, bytes.
const LONGEST: usize = 4096;

/// Why it does not answer. Harmless text, without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) enum Silence {
    /// Nobody listens, or it is still starting: a later look may find it.
    NotYet(String),
    /// It answers, and does not take the password.
    Password(String),
    /// It answers, and does not let us in for another reason.
    Refused(String),
}

impl Silence {
    /// In words.
    pub(in crate::ops) fn words(&self) -> &str {
        match self {
            Self::NotYet(words) | Self::Password(words) | Self::Refused(words) => words,
        }
    }
}

/// The version of the database at `url`, once it answered a question.
pub(in crate::ops) async fn version(url: &Secret, limit: Duration) -> Result<String, Silence> {
    let options = options(url)?;
    let ask = async {
        let mut connection = options.connect().await?;
        let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        // It has answered: how the connection ends changes nothing.
        let _ = connection.close().await;
        Ok::<_, sqlx::Error>(version)
    };
    // What sqlx keeps while it connects is large, and whoever waits keeps it, too.
    match tokio::time::timeout(limit, Box::pin(ask)).await {
        Ok(Ok(version)) => Ok(text::short(version.split_whitespace().next().unwrap_or("?"), 20)),
        Ok(Err(error)) => Err(silence(&error)),
        Err(_) => Err(Silence::NotYet(format!("no answer within {} s", limit.as_secs()))),
    }
}

/// How to connect to `url`: where it leads, it says itself. What the environment says of other databases leads nowhere, and
/// its password goes to this machine alone.
pub(in crate::ops) fn options(url: &Secret) -> Result<PgConnectOptions, Silence> {
    // The parser's own words could repeat the password.
    let unknown = || Silence::Refused("its address cannot be understood".into());
    let parsed = Url::parse(url.reveal().trim()).map_err(|_| unknown())?;
    let whole = explicit(parsed)?;
    let options = PgConnectOptions::from_str(whole.reveal()).map_err(|_| unknown())?;
    let options = options.application_name("tenantry").disable_statement_logging();
    if !has_password(url) && !is_here(options.get_host()) {
        // The environment's password is for whom its owner meant, not for whatever a project's file names.
        return Ok(options.password(""));
    }
    Ok(options)
}

/// The address with everything in it that the driver would look for in the environment.
fn explicit(mut url: Url) -> Result<Secret, Silence> {
    let unknown = || Silence::Refused("its address cannot be understood".into());
    let has = |url: &Url, names: &[&str]| url.query_pairs().any(|(name, _)| names.contains(&&*name));
    if url.host_str().is_none_or(str::is_empty) && !has(&url, &["host", "hostaddr"]) {
        return Err(Silence::Refused("its address names no host".into()));
    }
    // Beside a parameter, too: the one behind the question mark goes before it.
    if url.port().is_none() && !has(&url, &["port"]) {
        url.query_pairs_mut().append_pair("port", "5432");
    }
    if url.username().is_empty() && !has(&url, &["user"]) {
        let user =
            ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        let user = user.ok_or_else(|| Silence::Refused("its address names no user".into()))?;
        url.query_pairs_mut().append_pair("user", &user);
    }
    if url.path().trim_start_matches('/').is_empty() && !has(&url, &["dbname"]) {
        let named = url.query_pairs().filter(|(name, _)| name == "user").last().map(|(_, user)| user.into_owned());
        let own = || percent_encoding::percent_decode_str(url.username()).decode_utf8().ok().map(Into::into);
        let user: String = named.or_else(own).ok_or_else(unknown)?;
        url.query_pairs_mut().append_pair("dbname", &user);
    }
    Ok(Secret::new(String::from(url)))
}

/// Where the driver goes: a host's name, or a socket's folder.
pub(in crate::ops) fn host(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => folder.to_string_lossy().into_owned(),
        None => options.get_host().trim_matches(['[', ']']).to_owned(),
    }
}

pub(in crate::ops) fn has_password(url: &Secret) -> bool {
    // What is no address is refused elsewhere.
    url::Url::parse(url.reveal().trim())
        .is_ok_and(|url| url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password"))
}

/// True for this machine, by its loopback names or by a socket's folder.
pub(in crate::ops) fn is_here(host: &str) -> bool {
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(in crate::ops) fn silence(error: &sqlx::Error) -> Silence {
    let words = |raw: &str| text::short(raw, 200);
    match error {
        // `cannot_connect_now`: it is starting or stopping.
        sqlx::Error::Database(said) if said.code().as_deref() == Some("57P03") => {
            Silence::NotYet(words(said.message()))
        }
        sqlx::Error::Database(said) if matches!(said.code().as_deref(), Some("28P01" | "28000")) => {
            Silence::Password(words(said.message()))
        }
        sqlx::Error::Database(said) => Silence::Refused(words(said.message())),
        sqlx::Error::Io(cause) => Silence::NotYet(words(&cause.to_string())),
        sqlx::Error::Tls(cause) => Silence::Refused(words(&format!("TLS: {cause}"))),
        // What it says before it knows whom it talks to; the options are not in it.
        other => Silence::NotYet(words(&other.to_string())),
    }
}

/// The address of an existing database, looked at before anybody connects.
///
/// # Errors
/// What is wrong with it; never a part of it.
pub(in crate::ops) fn checked(url: &Secret) -> Result<Secret, Problem> {
    let raw = url.reveal().trim();
    let wrong = |why: &str| {
        Problem::new("The address of the database cannot be used.")
            .detail(why)
            .hint("Write it as postgres://user:password@host:port/database.")
    };
    if raw.is_empty() {
        return Err(wrong("It is empty."));
    }
    if raw.len() > LONGEST {
        return Err(wrong("It is too long."));
    }
    let parsed = Url::parse(raw).map_err(|_| wrong("It is no URL."))?;
    if !matches!(parsed.scheme(), "postgres" | "postgresql") {
        return Err(wrong("It is not one of Postgres: it does not begin with postgres://."));
    }
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(wrong("It names no host."));
    }
    if parsed.path().len() < 2 {
        return Err(wrong("It names no database."));
    }
    if parsed.query_pairs().any(|(key, _)| key == "password") {
        return Err(wrong("Its password stands behind the question mark, where it would be shown."));
    }
    if database_url::is_masked(raw) {
        return Err(wrong("Its password is left out: there are only stars for it."));
    }
    Ok(Secret::new(raw))
}

/// What a person is told whose existing database does not answer.
pub(in crate::ops) fn no_answer(url: &Secret, silence: &Silence) -> Problem {
    let problem = Problem::new("The database does not let us in.");
    let (problem, hint) = match silence {
        Silence::NotYet(_) => (
            Problem::new("The database does not answer."),
            "Start it, and check host and port in its address; then try again.",
        ),
        Silence::Password(_) | Silence::Refused(_) => {
            (problem, "Check user, password and database in its address; then try again.")
        }
    };
    problem.detail(format!("{}: {}.", database_url::masked(url), silence.words())).hint(hint).remedy(Remedy::Retry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_of_postgres_are_taken() {
        for good in ["postgres://u:hunter2@h:5433/d", " postgresql://u:hunter2@[::1]/d?sslmode=disable\n"] {
            assert_eq!(checked(&Secret::new(good)).expect(good).reveal(), good.trim());
        }
        for bad in [
            "",
            "hunter2",
            "mysql://u:hunter2@h/d",
            "postgres:///d",
            "postgres://u:hunter2@h",
            "postgres://u:hunter2@h/",
            "postgres://u:****@h/d",
            "postgres://u@h/d?password=hunter2",
            &format!("postgres://u:hunter2@h/{}", "x".repeat(LONGEST)),
        ] {
            let problem = checked(&Secret::new(bad)).expect_err(bad);
            assert!(!format!("{problem:?}").contains("hunter2") && problem.hint.is_some(), "{problem:?}");
        }
    }

    #[test]
    fn only_this_machine_may_be_given_the_environments_password() {
        for here in ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "/var/run/postgresql"] {
            assert!(is_here(here), "{here}");
        }
        for there in ["db.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", ""] {
            assert!(!is_here(there), "{there}");
        }
        // What counts is whom the driver would talk to, not what stands in front.
        let hidden = PgConnectOptions::from_str("postgres://u@localhost/d?host=evil.example").expect("an address");
        assert!(!is_here(hidden.get_host()));
        for (url, has) in [
            ("postgres://u@db.example/d", false),
            ("postgres://u:p@db.example/d", true),
            ("postgres://u@db.example/d?password=p", true),
        ] {
            assert_eq!(has_password(&Secret::new(url)), has, "{url}");
        }
    }

    #[test]
    fn an_address_alone_says_where_it_leads() {
        let read = |url: &str| {
            let options = options(&Secret::new(url)).expect(url);
            let database = options.get_database().unwrap_or_default().to_owned();
            (host(&options), options.get_port(), options.get_username().to_owned(), database)
        };
        let expected = |host: &str, port, user: &str, database: &str| (host.into(), port, user.into(), database.into());
        assert_eq!(read("postgres://u@h/d"), expected("h", 5432, "u", "d"));
        assert_eq!(read("postgres://a@h:1/d?user=u&port=2&dbname=e"), expected("h", 2, "u", "e"));
        assert_eq!(read("postgres://u@h?host=i&hostaddr=10.0.0.1"), expected("10.0.0.1", 5432, "u", "u"));
        assert_eq!(read("postgres://u@h/d?host=/run/pg"), expected("/run/pg", 5432, "u", "d"));
        assert!(options(&Secret::new("postgres:///d")).is_err(), "not whomever the environment names");
    }

    #[tokio::test]
    async fn nobody_there_is_told_without_the_password() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let url = Secret::new(format!("postgres://u:hunter2@127.0.0.1:{port}/d"));
        let silence = version(&url, GLANCE).await.expect_err("nobody is there");
        assert!(matches!(silence, Silence::NotYet(_)), "{silence:?}");
        let problem = no_answer(&url, &silence);
        assert!(!format!("{problem:?} {silence:?}").contains("hunter2"), "{problem:?}");
        assert!(problem.detail.as_deref().is_some_and(|detail| detail.contains("u:****@127.0.0.1")), "{problem:?}");
    }

    #[tokio::test]
    async fn somebody_who_listens_and_says_nothing_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = Secret::new(format!("postgres://u:p@127.0.0.1:{port}/d"));
        let silence = version(&url, Duration::from_millis(50)).await.expect_err("it says nothing");
        assert!(silence.words().starts_with("no answer within"), "{silence:?}");
    }
}
