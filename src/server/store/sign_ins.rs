//! Sign-ins that have begun and are not over.

use super::{Connection, StoreError};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SignInRow {
    /// Hash of its one-time id.
    pub id_hash: String,
    /// `github` or `google`.
    pub provider: String,
    /// The client's callback.
    pub redirect_uri: String,
    /// Sealed: what only this sign-in knows.
    pub secret: String,
    /// When it is over.
    pub expires_at: String,
}

/// Keeps a new one.
pub async fn insert(db: &mut Connection, row: &SignInRow) -> Result<(), StoreError> {
    let query =
        "INSERT INTO sign_ins (id_hash, provider, redirect_uri, secret, expires_at) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(query)
        .bind(&row.id_hash)
        .bind(&row.provider)
        .bind(&row.redirect_uri)
        .bind(&row.secret)
        .bind(&row.expires_at)
        .execute(db)
        .await?;
    Ok(())
}

/// The one with this id, while it lasts.
pub async fn get(db: &mut Connection, id_hash: &str, now: &str) -> Result<Option<SignInRow>, StoreError> {
    let query = "SELECT id_hash, provider, redirect_uri, secret, expires_at FROM sign_ins \
                 WHERE id_hash = $1 AND expires_at > $2";
    Ok(sqlx::query_as(query).bind(id_hash).bind(now).fetch_optional(db).await?)
}

/// Ends one; false when it was over already.
pub async fn end(db: &mut Connection, id_hash: &str) -> Result<bool, StoreError> {
    let ended = sqlx::query("DELETE FROM sign_ins WHERE id_hash = $1").bind(id_hash).execute(db).await?;
    Ok(ended.rows_affected() > 0)
}

/// Removes those that nobody came back to, and counts the others.
pub async fn sweep(db: &mut Connection, now: &str) -> Result<i64, StoreError> {
    sqlx::query("DELETE FROM sign_ins WHERE expires_at <= $1").bind(now).execute(&mut *db).await?;
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM sign_ins").fetch_one(db).await?)
}
