//! The first profile of a project: its settings, and a file for its secrets that has the ones which nobody has to know
//! (protocol E.4, E.5).
//!
//! A value is a [`Secret`] from the moment it is made. Must not know where it is written.

use rand::Rng as _;
use rand::distr::Alphanumeric;
use std::process::{Command, Stdio};

use crate::model::Secret;

/// What it is called.
pub(super) const NAME: &str = "production";

const EXAMPLE: &str = include_str!("../../../.systemprompt.example/profiles/example/profile.yaml");
/// The names that wait for a value, in their order around those that are made.
const BEFORE: [&str; 2] = ["database_url", "internal_database_url"];
const MADE: [&str; 2] = ["oauth_at_rest_pepper", "jwt_secret"];
const BEHIND: [&str; 4] = ["anthropic", "openai", "gemini", "github"];
/// Letters and digits of a secret that is made.
const LENGTH: usize = 64;

/// `profile.yaml` of a project of this name: the example's, which names no tenant yet.
pub(super) fn settings(project: &str) -> String {
    // What JSON writes is a quoted text of YAML as well.
    let site = serde_json::Value::from(project).to_string();
    let lines = EXAMPLE.lines().map(|line| match line {
        "name: example" => format!("name: {NAME}"),
        "display_name: Example" => "display_name: Production".to_owned(),
        "site: { name: example }" => format!("site: {{ name: {site} }}"),
        line => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

/// `secrets.json`: two values of its own, and the names of what comes with a tenant or from the person.
pub(super) fn secrets() -> Secret {
    let empty = |name: &&str| format!("  \"{name}\": null");
    let made = |name: &&str| format!("  \"{name}\": \"{}\"", random().reveal());
    let lines: Vec<String> =
        BEFORE.iter().map(empty).chain(MADE.iter().map(made)).chain(BEHIND.iter().map(empty)).collect();
    Secret::new(format!("{{\n{}\n}}\n", lines.join(",\n")))
}

fn random() -> Secret {
    Secret::new(rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect::<String>())
}

/// A private key of RSA with 2048 bits in PKCS #8, which the platform signs with; `None` where this machine has no openssl.
/// Blocks, for about a second.
pub(super) fn signing_key() -> Option<Secret> {
    let mut openssl = Command::new("openssl");
    openssl.args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let output = openssl.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let key = Secret::new(String::from_utf8(output.stdout).ok()?);
    let is_key = output.status.success() && key.reveal().starts_with("-----BEGIN PRIVATE KEY-----");
    is_key.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_have_the_projects_name_whatever_it_is() {
        for name in ["orchard", "Übung \"7\": #x", "果樹園"] {
            let text = settings(name);
            let folder = tempfile::tempdir().expect("a folder");
            let place = folder.path().join(".systemprompt/profiles").join(NAME);
            std::fs::create_dir_all(&place).expect("made");
            std::fs::write(place.join("profile.yaml"), &text).expect("written");
            let project = crate::workspace::Project { root: folder.path().to_owned() };
            let read = crate::workspace::profile::named(&project, NAME).expect("a profile");
            assert_eq!((read.settings.name.as_deref(), read.tenant(), read.is_local()), (Some(NAME), None, false));
            assert!(!text.contains("example"), "{text}");
        }
    }

    #[test]
    fn secrets_are_new_every_time() {
        let (one, other) = (secrets(), secrets());
        assert_ne!(one, other);
        let read: serde_json::Map<String, serde_json::Value> = serde_json::from_str(one.reveal()).expect("JSON");
        for name in MADE {
            let value = read[name].as_str().expect("a text");
            assert!(value.len() == LENGTH && value.bytes().all(|b| b.is_ascii_alphanumeric()));
        }
        assert_ne!(read[MADE[0]], read[MADE[1]]);
        assert!(BEFORE.iter().chain(&BEHIND).all(|name| read[*name].is_null()));
    }
}
