//! Sign-ins between the moment they begin and the moment the browser comes back: each has an id that is good once and for
//! ten minutes, and a secret that only this server knows.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use url::Url;

use super::Provider;
use crate::model::Secret;
use crate::server::error::Failure;
use crate::server::keys;
use crate::server::redirect::loopback;
use crate::server::state::Server;
use crate::server::store::sign_ins::{self, SignInRow};
use crate::server::store::{self, now};

/// How long somebody may take to sign in.
const LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);
/// As many at once: anybody may begin one.
const MOST: i64 = 10_000;
/// Length of an id: more than 240 random bits.
const ID_LENGTH: usize = 43;

/// A sign-in that is not over.
pub(super) struct Pending {
    /// The client's callback.
    pub(super) redirect: Url,
    /// The form's nonce, or the PKCE verifier.
    pub(super) secret: Secret,
}

/// Begins one; answers its id.
pub(super) async fn begin(
    server: &Server,
    provider: Provider,
    redirect: &Url,
    secret: &Secret,
) -> Result<String, Failure> {
    let id = keys::random_word(ID_LENGTH)?;
    let expires = jiff::Timestamp::now().saturating_add(LIFETIME);
    let row = SignInRow {
        id_hash: hash(&id),
        provider: provider.word().to_owned(),
        redirect_uri: redirect.to_string(),
        secret: server.sealer.seal("sign-in", provider.word(), secret)?,
        expires_at: store::at(expires.map_err(|error| Failure::internal(format!("clock: {error}")))?),
    };
    let mut tx = server.store.write().await?;
    if sign_ins::sweep(&mut tx, &now()).await? >= MOST {
        return Err(Failure::unavailable("too many people are signing in at once, try again soon"));
    }
    sign_ins::insert(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(id)
}

/// Looks at one.
pub(super) async fn look(server: &Server, provider: Provider, id: &str) -> Result<Option<Pending>, Failure> {
    let row = sign_ins::get(&mut *server.store.read().await?, &hash(id), &now()).await?;
    row.map_or(Ok(None), |row| open(server, provider, &row))
}

/// Ends one and answers what it was. Whoever comes second gets nothing.
pub(super) async fn take(server: &Server, provider: Provider, id: &str) -> Result<Option<Pending>, Failure> {
    let hash = hash(id);
    // Asked before a turn as the writer is taken: strangers may guess as often as they like.
    let Some(row) = sign_ins::get(&mut *server.store.read().await?, &hash, &now()).await? else { return Ok(None) };
    let Some(pending) = open(server, provider, &row)? else { return Ok(None) };
    let mut tx = server.store.write().await?;
    let first = sign_ins::end(&mut tx, &hash).await?;
    tx.commit().await?;
    Ok(first.then_some(pending))
}

/// `None` for one of another provider.
fn open(server: &Server, provider: Provider, row: &SignInRow) -> Result<Option<Pending>, Failure> {
    if row.provider != provider.word() {
        return Ok(None);
    }
    let Some(redirect) = loopback(&row.redirect_uri) else { return Ok(None) };
    Ok(Some(Pending { redirect, secret: server.sealer.open("sign-in", provider.word(), &row.secret)? }))
}

fn hash(id: &str) -> String {
    Sha256::digest(id.as_bytes()).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
