//! Event streams: of a checkout, of a tenant, of its log (protocol C).

use std::sync::Arc;
use url::Url;

use super::Client;
use crate::api::feed::{self, Feed};
use crate::model::{LogEntry, ProvisioningEvent, SessionId, TenantId};

impl Client {
    /// The events of a checkout session, up to the end of phase 1 or of the operation. Must be called
    /// within a tokio runtime, as the other streams.
    #[must_use]
    pub fn checkout_events(&self, session: &SessionId) -> Feed<ProvisioningEvent> {
        let url = self.url(&["checkout", session.as_str(), "events"]);
        feed::checkout_events(self.source(url))
    }

    /// The events of a tenant: up to the end of the present operation, or with `follow` without end.
    #[must_use]
    pub fn tenant_events(&self, id: &TenantId, follow: bool) -> Feed<ProvisioningEvent> {
        let mut url = self.url(&["tenants", id.as_str(), "events"]);
        if follow {
            url.query_pairs_mut().append_pair("follow", "true");
        }
        feed::tenant_events(self.source(url), follow)
    }

    /// The tenant's log lines as they come, beginning with the last `lines`.
    #[must_use]
    pub fn follow_logs(&self, id: &TenantId, lines: u32) -> Feed<LogEntry> {
        let mut url = self.url(&["tenants", id.as_str(), "logs"]);
        url.query_pairs_mut().append_pair("lines", &lines.to_string()).append_pair("follow", "true");
        feed::follow_logs(self.source(url))
    }

    fn source(&self, url: Url) -> feed::Source {
        feed::Source {
            is_nobody: self.0.is_nobody,
            client: self.0.streams.clone(),
            about_tenant: self.is_about_tenant(&url),
            url,
            access: Arc::clone(&self.0.access),
            is_exchange_wanted: false,
            pace: self.0.pace,
        }
    }
}
