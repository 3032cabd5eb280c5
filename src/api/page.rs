//! A browser for one page: fetches it, and presses a button of its form. With it a sandbox's payment page
//! can be gone through without a person.
//!
//! This module must not know the API or its token; it never sends one.

use std::time::Duration;
use url::Url;

use super::base::{harmless, harmless_url, is_loopback};
use super::form::{Form, first_form};
use super::probe::web_address;
use super::{ApiError, transport};
use crate::model::text;

/// How long a page may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The most of a page that is read, bytes.
const PAGE_LIMIT: usize = 1024 * 1024;

/// A page with a form.
#[derive(Debug, Clone)]
pub struct Page {
    url: Url,
    form: Form,
}

/// What came after a button was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The HTTP status, 200 to 399.
    pub status: u16,
    /// Where the browser would go next. Not followed; may hold what only its receiver should see.
    pub location: Option<Url>,
}

impl Page {
    /// Fetches `url`: https, or http on this machine.
    pub async fn get(url: &str) -> Result<Self, ApiError> {
        let (url, html) = read(url).await?;
        let form = first_form(&html).ok_or_else(|| unusable(&url, "it has no form"))?;
        Ok(Self { url, form })
    }

    /// Name and value of the form's buttons, in their order.
    #[must_use]
    pub fn buttons(&self) -> &[(String, String)] {
        &self.form.buttons
    }

    /// Presses the first button with this value. The form must stay on the page's own origin.
    pub async fn submit(&self, button: &str) -> Result<Submitted, ApiError> {
        let Some(pressed) = self.form.buttons.iter().find(|(_, value)| value == button) else {
            return Err(unusable(&self.url, &format!("its form has no button {:?}", text::short(button, 40))));
        };
        let mut target = match self.form.action.as_str() {
            "" => self.url.clone(),
            action => self.url.join(action).map_err(|_| unusable(&self.url, "its form leads to no address"))?,
        };
        if target.origin() != self.url.origin() {
            return Err(unusable(&self.url, "its form leads to another site"));
        }
        target.set_fragment(None);
        let fields = self.form.fields.iter().chain(Some(pressed)).filter(|(name, _)| !name.is_empty());
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let client = client(&self.url)?;
        let request = if self.form.is_post {
            let kind = "application/x-www-form-urlencoded";
            client.post(target.clone()).header(reqwest::header::CONTENT_TYPE, kind).body(encoded)
        } else {
            target.set_query(Some(&encoded));
            client.get(target.clone())
        };
        let answer = request.send().await.map_err(|error| transport::failure(&target, error))?;
        let status = answer.status();
        if !status.is_success() && !status.is_redirection() {
            return Err(transport::refusal(answer, &[]).await);
        }
        let location = answer.headers().get(reqwest::header::LOCATION).and_then(|value| value.to_str().ok());
        Ok(Submitted { status: status.as_u16(), location: location.and_then(|raw| target.join(raw).ok()) })
    }
}

/// The text of an HTML page: https, or http on this machine. At most 1 MiB; sends no token, follows no redirect.
pub async fn html(url: &str) -> Result<String, ApiError> {
    read(url).await.map(|(_, html)| html)
}

async fn read(url: &str) -> Result<(Url, String), ApiError> {
    let url = web_address(url)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(ApiError::BaseUrl {
            shown: harmless_url(url.as_str()),
            why: "http is allowed for this machine only",
        });
    }
    let answer = client(&url)?.get(url.clone()).send().await.map_err(|error| transport::failure(&url, error))?;
    if !answer.status().is_success() {
        return Err(transport::refusal(answer, &[]).await);
    }
    let html = transport::is_type(&answer, "text/html");
    let body = transport::body(answer, PAGE_LIMIT).await?;
    if !html {
        return Err(unusable(&url, "it is not HTML"));
    }
    Ok((url, String::from_utf8_lossy(&body).into_owned()))
}

fn client(place: &Url) -> Result<reqwest::Client, ApiError> {
    transport::finish(transport::builder(place).timeout(LIMIT))
}

fn unusable(url: &Url, why: &str) -> ApiError {
    ApiError::Page { url: harmless(url), why: why.to_owned() }
}
