//! Users, and the customers they become with the first purchase.

use super::{Connection, StoreError, now};

/// Someone who may log in.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UserRow {
    /// A UUID.
    pub id: String,
    /// Unique.
    pub email: String,
    /// For the header, where known.
    pub name: Option<String>,
}

/// Someone who bought something.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CustomerRow {
    /// `ctm_...`, the payment provider's id.
    pub id: String,
    /// The user behind it.
    pub user_id: String,
    /// The payment provider's word.
    pub status: String,
}

/// An e-mail address as accounts keep it: large letters are no difference.
#[must_use]
pub fn address(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The user with this e-mail, made when there is none.
pub async fn ensure_user(db: &mut Connection, email: &str) -> Result<UserRow, StoreError> {
    if let Some(user) = by_email(&mut *db, email).await? {
        return Ok(user);
    }
    let email = address(email);
    sqlx::query("INSERT INTO users (id, email, created_at) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING")
        .bind(uuid::Uuid::new_v4().to_string())
        .bind(&email)
        .bind(now())
        .execute(&mut *db)
        .await?;
    Ok(sqlx::query_as("SELECT id, email, name FROM users WHERE email = $1").bind(email).fetch_one(db).await?)
}

/// The user with this e-mail.
pub async fn by_email(db: &mut Connection, email: &str) -> Result<Option<UserRow>, StoreError> {
    let query = sqlx::query_as("SELECT id, email, name FROM users WHERE lower(email) = $1 ORDER BY created_at LIMIT 1");
    Ok(query.bind(address(email)).fetch_optional(db).await?)
}

/// Gives a user another e-mail, which must be nobody else's.
pub async fn set_email(db: &mut Connection, id: &str, email: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET email = $2 WHERE id = $1").bind(id).bind(address(email)).execute(db).await?;
    Ok(())
}

/// Keeps the name that somebody goes by.
pub async fn set_name(db: &mut Connection, id: &str, name: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET name = $2 WHERE id = $1").bind(id).bind(name).execute(db).await?;
    Ok(())
}

/// The user, if there still is one.
pub async fn user(db: &mut Connection, id: &str) -> Result<Option<UserRow>, StoreError> {
    Ok(sqlx::query_as("SELECT id, email, name FROM users WHERE id = $1").bind(id).fetch_optional(db).await?)
}

/// The customer that a user is, after the first purchase.
pub async fn customer_of(db: &mut Connection, user: &str) -> Result<Option<CustomerRow>, StoreError> {
    let query = sqlx::query_as("SELECT id, user_id, status FROM customers WHERE user_id = $1");
    Ok(query.bind(user).fetch_optional(db).await?)
}

/// The customer with this id.
pub async fn customer(db: &mut Connection, id: &str) -> Result<Option<CustomerRow>, StoreError> {
    let query = sqlx::query_as("SELECT id, user_id, status FROM customers WHERE id = $1");
    Ok(query.bind(id).fetch_optional(db).await?)
}

/// Keeps a new customer.
pub async fn insert_customer(db: &mut Connection, id: &str, user: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO customers (id, user_id, status, created_at) VALUES ($1, $2, 'active', $3)")
        .bind(id)
        .bind(user)
        .bind(now())
        .execute(db)
        .await?;
    Ok(())
}
