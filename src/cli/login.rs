//! `tenantry login`: through the browser, or with a token from standard input, which no process list shows.

use clap::{Args, ValueEnum};
use serde_json::json;
use std::io::IsTerminal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::around::{Around, around};
use super::auth::{Place, note};
use super::exit::Exit;
use super::frame::ask::{self, Silent};
use super::frame::{Failure, Output, Paint, Unasked, until_stopped};
use crate::model::{Problem, Secret};
use crate::ops::login::{self, Failed, How, Kept, LoggedIn, News, Provider, Seat, Store, callback};
use crate::telling::format;

/// The most that is read as a token, bytes.
const LONGEST: u64 = 64 * 1024;
/// What keeps a login where there is no keyring.
const NO_KEYRING: &str = "Use `--store file` to keep the login in the project's .systemprompt/credentials.json, readable by \
    you alone, or set TENANTRY_TOKEN.";
/// The same outside of a project, which has no such file.
const NO_KEYRING_HERE: &str = "Set TENANTRY_TOKEN, or use `--store file` in a project's folder.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Who vouches for you; GitHub where it is left out.
    #[arg(long, value_name = "PROVIDER", conflicts_with = "token_stdin")]
    provider: Option<WantedProvider>,
    #[command(flatten)]
    place: Place,
    /// Read a token from standard input instead of opening the browser; typed at a terminal, it is not shown.
    #[arg(long, conflicts_with = "no_browser")]
    token_stdin: bool,
    /// Only print the address, and wait.
    #[arg(long)]
    no_browser: bool,
    /// Where to keep the login; the keyring, or the project's file where the platform keeps it there already.
    #[arg(long, value_name = "PLACE")]
    store: Option<WantedStore>,
    /// Where the project's list of tenants is damaged, set it aside as tenants.json.bak and fetch the cloud's tenants again. Its
    /// local tenants are in the .bak alone then.
    #[arg(long)]
    renew_tenants: bool,
    #[command(flatten)]
    unasked: Unasked,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WantedProvider {
    #[value(name = "github")]
    GitHub,
    Google,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WantedStore {
    Keyring,
    File,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    until_stopped(arguments.output, &stop, log_in(arguments)).await
}

async fn log_in(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.can_be_answered()?;
    let seat = arguments.place.seat().await?;
    let store = arguments.store.map(|store| match store {
        WantedStore::Keyring => Store::Keyring,
        WantedStore::File => Store::File,
    });
    let how = if arguments.token_stdin {
        // Before anybody types anything; the browser is not opened before it, either.
        login::can_be_kept(&seat, store).await.map_err(|failed| hinted(&seat, failed))?;
        How::Token(read_token().await?)
    } else {
        let provider = match arguments.provider {
            Some(WantedProvider::Google) => Provider::Google,
            Some(WantedProvider::GitHub) | None => Provider::GitHub,
        };
        How::Browser { provider, open: !arguments.no_browser }
    };
    let mut logged_in = log_in_at(&seat, how, store).await?;
    // Whoever just logged in where nobody was is found there now.
    let seat = arguments.place.seat().await?;
    if !arguments.output.json() {
        logged_in.warnings.iter().for_each(warn);
    }
    let mut aside = None;
    if logged_in.tenants_damaged && wants_renewal(&arguments).await? {
        match Box::pin(login::renew_tenants(&seat)).await {
            Ok(path) => {
                // It was told last.
                logged_in.warnings.pop();
                aside = path;
            }
            // Whoever is logged in is: the list is another matter.
            Err(problem) if arguments.output.json() => logged_in.warnings.push(problem),
            Err(problem) => warn(&problem),
        }
    }
    let around = around(&seat).await;
    let renewed =
        aside.as_ref().map(|path| format!("The list of tenants is fetched anew; the damaged one is {path}.\n"));
    let text = format!("{}{}{}", lines(&logged_in), renewed.unwrap_or_default(), around.text(Paint::out()));
    arguments.output.answer(&document(&logged_in, &around, aside.as_deref()), &text)?;
    Ok(Exit::Done)
}

fn warn(problem: &Problem) {
    note(&format!("Warning: {problem}"));
}

/// Whether a damaged list is set aside: where it was said, or somebody at the terminal says so.
async fn wants_renewal(arguments: &Arguments) -> Result<bool, Problem> {
    if arguments.renew_tenants {
        return Ok(true);
    }
    if arguments.output.json() || !arguments.output.can_ask() {
        return Ok(false);
    }
    ask::yes("Set the damaged list aside as tenants.json.bak, and fetch the cloud's tenants again?".to_owned()).await
}

/// Logs in through the browser, for a command that goes on afterwards: its answer is not mixed with this one.
pub(super) async fn in_browser(seat: &Seat) -> Result<(), Problem> {
    let how = How::Browser { provider: Provider::GitHub, open: true };
    let logged_in = log_in_at(seat, how, None).await?;
    note(lines(&logged_in).trim_end());
    logged_in.warnings.iter().for_each(warn);
    Ok(())
}

async fn log_in_at(seat: &Seat, how: How, store: Option<Store>) -> Result<LoggedIn, Problem> {
    let (sender, mut news) = mpsc::channel(4);
    let opens = matches!(how, How::Browser { open: true, .. });
    let telling = async {
        while let Some(word) = news.recv().await {
            tell(&word, opens);
        }
    };
    let work = async {
        let sender = sender;
        login::log_in(seat, how, store, &sender).await
    };
    let (ended, ()) = tokio::join!(work, telling);
    ended.map_err(|failed| hinted(seat, failed))
}

/// With what keeps a login without a keyring, where only that is missing.
fn hinted(seat: &Seat, Failed { problem, no_keyring }: Failed) -> Problem {
    if !no_keyring {
        return problem;
    }
    let otherwise = if seat.project().is_some() { NO_KEYRING } else { NO_KEYRING_HERE };
    // Where the keyring itself can be helped, that comes first.
    let hint = problem.hint.as_ref().map_or_else(|| otherwise.to_owned(), |hint| format!("{hint} {otherwise}"));
    problem.hint(hint)
}

impl Arguments {
    /// Where nothing may be asked there is nobody for the browser either, unless somebody says that there is: who prints the
    /// page alone wants it read.
    fn can_be_answered(&self) -> Result<(), Failure> {
        let is_refused = self.output.non_interactive()
            && if self.token_stdin { std::io::stdin().is_terminal() } else { !self.no_browser };
        if !is_refused {
            return Ok(());
        }
        Err(Failure::Usage(
            Problem::new("Nobody can be asked here, so nobody was logged in.")
                .detail("--non-interactive was given, and a browser needs a person.")
                .hint("Log in with a token: tenantry login --token-stdin < token.txt; or set TENANTRY_TOKEN."),
        ))
    }
}

fn tell(news: &News, opens: bool) {
    match news {
        News::Address(url) if opens => {
            note(&format!("The browser opens this page. Where it does not, open it yourself:\n\n  {url}\n"));
        }
        News::Address(url) => note(&format!("Open this page in a browser on this machine:\n\n  {url}\n")),
        News::NoBrowser(problem) => note(&problem.title),
        News::Checking => {}
    }
    if matches!(news, News::Address(_)) {
        note("Waiting for the browser; Ctrl-C stops.");
    }
}

/// What a person reads at the end.
fn lines(logged_in: &LoggedIn) -> String {
    let LoggedIn { api, me, kept, expires_at, .. } = logged_in;
    let left = |end: jiff::Timestamp| format::estimate(end.duration_since(jiff::Timestamp::now()).unsigned_abs());
    let ends = expires_at.map(|end| format!("; it ends in {}", left(end))).unwrap_or_default();
    let customer = me.customer.as_ref().map(|customer| format!(", customer {}", customer.id)).unwrap_or_default();
    format!("Logged in to {api} as {}{customer}.\nKept in {}{ends}.\n", me.user.email, kept.words())
}

fn document(logged_in: &LoggedIn, around: &Around, aside: Option<&str>) -> serde_json::Value {
    let LoggedIn { me, api, context, kept, expires_at, warnings, .. } = logged_in;
    let file = match kept {
        Kept::File(_) => Some(kept.words()),
        _ => None,
    };
    json!({
        "user": me.user,
        "customer": me.customer,
        "api_url": api,
        "context": context,
        "kept": kept.word(),
        "kept_in": kept.words(),
        "expires_at": expires_at.map(|end| end.to_string()),
        "credentials_path": file,
        "tenants": around.document(),
        "tenants_path": around.tenants_path,
        "warnings": warnings,
        "set_aside": aside,
    })
}

/// A token from standard input: one word, all that there is. At a terminal a line that is not shown.
async fn read_token() -> Result<Secret, Problem> {
    let failed = |error: std::io::Error| Problem::new("Standard input cannot be read.").detail(error.to_string());
    let mut text = String::new();
    let input = tokio::io::stdin();
    if std::io::stdin().is_terminal() {
        // Before it is asked for: a fast hand, or a program, pastes at once.
        let silent = Silent::begin();
        note("Paste the token and press Enter; it is not shown.");
        BufReader::new(input.take(LONGEST)).read_line(&mut text).await.map_err(failed)?;
        drop(silent);
        note("");
    } else {
        input.take(LONGEST).read_to_string(&mut text).await.map_err(failed)?;
    }
    let word = text.trim();
    if callback::is_token(word) {
        return Ok(Secret::new(word));
    }
    Err(Problem::new("Standard input holds no token.")
        .detail("A token is one word of printable characters.")
        .hint("For example: tenantry login --token-stdin < token.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Me, User};

    #[test]
    fn the_end_tells_who_where_and_until_when_and_no_token() {
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(7261);
        let user = User { id: "u1".into(), email: "mara@orchard.example".into(), name: None };
        let logged_in = LoggedIn {
            me: Me { user, customer: None, enterprise: None },
            api: "https://api.example".into(),
            context: Some("staging".into()),
            kept: Kept::Keyring,
            expires_at: Some(end),
            warnings: vec![Problem::new("The list is damaged.")],
            tenants_damaged: true,
        };
        let text = lines(&logged_in);
        assert!(text.starts_with("Logged in to https://api.example as mara@orchard.example.\nKept in the keyring; "));
        assert!(text.contains("it ends in 2 h"), "{text}");
        let nothing = Around { profiles: None, tenants: None, tenants_path: None };
        let document = document(&logged_in, &nothing, None);
        assert_eq!(document["warnings"][0]["title"], "The list is damaged.");
        assert!(document["credentials_path"].is_null() && document["tenants"].is_null());
        assert_eq!(
            (&document["kept"], &document["user"]["email"]),
            (&json!("keyring"), &json!("mara@orchard.example"))
        );
    }
}
