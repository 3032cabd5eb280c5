//! Figures in Prometheus' text format. Labels are words of this program only, never ids, names or anything that callers
//! choose: their number is bounded.
//!
//! What is written down anyway (tenants, deploys, steps, webhooks) is counted in the store when somebody asks, so that
//! a restart loses nothing and nobody has to remember to count.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::time::Duration;

use crate::server::state::Server;
use crate::server::store::{Connection, StoreError, figures};

/// The text format that Prometheus and its relatives read.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long the store may take to count.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 25.0];
/// Methods that have a name of their own in the figures.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Kinds of webhook events that have a name of their own.
const WEBHOOKS: [&str; 8] = [
    "transaction.completed",
    "subscription.created",
    "subscription.updated",
    "subscription.activated",
    "subscription.resumed",
    "subscription.past_due",
    "subscription.paused",
    "subscription.canceled",
];

type Labels = Vec<(&'static str, String)>;

/// The figures of one server, since it started.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    latency: Family<Labels, Histogram>,
    refused: Family<Labels, Counter>,
    streams: Gauge,
    registry_in: Counter,
    registry_out: Counter,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("tenantry");
        let requests = Family::<Labels, Counter>::default();
        let latency = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let refused = Family::<Labels, Counter>::default();
        let (streams, registry_in, registry_out) = (Gauge::default(), Counter::default(), Counter::default());
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register("http_request_seconds", "Time until an answer begins", latency.clone());
        registry.register(
            "http_refused",
            "Requests that a limit refused, and those of a server that ends",
            refused.clone(),
        );
        registry.register("event_streams", "Event streams that are open", streams.clone());
        registry.register("registry_received_bytes", "Bytes of images that came in", registry_in.clone());
        registry.register("registry_sent_bytes", "Bytes of images that went out", registry_out.clone());
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", build);
        Self { registry, requests, latency, refused, streams, registry_in, registry_out }
    }

    pub(super) fn answered(&self, route: Option<&str>, method: &str, status: u16, took: Duration) {
        let route = route.unwrap_or("none").to_owned();
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other").to_owned();
        let labels = vec![("route", route.clone()), ("method", method), ("status", format!("{}xx", status / 100))];
        self.requests.get_or_create(&labels).inc();
        self.latency.get_or_create(&vec![("route", route)]).observe(took.as_secs_f64());
    }

    pub(super) fn refused(&self, why: &'static str) {
        self.refused.get_or_create(&vec![("why", why.to_owned())]).inc();
    }

    pub(super) fn open_streams(&self) -> i64 {
        self.streams.get()
    }

    pub(super) fn stream_opened(&self) {
        self.streams.inc();
    }

    pub(super) fn stream_closed(&self) {
        self.streams.dec();
    }

    pub(super) fn moved(&self, received: u64, sent: u64) {
        self.registry_in.inc_by(received);
        self.registry_out.inc_by(sent);
    }
}

/// Everything, as text.
pub(super) async fn text(server: &Server) -> Result<String, std::fmt::Error> {
    let counted = async { Counted::of(&mut *server.store.read().await?).await };
    let counted = match tokio::time::timeout(PATIENCE, counted).await {
        Ok(Ok(counted)) => Some(counted),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store cannot count");
            None
        }
        Err(_) => None,
    };
    let mut text = String::new();
    // Each ends with the mark of the end, which may stand there once.
    encode(&mut text, &server.operations.metrics.registry)?;
    text.truncate(text.trim_end_matches("# EOF\n").len());
    encode(&mut text, &in_store(counted))?;
    Ok(text)
}

#[derive(Default)]
struct Counted {
    tenants: Vec<(String, i64)>,
    deploys: Vec<(String, i64)>,
    steps: Vec<(String, String, i64)>,
    webhooks: Vec<(String, i64)>,
}

impl Counted {
    async fn of(db: &mut Connection) -> Result<Self, StoreError> {
        Ok(Self {
            tenants: figures::tenants(db).await?,
            deploys: figures::deploys(db).await?,
            steps: figures::steps(db).await?,
            webhooks: figures::webhooks(db).await?,
        })
    }
}

fn in_store(counted: Option<Counted>) -> Registry {
    let mut registry = Registry::with_prefix("tenantry");
    let up = Gauge::<i64>::default();
    up.set(counted.is_some().into());
    registry.register("store_up", "1 when the store answers", up);
    let counted = counted.unwrap_or_default();
    let mut family = |name: &str, help: &str, rows: Vec<(Labels, i64)>| {
        let family = Family::<Labels, Gauge>::default();
        for (labels, count) in rows {
            family.get_or_create(&labels).inc_by(count);
        }
        registry.register(name, help, family);
    };
    let by = |name: &'static str, rows: Vec<(String, i64)>| {
        rows.into_iter().map(|(word, count)| (vec![(name, word)], count)).collect::<Vec<_>>()
    };
    family("tenants", "Tenants by phase", by("phase", counted.tenants));
    family("deploys", "Deploys by outcome, since the store was made", by("status", counted.deploys));
    let steps = counted.steps.into_iter().map(|(step, state, count)| (vec![("step", step), ("state", state)], count));
    family("provisioning_steps", "Steps by outcome, since the store was made", steps.collect());
    let webhooks = counted.webhooks.into_iter().map(|(word, count)| {
        let known = WEBHOOKS.contains(&word.as_str());
        (if known { word } else { "other".into() }, count)
    });
    family(
        "webhook_events",
        "Webhook events that were taken, since the store was made",
        by("type", webhooks.collect()),
    );
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words_of_this_program() {
        let metrics = Metrics::new();
        metrics.answered(Some("/api/v1/tenants/{id}"), "GET", 404, Duration::from_millis(3));
        metrics.answered(None, "BREW", 404, Duration::from_millis(3));
        let mut text = String::new();
        encode(&mut text, &metrics.registry).expect("text");
        for line in [
            r#"tenantry_http_requests_total{route="/api/v1/tenants/{id}",method="GET",status="4xx"} 1"#,
            r#"tenantry_http_requests_total{route="none",method="other",status="4xx"} 1"#,
            r#"tenantry_http_request_seconds_bucket{le="0.005",route="none"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("BREW"));
    }

    #[test]
    fn what_the_store_counts_is_said_and_unknown_events_have_one_name() {
        let webhooks = vec![("transaction.completed".into(), 2), ("made.up".into(), 3), ("other.too".into(), 4)];
        let counted = Counted { tenants: vec![("running".into(), 5)], webhooks, ..Counted::default() };
        let mut text = String::new();
        encode(&mut text, &in_store(Some(counted))).expect("text");
        for line in [
            r#"tenantry_tenants{phase="running"} 5"#,
            r#"tenantry_webhook_events{type="other"} 7"#,
            "tenantry_store_up 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
