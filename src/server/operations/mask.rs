//! What of a request's address may stand in a log: paths with the parts that open something replaced, and of the query
//! only what is known to be harmless.

/// Stands for what is not shown.
const HIDDEN: &str = "***";
/// Longest path in a log, characters.
const LONGEST: usize = 512;
/// From here on a part without any shape that is known could be a secret.
const RANDOM: usize = 20;
/// After these parts comes a secret, whatever it looks like.
const BEFORE_SECRETS: [&str; 2] = ["credentials", "pay"];
/// Parameters whose values are harmless.
const HARMLESS: [&str; 8] = ["digest", "follow", "from", "last", "lines", "mount", "n", "limit"];

/// The path for the log.
#[must_use]
pub fn path(raw: &str) -> String {
    let mut masked = String::with_capacity(raw.len().min(LONGEST));
    let mut secret_next = false;
    for (index, part) in raw.split('/').enumerate() {
        if index > 0 {
            masked.push('/');
        }
        // An empty part between them does not make it harmless.
        if part.is_empty() {
            continue;
        }
        masked.push_str(if secret_next || could_be_secret(part) { HIDDEN } else { part });
        secret_next = BEFORE_SECRETS.iter().any(|word| part.eq_ignore_ascii_case(word));
        if masked.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|&end| masked.is_char_boundary(end)).unwrap_or(0);
            masked.truncate(end);
            masked.push_str("...");
            break;
        }
    }
    masked
}

/// The query for the log: names, and values where they are harmless.
#[must_use]
pub fn query(raw: &str) -> String {
    let mut parts = raw.split('&').take(16).filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match HARMLESS.iter().find(|known| **known == name) {
            Some(name) if !could_be_secret(value) && value.len() <= 128 => format!("{name}={value}"),
            Some(name) => format!("{name}={HIDDEN}"),
            None => HIDDEN.to_owned(),
        }
    });
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |all, part| all + "&" + &part)
}

fn could_be_secret(part: &str) -> bool {
    part.len() >= RANDOM && !is_known_shape(part)
}

/// Ids of tenants, their tags, digests of content, and names of secrets and of images.
fn is_known_shape(part: &str) -> bool {
    let id = part.strip_prefix("tenant-").unwrap_or(part);
    let is_uuid = id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    let is_digest = part.strip_prefix("sha256:").or_else(|| part.strip_prefix("sha256%3A")).is_some_and(is_hex);
    let is_name = part.len() <= 128
        && (part.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            || part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
    is_uuid || is_digest || is_name
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_something_is_not_shown() {
        let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
        for (raw, shown) in [
            (format!("/api/v1/tenants/{id}/credentials/abc"), format!("/api/v1/tenants/{id}/credentials/***")),
            ("/x//Credentials//abc".into(), "/x//Credentials//***".into()),
            ("/pay/cs_1".into(), "/pay/***".into()),
            ("/api/v1/%63redentials/kJ83hdKd83hfKs92hsKf83hd".into(), "/api/v1/%63redentials/***".into()),
            (
                format!("/v2/systemprompt-images/manifests/tenant-{id}"),
                format!("/v2/systemprompt-images/manifests/tenant-{id}"),
            ),
            (format!("/v2/x/blobs/sha256:{}", "a1".repeat(32)), format!("/v2/x/blobs/sha256:{}", "a1".repeat(32))),
            (
                format!("/api/v1/tenants/{id}/secrets/OPENAI_API_KEY_OF_THE_TEAM"),
                format!("/api/v1/tenants/{id}/secrets/OPENAI_API_KEY_OF_THE_TEAM"),
            ),
            ("/".into(), "/".into()),
        ] {
            assert_eq!(path(&raw), shown);
        }
        assert!(path(&"/ab".repeat(9000)).len() < 600);
    }

    #[test]
    fn of_a_query_only_the_harmless_is_shown() {
        for (raw, shown) in [
            ("follow=true&lines=100", "follow=true&lines=100"),
            ("token=abc&lines=5", "***&lines=5"),
            ("sk_live_1", "***"),
            ("lines=kJ83hdKd83hfKs92hsKf83hd", "lines=***"),
            ("", ""),
        ] {
            assert_eq!(query(raw), shown, "{raw}");
        }
    }
}
