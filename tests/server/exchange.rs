//! What a login token is good for, what it can be exchanged for, and when it is good for nothing.

use crate::login::activity;
use crate::support::{House, MARA, NILS, Person, text};
use libtest_mimic::Trial;
use serde_json::{Value, json};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        a_login_is_exchanged_for_a_short_token_that_opens_tenants_only,
        an_exchange_is_refused_in_the_form_of_oauth,
        exchanged_tokens_can_be_demanded,
        who_is_taken_off_the_list_is_out_at_once,
    ]
}

const EXCHANGE: &str = "/api/v1/core/oauth/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The parameters of a good exchange.
fn good(person: &Person) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", GRANT.into()),
        ("client_id", "sp_web".into()),
        ("subject_token", person.token.clone()),
        ("subject_token_type", ACCESS_TOKEN.into()),
        ("resource", person.base.clone()),
    ]
}

async fn exchange(person: &Person, fields: &[(&str, String)]) -> (u16, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let call = person.http.post(format!("{}{EXCHANGE}", person.base));
    let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = call.send().await.expect("an answer");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn exchanged(person: &Person) -> Person {
    let (status, answer) = exchange(person, &good(person)).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(300)), "{answer}");
    Person::new(person.base.clone(), text(&answer["access_token"]))
}

/// What stays with the login token (protocol A.2).
const WITH_LOGIN: [&str; 4] = ["/api/v1/auth/me", "/api/v1/tenants", "/api/v1/checkout/plans", "/api/v1/plans"];

async fn a_login_is_exchanged_for_a_short_token_that_opens_tenants_only() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    let short = exchanged(&house.mara).await;
    let tenant = format!("/api/v1/tenants/{id}");
    for person in [&house.mara, &short] {
        person.get(&tenant).await.ok();
        person.get(&format!("{tenant}/secrets")).await.ok();
        assert!(!person.stream(&format!("{tenant}/events"), None).await.rest().await.is_empty());
    }
    for path in WITH_LOGIN {
        short.get(path).await.refused(401, None);
        house.mara.get(path).await.ok();
    }
    short.post("/api/v1/checkout", json!({ "price_id": "pri_sbx_basic", "region": "fra" })).await.refused(401, None);
    // It cannot be prolonged.
    assert_eq!(exchange(&short, &good(&short)).await.0, 401);
    // A stranger's is a stranger's.
    let other = house.person(NILS, 600).await;
    other.tenant().await;
    let nils = exchanged(&other).await;
    nils.get(&tenant).await.refused(403, Some("not_owner"));
    // Nor does it outlast the login.
    let soon = house.person(MARA, 20).await;
    let answer = exchange(&soon, &good(&soon)).await.1;
    assert!((1..=20).contains(&answer["expires_in"].as_i64().expect("a number")), "{answer}");
    assert_eq!((&answer["token_type"], &answer["issued_token_type"]), (&json!("Bearer"), &json!(ACCESS_TOKEN)));
}

async fn an_exchange_is_refused_in_the_form_of_oauth() {
    let house = House::start().await;
    let mara = &house.mara;
    let late = house.person(MARA, -1).await;
    let change = |name: &'static str, value: Option<&str>| {
        let mut fields = good(mara);
        fields.retain(|(key, _)| *key != name);
        fields.extend(value.map(|value| (name, value.to_owned())));
        fields
    };
    let mut twice = good(mara);
    twice.push(("resource", mara.base.clone()));
    for (fields, status, error) in [
        (change("grant_type", None), 400, "invalid_request"),
        (change("grant_type", Some("password")), 400, "unsupported_grant_type"),
        (change("client_id", None), 400, "invalid_request"),
        (change("client_id", Some("")), 400, "invalid_request"),
        (change("subject_token", None), 400, "invalid_request"),
        (change("subject_token", Some("not.a.token")), 401, "invalid_request"),
        (change("subject_token", Some(&late.token)), 401, "invalid_request"),
        (change("subject_token_type", None), 400, "invalid_request"),
        (change("subject_token_type", Some("urn:ietf:params:oauth:token-type:id_token")), 400, "invalid_request"),
        (change("requested_token_type", Some("urn:ietf:params:oauth:token-type:saml2")), 400, "invalid_request"),
        (change("actor_token", Some(&mara.token)), 400, "invalid_request"),
        (change("resource", None), 400, "invalid_request"),
        (change("resource", Some("https://api.systemprompt.io")), 400, "invalid_target"),
        (change("audience", Some("another")), 400, "invalid_target"),
        (twice, 400, "invalid_request"),
    ] {
        let (answered, body) = exchange(mara, &fields).await;
        assert_eq!((answered, &body["error"]), (status, &json!(error)), "{fields:?} {body}");
        assert!(body["error_description"].is_string() && body.get("access_token").is_none());
    }
    let described = exchange(mara, &change("client_id", None)).await.1;
    assert_eq!(described["error_description"], "client_id is required");
    let as_json = mara.post(EXCHANGE, json!({ "grant_type": GRANT })).await;
    assert_eq!((as_json.status.as_u16(), &as_json.body["error"]), (400, &json!("invalid_request")));
    // Another name of this machine is this machine.
    let local = mara.base.replace("127.0.0.1", "localhost");
    assert_eq!(exchange(mara, &change("resource", Some(&format!("{local}/")))).await.0, 200);
}

async fn exchanged_tokens_can_be_demanded() {
    let house = House::start_with(|settings| settings.login.require_exchange = true).await;
    let mara = &house.mara;
    // Buying and watching need no exchange.
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
    let tenant = format!("/api/v1/tenants/{}", text(&events.last().expect("events").data["tenant_id"]));
    assert!(!mara.stream(&format!("{tenant}/events"), None).await.rest().await.is_empty());
    for path in WITH_LOGIN {
        mara.get(path).await.ok();
    }
    mara.post("/api/v1/activity", activity("cloud_login", MARA)).await.ok();
    let short = exchanged(mara).await;
    for path in ["", "/status", "/secrets", "/registry-token", "/deployments"] {
        mara.get(&format!("{tenant}{path}")).await.refused(401, None);
        short.get(&format!("{tenant}{path}")).await.ok();
    }
    mara.delete(&tenant).await.refused(401, None);
    // Also where it ends everything, and says so when it is asked again.
    let cancel = format!("{tenant}/subscription/cancel");
    mara.post(&cancel, Value::Null).await.refused(401, None);
    assert_eq!(short.post(&cancel, Value::Null).await.status, 200);
    short.post(&cancel, Value::Null).await.refused(409, None);
}

async fn who_is_taken_off_the_list_is_out_at_once() {
    let house = House::start_with(|settings| settings.login.allow_domains = vec!["elsewhere.example".into()]).await;
    let eve = house.person("eve@elsewhere.example", 600).await;
    eve.get("/api/v1/auth/me").await.ok();
    let mallory = house.person("mallory@nowhere.example", 600).await;
    mallory.get("/api/v1/auth/me").await.refused(401, None);
    assert_eq!(exchange(&mallory, &good(&mallory)).await.0, 401);
    let mut settings = house.settings.clone();
    let token = eve.token.clone();
    settings.login.allow_domains = vec!["orchard.example".into()];
    let house = house.restart_as(settings).await;
    let eve = Person::new(house.mara.base.clone(), token);
    eve.get("/api/v1/auth/me").await.refused(401, None);
    house.mara.get("/api/v1/auth/me").await.ok();
}
