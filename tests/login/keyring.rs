//! A real keyring: GNOME Keyring on a session bus of its own.

use crate::world::{MARA, NILS, World};
use libtest_mimic::Trial;
use serde_json::json;
use std::process::{Command, Stdio};

/// True where the programs are there.
pub fn is_installed() -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    let found = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    found("gnome-keyring-daemon") && found("dbus-run-session")
}

pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(format!("keyring::{name}"), move || {
            test();
            Ok(())
        })
    };
    vec![
        trial("a_login_lies_in_the_keyring_and_nowhere_else", a_login_lies_in_the_keyring_and_nowhere_else),
        trial("a_keyring_that_nobody_unlocks_is_told_in_time", a_keyring_that_nobody_unlocks_is_told_in_time),
    ]
}

/// Runs a script on a bus of its own, where `tenantry` is the built program; answers what it printed.
fn on_a_bus(world: &World, script: &str) -> String {
    let runtime = world.path("runtime");
    std::fs::create_dir_all(&runtime).expect("made");
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "bash", "-euc"]);
    command.arg(format!("tenantry() {{ '{}' \"$@\"; }}\n{script}", env!("CARGO_BIN_EXE_tenantry")));
    command.current_dir(world.project()).envs(world.environment()).env("TENANTRY_KEYRING", "desktop");
    command.env("XDG_RUNTIME_DIR", &runtime).env("XDG_DATA_HOME", world.path("data"));
    command.env("MARA", world.token()).env("API", &world.server.api_url);
    command
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("TENANTRY_TOKEN")
        .env_remove("TENANTRY_API_URL");
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{said}");
    assert!(!text.contains(&world.token()) && !said.contains(&world.token()), "the token was shown");
    text
}

const UNLOCK: &str = "echo -n test | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1";

fn a_login_lies_in_the_keyring_and_nowhere_else() {
    let world = World::new();
    let config = world.path("home/tenantry");
    std::fs::create_dir_all(&config).expect("made");
    let api = &world.server.api_url;
    let contexts = format!("[context.mine]\napi = \"{api}\"\n[context.other]\napi = \"{api}\"\n");
    std::fs::write(config.join("config.toml"), contexts).expect("written");
    let nils = {
        let mut command = world.command(&["serve", "token", "--user", NILS, "--data"]);
        let output = command.arg(world.server.data()).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    std::fs::write(world.path("nils"), nils).expect("written");
    let nils = world.path("nils").display().to_string();
    let script = format!(
        "{UNLOCK}
         echo \"$MARA\" | tenantry login --base-url \"$API\" --token-stdin --json
         tenantry whoami --json
         tenantry login --context other --token-stdin --json < '{nils}'
         tenantry whoami --context other --json
         tenantry whoami --context mine --json
         echo \"$MARA\" | tenantry login --base-url \"$API\" --token-stdin --json
         tenantry logout --base-url \"$API\" --json
         tenantry whoami --context mine --json || echo \"{{\\\"code\\\": $?}}\"
         tenantry logout --context other --json
         tenantry whoami --context other --json || echo \"{{\\\"code\\\": $?}}\""
    );
    let text = on_a_bus(&world, &script);
    let said: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(said[0]["kept"], "keyring");
    assert_eq!((&said[1]["user_email"], &said[1]["kept"]), (&json!(MARA), &json!("keyring")));
    assert_eq!((&said[3]["user_email"], &said[3]["context"]), (&json!(NILS), &json!("other")));
    assert_eq!(said[4]["user_email"], MARA, "a login without a context serves those that have none");
    assert_eq!(said[4]["others"][0]["user_email"], NILS);
    assert_eq!(said[6]["logged_out"], true);
    assert_eq!((&said[7]["problem"]["requires_login"], &said[8]["code"]), (&json!(true), &json!(3)));
    assert_eq!((&said[9]["logged_out"], &said[11]["code"]), (&json!(true), &json!(3)), "{text}");
    assert!(!world.file().exists());
    let listed = std::fs::read_to_string(world.path("state/logins.json")).expect("remembered");
    assert!(!listed.contains("eyJ"), "{listed}");
}

/// Without a display nobody can be asked for the password.
fn a_keyring_that_nobody_unlocks_is_told_in_time() {
    let world = World::new();
    on_a_bus(
        &world,
        &format!("{UNLOCK}\necho \"$MARA\" | tenantry login --base-url \"$API\" --token-stdin >/dev/null"),
    );
    // Another bus, the same keyring on the disk, and nobody who knows its password.
    let code = "|| echo \"{\\\"code\\\": $?}\"";
    let script =
        format!("tenantry whoami --json {code}\ntenantry login --base-url \"$API\" --no-browser --json {code}");
    let text = on_a_bus(&world, &script);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!((&lines[0]["problem"]["requires_login"], &lines[1]["code"]), (&json!(true), &json!(3)), "{text}");
    assert_eq!(lines[0]["problem"]["title"], "The keyring is locked.", "{text}");
    // Nobody is sent to a browser for a token that has no place.
    assert_eq!(
        (&lines[2]["problem"]["title"], &lines[3]["code"]),
        (&json!("The keyring is locked."), &json!(1)),
        "{text}"
    );
}
