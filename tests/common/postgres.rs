//! A Postgres of the tests' own: a cluster in a temporary folder, on a free loopback port, gone with the value.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running server. Dropping it stops it and removes its files.
pub struct Postgres {
    server: Child,
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
    made: AtomicU32,
}

const USER: &str = "tests";
const PASSWORD: &str = "only-for-tests";
const PATIENCE: Duration = Duration::from_mins(1);

impl Postgres {
    /// Starts one; `None` where Postgres is not installed.
    pub fn start() -> Option<Self> {
        let bin = installed()?;
        let folder = tempfile::tempdir().expect("a folder");
        // It refuses to run as root.
        let owner = is_root().then_some("postgres");
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("written");
        if let Some(owner) = owner {
            let given = Command::new("chown").args(["-R", owner]).arg(folder.path()).status().expect("chown");
            assert!(given.success(), "the cluster's folder can be given to {owner}");
        }
        let cluster = folder.path().join("cluster");
        let made = as_user(owner, &bin.join("initdb"))
            .arg("-D")
            .arg(&cluster)
            .args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--pwfile"])
            .arg(&password)
            .stdout(Stdio::null())
            .status()
            .expect("initdb");
        assert!(made.success(), "a cluster can be made");
        let port = free_port();
        let server = as_user(owner, &bin.join("postgres"))
            .arg("-D")
            .arg(&cluster)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(folder.path())
            // Durability costs time that a throw-away cluster need not spend.
            .args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=400"])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).expect("a log"))
            .spawn()
            .expect("postgres");
        let postgres = Self { server, folder, bin, port, made: AtomicU32::new(0) };
        let begun = Instant::now();
        while !postgres.try_sql("SELECT 1") {
            let log = || std::fs::read_to_string(postgres.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "Postgres does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(30));
        }
        Some(postgres)
    }

    /// An address of one of its databases, as an administrator.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Its administrator's address.
    pub fn admin_url(&self) -> String {
        self.url("postgres")
    }

    /// Makes an empty database and answers its address.
    pub fn fresh_database(&self) -> String {
        let name = format!("fresh_{}", self.made.fetch_add(1, Ordering::Relaxed));
        assert!(self.try_sql(&format!("CREATE DATABASE {name} TEMPLATE template0")), "a database can be made");
        self.url(&name)
    }

    fn try_sql(&self, statement: &str) -> bool {
        let ran = Command::new(self.bin.join("psql"))
            .arg(self.admin_url())
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ran.is_ok_and(|status| status.success())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT: at once; nothing in it is needed any more. `setpriv` became the server: the child is the server.
        if let Some(id) = rustix::process::Pid::from_raw(self.server.id().cast_signed()) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::QUIT);
        }
        let _ = self.server.wait();
    }
}

/// The folder of its programs.
pub fn installed() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    found.into_iter().find(|bin| ["initdb", "postgres", "psql"].iter().all(|name| bin.join(name).is_file()))
}

fn as_user(owner: Option<&str>, program: &Path) -> Command {
    let Some(owner) = owner else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", owner, "--regid", owner, "--clear-groups"]).arg(program);
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("its address").port()
}
