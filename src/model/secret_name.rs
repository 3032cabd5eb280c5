//! What a tenant's secret may be called, and how long it may be (protocol G.6): one rule for the server, which refuses, and
//! for the screen, which says so before it asks.
//!
//! A refusal quotes nothing: who mixes up name and value must not find the value in a log.

use super::{Problem, Secret};

/// Longest name, characters.
pub const MAX_NAME: usize = 128;
/// Largest value, bytes.
pub const MAX_VALUE: usize = 32 * 1024;

/// Names that only the server sets (protocol F.6, E.6). The keys of the AI services are not among them.
const MANAGED: [&str; 17] = [
    "API_EXTERNAL_URL",
    "API_SERVER_URL",
    "APP_URL",
    "DATABASE_TYPE",
    "DATABASE_URL",
    "FLY_APP_NAME",
    "FLY_MACHINE_ID",
    "HOST",
    "JWT_ACCESS_TOKEN_EXPIRATION",
    "JWT_ISSUER",
    "JWT_SECRET",
    "PORT",
    "RUST_LOG",
    "SYSTEMPROMPT_SERVICES_PATH",
    "TENANT_ID",
    "TENANT_NAME",
    "WEB_DIR",
];

/// True for a name that only the server sets.
#[must_use]
pub fn is_managed(name: &str) -> bool {
    MANAGED.contains(&name)
}

/// True for what an environment can hold as a name: capitals, digits and underscores behind a capital.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(inside)
        && name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The name that a person typed, in capitals.
///
/// # Errors
/// One that no secret can have, or that only the server sets.
pub fn read(typed: &str) -> Result<String, Problem> {
    let name = typed.trim().to_ascii_uppercase();
    if !is_name(&name) {
        return Err(Problem::new("A secret cannot have this name.")
            .hint(format!("It has up to {MAX_NAME} letters, digits and underscores, and begins with a letter.")));
    }
    if is_managed(&name) {
        return Err(Problem::new(format!("{name} is set by the platform itself."))
            .hint("Its machine is started with the platform's value, whatever is set here."));
    }
    Ok(name)
}

/// Whether a program can be started with this value.
///
/// # Errors
/// One that is empty, too long, or holds a zero byte.
pub fn check_value(value: &Secret) -> Result<(), Problem> {
    let value = value.reveal();
    if value.is_empty() {
        return Err(Problem::new("The value is empty: nothing was sent.").hint("Remove the secret instead."));
    }
    if value.len() > MAX_VALUE {
        let hint = format!("It has {} bytes; {MAX_VALUE} are possible.", value.len());
        return Err(Problem::new("The value is too long: nothing was sent.").hint(hint));
    }
    if value.contains('\0') {
        return Err(Problem::new("The value holds a zero byte, which no program can be given."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn managed_names_are_sorted_and_the_ordinary_ones_are_not_among_them() {
        assert!(MANAGED.is_sorted());
        for ordinary in ["OPENAI_API_KEY", "SYSTEMPROMPT_API_TOKEN", "SIGNING_KEY_PEM", "OAUTH_AT_REST_PEPPER"] {
            assert!(!is_managed(ordinary), "{ordinary}");
        }
    }

    #[test]
    fn a_typed_name_is_written_in_capitals_or_refused_with_the_reason() {
        assert_eq!(read(" openai_api_key ").as_deref(), Ok("OPENAI_API_KEY"));
        for wrong in ["", " ", "9A", "_A", "A-B", "A B", "A=B", "Ä", "A\nB", &"k".repeat(129)] {
            let problem = read(wrong).expect_err(wrong);
            assert!(problem.title.contains("cannot have this name"), "{problem}");
        }
        let problem = read("database_url").expect_err("managed");
        assert!(problem.title.contains("DATABASE_URL is set by the platform"), "{problem}");
    }

    #[test]
    fn a_value_is_not_in_its_refusal() {
        for value in ["s3cret\0".to_owned(), "s3cret".repeat(10_000)] {
            let problem = check_value(&Secret::new(value)).expect_err("refused");
            assert!(!format!("{problem:?}").contains("s3cret"));
        }
        assert!(check_value(&Secret::new("")).is_err());
        assert!(check_value(&Secret::new("x".repeat(MAX_VALUE))).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_a_name(typed in "\\PC{0,12}|[a-zA-Z0-9_]{0,140}") {
            if let Ok(name) = read(&typed) {
                prop_assert!(is_name(&name) && !is_managed(&name));
                prop_assert_eq!(read(&name), Ok(name));
            }
        }
    }
}
