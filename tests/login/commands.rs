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
        trial("a_damaged_list_of_tenants_is_told_and_renewed_where_asked", a_damaged_list_of_tenants),
        trial("at_a_terminal_somebody_is_asked_about_it", at_a_terminal_somebody_is_asked_about_it),
        trial("a_logout_puts_a_damaged_login_aside_and_says_so", a_logout_puts_a_damaged_login_aside),
        trial("contexts_of_one_api_do_not_share_a_file", contexts_of_one_api_do_not_share_a_file),
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
    // Nor is anybody asked for a token.
    let login = ["login", "--base-url", &world.server.api_url, "--token-stdin"];
    let said = world.run(&login, "no token\n");
    assert!(said.code == Some(1) && said.err.contains("No keyring answers"), "{said:?}");
    let environment = world.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut terminal = Terminal::start(&login, &world.project(), &environment, 120, 36);
    assert_eq!(terminal.wait_for_whole_end(), 1);
    assert!(!terminal.text().contains("Paste the token"), "{}", terminal.text());
    // Where there is no project, there is no file to go to.
    let mut outside = world.command(&login);
    outside.current_dir(world.path("home"));
    let said = world.finish(&mut outside, &world.token());
    assert!(said.code == Some(1) && said.err.contains("Set TENANTRY_TOKEN, or"), "{said:?}");
    assert!(said.err.contains("in a project's folder") && !said.err.contains("readable by"), "{said:?}");
    let said =
        world.run(&["login", "--base-url", &world.server.api_url, "--token-stdin", "--store", "file"], "no token\n");
    assert!(said.err.contains("holds no token"), "{said:?}");
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

fn a_damaged_list_of_tenants() {
    let world = World::new();
    let name = world.tenant();
    let list = world.project().join(".systemprompt/tenants.json");
    let aside = |ending: &str| std::path::PathBuf::from(format!("{}{ending}", list.display()));
    let login = ["login", "--base-url", &world.server.api_url, "--token-stdin", "--store", "file"];
    let with = |more: &[&'static str]| world.run(&[&login[..], more].concat(), &world.token());
    std::fs::write(&list, "[ local hunter2").expect("written");
    let said = with(&[]);
    assert!(said.code == Some(0) && said.err.contains("The list of tenants cannot be read."), "{said:?}");
    assert!(said.err.contains("--renew-tenants") && !said.err.contains("hunter2"), "{said:?}");
    let said = with(&["--json"]).json();
    assert_eq!(said["warnings"][0]["title"], json!("The list of tenants cannot be read."));
    assert_eq!(
        (std::fs::read_to_string(&list).ok().as_deref(), aside(".bak").exists()),
        (Some("[ local hunter2"), false)
    );

    let api = &world.server.api_url;
    let renewing = ["login", "--renew-tenants", "--base-url", api, "--token-stdin", "--store", "file"];
    let said = world.run(&renewing, &world.token());
    assert!(said.code == Some(0) && said.out.contains("tenants.json.bak"), "{said:?}");
    assert_eq!(std::fs::read_to_string(aside(".bak")).ok().as_deref(), Some("[ local hunter2"));
    assert!(std::fs::read_to_string(&list).is_ok_and(|list| list.contains(&name)));
    // A second one does not take the first one's place.
    std::fs::write(&list, "{}").expect("written");
    let said = with(&["--renew-tenants", "--json"]).json();
    assert!(said["set_aside"].as_str().is_some_and(|path| path.ends_with("tenants.json.bak.2")), "{said}");
    assert_eq!(said["warnings"], json!([]));
    assert_eq!(std::fs::read_to_string(aside(".bak")).ok().as_deref(), Some("[ local hunter2"));
    // A whole one is never put aside.
    assert_eq!(with(&["--renew-tenants", "--json"]).json()["set_aside"], json!(null));
    let ignored = std::fs::read_to_string(world.project().join(".systemprompt/.gitignore")).expect("read");
    assert!(ignored.contains("\n*.bak\n*.bak.*\n"), "{ignored}");
}

fn at_a_terminal_somebody_is_asked_about_it() {
    let world = World::new();
    let list = world.project().join(".systemprompt/tenants.json");
    std::fs::write(&list, "[ local hunter2").expect("written");
    let environment = world.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let login = ["login", "--base-url", &world.server.api_url, "--token-stdin", "--store", "file"];
    for (answer, is_renewed) in [("n\r", false), ("y\r", true)] {
        let mut terminal = Terminal::start(&login, &world.project(), &environment, 120, 36);
        terminal.wait_for("Paste the token");
        terminal.type_keys(&format!("{}\r", world.token()));
        terminal.wait_for("[y/N]");
        terminal.type_keys(answer);
        assert_eq!(terminal.wait_for_whole_end(), 0);
        assert_eq!(terminal.text().contains("fetched anew"), is_renewed, "{}", terminal.text());
        let aside = list.with_extension("json.bak");
        assert_eq!(aside.exists(), is_renewed);
        let damaged = if is_renewed { aside } else { list.clone() };
        assert_eq!(std::fs::read_to_string(damaged).ok().as_deref(), Some("[ local hunter2"));
    }
}

fn a_logout_puts_a_damaged_login_aside() {
    let world = World::new();
    let aside = |ending: &str| std::path::PathBuf::from(format!("{}{ending}", world.file().display()));
    // Nobody is remembered.
    std::fs::write(world.file(), "[ one").expect("written");
    let said = world.run(&["logout"], "");
    assert!(said.code == Some(0) && said.out.contains("credentials.json.bak"), "{said:?}");
    assert!(!said.out.contains("Logged out") && !world.file().exists(), "{said:?}");
    assert_eq!(std::fs::read_to_string(aside(".bak")).ok().as_deref(), Some("[ one"));
    // Somebody is.
    let login = ["login", "--base-url", &world.server.api_url, "--token-stdin", "--store", "file"];
    assert_eq!(world.run(&login, &world.token()).code, Some(0));
    std::fs::write(world.file(), "[ two").expect("written");
    let said = world.run(&["logout", "--json"], "").json();
    assert_eq!(said["logged_out"], json!(false));
    assert!(said["set_aside"].as_str().is_some_and(|path| path.ends_with("credentials.json.bak.2")), "{said}");
    assert_eq!(std::fs::read_to_string(aside(".bak")).ok().as_deref(), Some("[ one"));
    assert_eq!(std::fs::read_to_string(aside(".bak.2")).ok().as_deref(), Some("[ two"));
    assert_eq!(world.run(&["whoami"], "").code, Some(3));
    // Nor does a login take such a one's place silently.
    std::fs::write(world.file(), "[ three").expect("written");
    let said = world.run(&login, &world.token());
    assert!(said.code == Some(0) && said.err.contains("credentials.json.bak.3"), "{said:?}");
}

fn contexts_of_one_api_do_not_share_a_file() {
    let world = World::new();
    let folder = world.path("home/tenantry");
    std::fs::create_dir_all(&folder).expect("made");
    let api = &world.server.api_url;
    let config = format!("[context.one]\napi = \"{api}\"\n[context.two]\napi = \"{api}\"\n");
    std::fs::write(folder.join("config.toml"), config).expect("written");
    let said = world.run(&["login", "--context", "one", "--token-stdin", "--store", "file"], &world.token());
    assert!(said.code == Some(0) && !said.err.contains("Warning: The login"), "{said:?}");
    let said = world.log_in(&["login", "--context", "two", "--no-browser", "--store", "file"], NILS);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("is replaced") && said.err.contains(MARA) && said.err.contains("(one)"), "{said:?}");
    let who = world.run(&["whoami", "--context", "two", "--json"], "").json();
    assert_eq!(who["user_email"], json!(NILS));
    // The first one is gone, and nobody takes the second one for it.
    let said = world.run(&["whoami", "--context", "one"], "");
    assert!(said.code == Some(3) && !said.out.contains(NILS), "{said:?}");
    let said = world.run(&["logout", "--context", "one", "--json"], "").json();
    assert_eq!(said["logged_out"], json!(false));
    assert!(world.file().exists(), "the second one stays");
    // Of one account both contexts have it.
    let said = world.log_in(&["login", "--context", "one", "--no-browser", "--store", "file", "--json"], NILS);
    assert_eq!(said.json()["user"]["email"], json!(NILS));
    for context in ["one", "two"] {
        let who = world.run(&["whoami", "--context", context, "--json"], "").json();
        assert_eq!(who["user_email"], json!(NILS), "{context}");
    }
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
