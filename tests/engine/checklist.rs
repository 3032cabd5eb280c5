//! Points 4, 5, 7 and 9 of the protocol's checklist L where machines are real containers. `tests/server` has the same,
//! and more, with machines in memory.

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListVolumesOptionsBuilder};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use libtest_mimic::{Failed, Trial};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tenantry::engine::REGISTRY_LABEL;
use tenantry::model::Secret;
use tenantry::ops::checkout;

use crate::common::server::Server;
use crate::sample::{Image, import, push};
use crate::support::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("checklist::the_whole_run_with_a_reconnect_after_every_event", whole_run),
        trial("checklist::a_failure_at_each_step_can_be_retried_and_every_phase_deleted", failures),
        trial("checklist::wrong_images_and_two_deploys_at_once", refusals),
    ]
}

const PHASE_ONE: [&str; 10] = [
    "subscription_created/payment",
    "tenant_created/tenant",
    "database_created/database",
    "secrets_stored/secrets_stored",
    "vm_provisioning_started/provisioning_started",
    "vm_provisioning_progress/app_created",
    "vm_provisioning_progress/volume_created",
    "vm_provisioning_progress/ip_allocated",
    "vm_provisioning_progress/certificate_added",
    "infrastructure_ready/",
];
const FIRST_DEPLOY: [&str; 4] = [
    "vm_provisioning_started/machine_create",
    "vm_provisioned/machine_started",
    "secrets_configured/secrets_configured",
    "tenant_ready/",
];
const UPDATE: [&str; 4] = [
    "vm_provisioning_progress/machine_update",
    "vm_provisioned/machine_started",
    "secrets_configured/secrets_configured",
    "tenant_ready/",
];
/// A wait that is longer means that what is waited for never comes.
const FOREVER: Duration = Duration::from_mins(3);

pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(FOREVER, work).await.unwrap_or_else(|_| panic!("{what} never came"))
}

/// A person at a server.
#[derive(Clone)]
pub struct Person {
    base: String,
    registry: String,
    token: Secret,
    http: reqwest::Client,
    pub docker: Docker,
}

/// One event: its id and its data.
pub type Event = (u64, Value);

/// `kind/step`.
fn words(events: &[Event]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events.iter().map(|(_, data)| format!("{}/{}", word(&data["event_type"]), word(&data["step"]))).collect()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}")).to_owned()
}

impl Person {
    async fn at(arguments: &'static [&'static str]) -> Result<(Server, Self), Failed> {
        Self::at_with(arguments, None).await
    }

    /// The same where the server finds its engine at `host`.
    pub async fn at_with(arguments: &'static [&'static str], host: Option<String>) -> Result<(Server, Self), Failed> {
        let start = move || {
            let host = host.as_deref().map(|host| ("DOCKER_HOST", host));
            Server::start_with(arguments, host.as_slice())
        };
        let server = tokio::task::spawn_blocking(start).await?;
        let person = Self {
            base: server.api_url.clone(),
            registry: server.registry.clone(),
            token: server.token.clone(),
            http: reqwest::Client::builder().no_proxy().build()?,
            docker: Docker::connect_with_defaults()?,
        };
        Ok((server, person))
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.token.reveal());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Reads events behind `last` up to one of the kinds of `until`; after each one the connection is cut, and the next
    /// one asks for what follows.
    async fn read(&self, path: &str, mut last: Option<u64>, until: &[&str]) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(self.token.reveal());
            let request = match last {
                Some(id) => request.header("last-event-id", id.to_string()),
                None => request,
            };
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{path}");
            let bytes = answer.bytes_stream().map(|part| part.map(|part| part.to_vec())).boxed();
            let Some((id, data)) = first(bytes).await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            last = Some(id);
            let is_last = until.contains(&data["event_type"].as_str().unwrap_or_default());
            events.push((id, data));
            if is_last {
                return events;
            }
        }
    }

    /// Buys a tenant; answers its id and what the checkout's stream said up to its last word.
    pub async fn buy(&self) -> Result<(String, Vec<Event>), Failed> {
        let wish = json!({ "price_id": "pri_sbx_basic", "region": "fra" });
        let (status, session) = self.call(Method::POST, "/api/v1/checkout", Some(wish)).await;
        assert!(status < 300, "{session}");
        let path = format!("/api/v1/checkout/{}/events", text(&session["checkout_session_id"]));
        let reader = self.clone();
        let reader =
            tokio::spawn(
                async move { reader.read(&path, None, &["infrastructure_ready", "provisioning_failed"]).await },
            );
        checkout::auto_pay(&text(&session["checkout_url"])).await.map_err(|problem| problem.title)?;
        let events = within("the end of phase 1", reader).await?;
        let id = text(&events.last().ok_or("events")?.1["tenant_id"]);
        Ok((id, events))
    }

    async fn image(&self, tenant: &str) -> String {
        let token = self.get(&format!("/api/v1/tenants/{tenant}/registry-token")).await["data"].clone();
        format!("{}/{}:{}", text(&token["registry"]), text(&token["repository"]), text(&token["tag"]))
    }

    /// Makes an image and pushes it; the engine has to pull it again.
    pub async fn push(&self, tenant: &str, image: &Image<'_>) -> Outcome {
        let token = self.get(&format!("/api/v1/tenants/{tenant}/registry-token")).await["data"]["token"].clone();
        import(&self.docker, &self.registry, &self.registry, tenant, image).await?;
        push(&self.docker, &self.registry, tenant, &Secret::new(text(&token))).await?;
        Ok(())
    }

    pub async fn deploy(&self, tenant: &str) -> (u16, Value) {
        let body = json!({ "image": self.image(tenant).await });
        self.call(Method::POST, &format!("/api/v1/tenants/{tenant}/deploy"), Some(body)).await
    }

    pub async fn phase(&self, tenant: &str) -> String {
        text(&self.get(&format!("/api/v1/tenants/{tenant}")).await["data"]["phase"])
    }

    pub async fn wait_for_phase(&self, tenant: &str, phase: &str) {
        within(phase, async {
            while self.phase(tenant).await != phase {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    pub async fn delete(&self, tenant: &str) {
        let path = format!("/api/v1/tenants/{tenant}");
        assert_eq!(self.call(Method::DELETE, &path, None).await.0, 204);
        within("the end of the tenant", async {
            while self.call(Method::GET, &path, None).await.0 != 404 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// Containers and volumes that this server has on the engine.
    async fn things(&self) -> Result<(usize, usize), Failed> {
        let label = HashMap::from([("label", vec![format!("{REGISTRY_LABEL}={}", self.registry)])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&label).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&label).build();
        let volumes = self.docker.list_volumes(Some(volumes)).await?.volumes.unwrap_or_default();
        Ok((self.docker.list_containers(Some(containers)).await?.len(), volumes.len()))
    }

    pub async fn wait_for_things(&self, expected: (usize, usize)) {
        within("the engine's state", async {
            while self.things().await.expect("lists") != expected {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}

/// The first event of a stream; `None` at its end.
async fn first(mut bytes: BoxStream<'static, Result<Vec<u8>, reqwest::Error>>) -> Option<Event> {
    let mut buffer = Vec::new();
    loop {
        while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = buffer.drain(..end + 2).collect();
            let frame = String::from_utf8(frame).expect("text");
            let field =
                |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
            if field("event") == Some("provisioning") {
                let id = field("id").expect("an id").parse().expect("a number");
                return Some((id, serde_json::from_str(field("data")?).expect("JSON")));
            }
        }
        buffer.extend(bytes.next().await?.ok()?);
    }
}

async fn whole_run() -> Outcome {
    let (server, person) = Person::at(&[]).await?;
    let (id, events) = person.buy().await?;
    assert_eq!(words(&events), PHASE_ONE);
    assert_eq!(events.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    let path = format!("/api/v1/tenants/{id}/events");
    let mirrored = person.read(&path, Some(0), &["infrastructure_ready"]).await;
    assert_eq!(words(&mirrored), PHASE_ONE[1..]);
    let mut last = mirrored.last().ok_or("events")?.0;

    for (page, expected) in [("one", FIRST_DEPLOY), ("two", UPDATE)] {
        person.push(&id, &Image { page, ..Image::default() }).await?;
        let (reader, path) = (person.clone(), format!("{path}?follow=true"));
        let reader =
            tokio::spawn(async move { reader.read(&path, Some(last), &["tenant_ready", "provisioning_failed"]).await });
        let (status, answer) = person.deploy(&id).await;
        assert!(status == 200 || status == 202, "{answer}");
        let events = within("the end of the deploy", reader).await?;
        assert_eq!(words(&events), expected);
        assert_eq!(events.iter().map(|(id, _)| *id).collect::<Vec<_>>(), (last + 1..=last + 4).collect::<Vec<_>>());
        last += 4;
        let url = text(&events[3].1["app_url"]);
        assert_eq!(tenantry::api::page::html(&url).await.map_err(|problem| format!("{problem:?}"))?, page);
    }
    // The machine before goes by itself.
    person.wait_for_things((1, 1)).await;
    let used = person.get(&format!("/api/v1/tenants/{id}/metrics")).await["data"].clone();
    assert_eq!((&used["machine_state"], &used["memory_limit_mb"]), (&json!("started"), &json!(1024)), "{used}");
    person.delete(&id).await;
    person.wait_for_things((0, 0)).await;
    drop(server);
    Ok(())
}

async fn failures() -> Outcome {
    let (server, person) = Person::at(&["--faults"]).await?;
    let faults = server.faults();
    let steps = ["database", "secrets_stored", "app_created", "volume_created", "ip_allocated", "certificate_added"];
    let mut kept = Vec::new();
    for step in steps {
        faults.arm(json!({ "step": step, "times": 2 })).await;
        let (id, events) = person.buy().await?;
        assert_eq!(words(&events).last(), Some(&format!("provisioning_failed/{step}")));
        let path = format!("/api/v1/tenants/{id}");
        // It fails once more, and then it works. Retries are told on the tenant's stream alone.
        let seen = person.read(&format!("{path}/events"), Some(0), &["provisioning_failed"]).await;
        let mut last = seen.last().ok_or("events")?.0;
        for end in [format!("provisioning_failed/{step}"), "infrastructure_ready/".to_owned()] {
            assert_eq!(person.phase(&id).await, "failed_infra");
            let (status, answer) = person.call(Method::POST, &format!("{path}/retry-provision"), None).await;
            assert_eq!((status, answer), (200, json!({ "status": "provisioning" })));
            let until = ["infrastructure_ready", "provisioning_failed"];
            let events = within("the retry", person.read(&format!("{path}/events"), Some(last), &until)).await;
            let told = words(&events);
            assert_eq!(told.first().map(String::as_str), Some("vm_provisioning_progress/cleanup"), "{told:?}");
            assert_eq!(told.last(), Some(&end), "{told:?}");
            last = events.last().ok_or("events")?.0;
        }
        kept.push((id, last));
    }
    assert_eq!(person.things().await?, (0, steps.len()), "a volume each");

    // The machine's step: an image whose program ends at once, then a good one; and the same for an update.
    let (id, last) = kept[0].clone();
    let path = format!("/api/v1/tenants/{id}/events");
    let bad = Image { command: r#"["health"]"#, ..Image::default() };
    let failed = |events: &[Event]| words(events).last().map(String::as_str) == Some("provisioning_failed/machine");
    person.push(&id, &bad).await?;
    let (status, answer) = person.deploy(&id).await;
    assert_eq!(status, 500, "{answer}");
    let events = person.read(&path, Some(last), &["provisioning_failed"]).await;
    assert!(failed(&events) && text(&events[1].1["message"]).contains("exit code 1"), "{events:?}");
    assert_eq!((person.phase(&id).await.as_str(), person.things().await?.0), ("failed_deploy", 0));
    person.push(&id, &Image { page: "good", ..Image::default() }).await?;
    let (status, answer) = person.deploy(&id).await;
    assert_eq!(status, 200, "{answer}");
    person.push(&id, &bad).await?;
    assert_eq!(person.deploy(&id).await.0, 500);
    assert_eq!((person.phase(&id).await.as_str(), person.things().await?.0), ("running", 1));
    let url = text(&person.get(&format!("/api/v1/tenants/{id}")).await["data"]["app_url"]);
    assert_eq!(tenantry::api::page::html(&url).await.map_err(|problem| format!("{problem:?}"))?, "good");

    // Delete from every phase. `kept[0]` is running; the others wait for their first deploy.
    let (suspended, busy, broken) = (&kept[1].0, &kept[2].0, &kept[3].0);
    assert_eq!(person.call(Method::POST, &format!("/api/v1/tenants/{suspended}/suspend"), None).await.0, 200);
    person.push(broken, &bad).await?;
    assert_eq!(person.deploy(broken).await.0, 500);
    faults.arm(json!({ "step": "volume_created", "times": 1 })).await;
    let (without, _) = person.buy().await?;
    let phases = [
        (&id, "running"),
        (suspended, "suspended"),
        (broken, "failed_deploy"),
        (&without, "failed_infra"),
        (&kept[4].0, "awaiting_deploy"),
    ];
    for (tenant, phase) in phases {
        assert_eq!(person.phase(tenant).await, phase);
        person.delete(tenant).await;
    }
    // While something is under way it is refused, and works afterwards.
    person.push(busy, &Image::default()).await?;
    let (worker, tenant) = (person.clone(), busy.clone());
    let deploy = tokio::spawn(async move { worker.deploy(&tenant).await });
    person.wait_for_phase(busy, "deploying").await;
    let (status, answer) = person.call(Method::DELETE, &format!("/api/v1/tenants/{busy}"), None).await;
    assert_eq!((status, &answer["error"]["details"]["reason"]), (409, &json!("operation_running")));
    assert_eq!(deploy.await?.0, 200);
    person.delete(busy).await;
    person.delete(&kept[5].0).await;
    person.wait_for_things((0, 0)).await;
    Ok(())
}

async fn refusals() -> Outcome {
    let (_server, person) = Person::at(&[]).await?;
    let (id, _) = person.buy().await?;
    person.push(&id, &Image::default()).await?;
    let image = person.image(&id).await;
    let (name, tag) = image.rsplit_once(':').ok_or("a tag")?;
    let (host, _) = name.split_once('/').ok_or("a host")?;
    let path = format!("/api/v1/tenants/{id}/deploy");
    for wrong in [
        String::new(),
        format!("{image} "),
        format!("{image}@sha256:{}", "a".repeat(64)),
        format!("{name}:{}", tag.to_uppercase()),
        format!("{name}:latest"),
        format!("{name}:tenant-3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15"),
        format!("{host}/another:{tag}"),
        format!("registry.example/systemprompt-images:{tag}"),
    ] {
        let (status, answer) = person.call(Method::POST, &path, Some(json!({ "image": wrong }))).await;
        let details = &answer["error"]["details"];
        assert_eq!((status, &details["reason"]), (400, &json!("invalid_image")), "{wrong:?}");
        assert_eq!(details["expected"], image.as_str());
    }
    assert_eq!(person.things().await?, (0, 1));

    let (one, two) = tokio::join!(person.deploy(&id), person.deploy(&id));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one:?} {two:?}");
    let refused = if one.0 == 409 { one.1 } else { two.1 };
    assert_eq!(refused["error"]["details"]["reason"], "operation_running");
    assert_eq!(person.phase(&id).await, "running");
    assert_eq!(person.things().await?, (1, 1));
    Ok(())
}
