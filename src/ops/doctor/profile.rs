//! The tenant's profile and its secrets (protocol E.10). Tells names of secrets, never a value.

use std::net::IpAddr;
use url::{Host, Url};

use super::finding::Finding;
use super::project::{Look, shown};
use crate::model::{Problem, database_url, text};
use crate::workspace::profile::{Port, Settings};
use crate::workspace::services::{KeySource, Services};
use crate::workspace::{Profile, SecretsFile, secrets};

/// The provider's private network, behind which a tenant sees its callers.
const PEERS: &str = "fc00::/7";
/// The provider's public edge.
const EDGE: &str = "66.241.64.0/18";

/// All checks of a profile, and its secrets where they can be read.
pub(super) fn check(
    look: &Look<'_>,
    profile: &Profile,
    services: Option<&Services>,
) -> (Vec<Finding>, Option<SecretsFile>) {
    let mut found = vec![fields(look, profile)];
    let (finding, file) = secrets_file(profile);
    let is_readable = !finding.has_failed();
    found.push(finding);
    if let Some(file) = &file {
        found.push(required(file));
    }
    if is_readable {
        found.push(signing_key(profile, file.as_ref()));
    }
    if let (Some(services), Some(file)) = (services, &file) {
        found.extend(providers(services, file));
    }
    found.push(proxies(look, profile));
    found.extend(hook(&profile.settings));
    (found, file)
}

fn fields(look: &Look<'_>, profile: &Profile) -> Finding {
    const NAME: &str = "profile";
    let settings = &profile.settings;
    let name = &profile.name;
    if profile.is_local() {
        let problem = Problem::new(format!("Profile {name} is for this machine alone."))
            .detail("Its target is local.")
            .hint("Use a profile of the cloud, with target: cloud.");
        return Finding::fail(NAME, problem);
    }
    if let (Some(own), Some(tenant)) = (profile.tenant(), look.tenant)
        && own != *tenant
    {
        let problem = Problem::new(format!("Profile {name} belongs to another tenant."))
            .detail(format!("It names {own}, not {tenant}."))
            .hint("Name the tenant's own profile, or correct cloud.tenant_id.");
        return Finding::fail(NAME, problem);
    }
    let missing = missing_fields(settings);
    if !missing.is_empty() {
        let problem = Problem::new(format!("Profile {name} is not complete."))
            .detail(format!(
                "{} {} missing or wrong.",
                missing.join(", "),
                if missing.len() == 1 { "is" } else { "are" }
            ))
            .hint(format!("Correct {}; .systemprompt.example/ has a whole one.", shown(&profile.file())));
        return Finding::fail(NAME, problem);
    }
    match profile.tenant() {
        Some(_) => Finding::pass(NAME, name),
        None => Finding::warn(
            NAME,
            format!("{name} names no tenant"),
            "Set cloud.tenant_id, so that it is found by itself.",
        ),
    }
}

/// The fields without which the platform does not start.
fn missing_fields(settings: &Settings) -> Vec<&'static str> {
    let is_set = |value: Option<&String>| value.is_some_and(|value| !value.trim().is_empty());
    let server = settings.server.as_ref();
    let secrets = settings.secrets.as_ref();
    let is_placeholder = |value: &str| value.trim().starts_with("${");
    let port = server.and_then(|server| server.port.as_ref()).is_some_and(|port| match port {
        Port::Number(number) => (1..=65_535).contains(number),
        Port::Text(text) => is_placeholder(text) || text.trim().parse::<u16>().is_ok_and(|number| number > 0),
    });
    let address = server.and_then(|server| server.api_server_url.as_deref());
    let address =
        address.is_some_and(|url| is_placeholder(url) || Url::parse(url.trim()).is_ok_and(|url| url.has_host()));
    [
        ("name", is_set(settings.name.as_ref())),
        ("database.type", is_set(settings.database.as_ref().and_then(|database| database.kind.as_ref()))),
        ("server.host", is_set(server.and_then(|server| server.host.as_ref()))),
        ("server.port", port),
        ("server.api_server_url", address),
        ("cloud.tenant_id", settings.cloud.as_ref().is_some_and(|cloud| cloud.tenant_id.is_some())),
        ("secrets.secrets_path", is_set(secrets.and_then(|secrets| secrets.secrets_path.as_ref()))),
        ("secrets.source", is_set(secrets.and_then(|secrets| secrets.source.as_ref()))),
    ]
    .into_iter()
    .filter_map(|(name, is_good)| (!is_good).then_some(name))
    .collect()
}

fn secrets_file(profile: &Profile) -> (Finding, Option<SecretsFile>) {
    const NAME: &str = "secrets-file";
    let path = shown(&profile.secrets_file());
    let file = match SecretsFile::read(profile) {
        Ok(Some(file)) => file,
        Ok(None) => {
            let hint = "Without it a deploy sends no secrets; the tenant keeps those it has.";
            return (Finding::warn(NAME, format!("no file at {path}"), hint), None);
        }
        Err(error) => return (Finding::fail(NAME, error.problem()), None),
    };
    let environment = file.environment();
    let finding = if file.is_open {
        Finding::warn(NAME, format!("others may read {path}"), "Run `chmod 600` on it.")
    } else if environment.unusable.is_empty() {
        Finding::pass(NAME, super::plural(environment.secrets, "secret"))
    } else {
        let names: Vec<_> = environment.unusable.iter().take(5).cloned().collect();
        let detail = format!("not sent, because no variable can be called so: {}", names.join(", "));
        Finding::warn(NAME, detail, "Use letters, digits and underscores, a letter first.")
    };
    (finding, Some(file))
}

fn required(file: &SecretsFile) -> Finding {
    const NAME: &str = "secrets";
    let mut missing = Vec::new();
    if file.get("oauth_at_rest_pepper").is_none() {
        missing.push("oauth_at_rest_pepper");
    }
    if file.get("database_url").is_none() && file.get("internal_database_url").is_none() {
        missing.push("database_url or internal_database_url");
    }
    let used = file.get("internal_database_url").or_else(|| file.get("database_url"));
    if missing.is_empty() && used.is_some_and(|url| database_url::is_masked(url.reveal())) {
        let hint = "Fetch the tenant's one-time credentials where they wait; rotate its credentials where they do not.";
        return Finding::warn(NAME, "the stored database URL has no password, so it is not sent", hint);
    }
    if missing.is_empty() {
        return Finding::pass(NAME, "oauth_at_rest_pepper and the database's URL are set");
    }
    let problem = Problem::new("The platform would not start without these secrets.")
        .detail(format!("Missing: {}.", missing.join(", ")))
        .hint("Add them to the profile's secrets.json; the pepper is 64 letters and digits of your choice.");
    Finding::fail(NAME, problem)
}

fn signing_key(profile: &Profile, file: Option<&SecretsFile>) -> Finding {
    const NAME: &str = "signing-key";
    if file.is_some_and(|file| file.get("signing_key_pem").is_some()) {
        return Finding::pass(NAME, "in the secrets");
    }
    let path = profile.signing_key_file();
    match secrets::signing_key(profile) {
        Ok(Some(_)) if secrets::is_open(&path) => {
            Finding::warn(NAME, format!("others may read {}", shown(&path)), "Run `chmod 600` on it.")
        }
        Ok(Some(_)) => Finding::pass(NAME, shown(&path)),
        Ok(None) => {
            let hint = format!("Make one: `{}`.", crate::ops::init::key_by_hand("signing_key.pem"));
            let problem = Problem::new("No signing key.").detail(format!("Looked at {}.", shown(&path))).hint(hint);
            Finding::fail(NAME, problem)
        }
        Err(error) => Finding::fail(NAME, error.problem()),
    }
}

fn providers(services: &Services, file: &SecretsFile) -> Option<Finding> {
    const NAME: &str = "providers";
    let variables = file.environment().variables;
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for (name, provider) in &services.ai.as_ref()?.providers {
        let Some(provider) = provider.as_ref().filter(|provider| provider.is_enabled()) else { continue };
        let shown = text::short(name, 60);
        match provider.key(name) {
            KeySource::Variables(names) if !names.iter().any(|name| variables.contains_key(name)) => {
                missing.push(format!("{shown} ({})", names.join(" or ")));
            }
            _ => ready.push(shown),
        }
    }
    if missing.is_empty() {
        return (!ready.is_empty()).then(|| Finding::pass(NAME, ready.join(", ")));
    }
    let problem = Problem::new("AI providers are switched on without a key.")
        .detail(format!("{}.", missing.join(", ")))
        .hint("Add the keys to the profile's secrets.json, or switch the providers off.");
    Some(Finding::fail(NAME, problem))
}

fn proxies(look: &Look<'_>, profile: &Profile) -> Finding {
    const NAME: &str = "proxy-topology";
    if look.is_local_api {
        return Finding::pass(NAME, "no provider's proxies on this machine");
    }
    let trusted =
        profile.settings.server.as_ref().and_then(|server| server.trusted_proxies.as_deref()).unwrap_or_default();
    let is_covered = |wanted| trusted.iter().any(|network| covers(network, wanted));
    match (is_covered(PEERS), is_covered(EDGE)) {
        (false, _) => Finding::fail(
            NAME,
            Problem::new("The tenant would take the provider's proxies for its callers.")
                .detail(format!("{PEERS} is not among server.trusted_proxies."))
                .hint(format!("Add {PEERS} and {EDGE} there.")),
        ),
        (true, false) => {
            let detail = format!("{EDGE} is not among server.trusted_proxies: callers seem to come from the provider");
            Finding::warn(NAME, detail, "Add it there.")
        }
        (true, true) => Finding::pass(NAME, "the provider's networks are trusted"),
    }
}

/// True when the network `wide` holds all of `narrow`.
fn covers(wide: &str, narrow: &str) -> bool {
    let (Some((wide, length)), Some((narrow, least))) = (network(wide), network(narrow)) else { return false };
    let same_beginning = |one: &[u8], other: &[u8]| {
        let bits = |bytes: &[u8]| {
            bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> (7 - bit) & 1)).collect::<Vec<_>>()
        };
        bits(one).iter().zip(bits(other)).take(length).all(|(one, other)| *one == other)
    };
    length <= least
        && match (wide, narrow) {
            (IpAddr::V4(wide), IpAddr::V4(narrow)) => same_beginning(&wide.octets(), &narrow.octets()),
            (IpAddr::V6(wide), IpAddr::V6(narrow)) => same_beginning(&wide.octets(), &narrow.octets()),
            _ => false,
        }
}

fn network(raw: &str) -> Option<(IpAddr, usize)> {
    let raw = raw.trim();
    let (address, length) = raw.split_once('/').map_or((raw, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(whole), |length| length.parse().ok())?;
    (length <= whole).then_some((address, length))
}

/// A governance webhook belongs on the tenant's own address, outside or inside of its machine.
fn hook(settings: &Settings) -> Option<Finding> {
    const NAME: &str = "hook-url";
    let authz = settings.governance.as_ref()?.authz.as_ref()?;
    let raw = hook_url(authz)?;
    let own = settings
        .server
        .as_ref()
        .and_then(|server| server.api_external_url.as_deref().or(server.api_server_url.as_deref()));
    let Ok(url) = Url::parse(raw.trim()) else {
        return (!raw.contains("${"))
            .then(|| Finding::warn(NAME, "the governance webhook is no URL", "Correct governance.authz."));
    };
    let host = text::short(url.host_str().unwrap_or_default(), 120);
    // Inside of the machine; a name below `localhost` is a tenant's, perhaps another one's.
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_own = own.and_then(|own| Url::parse(own.trim()).ok()).is_some_and(|own| own.host() == url.host());
    Some(if is_loopback || is_own {
        Finding::pass(NAME, host)
    } else {
        let hint = "Let governance.authz name server.api_external_url or server.api_internal_url.";
        Finding::warn(NAME, format!("the governance webhook is at {host}, not at the tenant itself"), hint)
    })
}

/// The address, in whichever of its forms the profile has it.
fn hook_url(authz: &serde_json::Value) -> Option<&str> {
    let own = |value: &serde_json::Value| -> bool { value.as_str().is_some_and(|text| !text.trim().is_empty()) };
    let places = [
        authz.get("url"),
        authz.get("webhook_url"),
        authz.get("webhook"),
        authz.get("webhook").and_then(|inner| inner.get("url")),
        authz.get("hook").and_then(|inner| inner.get("url")),
    ];
    places.into_iter().flatten().find(|value| own(value)).and_then(serde_json::Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::super::project::tests::result;
    use super::*;
    use crate::model::CheckResult::{self, Fail, Pass, Warn};

    const WHOLE: &str = "name: prod
target: cloud
database: {type: postgres}
server: {host: 0.0.0.0, port: 8080, api_server_url: 'https://a.example', trusted_proxies: ['fc00::/7', 66.241.64.0/18]}
cloud: {tenant_id: ten_1}
secrets: {secrets_path: ./secrets.json, source: env}
";
    const SECRETS: &str =
        r#"{"oauth_at_rest_pepper": "hunter2", "database_url": "postgres://u:hunter2@db.internal/x"}"#;
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";

    fn of(
        name: &str,
        profile: &str,
        secrets: Option<&str>,
        key: Option<&str>,
        more: &[(&str, &str)],
    ) -> Option<CheckResult> {
        let mut files = vec![(".systemprompt/profiles/prod/profile.yaml", profile)];
        files.extend(secrets.map(|content| (".systemprompt/profiles/prod/secrets.json", content)));
        files.extend(key.map(|content| (".systemprompt/profiles/prod/signing_key.pem", content)));
        files.extend(more);
        result(&files, false, name)
    }

    #[test]
    fn fields() {
        assert_eq!(of("profile", WHOLE, None, None, &[]), Some(Pass));
        for (from, to, expected) in [
            ("name: prod", "", Fail),
            ("target: cloud", "target: local", Fail),
            ("type: postgres", "", Fail),
            ("port: 8080", "port: 0", Fail),
            ("port: 8080", "port: many", Fail),
            ("port: 8080", "port: \"${PORT}\"", Pass),
            ("port: 8080", "port: \"8080\"", Pass),
            ("https://a.example", "a.example", Fail),
            ("https://a.example", "${URL}", Pass),
            ("source: env", "", Fail),
        ] {
            assert_eq!(of("profile", &WHOLE.replace(from, to), None, None, &[]), Some(expected), "{to}");
        }
    }

    #[test]
    fn secrets_and_keys() {
        for (secrets, key, expected) in [
            (Some(SECRETS), Some(KEY), [Some(Pass), Some(Pass), Some(Pass)]),
            (None, Some(KEY), [Some(Warn), None, Some(Pass)]),
            (None, None, [Some(Warn), None, Some(Fail)]),
            (Some(r#"{"my-key": "hunter2"}"#), Some(KEY), [Some(Warn), Some(Fail), Some(Pass)]),
            (Some("{"), Some(KEY), [Some(Fail), None, None]),
            (Some("[\"hunter2\"]"), Some(KEY), [Some(Fail), None, None]),
            (Some("{}"), None, [Some(Pass), Some(Fail), Some(Fail)]),
            (Some(r#"{"oauth_at_rest_pepper": "hunter2"}"#), None, [Some(Pass), Some(Fail), Some(Fail)]),
            (
                Some(r#"{"database_url": "hunter2", "signing_key_pem": "hunter2"}"#),
                None,
                [Some(Pass), Some(Fail), Some(Pass)],
            ),
            (
                Some(r#"{"oauth_at_rest_pepper": "", "database_url": "hunter2"}"#),
                None,
                [Some(Pass), Some(Fail), Some(Fail)],
            ),
            (Some(SECRETS), Some("hunter2"), [Some(Pass), Some(Pass), Some(Fail)]),
            (
                Some(
                    r#"{"oauth_at_rest_pepper": "hunter2", "internal_database_url": "postgres://u:***@db.internal/x"}"#,
                ),
                Some(KEY),
                [Some(Pass), Some(Warn), Some(Pass)],
            ),
        ] {
            let found = ["secrets-file", "secrets", "signing-key"].map(|name| of(name, WHOLE, secrets, key, &[]));
            assert_eq!(found, expected, "{secrets:?} {key:?}");
        }
    }

    #[test]
    fn files_that_others_may_read_are_told() {
        use super::super::project::tests::project;
        use std::os::unix::fs::PermissionsExt;
        let place = |file: &str| format!(".systemprompt/profiles/prod/{file}");
        let (_folder, project) = project(&[
            (&place("profile.yaml"), WHOLE),
            (&place("secrets.json"), SECRETS),
            (&place("signing_key.pem"), KEY),
        ]);
        for file in ["secrets.json", "signing_key.pem"] {
            let path = project.root.join(place(file));
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o640)).expect("a mode");
        }
        let profile = crate::workspace::profile::named(&project, "prod").expect("a profile");
        let (finding, file) = secrets_file(&profile);
        for check in [finding.check, signing_key(&profile, file.as_ref()).check] {
            assert!(check.result == Warn && check.hint.is_some_and(|hint| hint.contains("chmod 600")));
        }
        assert!(!format!("{file:?} {profile:?}").contains("hunter2"));
    }

    #[test]
    fn providers_need_their_keys() {
        let config = "services/config/config.yaml";
        for (ai, secrets, expected) in [
            ("{anthropic: {}}", r#"{"anthropic": "hunter2"}"#, Some(Pass)),
            ("{anthropic: {}}", SECRETS, Some(Fail)),
            ("{anthropic: {enabled: false}}", SECRETS, None),
            ("{google: {}}", r#"{"gemini": "hunter2"}"#, Some(Pass)),
            ("{own: {api_key: hunter2}}", SECRETS, Some(Pass)),
            ("{own: {api_key: '${OWN_KEY}'}}", SECRETS, Some(Fail)),
            ("{own: {api_key: '${OWN_KEY}'}}", r#"{"own_key": "hunter2"}"#, Some(Pass)),
        ] {
            let ai = format!("ai: {{default_provider: x, providers: {ai}}}");
            assert_eq!(of("providers", WHOLE, Some(secrets), None, &[(config, &ai)]), expected, "{ai}");
        }
        assert_eq!(of("providers", WHOLE, Some(SECRETS), None, &[]), None);
    }

    #[test]
    fn proxies() {
        let both = "['fc00::/7', 66.241.64.0/18]";
        for (networks, expected) in [
            (both, Pass),
            ("['::/0', 0.0.0.0/0]", Pass),
            ("['fc00::/7']", Warn),
            ("['fc00::/7', 66.241.64.0/19]", Warn),
            ("[66.241.64.0/18]", Fail),
            ("['fc00::/8', 66.241.64.0/18]", Fail),
            ("[nonsense, 'fc00::/7/7', 'fc00::/200']", Fail),
            ("[]", Fail),
        ] {
            assert_eq!(
                of("proxy-topology", &WHOLE.replace(both, networks), None, None, &[]),
                Some(expected),
                "{networks}"
            );
        }
    }

    #[test]
    fn the_hook_belongs_to_the_tenant() {
        for (authz, expected) in [
            ("{hook: {url: 'http://localhost:8080/x'}}", Some(Pass)),
            ("{url: 'https://a.example/govern'}", Some(Pass)),
            ("{webhook: 'https://u:hunter2@b.example/govern'}", Some(Warn)),
            ("{webhook: {url: nonsense}}", Some(Warn)),
            ("{url: '${HOOK}'}", None),
            ("{mode: off}", None),
        ] {
            let profile = format!("{WHOLE}governance: {{authz: {authz}}}\n");
            assert_eq!(of("hook-url", &profile, None, None, &[]), expected, "{authz}");
        }
        assert_eq!(of("hook-url", WHOLE, None, None, &[]), None);
    }
}
