//! The secrets of a tenant that people set one by one (protocol B.26 to B.31). The profile's are sent elsewhere, as a deploy
//! does it.

use std::collections::BTreeMap;

use super::{Session, lifecycle};
use crate::model::{Problem, Secret, TenantId, text};

/// The longest name of a variable, bytes (protocol G.6).
const NAME: usize = 128;
/// The longest name that a message shows, characters.
const SHOWN: usize = 60;

/// What was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The names that were sent.
    pub set: Vec<String>,
    /// Those of them that the server did not take, because the platform sets them itself.
    pub ignored: Vec<String>,
    /// All names as they are now; `None` where the server did not say.
    pub keys: Option<Vec<String>>,
}

/// Sets them; those that are not named stay. With `restart` a running machine gets them at once.
///
/// # Errors
/// A problem before anything is sent where a name cannot be a variable's, or a value is empty.
pub async fn set(
    session: &Session,
    tenant: &TenantId,
    secrets: BTreeMap<String, Secret>,
    restart: bool,
) -> Result<Set, Problem> {
    let secrets = checked(secrets)?;
    let client = session.client();
    client.set_secrets(tenant, &secrets, restart).await.map_err(|error| error.problem())?;
    let set: Vec<String> = secrets.into_keys().collect();
    // The server drops names of its own without a word (protocol G.6), and nobody must believe that they were set.
    let keys = client.secrets(tenant).await.ok();
    let ignored = match &keys {
        Some(keys) => set.iter().filter(|key| !keys.contains(key)).cloned().collect(),
        None => Vec::new(),
    };
    Ok(Set { set, ignored, keys })
}

/// Removes one; gives back its name, and false where there was none.
pub async fn unset(session: &Session, tenant: &TenantId, key: &str) -> Result<(String, bool), Problem> {
    let key = variable(key)?;
    let was_there = match session.client().delete_secret(tenant, &key).await {
        Ok(()) => true,
        Err(error) => lifecycle::absent(session, tenant, error, false).await?,
    };
    Ok((key, was_there))
}

fn checked(secrets: BTreeMap<String, Secret>) -> Result<BTreeMap<String, Secret>, Problem> {
    if secrets.is_empty() {
        return Err(Problem::new("No secret was named.").hint("Give a name and a value."));
    }
    let mut checked = BTreeMap::new();
    for (key, value) in secrets {
        let key = variable(&key)?;
        if value.reveal().is_empty() {
            return Err(Problem::new(format!("{key} has no value.")).hint("Give one, or remove the secret."));
        }
        if checked.contains_key(&key) {
            return Err(Problem::new(format!("{key} is named twice.")).hint("Capitals make no difference."));
        }
        checked.insert(key, value);
    }
    Ok(checked)
}

/// The name as the platform writes it.
fn variable(key: &str) -> Result<String, Problem> {
    let name = key.trim().to_ascii_uppercase();
    let inside = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = (1..=NAME).contains(&name.len())
        && name.bytes().all(inside)
        && name.starts_with(|c: char| c.is_ascii_uppercase());
    if fits {
        return Ok(name);
    }
    Err(Problem::new(format!("{:?} cannot be the name of a secret.", text::short(key, SHOWN)))
        .hint("Use letters, digits and underscores, at most 128, beginning with a letter."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[(&str, &str)]) -> Result<Vec<String>, Problem> {
        let secrets = names.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        checked(secrets).map(|secrets| secrets.into_keys().collect())
    }

    #[test]
    fn names_are_written_in_capitals() {
        assert_eq!(
            named(&[(" openai_api_key ", "x"), ("MY_FLAG2", "1")]).expect("good"),
            ["MY_FLAG2", "OPENAI_API_KEY"]
        );
    }

    #[test]
    fn what_cannot_be_set_is_said_before_anything_is_sent() {
        for (secrets, title) in [
            (&[][..], "No secret was named."),
            (&[("A", "")], "A has no value."),
            (&[("a", "hunter2"), ("A", "hunter2")], "A is named twice."),
            (&[("my-key", "hunter2")], "\"my-key\" cannot be the name of a secret."),
            (&[("1ST", "hunter2")], "\"1ST\" cannot be the name of a secret."),
            (&[("", "hunter2")], "\"\" cannot be the name of a secret."),
            (&[("schlüssel", "hunter2")], "\"schlüssel\" cannot be the name of a secret."),
        ] {
            let problem = named(secrets).expect_err(title);
            assert_eq!(problem.title, title);
            assert!(problem.hint.is_some() && !format!("{problem:?}").contains("hunter2"), "{problem:?}");
        }
    }
}
