//! Changes to a profile: settings in `profile.yaml`, values in `secrets.json`. All of them are looked at before the first
//! is written, and what they are not about stays as it was written.

use std::collections::BTreeMap;
use url::Url;

use super::blocking;
use crate::model::{Problem, Secret, text};
use crate::ops::local::database;
use crate::workspace::profile_change::{self, Change};
use crate::workspace::{Project, SecretsDraft, profile};

/// The longest key of a provider, bytes.
const LONGEST: usize = 16 * 1024;

/// What is to be changed.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    /// Keys of AI providers and of GitHub, by their names in `secrets.json`.
    pub keys: BTreeMap<&'static str, Secret>,
    /// The address of the database.
    pub database_url: Option<Secret>,
    /// Settings.
    pub settings: Vec<Change>,
}

impl Edits {
    /// True where there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.database_url.is_none() && self.settings.is_empty()
    }
}

/// Makes the changes, and tells what was changed: names, never a value.
///
/// # Errors
/// A value that cannot be meant, or a file that cannot be changed without a risk to the rest: nothing is changed then.
pub async fn edit(project: &Project, name: &str, edits: Edits) -> Result<Vec<String>, Problem> {
    let (project, name) = (project.clone(), name.to_owned());
    blocking(move || perform(&project, &name, &edits)).await
}

fn perform(project: &Project, name: &str, edits: &Edits) -> Result<Vec<String>, Problem> {
    for (key, value) in &edits.keys {
        checked(key, value)?;
    }
    let url = edits.database_url.as_ref().map(database::checked).transpose()?;
    for change in &edits.settings {
        possible(change)?;
    }
    let profile = profile::named(project, name)?;
    if !edits.settings.is_empty() {
        profile_change::can_change(&profile, &edits.settings)?;
    }
    let mut changed = Vec::new();
    if url.is_some() || !edits.keys.is_empty() {
        let _lock = profile_change::lock(project)?;
        let mut draft = SecretsDraft::open(profile.secrets_file())?;
        for (key, value) in &edits.keys {
            draft.set(key, value);
            changed.push((*key).to_owned());
        }
        if let Some(url) = &url {
            draft.set("database_url", url);
            changed.push("database_url".to_owned());
        }
        draft.write()?;
    }
    if !edits.settings.is_empty() {
        profile_change::change(project, &profile, &edits.settings)?;
        changed.extend(edits.settings.iter().map(|change| change.key().to_owned()));
    }
    Ok(changed)
}

/// Whether this can be a key: one word of one line.
///
/// # Errors
/// What is wrong with it; never a part of it.
pub fn checked(name: &str, value: &Secret) -> Result<(), Problem> {
    let wrong = |why: &str| {
        Problem::new(format!("The {name} key cannot be used."))
            .detail(why)
            .hint("Give the key as the provider shows it, and nothing else.")
    };
    let value = value.reveal();
    if value.is_empty() {
        return Err(wrong("It is empty."));
    }
    if value.len() > LONGEST {
        return Err(wrong("It is too long."));
    }
    if value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(wrong("There is a blank or a line end in it."));
    }
    Ok(())
}

fn possible(change: &Change) -> Result<(), Problem> {
    let wrong = |what: &str, hint: &str| Err(Problem::new(format!("{} cannot be {what}.", change.key())).hint(hint));
    match change {
        Change::Port(0) => wrong("0", "Give a port from 1 to 65535."),
        Change::Host(host) => {
            let fits =
                !host.is_empty() && host.len() <= 253 && !host.chars().any(|c| c.is_control() || c.is_whitespace());
            if fits { Ok(()) } else { wrong(&format!("{:?}", text::short(host, 60)), "Give an address or a name.") }
        }
        Change::ExternalUrl(url) => {
            let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            match parsed {
                Some(url) if url.username().is_empty() && url.password().is_none() => Ok(()),
                Some(_) => wrong("an address with a password in it", "Give it without one: everybody may see it."),
                None => wrong("that", "Write it as https://app.example."),
            }
        }
        Change::Port(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{in_folder, profile_file};

    const YAML: &str = "# mine\nserver:\n  host: 0.0.0.0 # all\n  port: 8080\nown: kept\n";

    fn edits(key: &str) -> Edits {
        Edits {
            keys: BTreeMap::from([("openai", Secret::new(key))]),
            database_url: Some(Secret::new("postgres://u:h8T@h/d")),
            settings: vec![Change::Host("127.0.0.1".into()), Change::Port(9000)],
        }
    }

    #[tokio::test]
    async fn what_is_not_meant_stays() {
        let secrets = r#"{"zeta": "z", "openai": "old", "odd": [1]}"#;
        let (folder, session) = in_folder(&[("profile.yaml", YAML), ("secrets.json", secrets)], false);
        std::fs::create_dir_all(session.project().directory()).expect("made");
        let changed = edit(session.project(), "prod", edits("sk-new")).await.expect("changed");
        assert_eq!(changed, ["openai", "database_url", "server.host", "server.port"]);
        let read = |name| std::fs::read_to_string(profile_file(&folder, name)).expect("read");
        assert_eq!(read("profile.yaml"), "# mine\nserver:\n  host: 127.0.0.1 # all\n  port: 9000\nown: kept\n");
        let json: serde_json::Value = serde_json::from_str(&read("secrets.json")).expect("JSON");
        let wanted =
            serde_json::json!({"zeta": "z", "openai": "sk-new", "odd": [1], "database_url": "postgres://u:h8T@h/d"});
        assert_eq!(json, wanted);
    }

    #[tokio::test]
    async fn where_one_thing_is_wrong_nothing_is_changed() {
        let anchored = "server: &s {port: 1}\nother: *s\n";
        for (yaml, secrets, edits) in [
            (YAML, "{\"openai\": \"old\"}", edits("two words")),
            (
                YAML,
                "{\"openai\": \"old\"}",
                Edits { database_url: Some(Secret::new("postgres://u:***@h/d")), ..edits("k") },
            ),
            (YAML, "{\"openai\": \"old\"}", Edits { settings: vec![Change::Host("a b".into())], ..edits("k") }),
            (
                YAML,
                "{\"openai\": \"old\"}",
                Edits { settings: vec![Change::ExternalUrl("ftp://a".into())], ..edits("k") },
            ),
            (
                YAML,
                "{\"openai\": \"old\"}",
                Edits { settings: vec![Change::ExternalUrl("https://u:hunter2@a".into())], ..edits("k") },
            ),
            (YAML, "{\"openai\": hunter2", edits("k")),
            (anchored, "{\"openai\": \"old\"}", edits("k")),
        ] {
            let (folder, session) = in_folder(&[("profile.yaml", yaml), ("secrets.json", secrets)], false);
            std::fs::create_dir_all(session.project().directory()).expect("made");
            let problem = edit(session.project(), "prod", edits).await.expect_err("refused");
            assert!(problem.hint.is_some() && !format!("{problem:?}").contains("hunter2"), "{problem:?}");
            let read = |name| std::fs::read_to_string(profile_file(&folder, name)).expect("read");
            assert_eq!((read("profile.yaml").as_str(), read("secrets.json").as_str()), (yaml, secrets));
        }
    }
}
