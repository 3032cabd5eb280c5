//! A server with tenants to listen to.

use serde_json::{Value, json};

use crate::common::server::Server;
use crate::reads::Calls;

pub struct World {
    pub server: Server,
    pub token: String,
    pub tenants: Vec<String>,
    http: reqwest::Client,
}

impl World {
    /// Starts a server and buys tenants. No engine is asked: what phase 1 would make is only reserved.
    pub async fn open(tenants: usize, database: Option<&str>) -> Self {
        let mut environment = vec![("DOCKER_HOST", "unix:///nowhere/docker.sock")];
        environment.extend(database.map(|url| ("TENANTRY_DATABASE_URL", url)));
        let server = Server::start_with(&["--faults"], &environment);
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let token = server.token.reveal().to_owned();
        let mut world = Self { server, token, tenants: Vec::new(), http };
        for _ in 0..tenants {
            let tenant = world.buy().await;
            world.tenants.push(tenant);
        }
        world
    }

    pub fn address(&self) -> String {
        self.server.api_url.trim_start_matches("http://").to_owned()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.server.api_url);
        let answer = self.http.post(url).bearer_auth(&self.token).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path} {}", answer.status());
        answer.json().await.expect("JSON")
    }

    async fn buy(&self) -> String {
        let session = self.post("/api/v1/checkout", &json!({ "price_id": "pri_sbx_basic", "region": "fra" })).await;
        let url = session["checkout_url"].as_str().expect("an address");
        let page = self.http.get(url).send().await.expect("a page").text().await.expect("text");
        let nonce = page.split_once("name=\"nonce\" value=\"").expect("a form").1.split('"').next().expect("its end");
        let form = format!("nonce={nonce}&decision=pay");
        let paid = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        assert!(paid.send().await.expect("an answer").status().is_success());
        let session = session["checkout_session_id"].as_str().expect("an id");
        let events = format!("{}/api/v1/checkout/{session}/events", self.server.api_url);
        let events = self.http.get(events).bearer_auth(&self.token).send().await.expect("a stream");
        let events = events.text().await.expect("the whole stream");
        let last = events.lines().rfind(|line| line.starts_with("data: {\"")).expect("an event");
        let last: Value = serde_json::from_str(&last[6..]).expect("JSON");
        assert_eq!(last["event_type"], "infrastructure_ready");
        last["tenant_id"].as_str().expect("an id").to_owned()
    }

    /// Lets every tenant's stream talk.
    pub async fn talk(&self, per_second: u32, times: u32) {
        for tenant in &self.tenants {
            let wish = json!({ "fault": "chatter", "tenant": tenant, "per_second": per_second, "times": times });
            self.post("/_faults", &wish).await;
        }
    }

    /// What the reads read.
    pub fn reads(&self) -> Calls {
        let api = format!("{}/api/v1", self.server.api_url);
        let status = format!("{api}/tenants/{}/status", self.tenants[0]);
        let urls = vec![format!("{api}/auth/me"), format!("{api}/tenants"), status, format!("{api}/checkout/plans")];
        Calls { http: self.http.clone(), token: self.token.clone(), urls }
    }
}
