//! How people log in, and who may.

use std::time::Duration;
use url::Url;

use crate::model::Secret;
use crate::server::store::accounts::address;

/// How long a login provider may take for one answer.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// This server, as GitHub knows it.
    pub github: Option<OAuthClient>,
    /// This server, as Google knows it.
    pub google: Option<OAuthClient>,
    /// E-mails of those who may log in, beside the users that the settings name.
    pub allow_users: Vec<String>,
    /// Domains whose addresses may log in.
    pub allow_domains: Vec<String>,
    /// The sandbox's sign-in page, which believes everybody, also where others can reach it.
    pub sandbox: bool,
    /// The sandbox's sign-in page makes an account for any address.
    pub open_sign_up: bool,
    /// Calls about a tenant need an exchanged token (protocol A.2).
    pub require_exchange: bool,
    /// How long a login provider may take for one answer.
    pub patience: Duration,
}

impl Default for LoginSettings {
    fn default() -> Self {
        Self {
            github: None,
            google: None,
            allow_users: Vec::new(),
            allow_domains: Vec::new(),
            sandbox: false,
            open_sign_up: false,
            require_exchange: false,
            patience: PROVIDER_PATIENCE,
        }
    }
}

/// What a login provider gave this server, and where the provider is.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: Secret,
    /// Where people consent.
    pub authorize: Url,
    /// Where a code becomes a token.
    pub token: Url,
    /// Who somebody is.
    pub profile: Url,
    /// Which addresses somebody has, where that is a question of its own.
    pub emails: Option<Url>,
}

impl OAuthClient {
    /// GitHub, or an enterprise server: `site` as people reach it, `api` as programs do.
    pub fn github(id: String, secret: Secret, site: &Url, api: &Url) -> Result<Self, url::ParseError> {
        Ok(Self {
            id,
            secret,
            authorize: below(site, "login/oauth/authorize")?,
            token: below(site, "login/oauth/access_token")?,
            profile: below(api, "user")?,
            emails: Some(below(api, "user/emails")?),
        })
    }

    /// Google, or, for tests, a server in its place.
    pub fn google(id: String, secret: Secret, instead: Option<&Url>) -> Result<Self, url::ParseError> {
        let at = |real: &str, path: &str| match instead {
            Some(base) => below(base, path),
            None => Url::parse(real),
        };
        Ok(Self {
            id,
            secret,
            authorize: at("https://accounts.google.com/o/oauth2/v2/auth", "o/oauth2/v2/auth")?,
            token: at("https://oauth2.googleapis.com/token", "token")?,
            profile: at("https://openidconnect.googleapis.com/v1/userinfo", "v1/userinfo")?,
            emails: None,
        })
    }
}

fn below(base: &Url, path: &str) -> Result<Url, url::ParseError> {
    Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/')))
}

impl LoginSettings {
    /// Whether somebody with this address may log in, where `users` are those that the settings name.
    ///
    /// As soon as strangers can prove who they are (a real provider), or somebody wrote down who may, only those who are
    /// named may. A sandbox lets everybody in who has an account.
    #[must_use]
    pub fn admits(&self, users: &[String], email: &str) -> bool {
        if !self.is_closed() {
            return true;
        }
        let email = address(email);
        let named = |list: &[String]| list.iter().any(|one| address(one) == email);
        let domain = email.rsplit_once('@').map(|(_, domain)| domain);
        let of = |one: &String| Some(address(one).trim_start_matches('@')) == domain;
        named(users) || named(&self.allow_users) || self.allow_domains.iter().any(of)
    }

    fn is_closed(&self) -> bool {
        self.has_provider() || !self.allow_users.is_empty() || !self.allow_domains.is_empty()
    }

    /// True with at least one real login provider.
    #[must_use]
    pub fn has_provider(&self) -> bool {
        self.github.is_some() || self.google.is_some()
    }

    /// Whether the sandbox's sign-in page is there: never beside a real provider, unless it was asked for.
    #[must_use]
    pub fn has_sandbox_page(&self) -> bool {
        self.sandbox || !self.has_provider()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn github() -> OAuthClient {
        let url = |raw: &str| Url::parse(raw).expect("a URL");
        let (site, api) = (url("https://git.example/"), url("https://git.example/api/v3"));
        OAuthClient::github("id".into(), Secret::new("hunter2"), &site, &api).expect("a client")
    }

    #[test]
    fn who_may_log_in_is_written_down_as_soon_as_strangers_could() {
        let users = ["mara@orchard.example".to_owned()];
        let sandbox = LoginSettings::default();
        let real = LoginSettings { github: Some(github()), ..LoginSettings::default() };
        let team = LoginSettings {
            allow_users: vec!["Nils@Harbour.example".into()],
            allow_domains: vec!["orchard.example".into(), "@meadow.example".into()],
            ..real.clone()
        };
        for (email, in_sandbox, with_real, in_team) in [
            ("mara@orchard.example", true, true, true),
            ("MARA@orchard.example", true, true, true),
            ("nils@harbour.example", true, false, true),
            ("other@orchard.example", true, false, true),
            ("any@meadow.example", true, false, true),
            ("any@sub.meadow.example", true, false, false),
            ("any@evilmeadow.example", true, false, false),
            ("any@harbour.example", true, false, false),
            ("meadow.example", true, false, false),
            ("", true, false, false),
        ] {
            let answers = [&sandbox, &real, &team].map(|settings| settings.admits(&users, email));
            assert_eq!(answers, [in_sandbox, with_real, in_team], "{email}");
        }
    }

    #[test]
    fn an_enterprise_server_has_its_own_addresses_and_the_secret_is_not_shown() {
        let github = github();
        assert_eq!(github.token.as_str(), "https://git.example/login/oauth/access_token");
        assert_eq!(github.emails.as_ref().map(Url::as_str), Some("https://git.example/api/v3/user/emails"));
        assert!(!format!("{github:?}").contains("hunter2"));
        let google = OAuthClient::google("id".into(), Secret::new("x"), None).expect("a client");
        assert_eq!(google.authorize.host_str(), Some("accounts.google.com"));
    }
}
