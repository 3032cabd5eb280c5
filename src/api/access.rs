//! What opens the API: the login, and the short-lived token that some servers want instead for a tenant (token exchange,
//! RFC 8693; protocol A.2, B.4).
//!
//! Nothing is exchanged until a server refuses the login for a tenant while the login itself is good. What it was
//! exchanged for is in memory alone, for all calls and streams of a client, until shortly before it ends. Everybody asks
//! for the token anew, so a login that came meanwhile is used by what is under way.
//!
//! Must not know what a call is made for.

use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::{ApiError, BaseUrl, token, transport};
use crate::model::{Secret, envelope, lenient};

/// How long the server may take to say whether a login is good, and to exchange it (protocol A.5).
const CHECK: Duration = Duration::from_secs(10);
/// How long whoever knows of other logins may take.
const FIND: Duration = Duration::from_secs(10);
/// How long nobody is asked again who knew of none.
const AGAIN: Duration = Duration::from_secs(3);
/// How long a token is good where the server does not say, seconds (protocol A.2).
const USUAL: i64 = 300;
/// The longest that a server is believed, seconds.
const LONGEST: i64 = 24 * 60 * 60;
/// How long before its end a token is no longer used (protocol A.2).
const MARGIN: Duration = Duration::from_secs(30);

/// Finds the login that is kept now, for example because somebody logged in again in another terminal. Another account's is
/// not used.
pub type FindLogin = Arc<dyn Fn() -> BoxFuture<'static, Option<Secret>> + Send + Sync>;

/// A token as it is sent.
pub(super) struct Pass {
    token: Secret,
    header: HeaderValue,
    is_exchanged: bool,
}

impl Pass {
    fn new(token: Secret, is_exchanged: bool) -> Result<Arc<Self>, ApiError> {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.reveal())).map_err(|_| ApiError::Token)?;
        header.set_sensitive(true);
        Ok(Arc::new(Self { token, header, is_exchanged }))
    }

    /// For the header.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// For what must not show it.
    pub(super) fn reveal(&self) -> &str {
        self.token.reveal()
    }

    /// True for one that opens tenants and nothing else.
    pub(super) fn is_exchanged(&self) -> bool {
        self.is_exchanged
    }
}

/// What a login was exchanged for.
struct Held {
    pass: Arc<Pass>,
    until: Instant,
}

impl Held {
    fn is_good(&self) -> bool {
        Instant::now() < self.until
    }
}

/// A login that nothing could be found for.
struct InVain {
    login: Arc<Pass>,
    at: Instant,
}

impl InVain {
    fn is_about(&self, login: &Arc<Pass>) -> bool {
        Arc::ptr_eq(&self.login, login) && self.at.elapsed() < AGAIN
    }
}

/// What is known beside the login.
#[derive(Default)]
struct Known {
    held: Option<Held>,
    in_vain: Option<InVain>,
}

impl Known {
    fn is_in_vain(&self, login: &Arc<Pass>) -> bool {
        self.in_vain.as_ref().is_some_and(|last| last.is_about(login))
    }
}

/// What is opened, and with it which token is good for it (protocol A.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What is about the account: the login opens it, and nothing else.
    Account,
    /// A call about one tenant: the login opens it, or what it was exchanged for once the server wanted that.
    Tenant,
    /// A stream about one tenant: the login opens it, and only where the server does not want it there the same as a call.
    Stream,
}

/// With what else one request may be tried.
pub(super) struct Renewals {
    purpose: Purpose,
    left: u8,
}

impl Renewals {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self { purpose, left: 2 }
    }

    /// The token to try after `used`, which the server refused (401); `None` where there is none. Once (protocol A.2); and
    /// once more where that only was another login, which may have to be exchanged as well, or a stream's first exchanged
    /// token, which the server may have forgotten.
    ///
    /// # Errors
    /// No answer to whether the login is over.
    pub(super) async fn next(&mut self, access: &Access, used: &Arc<Pass>) -> Result<Option<Arc<Pass>>, ApiError> {
        if self.left == 0 {
            return Ok(None);
        }
        let other = access.renewed(used, self.purpose).await?;
        let is_login = other.as_ref().is_some_and(|other| !other.is_exchanged);
        let goes_on = match self.purpose {
            Purpose::Account => false,
            Purpose::Tenant => is_login,
            Purpose::Stream => is_login || !used.is_exchanged,
        };
        self.left = if goes_on { self.left - 1 } else { 0 };
        Ok(other)
    }
}

pub(super) struct Access {
    base: BaseUrl,
    http: reqwest::Client,
    login: RwLock<Arc<Pass>>,
    /// Locked while something is exchanged or looked for: who comes meanwhile gets the same.
    known: Mutex<Known>,
    /// The server took an exchanged token once, and will want one again.
    is_wanted: AtomicBool,
    find: OnceLock<FindLogin>,
}

/// Answer of B.4.
#[derive(Deserialize)]
struct Exchanged {
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    access_token: Option<Secret>,
    #[serde(default, deserialize_with = "lenient::whole_opt")]
    expires_in: Option<i64>,
}

impl Access {
    /// Opens `base` with `token`.
    pub(super) fn new(base: BaseUrl, token: Secret, http: reqwest::Client) -> Result<Self, ApiError> {
        let login = RwLock::new(Pass::new(token, false)?);
        let (known, is_wanted) = (Mutex::default(), AtomicBool::new(false));
        Ok(Self { base, http, login, known, is_wanted, find: OnceLock::new() })
    }

    /// The login token.
    pub(super) fn token(&self) -> Secret {
        self.login().token.clone()
    }

    /// Says who is asked for another login once this one is over. The first one counts.
    pub(super) fn ask(&self, find: FindLogin) {
        let _ = self.find.set(find);
    }

    fn login(&self) -> Arc<Pass> {
        self.login.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a request carries: a call about a tenant what the login was exchanged for, once the server wanted that.
    pub(super) async fn pass(&self, purpose: Purpose) -> Arc<Pass> {
        let login = self.login();
        if purpose != Purpose::Tenant || !self.is_wanted.load(Ordering::Relaxed) {
            return login;
        }
        let mut known = self.known.lock().await;
        if let Some(held) = known.held.as_ref().filter(|held| held.is_good()) {
            return Arc::clone(&held.pass);
        }
        match self.exchanged(&login).await {
            Ok(fresh) => Arc::clone(&known.held.insert(fresh).pass),
            Err(error) => {
                // The server says to the call itself what is wrong.
                tracing::debug!(%error, "the login was not exchanged anew");
                known.held = None;
                login
            }
        }
    }

    /// What may be tried instead of `used`, which the server refused (401); `None` where the login is over.
    ///
    /// # Errors
    /// No answer to whether it is: then nobody knows.
    async fn renewed(&self, used: &Arc<Pass>, purpose: Purpose) -> Result<Option<Arc<Pass>>, ApiError> {
        let mut known = self.known.lock().await;
        let login = self.login();
        let other = known.held.as_ref().filter(|held| held.is_good() && !Arc::ptr_eq(&held.pass, used));
        let other = other.map(|held| Arc::clone(&held.pass)).filter(|_| purpose != Purpose::Account);
        // Somebody else found it meanwhile.
        let is_newer = !used.is_exchanged && !Arc::ptr_eq(&login, used);
        let is_wanted = used.is_exchanged || self.is_wanted.load(Ordering::Relaxed);
        // A stream stays with the login as long as there is one that the server may take.
        let stays = purpose == Purpose::Stream && !used.is_exchanged;
        if other.is_some() && !stays {
            return Ok(other);
        }
        if is_newer && (purpose != Purpose::Tenant || !is_wanted) {
            return Ok(Some(login));
        }
        if purpose == Purpose::Account {
            return Ok(self.found(&login, &mut known.in_vain).await);
        }
        if !used.is_exchanged && !is_newer && known.is_in_vain(&login) {
            return Ok(other);
        }
        // An exchanged token says nothing about the login; the server says so itself when it is exchanged anew.
        let answered = if used.is_exchanged || is_newer { Ok(()) } else { self.check(&login).await };
        let fresh = match answered {
            Ok(()) if other.is_some() => return Ok(other),
            Ok(()) => {
                known.held = None;
                self.exchanged(&login).await
            }
            Err(error) => Err(error),
        };
        if let Some(pass) = self.kept(&mut known.held, fresh)? {
            return Ok(Some(pass));
        }
        let Some(new) = self.found(&login, &mut known.in_vain).await else {
            return Ok(if is_newer { Some(login) } else { other });
        };
        if stays || !is_wanted {
            return Ok(Some(new));
        }
        let fresh = self.exchanged(&new).await;
        Ok(self.kept(&mut known.held, fresh)?.or(Some(new)))
    }

    /// Keeps what a login was exchanged for; `None` where the server said no.
    fn kept(&self, held: &mut Option<Held>, fresh: Result<Held, ApiError>) -> Result<Option<Arc<Pass>>, ApiError> {
        match fresh {
            Ok(fresh) => {
                self.is_wanted.store(true, Ordering::Relaxed);
                Ok(Some(Arc::clone(&held.insert(fresh).pass)))
            }
            Err(error) if is_no(&error) => {
                tracing::debug!(%error, "the login cannot be exchanged");
                Ok(None)
            }
            Err(error) => Err(ApiError::Exchange { last: Box::new(error) }),
        }
    }

    /// Another login than the one that is over, where somebody logged in meanwhile. That there is none is remembered for a
    /// moment: everything that is under way asks at once, and a keyring may ask a person.
    async fn found(&self, over: &Arc<Pass>, in_vain: &mut Option<InVain>) -> Option<Arc<Pass>> {
        if in_vain.as_ref().is_some_and(|last| last.is_about(over)) {
            return None;
        }
        let found = self.looked_for(over).await;
        *in_vain = found.is_none().then(|| InVain { login: Arc::clone(over), at: Instant::now() });
        if let Some(login) = &found {
            tracing::info!("the login that was kept meanwhile is used");
            *self.login.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(login);
        }
        found
    }

    async fn looked_for(&self, over: &Pass) -> Option<Arc<Pass>> {
        let find = self.find.get()?;
        let token = tokio::time::timeout(FIND, find()).await.ok()??;
        // Nobody goes on as somebody else.
        if token == over.token || !token::is_same_subject(&token, &over.token) {
            return None;
        }
        Pass::new(token, false).ok()
    }

    /// Whether the login is good for what needs no exchange.
    async fn check(&self, login: &Pass) -> Result<(), ApiError> {
        let url = self.base.endpoint(&["api", "v1", "auth", "me"]);
        let request = self.http.get(url.clone()).timeout(CHECK).header(AUTHORIZATION, login.header());
        let answer = request.send().await.map_err(|error| transport::failure(&url, error))?;
        if answer.status().is_success() { Ok(()) } else { Err(transport::refusal(answer, &[login.reveal()]).await) }
    }

    async fn exchanged(&self, login: &Pass) -> Result<Held, ApiError> {
        let url = self.base.endpoint(&["api", "v1", "core", "oauth", "token"]);
        let resource = self.base.to_string();
        let request = self.http.post(url.clone()).timeout(CHECK).header(ACCEPT, "application/json").form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", login.reveal()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("resource", &resource),
            ("client_id", "sp_web"),
        ]);
        let asked = Instant::now();
        let answer = request.send().await.map_err(|error| transport::failure(&url, error))?;
        let status = answer.status();
        tracing::debug!(status = status.as_u16(), "the login is exchanged");
        if !status.is_success() {
            return Err(transport::refusal_of_oauth(answer, &[login.reveal()]).await);
        }
        let body = transport::body(answer, transport::BODY_LIMIT).await?;
        held(&url, status.as_u16(), &body, asked)
    }
}

/// What an answer holds.
fn held(url: &Url, status: u16, body: &[u8], asked: Instant) -> Result<Held, ApiError> {
    let unreadable = |why: &str| transport::unreadable(url, status, why, None);
    let answer: Exchanged = envelope::read(body).map_err(|error| unreadable(&error.to_string()))?;
    let token = answer.access_token.ok_or_else(|| unreadable("there is no access_token"))?;
    let seconds = answer.expires_in.unwrap_or(USUAL).clamp(0, LONGEST);
    let life = Duration::from_secs(seconds.unsigned_abs());
    // One that does not live much longer than the margin is used for half of its life.
    let until = asked + life.saturating_sub(MARGIN).max(life / 2);
    Ok(Held { pass: Pass::new(token, true)?, until })
}

/// True where the server said no, and not only that it cannot say now.
fn is_no(error: &ApiError) -> bool {
    let status = error.status().filter(|_| matches!(error, ApiError::Refused(_)));
    status.is_some_and(|status| (300..500).contains(&status) && !matches!(status, 408 | 425 | 429) || status == 501)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        let url = Url::parse("https://h.example/token").expect("a url");
        for (body, seconds) in [
            (r#"{"access_token": "t", "expires_in": 300}"#, 270),
            (r#"{"access_token": "t"}"#, 270),
            (r#"{"data": {"access_token": "t", "expires_in": null}}"#, 270),
            (r#"{"access_token": "t", "expires_in": 40}"#, 20),
            (r#"{"access_token": "t", "expires_in": 0}"#, 0),
            (r#"{"access_token": "t", "expires_in": -5}"#, 0),
            (r#"{"access_token": "t", "expires_in": 1e300}"#, 24 * 3600 - 30),
        ] {
            let asked = Instant::now();
            let held = held(&url, 200, body.as_bytes(), asked).expect(body);
            assert_eq!(held.until - asked, Duration::from_secs(seconds), "{body}");
        }
        for body in ["{}", r#"{"access_token": ""}"#, r#"{"access_token": 5}"#, r#"{"access_token": "hunter2\n"}"#] {
            let error = held(&url, 200, body.as_bytes(), Instant::now()).err().expect(body);
            assert!(!format!("{error} {error:?} {}", error.problem()).contains("hunter2"));
        }
    }
}
