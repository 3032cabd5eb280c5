//! All that a profile stands for, as one document: its settings, the environment that its tenant gets, and what the
//! project runs beside its program. Secrets have stars, unless they are asked for.

use serde_json::{Map, Value};

use super::blocking;
use crate::model::{Problem, Secret, database_url};
use crate::workspace::{Project, WorkspaceError, profile, secrets, services};

/// What stands for a secret.
const STARS: &str = "****";
/// What a name has in it whose value is nobody's business.
const SECRET: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "pepper",
    "credential",
    "authorization",
    "webhook_url",
    "dsn",
];
/// What such a name ends with where it is none: a file, a time, a number of something.
const HARMLESS: [&str; 7] = ["_path", "_file", "_expiration", "_source", "_env", "_name", "secrets"];
/// A list of names, not a secret.
const NAMES: &str = "SYSTEMPROMPT_CUSTOM_SECRETS";

/// Which part is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Everything.
    All,
    /// Agents.
    Agents,
    /// MCP servers.
    Mcp,
    /// Skills.
    Skills,
    /// AI providers.
    Ai,
    /// Web pages.
    Web,
    /// Content sources.
    Content,
    /// The environment that the tenant gets.
    Env,
    /// `profile.yaml`.
    Settings,
}

impl Filter {
    /// The parts of which everything is made, in their order.
    const PARTS: [Self; 8] =
        [Self::Settings, Self::Env, Self::Agents, Self::Mcp, Self::Skills, Self::Ai, Self::Web, Self::Content];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Agents => "agents",
            Self::Mcp => "mcp",
            Self::Skills => "skills",
            Self::Ai => "ai",
            Self::Web => "web",
            Self::Content => "content",
            Self::Env => "env",
            Self::Settings => "settings",
        }
    }

    /// The keys of the services' configuration that it is about.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Mcp => &["mcp", "mcp_servers"],
            Self::Agents => &["agents"],
            Self::Skills => &["skills"],
            Self::Ai => &["ai"],
            Self::Web => &["web"],
            Self::Content => &["content"],
            Self::All | Self::Env | Self::Settings => &[],
        }
    }
}

/// The document: `profile`, and a member for each part that is wanted. With `reveal` it holds secrets.
///
/// # Errors
/// A file of those parts that cannot be understood.
pub async fn show(project: &Project, name: &str, filter: Filter, reveal: bool) -> Result<Value, Problem> {
    let (project, name) = (project.clone(), name.to_owned());
    blocking(move || {
        let mut document = Map::from_iter([("profile".to_owned(), Value::from(name.as_str()))]);
        let parts = if filter == Filter::All { Filter::PARTS.to_vec() } else { vec![filter] };
        let services =
            if parts.iter().any(|part| !part.keys().is_empty()) { services::whole(&project)? } else { Map::new() };
        for part in parts {
            let value = match part {
                Filter::Settings => profile::named(&project, &name).and_then(|profile| profile::raw(&profile))?,
                Filter::Env => environment(&project, &name, reveal)?,
                other => {
                    // The name is checked for every part, and not for these two alone.
                    profile::named(&project, &name)?;
                    of_services(&services, other)
                }
            };
            let value = if reveal || part == Filter::Env { value } else { without_secrets(false, value) };
            document.insert(part.word().to_owned(), value);
        }
        Ok(Value::Object(document))
    })
    .await
}

fn of_services(services: &Map<String, Value>, part: Filter) -> Value {
    let found: Vec<&Value> = part.keys().iter().filter_map(|key| services.get(*key)).collect();
    match found[..] {
        [] => Value::Null,
        [one] => one.clone(),
        _ => Value::Array(found.into_iter().cloned().collect()),
    }
}

fn environment(project: &Project, name: &str, reveal: bool) -> Result<Value, WorkspaceError> {
    let found = secrets::environment(&profile::named(project, name)?)?;
    let shown = |variable: &str, value: &Secret| {
        if reveal || variable == NAMES { value.reveal().to_owned() } else { masked(value.reveal()) }
    };
    let values = found.variables.iter().map(|(name, value)| (name.clone(), Value::from(shown(name, value))));
    Ok(Value::Object(values.collect()))
}

/// Stars; a database's address keeps what is no password. Other addresses may be secrets as a whole.
fn masked(value: &str) -> String {
    let is_database = ["postgres://", "postgresql://"].iter().any(|scheme| value.trim_start().starts_with(scheme));
    if is_database { database_url::masked(&Secret::new(value)) } else { STARS.to_owned() }
}

/// With stars for every value whose own name, or that of what it belongs to, says that it is a secret.
fn without_secrets(is_hidden: bool, value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown = |(key, value): (String, Value)| {
                let hides = is_hidden || is_secret(&key);
                (key, without_secrets(hides, value))
            };
            Value::Object(members.into_iter().map(shown).collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(|value| without_secrets(is_hidden, value)).collect()),
        // A name of a variable is no secret.
        Value::String(text) if is_variable(&text) => Value::String(text),
        Value::String(text) if is_hidden && !text.is_empty() => Value::String(STARS.to_owned()),
        Value::Number(_) if is_hidden => Value::String(STARS.to_owned()),
        Value::String(text) if has_password(&text) => Value::String(database_url::masked(&Secret::new(text))),
        other => other,
    }
}

/// `${NAME}` and nothing else: behind a name there may be a value.
fn is_variable(text: &str) -> bool {
    let name = text.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET.iter().any(|word| name.contains(word)) && !HARMLESS.iter().any(|end| name.ends_with(end))
}

fn has_password(text: &str) -> bool {
    url::Url::parse(text.trim()).is_ok_and(|url| url.password().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::in_folder;
    use serde_json::json;

    const SETTINGS: &str = "\
        name: prod\nowner_token: hunter2\nserver: {port: 1, api_key: '${KEY}', upstream: 'https://u:hunter2@h/x'}\n\
        security: {access_token_expiration: 5, signing_key_path: ./signing_key.pem}\nsecrets: {secrets_path: ./secrets.json}\n";
    const SECRETS: &str =
        r#"{"anthropic": "sk-hunter2", "database_url": "postgres://u:hunter2@h/d", "my_flag": "hunter2"}"#;

    async fn shown(filter: Filter, reveal: bool) -> Value {
        let (folder, session) = in_folder(&[("profile.yaml", SETTINGS), ("secrets.json", SECRETS)], false);
        let put = |path: &str, content: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, content).expect("written");
        };
        put(
            "services/config/config.yaml",
            "includes: [../more.yaml]\nagents: {one: {card: a}}\nai: {providers: {x: {api_key: hunter2}}}\n",
        );
        put("services/more.yaml", "agents: {two: {}}\nmcp_servers: {tools: {port: 5}}\n");
        put("services/web/config.yaml", "theme: dark\n");
        show(session.project(), "prod", filter, reveal).await.expect("shown")
    }

    #[tokio::test]
    async fn every_part_is_there_and_no_secret() {
        let all = shown(Filter::All, false).await;
        assert!(!all.to_string().contains("hunter2"), "{all}");
        assert_eq!(all["settings"]["server"]["api_key"], "${KEY}");
        assert_eq!(all["settings"]["server"]["upstream"], "https://u:****@h/x");
        assert_eq!(all["settings"]["security"]["signing_key_path"], "./signing_key.pem");
        assert_eq!(all["settings"]["security"]["access_token_expiration"], 5);
        assert_eq!(all["env"]["ANTHROPIC_API_KEY"], "****");
        assert_eq!(all["env"]["DATABASE_URL"], "postgres://u:****@h/d");
        assert_eq!(all["env"]["SYSTEMPROMPT_CUSTOM_SECRETS"], "MY_FLAG");
        assert_eq!(all["agents"], json!({"one": {"card": "a"}, "two": {}}));
        assert_eq!((&all["mcp"]["tools"]["port"], &all["web"]["theme"]), (&json!(5), &json!("dark")));
        assert_eq!((&all["skills"], &all["content"]), (&Value::Null, &Value::Null));
    }

    #[tokio::test]
    async fn a_filter_leaves_the_rest_out_and_secrets_are_shown_where_they_are_asked_for() {
        let env = shown(Filter::Env, true).await;
        assert_eq!(env["env"]["ANTHROPIC_API_KEY"], "sk-hunter2");
        assert_eq!(env.as_object().map(Map::len), Some(2));
        let ai = shown(Filter::Ai, true).await;
        assert_eq!(ai["ai"]["providers"]["x"]["api_key"], "hunter2");
        let (_folder, session) = in_folder::<&str>(&[], false);
        for filter in [Filter::All, Filter::Agents, Filter::Env] {
            assert!(show(session.project(), "nobody", filter, false).await.is_err());
        }
    }

    #[test]
    fn a_secret_is_hidden_whatever_it_looks_like() {
        let shown = without_secrets(
            false,
            json!({
                "credentials": {"github": "hunter2", "more": [{"a": "hunter2"}]}, "password": 123_456, "passwd": "hunter2",
                "api_key": "${KEY:-hunter2}", "key_name": "fine", "other": {"api_key": "${KEY}"}, "port": 8080,
            }),
        );
        let expected = json!({
            "credentials": {"github": STARS, "more": [{"a": STARS}]}, "password": STARS, "passwd": STARS,
            "api_key": STARS, "key_name": "fine", "other": {"api_key": "${KEY}"}, "port": 8080,
        });
        assert_eq!(shown, expected);
        for whole in ["https://hooks.slack.example/services/T/B/hunter2", "https://h/?key=hunter2", "hunter2"] {
            assert_eq!(masked(whole), STARS);
        }
        assert!(masked("postgres://u:hunter2@h/d").starts_with("postgres://u:"));
    }
}
