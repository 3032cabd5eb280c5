//! The program's own client against a server that wants exchanged tokens for tenants.

use crate::support::{House, within};
use libtest_mimic::Trial;
use std::collections::BTreeMap;
use tenantry::api::{BaseUrl, Client, FeedItem};
use tenantry::model::{Secret, TenantId, TenantState};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![a_client_works_where_tokens_must_be_exchanged, who_is_out_is_told_to_log_in]
}

fn client(house: &House, token: &str) -> Client {
    let base = BaseUrl::parse(&house.mara.base).expect("a base");
    Client::new(base, Secret::new(token)).expect("a client")
}

async fn a_client_works_where_tokens_must_be_exchanged() {
    let house = House::start().await;
    let id = TenantId::new(&house.mara.running("one").await).expect("an id");
    let mut settings = house.settings.clone();
    settings.login.require_exchange = true;
    let house = house.restart_as(settings).await;
    house.mara.get(&format!("/api/v1/tenants/{id}/status")).await.refused(401, None);
    let client = client(&house, &house.mara.token);
    assert_eq!(client.tenants().await.expect("tenants").tenants.len(), 1);
    assert_eq!(client.status(&id).await.expect("a status").state(), TenantState::Running);
    // What a deploy asks for, in its order.
    let registry = client.registry_token(&id).await.expect("a registry token");
    let secrets = BTreeMap::from([("MY_FLAG".to_owned(), Secret::new("hunter2"))]);
    client.put_secrets(&id, &secrets).await.expect("set");
    let deployed = client.deploy(&id, &registry.image().expect("an image")).await.expect("deployed");
    assert_eq!(deployed.status, "deployed");
    // Watching, on streams that want it and on those that do not.
    let mut logs = client.follow_logs(&id, 10);
    let mut events = client.tenant_events(&id, true);
    within("a log line", async { while !matches!(logs.next().await.expect("a log"), FeedItem::Item(_)) {} }).await;
    within("an event", async { while !matches!(events.next().await.expect("events"), FeedItem::Item(_)) {} }).await;
    // One secret after the other.
    let value = Secret::new("hunter3");
    assert_eq!(client.replace_secret(&id, "MY_FLAG", &value, false).await.expect("replaced").key, "MY_FLAG");
    assert!(client.replace_secret(&id, "OTHER", &value, false).await.expect_err("not there").is_not_found());
    assert_eq!(client.set_secret(&id, "OTHER", &value, false).await.expect("set").key, "OTHER");
    assert!(!client.secret(&id, "OTHER").await.expect("a secret").updated_at.is_empty());
    let from = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    assert_eq!(client.metrics_between(&id, from, None).await.expect("a curve").interval_seconds, 60);
    let refused = client.metrics_between(&id, from, Some(from - jiff::SignedDuration::from_secs(1))).await;
    assert_eq!(refused.expect_err("backwards").status(), Some(422));
    client.delete_secret(&id, "OTHER").await.expect("removed");
}

async fn who_is_out_is_told_to_log_in() {
    let house = House::start_with(|settings| settings.login.allow_domains = vec!["elsewhere.example".into()]).await;
    let eve = house.person("eve@elsewhere.example", 600).await;
    let id = TenantId::new(&eve.tenant().await).expect("an id");
    let mut settings = house.settings.clone();
    settings.login.require_exchange = true;
    let house = house.restart_as(settings).await;
    client(&house, &eve.token).status(&id).await.expect("a status");
    let mut settings = house.settings.clone();
    settings.login.allow_domains = vec!["orchard.example".into()];
    let house = house.restart_as(settings).await;
    let client = client(&house, &eve.token);
    for call in [client.status(&id).await.map(drop), client.tenants().await.map(drop)] {
        let error = call.expect_err("out");
        assert!(error.requires_login() && error.status() == Some(401), "{error}");
    }
}
