//! Content that a client knows already, pages of tags, and blobs that are given up.

use super::*;

#[tokio::test]
async fn what_a_client_knows_is_not_sent_again() {
    let running = Running::start().await;
    let manifest = running.image("a", b"0123456789").await;
    let (blob, manifest) = (digest(b"0123456789"), digest(manifest.as_bytes()));
    for (path, sum) in [
        (format!("blobs/{blob}"), &blob),
        (format!("manifests/{manifest}"), &manifest),
        ("manifests/tenant-a".to_owned(), &manifest),
    ] {
        let tag = format!("\"{sum}\"");
        let whole = running.push(Method::GET, &path, "a").send().await.expect("answers");
        assert_eq!((whole.status(), &whole.headers()["etag"]), (StatusCode::OK, &tag.parse().expect("a header")));
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".into()] {
            let request = running.push(Method::GET, &path, "a").header("if-none-match", known);
            let answer = request.send().await.expect("answers");
            assert_eq!((answer.status(), answer.headers()["etag"] == tag), (StatusCode::NOT_MODIFIED, true));
            assert!(answer.bytes().await.expect("no body").is_empty());
        }
        let request = running.push(Method::GET, &path, "a").header("if-none-match", "\"other\"");
        assert_eq!(request.send().await.expect("answers").status(), StatusCode::OK);
        // What is not one's own is not even unchanged.
        let request = running.push(Method::GET, &path, "b").header("if-none-match", tag);
        assert_eq!(request.send().await.expect("answers").status(), StatusCode::NOT_FOUND);
    }
    let part = |known: String| {
        let request = running.push(Method::GET, &format!("blobs/{blob}"), "a");
        request.header("range", "bytes=2-3").header("if-range", known).send()
    };
    assert_eq!(part(format!("\"{blob}\"")).await.expect("answers").status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part("\"other\"".into()).await.expect("answers").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_page_of_tags_ends_where_it_is_told() {
    let running = Running::start().await;
    running.image("m", b"layer").await;
    for (query, expected) in [
        ("", json!(["tenant-m"])),
        ("?n=1", json!(["tenant-m"])),
        ("?n=0", json!([])),
        ("?last=tenant-a", json!(["tenant-m"])),
        ("?last=tenant-m", json!([])),
        ("?n=many", json!(["tenant-m"])),
    ] {
        let answer = running.push(Method::GET, &format!("tags/list{query}"), "m").send().await.expect("answers");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["tags"], expected, "{query}");
    }
}

#[tokio::test]
async fn equal_content_is_stored_once_and_given_up_by_each_alone() {
    let running = Running::start().await;
    running.blob("a", b"shared").await;
    running.blob("b", b"shared").await;
    let stored = || running.registry.inner.store.contents().expect("a list").len();
    assert_eq!(stored(), 1);
    let path = format!("blobs/{}", digest(b"shared"));
    let status = async |method, id| running.push(method, &path, id).send().await.expect("answers").status();
    assert_eq!(status(Method::DELETE, "a").await, StatusCode::ACCEPTED);
    assert_eq!(status(Method::DELETE, "a").await, StatusCode::NOT_FOUND);
    assert_eq!(
        (status(Method::HEAD, "a").await, status(Method::HEAD, "b").await),
        (StatusCode::NOT_FOUND, StatusCode::OK)
    );
    assert_eq!(stored(), 1);
}
