//! Takes out of a text what looks like a secret or like a person, before the text leaves the machine. Rather too much
//! than too little: what is missing can be asked for, what was sent cannot be taken back.

use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands where something was.
const GONE: &str = "••••";
/// Values of the environment that are shorter stand in every text by chance, in bytes.
const SHORTEST_VALUE: usize = 6;
/// Runs of letters and digits without a name that are shorter are words, in characters.
const SHORTEST_RUN: usize = 16;

/// Names of values that are secrets, as a pattern.
const NAMES: &str = r"token|secret|passw(?:or)?d|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|[_-]key\b|credential|authorization|cookie|session|signature|database[_-]?url|dsn|nonce";

/// A pattern, and what replaces it.
struct Rule {
    pattern: Regex,
    with: &'static str,
}

/// In this order: what names itself before what only looks strange.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let named =
        format!(r#"(?i)((?:{NAMES})[\w.-]*["']?\s*[=:]\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&\])}}]+)"#);
    let to_the_end = r#"(?im)((?:passw(?:or)?d|passphrase|authorization|cookie)[\w.-]*\s*[=:]\s*)[^"'\s][^"\n]*"#;
    [
        (r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)", "[private key]"),
        // The password of an address may hold anything but blanks.
        (r#"([A-Za-z][A-Za-z0-9+.-]*://)[^\s"'<>]*@"#, "${1}••••@"),
        (r#"([?&][A-Za-z0-9_.~\[\]-]+=)[^\s&#"'<>]+"#, "${1}••••"),
        (r"(?i)\b(bearer|basic|negotiate)\s+[A-Za-z0-9._~+/=-]{6,}", "${1} ••••"),
        (to_the_end, "${1}••••"),
        (&named, "${1}••••"),
        (r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4}", GONE),
        (
            r"\b(?:gh[opusr]_|github_pat_|glpat-|sk[-_]|pk_|rk_|whsec_|pdl_|ntfset_|xox[abeoprs]-|AKIA|ASIA|AIza|ya29\.|npm_|pypi-|hf_|dckr_pat_|dop_v1_|shpat_|SG\.|fm[12]_|fo1_|FlyV1 |sntrys_|AGE-SECRET-KEY-|tskey-|vault:|hv[sbr]\.)[A-Za-z0-9._/+=-]{4,}",
            GONE,
        ),
        (r"[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+\.[A-Za-z0-9.-]+)", "••••@${1}"),
    ]
    .into_iter()
    // A pattern that is none fails a test.
    .filter_map(|(pattern, with)| Some(Rule { pattern: Regex::new(pattern).ok()?, with }))
    .collect()
});

/// Runs that may be keys; a digest says so in front.
static RUNS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(sha(?:1|256|384|512):)?[A-Za-z0-9+/_-]{16,}={0,2}").ok());
static UUID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$").ok());
static SECRET_NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"(?i)(?:{NAMES}|_auth$|^auth_|_pat$)")).ok());

/// Knows what must not be told of this machine.
#[derive(Clone, Default)]
pub struct Scrubber {
    /// Literal values, the longest first, and what replaces them.
    values: Vec<(String, &'static str)>,
}

impl Scrubber {
    /// Knows the secrets of the environment and the home directory.
    pub fn of_process() -> Self {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        Self::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Knows the secrets of this environment.
    pub fn new(environment: impl Iterator<Item = (String, String)>) -> Self {
        let mut values: Vec<_> = environment
            .filter_map(|(name, value)| match name.as_str() {
                "HOME" if value.len() > 1 => Some((value, "~")),
                _ if is_secret(&name) && value.len() >= SHORTEST_VALUE => Some((value, GONE)),
                _ => None,
            })
            .collect();
        values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// `text` without what looks like a secret or a person.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let text = self.scrub_named(text);
        let Some(runs) = RUNS.as_ref() else { return GONE.to_owned() };
        runs.replace_all(&text, run).into_owned()
    }

    /// The same for a text of paths and names of code, in which long runs are nothing strange.
    #[must_use]
    pub fn scrub_named(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for (value, with) in &self.values {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), with));
            }
        }
        for rule in RULES.iter() {
            if let Cow::Owned(changed) = rule.pattern.replace_all(&text, rule.with) {
                text = Cow::Owned(changed);
            }
        }
        text.into_owned()
    }
}

fn is_secret(name: &str) -> bool {
    SECRET_NAME.as_ref().is_none_or(|pattern| pattern.is_match(name))
}

/// What stands for a run.
fn run(found: &Captures<'_>) -> String {
    let whole = &found[0];
    if found.get(1).is_some() {
        return whole.to_owned();
    }
    if let Some(begin) = UUID.as_ref().and_then(|uuid| uuid.captures(whole)) {
        // Tells one tenant from another, and opens nothing.
        return format!("{}-{GONE}", &begin[1]);
    }
    let is_path = whole.starts_with('/');
    let strange = if is_path { whole.split('/').any(is_strange) } else { is_strange(whole) };
    if strange { GONE.to_owned() } else { whole.to_owned() }
}

/// Letters and digits mixed as nobody writes words.
fn is_strange(run: &str) -> bool {
    let has = |kind: fn(&char) -> bool| run.chars().any(|c| kind(&c));
    let (digit, lower, upper) =
        (has(char::is_ascii_digit), has(char::is_ascii_lowercase), has(char::is_ascii_uppercase));
    match run.len() {
        0..SHORTEST_RUN => false,
        16..24 => digit && lower && upper,
        24..40 => digit && (lower || upper),
        _ => digit || (lower && upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scrub(text: &str) -> String {
        Scrubber::default().scrub(text)
    }

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(RULES.len(), 9);
        assert!(RUNS.is_some() && UUID.is_some() && SECRET_NAME.is_some());
    }

    #[test]
    fn what_names_itself_a_secret_is_taken_out() {
        for (text, left) in [
            ("api_token=t0p-s3cret next", "api_token=•••• next"),
            (r#"{"password": "a b\"c", "user": "mara"}"#, r#"{"password": ••••, "user": "mara"}"#),
            ("DATABASE_URL: postgres://mara:s3c@ret/x@db:5432/a", "DATABASE_URL: ••••"),
            ("at postgres://mara:s3c@ret/x@db:5432/a now", "at postgres://••••@db:5432/a now"),
            ("Authorization: Bearer abc.def", "Authorization: ••••"),
            ("sent with bearer abcdef-123 to", "sent with bearer •••• to"),
            ("password = correct horse battery", "password = ••••"),
            ("GET https://api.example/a?code=xyz&state=1#top", "GET https://api.example/a?code=••••&state=••••#top"),
            ("Set-Cookie: a=b; c=d\nnext line", "Set-Cookie: ••••\nnext line"),
            ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln y", "x •••• y"),
            ("key sk-proj-abc123 and ghp_abcd1234", "key •••• and ••••"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest", "[private key]\nrest"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE and no end", "[private key]"),
            ("told mara@orchard.example", "told ••••@orchard.example"),
            ("STRIPE_SECRET_KEY='a b' ok", "STRIPE_SECRET_KEY=•••• ok"),
        ] {
            assert_eq!(scrub(text), left, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_taken_out_and_what_helps_stays() {
        for gone in ["q9Zt3Lx0Vb7Rk2Wm", "0123456789abcdef01234567", "aGVsbG8gd29ybGQgaGVsbG8/d29ybGQrMTIzNDU2Nzg="] {
            assert_eq!(scrub(&format!("with {gone} inside")), "with •••• inside");
        }
        for stays in [
            "thread main panicked at src/tui/runtime.rs:88:14: index out of bounds",
            "2026-11-30T10:15:00.123456Z INFO tenantry::ops::deploy: pushed layers=5",
            "sha256:5e1f2a9c0000000000000000000000000000000000000000000000000000aaaa",
            "/home/builder/Projects/tenantry/target/debug/deps/tenantry",
            "the connection to http://127.0.0.1:8765/api/v1/tenants was refused",
        ] {
            assert_eq!(scrub(stays), stays);
        }
        assert_eq!(scrub("tenant 3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f01"), "tenant 3f6c1b8e-••••");
    }

    #[test]
    fn the_environments_secrets_are_known_by_their_value() {
        let environment = [("HOME", "/home/mara"), ("MY_API_KEY", "plainword"), ("EDITOR", "nano"), ("A_TOKEN", "no")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let scrubber = Scrubber::new(environment.into_iter());
        assert_eq!(scrubber.scrub("plainword in /home/mara/x by nano no"), "•••• in ~/x by nano no");
    }

    /// Secrets of every shape that has a name or is long.
    fn planted() -> impl Strategy<Value = (String, String)> {
        let secret = "[a-z0-9]{6}Zq[A-Z0-9]{6,20}";
        let named = prop::sample::select(vec![
            "token=",
            "api_key: ",
            "\"client_secret\":\"",
            "PASSWORD=",
            "Authorization: Bearer ",
            "x-api-key: ",
            "&code=",
            "?sig=",
            "cookie: a=",
            "private_key = '",
            "github_pat_",
            "sk-",
            "bearer ",
        ]);
        (named, secret).prop_map(|(name, secret)| (format!("{name}{secret}"), secret))
    }

    proptest! {
        #[test]
        fn a_planted_secret_is_never_left((text, secret) in planted(), before in "\\PC{0,40}", after in "\\PC{0,40}") {
            for around in [format!("{before} {text} {after}"), format!("{before}\n{text}\"\n{after}"), text.clone()] {
                let left = scrub(&around);
                prop_assert!(!left.contains(&secret), "{} -> {}", around, left);
            }
        }

        #[test]
        fn a_secret_in_an_address_is_never_left(user in "[a-z]{1,8}", secret in "[A-Za-z0-9@:/%]{4,12}", before in "\\PC{0,40}") {
            let left = scrub(&format!("{before} postgres://{user}:Zq{secret}Zq@db.example/x"));
            prop_assert!(!left.contains(&format!("Zq{secret}Zq")), "{}", left);
        }

        #[test]
        fn a_text_of_words_stays(words in prop::collection::vec("[a-z]{1,12}", 0..20)) {
            let text = words.join(" ");
            prop_assume!(!text.contains("basic") && !text.contains("bearer") && !text.contains("negotiate"));
            prop_assert_eq!(scrub(&text), text);
        }
    }
}
