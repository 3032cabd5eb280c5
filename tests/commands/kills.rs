//! Commands that write files are killed at random moments: every file is the old or the new one, whole and with its mode,
//! and the same command goes on from there.
//!
//! `TENANTRY_SOAK` says how often one is killed (30 unless told), `TENANTRY_SOAK_SEED` repeats a run.

use regex::{Captures, Regex};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;

use crate::support::within;
use crate::world::World;

/// How often a command is killed in an ordinary run.
const ORDINARY: u64 = 30;
/// Stands in files that nobody else may read.
const SECRET: &str = "sk-hunter2";
/// How many microseconds after the first change to a file a command is killed at the latest.
const AFTER: u64 = 8000;

/// Numbers that a seed repeats (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}

/// A command, and what is there before it.
struct Case {
    arguments: &'static [&'static str],
    input: String,
    files: Vec<(&'static str, u32, String)>,
}

fn cases(world: &World) -> Vec<Case> {
    let own = |name: &str| world.project().join(".systemprompt").join(name);
    let login = fs::read_to_string(own("credentials.json")).expect("the world is logged in");
    let local = json!({"id": "local_1", "name": "barn", "tenant_type": "local", "mine": [1],
        "database_url": format!("postgres://u:{SECRET}@127.0.0.1:9/d")});
    let tenants = || (".systemprompt/tenants.json", 0o600, json!({"tenants": [local], "newer": 1}).to_string());
    let logged_in = || (".systemprompt/credentials.json", 0o600, login.clone());
    let profile = || {
        let yaml = "# mine\nname: prod\ncloud: {tenant_id: local_1}\nserver: {host: 0.0.0.0, port: 8080}\nodd: [1]\n";
        (".systemprompt/profiles/prod/profile.yaml", 0o644, yaml.to_owned())
    };
    let secrets =
        || (".systemprompt/profiles/prod/secrets.json", 0o600, json!({"openai": SECRET, "odd": "1"}).to_string());
    let case = |arguments, input: &str, files| Case { arguments, input: input.to_owned(), files };
    vec![
        case(
            &["login", "--token-stdin", "--store", "file", "--base-url", "BASE"],
            &world.house.mara.token,
            vec![tenants()],
        ),
        case(&["logout"], "", vec![logged_in(), tenants()]),
        case(&["init", "--yes"], "", vec![logged_in(), ("justfile", 0o644, "mine:\n    true\n".to_owned())]),
        case(&["tenant", "edit", "local_1", "--name", "shed"], "", vec![tenants()]),
        case(&["tenant", "delete", "local_1", "--yes"], "", vec![tenants()]),
        case(
            &["profile", "create", "dev", "--tenant", "barn", "--anthropic-key", "-"],
            SECRET,
            vec![tenants(), profile(), secrets()],
        ),
        case(
            &["profile", "edit", "prod", "--set-port", "9090", "--set-openai-key", "-"],
            "sk-new",
            vec![profile(), secrets()],
        ),
        case(&["profile", "delete", "prod", "--yes"], "", vec![profile(), secrets()]),
    ]
}

/// What is in a folder: each file's mode, and its content without what differs from run to run.
type Picture = BTreeMap<PathBuf, (u32, String)>;

struct Eyes {
    differs: Regex,
    key: Regex,
}

impl Eyes {
    fn new() -> Self {
        let time = r"\d{4}-\d\d-\d\dT[0-9:.]+Z";
        let uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
        Self {
            differs: Regex::new(&format!(r"{time}|{uuid}|/tmp/[^/]*/turn|[A-Za-z0-9_+-]{{32,}}=*"))
                .expect("an expression"),
            key: Regex::new(r"(?s)(-----BEGIN [A-Z ]+-----).*?(-----END [A-Z ]+-----)").expect("an expression"),
        }
    }

    /// The whole files; what a killed program was writing is looked at only for who may read it.
    fn look(&self, folder: &Path) -> Picture {
        let mut picture = Picture::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(at) = folders.pop() {
            for entry in fs::read_dir(&at).expect("a folder").map(|entry| entry.expect("an entry")) {
                let (path, meta) = (entry.path(), entry.metadata().expect("it stays"));
                let name = entry.file_name().to_string_lossy().into_owned();
                if meta.is_dir() {
                    // One that is still being made gets its name when it is whole.
                    if !name.starts_with(".making-") {
                        folders.push(path);
                    }
                    continue;
                }
                let mode = meta.permissions().mode() & 0o777;
                let content = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
                if content.contains("hunter2") {
                    assert_eq!(mode & 0o077, 0, "others may read {}", path.display());
                }
                let is_aside = path.extension().is_some_and(|end| end == "lock" || end == "log");
                if name.starts_with(".writing-") || is_aside {
                    continue;
                }
                let content = self.key.replace_all(&content, |key: &Captures<'_>| format!("{}…{}", &key[1], &key[2]));
                let content = self.differs.replace_all(&content, "…").into_owned();
                picture.insert(path.strip_prefix(folder).expect("below").to_owned(), (mode, content));
            }
        }
        picture
    }
}

struct Turn<'a> {
    world: &'a World,
    case: &'a Case,
    /// The project and the state directory.
    folder: PathBuf,
}

impl<'a> Turn<'a> {
    /// The case's files in a folder of their own.
    fn new(world: &'a World, case: &'a Case) -> Self {
        let folder = world.path("turn");
        let _ = fs::remove_dir_all(&folder);
        for name in ["project/services", "project/.systemprompt", "state"] {
            fs::create_dir_all(folder.join(name)).expect("made");
        }
        for (name, mode, content) in &case.files {
            let path = folder.join("project").join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(&path, content).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("its mode");
        }
        Self { world, case, folder }
    }

    async fn start(&self) -> tokio::process::Child {
        let base = self.world.house.mara.base.as_str();
        let arguments: Vec<&str> =
            self.case.arguments.iter().map(|argument| if *argument == "BASE" { base } else { argument }).collect();
        let mut command = self.world.command(&arguments);
        command.current_dir(self.folder.join("project")).env("TENANTRY_STATE", self.folder.join("state"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let _ = child.stdin.take().expect("its input").write_all(self.case.input.as_bytes()).await;
        child
    }

    async fn whole(&self) -> Option<i32> {
        let mut child = self.start().await;
        within("the end of the command", child.wait()).await.expect("it ends").code()
    }

    /// When something in the project was made, renamed or removed last.
    fn changed(&self) -> Vec<Option<std::time::SystemTime>> {
        let of =
            |name: &str| fs::metadata(self.folder.join("project").join(name)).and_then(|meta| meta.modified()).ok();
        ["", ".systemprompt", ".systemprompt/profiles", ".systemprompt/profiles/prod"].map(of).to_vec()
    }

    /// Kills it: somewhere in the time that it takes, or shortly after it first changed something.
    async fn killed(&self, takes: Duration, dice: &mut Dice) {
        let before = self.changed();
        let begun = Instant::now();
        let mut child = self.start().await;
        if dice.below(2) == 0 {
            let moment = Duration::from_micros(dice.below(u64::try_from(takes.as_micros()).unwrap_or(u64::MAX)));
            tokio::time::sleep(moment.saturating_sub(begun.elapsed())).await;
        } else {
            while self.changed() == before && child.try_wait().expect("it is ours").is_none() {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_micros(dice.below(AFTER))).await;
        }
        let _ = child.start_kill();
        within("its end", child.wait()).await.expect("it ends");
    }
}

/// A `.gitignore` that gets its lines from several writers, one whole file after the other.
fn has_grown(path: &Path, (mode, content): &(u32, String), new: &Picture) -> bool {
    let Some((new_mode, new)) = new.get(path).filter(|_| path.ends_with(".gitignore")) else { return false };
    mode == new_mode && content.ends_with('\n') && new.starts_with(content.as_str())
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "whoever lets it run for long wants to know what it met")]
async fn a_command_that_is_killed_leaves_each_file_old_or_new_and_whole() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let kills = number("TENANTRY_SOAK").unwrap_or(ORDINARY);
    let seed = number("TENANTRY_SOAK_SEED")
        .unwrap_or_else(|| u64::from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").subsec_nanos()));
    let mut dice = Dice(seed);
    let world = World::new().await;
    let eyes = Eyes::new();
    let cases = cases(&world);
    let mut measured = Vec::new();
    for case in &cases {
        let turn = Turn::new(&world, case);
        let old = eyes.look(&turn.folder);
        let begun = Instant::now();
        assert_eq!(turn.whole().await, Some(0), "{:?}", case.arguments);
        let takes = begun.elapsed();
        let new = eyes.look(&turn.folder);
        assert_ne!(old, new, "{:?} writes nothing", case.arguments);
        measured.push((case, old, new, takes));
    }
    let mut halves = 0;
    for kill in 0..kills {
        let (case, old, new, takes) = &measured[usize::try_from(kill).expect("small") % measured.len()];
        let turn = Turn::new(&world, case);
        turn.killed(*takes, &mut dice).await;
        let now = eyes.look(&turn.folder);
        for (path, file) in &now {
            let is_whole = old.get(path) == Some(file) || new.get(path) == Some(file) || has_grown(path, file, new);
            assert!(is_whole, "seed {seed}, {:?}: {} is neither old nor new: {file:?}", case.arguments, path.display());
        }
        for path in old.keys().filter(|path| new.contains_key(*path)) {
            assert!(now.contains_key(path), "seed {seed}, {:?}: {} is gone", case.arguments, path.display());
        }
        halves += u64::from(now != *old && now != *new);
        // Whatever the moment was: the same command again brings it to its end.
        turn.whole().await;
        let ended = eyes.look(&turn.folder);
        assert_eq!(&ended, new, "seed {seed}, {:?} does not come to its end", case.arguments);
    }
    eprintln!("{kills} killed, {halves} between two of their files, seed {seed}");
}
