//! The built program in a pseudo-terminal, played by keys as a person would: buy, watch, deploy, read the
//! logs, change, deploy again, leave.

use libtest_mimic::Trial;
use std::path::{Path, PathBuf};
use tenantry::api::{Page, page};
use tenantry::demo::sample;

use crate::common::leftovers::Leftovers;
use crate::common::terminal::Terminal;
use crate::support::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("terminal::the_whole_flow_by_keys", the_whole_flow_by_keys),
        trial("terminal::a_build_that_fails_is_shown_and_can_be_repeated", a_failing_build_is_shown),
        trial("terminal::a_deploy_survives_every_size", a_deploy_survives_every_size),
        trial("terminal::leaving_during_a_deploy_asks_first", leaving_during_a_deploy_asks_first),
        trial("terminal::sigterm_restores_the_terminal_and_leaves_nothing", || ended_by("TERM")),
        trial("terminal::a_crash_leaves_nothing_behind", crash_leaves_nothing),
    ]
}

/// The demo in a terminal, with a browser that only writes down what it was asked to open.
struct Demo {
    terminal: Terminal,
    temporary: tempfile::TempDir,
    opened: PathBuf,
    registry: String,
}

impl Demo {
    fn start(arguments: &[&str], columns: u16, rows: u16) -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let opened = temporary.path().join("opened");
        let browser = temporary.path().join("browser");
        write_program(&browser, &format!("#!/bin/sh\necho \"$1\" >> '{}'\n", opened.display()));
        let arguments: Vec<&str> = ["demo"].iter().chain(arguments).copied().collect();
        let environment = [
            ("TMPDIR", temporary.path().to_str().expect("a plain path")),
            ("BROWSER", browser.to_str().expect("a plain path")),
        ];
        let terminal = Terminal::start(&arguments, temporary.path(), &environment, columns, rows);
        let text = terminal.wait_for("No tenants yet");
        let host = text.split_whitespace().find(|word| word.starts_with("127.0.0.1:")).expect("the API's host");
        let registry = host.to_owned();
        Self { terminal, temporary, opened, registry }
    }

    /// A file of the sample project.
    fn file(&self, path: &str) -> PathBuf {
        let folders = std::fs::read_dir(self.temporary.path()).expect("the folder");
        let name = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("tenantry-demo-");
        let demo = folders.flatten().find(name).expect("the demo's folder").path();
        demo.join("project").join(path)
    }

    /// What the browser was asked to open last.
    fn wait_for_browser(&self, count: usize) -> String {
        loop {
            let opened = std::fs::read_to_string(&self.opened).unwrap_or_default();
            if opened.lines().count() >= count && opened.ends_with('\n') {
                return opened.lines().last().expect("an address").to_owned();
            }
            std::thread::yield_now();
        }
    }

    /// Buys with `--auto-pay` and waits until the tenant can be deployed to.
    fn buy(&mut self) {
        self.terminal.type_keys("n");
        self.terminal.wait_for("Basic");
        self.terminal.type_keys("\r");
        self.terminal.wait_for("Frankfurt");
        self.terminal.type_keys("\r");
        self.terminal.wait_for("begin the purchase");
        self.terminal.type_keys("\r");
        // What comes next opens by itself, and has the key of the deploy, too.
        self.terminal.wait_until("a tenant", |text| text.contains("to deploy") && text.contains("Deploy now"));
    }

    /// Leaves, and looks that nothing is left.
    async fn leave(mut self) {
        self.terminal.type_keys("q");
        assert_eq!(self.terminal.wait_for_whole_end(), 0);
        self.assert_nothing_left().await;
    }

    async fn assert_nothing_left(&self) {
        let demo = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("tenantry-demo-");
        // A crashed program cannot wait for its server, which ends by itself; its folder goes last.
        while std::fs::read_dir(self.temporary.path()).expect("the folder").flatten().any(|entry| demo(&entry)) {
            tokio::task::yield_now().await;
        }
        Leftovers::of_registry(&self.registry).await.assert_none();
    }
}

fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("made a program");
}

async fn the_whole_flow_by_keys() -> Outcome {
    let mut demo = Demo::start(&[], 120, 36);
    demo.terminal.wait_until("the engine answers", |text| text.contains("● API") && text.contains("● Docker"));

    demo.terminal.type_keys("n");
    demo.terminal.wait_until("the plans", |text| ["Free", "Basic", "Pro"].iter().all(|plan| text.contains(plan)));
    demo.terminal.type_keys("j\r");
    demo.terminal.wait_for("Frankfurt");
    demo.terminal.type_keys("jj\r");
    demo.terminal.wait_for("begin the purchase");
    demo.terminal.type_keys("\r");
    demo.terminal.wait_for("/pay/cs_");
    demo.terminal.type_keys("o");
    let address = demo.wait_for_browser(1);
    Page::get(&address).await?.submit("pay").await?;

    // What comes next opens above the events.
    demo.terminal.wait_for("Deploy now");
    demo.terminal.type_keys("\u{1b}");
    demo.terminal.wait_gone("Deploy now");
    // Phase 1, event by event: the last ones stay on the screen.
    let steps = ["app created", "volume created", "ip allocated", "certificate", "infrastructure"];
    demo.terminal.wait_until("the steps of phase 1", |text| steps.iter().all(|step| text.contains(step)));
    demo.terminal.wait_until("a tenant", |text| text.contains("to deploy") && text.contains("Basic · 1024 MB"));

    demo.terminal.type_keys("d");
    demo.terminal.wait_until("a deploy", |text| text.contains("✓ deployed") && text.contains("● running"));
    demo.terminal.type_keys("o");
    let url = demo.wait_for_browser(2);
    assert!(page::html(&url).await?.contains(&sample::title(1)), "version 1 at {url}");
    demo.terminal.wait_for("GET / 200");

    sample::change(&demo.file(""), 1, 2).await?;
    demo.terminal.type_keys("d");
    demo.terminal.wait_gone("✓ deployed");
    demo.terminal.wait_until("another deploy", |text| text.contains("✓ deployed") && text.contains("● running"));
    demo.terminal.type_keys("o");
    assert_eq!(demo.wait_for_browser(3), url, "the same address");
    assert!(page::html(&url).await?.contains(&sample::title(2)), "version 2 at {url}");

    demo.terminal.type_keys("?");
    demo.terminal.wait_for("Build the project, push its image");
    demo.terminal.type_keys("\u{1b}");
    demo.terminal.wait_gone("Build the project, push its image");
    demo.leave().await;
    Ok(())
}

async fn a_failing_build_is_shown() -> Outcome {
    let mut demo = Demo::start(&["--auto-pay"], 120, 36);
    demo.buy();
    let source = demo.file("src/main.rs");
    let good = std::fs::read_to_string(&source)?;
    std::fs::write(&source, "fn main() { this does not compile }")?;
    demo.terminal.type_keys("d");
    demo.terminal.wait_for("The project's build failed.");
    std::fs::write(&source, good)?;
    demo.terminal.type_keys("d");
    demo.terminal.wait_until("a deploy", |text| text.contains("✓ deployed") && text.contains("● running"));
    demo.leave().await;
    Ok(())
}

async fn a_deploy_survives_every_size() -> Outcome {
    let mut demo = Demo::start(&["--auto-pay"], 120, 36);
    demo.buy();
    demo.terminal.type_keys("d");
    demo.terminal.wait_for("✓ preflight");
    demo.terminal.resize(20, 5);
    demo.terminal.wait_until("what size it should have", |text| text.contains("60") && text.contains("16"));
    demo.terminal.resize(80, 24);
    demo.terminal.wait_for("tenantry");
    demo.terminal.resize(200, 60);
    demo.terminal.wait_until("a deploy", |text| text.contains("✓ deployed") && text.contains("● running"));
    demo.leave().await;
    Ok(())
}

async fn leaving_during_a_deploy_asks_first() -> Outcome {
    let mut demo = Demo::start(&["--auto-pay"], 120, 36);
    demo.buy();
    // A build that waits to be stopped, so that the deploy is surely running.
    std::fs::write(demo.file(".systemprompt/build.json"), r#"{"command": ["sh", "-c", "echo begun; sleep 600"]}"#)?;
    demo.terminal.type_keys("d");
    demo.terminal.wait_for("begun");
    demo.terminal.type_keys("q");
    demo.terminal.wait_for("Leave");
    demo.terminal.type_keys("\r");
    demo.terminal.wait_until("the safe answer", |text| !text.contains("Leave") && text.contains("begun"));
    demo.terminal.type_keys("c");
    demo.terminal.wait_for("Deploy cancelled.");
    demo.leave().await;
    Ok(())
}

async fn ended_by(signal: &str) -> Outcome {
    let mut demo = Demo::start(&["--auto-pay"], 120, 36);
    demo.buy();
    demo.terminal.type_keys("d");
    demo.terminal.wait_for("✓ preflight");
    kill(signal, demo.terminal.program())?;
    demo.terminal.wait_for_whole_end();
    demo.assert_nothing_left().await;
    Ok(())
}

/// The program cannot restore anything then; the server removes what was made.
async fn crash_leaves_nothing() -> Outcome {
    let mut demo = Demo::start(&["--auto-pay"], 120, 36);
    demo.buy();
    demo.terminal.type_keys("d");
    demo.terminal.wait_until("a deploy", |text| text.contains("✓ deployed") && text.contains("● running"));
    kill("ABRT", demo.terminal.program())?;
    demo.assert_nothing_left().await;
    Ok(())
}

fn kill(signal: &str, program: i32) -> std::io::Result<()> {
    let status = std::process::Command::new("kill").args([&format!("-{signal}"), &program.to_string()]).status()?;
    assert!(status.success());
    Ok(())
}
