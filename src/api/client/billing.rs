//! What can be bought, and what is paid for (protocol B.5, B.6, B.34 to B.36). Nothing here that costs money or ends
//! something is repeated by itself.

use reqwest::Method;

use super::{Client, Holds, readable, warn_of};
use crate::api::probe::web_address;
use crate::api::{ApiError, transport};
use crate::model::{CheckoutRequest, CheckoutSession, Plan, Renewal, Subscription, TenantId};

impl Client {
    /// The plans on offer. Those that cannot be read are left out and logged.
    pub async fn plans(&self) -> Result<Vec<Plan>, ApiError> {
        let entries: Vec<serde_json::Value> = self.get(&["checkout", "plans"], &[], Holds::Nothing).await?;
        let (plans, rejected) = readable(entries);
        warn_of("plan", &rejected);
        Ok(plans)
    }

    /// Opens a checkout session. Not idempotent, so never repeated by itself.
    pub async fn checkout(&self, request: &CheckoutRequest) -> Result<CheckoutSession, ApiError> {
        let path = ["checkout"];
        let session = self.post(&path, request, Holds::Nothing).await?;
        self.payable(session, &path)
    }

    /// What is paid for the tenant.
    pub async fn subscription(&self, id: &TenantId) -> Result<Subscription, ApiError> {
        let mut found: Subscription = self.get(&["tenants", id.as_str(), "subscription"], &[], Holds::Nothing).await?;
        // It is handed to the system's browser, which would open files and programs as well.
        found.management_url = found.management_url.filter(|url| web_address(url).is_ok());
        Ok(found)
    }

    /// Opens a checkout session for another plan of the tenant, or for a subscription that ended. Never repeated by itself.
    pub async fn change_plan(&self, id: &TenantId, request: &Renewal) -> Result<CheckoutSession, ApiError> {
        let path = ["tenants", id.as_str(), "subscription"];
        let session = self.post(&path, request, Holds::Nothing).await?;
        self.payable(session, &path)
    }

    /// Ends the subscription at once, and with it the tenant and its data. Never repeated by itself. What the answer holds
    /// is not looked at: servers differ (protocol A.3).
    pub async fn cancel_subscription(&self, id: &TenantId) -> Result<(), ApiError> {
        let url = self.url(&["tenants", id.as_str(), "subscription", "cancel"]);
        self.succeed(self.0.calls.request(Method::POST, url.clone()), &url).await
    }

    /// The session, where its page is one that a browser may be given.
    fn payable(&self, mut session: CheckoutSession, path: &[&str]) -> Result<CheckoutSession, ApiError> {
        // The system's browser would open files and programs as well.
        session.checkout_url = web_address(&session.checkout_url)
            .map_err(|error| {
                let ApiError::BaseUrl { why, .. } = error else { return error };
                transport::unreadable(&self.url(path), 200, &format!("checkout_url: {why}"), None)
            })?
            .into();
        Ok(session)
    }
}
