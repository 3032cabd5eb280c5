//! Images are built with BuildKit, which is the builder where nobody names one.

use crate::project::{Project, is_vertex};
use crate::sample::{Image, World, in_world};
use crate::support::{Outcome, trial};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use libtest_mimic::Trial;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tenantry::engine::{BuildErrorKind, BuildRequest, BuildSecret, EngineError};
use tenantry::model::Secret;
use tenantry::model::progress::{BuildProgress, Builder, VertexState};
use tenantry::server::registry::{Access, USER};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Runs in a process of its own, because it counts what is open.
const COUNT: &str = "buildkit::alone_count_what_stays_open";

/// Runs in a process of its own, because its logins come from the environment.
const LOGIN: &str = "buildkit::alone_build_on_a_private_base";

/// The private base image, for the test that runs alone.
const BASE: &str = "TEST_BASE_IMAGE";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("buildkit::it_is_the_builder_where_nobody_names_one", it_is_the_builder_where_nobody_names_one),
        trial("buildkit::both_builders_make_the_same_files", both_builders_make_the_same_files),
        trial("buildkit::links_that_a_copy_names_are_followed", links_that_a_copy_names_are_followed),
        trial("buildkit::only_what_changed_is_sent_again", only_what_changed_is_sent_again),
        trial("buildkit::what_no_copy_names_is_never_sent", what_no_copy_names_is_never_sent),
        trial("buildkit::a_secret_reaches_its_step_and_nothing_else", a_secret_reaches_its_step_and_nothing_else),
        trial("buildkit::arguments_target_and_cache_are_honoured", arguments_target_and_cache_are_honoured),
        trial("buildkit::a_failing_step_says_which_and_with_what_code", a_failing_step_says_which_and_with_what_code),
        trial("buildkit::mistakes_in_the_dockerfile_are_told_apart", mistakes_in_the_dockerfile_are_told_apart),
        trial("buildkit::a_file_that_cannot_be_sent_is_named", a_file_that_cannot_be_sent_is_named),
        trial("buildkit::cancelling_in_the_middle_of_a_step_ends_it", cancelling_in_the_middle_of_a_step_ends_it),
        trial("buildkit::nothing_stays_open", nothing_stays_open),
        trial("buildkit::a_base_image_that_needs_a_login_is_pulled_with_the_users_own", || {
            in_world(a_base_image_that_needs_a_login_is_pulled_with_it)
        }),
        trial(COUNT, count_what_stays_open).with_ignored_flag(true),
        trial(LOGIN, build_on_a_private_base).with_ignored_flag(true),
    ]
}

/// Adds a file that no build before had: BuildKit remembers every content that it ever saw.
fn add_unique_file(project: &Project) {
    project.write("unique", &project.registry);
}

async fn it_is_the_builder_where_nobody_names_one() -> Outcome {
    let project = Project::new(&[]);
    add_unique_file(&project);
    project.dockerfile("COPY unique /file\n");
    assert_eq!(project.engine.builder().await?, Builder::BuildKit);
    let (built, progress) = project.build().await;
    let built = built?;
    assert_eq!(built.builder, Builder::BuildKit);
    assert!(built.id.starts_with("sha256:") && built.id.len() == 71, "{}", built.id);
    assert_eq!(project.engine.image_id(&project.image().to_string()).await?, Some(built.id));
    assert_eq!(progress.first(), Some(&BuildProgress::Began { builder: Builder::BuildKit }));
    assert!(is_vertex(&progress, "[1/1] COPY unique /file", &VertexState::Running), "{progress:?}");
    project.clean_up().await;
    Ok(())
}

async fn both_builders_make_the_same_files() -> Outcome {
    let mut project = Project::new(&[
        (
            ".dockerignore",
            "# ours\n*.log\n**/*.pem\nnode_modules\n!node_modules/kept\ndocs/*/\n!docs/a/keep\n./spaced \nDockerfile\n",
        ),
        ("a.log", "x"),
        ("deep/a.log", "kept"),
        ("deep/er/key.pem", "x"),
        ("node_modules/dropped/x", "x"),
        ("node_modules/kept/x", "kept"),
        ("docs/a/drop", "x"),
        ("docs/a/keep", "kept"),
        ("spaced", "x"),
        ("with space/grün & süß", "kept"),
        ("program", "kept"),
        ("#x", "kept"),
        ("empty", ""),
    ]);
    project.dockerfile("COPY . /app/\n");
    let path = |name: &str| project.path().join(name);
    std::fs::create_dir(path("bare"))?;
    for (name, mode) in [("program", 0o755), ("empty", 0o600), ("bare", 0o1777), ("deep", 0o700)] {
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode))?;
    }
    std::fs::write(path("big"), vec![42; 300_000])?;
    std::fs::hard_link(path("big"), path("deep/same"))?;
    for (link, target) in [("out", "../../outside"), ("rooted", "/etc/passwd"), ("deep/self", "."), ("gone", "nowhere")]
    {
        symlink(target, path(link))?;
    }
    let _socket = std::os::unix::net::UnixListener::bind(path("socket"))?;
    assert!(Command::new("mkfifo").arg(path("pipe")).status()?.success());

    let mut images = Vec::new();
    for builder in [Builder::Classic, Builder::BuildKit] {
        project.builder = Some(builder);
        assert_eq!(project.build().await.0?.builder, builder);
        images.push(project.files().await);
    }
    for name in images[0].keys().chain(images[1].keys()) {
        assert_eq!(images[0].get(name), images[1].get(name), "{name}");
    }
    assert!(images[0].contains_key("app/docs/a/keep") && !images[0].contains_key("app/a.log"), "{images:?}");
    assert_eq!(images[0].get("app/deep/same"), images[0].get("app/big"));
    project.clean_up().await;
    Ok(())
}

async fn links_that_a_copy_names_are_followed() -> Outcome {
    let project = Project::with(Builder::BuildKit, &[("real/a", "a"), ("real/b", "b"), ("other", "x")]);
    symlink("real", project.path().join("link"))?;
    symlink("other", project.path().join("l1"))?;
    project.dockerfile("COPY link/a link/b /\nCOPY l* /d/\n");
    project.build().await.0?;
    assert_eq!(project.content().await, ["a", "b", "d/a", "d/b", "d/l1"]);
    project.clean_up().await;
    Ok(())
}

/// Bytes of the context that a build sent.
fn sent(progress: &[BuildProgress]) -> u64 {
    let sent = progress.iter().filter_map(|one| match one {
        BuildProgress::Context { sent } => Some(*sent),
        _ => None,
    });
    sent.max().unwrap_or_default()
}

async fn only_what_changed_is_sent_again() -> Outcome {
    let project = Project::with(Builder::BuildKit, &[]);
    project.dockerfile("COPY files /files\n");
    project.write("files/unique", &project.registry);
    for number in 0..50 {
        project.write(&format!("files/{number}"), &format!("{number:>60000}"));
    }
    let (first, progress) = project.build().await;
    let first = first?;
    assert!(sent(&progress) > 50 * 60_000, "{}", sent(&progress));
    assert!(!is_vertex(&progress, "[1/1]", &VertexState::Cached));

    let (second, progress) = project.build().await;
    assert_eq!(second?.id, first.id);
    assert!(sent(&progress) < 60_000, "{}", sent(&progress));
    assert!(is_vertex(&progress, "[1/1]", &VertexState::Cached), "{progress:?}");

    project.write("files/7", "changed");
    let (third, progress) = project.build().await;
    assert_ne!(third?.id, first.id);
    assert!(sent(&progress) < 60_000, "{}", sent(&progress));
    assert_eq!(project.files().await["files/7"].content, b"changed");
    project.clean_up().await;
    Ok(())
}

async fn what_no_copy_names_is_never_sent() -> Outcome {
    let project = Project::with(Builder::BuildKit, &[("small", "x"), ("big", &"x".repeat(1_000_000))]);
    project.dockerfile("COPY small /\n");
    let (built, progress) = project.build().await;
    built?;
    assert!(sent(&progress) < 100_000, "{}", sent(&progress));
    project.clean_up().await;
    Ok(())
}

async fn a_secret_reaches_its_step_and_nothing_else() -> Outcome {
    let project = Project::with(Builder::BuildKit, &[]);
    project.add_step_program();
    let run = r#"RUN --mount=type=secret,id=token,required ["/step", "hash", "/run/secrets/token"]"#;
    add_unique_file(&project);
    project.dockerfile(&format!("COPY step unique /\n{run}\n"));
    let value = uuid::Uuid::new_v4().simple().to_string();
    let secret = |id: &str| BuildSecret { id: id.into(), value: Secret::new(value.clone()) };
    let request = BuildRequest { secrets: vec![secret("token")], ..project.request() };
    assert!(!format!("{request:?}").contains(&value));

    let (built, progress) = project.build_as(request.clone()).await;
    built?;
    let hash = value.bytes().fold(5381_u64, |all, byte| all * 33 % 0xffff_fffb + u64::from(byte));
    let expected = format!("hash {hash:x}");
    assert!(progress.iter().any(|one| matches!(one, BuildProgress::Output { line, .. } if *line == expected)));
    assert!(!format!("{progress:?}").contains(&value));
    let image = project.image().to_string();
    let inspected =
        format!("{:?} {:?}", project.docker.inspect_image(&image).await?, project.docker.image_history(&image).await?);
    assert!(!inspected.contains(&value), "{inspected}");
    let saved: Vec<_> = project.docker.export_image(&image).collect().await;
    let saved: Vec<u8> = saved.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
    assert!(!saved.windows(value.len()).any(|window| window == value.as_bytes()), "a layer has it");

    // The step is the same for the cache, whatever the secret is; a new one asks again.
    project.dockerfile(&format!("COPY step unique /\nENV AGAIN=1\n{run}\n"));
    let request = BuildRequest { secrets: vec![secret("other")], ..project.request() };
    let error = project.build_as(request).await.0.expect_err("no such secret");
    assert!(!format!("{error:?} {error} {:?}", error.problem()).contains(&value), "{error:?}");
    assert!(error.to_string().contains("token"), "{error}");

    let request = BuildRequest { secrets: vec![secret("token")], builder: Some(Builder::Classic), ..project.request() };
    let error = project.build_as(request).await.0.expect_err("classic has no secrets");
    assert!(
        matches!(&error, EngineError::Build { kind: BuildErrorKind::NeedsBuildKit, message, .. } if message.contains("token"))
    );
    project.clean_up().await;
    Ok(())
}

async fn arguments_target_and_cache_are_honoured() -> Outcome {
    for builder in [Builder::BuildKit, Builder::Classic] {
        let project = Project::with(builder, &[("wrong", "x")]);
        project.add_step_program();
        add_unique_file(&project);
        let label = format!("LABEL test.project={}", project.registry);
        let first = format!(
            "FROM scratch AS first\n{label}\nARG VALUE=unset\nCOPY step unique /\nRUN [\"/step\", \"print\", \"VALUE\"]\n"
        );
        project.write("Dockerfile", &format!("{first}FROM scratch\n{label}\nCOPY wrong /wrong\n"));
        let request = BuildRequest {
            args: vec![("VALUE".into(), "a & b".into())],
            target: Some("first".into()),
            ..project.request()
        };
        let said = |progress: &[BuildProgress]| {
            progress.iter().any(|one| matches!(one, BuildProgress::Output { line, .. } if line == "value a & b"))
        };
        let (built, progress) = project.build_as(request.clone()).await;
        built?;
        assert!(said(&progress), "{builder}: {progress:?}");
        assert_eq!(project.content().await, ["step", "unique"], "{builder}");
        let (built, progress) = project.build_as(request.clone()).await;
        built?;
        assert!(!said(&progress), "{builder}: it comes from the cache");
        let (built, progress) = project.build_as(BuildRequest { no_cache: true, ..request }).await;
        built?;
        assert!(said(&progress), "{builder}: it runs again");
        // Without the cache the classic builder leaves the images of the first time without a name.
        drop(project);
    }
    Ok(())
}

async fn a_failing_step_says_which_and_with_what_code() -> Outcome {
    let project = Project::with(Builder::BuildKit, &[]);
    project.add_step_program();
    project.dockerfile("COPY step /step\nRUN [\"/step\", \"exit\", \"3\"]\n");
    let (outcome, progress) = project.build().await;
    let error = outcome.expect_err("the step fails");
    let EngineError::Build { kind, step, message } = &error else { panic!("{error:?}") };
    assert_eq!(*kind, BuildErrorKind::StepFailed { code: 3 });
    assert!(step.as_ref().is_some_and(|step| step.starts_with("[2/2] RUN")), "{step:?}");
    assert!(message.contains("leaving"), "{message}");
    let failed = |one: &BuildProgress| matches!(one, BuildProgress::Vertex(vertex) if matches!(vertex.state, VertexState::Failed { .. }));
    assert!(progress.iter().any(failed), "{progress:?}");
    assert_eq!(project.left_behind().await, (0, 0));
    Ok(())
}

async fn mistakes_in_the_dockerfile_are_told_apart() -> Outcome {
    for (dockerfile, kind) in [
        ("FROM scratch\nCOPY missing /\n", BuildErrorKind::CopySourceMissing),
        ("FROM scratch AS a\nFROM scratch\nCOPY --from=a /missing /\n", BuildErrorKind::CopySourceMissing),
        ("FROM scratch\nKOPY a b\n", BuildErrorKind::UnknownInstruction),
        ("FROM 127.0.0.1:1/none:t\nCOPY . /\n", BuildErrorKind::BaseImage),
        ("# syntax=127.0.0.1:1/dockerfile:1\nFROM scratch\nCOPY Dockerfile /\n", BuildErrorKind::SyntaxImage),
    ] {
        let project = Project::with(Builder::BuildKit, &[("Dockerfile", dockerfile)]);
        let error = project.build().await.0.expect_err(dockerfile);
        let EngineError::Build { kind: found, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*found, kind, "{error:?}");
        assert!(error.problem().hint.is_some());
    }
    Ok(())
}

async fn a_file_that_cannot_be_sent_is_named() -> Outcome {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::with(Builder::BuildKit, &[]);
    project.dockerfile("COPY . /\n");
    std::fs::write(project.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "x")?;
    let error = project.build().await.0.expect_err("it has no name that BuildKit can take");
    assert!(
        matches!(&error, EngineError::Context { path, .. } if path.as_os_str().as_bytes().ends_with(b"caf\xe9")),
        "{error:?}"
    );
    Ok(())
}

/// True when a process on this machine has this among its arguments. An engine elsewhere has its processes elsewhere.
fn runs(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| line.split(|byte| *byte == 0).any(|part| part == argument.as_bytes()))
}

async fn cancelling_in_the_middle_of_a_step_ends_it() -> Outcome {
    let project = Project::with(Builder::BuildKit, &[]);
    project.add_step_program();
    project.dockerfile(&format!("COPY step /step\nRUN [\"/step\", \"wait\", \"{}\"]\n", project.registry));
    cancel_in_the_step(&project).await;
    assert!(!runs(&project.registry), "the step ended before the build did");
    assert_eq!(project.left_behind().await, (0, 0));
    Ok(())
}

async fn cancel_in_the_step(project: &Project) {
    let (progress, mut received) = mpsc::channel(4);
    let cancel = CancellationToken::new();
    let cancelling = async {
        while received
            .recv()
            .await
            .is_some_and(|one| !matches!(one, BuildProgress::Output { line, .. } if line == "waiting"))
        {}
        cancel.cancel();
        received.close();
        std::time::Instant::now()
    };
    let building = project.engine.build(project.request(), &progress, &cancel);
    let (outcome, began) = tokio::join!(building, cancelling);
    assert!(matches!(outcome, Err(EngineError::Cancelled)), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

/// Runs one test in a process of its own.
fn alone(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored"]);
    command
}

async fn nothing_stays_open() -> Outcome {
    let output = tokio::process::Command::from(alone(COUNT)).output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    Ok(())
}

async fn a_base_image_that_needs_a_login_is_pulled_with_it(world: Arc<World>) -> Outcome {
    let base = world.publish("a", &Image::default()).await?;
    let auth = STANDARD.encode(format!("{USER}:{}", world.token("a", Access::Pull).reveal()));
    let login = format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, world.host);
    // Without the login first: afterwards BuildKit has the image.
    for (configuration, is_built) in [("{}", false), (login.as_str(), true)] {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("config.json"), configuration)?;
        let mut build = tokio::process::Command::from(alone(LOGIN));
        let output = build.env("DOCKER_CONFIG", directory.path()).env(BASE, &base).output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), is_built, "{said}");
        assert!(is_built || said.contains("The base image cannot be pulled."), "{said}");
        assert!(!said.contains(world.token("a", Access::Pull).reveal()), "the login shows");
    }
    Ok(())
}

async fn build_on_a_private_base() -> Outcome {
    let project = Project::with(Builder::BuildKit, &[]);
    let base = std::env::var(BASE)?;
    // Without the cache, which would spare the pull.
    project.write("Dockerfile", &format!("FROM {base}\nLABEL test.project={}\nCOPY Dockerfile /\n", project.registry));
    match project.build_as(BuildRequest { no_cache: true, ..project.request() }).await.0 {
        Ok(_) => project.clean_up().await,
        Err(error) => return Err(error.problem().to_string().into()),
    }
    Ok(())
}

fn open_sockets() -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// After builds that succeed, fail and are cancelled there are as many sockets and tasks as after the first.
async fn count_what_stays_open() -> Outcome {
    let project = Project::new(&[("file", "text")]);
    project.add_step_program();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    project.dockerfile("COPY file /file\n");
    project.build().await.0?;
    let (sockets, alive) = (open_sockets(), tasks());
    for _ in 0..3 {
        project.dockerfile("COPY file /file\n");
        project.build().await.0?;
        project.dockerfile("COPY missing /file\n");
        project.build().await.0.expect_err("there is no such file");
        project.dockerfile("COPY step /step\nRUN [\"/step\", \"wait\"]\n");
        cancel_in_the_step(&project).await;
    }
    // A task that was broken off needs a moment to be gone.
    let limit = std::time::Instant::now() + Duration::from_secs(5);
    while (open_sockets() > sockets || tasks() > alive) && std::time::Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(open_sockets() <= sockets, "{} sockets, and {sockets} before", open_sockets());
    assert!(tasks() <= alive, "{} tasks, and {alive} before", tasks());
    project.clean_up().await;
    Ok(())
}
