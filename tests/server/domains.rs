//! Custom domains, with a DNS server of the test's own.

use crate::door::Machine;
use crate::support::{House, NILS, Person, text, within};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;

pub fn trials() -> Vec<Trial> {
    on_both_stores![
        a_domain_is_checked_until_it_leads_here_and_then_leads_to_the_tenant,
        one_domain_has_one_tenant,
        names_that_nobody_can_have,
    ]
}

#[derive(Clone)]
enum Record {
    Cname(String),
    Address(Ipv4Addr),
}

/// Answers what it was told, and "there is no such name" to everything else.
#[derive(Clone)]
struct Dns {
    records: Arc<Mutex<HashMap<String, Record>>>,
    address: SocketAddr,
}

impl Dns {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
        let (records, address) =
            (Arc::<Mutex<HashMap<String, Record>>>::default(), socket.local_addr().expect("bound"));
        let known = Arc::clone(&records);
        tokio::spawn(async move {
            let mut packet = [0; 1500];
            while let Ok((length, peer)) = socket.recv_from(&mut packet).await {
                let answer = answer(&packet[..length], &known.lock().expect("nobody panicked"));
                let _ = socket.send_to(&answer, peer).await;
            }
        });
        Self { records, address }
    }

    fn set(&self, name: &str, record: Record) {
        self.records.lock().expect("nobody panicked").insert(name.to_owned(), record);
    }
}

/// One question in, one answer out (RFC 1035).
fn answer(question: &[u8], known: &HashMap<String, Record>) -> Vec<u8> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..=at + length]).to_ascii_lowercase());
        at += length + 1;
    }
    let end = at + 5;
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let record = known.get(&labels.join("."));
    let data = match record {
        Some(Record::Cname(target)) => {
            let mut data = Vec::new();
            for label in target.split('.') {
                data.push(u8::try_from(label.len()).expect("short"));
                data.extend(label.as_bytes());
            }
            data.push(0);
            Some((5u16, data))
        }
        Some(Record::Address(ip)) => (kind == 1).then(|| (1, ip.octets().to_vec())),
        None => None,
    };
    let (count, code) = (u8::from(data.is_some()), if record.is_some() { 0 } else { 3 });
    let mut out = question[..2].to_vec();
    out.extend([0x85, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    out.extend(&question[12..end]);
    if let Some((kind, data)) = data {
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        out.extend(data);
    }
    out
}

async fn house(dns: &Dns) -> House {
    let server = dns.address;
    House::start_with(move |settings| {
        settings.door.dns_server = Some(server);
        settings.door.domain_check = Duration::from_millis(20);
    })
    .await
}

fn path(id: &str) -> String {
    format!("/api/v1/tenants/{id}/custom-domain")
}

async fn until(person: &Person, id: &str, status: &str) -> Value {
    within(status, async {
        loop {
            let shown = person.get(&path(id)).await.ok()["data"].clone();
            if shown["status"] == status {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

async fn a_domain_is_checked_until_it_leads_here_and_then_leads_to_the_tenant() {
    let dns = Dns::start().await;
    let house = house(&dns).await;
    let mara = &house.mara;
    let machine = Machine::start("one").await;
    house.provider.next_at(machine.address);
    let id = mara.running("one").await;
    let short: String = id.replace('-', "").chars().take(12).collect();
    let refused = mara.get(&path(&id)).await.refused(404, Some("domain_missing"));
    assert_eq!(refused["error"]["code"], "not_found");
    mara.delete(&path(&id)).await.refused(404, Some("domain_missing"));

    let set = mara.post(&path(&id), json!({ "domain": "App.Orchard.Example." })).await.ok()["data"].clone();
    let target = format!("{short}.localhost");
    assert_eq!((text(&set["domain"]), text(&set["status"])), ("app.orchard.example".into(), "pending_dns".into()));
    assert_eq!((&set["verified"], text(&set["dns_target"])), (&json!(false), target.clone()));
    let wanted = json!({ "record_type": "CNAME", "host": "app", "value": target, "ttl": 300 });
    assert_eq!(set["dns_instructions"], wanted);
    assert!(set.get("verified_at").is_none());
    let again = mara.post(&path(&id), json!({ "domain": "app.orchard.example" })).await.ok()["data"].clone();
    assert_eq!((&again["created_at"], &again["dns_instructions"]), (&set["created_at"], &set["dns_instructions"]));
    let other = mara.post(&path(&id), json!({ "domain": "other.example" })).await.refused(409, Some("domain_set"));
    assert_eq!(other["error"]["code"], "conflict");

    let by_name = || async {
        let request = mara.http.get(&mara.base).header("host", "app.orchard.example");
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    assert_ne!(by_name().await.1, "one", "not before it is active");
    dns.set("app.orchard.example", Record::Cname("elsewhere.example".into()));
    let wrong = until(mara, &id, "error").await;
    assert!(text(&wrong["message"]).contains("elsewhere.example"), "{wrong}");
    assert_eq!(wrong["verified"], false);
    dns.set("app.orchard.example", Record::Cname(target.clone()));
    let active = until(mara, &id, "active").await;
    assert_eq!(active["verified"], true);
    assert!(active["verified_at"].is_string() && text(&active["message"]).contains("ingress"), "{active}");
    within("its door", async {
        while by_name().await != (200, "one".into()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let record = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    assert_eq!(record["custom_domain"], "app.orchard.example");

    // After a restart, too.
    let house = house.restart().await;
    let mara = &house.mara;
    let by_name = || async {
        let request = mara.http.get(&mara.base).header("host", "app.orchard.example");
        request.send().await.expect("an answer").text().await.expect("text")
    };
    assert_eq!(by_name().await, "one");
    assert_eq!(mara.delete(&path(&id)).await.status, 204);
    assert_ne!(by_name().await, "one");
    mara.get(&path(&id)).await.refused(404, Some("domain_missing"));

    // A bare domain.
    dns.set("orchard.example", Record::Address(Ipv4Addr::LOCALHOST));
    let set = mara.post(&path(&id), json!({ "domain": "orchard.example" })).await.ok()["data"].clone();
    let wanted = json!({ "record_type": "A", "host": "@", "value": "127.0.0.1", "ttl": 300 });
    assert_eq!(set["dns_instructions"], wanted);
    until(mara, &id, "active").await;
}

async fn one_domain_has_one_tenant() {
    let dns = Dns::start().await;
    let house = house(&dns).await;
    let (mara, nils) = (&house.mara, house.person(NILS, 600).await);
    let (first, second) = (mara.tenant().await, nils.tenant().await);
    let domain = json!({ "domain": "app.orchard.example" });
    mara.post(&path(&first), domain.clone()).await.ok();
    nils.post(&path(&first), domain.clone()).await.refused(403, Some("not_owner"));
    nils.get(&path(&first)).await.refused(403, Some("not_owner"));
    nils.delete(&path(&first)).await.refused(403, Some("not_owner"));
    let taken =
        nils.post(&path(&second), json!({ "domain": "APP.orchard.example" })).await.refused(409, Some("domain_taken"));
    assert_eq!(taken["error"]["code"], "conflict");
    // It goes with its tenant.
    assert_eq!(mara.delete(&format!("/api/v1/tenants/{first}")).await.status, 204);
    nils.post(&path(&second), domain).await.ok();
}

async fn names_that_nobody_can_have() {
    let dns = Dns::start().await;
    let house = house(&dns).await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    for domain in [
        "",
        "orchard",
        "127.0.0.1",
        "a.systemprompt.io",
        "x.localhost",
        "http://a.example",
        "a..example",
        "*.a.example",
    ] {
        let refused = mara.post(&path(&id), json!({ "domain": domain })).await.refused(422, None);
        assert_eq!(refused["error"]["code"], "validation_failed", "{domain}");
    }
    mara.post(&path(&id), json!({ "domain": 7 })).await.refused(400, None);
    mara.post(&path(&id), json!({})).await.refused(400, None);
    let set = mara.post(&path(&id), json!({ "domain": "Bücher.example" })).await.ok();
    assert_eq!(set["data"]["domain"], "xn--bcher-kva.example");
}
