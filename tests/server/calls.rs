//! The calls of the client's operations against the real server: what a screen or a command asks for as plain data, and
//! what comes back.

use crate::support::{House, Person, within};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tenantry::api::{BaseUrl, Client};
use tenantry::model::{DomainStatus, MetricsRange, Problem, Remedy, Secret, Tenant, TenantId, TenantState};
use tenantry::ops::stored::Stored;
use tenantry::ops::{Call, Reply, Session, perform};
use tenantry::server::provider::fake::Fault;
use tenantry::workspace::{Project, StateDirectory};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        secrets_are_set_listed_and_removed,
        a_rotation_is_stored_in_the_profile,
        one_time_credentials_are_fetched_once,
        a_tenant_without_a_profile_has_its_credentials_kept,
        a_tenant_is_suspended_and_activated,
        a_tenant_is_renamed_scaled_and_restarted,
        what_failed_is_tried_again,
        a_domain_is_set_and_removed,
        a_subscription_is_shown_and_changed,
        what_a_machine_uses_and_starts_with,
        a_tenant_is_deleted_once,
        a_canceled_subscription_ends_the_tenant,
        access_from_outside_is_switched,
        a_stranger_is_told_whose_it_is,
    ]
}

/// A server, and somebody at a desk with a project folder.
struct Desk {
    house: House,
    folder: tempfile::TempDir,
    session: Session,
    tenant: TenantId,
}

impl Desk {
    /// With a tenant that waits for its first deploy, and a profile that names it.
    async fn waiting(house: House) -> Self {
        let tenant = house.mara.tenant().await;
        Self::of(house, &tenant)
    }

    /// With a tenant that runs.
    async fn running(house: House) -> Self {
        let tenant = house.mara.running("one").await;
        Self::of(house, &tenant)
    }

    fn of(house: House, tenant: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let session = session(&house.mara, &folder);
        let tenant = TenantId::new(tenant).expect("an id");
        let desk = Self { house, folder, session, tenant };
        desk.write("profile.yaml", &format!("cloud: {{tenant_id: {}}}\n", desk.tenant));
        desk
    }

    fn place(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(".systemprompt/profiles/prod").join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let place = self.place(name);
        std::fs::create_dir_all(place.parent().expect("a parent")).expect("a folder");
        std::fs::write(place, content).expect("written");
    }

    fn secrets(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.place("secrets.json")).expect("secrets")).expect("JSON")
    }

    fn id(&self) -> TenantId {
        self.tenant.clone()
    }

    async fn ask(&self, call: Call) -> Result<Reply, Problem> {
        let title = call.title();
        within(title, Box::pin(perform(&self.session, call))).await
    }

    async fn refused(&self, call: Call) -> Problem {
        self.ask(call).await.expect_err("a refusal")
    }

    async fn record(&self) -> Tenant {
        let Ok(Reply::Tenant(tenant)) = self.ask(Call::Tenant(self.id())).await else { panic!("no record") };
        *tenant
    }

    async fn until(&self, state: TenantState) {
        within(state.word(), async {
            loop {
                match self.ask(Call::Status(self.id())).await {
                    Ok(Reply::Status(status)) if status.state() == state => return,
                    Ok(Reply::Status(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
    }
}

fn session(person: &Person, folder: &tempfile::TempDir) -> Session {
    let base = BaseUrl::parse(&person.base).expect("a base");
    let client = Client::new(base, Secret::new(person.token.clone())).expect("a client");
    let state = StateDirectory::at(folder.path().join("state"));
    Session::new(client, Project { root: folder.path().to_owned() }, Some(state))
}

fn named(all: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    all.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
}

fn set(desk: &Desk, all: &[(&str, &str)], restart: bool) -> Call {
    Call::SetSecrets { id: desk.id(), secrets: named(all), restart }
}

async fn secrets_are_set_listed_and_removed() {
    let desk = Desk::running(House::start().await).await;
    let all = [("openai_api_key", "sk-hunter2"), ("MY_FLAG", "1"), ("DATABASE_URL", "postgres://mine")];
    let Ok(Reply::SecretsSet { set: sent, ignored, keys, restarted: false }) = desk.ask(set(&desk, &all, false)).await
    else {
        panic!("not set")
    };
    assert_eq!(sent, ["DATABASE_URL", "MY_FLAG", "OPENAI_API_KEY"]);
    assert_eq!(ignored, ["DATABASE_URL"]);
    assert_eq!(keys.as_deref(), Some(&["MY_FLAG".to_owned(), "OPENAI_API_KEY".to_owned()][..]));
    let Ok(Reply::Status(status)) = desk.ask(Call::Status(desk.id())).await else { panic!("no status") };
    assert!(status.restart_required);
    desk.ask(set(&desk, &[("MY_FLAG", "2")], true)).await.expect("set");
    within("a machine that has them", async {
        while !matches!(desk.ask(Call::Status(desk.id())).await, Ok(Reply::Status(status)) if !status.restart_required)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let Ok(Reply::Environment(environment)) = desk.ask(Call::Environment(desk.id())).await else { panic!("none") };
    let flag = environment.variables.iter().find(|variable| variable.key == "MY_FLAG").expect("it is there");
    assert_eq!((flag.value.as_str(), flag.secret, flag.managed), ("********", true, false));
    let unset = || Call::UnsetSecret { id: desk.id(), key: "my_flag".into() };
    assert_eq!(desk.ask(unset()).await, Ok(Reply::SecretUnset { key: "MY_FLAG".into(), already: false }));
    assert_eq!(desk.ask(unset()).await, Ok(Reply::SecretUnset { key: "MY_FLAG".into(), already: true }));
    assert_eq!(desk.ask(Call::Secrets(desk.id())).await, Ok(Reply::Secrets(vec!["OPENAI_API_KEY".into()])));
    let problem = desk.refused(Call::UnsetSecret { id: desk.id(), key: "PORT".into() }).await;
    assert_eq!(problem.title, "The platform sets this variable itself.");

    desk.write("secrets.json", r#"{"gemini": "g-hunter2", "own": "1"}"#);
    let Ok(Reply::SecretsSynced { summary, was_skipped: false }) = desk.ask(Call::SyncSecrets(desk.id())).await else {
        panic!("not sent")
    };
    assert_eq!(summary, "2 secrets, 4 platform variables");
    let Ok(Reply::Secrets(keys)) = desk.ask(Call::Secrets(desk.id())).await else { panic!("no list") };
    assert!(keys.contains(&"GEMINI_API_KEY".to_owned()) && keys.contains(&"OWN".to_owned()), "{keys:?}");
}

async fn a_rotation_is_stored_in_the_profile() {
    let desk = Desk::running(House::start().await).await;
    desk.write("secrets.json", r#"{"own": "1", "database_url": "postgres://me:mine@localhost/dev"}"#);
    let Ok(Reply::Rotated(first)) = desk.ask(Call::Rotate(desk.id())).await else { panic!("not rotated") };
    assert!(first.restarts && first.previous_at.is_none(), "{first:?}");
    assert!(matches!(&first.stored, Stored::Profile { name, .. } if name == "prod"), "{first:?}");
    assert_eq!(desk.secrets()["internal_database_url"], first.database_url.reveal());
    assert_eq!(desk.secrets()["database_url"], "postgres://me:mine@localhost/dev");
    assert_eq!((&desk.secrets()["own"], &first.external_database_url), (&json!("1"), &None));
    desk.until(TenantState::Running).await;

    desk.ask(Call::ExternalAccess { id: desk.id(), enabled: true }).await.expect("switched");
    let Ok(Reply::Rotated(second)) = desk.ask(Call::Rotate(desk.id())).await else { panic!("not rotated") };
    assert_ne!(first.database_url, second.database_url);
    let outside = second.external_database_url.as_ref().expect("it is open");
    assert_eq!(desk.secrets()["internal_database_url"], second.database_url.reveal());
    assert_eq!(desk.secrets()["database_url"], outside.reveal());
    assert!(second.previous_at.is_some());
}

async fn one_time_credentials_are_fetched_once() {
    let desk = Desk::waiting(House::start().await).await;
    let fetch = || Call::OneTimeCredentials(desk.id());
    let Ok(Reply::OneTimeCredentials(fetched)) = desk.ask(fetch()).await else { panic!("nothing") };
    let inside = fetched.credentials.inside().expect("an address");
    let secrets = desk.secrets();
    assert_eq!(secrets["internal_database_url"], inside.reveal());
    assert_eq!(secrets["jwt_secret"].as_str().map(str::len), Some(64));
    let problem = desk.refused(fetch()).await;
    assert_eq!(problem.title, "There are no credentials to fetch.");
    assert_eq!(problem.remedies, [Remedy::Rotate]);
    // A rotation arms them again.
    let Ok(Reply::Rotated(rotated)) = desk.ask(Call::Rotate(desk.id())).await else { panic!("not rotated") };
    assert!(!rotated.restarts && rotated.previous_at.is_some(), "{rotated:?}");
    let Ok(Reply::OneTimeCredentials(again)) = desk.ask(fetch()).await else { panic!("nothing") };
    assert_eq!(again.credentials.inside(), Some(&rotated.database_url));
}

async fn a_tenant_without_a_profile_has_its_credentials_kept() {
    let desk = Desk::waiting(House::start().await).await;
    desk.write("profile.yaml", "cloud: {tenant_id: another}\n");
    let Ok(Reply::OneTimeCredentials(fetched)) = desk.ask(Call::OneTimeCredentials(desk.id())).await else {
        panic!("nothing")
    };
    let Stored::Kept { path, why: None } = fetched.stored else { panic!("{fetched:?}") };
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    assert_eq!(kept["internal_database_url"].as_str(), fetched.credentials.inside().map(Secret::reveal));
    let problem = desk.refused(Call::OneTimeCredentials(desk.id())).await;
    assert!(problem.detail.is_some_and(|detail| detail.contains(&path)));
}

async fn a_tenant_is_suspended_and_activated() {
    let desk = Desk::running(House::start().await).await;
    for already in [false, true] {
        let Ok(Reply::Begun { begun, already: was }) = desk.ask(Call::Suspend(desk.id())).await else { panic!("no") };
        assert_eq!((begun.status.as_str(), was), ("suspended", already));
    }
    desk.until(TenantState::Suspended).await;
    let problem = desk.refused(Call::Restart(desk.id())).await;
    assert_eq!(problem.title, "Not possible in the tenant's present state.");
    for already in [false, true] {
        let Ok(Reply::Begun { begun, already: was }) = desk.ask(Call::Activate(desk.id())).await else { panic!("no") };
        assert_eq!((begun.status.as_str(), was), ("active", already));
    }
    desk.until(TenantState::Running).await;
}

async fn a_tenant_is_renamed_scaled_and_restarted() {
    let desk = Desk::running(House::start().await).await;
    let rename = |name: &str| Call::Rename { id: desk.id(), name: name.into() };
    let Ok(Reply::Tenant(tenant)) = desk.ask(rename(" orchard ")).await else { panic!("not renamed") };
    assert_eq!(tenant.name, "orchard");
    let other = Desk::of_other_name(&desk, "meadow").await;
    assert_eq!(desk.refused(rename(&other)).await.title, "Another tenant has this name.");
    assert_eq!(desk.refused(rename("")).await.title, "The server does not take these values.");

    let scale = |memory_mb| Call::ScaleMemory { id: desk.id(), memory_mb };
    let Ok(Reply::Tenant(tenant)) = desk.ask(scale(512)).await else { panic!("not scaled") };
    assert_eq!(tenant.memory_mb, Some(512));
    desk.until(TenantState::Running).await;
    for memory_mb in [2048, 300] {
        assert_eq!(desk.refused(scale(memory_mb)).await.title, "This memory is not offered.");
    }
    let Ok(Reply::Begun { begun, already: false }) = desk.ask(Call::Restart(desk.id())).await else { panic!("no") };
    assert_eq!(begun.status, "restarting");
    desk.until(TenantState::Running).await;
    let record = desk.record().await;
    assert_eq!((record.external_db_access, record.custom_domain), (Some(false), None));
    assert!(record.subscription_id.is_some_and(|id| id.starts_with("sub_")));
}

impl Desk {
    /// Buys another tenant and calls it so.
    async fn of_other_name(&self, name: &str) -> String {
        let id = TenantId::new(self.house.mara.tenant().await).expect("an id");
        self.ask(Call::Rename { id, name: name.into() }).await.expect("renamed");
        name.to_owned()
    }
}

async fn what_failed_is_tried_again() {
    let house = House::start().await;
    let desk = Desk::running(house).await;
    let problem = desk.refused(Call::RetryProvision(desk.id())).await;
    assert_eq!(problem.title, "Not possible in the tenant's present state.");
    let session = desk.house.mara.checkout().await;
    desk.house.provider.fail("create_volume", Fault::Before);
    desk.house.mara.pay(&session).await;
    let events = desk.house.mara.stream(&Person::session_events(&session), None).await.rest().await;
    let failed = crate::support::text(&events.last().expect("events").data["tenant_id"]);
    let id = TenantId::new(failed).expect("an id");
    let desk = Desk { tenant: id, ..desk };
    desk.until(TenantState::Failed).await;
    let problem = desk.refused(Call::Rotate(desk.id())).await;
    assert_eq!(problem.remedies, [Remedy::RetryProvision], "{problem}");
    let Ok(Reply::Begun { begun, .. }) = desk.ask(Call::RetryProvision(desk.id())).await else { panic!("no") };
    assert_eq!(begun.status, "provisioning");
    desk.until(TenantState::ToDeploy).await;
}

async fn a_domain_is_set_and_removed() {
    let desk = Desk::waiting(House::start().await).await;
    assert_eq!(desk.ask(Call::Domain(desk.id())).await, Ok(Reply::Domain(None)));
    let set = |domain: &str| Call::SetDomain { id: desk.id(), domain: domain.into() };
    let Ok(Reply::Domain(Some(domain))) = desk.ask(set("https://App.orchard.example/login")).await else {
        panic!("not set")
    };
    assert_eq!((domain.domain.as_str(), domain.leads_here()), ("app.orchard.example", false));
    assert!(matches!(domain.status, DomainStatus::PendingDns | DomainStatus::Error), "{domain:?}");
    let record = domain.dns_instructions.expect("a record");
    assert_eq!((record.record_type.as_str(), record.host.as_str(), record.ttl), ("CNAME", "app", 300));
    assert_eq!(desk.record().await.custom_domain.as_deref(), Some("app.orchard.example"));
    assert_eq!(desk.refused(set("other.orchard.example")).await.title, "The tenant has another domain.");
    assert_eq!(desk.refused(set("localhost")).await.title, "The server does not take these values.");
    for already in [false, true] {
        assert_eq!(desk.ask(Call::RemoveDomain(desk.id())).await, Ok(Reply::DomainRemoved { already }));
    }
}

async fn a_subscription_is_shown_and_changed() {
    let desk = Desk::waiting(House::start().await).await;
    let Ok(Reply::Subscription(before)) = desk.ask(Call::Subscription(desk.id())).await else { panic!("none") };
    assert_eq!((before.status.as_str(), before.cancel_at_period_end), ("active", false));
    assert_eq!(before.plan.as_ref().map(|plan| plan.name.as_str()), Some("Basic"));
    let change = |price: &str| Call::ChangePlan { id: desk.id(), price_id: price.into() };
    assert_eq!(desk.refused(change("pri_sbx_basic")).await.title, "The tenant has this plan already.");
    assert_eq!(desk.refused(change("pri_none")).await.title, "The plan is not offered.");
    let Ok(Reply::Checkout(checkout)) = desk.ask(change("pri_sbx_pro")).await else { panic!("no checkout") };
    let checkout = serde_json::to_value(checkout).expect("JSON");
    desk.house.mara.pay(&checkout).await;
    desk.house.mara.stream(&Person::session_events(&checkout), None).await.rest().await;
    let Ok(Reply::Subscription(after)) = desk.ask(Call::Subscription(desk.id())).await else { panic!("none") };
    assert_eq!(after.plan.map(|plan| plan.name), Some("Pro".into()));
}

async fn what_a_machine_uses_and_starts_with() {
    let house = House::start_with(|settings| settings.usage.interval = Duration::from_millis(50)).await;
    let desk = Desk::waiting(house).await;
    let history = |range| Call::MetricsHistory { id: desk.id(), range };
    let problem = desk.refused(Call::Metrics(desk.id())).await;
    assert_eq!(
        (problem.title.as_str(), &problem.remedies[..]),
        ("The tenant was never deployed.", &[Remedy::Deploy][..])
    );
    for range in MetricsRange::ALL {
        let Ok(Reply::MetricsHistory(curve)) = desk.ask(history(range)).await else { panic!("no curve") };
        assert!(curve.points.is_empty() && curve.interval_seconds > 0, "{curve:?}");
    }
    assert_eq!(desk.ask(Call::Deployments(desk.id())).await, Ok(Reply::Deployments(Vec::new())));
    let digest = desk.house.mara.push(desk.tenant.as_str(), "one").await;
    desk.house.mara.deploy(desk.tenant.as_str()).await.ok();
    let Ok(Reply::Metrics(now)) = desk.ask(Call::Metrics(desk.id())).await else { panic!("no metrics") };
    assert!(now.memory_limit_mb > 0 && now.volume_limit_mb > 0 && !now.sampled_at.is_empty(), "{now:?}");
    within("a point", async {
        while !matches!(desk.ask(history(MetricsRange::Hour)).await, Ok(Reply::MetricsHistory(curve)) if !curve.points.is_empty())
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let Ok(Reply::Deployments(deployments)) = desk.ask(Call::Deployments(desk.id())).await else { panic!("none") };
    assert_eq!((deployments.len(), deployments[0].status.as_str()), (1, "succeeded"));
    assert_eq!(deployments[0].digest, digest);
    let Ok(Reply::Environment(environment)) = desk.ask(Call::Environment(desk.id())).await else { panic!("none") };
    let port = environment.variables.iter().find(|variable| variable.key == "PORT").expect("a port");
    assert_eq!((port.value.as_str(), port.secret, port.managed), ("8080", false, true));
    let Ok(Reply::LocalHistory(local)) = desk.ask(Call::LocalHistory(desk.id())).await else { panic!("none") };
    assert_eq!(local.running.map(|digest| digest.to_string()), Some(digest));
}

async fn a_tenant_is_deleted_once() {
    let desk = Desk::running(House::start().await).await;
    for already in [false, true] {
        assert_eq!(desk.ask(Call::Delete { id: desk.id() }).await, Ok(Reply::Deleted { already }));
    }
    for gone in [Call::Status(desk.id()), Call::Domain(desk.id()), Call::UnsetSecret { id: desk.id(), key: "A".into() }]
    {
        assert_eq!(desk.refused(gone).await.title, "Tenant no longer exists on the server.");
    }
    let Ok(Reply::Tenants { tenants, rejected }) = desk.ask(Call::Tenants).await else { panic!("no list") };
    assert!(tenants.is_empty() && rejected.is_empty());
}

async fn a_canceled_subscription_ends_the_tenant() {
    let desk = Desk::running(House::start().await).await;
    let cancel = || Call::CancelSubscription(desk.id());
    assert_eq!(desk.ask(cancel()).await, Ok(Reply::SubscriptionCanceled));
    assert_eq!(desk.refused(cancel()).await.title, "Not possible in the tenant's present state.");
    assert!(desk.house.provider.world().machines.is_empty());
}

async fn access_from_outside_is_switched() {
    let desk = Desk::waiting(House::start().await).await;
    desk.ask(Call::OneTimeCredentials(desk.id())).await.expect("fetched");
    let switch = |enabled| Call::ExternalAccess { id: desk.id(), enabled };
    let Ok(Reply::ExternalAccess(open)) = desk.ask(switch(true)).await else { panic!("not switched") };
    let outside = open.database_url.expect("completed with the stored password");
    assert!(open.enabled && open.masked_url.contains('*') && !outside.reveal().contains('*'));
    assert_eq!(desk.secrets()["database_url"], outside.reveal());
    let Ok(Reply::ExternalAccess(closed)) = desk.ask(switch(false)).await else { panic!("not switched") };
    assert_eq!((closed.enabled, closed.database_url), (false, None));
    assert_eq!(desk.secrets()["database_url"], desk.secrets()["internal_database_url"]);
}

async fn a_stranger_is_told_whose_it_is() {
    let mut desk = Desk::running(House::start().await).await;
    let nils = desk.house.person(crate::support::NILS, 60).await;
    nils.tenant().await;
    desk.session = session(&nils, &desk.folder);
    let calls = [
        Call::Status(desk.id()),
        Call::Restart(desk.id()),
        Call::Delete { id: desk.id() },
        Call::Rotate(desk.id()),
        Call::OneTimeCredentials(desk.id()),
        Call::SetSecrets { id: desk.id(), secrets: named(&[("A", "1")]), restart: false },
        Call::SetDomain { id: desk.id(), domain: "a.orchard.example".into() },
        Call::CancelSubscription(desk.id()),
    ];
    for call in calls {
        let title = call.title();
        assert_eq!(desk.refused(call).await.title, "This tenant belongs to another account.", "{title}");
    }
    assert!(!desk.place("secrets.json").exists());
}
