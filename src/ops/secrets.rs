//! The secrets phases of a deploy (protocol D.3, step 6): what the profile holds, what the platform's own tools need on
//! the tenant, and which profile it runs.
//!
//! Tells how many there are, never a value. Must not know where the files are.

use std::collections::BTreeMap;

use super::Session;
use super::reporter::Done;
use crate::api::ApiError;
use crate::model::{Problem, Secret, TenantId};
use crate::workspace::{Profile, secrets};

/// Sends the three parts in their order. Sending what the tenant has already changes nothing.
pub(super) async fn sync(session: &Session, tenant: &TenantId, profile: Option<&Profile>) -> Result<Done<()>, Problem> {
    match send(session, tenant, profile).await {
        Ok(said) => Ok(Done::new((), said)),
        Err(Failure::Problem(problem)) => Err(problem),
        Err(Failure::Api(error)) if keeps_no_secrets(&error) => {
            Ok(Done::skipped((), "the server keeps no secrets: set the variables there by hand"))
        }
        Err(Failure::Api(error)) => Err(error.problem()),
    }
}

enum Failure {
    Api(ApiError),
    Problem(Problem),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// An older server of one's own. That the tenant is there was asked before.
fn keeps_no_secrets(error: &ApiError) -> bool {
    matches!(error.status(), Some(404 | 405)) && error.reason().is_none()
}

async fn send(session: &Session, tenant: &TenantId, profile: Option<&Profile>) -> Result<String, Failure> {
    let client = session.client();
    // Before anything is sent: what fails here leaves nothing half done.
    let me = client.me().await.map_err(|error| Failure::Problem(error.problem()))?;
    let of_profile = match profile {
        None => "no profile, so no secrets of one".to_owned(),
        Some(profile) => {
            let found = environment(profile).await.map_err(Failure::Problem)?;
            if !found.variables.is_empty() {
                client.put_secrets(tenant, &found.variables).await?;
            }
            match (found.has_file, found.secrets) {
                (false, 0) => format!("no secrets.json in profile {}", profile.name),
                (false, count) => format!("{}, no secrets.json in profile {}", counted(count, "secret"), profile.name),
                (true, count) => counted(count, "secret"),
            }
        }
    };
    let platform = BTreeMap::from([
        ("SYSTEMPROMPT_API_TOKEN".to_owned(), client.token()),
        ("SYSTEMPROMPT_USER_EMAIL".to_owned(), Secret::new(me.user.email)),
        ("SYSTEMPROMPT_CLI_REMOTE".to_owned(), Secret::new("true")),
    ]);
    client.put_secrets(tenant, &platform).await?;
    let mut count = platform.len();
    if let Some(profile) = profile {
        let path = BTreeMap::from([("SYSTEMPROMPT_PROFILE".to_owned(), Secret::new(profile.path_in_image()))]);
        client.put_secrets(tenant, &path).await?;
        count += path.len();
    }
    Ok(format!("{of_profile}, {}", counted(count, "platform variable")))
}

async fn environment(profile: &Profile) -> Result<secrets::Environment, Problem> {
    let profile = profile.clone();
    match tokio::task::spawn_blocking(move || secrets::environment(&profile)).await {
        Ok(read) => read.map_err(|error| error.problem()),
        Err(stopped) => Err(Problem::new("The secrets could not be read.").detail(stopped.to_string())),
    }
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{BaseUrl, Client, Pace};
    use crate::workspace::{Project, profile};
    use serde_json::{Value, json};
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    const TOKEN: &str = "hunter2.token.value";

    async fn server(answer: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        let me = json!({"user": {"id": "u", "email": "mara@orchard.example"}});
        for (verb, route, answer) in [
            ("GET", "/api/v1/auth/me", ResponseTemplate::new(200).set_body_json(me)),
            ("PUT", "/api/v1/tenants/ten_1/secrets", answer),
        ] {
            Mock::given(method(verb)).and(path(route)).respond_with(answer).mount(&server).await;
        }
        server
    }

    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            let path = folder.path().join(".systemprompt/profiles/prod").join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, content).expect("a file");
        }
        let project = Project { root: folder.path().to_owned() };
        (folder, project)
    }

    /// What is said, and the bodies that were sent.
    async fn sent(server: &MockServer, files: &[(&str, &str)]) -> (Result<Done<()>, Problem>, Vec<Value>) {
        let (_folder, project) = project(files);
        let base = BaseUrl::parse(&server.uri()).expect("a base");
        let client = Client::with_pace(base, Secret::new(TOKEN), Pace::quick()).expect("a client");
        let session = Session::new(client, project.clone(), None);
        let tenant = TenantId::new("ten_1").expect("an id");
        let profile = profile::of_tenant(&project, &tenant, None).expect("profiles");
        let said = sync(&session, &tenant, profile.as_ref()).await;
        let requests = server.received_requests().await.expect("recorded");
        let bodies = requests.iter().filter(|request| request.method.as_str() == "PUT");
        (said, bodies.map(|request| serde_json::from_slice(&request.body).expect("json")).collect())
    }

    fn platform() -> Value {
        json!({"secrets": {
            "SYSTEMPROMPT_API_TOKEN": TOKEN,
            "SYSTEMPROMPT_USER_EMAIL": "mara@orchard.example",
            "SYSTEMPROMPT_CLI_REMOTE": "true",
        }})
    }

    const PROFILE: (&str, &str) = ("profile.yaml", "cloud: {tenant_id: ten_1}");
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n";

    #[tokio::test]
    async fn three_calls_in_their_order() {
        let server = server(ResponseTemplate::new(204)).await;
        let secrets = r#"{"openai": "sk-hunter2", "my_flag": "1", "gemini": null}"#;
        let files = [PROFILE, ("secrets.json", secrets), ("signing_key.pem", KEY)];
        let (said, bodies) = sent(&server, &files).await;
        assert_eq!(said.expect("sent").summary, "3 secrets, 4 platform variables");
        let own = json!({"secrets": {
            "OPENAI_API_KEY": "sk-hunter2",
            "MY_FLAG": "1",
            "SYSTEMPROMPT_CUSTOM_SECRETS": "MY_FLAG",
            "SIGNING_KEY_PEM": "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg==",
        }});
        let path = json!({"secrets": {"SYSTEMPROMPT_PROFILE": "/app/services/profiles/prod/profile.yaml"}});
        assert_eq!(bodies, [own, platform(), path]);
    }

    #[tokio::test]
    async fn what_is_not_there_is_said_and_not_sent() {
        let server = server(ResponseTemplate::new(200).set_body_string("anything")).await;
        let (said, bodies) = sent(&server, &[]).await;
        let said = said.expect("sent");
        assert_eq!(said.summary, "no profile, so no secrets of one, 3 platform variables");
        assert!(!said.was_skipped);
        assert_eq!(bodies, [platform()]);
        server.reset().await;
        let server = self::server(ResponseTemplate::new(204)).await;
        let (said, bodies) = sent(&server, &[PROFILE]).await;
        assert_eq!(said.expect("sent").summary, "no secrets.json in profile prod, 4 platform variables");
        assert_eq!(bodies.len(), 2);
    }

    #[tokio::test]
    async fn a_server_that_keeps_no_secrets_stops_nothing() {
        for status in [404, 405] {
            let server = server(ResponseTemplate::new(status)).await;
            let (said, bodies) = sent(&server, &[PROFILE, ("secrets.json", r#"{"a": "hunter2"}"#)]).await;
            let said = said.expect("no failure");
            assert!(said.was_skipped && said.summary.contains("keeps no secrets"), "{}", said.summary);
            assert_eq!(bodies.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_refusal_and_a_damaged_file_stop_it_and_tell_no_value() {
        let echo = json!({"error": {"code": "validation_failed", "message": "bad value hunter2-value"}});
        let server = server(ResponseTemplate::new(422).set_body_json(echo)).await;
        for content in [r#"{"a": "hunter2-value"}"#, r#"{"a": "hunter2-value""#, r#""hunter2-value""#] {
            let (said, _) = sent(&server, &[PROFILE, ("secrets.json", content)]).await;
            let problem = said.err().expect("a problem");
            assert!(!format!("{problem} {problem:?}").contains("hunter2"), "{problem}");
        }
    }
}
