//! The demo without keys, and what it leaves: nothing, however it ends.

use libtest_mimic::Trial;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::common::leftovers::Leftovers;
use crate::support::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("demo::plays_the_whole_flow_and_leaves_nothing", plays_the_whole_flow),
        trial("demo::sigterm_in_the_middle_leaves_nothing", || stopped_in_the_middle("TERM", "push")),
        trial("demo::ctrl_c_in_the_middle_leaves_nothing", || stopped_in_the_middle("INT", "build")),
        trial("demo::a_killed_server_leaves_nothing", a_killed_server_leaves_nothing),
        trial("demo::a_killed_demo_leaves_nothing", || stopped_in_the_middle("KILL", "answer")),
    ]
}

struct Demo {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    said: Vec<String>,
    temporary: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["demo", "--headless"])
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, output, said: Vec::new(), temporary }
    }

    /// Reads until a line of `what` came, or the end.
    fn read_until(&mut self, what: &str) -> bool {
        let mut line = String::new();
        while self.output.read_line(&mut line).is_ok_and(|read| read > 0) {
            let found = line.split("  ").any(|part| part.trim() == what);
            self.said.push(std::mem::take(&mut line));
            if found {
                return true;
            }
        }
        false
    }

    fn said(&self) -> String {
        self.said.concat()
    }

    fn registry(&self) -> String {
        let said = self.said();
        let after = said.split("registry ").nth(1).expect("the registry is named");
        after.split_whitespace().next().expect("a host").to_owned()
    }

    fn files_left(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.temporary.path()).expect("a folder").flatten().map(|entry| entry.path()).collect()
    }
}

async fn plays_the_whole_flow() -> Outcome {
    let mut demo = Demo::start();
    demo.read_until("never said");
    let status = demo.child.wait()?;
    let said = demo.said();
    assert!(status.success(), "{said}");
    let kinds = [
        "subscription_created",
        "tenant_created",
        "database_created",
        "secrets_stored",
        "vm_provisioning_started",
        "vm_provisioning_progress",
        "vm_provisioning_progress",
        "vm_provisioning_progress",
        "vm_provisioning_progress",
        "infrastructure_ready",
    ];
    for (number, kind) in (1..).zip(kinds) {
        let line = format!("event      {number:>2}  {kind}");
        assert!(said.contains(&line), "no {line:?} in\n{said}");
    }
    for part in ["login", "plans", "checkout", "payment", "version 1”", "version 2”", "GET / 200", "done"] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    assert_eq!(demo.files_left(), Vec::<PathBuf>::new());
    Leftovers::of_registry(&demo.registry()).await.assert_none();
    Ok(())
}

async fn stopped_in_the_middle(signal: &str, after: &str) -> Outcome {
    let mut demo = Demo::start();
    assert!(demo.read_until(after), "never came to {after}:\n{}", demo.said());
    let killed = Command::new("kill").args([&format!("-{signal}"), &demo.child.id().to_string()]).status()?;
    assert!(killed.success());
    demo.read_until("never said");
    let status = demo.child.wait()?;
    assert!(!status.success());
    // A killed demo cannot wait for its server; the server ends by itself, and its folder goes last.
    while !demo.files_left().is_empty() {
        tokio::task::yield_now().await;
    }
    Leftovers::of_registry(&demo.registry()).await.assert_none();
    Ok(())
}

/// The demo notices at its end that its server is gone, and lets another one in its place clean up.
async fn a_killed_server_leaves_nothing() -> Outcome {
    let mut demo = Demo::start();
    assert!(demo.read_until("answer"), "never came to an answer:\n{}", demo.said());
    let id = demo.child.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
    let is_server = |pid: &&str| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split('\0').any(|it| it == "serve"))
    };
    let server = children.split_whitespace().find(is_server).expect("the server runs").to_owned();
    assert!(Command::new("kill").args(["-KILL", &server]).status()?.success());
    demo.read_until("never said");
    let status = demo.child.wait()?;
    assert!(!status.success(), "the flow cannot have ended well");
    assert_eq!(demo.files_left(), Vec::<PathBuf>::new());
    Leftovers::of_registry(&demo.registry()).await.assert_none();
    Ok(())
}
