//! A new profile: its settings, and a file for its secrets that has the ones which nobody has to know (protocol E.4, E.5).
//! `init` makes the first one of a project this way, and `profile create` every other.
//!
//! A value is a [`Secret`] from the moment it is made. Must not know where it is written.

use rand::Rng as _;
use rand::distr::Alphanumeric;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::model::{Secret, TenantId};

/// What it is called.
pub(super) const NAME: &str = "production";

const EXAMPLE: &str = include_str!("../../../.systemprompt.example/profiles/example/profile.yaml");
/// The names that wait for a value, in their order around those that are made.
const BEFORE: [&str; 2] = ["database_url", "internal_database_url"];
const MADE: [&str; 2] = ["oauth_at_rest_pepper", "jwt_secret"];
const BEHIND: [&str; 4] = ["anthropic", "openai", "gemini", "github"];
/// Letters and digits of a secret that is made.
const LENGTH: usize = 64;
/// Where a program on this machine answers.
const LOCAL: &str = "http://localhost:8080";
/// Where its pages come from while they are being written.
const FRONTEND: &str = "http://localhost:5173";

/// What a new profile is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) enum For<'a> {
    /// No tenant yet, of the cloud later on.
    Nobody,
    /// A tenant of the cloud.
    Cloud {
        /// Its id.
        tenant: &'a TenantId,
        /// Where it answers, without a slash at the end; `None` where that is not known.
        address: Option<&'a str>,
        /// Its database can be reached from outside.
        external: bool,
    },
    /// A tenant on this machine.
    Local {
        /// Its id.
        tenant: &'a TenantId,
        /// The project's folder.
        root: &'a Path,
    },
}

/// `profile.yaml` of a project of this name: the example's, which names no tenant yet.
pub(super) fn settings(project: &str) -> String {
    settings_for(NAME, project, &For::Nobody)
}

/// `profile.yaml` of the profile `name`, in a project that is called `site`.
pub(in crate::ops) fn settings_for(name: &str, site: &str, whose: &For<'_>) -> String {
    let lines = EXAMPLE.lines().map(|line| {
        let key = line.trim_start().split(':').next().unwrap_or_default();
        let own = match key {
            "name" => Some(format!("name: {}", word(name))),
            "display_name" => Some(format!("display_name: {}", word(&label(name)))),
            "site" => Some(format!("site: {{ name: {} }}", quoted(site))),
            _ => match whose {
                For::Nobody => None,
                For::Cloud { tenant, address, external } => match (key, address) {
                    ("database", _) => Some(format!("database: {{ type: postgres, external_db_access: {external} }}")),
                    ("api_server_url" | "api_external_url", Some(address)) => {
                        Some(format!("  {key}: {}", quoted(address)))
                    }
                    ("cors_allowed_origins", Some(address)) => Some(format!("  {key}: [{}]", quoted(address))),
                    ("tenant_id", _) => Some(format!("  tenant_id: {}", quoted(tenant.as_str()))),
                    _ => None,
                },
                For::Local { tenant, .. } => match key {
                    "target" => Some("target: local".to_owned()),
                    "host" => Some("  host: 127.0.0.1".to_owned()),
                    "api_server_url" | "api_external_url" => Some(format!("  {key}: {LOCAL}")),
                    "use_https" => Some("  use_https: false".to_owned()),
                    "cors_allowed_origins" => Some(format!("  {key}: [{LOCAL}, {FRONTEND}]")),
                    "# Private networks, and those of the provider's proxies." => {
                        Some("  # Private networks.".to_owned())
                    }
                    "trusted_proxies" => {
                        Some("  trusted_proxies: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]".to_owned())
                    }
                    "tenant_id" => Some(format!("  tenant_id: {}", quoted(tenant.as_str()))),
                    "validation" => Some("  validation: warn".to_owned()),
                    "secrets" => {
                        Some("secrets: { secrets_path: ./secrets.json, source: file, validation: warn }".to_owned())
                    }
                    _ => None,
                },
            },
        };
        own.unwrap_or_else(|| line.to_owned())
    });
    lines.map(|line| line + "\n").chain(rest(whose)).collect()
}

/// What the platform has a usual value for, and people look for in a profile of their own (protocol E.4).
fn rest(whose: &For<'_>) -> Vec<String> {
    let (root, is_local) = match whose {
        For::Nobody | For::Cloud { .. } => ("/app".to_owned(), false),
        For::Local { root, .. } => (root.to_string_lossy().into_owned(), true),
    };
    let below = |name: &str| quoted(&format!("{root}/{name}"));
    let mut lines = vec![
        format!("paths:\n  system: {}", quoted(&root)),
        format!("  services: {}\n  storage: {}", below("services"), below("storage")),
        format!("  bin: {}", below(if is_local { "target/release" } else { "bin" })),
        format!("  web_path: {}", below("web")),
        format!(
            "security:\n  issuer: {}\n  access_token_expiration: 2592000\n  refresh_token_expiration: 15552000\n  \
             audiences: [web, api, a2a, mcp]\n  signing_key_path: ./signing_key.pem",
            if is_local { "systemprompt-local" } else { "systemprompt" }
        ),
    ];
    lines.push(if is_local {
        "rate_limits: { disabled: true }\nruntime: { environment: development, log_level: verbose, output_format: text, \
         no_color: false, non_interactive: false }"
            .to_owned()
    } else {
        "rate_limits: { disabled: false }\nruntime: { environment: production, log_level: normal, output_format: json, no_color: true, \
         non_interactive: true }"
            .to_owned()
    });
    lines.push("extensions: { disabled: [] }\nsystem_admin: { username: admin }".to_owned());
    lines.into_iter().map(|line| line + "\n").collect()
}

/// What people read for a profile's name (protocol E.4).
fn label(name: &str) -> String {
    let known = match name {
        "dev" => "Development",
        "prod" => "Production",
        "staging" => "Staging",
        "test" => "Test",
        "local" => "Local Development",
        "cloud" => "Cloud",
        other => {
            let mut chars = other.chars();
            let first = chars.next().map(|first| first.to_ascii_uppercase());
            return first.into_iter().chain(chars).collect();
        }
    };
    known.to_owned()
}

/// What JSON writes is a quoted text of YAML as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A word that nobody takes for anything but a text stands without quotes.
fn word(text: &str) -> String {
    const OTHERS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "none"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        && !OTHERS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// `secrets.json`: two values of its own, and the names of what comes with a tenant or from the person.
pub(in crate::ops) fn secrets() -> Secret {
    let empty = |name: &&str| format!("  \"{name}\": null");
    let made = |name: &&str| format!("  \"{name}\": \"{}\"", random().reveal());
    let lines: Vec<String> =
        BEFORE.iter().map(empty).chain(MADE.iter().map(made)).chain(BEHIND.iter().map(empty)).collect();
    Secret::new(format!("{{\n{}\n}}\n", lines.join(",\n")))
}

fn random() -> Secret {
    Secret::new(rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect::<String>())
}

/// How a person makes one, for `place`: a path below the project's root.
#[must_use]
pub fn by_hand(place: &str) -> String {
    format!("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out {place}")
}

/// A private key of RSA with 2048 bits in PKCS #8, which the platform signs with; `None` where this machine has no openssl.
/// Blocks, for about a second. No library here makes one: ring only uses keys of RSA.
pub(in crate::ops) fn signing_key() -> Option<Secret> {
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
            for key in ["paths", "security", "rate_limits", "runtime", "extensions", "system_admin"] {
                assert!(text.lines().any(|line| line.starts_with(&format!("{key}:"))), "{key}\n{text}");
            }
        }
    }

    #[test]
    fn one_for_a_tenant_says_where_it_is() {
        use crate::workspace::{Project, profile};
        let tenant = TenantId::new("local_1").expect("an id");
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        let address = Some("https://orchard.example");
        for (name, whose) in [
            ("dev", For::Local { tenant: &tenant, root: folder.path() }),
            ("orchard", For::Cloud { tenant: &tenant, address, external: true }),
            ("silent", For::Cloud { tenant: &tenant, address: None, external: false }),
        ] {
            let place = profile::place(&project).join(name);
            std::fs::create_dir_all(&place).expect("made");
            let text = settings_for(name, "Übung: #", &whose);
            std::fs::write(place.join("profile.yaml"), &text).expect("written");
            let read = profile::named(&project, name).expect(&text);
            let server = read.settings.server.clone().expect("a server");
            assert_eq!((read.tenant(), read.settings.name.as_deref()), (Some(tenant.clone()), Some(name)));
            assert_eq!(read.is_local(), name == "dev");
            let wanted = match name {
                "dev" => LOCAL,
                "orchard" => "https://orchard.example",
                _ => "https://cloud.systemprompt.io",
            };
            assert_eq!(server.api_external_url.as_deref(), Some(wanted));
            assert_eq!(read.signing_key_file(), place.join("signing_key.pem"));
            for key in [
                "  credentials_path: ../../credentials.json",
                "  tenants_path: ../../tenants.json",
                if name == "dev" { "rate_limits: { disabled: true }" } else { "rate_limits: { disabled: false }" },
                if name == "dev" { "  validation: warn" } else { "  validation: strict" },
            ] {
                assert!(text.lines().any(|line| line == key), "{name}: {key}\n{text}");
            }
            assert_eq!(text.contains("external_db_access: true"), name == "orchard");
            assert_eq!(
                server.trusted_proxies.is_some_and(|all| all.iter().any(|one| one == "fc00::/7")),
                name != "dev"
            );
        }
        assert_eq!((label("prod").as_str(), label("orchard").as_str()), ("Production", "Orchard"));
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
