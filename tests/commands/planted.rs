//! Planted secrets go through many commands, with the log at its most talkative: afterwards they are found only where they
//! belong, in no output, no log, no other file, and no process list.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::world::World;

/// A provider's key, a password in an address, and a tenant's secret. Each has a word of its own.
const KEY: &str = "sk-planted-key";
const PASSWORD: &str = "planted-password";
const VALUE: &str = "planted-value";

/// Looks at the command lines of this machine's processes for as long as it lives.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, BTreeSet<String>)>,
}

impl Watch {
    fn start(words: Vec<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut seen, mut found) = (0, BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").expect("processes").filter_map(Result::ok) {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).replace('\0', " ");
                    seen += u64::from(line.contains("tenantry") && line.contains("secrets set"));
                    if words.iter().any(|word| line.contains(word)) {
                        found.insert(line);
                    }
                }
            }
            (seen, found)
        });
        Self { stop, thread }
    }

    /// How often the command that has a secret was seen, and the lines with one.
    fn end(self) -> (u64, BTreeSet<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it does not panic")
    }
}

/// The files below a folder that hold a word.
fn holders(folder: &Path, word: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for path in fs::read_dir(&at).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if String::from_utf8_lossy(&fs::read(&path).expect("a file")).contains(word) {
                found.push(path.strip_prefix(folder).expect("below").to_owned());
            }
        }
    }
    found.sort();
    found
}

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
    let watch = Watch::start(vec![token.clone(), KEY.into(), PASSWORD.into(), VALUE.into()]);
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
    let (seen, found) = watch.end();
    assert!(seen > 0, "the process list was looked at in time");
    assert!(found.is_empty(), "{found:?}");
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
