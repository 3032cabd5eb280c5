//! `tenantry tenant show`: one tenant, with its database's password left out unless it is asked for.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

use super::choice::named_or_chosen;
use super::{Target, target};
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Output, Place};
use crate::model::{LocalStatus, Secret, Tenant, database_url};
use crate::ops::{Call, Reply, local, perform};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The tenant: its id, its name, or the beginning of one. At a terminal it may be left out, and is asked for.
    #[arg(value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    /// Show a local tenant's password.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub(super) output: Output,
}

/// A local tenant as a document.
#[derive(Serialize)]
pub(super) struct LocalDetail<'a> {
    tenant_id: &'a str,
    tenant_name: &'a str,
    tenant_type: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    has_database: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    docker_project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<&'a str>,
}

impl<'a> LocalDetail<'a> {
    pub(super) fn of(status: &'a LocalStatus, reveal: bool) -> Self {
        let tenant = &status.tenant;
        let shown = |url: &Secret| if reveal { url.reveal().to_owned() } else { database_url::masked(url) };
        Self {
            tenant_id: tenant.id.as_str(),
            tenant_name: &tenant.name,
            tenant_type: "local",
            state: status.state.word(),
            detail: status.detail.as_deref(),
            has_database: tenant.database_url.is_some(),
            database_url: tenant.database_url.as_ref().map(shown),
            docker_project: tenant.docker_project.as_deref(),
            created_at: tenant.created_at.as_deref(),
        }
    }

    fn text(&self) -> String {
        let Self { tenant_id: id, tenant_name: name, state, detail, database_url, docker_project, created_at, .. } =
            self;
        let state = detail.map_or_else(|| (*state).to_owned(), |detail| format!("{state}: {detail}"));
        let fields = [
            ("name", Some((*name).to_owned())),
            ("id", Some((*id).to_owned())),
            ("type", Some("local".to_owned())),
            ("status", Some(state)),
            ("database", database_url.clone()),
            ("container", docker_project.map(|project| format!("{project}-postgres-1"))),
            ("created", created_at.map(str::to_owned)),
        ];
        lines(fields)
    }
}

/// One of the cloud as a document: the server's record, with its id and its name called as everywhere.
fn cloud_detail(tenant: &Tenant) -> Value {
    let mut document = json!({
        "tenant_id": tenant.id, "tenant_name": tenant.name, "tenant_type": "cloud", "state": tenant.state().word(),
        "has_database": tenant.database_name.is_some() || tenant.database.is_some(),
    });
    if let (Some(all), Value::Object(record)) = (document.as_object_mut(), json!(tenant)) {
        all.extend(record.into_iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name")));
    }
    document
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project_or_folder()?;
    let Arguments { tenant: wanted, place, output, .. } = &arguments;
    let wanted = named_or_chosen(&project, place, wanted.clone(), *output).await?;
    match target(&project, place, &wanted).await? {
        Target::Local(tenant) => {
            let status = local::status(&project, tenant.id.as_str()).await?;
            let detail = LocalDetail::of(&status, arguments.reveal);
            arguments.output.answer(&detail, &detail.text())?;
        }
        Target::Cloud(session, tenant) => {
            let Reply::Tenant(tenant) = perform(&session, Call::Tenant(tenant.id)).await? else {
                return Ok(Exit::Done);
            };
            let state = tenant.state().word();
            let text = lines([
                ("name", Some(tenant.name.clone())),
                ("id", Some(tenant.id.to_string())),
                ("type", Some("cloud".to_owned())),
                ("status", Some(state.to_owned())),
                ("address", tenant.app_url.clone().or(tenant.hostname.clone())),
                ("region", tenant.region.clone()),
                ("plan", tenant.plan.as_ref().map(|plan| plan.name.clone())),
                ("paid", tenant.subscription_status.clone()),
                ("memory", tenant.memory_mb.map(|mb| format!("{mb} MB"))),
                ("volume", tenant.volume_gb.map(|gb| format!("{gb} GB"))),
                ("domain", tenant.custom_domain.clone()),
                ("app", tenant.fly_app_name.clone()),
                ("database", tenant.database_name.clone().or_else(|| tenant.database.clone())),
                (
                    "outside",
                    tenant
                        .external_db_access
                        .map(|open| if open { "reaches it" } else { "does not reach it" }.to_owned()),
                ),
                ("image", tenant.image_digest.clone()),
                ("deployed", tenant.deployed_at.clone()),
                ("error", tenant.last_error.clone()),
                ("created", tenant.created_at.clone()),
            ]);
            arguments.output.answer(&cloud_detail(&tenant), &text)?;
        }
    }
    Ok(Exit::Done)
}

fn lines<const N: usize>(fields: [(&str, Option<String>); N]) -> String {
    let mut out = String::new();
    for (label, value) in fields {
        if let Some(value) = value {
            let _ = writeln!(out, "{label:<10} {value}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LocalState, LocalTenant, TenantId};

    #[test]
    fn a_tenant_of_the_cloud_is_called_as_everywhere() {
        let tenant: Tenant = serde_json::from_value(json!({
            "id": "ten_1", "name": "orchard", "phase": "running", "region": "fra", "database_name": "site_1",
        }))
        .expect("a tenant");
        let document = cloud_detail(&tenant);
        assert_eq!((&document["tenant_id"], &document["tenant_name"]), (&json!("ten_1"), &json!("orchard")));
        assert_eq!((&document["state"], &document["region"]), (&json!("running"), &json!("fra")));
        assert!(document["id"].is_null() && document["name"].is_null() && document["has_database"] == true);
    }

    #[test]
    fn the_password_is_shown_only_where_it_is_asked_for() {
        let status = LocalStatus {
            tenant: LocalTenant {
                id: TenantId::new("local_1").expect("an id"),
                name: "local".into(),
                database_url: Some(Secret::new("postgres://systemprompt:hunter2@localhost:5432/systemprompt")),
                docker_project: Some("local_19b9".into()),
                created_at: Some("2026-11-20T12:00:00Z".into()),
                unfinished: false,
            },
            state: LocalState::Stopped,
            detail: None,
        };
        let told = |reveal| {
            let detail = LocalDetail::of(&status, reveal);
            format!("{} {}", serde_json::to_string(&detail).expect("JSON"), detail.text())
        };
        assert!(!told(false).contains("hunter2") && told(false).contains("systemprompt:****@localhost"));
        assert_eq!(told(true).matches("hunter2").count(), 2);
        assert!(told(false).contains("status     stopped"), "{}", told(false));
    }
}
