//! What machines use, and their logs from the place where a reader left them, over real HTTP.

use crate::store;
use crate::support::{House, MARA, text, within};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::time::Duration;
use tenantry::server::provider::Provider as _;
use tenantry::server::provider::fake::Fault;
use tenantry::server::store::usage::{self, UsageRow};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        usage_is_told_now_and_as_a_curve,
        a_provider_that_was_lost_is_measured_again,
        samples_become_five_minutes_and_old_ones_are_forgotten,
        a_log_goes_on_behind_the_last_line_that_was_seen,
    ]
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

async fn usage_is_told_now_and_as_a_curve() {
    let house = House::start_with(|settings| settings.usage.interval = Duration::from_millis(50)).await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let path = format!("/api/v1/tenants/{id}/metrics");
    mara.get(&path).await.refused(400, Some("no_machine"));
    let empty = json!({ "data": { "interval_seconds": 300, "points": [] } });
    assert_eq!(mara.get(&format!("{path}/history")).await.ok(), empty);
    for query in ["range=2h", "range=", "range=1h&from=2026-01-01T00:00:00Z", "to=2026-01-01T00:00:00Z", "from=soon"] {
        let refused = mara.get(&format!("{path}/history?{query}")).await.refused(422, None);
        assert_eq!(refused["error"]["code"], "validation_failed", "{query}");
    }
    let nils = house.person("nils@harbour.example", 60).await;
    nils.tenant().await;
    nils.get(&path).await.refused(403, Some("not_owner"));

    mara.push(&id, "one").await;
    mara.deploy(&id).await.ok();
    let now = mara.get(&path).await.ok()["data"].clone();
    let mut expected = vec![
        "cpu_percent",
        "memory_used_mb",
        "memory_limit_mb",
        "volume_used_mb",
        "volume_limit_mb",
        "network_rx_bytes",
        "network_tx_bytes",
        "uptime_seconds",
        "machine_state",
        "sampled_at",
    ];
    expected.sort_unstable();
    let mut found = keys(&now);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!([&now["memory_used_mb"], &now["memory_limit_mb"], &now["volume_used_mb"]], [100, 1024, 5]);
    assert_eq!((&now["machine_state"], now["volume_limit_mb"].as_i64()), (&json!("started"), Some(10 * 1024)));
    assert!(text(&now["sampled_at"]).parse::<jiff::Timestamp>().is_ok());

    let history = within("a point", async {
        loop {
            let history = mara.get(&format!("{path}/history?range=1h")).await.ok()["data"].clone();
            if history["points"].as_array().is_some_and(|points| !points.is_empty()) {
                break history;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(history["interval_seconds"], 60);
    let point = &history["points"][0];
    assert_eq!((&point["memory_used_mb"], &point["volume_used_mb"]), (&json!(100), &json!(5)));
    assert!(point.get("memory_limit_mb").is_none() && point.get("volume_limit_mb").is_none(), "{point}");
    let cpu = point["cpu_percent"].as_f64().expect("a number");
    assert!((10.0..=50.0).contains(&cpu), "{cpu}");

    // Stopped, and then gone by another hand.
    let machine = house.provider.world().machines.keys().next().expect("a machine").clone();
    mara.post(&format!("/api/v1/tenants/{id}/suspend"), Value::Null).await.ok();
    within("stopped", async {
        while mara.get(&path).await.ok()["data"]["machine_state"] != "stopped" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    house.provider.destroy_machine(&machine).await.expect("removed");
    within("destroyed", async {
        while mara.get(&path).await.ok()["data"]["machine_state"] != "destroyed" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn a_provider_that_was_lost_is_measured_again() {
    let house = House::start_with(|settings| settings.usage.interval = Duration::from_millis(20)).await;
    let id = house.mara.running("one").await;
    let path = format!("/api/v1/tenants/{id}/metrics");
    house.provider.fail("stats", Fault::Unavailable);
    house.provider.go_away();
    within("the provider is missed", async {
        while house.mara.get(&path).await.status != 503 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(house.mara.get(&format!("{path}/history")).await.status.is_success());
    let before = looks(&house);
    house.provider.come_back();
    within("looks go on", async {
        while looks(&house) < before + 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    house.mara.get(&path).await.ok();
    let (ended, _) = house.stop().await;
    ended.expect("a clean end");
}

fn looks(house: &House) -> usize {
    house.provider.world().calls.iter().filter(|call| call.starts_with("stats ")).count()
}

async fn samples_become_five_minutes_and_old_ones_are_forgotten() {
    // One look at the start, and no more.
    let house = House::start_with(|settings| {
        settings.usage.interval = Duration::from_hours(1);
        settings.ports = 3910..=3919;
    })
    .await;
    let id = house.mara.running("one").await;
    let now = jiff::Timestamp::now().as_second();
    // An hour ago: in no stretch of any width that the look at the start is in.
    let complete = (now - 3600).div_euclid(300) * 300;
    let sample = |at: i64, cpu: i64| UsageRow {
        tenant_id: id.clone(),
        at,
        cpu,
        memory_bytes: 64 * 1024 * 1024,
        volume_bytes: None,
        network_rx: at,
        network_tx: 1,
        uptime_seconds: 1,
        state: "started".into(),
    };
    let tables = store::open(&house.settings).await;
    let mut tx = tables.write().await.expect("a transaction");
    // More than one statement takes.
    let samples: Vec<_> =
        (0..150).map(|second| sample(complete + 2 * second, if second % 2 == 0 { 1000 } else { 2000 })).collect();
    let old = [sample(now - 3 * 3600, 1)];
    usage::insert(&mut tx, 0, &samples).await.expect("written");
    usage::insert(&mut tx, 0, &samples).await.expect("written again");
    usage::insert(&mut tx, 0, &old).await.expect("written");
    usage::insert(&mut tx, 300, &[sample(now - 9 * 24 * 3600, 1)]).await.expect("written");
    tx.commit().await.expect("committed");

    let house = house.restart().await;
    let rolled = within("rolled up", async {
        loop {
            let mut db = tables.read().await.expect("a connection");
            let rolled = usage::of_tenant(&mut db, &id, 300, 0, now).await.expect("rows");
            if rolled.first().is_some_and(|row| row.at == complete) {
                break rolled;
            }
            drop(db);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(rolled, [UsageRow { cpu: 1500, network_rx: complete + 298, ..sample(complete, 0) }]);
    let mut db = tables.read().await.expect("a connection");
    assert_eq!(usage::of_tenant(&mut db, &id, 0, 0, complete).await.expect("rows"), []);
    drop(db);
    tables.close().await;
    for (range, interval) in [("6h", 300), ("24h", 300), ("7d", 1800)] {
        let history = house.mara.get(&format!("/api/v1/tenants/{id}/metrics/history?range={range}")).await.ok();
        assert_eq!(history["data"]["interval_seconds"], interval);
        let points = history["data"]["points"].as_array().expect("a list");
        assert_eq!(points[0]["cpu_percent"], 15.0, "{range}: {points:?}");
        let begin = jiff::Timestamp::from_second(complete.div_euclid(interval) * interval).expect("a time");
        assert_eq!(text(&points[0]["sampled_at"]), begin.to_string());
        assert!(points[0].get("volume_used_mb").is_none(), "nobody measured it");
    }
    assert_eq!(house.mara.get("/api/v1/auth/me").await.ok()["user"]["email"], MARA);
}

async fn a_log_goes_on_behind_the_last_line_that_was_seen() {
    let house = House::start().await;
    let id = house.mara.running("one").await;
    let path = format!("/api/v1/tenants/{id}/logs?follow=true");
    let mut seen = Vec::new();
    // Two of the three lines were logged in the same moment.
    for expected in ["line 1", "line 2", "line 3"] {
        let last = seen.last().map(|frame: &crate::support::Frame| frame.id.clone().expect("an id"));
        let mut stream = house.mara.stream(&path, last.as_deref()).await;
        let frame = stream.next().await.expect("a line");
        assert_eq!((frame.event.as_str(), text(&frame.data["message"])), ("log", expected.to_owned()));
        seen.push(frame);
    }
    let last = seen[2].id.clone().expect("an id");
    let mut stream = house.mara.stream(&path, Some(&last)).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), stream.next()).await.is_err(), "nothing is new");
    // The log of the machine that comes after is new as a whole, whatever its times are.
    house.mara.push(&id, "two").await;
    house.mara.deploy(&id).await.ok();
    let mut stream = house.mara.stream(&format!("{path}&lines=1"), Some(&last)).await;
    assert_eq!(text(&stream.next().await.expect("a line").data["message"]), "line 1");
    // What is no id of a line is none.
    let mut stream = house.mara.stream(&format!("{path}&lines=1"), Some("7")).await;
    assert_eq!(text(&stream.next().await.expect("a line").data["message"]), "line 3");
}
