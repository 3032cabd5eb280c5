//! Which account somebody opens.
//!
//! The provider's own id of a person decides. An e-mail address opens an account only the first time, and only one that
//! nobody signed in to before: addresses change hands, and another provider's word about one is not this one's.

use super::Provider;
use super::provider::Person;
use crate::server::error::Failure;
use crate::server::state::Server;
use crate::server::store::accounts::{self, UserRow};
use crate::server::store::{Connection, audit, identities};

/// What came of it.
pub(super) enum Outcome {
    /// They are in.
    Welcome(UserRow),
    /// Not on the list of those who may log in.
    NotAdmitted,
    /// The address belongs to an account that somebody else, or another provider, opens.
    Taken,
}

/// Opens the account, and makes it for those who may have one.
pub(super) async fn open(server: &Server, provider: Provider, person: &Person) -> Result<Outcome, Failure> {
    let admits = |email: &str| server.settings.login.admits(&server.settings.users, email);
    if !admits(&person.email) {
        return Ok(Outcome::NotAdmitted);
    }
    let mut tx = server.store.write().await?;
    let known = identities::account(&mut tx, provider.word(), &person.subject).await?;
    let user = match known {
        Some(id) => accounts::user(&mut tx, &id).await?,
        None => None,
    };
    let user = if let Some(user) = user {
        follow(&mut tx, user, &person.email).await?
    } else {
        let user = accounts::ensure_user(&mut tx, &person.email).await?;
        if !identities::providers(&mut tx, &user.id).await?.is_empty() {
            return Ok(Outcome::Taken);
        }
        user
    };
    // An account may keep an older address; then that one must be welcome too, as every call asks for it.
    if !admits(&user.email) {
        return Ok(Outcome::NotAdmitted);
    }
    identities::link(&mut tx, provider.word(), &person.subject, &user.id, &person.email).await?;
    if let Some(name) = person.name.as_deref().filter(|name| user.name.as_deref() != Some(*name)) {
        accounts::set_name(&mut tx, &user.id, name).await?;
    }
    audit::record(&mut tx, &user.id, None, "sign_in").await?;
    tx.commit().await?;
    Ok(Outcome::Welcome(user))
}

/// The account goes by the address that the provider tells now, unless another account has it.
async fn follow(db: &mut Connection, user: UserRow, email: &str) -> Result<UserRow, Failure> {
    let email = accounts::address(email);
    if user.email == email || accounts::by_email(&mut *db, &email).await?.is_some() {
        return Ok(user);
    }
    accounts::set_email(db, &user.id, &email).await?;
    Ok(UserRow { email, ..user })
}
