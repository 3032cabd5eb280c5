//! How people log in, and who may.

use std::path::PathBuf;
use url::Url;

use crate::model::{Problem, Secret};
use crate::server::{OAuthClient, Settings};

const GITHUB: &str = "https://github.com";
const GITHUB_API: &str = "https://api.github.com";

/// See the module.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Login")]
pub(in crate::cli) struct LoginFlags {
    /// Let people log in with GitHub: the client id of your OAuth app. Its callback is
    /// `<address of this server>/api/v1/auth/oauth/github/callback`; its secret is read from
    /// `TENANTRY_GITHUB_CLIENT_SECRET` or `--github-client-secret-file`.
    #[arg(long, value_name = "ID", env = "TENANTRY_GITHUB_CLIENT_ID")]
    github_client_id: Option<String>,
    /// File that holds the client secret of the GitHub app.
    #[arg(long, value_name = "FILE", env = "TENANTRY_GITHUB_CLIENT_SECRET_FILE")]
    github_client_secret_file: Option<PathBuf>,
    /// A GitHub Enterprise server, as people reach it.
    #[arg(long, value_name = "URL", env = "TENANTRY_GITHUB_URL")]
    github_url: Option<Url>,
    /// Its API; `<URL>/api/v3` where absent.
    #[arg(long, value_name = "URL", env = "TENANTRY_GITHUB_API_URL")]
    github_api_url: Option<Url>,
    /// Let people log in with Google: the client id. Its callback is
    /// `<address of this server>/api/v1/auth/oauth/google/callback`; its secret is read from
    /// `TENANTRY_GOOGLE_CLIENT_SECRET` or `--google-client-secret-file`.
    #[arg(long, value_name = "ID", env = "TENANTRY_GOOGLE_CLIENT_ID")]
    google_client_id: Option<String>,
    /// File that holds the client secret of the Google client.
    #[arg(long, value_name = "FILE", env = "TENANTRY_GOOGLE_CLIENT_SECRET_FILE")]
    google_client_secret_file: Option<PathBuf>,
    /// A server in Google's place, for tests.
    #[arg(long, value_name = "URL", hide = true)]
    google_url: Option<Url>,
    /// E-mail of somebody who may log in, beside every `--user`; may be given more than once.
    #[arg(long, value_name = "EMAIL", env = "TENANTRY_ALLOW_USER", value_delimiter = ',')]
    allow_user: Vec<String>,
    /// Domain whose addresses may log in, without those below it; may be given more than once.
    #[arg(long, value_name = "DOMAIN", env = "TENANTRY_ALLOW_DOMAIN", value_delimiter = ',')]
    allow_domain: Vec<String>,
    /// Show the sandbox's sign-in page, which logs everybody in as whom they choose, also where others can reach it or
    /// a real provider is set up.
    #[arg(long)]
    sandbox_login: bool,
    /// The sandbox's sign-in page makes an account for any e-mail, and not only those of `--user`.
    #[arg(long)]
    open_sign_up: bool,
    /// Calls about a tenant need a token from the token exchange; a login token is not enough.
    #[arg(long)]
    require_exchange: bool,
}

impl LoginFlags {
    /// Takes over what was given.
    pub(super) fn apply(self, settings: &mut Settings) -> Result<(), Problem> {
        let login = &mut settings.login;
        if let Some(id) = self.github_client_id {
            let secret = client_secret("GitHub", "TENANTRY_GITHUB_CLIENT_SECRET", self.github_client_secret_file)?;
            let site = self.github_url.map_or_else(|| Url::parse(GITHUB), Ok).map_err(unusable)?;
            let api = match self.github_api_url {
                Some(api) => Ok(api),
                None if site.host_str() == Some("github.com") => Url::parse(GITHUB_API),
                None => Url::parse(&format!("{}/api/v3", site.as_str().trim_end_matches('/'))),
            };
            let api = api.map_err(unusable)?;
            login.github = Some(OAuthClient::github(id, secret, &site, &api).map_err(unusable)?);
        }
        if let Some(id) = self.google_client_id {
            let secret = client_secret("Google", "TENANTRY_GOOGLE_CLIENT_SECRET", self.google_client_secret_file)?;
            let instead = self.google_url.as_ref();
            login.google = Some(OAuthClient::google(id, secret, instead).map_err(unusable)?);
        }
        login.allow_users = self.allow_user;
        login.allow_domains = self.allow_domain;
        login.sandbox = self.sandbox_login;
        login.open_sign_up = self.open_sign_up;
        login.require_exchange = self.require_exchange;
        Ok(())
    }
}

/// From the environment, or from a file: others on this machine can read arguments.
fn client_secret(provider: &str, variable: &str, file: Option<PathBuf>) -> Result<Secret, Problem> {
    let problem = |detail: String| {
        let title = format!("The login with {provider} needs its client secret.");
        Problem::new(title).detail(detail).hint(format!("Set {variable}, or name the file that holds it."))
    };
    let raw = match file {
        Some(file) => std::fs::read_to_string(&file)
            .map_err(|error| problem(format!("{} cannot be read: {error}", file.display())))?,
        None => std::env::var(variable).map_err(|_| problem(format!("{variable} is not set.")))?,
    };
    match raw.trim() {
        "" => Err(problem("It is empty.".into())),
        secret => Ok(Secret::new(secret)),
    }
}

fn unusable(error: url::ParseError) -> Problem {
    Problem::new("An address of a login provider cannot be used.").detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        login: LoginFlags,
    }

    fn apply(arguments: &[&str]) -> Result<Settings, Problem> {
        let mut settings = Settings::new("data".into());
        Only::parse_from([&["serve"], arguments].concat()).login.apply(&mut settings)?;
        Ok(settings)
    }

    #[test]
    fn a_provider_has_its_secret_from_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "hunter2\n").expect("written");
        let path = file.path().to_str().expect("text");
        let given = ["--github-client-id", "Iv1.x", "--github-client-secret-file", path];
        let github = apply(&given).expect("settings").login.github.expect("GitHub");
        assert_eq!((github.secret.reveal(), github.profile.as_str()), ("hunter2", "https://api.github.com/user"));
        let enterprise = [given.as_slice(), &["--github-url", "https://git.example"]].concat();
        let github = apply(&enterprise).expect("settings").login.github.expect("GitHub");
        assert_eq!(github.profile.as_str(), "https://git.example/api/v3/user");
        std::fs::write(file.path(), " \n").expect("written");
        assert!(apply(&given).is_err());
        assert!(apply(&["--google-client-id", "x", "--google-client-secret-file", "/nowhere"]).is_err());
    }

    #[test]
    fn several_people_and_domains_may_be_let_in() {
        let settings =
            apply(&["--allow-user", "a@b,c@d", "--allow-domain", "e.example", "--allow-domain", "f.example"]);
        let login = settings.expect("settings").login;
        assert_eq!((login.allow_users.len(), login.allow_domains.len()), (2, 2));
        assert!(!login.sandbox && !login.open_sign_up && !login.require_exchange);
    }
}
