//! What an account has, there and in this project: for whoever logs in, or asks who they are. Nothing here is needed; what
//! cannot be had is left out.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

use super::frame::{Paint, cell, tone_of_state, toned};
use crate::model::{Tenant, text};
use crate::ops::login::Seat;
use crate::ops::{Session, overview};
use crate::telling::Tone;
use crate::workspace::{Project, tenants_file};

/// How long the server may take to list the tenants.
const LIMIT: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct Around {
    /// The profiles of the project; `None` outside of one.
    pub(super) profiles: Option<usize>,
    /// The account's tenants; `None` where the server does not list them.
    pub(super) tenants: Option<Vec<Tenant>>,
    /// The project's list of tenants, where there is one.
    pub(super) tenants_path: Option<String>,
}

/// Asks the server and the project. `seat` has a login.
pub(super) async fn around(seat: &Seat) -> Around {
    let project = seat.project().cloned();
    let profiles = match &project {
        Some(project) => overview::profiles(project).await.ok().map(|profiles| profiles.len()),
        None => None,
    };
    let list = project.as_ref().map(tenants_file::path);
    let tenants_path = match list {
        Some(path) if tokio::fs::try_exists(&path).await.unwrap_or(false) => Some(text::line(&path.to_string_lossy())),
        _ => None,
    };
    // Nothing is read or written there: outside of a project any folder does.
    let project = project.unwrap_or_else(|| Project { root: std::env::temp_dir() });
    Around { profiles, tenants: tenants(seat.clone(), project).await, tenants_path }
}

async fn tenants(seat: Seat, project: Project) -> Option<Vec<Tenant>> {
    let session = Session::at(seat, project).await.ok()?;
    let list = tokio::time::timeout(LIMIT, session.client().tenants()).await.ok()?.ok()?;
    Some(list.tenants)
}

fn url(tenant: &Tenant) -> Option<String> {
    let host = || tenant.hostname.as_ref().map(|host| format!("https://{host}"));
    tenant.app_url.clone().or_else(host)
}

impl Around {
    /// The tenants as scripts read them.
    pub(super) fn document(&self) -> Value {
        let one = |tenant: &Tenant| {
            json!({
                "id": tenant.id, "name": tenant.name, "state": tenant.state().word(),
                "subscription_status": tenant.subscription_status, "plan": tenant.plan.as_ref().map(|plan| &plan.name),
                "region": tenant.region, "url": url(tenant),
            })
        };
        json!(self.tenants.as_ref().map(|tenants| tenants.iter().map(one).collect::<Vec<_>>()))
    }

    /// The tenants as people read them, and what to do next.
    pub(super) fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        let tenants = self.tenants.as_deref().unwrap_or_default();
        if !tenants.is_empty() {
            let head = ["TENANT", "STATUS", "PLAN", "REGION", "ADDRESS"].map(str::to_owned);
            let rows = std::iter::once(head).chain(tenants.iter().map(|tenant| {
                [
                    tenant.name.clone(),
                    tenant.state().word().to_owned(),
                    cell(tenant.plan.as_ref().map(|plan| plan.name.clone())),
                    cell(tenant.region.clone()),
                    cell(url(tenant)),
                ]
            }));
            let tone = |column, cell: &str| if column == 1 { tone_of_state(cell) } else { Tone::Text };
            let _ = write!(out, "\n{}", toned(&rows.collect::<Vec<_>>(), paint, tone));
        }
        out.push_str("\nNext:\n");
        let next = match (&self.tenants, self.profiles) {
            (Some(tenants), _) if tenants.is_empty() => {
                [("tenantry plans", "what can be bought"), ("tenantry tenant create", "buy a tenant")]
            }
            (_, Some(0)) => [
                ("tenantry status", "how everything stands"),
                ("tenantry profile create NAME --tenant TENANT", "a profile to deploy with"),
            ],
            (_, None) => [("tenantry status", "how everything stands"), ("tenantry init", "set this folder up")],
            (_, Some(_)) => [("tenantry status", "how everything stands"), ("tenantry deploy", "build and deploy")],
        };
        let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        for (command, what) in next {
            let _ = writeln!(out, "  {}  {what}", paint.tone(Tone::Accent, &format!("{command:<width$}")));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_listed_and_what_is_next_depends() {
        let tenant = json!({
            "id": "ten_1", "name": "orchard", "phase": "running", "region": "fra", "hostname": "o.example",
            "plan": {"name": "Starter", "memory_mb": 512, "volume_gb": 1},
        });
        let tenant: Tenant = serde_json::from_value(tenant).expect("a tenant");
        let around = |tenants, profiles| Around { profiles, tenants, tenants_path: None };
        let one = around(Some(vec![tenant]), Some(1));
        assert_eq!(
            one.text(Paint::default()),
            "\nTENANT   STATUS   PLAN     REGION  ADDRESS\norchard  running  Starter  fra     https://o.example\n\n\
             Next:\n  tenantry status  how everything stands\n  tenantry deploy  build and deploy\n"
        );
        assert_eq!(
            (&one.document()[0]["url"], &one.document()[0]["state"]),
            (&json!("https://o.example"), &json!("running"))
        );
        assert!(around(Some(Vec::new()), None).text(Paint::default()).contains("tenantry plans"));
        let unknown = around(None, Some(0));
        assert!(unknown.document().is_null() && unknown.text(Paint::default()).contains("profile create"));
    }
}
