//! Who somebody is at a login provider, and which account that opens.

use super::{Connection, StoreError, now};

/// The account that this person at this provider opens.
pub async fn account(db: &mut Connection, provider: &str, subject: &str) -> Result<Option<String>, StoreError> {
    let query = sqlx::query_scalar("SELECT user_id FROM identities WHERE provider = $1 AND subject = $2");
    Ok(query.bind(provider).bind(subject).fetch_optional(db).await?)
}

/// The providers through which an account was opened before, in order.
pub async fn providers(db: &mut Connection, user: &str) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query_scalar("SELECT provider FROM identities WHERE user_id = $1 ORDER BY provider");
    Ok(query.bind(user).fetch_all(db).await?)
}

/// From now on this person at this provider opens the account; remembers the address that the provider told last.
pub async fn link(
    db: &mut Connection,
    provider: &str,
    subject: &str,
    user: &str,
    email: &str,
) -> Result<(), StoreError> {
    let query = "INSERT INTO identities (provider, subject, user_id, email, created_at, last_login_at) \
                 VALUES ($1, $2, $3, $4, $5, $5) \
                 ON CONFLICT (provider, subject) DO UPDATE SET email = excluded.email, \
                 last_login_at = excluded.last_login_at";
    sqlx::query(query).bind(provider).bind(subject).bind(user).bind(email).bind(now()).execute(db).await?;
    Ok(())
}
