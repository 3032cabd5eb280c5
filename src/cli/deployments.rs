//! `tenantry deployments`: a tenant's deploys as the server remembers them, whoever made them. `history` has this machine's.

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::frame::{Failure, Output, Whom, cell, table};
use crate::model::Deployment;
use crate::ops::{Call, Reply, perform};
use crate::telling::format;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tenantry deployments --tenant orchard --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(Arguments { whom, output }: Arguments) -> Result<Exit, Failure> {
    let (session, tenant) = whom.open().await?;
    let Reply::Deployments(found) = perform(&session, Call::Deployments(tenant.id.clone())).await? else {
        return Ok(Exit::Done);
    };
    let text =
        if found.is_empty() { format!("The server remembers no deploy of {}.\n", tenant.name) } else { told(&found) };
    let document = json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "deployments": found });
    output.answer(&document, &text)?;
    Ok(Exit::Done)
}

fn told(found: &[Deployment]) -> String {
    let head = ["STATUS", "BEGAN", "TOOK", "DIGEST", "IMAGE", "ID"].map(str::to_owned);
    let row = |deployment: &Deployment| {
        let began = format::moment(&deployment.created_at);
        let ended = deployment.finished_at.as_deref().and_then(format::moment);
        let took = began.zip(ended).map(|(began, ended)| format::duration(ended.duration_since(began).unsigned_abs()));
        [
            deployment.status.clone(),
            deployment.created_at.clone(),
            cell(took),
            cell(format::digest(&deployment.digest)),
            deployment.image.clone(),
            deployment.id.clone(),
        ]
    };
    table(&std::iter::once(head).chain(found.iter().map(row)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_under_way_has_no_end() {
        let deployment = |finished_at: Option<&str>| Deployment {
            id: "d1".into(),
            image: "r/a:b".into(),
            digest: format!("sha256:{}", "5e1f2a9c".repeat(8)),
            status: "succeeded".into(),
            created_at: "2026-11-20T10:00:00Z".into(),
            finished_at: finished_at.map(str::to_owned),
        };
        let text = told(&[deployment(Some("2026-11-20T10:00:12Z")), deployment(None)]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], "succeeded  2026-11-20T10:00:00Z  12.0 s  5e1f2a9c  r/a:b  d1");
        assert!(lines[2].contains("Z  -       5e1f2a9c"), "{text}");
    }
}
