//! `tenantry status`: how everything stands at a glance: profiles, login, tenants.

use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write as _;

use super::exit::Exit;
use super::frame::{Failure, Output, Paint, Place, beside, cell, project_or_folder, tone_of_state, toned};
use crate::model::{Problem, TenantStatus};
use crate::ops::Session;
use crate::ops::login::Validity;
use crate::ops::login::who::{Who, who};
use crate::ops::overview::{self, Profile, Standing, Standings};
use crate::telling::Tone;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tenantry status\n  tenantry status --json | jq '.tenants[] | select(.state == \"failed\")'"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(Arguments { place, output }: Arguments) -> Result<Exit, Failure> {
    let project = project_or_folder()?;
    let profiles = overview::profiles(&project).await?;
    let seat = place.seat_in(project.clone()).await?;
    let found = who(&seat).await;
    if let Ok(who) = &found {
        beside::tell_end(who.expires_at);
    }
    // Only what is there can be over.
    let is_over =
        found.as_ref().is_err_and(|problem| problem.requires_login) && matches!(seat.find().await, Ok(Some(_)));
    let standings = match &found {
        Ok(_) => Ok(overview::standings(&Session::at(seat, project).await?).await?),
        Err(problem) => Err(problem.clone()),
    };
    let (standings, missing) = match standings {
        Ok(Standings { all, unreadable }) => (all, unreadable),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let mut document = document(&profiles, &found, is_over, &standings);
    if let (Some(problem), true) = (&missing, found.is_ok()) {
        document["warning"] = json!(problem);
        if !output.json() {
            super::tell(problem);
        }
    }
    output.answer(&document, &told(&profiles, &found, &standings))?;
    // It is told, and a script must still see that this is not all.
    Ok(match missing {
        Some(problem) if output.quiet() && found.is_err() => Failure::from(problem).tell(false),
        Some(problem) => Exit::of(&problem),
        None => Exit::Done,
    })
}

fn document(profiles: &[Profile], found: &Result<Who, Problem>, is_over: bool, standings: &[Standing]) -> Value {
    let credentials = match found {
        Ok(who) => json!({
            "authenticated": true,
            "user_email": who.me.user.email,
            "api_url": who.api,
            "context": who.context,
            "token_expired": who.validity == Validity::Expired,
            "expires_at": who.expires_at.map(|end| end.to_string()),
        }),
        Err(problem) => json!({ "authenticated": false, "token_expired": is_over, "problem": problem }),
    };
    let named = |standing: &Standing| of_profile(profiles, standing).map(|profile| profile.name.clone());
    let tenants: Vec<_> = standings
        .iter()
        .map(|standing| {
            let profile = named(standing);
            json!({
                "id": standing.tenant.id,
                "name": standing.tenant.name,
                "state": word(standing),
                "url": url(standing),
                "message": message(standing),
                "configured_in_profile": profile.is_some(),
                "profile": profile,
            })
        })
        .collect();
    let profiles: Vec<_> = profiles
        .iter()
        .map(|profile| {
            let is_valid = profile.problem.is_none();
            json!({ "name": profile.name, "valid": is_valid, "tenant_id": profile.tenant, "problem": profile.problem })
        })
        .collect();
    json!({ "profiles": profiles, "credentials": credentials, "tenants": tenants })
}

fn told(profiles: &[Profile], found: &Result<Who, Problem>, standings: &[Standing]) -> String {
    let paint = Paint::out();
    let mut out = String::new();
    for profile in profiles {
        let about = match (&profile.problem, &profile.tenant) {
            (Some(problem), _) => paint.tone(Tone::Bad, &format!("cannot be used: {problem}")),
            (None, Some(tenant)) => format!("for tenant {tenant}"),
            (None, None) => "for no tenant of the cloud".to_owned(),
        };
        let _ = writeln!(out, "profile {}  {about}", profile.name);
    }
    match found {
        Ok(who) => {
            let over = if who.validity == Validity::Expired { "; it says that it is over" } else { "" };
            let _ = writeln!(out, "login   {} at {}{}", who.me.user.email, who.api, paint.tone(Tone::Warn, over));
        }
        Err(problem) => {
            let _ = writeln!(out, "login   {}", paint.tone(Tone::Bad, &problem.to_string()));
            return out;
        }
    }
    out.push('\n');
    if standings.is_empty() {
        out.push_str("There are no tenants. Buy one: tenantry tenant create --plan <plan>\n");
        return out;
    }
    let mut rows = vec![["TENANT", "STATUS", "ADDRESS", "PROFILE", "MESSAGE"].map(str::to_owned)];
    rows.extend(standings.iter().map(|standing| {
        let profile = of_profile(profiles, standing).map(|profile| profile.name.clone());
        let message = message(standing).unwrap_or_default();
        [standing.tenant.name.clone(), word(standing).to_owned(), cell(url(standing)), cell(profile), message]
    }));
    let tone = |column, cell: &str| if column == 1 { tone_of_state(cell) } else { Tone::Text };
    out.push_str(&toned(&rows, paint, tone));
    out
}

fn of_profile<'a>(profiles: &'a [Profile], standing: &Standing) -> Option<&'a Profile> {
    profiles.iter().find(|profile| profile.tenant.as_ref() == Some(&standing.tenant.id))
}

fn word(standing: &Standing) -> &'static str {
    standing.status.as_ref().map_or_else(|_| standing.tenant.state(), TenantStatus::state).word()
}

fn url(standing: &Standing) -> Option<String> {
    let told = standing.status.as_ref().ok().and_then(|status| status.app_url.clone());
    told.or_else(|| standing.tenant.app_url.clone())
}

fn message(standing: &Standing) -> Option<String> {
    match &standing.status {
        Ok(status) if status.restart_required => Some("What was set takes effect with the next restart.".to_owned()),
        Ok(status) => status.message.clone().or_else(|| standing.tenant.last_error.clone()),
        Err(problem) => Some(problem.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_a_profile_names_is_marked_and_no_link_is_told() {
        let standing = Standing {
            tenant: serde_json::from_value(json!({"id": "ten_1", "name": "orchard"})).expect("a tenant"),
            status: Ok(serde_json::from_value(json!({
                "status": "ready", "app_url": "http://o.example", "secrets_url": "http://h/credentials/hunter2",
            }))
            .expect("a status")),
        };
        let tenant = Some(standing.tenant.id.clone());
        let profiles = [Profile { name: "prod".into(), tenant, problem: None }];
        let found = Err(Problem::new("Not logged in.").needs_login());
        let document = document(&profiles, &found, false, std::slice::from_ref(&standing));
        assert_eq!(document["tenants"][0]["configured_in_profile"], true);
        assert_eq!(document["tenants"][0]["state"], "running");
        assert!(!document.to_string().contains("hunter2"));
        assert_eq!(document["credentials"]["authenticated"], false);
        assert_eq!(document["credentials"]["token_expired"], false);
        assert_eq!(told(&profiles, &found, &[]), "profile prod  for tenant ten_1\nlogin   Not logged in.\n");
    }
}
