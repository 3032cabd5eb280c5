//! `tenantry login`, `logout`, `whoami`, as scripts use them.

use crate::common::terminal::Terminal;
use crate::world::{MARA, NILS, World, browse, once_written};
use libtest_mimic::Trial;
use serde_json::json;

pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(format!("commands::{name}"), move || {
            test();
            Ok(())
        })
    };
    vec![
        trial("the_browser_logs_in_whom_the_person_chose", the_browser_logs_in_whom_the_person_chose),
        trial("a_refusal_in_the_browser_is_told", a_refusal_in_the_browser_is_told),
        trial("a_token_from_standard_input_is_checked_and_kept", a_token_from_standard_input_is_checked_and_kept),
        trial("without_a_keyring_it_is_said_before_the_browser", without_a_keyring_it_is_said_before_the_browser),
        trial("the_environments_token_needs_no_login", the_environments_token_needs_no_login),
        trial("what_a_login_that_ended_broke_off_is_done_after_the_next", what_was_broken_off_is_done),
        trial("below_auth_everything_is_as_without", below_auth_everything_is_as_without),
        trial("exit_codes_tell_what_is_wrong", exit_codes_tell_what_is_wrong),
    ]
}

fn the_browser_logs_in_whom_the_person_chose() {
    let world = World::new();
    let api = world.server.api_url.clone();
    for (provider, email) in [("github", NILS), ("google", MARA)] {
        let arguments =
            ["auth", "login", "--provider", provider, "--base-url", &api, "--no-browser", "--store", "file", "--json"];
        let said = world.log_in(&arguments, email);
        assert_eq!(said.code, Some(0), "{said:?}");
        let document = said.json();
        assert_eq!((&document["user"]["email"], &document["kept"]), (&json!(email), &json!("file")));
        let stored = std::fs::read_to_string(world.file()).expect("stored");
        assert!(stored.contains("\"api_token\"") && stored.contains(email) && stored.contains(&api), "{stored}");
        let who = world.run(&["whoami", "--json"], "").json();
        assert_eq!((&who["user_email"], &who["token_status"]), (&json!(email), &json!("valid")));
        assert!(who["expires_at"].is_string() && !who.to_string().contains("eyJ"), "{who}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(world.file()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let out = world.run(&["logout"], "");
    assert!(out.code == Some(0) && out.out.contains("credentials.json"), "{out:?}");
    assert!(!world.file().exists());
}

fn a_refusal_in_the_browser_is_told() {
    let world = World::new();
    let arguments = ["login", "--base-url", &world.server.api_url, "--no-browser", "--store", "file"];
    let said = world.log_in(&arguments, "deny");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("The sign-in was refused.") && said.err.contains("denied"), "{said:?}");
    assert!(!world.file().exists());
}

fn a_token_from_standard_input_is_checked_and_kept() {
    let world = World::new();
    let login = ["login", "--base-url", &world.server.api_url, "--token-stdin", "--store", "file"];
    for (input, code, words) in
        [("", 1, "holds no token"), ("two words\n", 1, "no token"), ("eyJ.no.x\n", 3, "not accepted")]
    {
        let said = world.run(&login, input);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(words) && !said.err.contains("eyJ.no.x"), "{said:?}");
        assert!(!world.file().exists());
    }
    let said = world.run(&login, &format!("{}\n", world.token()));
    assert!(said.code == Some(0) && said.out.contains(MARA) && said.out.contains("it ends in"), "{said:?}");
    // The other commands find it, and the file is used from now on.
    let said = world.run(&["whoami"], "");
    assert!(said.code == Some(0) && said.out.contains(MARA) && said.out.contains("credentials.json"), "{said:?}");
    let said = world.run(&["login", "--token-stdin"], &world.token());
    assert!(said.code == Some(0) && said.out.contains("credentials.json"), "{said:?}");
}

fn without_a_keyring_it_is_said_before_the_browser() {
    let world = World::new();
    let said = world.run(&["login", "--base-url", &world.server.api_url, "--no-browser"], "");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("No keyring answers") && said.err.contains("--store file"), "{said:?}");
    assert!(!said.err.contains("sign-in"), "nobody was sent anywhere: {said:?}");
    assert!(!world.file().exists());
}

fn the_environments_token_needs_no_login() {
    let world = World::new();
    let with = |arguments: &[&str], token: &str| {
        let mut command = world.command(arguments);
        command.env("TENANTRY_TOKEN", token).env("TENANTRY_API_URL", &world.server.api_url);
        world.finish(&mut command, "")
    };
    let said = with(&["whoami", "--json"], &world.token());
    assert_eq!((&said.json()["user_email"], &said.json()["kept_in"]), (&json!(MARA), &json!("TENANTRY_TOKEN")));
    let said = with(&["deploy", "--check", "--json"], &world.token());
    assert!(said.out.contains("There is no tenant yet."), "{said:?}");
    let said = with(&["logout"], &world.token());
    assert!(said.code == Some(1) && said.err.contains("unset TENANTRY_TOKEN"), "{said:?}");
    let said = with(&["whoami"], "eyJ.no.x");
    assert_eq!(said.code, Some(3), "{said:?}");
}

/// The long names that the platform's own tool has, and what scripts say everywhere.
fn below_auth_everything_is_as_without() {
    let world = World::new();
    let login = ["auth", "login", "--base-url", &world.server.api_url, "--token-stdin", "--store", "file", "--yes"];
    let said = world.run(&login, &world.token());
    assert!(said.code == Some(0) && said.out.contains("Next:\n  tenantry plans"), "{said:?}");
    for arguments in [&["auth", "whoami", "--json"][..], &["auth", "status", "--json"], &["whoami", "--json"]] {
        let who = world.run(arguments, "").json();
        assert_eq!((&who["user_email"], &who["cloud_tenants"]), (&json!(MARA), &json!(0)));
        assert_eq!(who["local_profiles"], json!(0), "{who}");
    }
    assert!(world.run(&["auth", "whoami", "--quiet"], "").out.is_empty());
    let said = world.run(&["auth", "logout", "-y", "--quiet", "--non-interactive"], "");
    assert!(said.code == Some(0) && said.out.is_empty() && !world.file().exists(), "{said:?}");
    // Nobody is sent to a browser where nobody may be asked; a token needs none.
    let said = world.run(&["login", "--non-interactive", "--json"], "");
    assert_eq!(
        (said.code, &said.json()["problem"]["title"]),
        (Some(2), &json!("Nobody can be asked here, so nobody was logged in."))
    );
    let login = [
        "login",
        "--token-stdin",
        "--non-interactive",
        "--base-url",
        &world.server.api_url,
        "--store",
        "file",
        "--json",
    ];
    let said = world.run(&login, &world.token()).json();
    assert_eq!((&said["tenants"], said["credentials_path"].is_string()), (&json!([]), true));
}

fn exit_codes_tell_what_is_wrong() {
    let world = World::new();
    let said = world.run(&["whoami", "--base-url", &world.server.api_url, "--json"], "");
    assert_eq!((said.code, &said.json()["problem"]["title"]), (Some(3), &json!("Not logged in.")));
    let said = world.run(&["deploy"], "");
    assert!(said.code == Some(3) && said.err.contains("tenantry login"), "{said:?}");
    for wrong in [
        &["login", "--base-url", "http://h.example"][..],
        &["login", "--token", "hunter2"],
        &["login", "--provider", "gitlab"],
        &["auth"],
    ] {
        let said = world.run(wrong, "");
        assert!(said.code == Some(2) && said.out.is_empty(), "{said:?}");
    }
    let said = world.run(&["logout", "--base-url", &world.server.api_url, "--json"], "");
    assert_eq!((said.code, &said.json()["logged_out"]), (Some(0), &json!(false)));
    let said = world.run(&["whoami", "--context", "nowhere"], "");
    assert!(said.code == Some(1) && said.err.contains("There is no context"), "{said:?}");
}

/// A day later at a terminal: whoever says yes logs in, and the command is done; for a script nothing is asked.
fn what_was_broken_off_is_done() {
    let world = World::new();
    let name = world.tenant();
    let (browser, address) = crate::screen::browser(&world);
    std::fs::write(world.file(), "{}").expect("written");
    let said = world.run(&["login", "--base-url", &world.server.api_url, "--token-stdin"], &world.token());
    assert_eq!(said.code, Some(0), "{said:?}");
    world.expire_logins();
    let suspend = ["tenant", "suspend", &name, "--yes"];
    let said = world.run(&suspend, "");
    assert!(said.code == Some(3) && !said.err.contains("go on?"), "{said:?}");

    let environment = world.environment();
    let mut environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.push(("BROWSER", browser.to_str().expect("a plain path")));
    let start = || Terminal::start(&suspend, &world.project(), &environment, 120, 36);
    let mut terminal = start();
    terminal.wait_for("Log in and go on?");
    terminal.type_keys("\r");
    assert_eq!(terminal.wait_for_whole_end(), 3, "no is what Enter says");
    let mut terminal = start();
    terminal.wait_for("Log in and go on?");
    terminal.type_keys("y\r");
    browse(&once_written(&address), MARA);
    terminal.wait_for("It is suspended.");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    assert!(!String::from_utf8_lossy(&terminal.raw()).contains("eyJ"), "the token was on the screen");
}
