//! How people pay.

use std::path::{Path, PathBuf};
use url::Url;

use super::databases::secret;
use crate::model::{Problem, Secret};
use crate::server::Settings;

/// See the module.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Payment")]
pub(in crate::cli) struct PaymentFlags {
    /// Whoever opens a checkout of the sandbox has paid: for tests and scripts, with `curl -L`.
    #[arg(long, env = "TENANTRY_AUTO_PAY")]
    auto_pay: bool,
    /// The secret of Paddle's notification destination; where absent, only this server's own sandbox can sign webhooks.
    /// Better in the environment or in a file: others on this machine can read arguments.
    #[arg(long, value_name = "SECRET", env = "TENANTRY_PADDLE_WEBHOOK_SECRET", hide_env_values = true, value_parser = secret)]
    paddle_webhook_secret: Option<Secret>,
    /// A file that holds that secret.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "paddle_webhook_secret",
        env = "TENANTRY_PADDLE_WEBHOOK_SECRET_FILE"
    )]
    paddle_webhook_secret_file: Option<PathBuf>,
    /// Paddle's API key: checkouts are opened there and not on the sandbox's page. Better in the environment or in a file.
    #[arg(long, value_name = "KEY", env = "TENANTRY_PADDLE_API_KEY", hide_env_values = true, value_parser = secret)]
    paddle_api_key: Option<Secret>,
    /// A file that holds that key.
    #[arg(long, value_name = "FILE", conflicts_with = "paddle_api_key", env = "TENANTRY_PADDLE_API_KEY_FILE")]
    paddle_api_key_file: Option<PathBuf>,
    /// Paddle's API, `https://sandbox-api.paddle.com` for a sandbox account; the one for real money where absent.
    #[arg(long, value_name = "URL", env = "TENANTRY_PADDLE_API_URL")]
    paddle_api_url: Option<Url>,
    /// The payment provider's price for a plan, `basic=pri_01...`; can be given for every plan.
    #[arg(long = "price", value_name = "PLAN=PRICE_ID", value_parser = price)]
    prices: Vec<(String, String)>,
}

impl PaymentFlags {
    /// Takes over what was given.
    pub(super) fn apply(self, settings: &mut Settings) -> Result<(), Problem> {
        let payment = &mut settings.payment;
        payment.auto_pay |= self.auto_pay;
        if let Some(given) = either(self.paddle_webhook_secret, self.paddle_webhook_secret_file.as_deref())? {
            payment.webhook_secret = Some(given);
        }
        if let Some(given) = either(self.paddle_api_key, self.paddle_api_key_file.as_deref())? {
            payment.paddle_api_key = Some(given);
        }
        payment.paddle_api_url = self.paddle_api_url.or(payment.paddle_api_url.take());
        if let Some((plan, _)) = self.prices.iter().find(|(plan, _)| !payment.knows_plan(plan)) {
            return Err(Problem::new(format!("There is no plan `{plan}` to give a price.")));
        }
        payment.prices.extend(self.prices);
        let problem = |title: &str, hint: &str| Err(Problem::new(title).hint(hint));
        if payment.paddle_api_key.is_some() && payment.webhook_secret.is_none() {
            return problem(
                "Paddle's webhooks could not be checked.",
                "Give the notification destination's secret too: --paddle-webhook-secret-file.",
            );
        }
        if payment.paddle_api_key.is_some() && payment.prices.is_empty() {
            return problem(
                "Paddle could sell nothing.",
                "Name the price of at least one plan: --price basic=pri_01...",
            );
        }
        Ok(())
    }
}

fn either(given: Option<Secret>, file: Option<&Path>) -> Result<Option<Secret>, Problem> {
    let Some(path) = file else { return Ok(given.filter(|secret| !secret.reveal().trim().is_empty())) };
    let unusable = |why: String| Problem::new("A secret cannot be read.").detail(format!("{}: {why}", path.display()));
    let read = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    if read.trim().is_empty() {
        return Err(unusable("the file is empty".into()));
    }
    Ok(Some(Secret::new(read.trim())))
}

fn price(raw: &str) -> Result<(String, String), String> {
    match raw.split_once('=') {
        Some((plan, price)) if !plan.is_empty() && !price.is_empty() => Ok((plan.to_owned(), price.to_owned())),
        _ => Err("it has the form PLAN=PRICE_ID".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_name_a_plan_that_there_is() {
        assert_eq!(price("basic=pri_1"), Ok(("basic".into(), "pri_1".into())));
        for bad in ["basic", "basic=", "=pri"] {
            assert!(price(bad).is_err(), "{bad}");
        }
        let apply = |plan: &str| {
            let mut settings = Settings::new("data".into());
            let prices = vec![(plan.to_owned(), "pri_1".to_owned())];
            PaymentFlags { prices, ..PaymentFlags::default() }.apply(&mut settings).map(|()| settings)
        };
        for plan in ["basic", "plan_basic"] {
            let settings = apply(plan).unwrap_or_else(|problem| panic!("{problem:?}"));
            assert_eq!(settings.payment.price_of("plan_basic"), Some("pri_1"));
            assert_eq!(settings.payment.price_of("plan_pro"), None);
        }
        assert!(apply("gold").is_err());
    }

    #[test]
    fn paddle_needs_all_it_needs() {
        let flags = || PaymentFlags { paddle_api_key: Some(Secret::new("key")), ..PaymentFlags::default() };
        assert!(flags().apply(&mut Settings::new("data".into())).is_err());
        let signed = || PaymentFlags { paddle_webhook_secret: Some(Secret::new("word")), ..flags() };
        assert!(signed().apply(&mut Settings::new("data".into())).is_err());
        let whole = PaymentFlags { prices: vec![("pro".into(), "pri_1".into())], ..signed() };
        assert!(whole.apply(&mut Settings::new("data".into())).is_ok());
    }

    #[test]
    fn secrets_come_from_files_and_an_empty_one_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "pdl_ntfset_1\n").expect("written");
        let read = either(None, Some(&file)).ok().flatten().expect("a secret");
        assert_eq!(read.reveal(), "pdl_ntfset_1");
        std::fs::write(&file, " \n").expect("written");
        assert!(either(None, Some(&file)).is_err());
        assert!(either(None, Some(&folder.path().join("none"))).is_err());
    }
}
