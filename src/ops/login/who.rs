//! Who is logged in: where, until when, and which other logins this machine knows.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Found, Kept, Seat, not_logged_in};
use crate::api::Client;
use crate::model::{Me, Problem};
use crate::workspace::KnownLogin;

/// In its last hour a login is worth a warning (protocol A.2).
pub const NEAR: SignedDuration = SignedDuration::from_hours(1);

/// How long a login is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// For more than an hour.
    Valid,
    /// It ends within an hour.
    Expiring,
    /// It is over, as it says itself.
    Expired,
    /// It does not say.
    Unknown,
}

impl Validity {
    /// Of a login that ends at `end`.
    #[must_use]
    pub fn of(end: Option<Timestamp>, now: Timestamp) -> Self {
        match end {
            None => Self::Unknown,
            Some(end) if end <= now => Self::Expired,
            Some(end) if end.duration_since(now) <= NEAR => Self::Expiring,
            Some(_) => Self::Valid,
        }
    }
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Who {
    /// Whose login it is, in the server's words.
    pub me: Me,
    /// The API's address.
    pub api: String,
    /// The context, where one is worked in.
    pub context: Option<String>,
    /// Where the token is kept.
    pub kept: Kept,
    /// When somebody logged in, RFC 3339.
    pub authenticated_at: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// How long that is.
    pub validity: Validity,
    /// The other logins in the keyring.
    pub others: Vec<KnownLogin>,
}

/// Asks the server whose the login of `seat` is.
///
/// # Errors
/// Where nobody is logged in, or the server does not accept the login or does not answer.
pub async fn who(seat: &Seat) -> Result<Who, Problem> {
    let Some(found) = seat.find().await? else { return Err(not_logged_in(seat)) };
    let expires_at = found.expires_at();
    let Found { token, base, kept, authenticated_at, .. } = found;
    let client = Client::new(base, token).map_err(|error| error.problem())?;
    let me = super::check_found(&client).await?;
    let is_here = |login: &KnownLogin| kept == Kept::Keyring && seat.known.as_ref() == Some(login);
    Ok(Who {
        me,
        api: client.base().to_string(),
        context: seat.context().map(|context| context.name.clone()),
        authenticated_at,
        expires_at,
        validity: Validity::of(expires_at, Timestamp::now()),
        others: seat.logins.logins.iter().filter(|login| !is_here(login)).cloned().collect(),
        kept,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hour_is_told_apart() {
        let now = Timestamp::from_second(1_795_176_000).expect("a time");
        let after = |seconds| Some(now + SignedDuration::from_secs(seconds));
        for (end, validity) in [
            (None, Validity::Unknown),
            (after(-1), Validity::Expired),
            (after(0), Validity::Expired),
            (after(1), Validity::Expiring),
            (after(3600), Validity::Expiring),
            (after(3601), Validity::Valid),
        ] {
            assert_eq!(Validity::of(end, now), validity, "{end:?}");
        }
    }
}
