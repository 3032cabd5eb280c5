//! The same scenario on the screen and by commands: the server is asked for the same changes, in the same order.

use crate::common::terminal::Terminal;
use crate::world::World;

const DOMAIN: &str = "app.orchard.example";

/// What the server was asked for since the tenant runs.
async fn played(world: &World, before: usize) -> Vec<String> {
    world.changes().await.split_off(before)
}

async fn by_commands() -> Vec<String> {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let (name, before) = (world.name(&id).await, world.changes().await.len());
    for arguments in [
        &["restart", "--yes"][..],
        &["watch"],
        &["tenant", "suspend", "--yes"],
        &["tenant", "activate", "--yes"],
        &["watch"],
        &["rotate", "--yes"],
        &["watch"],
        &["domain", "set", DOMAIN],
        &["domain", "remove", "--yes"],
        &["tenant", "delete", &name, "--yes"],
    ] {
        world.run(arguments).await.done();
    }
    played(&world, before).await
}

/// Waits for a phase on the server.
fn phase(world: &World, id: &str, phase: &str) {
    tokio::runtime::Handle::current().block_on(world.house.mara.wait_for_phase(id, phase));
}

fn yes(terminal: &mut Terminal, keys: &str, question: &str, done: &str) {
    terminal.type_keys(keys);
    terminal.wait_for(question);
    terminal.type_keys("y");
    terminal.wait_for(done);
}

async fn on_the_screen() -> Vec<String> {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let (name, before) = (world.name(&id).await, world.changes().await.len());
    tokio::task::block_in_place(|| {
        let mut terminal = world.terminal(&[]);
        terminal.wait_until("the tenant", |text| text.contains(&name) && text.contains("running"));
        yes(&mut terminal, "tr", "Restart?", "is restarting");
        phase(&world, &id, "running");
        terminal.type_keys("R");
        terminal.wait_until("it runs again", |text| text.contains("● running"));
        yes(&mut terminal, "ts", "Suspend?", "◌ suspended");
        yes(&mut terminal, "ta", "Activate?", "is activated");
        phase(&world, &id, "running");
        terminal.wait_until("it runs again", |text| text.contains("● running"));
        yes(&mut terminal, "r", "Rotate the credentials?", "has new credentials");
        phase(&world, &id, "running");
        terminal.wait_until("it runs again", |text| text.contains("● running"));
        terminal.type_keys("8");
        terminal.wait_for("a sets a domain");
        terminal.type_keys("a");
        terminal.wait_for("Domain of");
        terminal.type_keys(&format!("{DOMAIN}\r"));
        terminal.wait_for("CNAME");
        yes(&mut terminal, "x", "Remove the domain?", "has no domain of its own");
        terminal.type_keys("td");
        terminal.wait_for("Delete?");
        terminal.type_keys(&format!("{name}\r"));
        terminal.wait_for("is deleted");
        terminal.type_keys("q");
        assert_eq!(terminal.wait_for_whole_end(), 0);
    });
    played(&world, before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_and_the_commands_ask_for_the_same() {
    let by_commands = by_commands().await;
    assert_eq!(by_commands.len(), 7, "{by_commands:?}");
    assert_eq!(on_the_screen().await, by_commands);
}
