//! The push in whole: a real engine, the program's own registry with faults in front of it, and a Management API that
//! hands out tokens.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bollard::query_parameters::TagImageOptionsBuilder;
use futures_util::future::BoxFuture;
use libtest_mimic::{Failed, Trial};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenantry::api::{BaseUrl, Client};
use tenantry::engine::Credentials;
use tenantry::model::progress::{DeployProgress, LayerState, PushedBy};
use tenantry::model::{ImageReference, Problem, RegistryToken, Secret, TenantId};
use tenantry::ops::Session;
use tenantry::ops::push::{Pushed, Pusher, Target, run_many};
use tenantry::server::registry::{Access, Owners, REPOSITORY, Registry, RegistryTokens, USER};
use tenantry::workspace::{Project as Folder, StateDirectory};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::project::Project;
use crate::support::{Outcome, trial};

/// What goes wrong in front of the registry.
#[derive(Default)]
struct Faults {
    /// Login headers that are refused.
    refused: Mutex<HashSet<String>>,
    /// True: every login is refused.
    refuses_all: Mutex<bool>,
    /// True: the login of the next `PATCH` is refused from then on.
    refuses_next: Mutex<bool>,
    /// So many `PATCH` are answered with 503.
    busy: AtomicUsize,
    /// Cancelled by the next `PATCH`, which then never ends.
    hangs: Mutex<Option<CancellationToken>>,
    uploads: AtomicUsize,
}

async fn in_front(State(faults): State<Arc<Faults>>, request: Request, next: Next) -> Response {
    let login = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let login = login.unwrap_or_default().to_owned();
    let is_patch = request.method() == Method::PATCH;
    if is_patch {
        faults.uploads.fetch_add(1, Ordering::SeqCst);
        if std::mem::take(&mut *faults.refuses_next.lock().unwrap()) {
            faults.refused.lock().unwrap().insert(login.clone());
        }
        let hangs = faults.hangs.lock().unwrap().take();
        if let Some(cancel) = hangs {
            cancel.cancel();
            std::future::pending::<()>().await;
        }
        let one_less = |left: usize| left.checked_sub(1);
        if faults.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    if *faults.refuses_all.lock().unwrap() || faults.refused.lock().unwrap().contains(&login) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"x\"")]).into_response();
    }
    next.run(request).await
}

struct World {
    project: Project,
    registry: Registry,
    tokens: RegistryTokens,
    host: String,
    faults: Arc<Faults>,
    /// Tokens that the Management API gave out.
    given: Arc<AtomicUsize>,
    session: Session,
    folder: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
    _api: MockServer,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Debug)]
struct OneAccount;

impl Owners for OneAccount {
    fn siblings<'a>(&'a self, id: &'a TenantId) -> BoxFuture<'a, Vec<TenantId>> {
        Box::pin(async move { ["a", "b"].map(tenant).into_iter().filter(|other| other != id).collect() })
    }
}

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).expect("valid")
}

/// Text that no two layers share and that compresses to about a half.
fn noise(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 32);
    while text.len() < bytes {
        text.push_str(&uuid::Uuid::new_v4().simple().to_string());
    }
    text
}

impl World {
    async fn new() -> Result<Self, Failed> {
        Self::of(Registry::open).await
    }

    /// The tenants `a` and `b` are one account's.
    async fn of_one_account() -> Result<Self, Failed> {
        Self::of(|folder, tokens| Registry::open_with(folder, tokens, Arc::new(OneAccount))).await
    }

    async fn of<E: std::error::Error>(
        open: impl FnOnce(&std::path::Path, RegistryTokens) -> Result<Registry, E>,
    ) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let tokens = RegistryTokens::new([5; 32]);
        let registry = open(&folder.path().join("registry"), tokens.clone())?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let host = listener.local_addr()?.to_string();
        let faults = Arc::new(Faults::default());
        let app = registry.router().layer(axum::middleware::from_fn_with_state(faults.clone(), in_front));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
        let (api, given) = (MockServer::start().await, Arc::new(AtomicUsize::new(0)));
        let (giving, counted, place) = (tokens.clone(), given.clone(), host.clone());
        Mock::given(method("GET"))
            .and(path_regex("^/api/v1/tenants/[^/]+/registry-token$"))
            .respond_with(move |request: &wiremock::Request| {
                let id = request.url.path_segments().and_then(|mut parts| parts.nth(3)).unwrap_or_default().to_owned();
                // No two tokens are alike.
                let ttl = Duration::from_secs(600 + 60 * counted.fetch_add(1, Ordering::SeqCst) as u64);
                let token = giving.issue(&tenant(&id), Access::Push, ttl);
                ResponseTemplate::new(200).set_body_json(serde_json::json!({"data": {
                    "registry": place, "username": USER, "token": token.reveal(), "repository": REPOSITORY,
                    "tag": format!("tenant-{id}"),
                }}))
            })
            .mount(&api)
            .await;
        let client = Client::new(BaseUrl::parse(&api.uri())?, Secret::new("token"))?;
        let state = StateDirectory::at(folder.path().join("state"));
        let session = Session::new(client, Folder { root: folder.path().to_owned() }, Some(state));
        let mut project = Project::new(&[]);
        project.registry.clone_from(&host);
        project.dockerfile("WORKDIR /work\nCOPY large /large\nCOPY small /small\n");
        project.write("large", &noise(1_500_000));
        project.write("small", &noise(100));
        Ok(Self { project, registry, tokens, host, faults, given, session, folder, server, _api: api })
    }

    fn token(&self, id: &str) -> Secret {
        self.tokens.issue(&tenant(id), Access::Push, Duration::from_mins(5))
    }

    /// Builds, and gives the image the tenant's tag.
    async fn build(&self, id: &str) -> Result<(String, Target), Failed> {
        let image_id = self.project.build().await.0?.id;
        let target = Target {
            tenant: tenant(id),
            image: ImageReference::new(&self.host, REPOSITORY, &format!("tenant-{id}"))?,
            token: RegistryToken {
                registry: self.host.clone(),
                username: USER.into(),
                token: self.token(id),
                repository: REPOSITORY.into(),
                tag: format!("tenant-{id}"),
            },
        };
        let tag = TagImageOptionsBuilder::default().repo(&target.image.name()).tag(target.image.tag()).build();
        self.project.docker.tag_image(&image_id, Some(tag)).await?;
        Ok((image_id, target))
    }

    async fn push(
        &self,
        image_id: &str,
        targets: Vec<Target>,
        pusher: Pusher,
        cancel: &CancellationToken,
    ) -> (Vec<Result<Pushed, Problem>>, Vec<DeployProgress>) {
        let (progress, mut received) = mpsc::channel(4);
        let reading = async {
            let mut all = Vec::new();
            while let Some(one) = received.recv().await {
                all.push(one);
            }
            all
        };
        let pushing = async {
            let engine = &self.project.engine;
            let outcomes = run_many(&self.session, engine, image_id, targets, pusher, &progress, cancel).await;
            drop(progress);
            outcomes
        };
        tokio::join!(pushing, reading)
    }

    async fn push_one(&self, image_id: &str, target: Target, pusher: Pusher) -> Result<Pushed, Problem> {
        self.push(image_id, vec![target], pusher, &CancellationToken::new()).await.0.pop().expect("one outcome")
    }

    /// Pulls what the tag names; the local image must be gone before, so that it really comes from there.
    async fn pulled_id(&self, id: &str, image_id: &str) -> Result<String, Failed> {
        self.project.engine.remove_images_for_registry(&self.host).await?;
        assert_eq!(self.project.engine.image_id(image_id).await?, None, "it is still here");
        let digest = self.registry.digest_of(&tenant(id)).await.ok_or("nothing was pushed")?;
        let reference = format!("{}/{REPOSITORY}@{digest}", self.host);
        let credentials = Credentials { username: USER.into(), password: self.token(id) };
        self.project.engine.pull(&reference, &credentials).await?;
        Ok(self.project.engine.image_id(&reference).await?.ok_or("it was not pulled")?)
    }

    fn unfinished(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("registry/uploads")).expect("reads").count()
    }

    fn uploads(&self) -> usize {
        self.faults.uploads.load(Ordering::SeqCst)
    }
}

async fn the_engine_pulls_what_was_pushed_here() -> Outcome {
    let world = World::new().await?;
    let (image_id, target) = world.build("a").await?;
    let (mut outcomes, said) =
        world.push(&image_id, vec![target.clone()], Pusher::Tenantry, &CancellationToken::new()).await;
    let pushed = outcomes.pop().expect("one outcome")?;
    assert_eq!((pushed.by, pushed.uploaded, pushed.there), (Some(PushedBy::Tenantry), 3, 0), "{said:?}");
    assert_eq!(world.registry.digest_of(&tenant("a")).await, Some(pushed.digest.clone()));
    // Every layer is named by its plain content, and its end is told.
    let diff_ids = world.project.engine.layers(&image_id).await?.ok_or("it is there")?.diff_ids;
    for diff_id in &diff_ids {
        let is_pushed = |one: &DeployProgress| {
            let DeployProgress::Push { layer } = one else { return false };
            diff_id.hex().starts_with(&layer.id) && layer.state == LayerState::Pushed
        };
        assert_eq!(said.iter().filter(|one| is_pushed(one)).count(), 1, "{diff_id} {said:?}");
    }
    let again = world.push_one(&image_id, target.clone(), Pusher::Automatic).await?;
    assert_eq!((again.by, again.digest), (None, pushed.digest));
    assert_eq!(world.uploads(), 3, "nothing was sent again");
    assert_eq!(world.pulled_id("a", &image_id).await?, image_id);
    assert_eq!(world.unfinished(), 0);
    Ok(())
}

async fn only_a_changed_layer_is_sent() -> Outcome {
    let world = World::new().await?;
    let (image_id, target) = world.build("a").await?;
    // The engine's own push first: what it left in the registry is known as well as what was pushed here.
    let first = world.push_one(&image_id, target, Pusher::Engine).await?;
    assert_eq!((first.by, first.uploaded), (Some(PushedBy::Engine), 3));
    for (pusher, by) in [(Pusher::Tenantry, PushedBy::Tenantry), (Pusher::Automatic, PushedBy::Engine)] {
        world.project.write("small", &noise(100));
        let (image_id, target) = world.build("a").await?;
        let before = world.uploads();
        let pushed = world.push_one(&image_id, target, pusher).await?;
        assert_eq!((pushed.by, pushed.uploaded, pushed.there), (Some(by), 1, 2));
        // The engine sends its configuration as it sends layers.
        let sent = if by == PushedBy::Tenantry { 1 } else { 2 };
        assert_eq!(world.uploads() - before, sent, "{by:?}");
        if by == PushedBy::Engine {
            assert_eq!(world.pulled_id("a", &image_id).await?, image_id);
        }
    }
    Ok(())
}

async fn a_token_refused_on_the_way_is_replaced_once() -> Outcome {
    for pusher in [Pusher::Tenantry, Pusher::Engine] {
        let world = World::new().await?;
        let (image_id, target) = world.build("a").await?;
        *world.faults.refuses_next.lock().unwrap() = true;
        let pushed = world.push_one(&image_id, target, pusher).await?;
        assert_eq!(world.given.load(Ordering::SeqCst), 1, "{pusher:?}");
        assert!(pusher == Pusher::Engine || world.unfinished() == 0, "what the old token began is given back");
        assert_eq!(world.registry.digest_of(&tenant("a")).await, Some(pushed.digest));
    }
    Ok(())
}

async fn a_registry_that_refuses_every_token_is_said_so() -> Outcome {
    let world = World::new().await?;
    let (image_id, mut target) = world.build("a").await?;
    target.token.token = Secret::new("s3cret");
    *world.faults.refuses_all.lock().unwrap() = true;
    for pusher in [Pusher::Tenantry, Pusher::Engine] {
        let problem = world.push_one(&image_id, target.clone(), pusher).await.expect_err("no token is good");
        assert_eq!(problem.title, "Registry refused the login.", "{problem:?}");
        assert!(problem.hint.is_some() && !problem.to_string().contains("s3cret"), "{problem:?}");
    }
    assert_eq!(world.given.load(Ordering::SeqCst), 2, "one new token each");
    assert_eq!(world.registry.digest_of(&tenant("a")).await, None);
    Ok(())
}

async fn a_busy_registry_is_asked_again() -> Outcome {
    let world = World::new().await?;
    let (image_id, target) = world.build("a").await?;
    world.faults.busy.store(1, Ordering::SeqCst);
    let pushed = world.push_one(&image_id, target, Pusher::Tenantry).await?;
    assert_eq!(world.registry.digest_of(&tenant("a")).await, Some(pushed.digest));
    assert_eq!(world.unfinished(), 0);
    Ok(())
}

async fn cancelling_leaves_no_upload() -> Outcome {
    for pusher in [Pusher::Tenantry, Pusher::Engine] {
        let world = World::new().await?;
        let (image_id, target) = world.build("a").await?;
        let cancel = CancellationToken::new();
        *world.faults.hangs.lock().unwrap() = Some(cancel.clone());
        let (outcomes, _) = world.push(&image_id, vec![target], pusher, &cancel).await;
        assert!(outcomes[0].is_err(), "{outcomes:?}");
        assert_eq!(world.registry.digest_of(&tenant("a")).await, None);
        if pusher == Pusher::Tenantry {
            while world.unfinished() > 0 {
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(())
}

async fn tenants_get_the_same_image_and_one_failure_stops_nobody() -> Outcome {
    let world = World::new().await?;
    let (image_id, a) = world.build("a").await?;
    let (_, b) = world.build("b").await?;
    let (_, mut c) = world.build("c").await?;
    // A tag that this token may not write.
    c.token.token = world.token("a");
    let targets = vec![a, c, b];
    let (outcomes, _) = world.push(&image_id, targets, Pusher::Tenantry, &CancellationToken::new()).await;
    let [Ok(a), Err(problem), Ok(b)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(a.digest, b.digest);
    assert!(problem.detail.as_ref().is_some_and(|detail| detail.contains("tenant-a")), "{problem:?}");
    assert_eq!(world.registry.digest_of(&tenant("c")).await, None);
    for id in ["a", "b"] {
        assert_eq!(world.pulled_id(id, &image_id).await?, image_id);
    }
    Ok(())
}

/// What one tenant pushed is the other's without a byte sent; a tenant of somebody else gets nothing so.
async fn a_second_tenant_takes_over_what_is_there() -> Outcome {
    for (world, is_one_account) in [(World::of_one_account().await?, true), (World::new().await?, false)] {
        let (image_id, a) = world.build("a").await?;
        let (_, b) = world.build("b").await?;
        let first = world.push_one(&image_id, a, Pusher::Tenantry).await?;
        let uploads = world.faults.uploads.load(Ordering::SeqCst);
        let second = world.push_one(&image_id, b, Pusher::Tenantry).await?;
        assert_eq!(second.digest, first.digest);
        assert_eq!(second.uploaded == 0, is_one_account, "{second:?}");
        assert_eq!(world.faults.uploads.load(Ordering::SeqCst) == uploads, is_one_account);
        assert_eq!(world.unfinished(), 0);
        assert_eq!(world.pulled_id("b", &image_id).await?, image_id);
    }
    Ok(())
}

pub fn trials() -> Vec<Trial> {
    vec![
        trial("own_push::a_second_tenant_takes_over_what_is_there", a_second_tenant_takes_over_what_is_there),
        trial("own_push::the_engine_pulls_what_was_pushed_here", the_engine_pulls_what_was_pushed_here),
        trial("own_push::only_a_changed_layer_is_sent", only_a_changed_layer_is_sent),
        trial("own_push::a_token_refused_on_the_way_is_replaced_once", a_token_refused_on_the_way_is_replaced_once),
        trial(
            "own_push::a_registry_that_refuses_every_token_is_said_so",
            a_registry_that_refuses_every_token_is_said_so,
        ),
        trial("own_push::a_busy_registry_is_asked_again", a_busy_registry_is_asked_again),
        trial("own_push::cancelling_leaves_no_upload", cancelling_leaves_no_upload),
        trial(
            "own_push::tenants_get_the_same_image_and_one_failure_stops_nobody",
            tenants_get_the_same_image_and_one_failure_stops_nobody,
        ),
    ]
}
