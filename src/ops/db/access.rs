//! How the programs of Postgres are told which database is meant: by their environment and a file for the password that
//! only its owner can read. Nothing of it is in the list of processes.

use percent_encoding::percent_decode_str;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use tokio::process::Command;
use url::Url;

use super::Target;
use crate::model::{Problem, Secret};
use crate::ops::local::database;

/// Parameters of an address that these programs know as well, and the variables for them.
const PASSED: [(&str, &str); 6] = [
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("options", "PGOPTIONS"),
    ("channel_binding", "PGCHANNELBINDING"),
];
/// The environment's own password, which is for this machine alone.
const PASSWORDS: [&str; 2] = ["PGPASSWORD", "PGPASSFILE"];

/// What an address says. `Debug` shows no password.
#[derive(Debug)]
pub(super) struct Access {
    variables: Vec<(&'static str, String)>,
    password: Option<Secret>,
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
        file.write_all(Secret::new(format!("*:*:*:*:{}\n", escaped(password.reveal()))).reveal().as_bytes())
            .map_err(failed)?;
        access.folder = Some(folder);
        Ok(access)
    }

    fn read(url: &Secret) -> Result<Self, Problem> {
        let wrong = |why: &str| {
            Problem::new("The address of the database cannot be used.")
                .detail(why)
                .hint("Write it as postgres://user:password@host:port/database.")
        };
        let parsed = Url::parse(url.reveal().trim()).map_err(|_| wrong("It is no URL."))?;
        let decoded = |raw: &str| percent_decode_str(raw).decode_utf8_lossy().into_owned();
        let parameter =
            |name: &str| parsed.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let host = parameter("host").or_else(|| parameter("hostaddr"));
        let host = host.unwrap_or_else(|| decoded(parsed.host_str().unwrap_or_default()));
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = parameter("port").or_else(|| parsed.port().map(|port| port.to_string()));
        let user = parameter("user").unwrap_or_else(|| decoded(parsed.username()));
        let database = parameter("dbname").unwrap_or_else(|| decoded(parsed.path().trim_start_matches('/')));
        let password =
            parsed.password().map(|raw| Secret::new(decoded(raw))).filter(|password| !password.reveal().is_empty());
        if password.as_ref().is_some_and(|password| password.reveal().contains(['\n', '\r', '\0'])) {
            return Err(wrong("There is a line end in its password."));
        }
        if [&host, &user, &database].iter().any(|part| part.contains('\0')) || host.is_empty() {
            return Err(wrong("It names no host that can be used."));
        }
        let mut variables = vec![
            ("PGHOST", host.clone()),
            ("PGPORT", port.unwrap_or_else(|| "5432".to_owned())),
            ("PGDATABASE", database.clone()),
            ("PGAPPNAME", "tenantry".to_owned()),
            ("PGCONNECT_TIMEOUT", "10".to_owned()),
        ];
        if !user.is_empty() {
            variables.push(("PGUSER", user.clone()));
        }
        for (name, variable) in PASSED {
            let value = parameter(name).or_else(|| parameter(&name.replacen("ssl", "ssl-", 1)));
            variables.extend(value.filter(|value| !value.contains('\0')).map(|value| (variable, value)));
        }
        let is_here = database::is_here(&host);
        Ok(Self { variables, password, user, database, is_here, folder: None })
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

/// What a file of passwords has for this one.
fn escaped(password: &str) -> String {
    password.replace('\\', "\\\\").replace(':', "\\:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target { name: "x".into(), words: "x".into(), url: Secret::new(url), local: None, root: "/".into() }
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
        assert_eq!(fs::read_to_string(&file).expect("read"), "*:*:*:*:p\\:\\\\q\n");
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
