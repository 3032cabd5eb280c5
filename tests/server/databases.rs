//! Tenants' databases: made, rotated, opened to the outside and removed; with real ones on the run's Postgres, and with
//! simulated ones on both stores.

use crate::store::{self, Kind};
use crate::support::{House, MARA, NILS, Person, text, within};
use futures_util::future::join_all;
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tenantry::model::Secret;
use tenantry::server::Settings;
use tenantry::server::store::audit;

pub fn trials() -> Vec<Trial> {
    let mut trials = on_both_stores![
        credentials_rotate_without_a_database_too,
        a_rotation_is_refused_as_the_state_machine_says,
        access_from_outside_is_a_switch,
        one_time_credentials_have_one_reader_of_fifty,
    ];
    macro_rules! on_postgres {
        ($($test:ident),* $(,)?) => {
            [$(store::trial(Kind::Postgres, module_path!(), stringify!($test), $test)),*]
        };
    }
    // What needs a Postgres for the tenants.
    trials.extend(on_postgres![
        every_tenant_has_a_database_that_no_other_can_open,
        a_failed_phase_1_ends_with_one_database,
        a_rotated_password_ends_the_old_one_at_once,
        a_rotation_that_is_cut_off_ends_with_one_password,
        the_switch_for_access_from_outside_is_real,
        an_ordinary_administrator_is_enough_and_may_be_away,
        what_is_not_ours_is_never_touched,
        a_throw_away_server_takes_its_databases_along,
    ]);
    trials
}

fn at(id: &str, rest: &str) -> String {
    format!("/api/v1/tenants/{id}{rest}")
}

async fn admin_url() -> String {
    store::with_postgres(crate::postgres::Postgres::admin_url).await
}

async fn real() -> House {
    let url = admin_url().await;
    let ports = own_ports();
    House::start_with(move |settings| {
        settings.tenant_postgres = Some(Secret::new(url));
        settings.ports = ports;
    })
    .await
}

/// Ports that no other test takes while a server is being started again.
fn own_ports() -> RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(4000);
    let first = NEXT.fetch_add(5, Ordering::Relaxed);
    first..=first + 4
}

async fn sql(url: &str, statements: &str) {
    let mut db = PgConnection::connect(url).await.expect("connects");
    db.execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))).await.expect(statements);
    db.close().await.expect("closed");
}

async fn number(url: &str, query: &str) -> i64 {
    let mut db = PgConnection::connect(url).await.expect("connects");
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut db).await.expect(query)
}

/// Databases and roles of a tenant that are there.
async fn things(id: &str) -> i64 {
    let short = &id.replace('-', "")[..12];
    let query = format!(
        "SELECT (SELECT COUNT(*) FROM pg_database WHERE datname = 'site_{short}') + \
         (SELECT COUNT(*) FROM pg_roles WHERE rolname LIKE 'tenant_{short}%')"
    );
    number(&admin_url().await, &query).await
}

/// What the server said when it refused; none when it let somebody in.
async fn refusal(url: &str) -> Option<String> {
    match PgConnection::connect(url).await {
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

async fn link(person: &Person, id: &str) -> String {
    let status = person.get(&at(id, "/status")).await.ok();
    let link = text(&status["data"]["secrets_url"]);
    link.strip_prefix(&person.base).expect("on the server's own origin").to_owned()
}

async fn one_time(person: &Person, id: &str) -> Value {
    let link = link(person, id).await;
    person.get(&link).await.ok()
}

async fn rotate(person: &Person, id: &str) -> crate::support::Answer {
    person.call(Method::POST, &at(id, "/rotate-credentials"), None).await
}

async fn record(person: &Person, id: &str) -> Value {
    person.get(&at(id, "")).await.ok()["data"].clone()
}

async fn entry_of_me(person: &Person, id: &str) -> Value {
    let me = person.get("/api/v1/auth/me").await.ok();
    let tenants = me["tenants"].as_array().expect("a list");
    tenants.iter().find(|tenant| tenant["id"] == id).expect("the tenant").clone()
}

/// What the tenant's machine was started with.
async fn started_with(house: &House, id: &str) -> BTreeMap<String, String> {
    let machine = text(&record(&house.mara, id).await["fly_machine_id"]);
    house.provider.world().environments[&machine].iter().cloned().collect()
}

async fn actions(settings: &Settings, id: &str) -> Vec<String> {
    let store = store::open(settings).await;
    let actions = audit::actions(&mut store.read().await.expect("a reader"), id).await.expect("the audit");
    store.close().await;
    actions
}

/// As people outside would reach it; the tests' own server has no TLS.
fn plain(url: &Value) -> String {
    let url = text(url);
    assert!(url.ends_with("?sslmode=require"), "an address for the outside");
    url.replace("?sslmode=require", "?sslmode=disable")
}

async fn every_tenant_has_a_database_that_no_other_can_open() {
    let house = real().await;
    let mara = &house.mara;
    let nils = house.person(NILS, 3600).await;
    let (ours, theirs) = (mara.tenant().await, nils.tenant().await);
    let (our_url, their_url) =
        (text(&one_time(mara, &ours).await["database_url"]), text(&one_time(&nils, &theirs).await["database_url"]));
    // It is the tenant's own in every way that a program needs.
    sql(&our_url, "CREATE TABLE notes (word TEXT); INSERT INTO notes VALUES ('ours')").await;
    sql(&their_url, "CREATE TABLE notes (word TEXT); CREATE SCHEMA own; DROP SCHEMA own").await;
    assert_eq!(number(&our_url, "SELECT COUNT(*) FROM notes").await, 1);
    assert_eq!(number(&their_url, "SELECT COUNT(*) FROM notes").await, 0);
    let database = |url: &str| url.rsplit_once('/').expect("a name").1.split('?').next().expect("a name").to_owned();
    let crossed = our_url.replace(&database(&our_url), &database(&their_url));
    let refused = refusal(&crossed).await.expect("a stranger's database is closed");
    assert!(refused.contains("permission denied for database"), "{refused}");
    let limit = format!(
        "SELECT rolconnlimit::bigint FROM pg_roles WHERE rolname = '{}'",
        database(&our_url).replace("site", "tenant")
    );
    assert_eq!(number(&our_url, &limit).await, 20);
    let privileges = "SELECT COUNT(*) FROM pg_roles WHERE rolname = CURRENT_USER \
        AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)";
    assert_eq!(number(&our_url, privileges).await, 0);
    // It is said, and never with its password.
    let password = our_url.split([':', '@']).nth(2).expect("a password").to_owned();
    assert_eq!(password.len(), 32);
    let (full, entry) = (record(mara, &ours).await, entry_of_me(mara, &ours).await);
    let status = mara.get(&at(&ours, "/status")).await.ok();
    for said in [&full["database"], &entry["database"], &status["data"]["database"]] {
        assert_eq!(said, "postgres");
    }
    assert_eq!(text(&entry["database_url"]), our_url.replace(&password, "********"));
    assert!(!full.to_string().contains(&password));
    // The machine gets the same.
    mara.push(&ours, "one").await;
    mara.deploy(&ours).await.ok();
    assert_eq!(started_with(&house, &ours).await["DATABASE_URL"], our_url);
    // Removing one cuts its connections and leaves the other.
    let mut open = PgConnection::connect(&our_url).await.expect("connects");
    assert_eq!((things(&ours).await, things(&theirs).await), (3, 3));
    assert_eq!(mara.delete(&at(&ours, "")).await.status, 204);
    assert_eq!((things(&ours).await, things(&theirs).await), (0, 3));
    assert!(open.execute("SELECT 1").await.is_err(), "the connection is cut");
    assert_eq!(number(&their_url, "SELECT COUNT(*) FROM notes").await, 0);
    assert_eq!(nils.delete(&at(&theirs, "")).await.status, 204);
    assert_eq!(things(&theirs).await, 0);
}

async fn a_failed_phase_1_ends_with_one_database() {
    for step in ["database", "secrets_stored", "app_created", "certificate_added"] {
        let house = real().await;
        let mara = &house.mara;
        house.settings.faults.fail(step, 1);
        let session = mara.checkout().await;
        mara.pay(&session).await;
        let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
        let id = text(&events.last().expect("events").data["tenant_id"]);
        mara.wait_for_phase(&id, "failed_infra").await;
        mara.call(Method::POST, &at(&id, "/retry-provision"), None).await.ok();
        mara.wait_for_phase(&id, "awaiting_deploy").await;
        let url = text(&one_time(mara, &id).await["database_url"]);
        assert_eq!(number(&url, "SELECT 1::bigint").await, 1, "{step}");
        assert_eq!(things(&id).await, 3);
        assert_eq!(mara.delete(&at(&id, "")).await.status, 204);
        assert_eq!(things(&id).await, 0, "{step}");
    }
}

async fn a_rotated_password_ends_the_old_one_at_once() {
    let house = real().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let first_link = link(mara, &id).await;
    let old = text(&started_with(&house, &id).await["DATABASE_URL"].clone().into());
    sql(&old, "CREATE TABLE kept (word TEXT)").await;
    let mut open = PgConnection::connect(&old).await.expect("connects");
    let before = record(mara, &id).await;
    let rotated = rotate(mara, &id).await;
    assert_eq!(rotated.status, 200);
    let rotated = rotated.ok();
    assert_eq!(
        (&rotated["status"], &rotated["message"]),
        (&json!("rotated"), &json!("new password active; machine restarting"))
    );
    let new = text(&rotated["internal_database_url"]);
    assert_ne!(new, old);
    // No statement held the password.
    let password = new.split([':', '@']).nth(2).expect("a password");
    let statements = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'tenantry' AND query LIKE";
    let admin = admin_url().await;
    assert_eq!(number(&admin, &format!("{statements} '%{password}%'")).await, 0);
    assert!(number(&admin, &format!("{statements} '%'")).await > 0);
    assert!(open.execute("SELECT 1").await.is_err(), "who was connected is cut off");
    assert!(refusal(&old).await.expect("the old password").contains("password authentication failed"));
    assert_eq!(number(&new, "SELECT COUNT(*) FROM kept").await, 0);
    mara.wait_for_phase(&id, "running").await;
    let after = record(mara, &id).await;
    assert_ne!(after["fly_machine_id"], before["fly_machine_id"]);
    assert_eq!(after["image_digest"], before["image_digest"]);
    assert_eq!(started_with(&house, &id).await["DATABASE_URL"], new);
    // The old link is dead, the new one answers once.
    mara.get(&first_link).await.refused(404, Some("secrets_token_invalid"));
    let again = link(mara, &id).await;
    assert_eq!(mara.get(&again).await.ok()["database_url"], new.as_str());
    mara.get(&again).await.refused(404, Some("secrets_already_retrieved"));
    assert!(actions(&house.settings, &id).await.iter().any(|action| action == "rotate_credentials"));
    // The other verb, and no machine that runs: the same without a restart.
    mara.post(&at(&id, "/suspend"), Value::Null).await.ok();
    let patched = mara.call(Method::PATCH, &at(&id, "/rotate-credentials"), None).await.ok();
    assert_eq!(patched["message"], "new password active");
    assert_eq!(mara.phase(&id).await, "suspended");
    assert!(refusal(&new).await.is_some() && refusal(&text(&patched["internal_database_url"])).await.is_none());
    // Ten at once: each that is accepted makes a password, and the last of them is the one that works.
    let many = join_all((0..10).map(|_| rotate(mara, &id))).await;
    assert!(many.iter().all(|answer| [200, 409].contains(&answer.status.as_u16())));
    let urls: Vec<String> =
        many.iter().filter(|a| a.status == 200).map(|a| text(&a.body["internal_database_url"])).collect();
    let tried = join_all(urls.iter().map(|url| refusal(url))).await;
    assert_eq!(tried.iter().filter(|refused| refused.is_none()).count(), 1, "of {}", urls.len());
}

async fn a_rotation_that_is_cut_off_ends_with_one_password() {
    for point in ["rotation_before_password", "rotation_after_password"] {
        for runs in [false, true] {
            let house = real().await;
            let id = if runs { house.mara.running("one").await } else { house.mara.tenant().await };
            let old = text(&one_time(&house.mara, &id).await["database_url"]);
            house.settings.faults.fail(point, 1);
            let (mara, tenant) = (house.mara.clone(), id.clone());
            let asked = tokio::spawn(async move { rotate(&mara, &tenant).await });
            let changed = point == "rotation_after_password";
            wait_for_rotations(&house.settings, 1).await;
            within(point, async {
                while changed && refusal(&old).await.is_none() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
            .await;
            assert_eq!(refusal(&old).await.is_some(), changed);
            // Nothing else is begun meanwhile on what it holds.
            rotate(&house.mara, &id).await.refused(409, Some("operation_running"));
            let house = house.restart().await;
            drop(asked.await);
            wait_for_rotations(&house.settings, 0).await;
            let mara = &house.mara;
            let new = text(&one_time(mara, &id).await["database_url"]);
            assert!(refusal(&old).await.expect(point).contains("password authentication failed"));
            assert_eq!(refusal(&new).await, None, "{point}");
            if runs {
                assert_eq!(mara.phase(&id).await, "failed_deploy");
                mara.post(&at(&id, "/restart"), Value::Null).await.ok();
                mara.wait_for_phase(&id, "running").await;
            } else {
                mara.push(&id, "one").await;
                mara.deploy(&id).await.ok();
            }
            assert_eq!(started_with(&house, &id).await["DATABASE_URL"], new);
        }
    }
}

async fn wait_for_rotations(settings: &Settings, wanted: i64) {
    let store = store::open(settings).await;
    within("the rotations", async {
        loop {
            let mut db = store.read().await.expect("a reader");
            let count: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM rotations").fetch_one(&mut *db).await.expect("read");
            if count == wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    store.close().await;
}

async fn switch(person: &Person, method: Method, id: &str, on: bool) -> Value {
    let answer = person.call(method, &at(id, "/external-db-access"), Some(json!({ "enabled": on }))).await;
    answer.ok()["data"].clone()
}

async fn the_switch_for_access_from_outside_is_real() {
    let house = real().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let rotated = rotate(mara, &id).await.ok();
    let (inside, outside) = (text(&rotated["internal_database_url"]), plain(&rotated["external_database_url"]));
    let closed = refusal(&outside).await.expect("shut from the beginning");
    assert!(closed.contains("not permitted to log in"), "{closed}");
    let on = switch(mara, Method::PUT, &id, true).await;
    let password = outside.split([':', '@']).nth(2).expect("a password");
    assert_eq!(
        on,
        json!({ "tenant_id": id, "external_db_access": true,
        "database_url": text(&rotated["external_database_url"]).replace(password, "********") })
    );
    assert_eq!(record(mara, &id).await["external_db_access"], true);
    assert_eq!(entry_of_me(mara, &id).await["external_db_access"], true);
    // What is made from outside belongs to the tenant like everything else.
    sql(&outside, "CREATE TABLE made_outside (word TEXT)").await;
    sql(&inside, "ALTER TABLE made_outside ADD COLUMN more TEXT").await;
    assert_eq!(switch(mara, Method::POST, &id, true).await, on, "the same again");
    // A rotation keeps the switch as it is.
    let again = rotate(mara, &id).await.ok();
    let (inside, newer) = (text(&again["internal_database_url"]), plain(&again["external_database_url"]));
    assert!(refusal(&outside).await.is_some() && refusal(&newer).await.is_none());
    let mut open = PgConnection::connect(&newer).await.expect("connects");
    let off = switch(mara, Method::PUT, &id, false).await;
    assert_eq!(off["external_db_access"], false);
    assert!(open.execute("SELECT 1").await.is_err(), "who is inside from outside is cut off");
    assert!(refusal(&newer).await.is_some() && refusal(&inside).await.is_none());
    assert_eq!(record(mara, &id).await["external_db_access"], false);
    let written = actions(&house.settings, &id).await;
    let switched: Vec<&String> = written.iter().filter(|action| action.starts_with("external")).collect();
    assert_eq!(switched, ["external_db_access on", "external_db_access off"]);
    // Both at once: what the row says is what the role does.
    for _ in 0..5 {
        join_all([true, false, true, false].map(|on| switch(mara, Method::PUT, &id, on))).await;
        let open = record(mara, &id).await["external_db_access"] == true;
        assert_eq!(refusal(&newer).await.is_none(), open);
    }
}

async fn an_ordinary_administrator_is_enough_and_may_be_away() {
    let admin = admin_url().await;
    let name = "ordinary_administrator";
    sql(&admin, &format!("CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD 'only-for-tests'")).await;
    let url = admin.replace("tests:", &format!("{name}:"));
    let house = House::start_with(move |settings| settings.tenant_postgres = Some(Secret::new(url))).await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let old = text(&one_time(mara, &id).await["database_url"]);
    sql(&old, "CREATE TABLE kept (word TEXT)").await;
    let away = format!(
        "ALTER ROLE {name} NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'"
    );
    sql(&admin, &away).await;
    let refused = rotate(mara, &id).await.refused(503, None);
    assert!(!refused.to_string().contains("only-for-tests"), "{refused}");
    mara.wait_for_phase(&id, "running").await;
    assert_eq!(refusal(&old).await, None, "nothing was changed");
    let refused = mara.call(Method::PUT, &at(&id, "/external-db-access"), Some(json!({ "enabled": true }))).await;
    refused.refused(503, None);
    // A new tenant fails at its first step, and says why.
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
    let last = &events.last().expect("events").data;
    assert!(last.to_string().contains("database server"), "{last}");
    let second = text(&last["tenant_id"]);
    sql(&admin, &format!("ALTER ROLE {name} LOGIN")).await;
    mara.call(Method::POST, &at(&second, "/retry-provision"), None).await.ok();
    mara.wait_for_phase(&second, "awaiting_deploy").await;
    let rotated = rotate(mara, &id).await.ok();
    mara.wait_for_phase(&id, "running").await;
    assert!(refusal(&old).await.is_some());
    switch(mara, Method::PUT, &id, true).await;
    let mut open = PgConnection::connect(&plain(&rotated["external_database_url"])).await.expect("connects");
    switch(mara, Method::PUT, &id, false).await;
    assert!(open.execute("SELECT 1").await.is_err());
    for tenant in [&id, &second] {
        assert_eq!(mara.delete(&at(tenant, "")).await.status, 204);
        assert_eq!(things(tenant).await, 0);
    }
    drop(house.stop().await);
    sql(&admin, &format!("DROP ROLE {name}")).await;
}

async fn what_is_not_ours_is_never_touched() {
    let house = real().await;
    let mara = &house.mara;
    house.settings.faults.fail("database", 1);
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
    let id = text(&events.last().expect("events").data["tenant_id"]);
    let short = id.replace('-', "")[..12].to_owned();
    let admin = admin_url().await;
    sql(&admin, &format!("CREATE ROLE tenant_{short}")).await;
    sql(&admin, &format!("CREATE DATABASE site_{short}")).await;
    mara.wait_for_phase(&id, "failed_infra").await;
    mara.call(Method::POST, &at(&id, "/retry-provision"), None).await.ok();
    within("the failure", async {
        while !record(mara, &id).await["last_error"].to_string().contains("is not this tenant's") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    mara.wait_for_phase(&id, "failed_infra").await;
    assert_eq!(mara.delete(&at(&id, "")).await.status, 204);
    assert_eq!(things(&id).await, 2, "somebody else's role and database are still there");
    let store = store::open(&house.settings).await;
    let left: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM journal WHERE tenant_id = $1 AND step = 'database_removed' AND state = 'left'",
    )
    .bind(&id)
    .fetch_one(&mut *store.read().await.expect("a reader"))
    .await
    .expect("the journal");
    store.close().await;
    assert_eq!(left, 1);
    sql(&admin, &format!("DROP DATABASE site_{short}")).await;
    sql(&admin, &format!("DROP ROLE tenant_{short}")).await;
}

async fn a_throw_away_server_takes_its_databases_along() {
    let url = admin_url().await;
    let house = House::start_with(move |settings| {
        settings.tenant_postgres = Some(Secret::new(url));
        settings.throw_away = true;
    })
    .await;
    let ids = [house.mara.tenant().await, house.mara.tenant().await];
    assert_eq!(things(&ids[0]).await + things(&ids[1]).await, 6);
    house.stop().await.0.expect("nothing is left");
    assert_eq!(things(&ids[0]).await + things(&ids[1]).await, 0);
}

async fn credentials_rotate_without_a_database_too() {
    let house = House::start_with(|settings| settings.ports = own_ports()).await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    assert_eq!(record(mara, &id).await["database"], "simulated");
    let old = text(&one_time(mara, &id).await["database_url"]);
    mara.post(&at(&id, "/secrets"), json!({ "key": "OPENAI_API_KEY", "value": "sk-own" })).await.ok();
    let rotated = rotate(mara, &id).await.ok();
    let new = text(&rotated["internal_database_url"]);
    let parts = |url: &str| url.split([':', '@']).map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (parts(&old), parts(&new));
    assert_eq!((&before[1], &before[3]), (&after[1], &after[3]));
    assert!(before[2] != after[2] && after[2].len() == 32 && after[2].bytes().all(|b| b.is_ascii_alphanumeric()));
    let outside = new
        .replace("sp-postgres-sandbox.internal", "db-sandbox.systemprompt.io")
        .replace("sslmode=disable", "sslmode=require");
    assert_eq!(text(&rotated["external_database_url"]), outside, "what a client would make of the other one");
    mara.wait_for_phase(&id, "running").await;
    assert_eq!(started_with(&house, &id).await["DATABASE_URL"], new);
    let read = one_time(mara, &id).await;
    assert_eq!((&read["database_url"], &read["openai_api_key"]), (&json!(new), &json!("sk-own")));
    assert_eq!((&read["anthropic_api_key"], text(&read["jwt_secret"]).len()), (&Value::Null, 64));
    // Cut off in the middle, and finished by the next start.
    house.settings.faults.fail("rotation_before_password", 1);
    let (person, tenant) = (mara.clone(), id.clone());
    let asked = tokio::spawn(async move { rotate(&person, &tenant).await });
    wait_for_rotations(&house.settings, 1).await;
    let house = house.restart().await;
    drop(asked.await);
    wait_for_rotations(&house.settings, 0).await;
    let newest = text(&one_time(&house.mara, &id).await["database_url"]);
    assert_ne!(newest, new);
    house.mara.post(&at(&id, "/restart"), Value::Null).await.ok();
    house.mara.wait_for_phase(&id, "running").await;
    assert_eq!(started_with(&house, &id).await["DATABASE_URL"], newest);
}

async fn a_rotation_is_refused_as_the_state_machine_says() {
    let house = House::start().await;
    let mara = &house.mara;
    house.settings.faults.fail("app_created", 1);
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
    let failed = text(&events.last().expect("events").data["tenant_id"]);
    mara.wait_for_phase(&failed, "failed_infra").await;
    rotate(mara, &failed).await.refused(400, Some("not_provisioned"));
    let closed = mara.call(Method::PUT, &at(&failed, "/external-db-access"), Some(json!({ "enabled": true }))).await;
    closed.refused(400, Some("not_provisioned"));
    let id = mara.tenant().await;
    rotate(mara, &id).await.ok();
    assert_eq!(mara.phase(&id).await, "awaiting_deploy");
    mara.push(&id, "one").await;
    mara.deploy(&id).await.ok();
    house.provider.hold();
    rotate(mara, &id).await.ok();
    assert_eq!(mara.phase(&id).await, "restarting");
    rotate(mara, &id).await.refused(409, Some("operation_running"));
    mara.deploy(&id).await.refused(409, Some("operation_running"));
    house.provider.release();
    mara.wait_for_phase(&id, "running").await;
    let nils = house.person(NILS, 3600).await;
    nils.tenant().await;
    rotate(&nils, &id).await.refused(403, Some("not_owner"));
    let foreign = nils.call(Method::PUT, &at(&id, "/external-db-access"), Some(json!({ "enabled": true }))).await;
    foreign.refused(403, Some("not_owner"));
}

async fn access_from_outside_is_a_switch() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let short = id.replace('-', "")[..12].to_owned();
    assert_eq!(entry_of_me(mara, &id).await["external_db_access"], false);
    let on = switch(mara, Method::POST, &id, true).await;
    let url =
        format!("postgres://tenant_{short}:********@db-sandbox.systemprompt.io:5432/site_{short}?sslmode=require");
    assert_eq!(on, json!({ "tenant_id": id, "external_db_access": true, "database_url": url }));
    assert_eq!(switch(mara, Method::PUT, &id, true).await, on);
    assert_eq!(record(mara, &id).await["external_db_access"], true);
    assert_eq!(entry_of_me(mara, &id).await["external_db_access"], true);
    assert_eq!(switch(mara, Method::PUT, &id, false).await["external_db_access"], false);
    for body in [json!({}), json!({ "enabled": "yes" }), json!([true]), Value::Null] {
        mara.call(Method::PUT, &at(&id, "/external-db-access"), Some(body)).await.refused(400, None);
    }
}

async fn one_time_credentials_have_one_reader_of_fifty() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let path = link(mara, &id).await;
    let nils = house.person(NILS, 3600).await;
    let own = nils.tenant().await;
    nils.get(&path).await.refused(403, Some("not_owner"));
    // Another tenant's token is worth nothing at one's own tenant.
    let token = path.rsplit_once('/').expect("a token").1;
    nils.get(&at(&own, &format!("/credentials/{token}"))).await.refused(404, Some("secrets_token_invalid"));
    let again = house.person(MARA, 3600).await;
    let reads = join_all((0..50).map(|turn| if turn % 2 == 0 { mara.get(&path) } else { again.get(&path) })).await;
    assert_eq!(reads.iter().filter(|read| read.status == 200).count(), 1);
    for read in reads.into_iter().filter(|read| read.status != 200) {
        read.refused(404, Some("secrets_already_retrieved"));
    }
    assert!(mara.get(&at(&id, "/status")).await.ok()["data"].get("secrets_url").is_none());
}
