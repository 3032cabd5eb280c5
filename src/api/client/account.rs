//! What an account does, told to the server for its records (protocol B.3).

use reqwest::Method;
use serde_json::json;

use super::Client;
use crate::api::ApiError;

impl Client {
    /// Tells of a login or a logout: `cloud_login`, `cloud_logout`. What comes of it changes nothing.
    pub async fn activity(&self, event: &str, user_id: &str) -> Result<(), ApiError> {
        let url = self.url(&["activity"]);
        let body = json!({
            "event": event,
            "timestamp": jiff::Timestamp::now().to_string(),
            "data": { "user_id": user_id },
        });
        self.succeed(self.0.calls.request(Method::POST, url.clone()).json(&body), &url).await
    }
}
