//! What the tests of this room share.

use serde_json::json;
use std::path::PathBuf;
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::Session;
use crate::api::{BaseUrl, Client, Pace};
use crate::model::{DeployEnd, DeployRecord, Digest, Secret, TenantId};
use crate::workspace::{Project, StateDirectory};

/// The tenant of these tests.
pub(super) fn ten_1() -> TenantId {
    TenantId::new("ten_1").expect("an id")
}

/// A session of a server that nobody is at, in a folder whose profile `prod` has these files.
pub(super) fn in_folder<T: AsRef<str>>(files: &[(&str, T)], with_state: bool) -> (TempDir, Session) {
    in_folder_of("http://127.0.0.1:9", files, with_state)
}

fn in_folder_of<T: AsRef<str>>(server: &str, files: &[(&str, T)], with_state: bool) -> (TempDir, Session) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let file = profile_file(&folder, name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        std::fs::write(file, content.as_ref()).expect("a file");
    }
    let base = BaseUrl::parse(server).expect("a base");
    let client = Client::with_pace(base, Secret::new("hunter2.token.value"), Pace::quick()).expect("a client");
    let state = with_state.then(|| StateDirectory::at(folder.path().join("state")));
    let session = Session::new(client, Project { root: folder.path().to_owned() }, state);
    (folder, session)
}

/// A file of the profile.
pub(super) fn profile_file(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(".systemprompt/profiles/prod").join(name)
}

/// A session in such a folder, of a server that answers so below the tenant's path.
pub(super) async fn answering<T: AsRef<str>>(
    calls: &[(&str, &str, ResponseTemplate)],
    files: &[(&str, T)],
) -> (MockServer, TempDir, Session) {
    let server = MockServer::start().await;
    let (folder, session) = answering_at(&server, calls, files).await;
    (server, folder, session)
}

/// The same of a server that is there already.
pub(super) async fn answering_at<T: AsRef<str>>(
    server: &MockServer,
    calls: &[(&str, &str, ResponseTemplate)],
    files: &[(&str, T)],
) -> (TempDir, Session) {
    for (verb, below, answer) in calls {
        let mock = Mock::given(method(*verb)).and(path(format!("{TENANT}{below}")));
        mock.respond_with(answer.clone()).mount(server).await;
    }
    in_folder_of(&server.uri(), files, true)
}

/// The address of the tenant's place.
pub(super) fn place(server: &MockServer) -> String {
    format!("{}{TENANT}", server.uri())
}

/// Answers so once, before anything that was mounted for the same path.
pub(super) async fn first(server: &MockServer, below: &str, answer: ResponseTemplate) {
    let mock = Mock::given(method("GET")).and(path(format!("{TENANT}{below}"))).respond_with(answer);
    mock.up_to_n_times(1).with_priority(1).mount(server).await;
}

/// The tenant's place.
const TENANT: &str = "/api/v1/tenants/ten_1";

/// An answer of the common form that is no success.
pub(super) fn refusal(status: u16, code: &str, reason: Option<&str>) -> ResponseTemplate {
    let error = json!({"code": code, "message": "the server's words", "details": {"reason": reason}});
    ResponseTemplate::new(status).set_body_json(json!({"error": error}))
}

/// What was asked for with this method, below the tenant's path, in its order.
pub(super) async fn asked(server: &MockServer, verb: &str) -> Vec<String> {
    let requests = server.received_requests().await.expect("recorded");
    let of_verb = requests.iter().filter(|request| request.method.as_str() == verb);
    of_verb.filter_map(|request| request.url.path().strip_prefix(TENANT).map(str::to_owned)).collect()
}

/// The digest whose hex digits repeat `number`.
pub(super) fn digest(number: u8) -> Digest {
    Digest::new(&format!("sha256:{}", format!("{number:02x}").repeat(32))).expect("a digest")
}

/// A record of tenant `ten_1` that has only its id, and succeeded.
pub(super) fn record(id: &str) -> DeployRecord {
    DeployRecord {
        id: id.to_owned(),
        tenant_id: TenantId::new("ten_1").expect("an id"),
        tenant_name: "orchard".into(),
        by: None,
        began_at: "2026-11-20T10:00:00Z".into(),
        took_ms: 0,
        image: "127.0.0.1:5000/systemprompt-images:tenant-ten_1".into(),
        image_id: None,
        digest: None,
        git: None,
        builder: None,
        rollback_of: None,
        steps: Vec::new(),
        outcome: DeployEnd::Succeeded,
    }
}
