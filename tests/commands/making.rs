//! `tenantry tenant create` for one of the cloud, paid through the form of the page.

use crate::support::{Person, text, within};
use crate::world::{World, interrupt};
use serde_json::{Value, json};
use tenantry::api::Page;
use tenantry::server::provider::fake::Fault;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

/// The page that is named on standard error.
async fn page_of(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines();
    loop {
        let line = within("the page", lines.next_line()).await.expect("text").expect("it goes on");
        if let Some((_, url)) = line.split_once("here: ") {
            return url.trim().to_owned();
        }
    }
}

async fn pay(url: &str) {
    Page::get(url).await.expect("the page").submit("pay").await.expect("paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_bought_and_is_there_at_the_end() {
    let world = World::new().await;
    let create = ["tenant", "create", "--plan", "pri_sbx_basic", "--region", "fra", "--name", "shop", "--json"];
    let mut child = world.start(&create);
    pay(&page_of(&mut child).await).await;
    let document = world.end(child).await.done().json();
    let id = text(&document["tenant"]["id"]);
    assert_eq!((&document["state"], &document["tenant"]["region"]), (&json!("to deploy"), &json!("fra")));
    assert_eq!((world.name(&id).await, world.house.mara.phase(&id).await), ("shop".into(), "awaiting_deploy".into()));

    assert_eq!(world.record(&id).await["external_db_access"], json!(false), "nobody asked for it");
    let mut child = world.start(&["tenant", "create", "--plan", "pri_sbx_basic", "--events", "--external-access"]);
    pay(&page_of(&mut child).await).await;
    let events = world.end(child).await.done().objects();
    let kinds: Vec<_> = events.iter().filter_map(|event| event["event_type"].as_str()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"subscription_created"), Some(&"infrastructure_ready")));
    let id = text(&events.last().expect("an end")["tenant"]["id"]);
    assert_eq!(world.record(&id).await["external_db_access"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_waiting_the_page_is_all() {
    let world = World::new().await;
    let said = world.run(&["tenant", "create", "--plan", "pri_sbx_basic", "--no-wait", "--json"]).await.done().json();
    let session: Value = said.clone();
    assert_eq!(world.house.mara.get("/api/v1/tenants").await.ok()["data"].as_array().map(Vec::len), Some(0));
    world.house.mara.pay(&session).await;
    world.house.mara.stream(&Person::session_events(&session), None).await.rest().await;
    assert_eq!(world.house.mara.get("/api/v1/tenants").await.ok()["data"].as_array().map(Vec::len), Some(1));
}

/// Whoever paid is not told of a failure because a stream is lost: how it stands is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn without_any_stream_one_is_bought_all_the_same() {
    let world = World::with_faults().await;
    for path in ["/api/v1/checkout/*/events", "/api/v1/tenants/*/events"] {
        world.fault(json!({ "fault": "answer", "path": path, "status": 503, "times": 1000 })).await;
    }
    let mut child = world.start(&["tenant", "create", "--plan", "pri_sbx_basic", "--region", "fra", "--json"]);
    pay(&page_of(&mut child).await).await;
    let document = world.end(child).await.done().json();
    assert_eq!(document["state"], "to deploy");
    assert_eq!(world.house.mara.phase(&text(&document["tenant"]["id"])).await, "awaiting_deploy");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_with_what_to_do() {
    let world = World::new().await;
    world.run(&["tenant", "create", "--cloud"]).await.refused(2, "--plan");
    world.run(&["tenant", "create", "--plan", "gold"]).await.refused(1, "There is no plan gold.");
    world.run(&["tenant", "create", "--plan", "x", "--region", "moon"]).await.refused(2, "iad");
    world.run(&["tenant", "create", "--plan", "x", "--local"]).await.refused(2, "--local");
    world.run(&["tenant", "create"]).await.refused(2, "--plan");
    let told =
        world.run(&["tenant", "create", "--plan", "gold", "--events"]).await.refused(1, "There is no plan gold.");
    assert_eq!(told.objects()[0]["problem"]["title"], "There is no plan gold.");
    let limited = ["tenant", "create", "--plan", "pri_sbx_basic", "--wait-limit", "1", "--json"];
    let late = world.run(&limited).await.refused(1, "Nothing came within the limit.");
    assert!(late.json()["problem"]["hint"].as_str().is_some_and(|hint| hint.contains("http")), "{late:?}");

    world.house.provider.fail("create_volume", Fault::Before);
    let mut child = world.start(&["tenant", "create", "--plan", "pri_sbx_basic", "--json"]);
    pay(&page_of(&mut child).await).await;
    let failed = world.end(child).await.refused(1, "Provisioning failed.");
    assert!(failed.out.contains("tenantry tenant retry"), "{failed:?}");

    let mut child = world.start(&["tenant", "create", "--plan", "pri_sbx_basic", "--json"]);
    page_of(&mut child).await;
    interrupt(&child);
    world.end(child).await.refused(1, "Stopped.");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_kind_and_plan_are_asked_for() {
    let world = World::new().await;
    tokio::task::block_in_place(|| {
        let mut terminal = world.terminal(&["tenant", "create", "--no-browser"]);
        terminal.wait_for("What kind");
        terminal.type_keys("cloud\r");
        terminal.wait_for("Which plan");
        terminal.type_keys("basic\r");
        terminal.wait_for("Pay here");
        terminal.type_keys("\u{3}");
        assert_eq!(terminal.wait_for_whole_end(), 1);
        let mut nothing = world.terminal(&["tenant", "create"]);
        nothing.wait_for("What kind");
        nothing.type_keys("\r");
        assert_eq!(nothing.wait_for_whole_end(), 1);
    });
    assert_eq!(world.changes().await, ["POST /api/v1/checkout"]);
}
