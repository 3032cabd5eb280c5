//! `tenantry deploy` in a terminal: the picture that is redrawn in place, and the terminal afterwards.

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use tenantry::demo::sample;
use tenantry::model::TenantState;

use crate::common::terminal::Terminal;
use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("live::a_deploy_ends_with_its_address", a_deploy_ends_with_its_address),
        trial("live::ctrl_c_cancels_and_gives_the_terminal_back", ctrl_c_cancels),
    ]
}

fn deploy(world: &World, arguments: &[&str], columns: u16) -> Terminal {
    let state = world.file("../state");
    let arguments: Vec<&str> = ["deploy"].iter().chain(arguments).copied().collect();
    let environment = [("TENANTRY_STATE", state.to_str().expect("a plain path"))];
    Terminal::start(&arguments, &world.file(""), &environment, columns, 30)
}

async fn a_deploy_ends_with_its_address() -> Outcome {
    let world = World::new().await;
    let mut terminal = deploy(&world, &[], 100);
    terminal.wait_for("✓ preflight");
    terminal.wait_until("the card", |text| text.contains("✓ deployed") && text.contains(".localhost:"));
    assert_eq!(terminal.wait_for_whole_end(), 0);
    let text = terminal.text();
    for step in ["project", "registry", "build", "push", "deploy", "health"] {
        assert!(text.contains(&format!("✓ {step}")), "{step}: {text}");
    }
    assert_eq!(text.matches("preflight").count(), 1, "redrawn in place: {text}");
    let status = world.session.client().status(&world.tenant).await?;
    assert_eq!(status.state(), TenantState::Running);

    // Narrow and without colours, and one that goes wrong.
    std::fs::write(world.file(".systemprompt/Dockerfile"), "FROM scratch\nCOPY no-such-folder /\n")?;
    let mut terminal = deploy(&world, &["--no-build"], 60);
    terminal.wait_for("no-such-folder");
    assert_ne!(terminal.wait_for_whole_end(), 0);
    Ok(())
}

async fn ctrl_c_cancels() -> Outcome {
    let world = World::new().await;
    sample::change(&world.file(""), 1, 2).await?;
    std::fs::write(world.file(".systemprompt/build.json"), r#"{"command": ["sh", "-c", "echo begun; sleep 600"]}"#)?;
    let mut terminal = deploy(&world, &[], 100);
    terminal.wait_for("begun");
    let program = Pid::from_raw(terminal.program()).expect("a process");
    kill_process(program, Signal::INT)?;
    let text = terminal.wait_for("Deploy cancelled.");
    assert!(text.contains("The tenant runs what it ran before."), "{text}");
    assert_eq!(terminal.wait_for_whole_end(), 1);
    let status = world.session.client().status(&world.tenant).await?;
    assert_eq!(status.state(), TenantState::ToDeploy);
    Ok(())
}
