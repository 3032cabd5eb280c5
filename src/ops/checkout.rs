//! Buying a tenant: the checkout, and paying on the sandbox's page without a browser.

mod wait;

use super::Session;
use crate::api::Page;
use crate::model::{CheckoutRequest, CheckoutSession, Problem};

pub use wait::{News, Wait};

/// Opens a checkout. The terminal then waits on the session's stream; no callback server is needed,
/// because the session id is known from the answer (protocol D.2).
pub async fn start(session: &Session, price_id: &str, region: &str) -> Result<CheckoutSession, Problem> {
    let request = CheckoutRequest { price_id: price_id.to_owned(), region: region.to_owned(), redirect_uri: None };
    session.client().checkout(&request).await.map_err(|error| error.problem())
}

/// Pays on the sandbox's page as a browser would: reads the page, submits its form.
pub async fn auto_pay(checkout_url: &str) -> Result<(), Problem> {
    let page = Page::get(checkout_url).await.map_err(|error| error.problem())?;
    page.submit("pay").await.map(drop).map_err(|error| error.problem())
}
