//! The screen without a login, in a real terminal: it opens, asks, and goes on with the login.

use crate::common::terminal::Terminal;
use crate::world::{MARA, World, browse, once_written};
use libtest_mimic::Trial;
use std::path::PathBuf;

pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(format!("screen::{name}"), move || {
            test();
            Ok(())
        })
    };
    vec![
        trial("a_token_is_pasted_and_the_screen_goes_on_with_it", a_token_is_pasted_and_the_screen_goes_on_with_it),
        trial("the_browser_comes_back_and_somebody_logs_out_again", the_browser_comes_back_and_somebody_logs_out_again),
        trial("what_a_login_that_ended_broke_off_is_gone_on_with", what_a_login_that_ended_broke_off_is_gone_on_with),
    ]
}

fn open(world: &World, more: &[(&str, &str)]) -> Terminal {
    let environment = world.environment();
    let mut environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.push(("TENANTRY_API_URL", &world.server.api_url));
    environment.extend(more);
    Terminal::start(&[], &world.project(), &environment, 120, 36)
}

fn leave(mut terminal: Terminal, token: &str) {
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    assert!(!String::from_utf8_lossy(&terminal.raw()).contains(token), "the token was on the screen");
}

fn a_token_is_pasted_and_the_screen_goes_on_with_it() {
    let world = World::new();
    let mut terminal = open(&world, &[]);
    terminal.wait_until("the ways in", |text| text.contains("GitHub") && text.contains("not logged in"));
    terminal.type_keys("jj\r");
    terminal.wait_for("Paste a login token");
    terminal.type_keys(&format!("{}\r", world.token()));
    // There is no keyring here: a file is used after a yes.
    terminal.wait_for("keep it in that file");
    assert!(!world.file().exists());
    terminal.type_keys("\r");
    terminal.wait_for(&format!("Logged in as {MARA}"));
    terminal.type_keys("\r");
    terminal.wait_until("a screen of somebody", |text| text.contains(MARA) && text.contains("No tenants yet"));
    leave(terminal, &world.token());
    assert!(std::fs::read_to_string(world.file()).expect("kept").contains(MARA));
}

/// A browser that writes down where it was sent: itself, and that file.
pub fn browser(world: &World) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let (browser, address) = (world.path("browser"), world.path("address"));
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" > '{}'\n", address.display())).expect("written");
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).expect("set");
    (browser, address)
}

/// A day later: the login is over in the middle of something.
fn what_a_login_that_ended_broke_off_is_gone_on_with() {
    let world = World::new();
    let name = world.tenant();
    let (browser, address) = browser(&world);
    std::fs::write(world.file(), "{}").expect("written");
    let said = world.run(&["login", "--base-url", &world.server.api_url, "--token-stdin"], &world.token());
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut terminal = open(&world, &[("BROWSER", browser.to_str().expect("a plain path"))]);
    terminal.wait_until("the tenant", |text| text.contains(&name) && text.contains("to deploy"));
    terminal.type_keys("ts");
    terminal.wait_for("Suspend?");
    world.expire_logins();
    terminal.type_keys("y");
    terminal.wait_until("the ways in", |text| text.contains("GitHub") && text.contains("no longer valid"));
    terminal.type_keys("\r");
    terminal.wait_for("waiting for the browser");
    browse(&once_written(&address), MARA);
    terminal.wait_for(&format!("Logged in as {MARA}"));
    terminal.type_keys("\r");
    terminal.wait_for("Suspend?");
    terminal.type_keys("y");
    // Its answer, too: leaving before asks whether to wait for it.
    terminal.wait_for(&format!("{name} is suspended."));
    leave(terminal, "eyJ");
}

fn the_browser_comes_back_and_somebody_logs_out_again() {
    let world = World::new();
    let (browser, address) = browser(&world);
    // Where the platform keeps a login already, so does this program, without a question.
    std::fs::write(world.file(), "{}").expect("written");
    let mut terminal = open(&world, &[("BROWSER", browser.to_str().expect("a plain path"))]);
    terminal.wait_for("GitHub");
    terminal.type_keys("\r");
    terminal.wait_for("waiting for the browser");
    browse(&once_written(&address), MARA);
    terminal.wait_for(&format!("Logged in as {MARA}"));
    terminal.type_keys("\r");
    terminal.wait_until("a screen of somebody", |text| text.contains(MARA) && text.contains("No tenants yet"));
    terminal.type_keys("uo");
    terminal.wait_for("Log out?");
    terminal.type_keys("y");
    terminal.wait_until("nobody", |text| text.contains("not logged in") && text.contains("GitHub"));
    assert!(!world.file().exists());
    terminal.type_keys("\u{1b}");
    terminal.wait_gone("GitHub");
    leave(terminal, "eyJ");
}
