//! An engine that belongs to one test and may be killed or filled: `dockerd` in namespaces of its own.
//!
//! Its process, mount and network namespaces go with it, and so do its containers, its file systems and its bridge: the
//! machine's own engine and network are not touched. Its images lie in memory. Needs root.

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tenantry::engine::Engine;

/// How long an engine may take until it answers: a limit for a broken one.
const LIMIT: Duration = Duration::from_mins(1);

/// Storage drivers, the fast one first. Not every kernel has it.
const DRIVERS: [&str; 2] = ["overlay2", "vfs"];

/// Run in the new namespaces: the data directory becomes memory, the loopback device works, the engine takes over.
const SCRIPT: &str = r#"
    directory=$1 megabytes=$2; shift 2
    ip link set lo up &&
    mount -t tmpfs -o "size=${megabytes}m" tmpfs "$directory/data" &&
    exec dockerd "$@"
"#;

pub struct OwnEngine {
    child: Child,
    directory: tempfile::TempDir,
    /// The name of its control groups.
    group: String,
}

/// Why no engine can be started here.
pub fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can start an engine".into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &&str| std::env::split_paths(&path).any(|directory| directory.join(program).exists());
    let missing = ["dockerd", "unshare", "ip"].into_iter().find(|program| !is_there(program))?;
    Some(format!("there is no {missing}"))
}

impl OwnEngine {
    /// Starts one whose images and containers have so much room, and waits until it answers.
    pub fn start(megabytes: u32) -> Self {
        let mut logs = Vec::new();
        for driver in DRIVERS {
            match Self::attempt(megabytes, driver) {
                Ok(engine) => return engine,
                Err(log) => logs.push(format!("{driver}: {log}")),
            }
        }
        panic!("no engine starts:\n{}", logs.join("\n"));
    }

    fn attempt(megabytes: u32, driver: &str) -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let below = |name: &str| directory.path().join(name).display().to_string();
        std::fs::create_dir(below("data")).unwrap();
        // Not the machine's configuration, which may name another driver.
        std::fs::write(below("daemon.json"), "{}").unwrap();
        let group = format!("tenantry-{}", uuid::Uuid::new_v4().simple());
        let child = Command::new("unshare")
            .args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"])
            .args(["sh", "-c", SCRIPT, "sh", &directory.path().display().to_string(), &megabytes.to_string()])
            .args(["--config-file", &below("daemon.json"), "--data-root", &below("data")])
            .args(["--exec-root", &below("exec"), "--pidfile", &below("pid")])
            .args(["--host", &format!("unix://{}", below("docker.sock")), "--storage-driver", driver])
            .args(["--iptables=false", "--cgroup-parent", &format!("/{group}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(below("log")).unwrap())
            .spawn()
            .unwrap();
        let mut engine = Self { child, directory, group };
        let begun = Instant::now();
        while !engine.answers() {
            if engine.child.try_wait().unwrap().is_some() || begun.elapsed() > LIMIT {
                let log = std::fs::read_to_string(engine.path("log")).unwrap_or_default();
                return Err(log.lines().rev().take(5).collect::<Vec<_>>().join("\n"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(engine)
    }

    /// A connection to it.
    pub fn connect(&self) -> Engine {
        Engine::connect_to(Some(&self.host())).unwrap()
    }

    /// `unix:///...`, as `DOCKER_HOST` has it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path("docker.sock").display())
    }

    /// Ends it as a power cut would: at once, with everything that runs in it.
    pub fn kill(&mut self) {
        // The first process of its namespace takes all others with it, and `unshare` ends only when it is gone.
        match self.process().and_then(Pid::from_raw) {
            Some(engine) => drop(kill_process(engine, Signal::KILL)),
            None => drop(self.child.kill()),
        }
        let _ = self.child.wait();
    }

    /// Listens on a free port of the loopback device that the engine sees, which is not the machine's.
    pub fn listen(&self) -> (TcpListener, SocketAddr) {
        let namespace = std::fs::File::open(format!("/proc/{}/ns/net", self.process().unwrap())).unwrap();
        let bind = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            TcpListener::bind("127.0.0.1:0").unwrap()
        };
        // A thread of its own: it stays in there until it ends, and the socket for ever.
        let listener = std::thread::spawn(bind).join().unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// The processes that run in its containers and build steps, as the machine numbers them.
    pub fn steps(&self) -> Vec<PathBuf> {
        let is_ours = |process: &PathBuf| {
            std::fs::read_to_string(process.join("cgroup")).is_ok_and(|groups| groups.contains(&self.group))
        };
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        processes.map(|entry| entry.path()).filter(is_ours).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The engine's process, the one child of `unshare`; `None` where it does not run.
    fn process(&self) -> Option<i32> {
        let id = self.child.id();
        std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?.trim().parse().ok()
    }

    /// On a thread of its own, because a test may wait for it inside of its runtime.
    fn answers(&self) -> bool {
        let host = self.host();
        let ping = move || {
            let Ok(engine) = Engine::connect_to(Some(&host)) else { return false };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(engine.ping()).is_ok()
        };
        std::thread::spawn(ping).join().unwrap()
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        self.kill();
        let groups = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().filter_map(Result::ok);
        for parent in groups.map(|entry| entry.path()).chain(["/sys/fs/cgroup".into()]) {
            remove_groups(&parent.join(&self.group));
        }
    }
}

/// Removes control groups, the inner ones first. A group is busy for a moment after its last process.
fn remove_groups(group: &Path) {
    let inside = std::fs::read_dir(group).into_iter().flatten().filter_map(Result::ok);
    for entry in inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_groups(&entry.path());
    }
    let begun = Instant::now();
    while group.exists() && std::fs::remove_dir(group).is_err() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(10));
    }
}
