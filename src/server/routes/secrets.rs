//! The tenant's secrets (protocol B.26 to B.31): set, listed by name, removed. A value comes in and never goes
//! out again but into a machine's environment: not into an answer, an error or the log.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

use super::machine::MASK;
use super::need_subscription;
use super::tenants::is_yes;
use crate::model::envelope::Data;
use crate::model::secret_name::{MAX_VALUE, is_name};
use crate::model::{Secret, SecretKeys};
use crate::server::auth::Owned;
use crate::server::error::Failure;
use crate::server::openapi::{SecretName, TenantRefusals};
use crate::server::provisioner::{environment, restart};
use crate::server::routes::answers::{SecretSet, SecretShown};
use crate::server::state::Server;
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{Connection, audit, credentials};
use crate::server::transitions::{self, Event};

/// Largest body of a call that sets secrets, bytes.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// Most secrets of a tenant.
const MAX_COUNT: usize = 250;
/// Most bytes of all keys and values of a tenant, as they are stored. What a program can be started with has a limit
/// too, of about 2 MiB.
const MAX_TOTAL: usize = 1024 * 1024;

/// A JSON body with secrets. What cannot be read is refused without a word of what it held.
pub struct Hidden<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Hidden<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Failure::bad_request(format!("the body cannot be read: {}", error.body_text())))?;
        let read = || {
            let object: serde_json::Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
            serde_json::from_value(Value::Object(object)).ok()
        };
        read().map(Self).ok_or_else(|| Failure::bad_request("the body is not what this endpoint needs"))
    }
}

/// Body of `POST`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct One {
    #[schema(value_type = SecretName)]
    key: String,
    #[schema(max_length = 32768)]
    value: Secret,
}

/// Body of `PUT`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct Many {
    #[schema(value_type = BTreeMap<SecretName, Secret>)]
    secrets: BTreeMap<String, Secret>,
}

/// Body of `PATCH`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct NewValue {
    value: Secret,
}

/// Query of everything that changes secrets.
#[derive(Debug, Default, Deserialize)]
pub struct Effect {
    /// Restart a running machine that does not have it yet.
    restart: Option<String>,
}

type EffectQuery = Result<Query<Effect>, axum::extract::rejection::QueryRejection>;

/// `GET /api/v1/tenants/{id}/secrets`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/secrets", tag = "secrets",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Names only", body = SecretKeys), TenantRefusals),
    security(("login" = [])))]
pub async fn list(State(server): State<Server>, owned: Owned) -> Result<Json<SecretKeys>, Failure> {
    let keys = environment::secret_keys(&mut *server.store.read().await?, &owned.tenant).await?;
    Ok(Json(SecretKeys { keys }))
}

/// `POST /api/v1/tenants/{id}/secrets`
#[utoipa::path(post, path = "/api/v1/tenants/{id}/secrets", tag = "secrets",
    params(("id" = String, Path, description = "The tenant"), ("restart" = Option<String>, Query, description = "`true`: restart a running machine that does not have it yet")),
    request_body = One,
    responses((status = 200, description = "Replaced", body = Data<SecretSet>), (status = 201, description = "New", body = Data<SecretSet>), TenantRefusals),
    security(("login" = [])))]
pub async fn set(
    State(server): State<Server>,
    owned: Owned,
    effect: EffectQuery,
    Hidden(body): Hidden<One>,
) -> Result<Response, Failure> {
    need_subscription(&owned.tenant, true)?;
    let key = body.key;
    check_single(&key)?;
    let secrets = BTreeMap::from([(key.clone(), body.value)]);
    let written = write(&server, &owned, effect, secrets, Missing::Add).await?;
    let status = if written.added > 0 { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, told(&key, &written.at)).into_response())
}

/// `PUT /api/v1/tenants/{id}/secrets`: merges; names that only the server sets are dropped without a word, because
/// the platform's published client sends them (protocol G.6).
#[utoipa::path(put, path = "/api/v1/tenants/{id}/secrets", tag = "secrets",
    params(("id" = String, Path, description = "The tenant"), ("restart" = Option<String>, Query, description = "`true`: restart a running machine that does not have it yet")),
    request_body = Many,
    responses((status = 204, description = "Set; others stay"), TenantRefusals),
    security(("login" = [])))]
pub async fn merge(
    State(server): State<Server>,
    owned: Owned,
    effect: EffectQuery,
    Hidden(body): Hidden<Many>,
) -> Result<StatusCode, Failure> {
    need_subscription(&owned.tenant, true)?;
    let mut secrets = body.secrets;
    for key in secrets.keys() {
        check_key(key)?;
    }
    secrets.retain(|key, _| !environment::is_managed(key));
    write(&server, &owned, effect, secrets, Missing::Add).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/tenants/{id}/secrets/{key}`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/secrets/{key}", tag = "secrets",
    params(("id" = String, Path, description = "The tenant"), ("key" = SecretName, Path, description = "The secret's name")),
    responses((status = 200, description = "Masked", body = Data<SecretShown>), TenantRefusals),
    security(("login" = [])))]
pub async fn show(
    State(server): State<Server>,
    owned: Owned,
    Path((_, key)): Path<(String, String)>,
) -> Result<Json<Data<SecretShown>>, Failure> {
    let found = if environment::is_managed(&key) {
        None
    } else {
        credentials::one(&mut *server.store.read().await?, owned.tenant.id().as_str(), &key).await?
    };
    let (_, updated_at) = found.ok_or_else(no_such_secret)?;
    Ok(Json(Data { data: SecretShown { key, value: MASK, updated_at } }))
}

/// `PATCH /api/v1/tenants/{id}/secrets/{key}`
#[utoipa::path(patch, path = "/api/v1/tenants/{id}/secrets/{key}", tag = "secrets",
    params(("id" = String, Path, description = "The tenant"), ("key" = SecretName, Path, description = "The secret's name"),
        ("restart" = Option<String>, Query, description = "`true`: restart a running machine that does not have it yet")),
    request_body = NewValue,
    responses((status = 200, description = "Replaced", body = Data<SecretSet>), TenantRefusals),
    security(("login" = [])))]
pub async fn change(
    State(server): State<Server>,
    owned: Owned,
    Path((_, key)): Path<(String, String)>,
    effect: EffectQuery,
    Hidden(body): Hidden<NewValue>,
) -> Result<Response, Failure> {
    need_subscription(&owned.tenant, true)?;
    check_single(&key)?;
    let secrets = BTreeMap::from([(key.clone(), body.value)]);
    let written = write(&server, &owned, effect, secrets, Missing::Refuse).await?;
    Ok(told(&key, &written.at))
}

/// `DELETE /api/v1/tenants/{id}/secrets/{key}`
#[utoipa::path(delete, path = "/api/v1/tenants/{id}/secrets/{key}", tag = "secrets",
    params(("id" = String, Path, description = "The tenant"), ("key" = SecretName, Path, description = "The secret's name"),
        ("restart" = Option<String>, Query, description = "`true`: restart a running machine that does not have it yet")),
    responses((status = 204, description = "Gone"), TenantRefusals),
    security(("login" = [])))]
pub async fn remove(
    State(server): State<Server>,
    owned: Owned,
    Path((_, key)): Path<(String, String)>,
    effect: EffectQuery,
) -> Result<StatusCode, Failure> {
    need_subscription(&owned.tenant, true)?;
    check_single(&key)?;
    let mut tx = server.store.write().await?;
    let tenant = alive(&mut tx, &owned).await?;
    let id = tenant.id().as_str();
    if !credentials::remove(&mut tx, id, &key).await? {
        return Err(no_such_secret());
    }
    audit::record(&mut tx, &owned.caller.id, Some(id), &format!("secret_removed {key}")).await?;
    tenants::environment_changed(&mut tx, tenant.id()).await?;
    tx.commit().await?;
    take_effect(&server, &owned, effect).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What happens to a key that is not there yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Add,
    Refuse,
}

struct Written {
    /// Keys that were not there before.
    added: usize,
    /// When the last of them got its value; empty when there was none.
    at: String,
}

/// All of it or nothing.
async fn write(
    server: &Server,
    owned: &Owned,
    effect: EffectQuery,
    secrets: BTreeMap<String, Secret>,
    missing: Missing,
) -> Result<Written, Failure> {
    let mut tx = server.store.write().await?;
    let tenant = alive(&mut tx, owned).await?;
    let id = tenant.id().as_str();
    let mut written = Written { added: 0, at: String::new() };
    let mut changed = false;
    for (key, value) in &secrets {
        check_value(key, value)?;
        let is_there = credentials::one(&mut tx, id, key).await?.is_some();
        if !is_there && missing == Missing::Refuse {
            return Err(no_such_secret());
        }
        written.added += usize::from(!is_there);
        let (at, is_new) = environment::set_secret(&mut tx, &server.sealer, &tenant, key, value).await?;
        written.at = at;
        if is_new {
            changed = true;
            audit::record(&mut tx, &owned.caller.id, Some(id), &format!("secret_set {key}")).await?;
        }
    }
    check_room(&mut tx, id).await?;
    if changed {
        tenants::environment_changed(&mut tx, tenant.id()).await?;
    }
    tx.commit().await?;
    take_effect(server, owned, effect).await?;
    Ok(written)
}

/// The tenant as it is now, unless it is being removed.
async fn alive(db: &mut Connection, owned: &Owned) -> Result<TenantRow, Failure> {
    let tenant = tenants::get(db, owned.tenant.id()).await?;
    let tenant = tenant.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    transitions::ask(&tenant, Event::SetSecret)?;
    Ok(tenant)
}

async fn take_effect(server: &Server, owned: &Owned, effect: EffectQuery) -> Result<(), Failure> {
    if effect.is_ok_and(|Query(effect)| effect.restart.is_some() && is_yes(effect.restart.as_deref())) {
        restart::apply_environment(server, owned.tenant.id(), &owned.caller.id).await?;
    }
    Ok(())
}

fn told(key: &str, updated_at: &str) -> Response {
    let data = SecretSet { key: key.to_owned(), updated_at: updated_at.to_owned() };
    Json(Data { data }).into_response()
}

fn no_such_secret() -> Failure {
    Failure::not_found("there is no such secret").reason("secret_missing")
}

/// One key that a person names.
fn check_single(key: &str) -> Result<(), Failure> {
    check_key(key)?;
    if environment::is_managed(key) {
        return Err(Failure::validation(format!("{key} is set by the platform")).reason("key_not_allowed"));
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), Failure> {
    if is_name(key) {
        return Ok(());
    }
    // Not quoted: who mixes up key and value must not find the value in a log.
    let rule = "a secret's key has up to 128 capital letters, digits and underscores, and begins with a letter";
    Err(Failure::validation(rule).reason("key_not_allowed"))
}

fn check_value(key: &str, value: &Secret) -> Result<(), Failure> {
    let value = value.reveal();
    if value.len() > MAX_VALUE {
        return Err(Failure::validation(format!("the value of {key} is longer than {MAX_VALUE} bytes"))
            .reason("value_not_allowed"));
    }
    if value.contains('\0') {
        return Err(Failure::validation(format!(
            "the value of {key} holds a zero byte, which no program can be given"
        ))
        .reason("value_not_allowed"));
    }
    Ok(())
}

async fn check_room(db: &mut Connection, tenant: &str) -> Result<(), Failure> {
    let all = credentials::all(db, tenant).await?;
    let total: usize = all.iter().map(|(key, sealed)| key.len() + sealed.len()).sum();
    if all.len() > MAX_COUNT || total > MAX_TOTAL {
        return Err(Failure::validation(format!(
            "a tenant has at most {MAX_COUNT} secrets of {MAX_TOTAL} bytes in all, as they are stored"
        ))
        .reason("too_many_secrets"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_an_environment_can_hold() {
        for key in ["A", "OPENAI_API_KEY", "X9_", &"K".repeat(128)] {
            assert!(check_key(key).is_ok(), "{key}");
        }
        for key in ["", "a", "_A", "9A", "A-B", "A B", "A=B", "Ä", "A\n", &"K".repeat(129)] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
        for managed in ["DATABASE_URL", "PORT", "FLY_APP_NAME"] {
            assert!(check_key(managed).is_ok() && check_single(managed).is_err(), "{managed}");
        }
    }

    #[test]
    fn values_are_not_in_what_is_refused() {
        let long = Secret::new("s3cret".repeat(10_000));
        for value in [long, Secret::new("s3cret\0")] {
            let failure = check_value("A", &value).expect_err("refused");
            assert!(!format!("{failure:?}").contains("s3cret"));
        }
    }
}
