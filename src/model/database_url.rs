//! The address of a tenant's database: whether its password is really there, how it is shown, and how it is reached
//! from outside (protocol A.1).
//!
//! An address that cannot be taken apart is left alone. Must not know who keeps one.

use url::Url;

use super::Secret;

/// Hosts of the platform's databases as the world sees them.
const OUTSIDE: &str = "db.systemprompt.io";
const OUTSIDE_SANDBOX: &str = "db-sandbox.systemprompt.io";
/// What stands for a password.
const MASK: &str = "****";

/// True where stars stand for the password, or there is no address at all: such a one must never replace a whole one.
#[must_use]
pub fn is_masked(raw: &str) -> bool {
    match parsed(raw) {
        Some(url) => url.password().is_some_and(|password| is_mask(&decoded(password))),
        None => raw.trim().is_empty(),
    }
}

/// The address with stars for its password, for people. One that cannot be taken apart is all stars.
#[must_use]
pub fn masked(url: &Secret) -> String {
    let shown = parsed(url.reveal()).and_then(|mut url| {
        if url.password().is_some() {
            url.set_password(Some(MASK)).ok()?;
        }
        Some(url)
    });
    shown.map_or_else(|| MASK.to_owned(), |url| super::text::line(url.as_str()))
}

/// True where both lead to databases of one name. From outside a tenant's database has another host, and may have
/// another user.
#[must_use]
pub fn same_database(one: &str, other: &str) -> bool {
    match (parsed(one), parsed(other)) {
        (Some(one), Some(other)) => one.path() == other.path() && one.path().len() > 1,
        _ => false,
    }
}

/// `shown`, an address with a masked password, with the password of `whole`. `None` where either cannot be taken apart,
/// or they are of different databases.
#[must_use]
pub fn unmasked(shown: &str, whole: &Secret) -> Option<Secret> {
    if !same_database(shown, whole.reveal()) {
        return None;
    }
    let whole = parsed(whole.reveal())?;
    let mut shown = parsed(shown)?;
    if is_mask(&decoded(whole.password()?)) {
        return None;
    }
    shown.set_password(whole.password()).ok()?;
    Some(Secret::new(String::from(shown)))
}

/// The outer form of an address inside the hosted platform: another host, and TLS. `None` for an address elsewhere.
#[must_use]
pub fn outside(inside: &Secret) -> Option<Secret> {
    let raw = inside.reveal();
    let url = parsed(raw)?;
    let host = url.host_str()?;
    if !host.ends_with(".internal") {
        return None;
    }
    let outer = if host.contains("sandbox") { OUTSIDE_SANDBOX } else { OUTSIDE };
    let mut url = url.clone();
    url.set_host(Some(outer)).ok()?;
    Some(Secret::new(url.as_str().replace("sslmode=disable", "sslmode=require")))
}

fn parsed(raw: &str) -> Option<Url> {
    Url::parse(raw.trim()).ok().filter(Url::has_host)
}

fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// Stars, bullets, or nothing at all.
fn is_mask(password: &str) -> bool {
    password.chars().all(|c| matches!(c, '*' | '•'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_password_is_shown(password in "[a-zA-Z0-9]{12,40}", user in "[a-z_]{1,8}", rest in "[a-z0-9./:?=&@]{0,30}") {
            let url = Secret::new(format!("postgres://{user}:{password}@h/{rest}"));
            prop_assert!(!masked(&url).contains(&password));
            prop_assert!(!is_masked(url.reveal()));
        }

        #[test]
        fn any_text_can_be_looked_at(raw in any::<String>(), other in any::<String>()) {
            let secret = Secret::new(raw.clone());
            let _ = is_masked(&raw);
            let _ = same_database(&raw, &other);
            prop_assert!(masked(&secret).chars().all(|c| !c.is_control()));
            let _ = unmasked(&other, &secret);
            let _ = outside(&secret);
        }
    }

    #[test]
    fn stars_are_no_password() {
        for raw in [
            "",
            " ",
            "postgres://t:***@h:5432/d",
            "postgres://t:********@h/d?sslmode=disable",
            "postgres://t:%2A%2A%2A@h/d",
            "postgres://t:••••@h/d",
        ] {
            assert!(is_masked(raw), "{raw}");
        }
        for raw in ["postgres://t:h8T@h/d", "postgres://t:*h8T*@h/d", "postgres://t@h/d", "host=h password=x"] {
            assert!(!is_masked(raw), "{raw}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        for (raw, shown) in [
            ("postgres://t:h8T@h:5432/d?sslmode=disable", "postgres://t:****@h:5432/d?sslmode=disable"),
            ("postgres://t@h/d", "postgres://t@h/d"),
            ("host=h password=h8T", "****"),
        ] {
            assert_eq!(masked(&Secret::new(raw)), shown);
        }
    }

    #[test]
    fn the_outer_form_is_made_for_the_hosted_platform_alone() {
        let outer = |raw: &str| outside(&Secret::new(raw)).map(|url| url.reveal().to_owned());
        assert_eq!(
            outer("postgres://t:p%40ss@sp-postgres.internal:5432/d?sslmode=disable").as_deref(),
            Some("postgres://t:p%40ss@db.systemprompt.io:5432/d?sslmode=require")
        );
        assert_eq!(
            outer("postgres://t:p@sp-postgres-sandbox.internal:5432/d").as_deref(),
            Some("postgres://t:p@db-sandbox.systemprompt.io:5432/d")
        );
        for elsewhere in ["postgres://t:p@127.0.0.1:5432/d", "nothing", "postgres://t:p@internal.example/d"] {
            assert_eq!(outer(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_masked_address_gets_its_password_from_one_of_the_same_database() {
        let whole = Secret::new("postgres://t:p%40ss@inner:5432/d");
        let made = |shown: &str| unmasked(shown, &whole).map(|url| url.reveal().to_owned());
        assert_eq!(made("postgres://t:***@outer:1/d?a=b").as_deref(), Some("postgres://t:p%40ss@outer:1/d?a=b"));
        assert_eq!(made("postgres://t_outside:***@outer/d").as_deref(), Some("postgres://t_outside:p%40ss@outer/d"));
        assert_eq!(made("postgres://t:***@outer/other"), None);
        assert_eq!(made("postgres://t:***@outer/"), None);
        assert_eq!(made("***"), None);
        assert_eq!(unmasked("postgres://t:***@outer/d", &Secret::new("postgres://t:***@inner/d")), None);
    }
}
