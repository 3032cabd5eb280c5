//! Deploys that never were, for tests of everything that tells one.

use std::time::Duration;

use crate::model::progress::{
    Advice, BuildProgress, Builder, DeployOutcome, DeployProgress, DeployStep, LayerProgress, LayerState, Vertex,
    VertexState,
};
use crate::model::{Check, Digest, Problem};

fn started(step: DeployStep) -> DeployProgress {
    DeployProgress::Started { step }
}

fn finished(step: DeployStep, summary: &str, milliseconds: u64) -> DeployProgress {
    DeployProgress::Finished { step, summary: summary.into(), took: Duration::from_millis(milliseconds) }
}

fn vertex(number: u32, name: &str, state: VertexState) -> DeployProgress {
    let vertex = Vertex { number, name: name.into(), inputs: Vec::new(), state };
    DeployProgress::Build { progress: BuildProgress::Vertex(vertex) }
}

fn done(milliseconds: u64) -> VertexState {
    VertexState::Done { took: Duration::from_millis(milliseconds) }
}

fn build(progress: BuildProgress) -> DeployProgress {
    DeployProgress::Build { progress }
}

fn layer(id: &str, state: LayerState) -> DeployProgress {
    DeployProgress::Push { layer: LayerProgress { id: id.into(), state } }
}

/// A digest that begins with `head`.
pub fn digest(head: &str) -> Digest {
    Digest::new(&format!("sha256:{head:0<64}")).expect("hex digits")
}

/// A deploy that goes well, with the milliseconds at which it says each thing.
pub fn deploy() -> Vec<(u64, DeployProgress)> {
    use DeployStep as S;
    let mut said = vec![(0, started(S::Preflight))];
    let hint = "Put the file there, or deploy with --no-secrets.";
    for check in [
        Check::pass("docker", "Docker 20.10.24 at unix:///var/run/docker.sock"),
        Check::warn("secrets-file", "No .systemprompt/profiles/orchard/secrets.json.", hint),
    ] {
        said.push((60, DeployProgress::Check { check }));
    }
    said.extend([
        (100, finished(S::Preflight, "9 checks, 1 warning", 100)),
        (100, started(S::Project)),
        (900, DeployProgress::Output { step: S::Project, line: "   Compiling orchard v0.3.1".into() }),
        (2400, finished(S::Project, "just build-all", 2300)),
        (2400, started(S::Registry)),
        (2500, finished(S::Registry, "token for tenant-3f6c1b8e at registry.example", 100)),
        (2500, started(S::Build)),
        (2500, build(BuildProgress::Began { builder: Builder::BuildKit })),
        (2600, vertex(1, "[internal] load build definition from Dockerfile", done(20))),
        (2700, build(BuildProgress::Context { sent: 4_200_000 })),
        (2800, vertex(2, "[1/4] FROM docker.io/library/debian:12", VertexState::Cached)),
        (2900, vertex(3, "[2/4] COPY target/release/orchard /app/bin/", VertexState::Running)),
        (3400, vertex(3, "[2/4] COPY target/release/orchard /app/bin/", done(500))),
        (3400, vertex(4, "[3/4] RUN /app/bin/orchard check", VertexState::Running)),
        (3600, build(BuildProgress::Output { vertex: 4, line: "reading 12 templates".into() })),
        (3900, build(BuildProgress::Output { vertex: 4, line: "all good".into() })),
        (4600, vertex(4, "[3/4] RUN /app/bin/orchard check", done(1200))),
        (4600, vertex(5, "[4/4] COPY web /app/web", VertexState::Running)),
        (4700, vertex(5, "[4/4] COPY web /app/web", done(100))),
        (4800, vertex(6, "exporting to image", done(90))),
        (4900, finished(S::Build, "4 steps, 1 cached · 5e1f2a9c", 2400)),
        (4900, started(S::Push)),
    ]);
    let (binary, web) = ("c6d9f012bbbb", "77ab01cdcccc");
    said.extend([(4900, layer("9ab3c1d0aaaa", LayerState::AlreadyThere)), (4900, layer(web, LayerState::Waiting))]);
    for tenth in 0..=20 {
        let current = tenth * 2_950_000;
        said.push((4900 + tenth * 100, layer(binary, LayerState::Pushing { current, total: 59_000_000 })));
    }
    said.extend([
        (6900, layer(binary, LayerState::Pushed)),
        (6900, layer(web, LayerState::Pushed)),
        (7000, finished(S::Push, "2 layers pushed, 1 already there · 5e1f2a9c", 2100)),
        (
            7000,
            DeployProgress::Skipped {
                step: S::Secrets,
                why: "the tenant has the same secrets already".into(),
                took: Duration::ZERO,
            },
        ),
        (7000, started(S::Deploy)),
        (8800, finished(S::Deploy, "runs 5e1f2a9c", 1800)),
        (8800, started(S::Health)),
        (9800, finished(S::Health, "http://127.0.0.1:49153 answers", 1000)),
        (9800, DeployProgress::Advice { advice: advice() }),
    ]);
    said
}

fn advice() -> Advice {
    Advice {
        finding: "COPY . /app (212 MB) is sent and stored anew whenever one file changes; it took 6.1 s of 9.8 s."
            .into(),
        edit: "Copy what changes rarely first: COPY storage /app/storage above COPY web /app/web.".into(),
    }
}

/// What that deploy came to.
pub fn outcome() -> DeployOutcome {
    DeployOutcome {
        app_url: Some("http://127.0.0.1:49153".into()),
        digest: digest("5e1f2a9c"),
        image_id: Some(format!("sha256:{:0<64}", "843bb52e")),
        took: Duration::from_millis(9800),
    }
}

/// What a tenant that does not answer is told with.
pub fn not_healthy() -> Problem {
    Problem::new("The tenant does not answer.")
        .detail("http://127.0.0.1:49153/api/v1/health: connection refused")
        .hint("See its logs; it may have crashed at start, or need more memory.")
}

/// A deploy whose version does not answer, and the one before it brought back.
pub fn unhealthy() -> Vec<DeployProgress> {
    use DeployStep as S;
    let line = "thread 'main' panicked at src/main.rs:9:5: no DATABASE_URL".into();
    let took = Duration::from_secs(30);
    vec![
        started(S::Deploy),
        finished(S::Deploy, "runs 5e1f2a9c", 1800),
        started(S::Health),
        DeployProgress::Output { step: S::Health, line },
        DeployProgress::Failed { step: S::Health, problem: not_healthy(), took },
        started(S::Rollback),
        finished(S::Rollback, "8b1c2d3e runs again", 2100),
    ]
}
