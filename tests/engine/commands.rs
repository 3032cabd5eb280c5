//! Every flag of `tenantry deploy`, and `rollback`, `history`, `deployments` and `doctor`, as a process of its own against a
//! real server and a real engine: each is run, and its effect looked for where it has one. Each group shares one world.

use bollard::Docker;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;
use tenantry::demo::sample;
use tokio::process::Command;

use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("commands::an_image_comes_the_way_that_was_asked_for", ways_of_an_image),
        trial("commands::an_image_is_built_as_was_asked_for", ways_of_a_build),
        trial("commands::several_tenants_and_those_of_a_profile_are_deployed_to", several),
        trial("commands::what_fails_is_undone_gone_on_with_and_remembered", what_fails),
    ]
}

/// How a command ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    /// Its documents, one on each line.
    out: Vec<Value>,
    #[allow(dead_code, reason = "shown where a test fails")]
    err: String,
}

impl Said {
    /// The one document.
    fn json(&self) -> &Value {
        assert_eq!(self.out.len(), 1, "{self:?}");
        &self.out[0]
    }

    #[track_caller]
    fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// What the events say of a step: `summary` or `why`, or that it failed.
    fn step(&self, event: &str, step: &str) -> Option<&Value> {
        self.out.iter().find(|said| said["event"] == event && said["step"] == step)
    }

    fn has_built(&self) -> bool {
        self.out.iter().any(|said| said["event"] == "build" && said["progress"]["kind"] == "began")
    }

    /// The outcome at the end.
    fn outcome(&self) -> &Value {
        let end = self.out.iter().find(|said| said["event"] == "ended").expect("an end");
        assert!(end["outcome"].is_object(), "{end}");
        &end["outcome"]
    }
}

/// The built program in the project of a world.
struct Program<'a>(&'a World);

impl Program<'_> {
    async fn run(&self, words: &str) -> Said {
        let Self(world) = self;
        let state = world.file("../state");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.args(words.split(' ')).current_dir(world.file(""));
        for name in ["TENANTRY_STATE", "XDG_CONFIG_HOME"] {
            command.env(name, &state);
        }
        command.env("TENANTRY_KEYRING", "none").env("PLANTED", "from the environment");
        for name in ["TENANTRY_TOKEN", "TENANTRY_API_URL", "TENANTRY_CONFIG", "SYSTEMPROMPT_PROFILE"] {
            command.env_remove(name);
        }
        for name in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GITHUB_TOKEN"] {
            command.env_remove(name);
        }
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(std::time::Duration::from_mins(2), output).await.expect("in time");
        let output = output.expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{words}: {text}"));
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        Said { code: output.status.code(), out: text.lines().map(read).collect(), err }
    }

    /// Deploys, which works; the tenant then serves this version.
    async fn serves(&self, flags: &str, version: u32) -> Said {
        let said = self.run(format!("deploy --events {flags}").trim()).await.done();
        let url = said.outcome()["app_url"].as_str().expect("an address").to_owned();
        let page = tenantry::api::page::html(&url).await.expect("a page");
        assert!(page.contains(&sample::title(version)), "{flags}: {page}");
        said
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

async fn ways_of_an_image() -> Outcome {
    let world = World::new().await;
    let (program, root) = (Program(&world), world.file(""));
    let own = world.session.client().registry_token(&world.tenant).await?.image()?.to_string();
    let checked = program.run("deploy --check --json").await.done();
    let checked = checked.json();
    assert_eq!((&checked["tenant_id"], &checked["ready"]), (&json!(world.tenant), &json!(true)));
    assert!(world.deployments().await.is_empty() && world.engine.image_id(&own).await?.is_none());

    let first = program.serves("", 1).await;
    assert!(first.has_built() && first.step("finished", "project").is_some());
    assert!(world.engine.image_id(&own).await?.is_some(), "{own} is what a deploy makes");
    let (image, digest) = (word(&first.outcome()["image_id"]).to_owned(), word(&first.outcome()["digest"]).to_owned());

    sample::change(&root, 1, 2).await?;
    let held = program.serves("--skip-push", 1).await;
    assert!(!held.has_built() && held.step("skipped", "push").is_some() && held.outcome()["digest"] == digest);
    let tagged = program.serves("--skip-build", 1).await;
    assert!(!tagged.has_built() && tagged.step("skipped", "project").is_some(), "{tagged:?}");

    let second = program.serves("--no-build", 2).await;
    assert!(second.has_built());
    assert_eq!(second.step("skipped", "project").ok_or("skipped")?["why"], "not asked for");
    program.serves(&format!("--tag {image}"), 1).await;

    program.serves("--no-build", 2).await;
    let same = program.serves("--no-build", 2).await;
    assert!(!same.has_built() && same.step("skipped", "push").is_some(), "nothing changed: {same:?}");
    let forced = program.serves("--no-build --force", 2).await;
    assert!(forced.has_built(), "{forced:?}");

    let listed = program.run("deployments --json").await.done();
    let listed = listed.json()["deployments"].as_array().ok_or("a list")?.clone();
    assert!(listed.len() >= 7 && listed.iter().any(|deploy| deploy["digest"] == digest), "{listed:?}");
    assert_eq!(listed[0]["digest"], forced.outcome()["digest"]);
    Ok(())
}

/// Makes the Dockerfile one whose effects can be seen, with a stage that is not the last one.
fn plant(world: &World) -> Outcome {
    let path = world.file(".systemprompt/Dockerfile");
    let whole = fs::read_to_string(&path)?;
    let planted =
        whole.replace("FROM scratch\n", "FROM scratch AS planted\nARG PLANTED=none\nLABEL planted=$PLANTED\n");
    let run = "RUN --mount=type=secret,id=npm,uid=1000 [\"/app/bin/systemprompt\", \"planted\"]\n";
    fs::write(path, format!("{planted}\n{run}\nFROM planted AS last\nLABEL last=yes\n"))?;
    let main = world.file("src/main.rs");
    let health = "        [\"health\"] => health(),\n";
    let text = fs::read_to_string(&main)?;
    assert!(text.contains(health));
    let says = "        [\"planted\"] => std::fs::read(\"/run/secrets/npm\").map(|it| println!(\"it has {} bytes\", it.len())),\n";
    fs::write(main, text.replace(health, &format!("{health}{says}")))?;
    Ok(())
}

async fn ways_of_a_build() -> Outcome {
    let world = World::new().await;
    let program = Program(&world);
    let docker = Docker::connect_with_defaults()?;
    for builder in ["classic", "buildkit"] {
        let said = program.serves(&format!("--builder {builder} --no-cache"), 1).await;
        let began = said.out.iter().find(|said| said["progress"]["kind"] == "began").ok_or("it began")?;
        assert_eq!(began["progress"]["builder"], builder);
    }
    let said = program.serves("--builder buildkit --no-cache --no-build", 1).await;
    let cached = |said: &Said| said.out.iter().any(|said| said["progress"]["state"]["is"] == "cached");
    assert!(!cached(&said), "every step anew: {said:?}");
    let said = program.serves("--builder buildkit --force --no-build", 1).await;
    assert!(cached(&said), "else what was built is taken: {said:?}");

    plant(&world)?;
    fs::write(world.file("../key"), "sixteen bytes ok")?;
    let without = program.run("deploy --events --builder buildkit").await;
    assert_eq!(without.code, Some(1), "{without:?}");
    assert!(without.step("failed", "build").is_some(), "{without:?}");
    let key = world.file("../key").display().to_string();
    let flags = format!("--builder buildkit --build-secret npm=file:{key}");
    let said = program.serves(&format!("{flags} --no-cache --build-arg PLANTED=given"), 1).await;
    assert!(said.out.iter().any(|said| said.to_string().contains("it has 16 bytes")), "{said:?}");
    assert!(!said.out.iter().any(|said| said.to_string().contains("sixteen")), "{said:?}");
    let labels = async |said: &Said| {
        let image = docker.inspect_image(word(&said.outcome()["image_id"])).await.expect("an image");
        image.config.and_then(|config| config.labels).unwrap_or_default()
    };
    let of = labels(&said).await;
    assert_eq!((of["planted"].as_str(), of.get("last").map(String::as_str)), ("given", Some("yes")));
    let said = program.serves(&format!("{flags} --build-arg PLANTED --target planted --no-build"), 1).await;
    let of = labels(&said).await;
    assert_eq!((of["planted"].as_str(), of.get("last")), ("from the environment", None));

    // Whether a machine of another kind starts it is the engine's business; it is built for that one.
    let token = world.session.client().registry_token(&world.tenant).await?;
    let other = if cfg!(target_arch = "aarch64") { "amd64" } else { "arm64" };
    let words =
        format!("deploy --events {flags} --target planted --platform linux/{other} --no-build --health-limit 1");
    let without_run = fs::read_to_string(world.file(".systemprompt/Dockerfile"))?;
    let without_run = without_run.lines().filter(|line| !line.starts_with("RUN")).collect::<Vec<_>>().join("\n");
    fs::write(world.file(".systemprompt/Dockerfile"), without_run)?;
    let said = program.run(&words).await;
    let image = docker.inspect_image(&token.image()?.to_string()).await?;
    assert_eq!(image.architecture.as_deref(), Some(other), "{said:?}");
    Ok(())
}

async fn several() -> Outcome {
    let world = World::new().await;
    let program = Program(&world);
    let second = world.another().await;
    let unclear = program.run("deploy --json").await;
    assert_eq!(unclear.code, Some(1), "{unclear:?}");
    let all = program.run("deploy --all --json").await.done();
    let all = all.json()["deploys"].as_array().ok_or("a list")?.clone();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|deploy| deploy["outcome"]["digest"].is_string()), "{all:?}");

    sample::change(&world.file(""), 1, 2).await?;
    let both =
        program.run(&format!("deploy --tenant {} --tenant {second} --events --no-build", world.tenant)).await.done();
    let ended: Vec<_> = both.out.iter().filter(|said| said["event"] == "ended").collect();
    assert_eq!(ended.len(), 2, "{both:?}");
    for one in ended {
        let page = tenantry::api::page::html(word(&one["outcome"]["app_url"])).await?;
        assert!(page.contains(&sample::title(2)), "{page}");
    }
    let began = both.out.iter().filter(|said| said["progress"]["kind"] == "began").count();
    assert_eq!(began, 1, "built once");

    // A profile says whose it is, and what is sent along.
    fs::write(world.file("../key"), "sk-hunter2")?;
    let key = world.file("../key").display().to_string();
    program.run(&format!("profile create first --tenant {} --openai-key @{key} --json", world.tenant)).await.done();
    program.run(&format!("profile create second --tenant {second} --anthropic-key @{key} --json")).await.done();
    let names = async || world.session.client().secrets(&second).await.expect("names");
    let flags = "deploy -p second --events --no-build";
    let without = program.run(&format!("{flags} --no-secrets")).await.done();
    assert_eq!(without.out.last().ok_or("an end")?["tenant_id"], json!(second));
    assert!(without.step("skipped", "secrets").is_some(), "{without:?}");
    assert!(!names().await.iter().any(|name| name == "ANTHROPIC_API_KEY"));
    let with = program.run(flags).await.done();
    assert!(with.step("finished", "secrets").is_some(), "{with:?}");
    let names = names().await;
    assert!(
        names.iter().any(|name| name == "ANTHROPIC_API_KEY") && !names.iter().any(|name| name == "OPENAI_API_KEY"),
        "{names:?}"
    );
    Ok(())
}

async fn what_fails() -> Outcome {
    let world = World::with(&["--faults"], &[]).await;
    let (program, root, faults) = (Program(&world), world.file(""), world.faults());
    // Of what failed before anything was done it is known of which tenant that was.
    let dockerfile = world.file(".systemprompt/Dockerfile");
    let whole = fs::read(&dockerfile)?;
    fs::remove_file(&dockerfile)?;
    assert_eq!(program.run("deploy --json").await.code, Some(4));
    fs::write(&dockerfile, whole)?;
    let remembered = program.run("history --json").await.done();
    let name = world.session.client().tenant(&world.tenant).await?.name;
    assert_eq!(remembered.json()["deploys"][0]["tenant_name"], json!(name));

    let first = program.serves("", 1).await;
    sample::change(&root, 1, 2).await?;
    let second = program.serves("--no-build", 2).await;
    let back = program.run("rollback --json").await.done();
    assert_eq!(back.json()["outcome"]["digest"], first.outcome()["digest"]);
    let history = program.run("history --json").await.done();
    let deploys = history.json()["deploys"].as_array().ok_or("a list")?.clone();
    assert_eq!((deploys.len(), &deploys[0]["runs_now"]), (4, &json!(true)), "{deploys:?}");
    let of_second =
        deploys.iter().find(|deploy| deploy["digest"] == second.outcome()["digest"]).ok_or("it is there")?;
    let id = &word(&of_second["id"])[..8];
    let named = program.run(&format!("rollback {id} --events")).await.done();
    assert_eq!(named.outcome()["digest"], second.outcome()["digest"]);
    let one_back = program.run("rollback 1 --json").await.done();
    assert_eq!(one_back.json()["outcome"]["digest"], first.outcome()["digest"]);

    // The server refuses once: what was done until then is not done again.
    sample::change(&root, 2, 3).await?;
    faults
        .arm(
            json!({"fault": "answer", "path": "/api/v1/tenants/*/deploy", "method": "POST", "status": 500, "times": 1}),
        )
        .await;
    assert_eq!(program.run("deploy --no-build --json").await.code, Some(1));
    let resumed = program.serves("--resume", 3).await;
    assert!(!resumed.has_built() && resumed.step("skipped", "push").is_some(), "{resumed:?}");

    let doctor = program.run(&format!("doctor --tenant {} --json", world.tenant)).await.done();
    let checks = doctor.json()["checks"].as_array().ok_or("a list")?.clone();
    for name in ["project", "docker", "login", "tenant", "registry"] {
        let check = checks.iter().find(|check| check["name"] == name).ok_or(name)?;
        assert_eq!(check["result"], "pass", "{check}");
    }

    // A version that does not answer within the limit is undone.
    let main = world.file("src/main.rs");
    let good = fs::read_to_string(&main)?;
    let (well, check) = ("Self { status: 200, content_type: \"application/json\"", "fn health() -> io::Result<()> {\n");
    assert!(good.contains(well) && good.contains(check));
    let broken = good
        .replace(well, &well.replace("200", "500"))
        .replace(check, &format!("{check}    if port().is_ok() {{ return Ok(()); }}\n"));
    fs::write(&main, broken)?;
    let undone = program.run("deploy --events --health-limit 1 --rollback-on-failure").await;
    assert_eq!(undone.code, Some(1), "{undone:?}");
    let failed = undone.step("failed", "health").ok_or("it is not healthy")?;
    // The limit and what the log's last lines may take, and not the thirty seconds of an ordinary deploy.
    assert!(failed["took_ms"].as_u64().is_some_and(|took| took < 10_000), "{failed}");
    assert!(undone.step("finished", "rollback").is_some(), "{undone:?}");
    let status = world.session.client().status(&world.tenant).await?;
    assert!(status.image.is_some_and(|image| image.ends_with(word(&resumed.outcome()["digest"]))));
    Ok(())
}
