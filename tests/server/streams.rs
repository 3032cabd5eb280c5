//! Event streams that are cut, and come back: at every event, at every byte, over an end of the server, and at the end
//! of a login.

use crate::support::{Frame, House, Person, read_frame, text, within, words};
use futures_util::StreamExt as _;
use futures_util::stream;
use libtest_mimic::Trial;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        a_tenants_stream_that_is_cut_after_every_event_loses_none_and_repeats_none,
        a_stream_that_is_cut_at_any_byte_loses_no_event_and_repeats_none,
        a_stream_goes_on_after_the_servers_end_where_it_was,
        many_listeners_of_one_stream_hear_the_same,
        a_stream_begins_with_retry_and_says_it_once,
        the_last_event_id_may_come_in_the_query,
        a_stream_ends_with_the_login_behind_it,
        a_stream_ends_with_the_server,
    ]
}

fn events_of(tenant: &str) -> String {
    format!("/api/v1/tenants/{tenant}/events")
}

fn ids(frames: &[Frame]) -> Vec<u32> {
    frames.iter().map(|frame| frame.id.as_deref().expect("an id").parse().expect("a number")).collect()
}

/// The bytes of an answer's body as they come, without the sizes of its pieces, up to `most` bytes off the wire; then
/// the connection is gone.
async fn raw(person: &Person, path: &str, last_event_id: Option<u32>, most: usize) -> Vec<u8> {
    let address = person.base.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let last = last_event_id.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {}\r\n{last}\r\n",
        person.token
    );
    socket.write_all(head.as_bytes()).await.expect("asked");
    let mut wire = Vec::new();
    (&mut socket).take(most as u64).read_to_end(&mut wire).await.expect("bytes");
    let Some(end) = wire.windows(4).position(|four| four == b"\r\n\r\n") else { return Vec::new() };
    let (mut rest, mut body) = (&wire[end + 4..], Vec::new());
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..line]).expect("digits");
        let size = usize::from_str_radix(size, 16).expect("a size");
        let piece = &rest[line + 2..];
        body.extend_from_slice(&piece[..size.min(piece.len())]);
        rest = piece.get(size + 2..).unwrap_or_default();
    }
    body
}

/// The frames with data that came whole.
fn whole_frames(body: &[u8]) -> Vec<Frame> {
    let text = String::from_utf8_lossy(body);
    let end = text.rfind("\n\n").map_or(0, |end| end + 2);
    text[..end].split_inclusive("\n\n").filter_map(read_frame).collect()
}

async fn a_tenants_stream_that_is_cut_after_every_event_loses_none_and_repeats_none() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    mara.push(&id, "two").await;
    mara.deploy(&id).await.ok();
    let whole = mara.stream(&events_of(&id), Some("0")).await.rest().await;
    assert_eq!(ids(&whole), (1..=17).collect::<Vec<_>>());
    let mut seen: Vec<Frame> = Vec::new();
    while seen.len() < whole.len() {
        let last = seen.last().map_or(Some("0".into()), |frame| frame.id.clone());
        seen.push(mara.stream(&events_of(&id), last.as_deref()).await.next().await.expect("the next event"));
    }
    assert_eq!(seen, whole);
}

async fn a_stream_that_is_cut_at_any_byte_loses_no_event_and_repeats_none() {
    let house = House::start().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    let checkout = Person::session_events(&session);
    mara.pay(&session).await;
    let whole = mara.stream(&checkout, None).await.rest().await;
    let id = text(&whole[9].data["tenant_id"]);
    let tenants = mara.stream(&events_of(&id), None).await.rest().await;
    for (path, whole, step) in [(checkout, whole, 1), (events_of(&id), tenants, 7)] {
        let (path, whole) = (path.as_str(), &whole);
        let all = raw(mara, path, None, usize::MAX).await;
        assert_eq!(&whole_frames(&all), whole);
        // What is told to who comes back, by the last number that it had.
        let mut rests = Vec::new();
        for last in 0..=u32::try_from(whole.len()).expect("few") {
            rests.push(whole_frames(&raw(mara, path, Some(last), usize::MAX).await));
        }
        let rests = &rests;
        // The head and the sizes of the pieces are on the wire too.
        let most = all.len() + 400 + 10 * whole.len();
        stream::iter((0..most).step_by(step))
            .for_each_concurrent(16, |bytes| async move {
                let mut seen = whole_frames(&raw(mara, path, None, bytes).await);
                let last = ids(&seen).last().copied().unwrap_or_default();
                seen.extend_from_slice(&rests[last as usize]);
                assert_eq!(&seen, whole, "cut after {bytes} bytes");
            })
            .await;
    }
}

async fn a_stream_goes_on_after_the_servers_end_where_it_was() {
    let house = House::start_with(|settings| settings.ports = 3860..=3869).await;
    let id = house.mara.tenant().await;
    house.mara.push(&id, "one").await;
    house.provider.hold();
    let mut live = house.mara.stream(&format!("{}?follow=true", events_of(&id)), Some("9")).await;
    let (mara, tenant) = (house.mara.clone(), id.clone());
    let image = mara.image(&tenant).await;
    let deploy = tokio::spawn(async move {
        let call = mara.request(reqwest::Method::POST, &format!("/api/v1/tenants/{tenant}/deploy"));
        let _ = call.json(&serde_json::json!({ "image": image })).send().await;
    });
    let mut seen = vec![live.next().await.expect("the deploy begins")];
    let house = house.restart().await;
    house.provider.release();
    deploy.await.expect("no panic");
    assert!(live.next().await.is_none(), "a stream ends with the server");
    // What was cut off is told where it was left, and then what comes new.
    let mut live = house.mara.stream(&format!("{}?follow=true", events_of(&id)), seen[0].id.as_deref()).await;
    seen.push(live.next().await.expect("the end of the deploy that was cut off"));
    house.mara.deploy(&id).await.ok();
    while seen.last().is_none_or(|frame| frame.data["event_type"] != "tenant_ready") {
        seen.push(live.next().await.expect("an event"));
    }
    assert_eq!(ids(&seen), (10..=15).collect::<Vec<_>>());
    assert_eq!(words(&seen)[..2], ["vm_provisioning_started/machine_create", "provisioning_failed/machine"]);
}

async fn many_listeners_of_one_stream_hear_the_same() {
    let house = House::start_with(|settings| settings.serve_faults = true).await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let path = format!("{}?follow=true", events_of(&id));
    let mut listeners = Vec::new();
    for _ in 0..40 {
        let mut frames = mara.stream(&path, None).await;
        assert_eq!(frames.next().await.expect("the snapshot").data["snapshot"], true);
        listeners.push(frames);
    }
    let wish = serde_json::json!({ "fault": "chatter", "tenant": id, "per_second": 500, "times": 300 });
    assert_eq!(mara.post("/_faults", wish).await.status, 201);
    let heard = stream::iter(listeners).map(|mut frames| async move {
        let mut heard = Vec::new();
        while heard.len() < 300 {
            heard.push(frames.next().await.expect("an event"));
        }
        (ids(&heard), frames)
    });
    let heard: Vec<_> = heard.buffer_unordered(40).collect().await;
    let first = heard[0].0[0];
    assert!(heard.iter().all(|(ids, _)| *ids == (first..first + 300).collect::<Vec<_>>()));
    // All of them hear that it is gone.
    assert_eq!(mara.delete(&format!("/api/v1/tenants/{id}")).await.status, 204);
    for (_, frames) in heard {
        within("the end of the stream", frames.rest()).await;
    }
}

async fn a_stream_begins_with_retry_and_says_it_once() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    let body = String::from_utf8(raw(&house.mara, &events_of(&id), None, usize::MAX).await).expect("text");
    assert!(body.starts_with("retry: 2000\nid: 1\nevent: provisioning\ndata: {\""), "{body}");
    assert_eq!(body.matches("retry").count(), 1);
    let answer = house.mara.request(reqwest::Method::GET, &events_of(&id)).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["cache-control"], "no-cache");
}

async fn the_last_event_id_may_come_in_the_query() {
    let house = House::start().await;
    let session = house.mara.checkout().await;
    house.mara.pay(&session).await;
    let path = Person::session_events(&session);
    let whole = house.mara.stream(&path, None).await.rest().await;
    let id = text(&whole[9].data["tenant_id"]);
    assert_eq!(ids(&house.mara.stream(&format!("{path}?last_event_id=8"), None).await.rest().await), [9, 10]);
    let tenants = format!("{}?last_event_id=7", events_of(&id));
    assert_eq!(ids(&house.mara.stream(&tenants, None).await.rest().await), [8, 9]);
    // The header is the one that a reconnecting reader keeps up to date.
    assert_eq!(ids(&house.mara.stream(&tenants, Some("8")).await.rest().await), [9]);
}

async fn a_stream_ends_with_the_login_behind_it() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    let path = format!("{}?follow=true", events_of(&id));
    // Long enough to be let in.
    let soon_gone = house.person(crate::support::MARA, 5).await;
    let frames = soon_gone.stream(&path, None).await.rest().await;
    assert_eq!(frames.len(), 1, "the snapshot, and then the end");
    soon_gone.get(&path).await.refused(401, None);
}

async fn a_stream_ends_with_the_server() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    let mut live = house.mara.stream(&format!("{}?follow=true", events_of(&id)), None).await;
    live.next().await.expect("the snapshot");
    let (ended, _dir) = house.stop().await;
    ended.expect("a clean end");
    assert!(live.next().await.is_none());
}
