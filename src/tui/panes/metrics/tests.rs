//! Pictures of the metrics pane, and what it asks for and when.

use std::time::Duration;

use crate::model::{Metrics, MetricsHistory, MetricsPoint, MetricsRange, Problem};
use crate::ops::call::{Call, Reply};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::Pane;
use crate::tui::testing::{Play, at, tenant, tenant_id, tenants};

fn at_each_size(name: &str, make: impl Fn(u16, u16) -> Play) {
    for (width, height) in [(80, 24), (120, 36), (200, 60)] {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), make(width, height).picture());
    }
}

fn now(second: i64) -> Metrics {
    serde_json::from_value(serde_json::json!({
        "cpu_percent": 7.4, "memory_used_mb": 381, "memory_limit_mb": 1024, "volume_used_mb": 9612,
        "volume_limit_mb": 10240, "network_rx_bytes": 9_120_331 + second * 1500, "network_tx_bytes": 48_810_212,
        "uptime_seconds": 86_512 + second, "machine_state": "started", "sampled_at": at(second),
    }))
    .unwrap()
}

/// A day and night in steps of five minutes, with a gap in the morning and a restart in the afternoon.
fn day() -> MetricsHistory {
    let (mut rx, mut tx, mut uptime) = (0, 0, 0);
    let mut points = Vec::new();
    for step in 0i64..288 {
        // Busy in the middle of the day, with a burst every three hours.
        let busy = 144 - (step - 144).abs();
        let burst = if step % 36 < 3 { 40 } else { 0 };
        if step == 200 {
            (rx, tx, uptime) = (0, 0, 0);
        }
        rx += (busy + burst) * 4000;
        tx += (busy + burst) * 15_000;
        uptime += 300;
        if (90..115).contains(&step) {
            continue;
        }
        points.push(MetricsPoint {
            sampled_at: at(step * 300 - 86_400),
            cpu_percent: (busy / 6 + burst) as f64 + 0.5,
            memory_used_mb: 200 + busy,
            volume_used_mb: Some(9000 + step * 2),
            network_rx_bytes: rx,
            network_tx_bytes: tx,
            requests_per_minute: None,
            uptime_seconds: uptime,
            machine_state: "started".to_owned(),
        });
    }
    MetricsHistory { interval_seconds: 300, points }
}

fn slot(topic: &'static str) -> Slot {
    Slot::Pane(Pane::Metrics, topic)
}

fn reply(play: &mut Play, topic: &'static str, reply: Reply) {
    play.answer(slot(topic), Answer::Reply(Ok(reply)));
}

fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('3')]);
    play
}

pub(in crate::tui) fn filled(width: u16, height: u16) -> Play {
    let mut play = opened(width, height);
    reply(&mut play, "now", Reply::Metrics(now(0)));
    reply(&mut play, "curve", Reply::MetricsHistory(day()));
    play.tick(15);
    reply(&mut play, "now", Reply::Metrics(now(15)));
    play
}

fn refused() -> Problem {
    Problem::new("The Management API is not reachable.")
        .detail("http://127.0.0.1:8765/api/v1/tenants: connection refused")
        .hint("Check the network and the address, then press R.")
}

fn calls(effects: &[Effect]) -> Vec<Call> {
    let call = |effect: &Effect| match effect {
        Effect::Start(_, Request::Call(call @ (Call::Metrics(_) | Call::MetricsHistory { .. }))) => Some(call.clone()),
        _ => None,
    };
    effects.iter().filter_map(call).collect()
}

#[test]
fn before_the_first_deploy() {
    at_each_size("empty", |width, height| {
        let mut play = Play::ready(width, height, vec![tenant(1, "orchard", "awaiting_deploy")]);
        play.keys(&[Key::Char('3')]);
        assert_eq!(calls(&play.effects), []);
        play
    });
}

#[test]
fn loading() {
    at_each_size("loading", opened);
}

#[test]
fn a_day() {
    at_each_size("filled", filled);
}

#[test]
fn an_error_in_place() {
    at_each_size("error", |width, height| {
        let mut play = opened(width, height);
        play.answer(slot("now"), Answer::Reply(Err(refused())));
        play.answer(slot("curve"), Answer::Reply(Err(refused())));
        play
    });
}

#[test]
fn read_only_looks_alike() {
    at_each_size("read_only", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        play
    });
}

#[test]
fn a_week_has_dates() {
    let mut play = opened(200, 60);
    reply(&mut play, "now", Reply::Metrics(now(0)));
    play.keys(&[Key::Char('+')]);
    let points = day().points.into_iter().step_by(6).enumerate().map(|(place, point)| {
        let place = i64::try_from(place).unwrap();
        MetricsPoint { sampled_at: at(place * 1800 - 80_000), ..point }
    });
    let history = MetricsHistory { interval_seconds: 1800, points: points.collect() };
    reply(&mut play, "curve", Reply::MetricsHistory(history));
    insta::assert_snapshot!("week_200x60", play.picture());
}

#[test]
fn it_asks_only_while_it_can_be_seen() {
    let mut play = Play::ready(120, 36, tenants());
    assert_eq!(calls(&play.take_effects()), []);
    play.keys(&[Key::Char('3')]);
    let curve = Call::MetricsHistory { id: tenant_id(1), range: MetricsRange::Day };
    assert_eq!(calls(&play.effects), [Call::Metrics(tenant_id(1)), curve.clone()]);
    reply(&mut play, "now", Reply::Metrics(now(0)));
    reply(&mut play, "curve", Reply::MetricsHistory(day()));
    play.take_effects();
    play.tick(14);
    assert_eq!(calls(&play.take_effects()), []);
    play.tick(15);
    assert_eq!(calls(&play.effects), [Call::Metrics(tenant_id(1))]);
    // A question that is not answered is not asked twice, and nobody is woken for it at once.
    play.take_effects();
    play.tick(31);
    assert_eq!(calls(&play.take_effects()), []);
    assert!(play.app.next_wake().is_none_or(|due| due > Duration::from_secs(31)));
    play.tick(60);
    assert_eq!(calls(&play.take_effects()), [curve]);
    play.keys(&[Key::Char('1')]);
    play.take_effects();
    play.tick(300);
    assert_eq!(calls(&play.take_effects()), []);
}

#[test]
fn another_range_is_another_question_and_its_curve_is_not_shown_before() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('-')]);
    assert_eq!(calls(&play.effects), [Call::MetricsHistory { id: tenant_id(1), range: MetricsRange::SixHours }]);
    assert!(!play.text().contains("peak"), "{}", play.text());
    play.keys(&[Key::Char('<'), Key::Char('<'), Key::Char('<')]);
    let last = calls(&play.effects).pop();
    assert_eq!(last, Some(Call::MetricsHistory { id: tenant_id(1), range: MetricsRange::Hour }));
    assert!(play.text().contains("- 1h 6h 24h 7d +"), "{}", play.text());
}

#[test]
fn a_late_answer_about_another_tenant_is_not_shown() {
    let mut play = opened(120, 36);
    let old: Vec<Ticket> = play
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Start(ticket, Request::Call(_)) => Some(ticket.clone()),
            _ => None,
        })
        .collect();
    play.keys(&[Key::Tab, Key::End]);
    play.tick(2);
    for ticket in old {
        let answer = if ticket.slot == slot("now") { Reply::Metrics(now(0)) } else { Reply::MetricsHistory(day()) };
        play.send(Msg::Answer(ticket, Answer::Reply(Ok(answer))));
    }
    assert!(play.text().contains("loading figures"), "{}", play.text());
    assert!(!play.text().contains("381 MB"));
}

#[test]
fn figures_that_were_there_stay_and_the_error_says_that_they_are_old() {
    let mut play = filled(120, 36);
    play.tick(30);
    play.answer(slot("now"), Answer::Reply(Err(refused())));
    let text = play.text();
    assert!(text.contains("Not up to date: The Management API") && text.contains("381 MB"), "{text}");
}

#[test]
fn every_size_can_be_drawn() {
    let mut play = filled(120, 36);
    for width in (60..=70).chain([99, 100, 120, 163, 164, 165, 300]) {
        for height in (16..=24).chain([29, 30, 31, 90]) {
            play.send(Msg::Resized { width, height });
            play.text();
        }
    }
}
