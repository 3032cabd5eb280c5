//! Planted secrets go through many commands, with the log at its most talkative: afterwards they are found only where they
//! belong, in no output, no log, no other file, and no process list.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::planted::{ProcessList, holders};
use crate::world::World;

/// A provider's key, a password in an address, and a tenant's secret. Each has a word of its own.
const KEY: &str = "sk-planted-key";
const PASSWORD: &str = "planted-password";
const VALUE: &str = "planted-value";

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_are_found_only_where_they_belong() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let token = world.house.mara.token.clone();
    let tenants = format!(
        r#"{{"tenants": [{{"id": "local_1", "name": "barn", "tenant_type": "local",
            "database_url": "postgres://u:{PASSWORD}@127.0.0.1:9/barn"}}]}}"#
    );
    fs::write(world.project().join(".systemprompt/tenants.json"), tenants).expect("written");
    let words = vec![token.clone(), KEY.into(), PASSWORD.into(), VALUE.into()];
    let list = ProcessList::watch(words, &["tenantry", "secrets set"]);
    let commands: &[(&[&str], &str)] = &[
        (&["login", "--token-stdin", "--store", "file", "--base-url", &world.house.mara.base], &token),
        (&["whoami", "--json"], ""),
        (&["profile", "create", "dev", "--tenant", "barn", "--anthropic-key", "-"], KEY),
        (&["profile", "show", "dev", "--json"], ""),
        (&["profile", "edit", "dev", "--set-port", "9090"], ""),
        (&["tenant", "list"], ""),
        (&["tenant", "show", "barn", "--json"], ""),
        (&["tenant", "edit", "barn", "--name", "shed"], ""),
        // Nothing answers there: what failed is told with the address.
        (&["db", "status", "--tenant", "shed"], ""),
        (&["secrets", "set", "OPENAI_API_KEY=-", "--tenant", &id], VALUE),
        (&["secrets", "list", "--tenant", &id, "--json"], ""),
        (&["env", "--tenant", &id], ""),
        (&["restart", "--tenant", &id, "--yes"], ""),
        (&["rotate", "--tenant", &id, "--yes", "--json"], ""),
        (&["status", "--json"], ""),
        (&["doctor", "--json"], ""),
    ];
    for (arguments, input) in commands {
        let mut command = world.command(arguments);
        command.env("TENANTRY_LOG", "trace");
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("its input");
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await;
        drop(stdin);
        let said = world.end(child).await;
        for word in [&*token, KEY, PASSWORD, VALUE] {
            assert!(!said.out.contains(word) && !said.err.contains(word), "{arguments:?} shows {word}: {said:?}");
        }
    }
    list.end();
    let logs = holders(&world.path("state"), "tenantry");
    assert!(logs.iter().any(|path| path.extension().is_some_and(|end| end == "log")), "the log is on: {logs:?}");
    let own = |name: &str| vec![Path::new("project/.systemprompt").join(name)];
    let everything = world.path("");
    assert_eq!(holders(&everything, &token), own("credentials.json"));
    assert_eq!(holders(&everything, KEY), own("profiles/dev/secrets.json"));
    assert_eq!(holders(&everything, VALUE), Vec::<PathBuf>::new(), "only the server has it");
    let mut with_password = own("profiles/dev/secrets.json");
    with_password.extend(own("tenants.json"));
    assert_eq!(holders(&everything, PASSWORD), with_password);
}
