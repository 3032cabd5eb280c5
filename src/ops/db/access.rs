//! How the programs of Postgres are told which database is meant: by their environment and a file for the password that
//! only its owner can read. Nothing of it is in the list of processes.

use percent_encoding::percent_decode_str;
use sqlx::postgres::PgSslMode;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use tokio::process::Command;
use url::Url;

use super::Target;
use crate::model::{Problem, Secret};
use crate::ops::local::database;

/// Parameters of an address that these programs know as well, and the variables for them.
const PASSED: [(&str, &str); 4] =
    [("sslrootcert", "PGSSLROOTCERT"), ("sslcert", "PGSSLCERT"), ("sslkey", "PGSSLKEY"), ("channel_binding", CHANNEL)];
const CHANNEL: &str = "PGCHANNELBINDING";
/// The environment's own password, which is for this machine alone.
const PASSWORDS: [&str; 2] = ["PGPASSWORD", "PGPASSFILE"];

/// What an address says. `Debug` shows no password.
#[derive(Debug)]
pub(super) struct Access {
    variables: Vec<(&'static str, String)>,
    password: Option<Secret>,
    host: String,
    port: u16,
    /// The user.
    pub user: String,
    /// The database.
    pub database: String,
    is_here: bool,
    /// The file for the password, in a folder of its own. Gone with this value.
    folder: Option<tempfile::TempDir>,
}

impl Access {
    /// What the target's address says, with a file for its password. Blocks.
    pub(super) fn prepare(target: &Target) -> Result<Self, Problem> {
        let mut access = Self::read(&target.url)?;
        let Some(password) = &access.password else { return Ok(access) };
        let failed = |error: std::io::Error| {
            Problem::new("The database's password cannot be handed on.")
                .detail(format!("{error}."))
                .hint("Check that files can be made in the folder for temporary ones.")
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix("tenantry-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir().map_err(failed)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(folder.path().join("pgpass")).map_err(failed)?;
        file.write_all(access.line(password).reveal().as_bytes()).map_err(failed)?;
        access.folder = Some(folder);
        Ok(access)
    }

    /// The same reading as the driver's: what is asked and what is changed are one database.
    fn read(url: &Secret) -> Result<Self, Problem> {
        let wrong = |why: &str| {
            Problem::new("The address of the database cannot be used.")
                .detail(why)
                .hint("Write it as postgres://user:password@host:port/database.")
        };
        let parsed = Url::parse(url.reveal().trim()).map_err(|_| wrong("It is no URL."))?;
        let options = database::options(url)
            .map_err(|silence| wrong(&format!("{}.", silence.words().replacen("its address", "It", 1))))?;
        let decoded = |raw: &str| percent_decode_str(raw).decode_utf8_lossy().into_owned();
        let parameter = |name: &str| {
            parsed.query_pairs().filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
        };
        let host = database::host(&options);
        let port = options.get_port();
        let user = options.get_username().to_owned();
        let database = options.get_database().unwrap_or_default().to_owned();
        let password = parameter("password").or_else(|| parsed.password().map(decoded)).map(Secret::new);
        let password = password.filter(|password| !password.reveal().is_empty());
        if password.as_ref().is_some_and(|password| password.reveal().contains(['\n', '\r', '\0'])) {
            return Err(wrong("There is a line end in its password."));
        }
        if [&host, &user, &database].iter().any(|part| part.contains(['\n', '\r', '\0'])) || host.is_empty() {
            return Err(wrong("It names no host that can be used."));
        }
        // A name with these in it would be read as a whole address of its own.
        if database.contains('=') || database.starts_with("postgres://") || database.starts_with("postgresql://") {
            return Err(wrong("The programs of Postgres would take its database's name for an address."));
        }
        let mut variables = vec![
            ("PGHOST", host.clone()),
            ("PGPORT", port.to_string()),
            ("PGUSER", user.clone()),
            ("PGDATABASE", database.clone()),
            ("PGAPPNAME", "tenantry".to_owned()),
            ("PGCONNECT_TIMEOUT", "10".to_owned()),
            ("PGSSLMODE", mode(options.get_ssl_mode()).to_owned()),
        ];
        variables.extend(options.get_options().map(|options| ("PGOPTIONS", options.to_owned())));
        for (name, variable) in PASSED {
            let value = parameter(name).or_else(|| parameter(&name.replacen("ssl", "ssl-", 1)));
            // As the driver does. It takes the thing itself, too, where programs know only files.
            let ours = || std::env::var(variable).ok().filter(|set| variable != CHANNEL && !set.contains("-----BEGIN"));
            let value = value.or_else(ours);
            variables.extend(value.filter(|value| !value.contains('\0')).map(|value| (variable, value)));
        }
        let is_here = database::is_here(&host);
        Ok(Self { variables, password, host, port, user, database, is_here, folder: None })
    }

    /// What a file of passwords has for this database and for no other one.
    fn line(&self, password: &Secret) -> Secret {
        // A socket's folder has other names there.
        let host = if self.host.starts_with('/') { "*".to_owned() } else { escaped(&self.host) };
        let (user, database, password) = (escaped(&self.user), escaped(&self.database), escaped(password.reveal()));
        Secret::new(format!("{host}:{}:{database}:{user}:{password}\n", self.port))
    }

    /// A program that is told all that, and nothing of what the environment says of other databases.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let is_postgres = name.to_str().is_some_and(|name| name.starts_with("PG"));
            let is_password = PASSWORDS.iter().any(|known| name == *known);
            if is_postgres && !(is_password && self.is_here && self.password.is_none()) {
                command.env_remove(&name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        match &self.folder {
            Some(folder) => {
                command.env("PGPASSFILE", folder.path().join("pgpass"));
            }
            // Else it would look into its owner's own file.
            None if !self.is_here => {
                command.env("PGPASSFILE", "/dev/null");
            }
            None => {}
        }
        // Its messages are looked at for what they say.
        command.env("LC_MESSAGES", "C").env("LC_ALL", "C.UTF-8");
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        command
    }

    /// The password.
    pub(super) fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The words of a program without the password, should it ever repeat it.
    pub(super) fn scrubbed(&self, words: &str) -> String {
        match &self.password {
            Some(password) => words.replace(password.reveal(), "****"),
            None => words.to_owned(),
        }
    }
}

fn mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

/// A part of a line in a file of passwords.
fn escaped(part: &str) -> String {
    part.replace('\\', "\\\\").replace(':', "\\:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target {
            name: "x".into(),
            words: "x".into(),
            url: Secret::new(url),
            local: None,
            root: "/".into(),
            is_cloud: false,
        }
    }

    fn set(access: &Access) -> std::collections::BTreeMap<String, Option<String>> {
        let command = access.command(Path::new("true"));
        let text = |raw: &std::ffi::OsStr| raw.to_string_lossy().into_owned();
        let command = command.as_std();
        assert_eq!(command.get_args().count(), 0);
        command.get_envs().map(|(name, value)| (text(name), value.map(text))).collect()
    }

    #[test]
    fn a_program_is_told_by_its_environment_and_a_file_of_its_own() {
        let access =
            Access::prepare(&target("postgres://u%40x:p%3A%5Cq@db.example:5433/d%20b?sslmode=require")).expect("one");
        let set = set(&access);
        for (name, value) in [
            ("PGHOST", "db.example"),
            ("PGPORT", "5433"),
            ("PGUSER", "u@x"),
            ("PGDATABASE", "d b"),
            ("PGSSLMODE", "require"),
        ] {
            assert_eq!(set[name].as_deref(), Some(value), "{name}");
        }
        let file = set["PGPASSFILE"].clone().expect("a file");
        assert_eq!(fs::read_to_string(&file).expect("read"), "db.example:5433:d b:u@x:p\\:\\\\q\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        }
        assert!(!format!("{access:?}").contains("p:\\q") && access.scrubbed("a p:\\q b") == "a **** b");
        drop(access);
        assert!(!Path::new(&file).exists(), "it is gone with the access");
    }

    #[test]
    fn a_program_goes_where_the_driver_goes() {
        let url = "postgres://u:p@localhost:1/d?host=10.0.0.1&hostaddr=10.0.0.2&port=2&dbname=e&user=v";
        let set = set(&Access::prepare(&target(url)).expect("one"));
        let expected = [("PGHOST", "10.0.0.2"), ("PGPORT", "2"), ("PGUSER", "v"), ("PGDATABASE", "e")];
        for (name, value) in expected {
            assert_eq!(set[name].as_deref(), Some(value), "{name}");
        }
        let options = database::options(&Secret::new(url)).expect("an address");
        assert_eq!((options.get_host(), options.get_port()), ("10.0.0.2", 2));
        assert!(Access::prepare(&target("postgres://u:p@h/host=evil.example")).is_err(), "a name that is an address");
    }

    #[test]
    fn without_a_password_no_foreign_host_gets_another_ones() {
        let access = Access::prepare(&target("postgres://u@db.example/d")).expect("one");
        assert_eq!(set(&access)["PGPASSFILE"].as_deref(), Some("/dev/null"));
        let access = Access::prepare(&target("postgres://u@127.0.0.1/d")).expect("one");
        assert_eq!(set(&access).get("PGPASSFILE"), None);
        let hidden = Access::prepare(&target("postgres://u@127.0.0.1/d?host=evil.example")).expect("one");
        assert_eq!(set(&hidden)["PGPASSFILE"].as_deref(), Some("/dev/null"));
        assert!(Access::prepare(&target("postgres://u:a%0Ab@h/d")).is_err());
    }
}
