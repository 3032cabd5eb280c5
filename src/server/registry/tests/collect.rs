//! Tokens that are revoked, blobs that are mounted, and content that goes.

use super::*;
use futures_util::future::BoxFuture;
use std::collections::HashMap;

/// `a` and `b` have one owner.
#[derive(Debug)]
struct Family;

impl Owners for Family {
    fn siblings<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Vec<TenantId>> {
        let other = match tenant.as_str() {
            "a" => vec![super::tenant("b")],
            "b" => vec![super::tenant("a")],
            _ => Vec::new(),
        };
        Box::pin(async { other })
    }
}

impl Running {
    async fn status(&self, method: Method, path: &str, id: &str) -> StatusCode {
        self.push(method, path, id).send().await.expect("answers").status()
    }

    async fn mount(&self, id: &str, content: &[u8], from: &str) -> StatusCode {
        let path = format!("blobs/uploads/?mount={}{from}", digest(content));
        let answer = self.push(Method::POST, &path, id).send().await.expect("answers");
        if answer.status() == StatusCode::CREATED {
            assert_eq!(answer.headers()["docker-content-digest"], digest(content).as_str());
            assert!(answer.headers()["location"].to_str().expect("text").ends_with(&digest(content)));
        }
        answer.status()
    }

    fn has(&self, content: &[u8]) -> bool {
        let digest = Digest::new(&digest(content)).expect("a digest");
        self.registry.inner.store.content(&digest).exists()
    }

    async fn collect(&self, keep: &[(&str, &str)], grace: Duration) -> Collected {
        let mut digests: HashMap<TenantId, Vec<Digest>> = HashMap::new();
        for (id, manifest) in keep {
            let digest = Digest::new(&digest(manifest.as_bytes())).expect("a digest");
            digests.entry(tenant(id)).or_default().push(digest);
        }
        self.registry.collect(digests, grace).await.expect("collects")
    }
}

#[tokio::test]
async fn revoked_tokens_end_at_once_and_stay_so() {
    let running = Running::start().await;
    let a = tenant("a");
    running.image("a", b"layer").await;
    let old = running.tokens.issue(&a, Access::Push, MINUTE);
    let read = |token: &crate::model::Secret| {
        running.client.get(format!("{}/v2/", running.base)).basic_auth(USER, Some(token.reveal()))
    };
    assert_eq!(read(&old).send().await.expect("answers").status(), StatusCode::OK);
    let begun = running.push(Method::POST, "blobs/uploads/", "a").send().await.expect("answers");
    assert_eq!((begun.status(), running.unfinished()), (StatusCode::ACCEPTED, 1));
    running.registry.revoke(&a).await;
    refused(read(&old), StatusCode::UNAUTHORIZED, "UNAUTHORIZED").await;
    assert_eq!(running.unfinished(), 0);
    let new = running.tokens.issue(&a, Access::Push, MINUTE);
    assert_eq!(read(&new).send().await.expect("answers").status(), StatusCode::OK);

    // After a restart with the same key.
    let tokens = RegistryTokens::new([1; 32]);
    let _again = Registry::open(&running.directory.path().join("data"), tokens.clone()).expect("opens");
    assert_eq!(tokens.check(old.reveal()), None);
    assert!(tokens.check(new.reveal()).is_some());

    running.registry.forget(&a).await;
    refused(read(&new), StatusCode::UNAUTHORIZED, "UNAUTHORIZED").await;
    assert_eq!(running.registry.digest_of(&a).await, None);
    assert_eq!(running.status(Method::HEAD, &format!("blobs/{}", digest(b"layer")), "a").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_blob_is_mounted_from_a_tenant_of_the_same_owner_only() {
    let running = Running::start_with(Arc::new(Family)).await;
    running.blob("a", b"layer").await;
    let from = format!("&from={REPOSITORY}");
    let path = format!("blobs/{}", digest(b"layer"));
    assert_eq!(running.mount("c", b"layer", &from).await, StatusCode::ACCEPTED, "another owner's");
    assert_eq!(running.status(Method::HEAD, &path, "c").await, StatusCode::NOT_FOUND);
    assert_eq!(running.mount("b", b"nobody's", &from).await, StatusCode::ACCEPTED);
    assert_eq!(running.mount("b", b"layer", "&from=another/repository").await, StatusCode::ACCEPTED);
    assert_eq!(running.status(Method::HEAD, &path, "b").await, StatusCode::NOT_FOUND, "not before it is mounted");
    assert_eq!(running.mount("b", b"layer", &from).await, StatusCode::CREATED);
    assert_eq!(running.status(Method::HEAD, &path, "b").await, StatusCode::OK);
    // It counts as pushed: also when the one it came from goes.
    running.registry.forget(&tenant("a")).await;
    running.blob("b", b"{}").await;
    let manifest = manifest(&[b"layer"]);
    assert_eq!(running.manifest("b", "tenant-b", &manifest).await.status(), StatusCode::CREATED);
    running.collect(&[], Duration::ZERO).await;
    let pulled = running.push(Method::GET, &path, "b").send().await.expect("answers");
    assert_eq!(pulled.bytes().await.expect("bytes").as_ref(), b"layer");
    let request = running.send(Method::POST, &format!("{REPOSITORY}/blobs/uploads/?mount=x"), "b", Access::Push);
    assert_eq!(request.send().await.expect("answers").status(), StatusCode::ACCEPTED, "an ordinary upload");
}

#[tokio::test]
async fn a_collection_removes_what_nobody_needs_and_nothing_else() {
    let running = Running::start().await;
    running.image("a", b"first").await;
    let second = running.image("a", b"second").await;
    running.image("a", b"third").await;
    running.image("b", b"first").await;
    // An index, whose image is named by nothing else.
    running.blob("c", b"{}").await;
    running.blob("c", b"inside").await;
    let inside = manifest(&[b"inside"]);
    let by_digest = digest(inside.as_bytes());
    assert_eq!(running.manifest("c", &by_digest, &inside).await.status(), StatusCode::CREATED);
    let media = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": media,
        "manifests": [{ "mediaType": IMAGE, "digest": by_digest, "size": inside.len() }] })
    .to_string();
    let put = running.push(Method::PUT, "manifests/tenant-c", "c").header("content-type", media).body(index);
    assert_eq!(put.send().await.expect("answers").status(), StatusCode::CREATED);
    running.blob("a", b"never named").await;

    // All of it is new: a push may be under way.
    assert_eq!(running.collect(&[], MINUTE).await, Collected::default());

    // The second image can be gone back to; of the first only the other tenant's copy is needed.
    let collected = running.collect(&[("a", &second)], Duration::ZERO).await;
    // Links: the first image's layer and manifest, and the blob. Files: the first's manifest is the other tenant's too.
    assert_eq!((collected.links, collected.files, collected.bytes), (3, 1, b"never named".len() as u64));
    for kept in [b"second".as_slice(), b"third", b"inside", b"{}", b"first", second.as_bytes(), inside.as_bytes()] {
        assert!(running.has(kept), "{}", String::from_utf8_lossy(kept));
    }
    assert!(!running.has(b"never named"));
    let get = |id: &str, content: &[u8]| running.push(Method::GET, &format!("blobs/{}", digest(content)), id).send();
    assert_eq!(get("a", b"first").await.expect("answers").status(), StatusCode::NOT_FOUND);
    assert_eq!(get("b", b"first").await.expect("answers").status(), StatusCode::OK);
    let by_digest = format!("manifests/{}", digest(second.as_bytes()));
    assert_eq!(running.status(Method::GET, &by_digest, "a").await, StatusCode::OK);

    // Nobody goes back to the second any more.
    running.collect(&[], Duration::ZERO).await;
    assert!(!running.has(b"second") && running.has(b"third"));
    assert_eq!(running.status(Method::GET, &by_digest, "a").await, StatusCode::NOT_FOUND);
    assert_eq!(running.collect(&[], Duration::ZERO).await, Collected::default());
    assert_eq!(running.status(Method::GET, "manifests/tenant-a", "a").await, StatusCode::OK);
}

#[tokio::test]
async fn what_a_pusher_was_told_is_there_stays_for_it() {
    let running = Running::start().await;
    running.blob("a", b"{}").await;
    running.blob("a", b"layer").await;
    let age = |content: &[u8]| {
        let digest = Digest::new(&digest(content)).expect("a digest");
        let root = running.directory.path().join("data");
        let link = root.join("tenants/a/blobs").join(digest.hex());
        let long_ago = std::time::SystemTime::now() - Duration::from_hours(5);
        for path in [link, running.registry.inner.store.content(&digest)] {
            let file = std::fs::File::options().write(true).open(path).expect("opens");
            file.set_modified(long_ago).expect("ages");
        }
    };
    age(b"{}");
    age(b"layer");
    for content in [b"{}".as_slice(), b"layer"] {
        assert_eq!(running.status(Method::HEAD, &format!("blobs/{}", digest(content)), "a").await, StatusCode::OK);
    }
    assert_eq!(running.collect(&[], MINUTE).await, Collected::default());
    assert_eq!(running.manifest("a", "tenant-a", &manifest(&[b"layer"])).await.status(), StatusCode::CREATED);
    // A pull says nothing about a push to come.
    age(b"layer");
    running.registry.remove_tag(&tenant("a")).await;
    let path = format!("{REPOSITORY}/blobs/{}", digest(b"layer"));
    running.send(Method::GET, &path, "a", Access::Pull).send().await.expect("answers");
    assert_eq!(running.collect(&[], Duration::ZERO).await.files, 3);
}

#[tokio::test]
async fn what_cannot_be_read_stops_a_collection_before_it_removes_anything() {
    let running = Running::start().await;
    let image = running.image("a", b"layer").await;
    running.blob("a", b"never named").await;
    let place = running.registry.inner.store.content(&Digest::new(&digest(image.as_bytes())).expect("a digest"));
    std::fs::write(place, "damaged").expect("written");
    assert!(running.registry.collect(HashMap::new(), Duration::ZERO).await.is_err());
    assert!(running.has(b"never named") && running.has(b"layer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collections_without_pause_disturb_no_push() {
    let running = Running::start().await;
    let (stop, collecting) = (Arc::new(std::sync::atomic::AtomicBool::new(false)), running.registry.clone());
    let seen = Arc::clone(&stop);
    let collector = tokio::spawn(async move {
        let mut turns = 0_u32;
        while !seen.load(std::sync::atomic::Ordering::Relaxed) {
            collecting.collect(HashMap::new(), MINUTE).await.expect("collects");
            turns += 1;
        }
        turns
    });
    for turn in 0..30_u32 {
        let id = ["a", "b"][usize::from(turn % 2 == 1)];
        let manifest = running.image(id, format!("layer {}", turn / 3).as_bytes()).await;
        let pulled = running.push(Method::GET, &format!("manifests/tenant-{id}"), id).send().await.expect("answers");
        assert_eq!(pulled.text().await.expect("text"), manifest);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(collector.await.expect("no panic") > 0);
}
