//! `tenantry whoami`: who is logged in, where, and until when, in the server's words.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use std::fmt::Write as _;
use tokio_util::sync::CancellationToken;

use super::around::{Around, around};
use super::auth::Place;
use super::exit::Exit;
use super::frame::{Output, until_stopped};
use crate::model::Problem;
use crate::ops::login::who::who;
use crate::ops::login::{Validity, Who};
use crate::telling::format;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    until_stopped(arguments.output, &stop, async {
        let seat = arguments.place.seat().await?;
        let found = who(&seat).await?;
        let around = around(&seat).await;
        let text = lines(&found, &around, Timestamp::now(), &TimeZone::system());
        arguments.output.answer(&document(&found, &around), &text)?;
        Ok::<_, Problem>(Exit::Done)
    })
    .await
}

fn lines(who: &Who, around: &Around, now: Timestamp, zone: &TimeZone) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<9} {value}");
    };
    let user = match &who.me.user.name {
        Some(name) => format!("{} ({name})", who.me.user.email),
        None => who.me.user.email.clone(),
    };
    line("user", &user);
    if let Some(customer) = &who.me.customer {
        line("customer", &customer.id);
    }
    if let Some(enterprise) = &who.me.enterprise {
        line("company", &enterprise.name);
    }
    line("api", &who.api);
    if let Some(context) = &who.context {
        line("context", context);
    }
    line("kept in", &who.kept.words());
    line("ends", &ends(who.expires_at, now, zone));
    match who.validity {
        Validity::Expiring => line("", "Log in again soon: tenantry login"),
        Validity::Expired => line("", "It says that it is over: tenantry login"),
        Validity::Valid | Validity::Unknown => {}
    }
    if let Some(count) = around.profiles {
        line("profiles", &count.to_string());
    }
    if let Some(tenants) = &around.tenants {
        line("tenants", &tenants.len().to_string());
    }
    for other in &who.others {
        let context = other.context.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        line("also", &format!("{} at {}{context}", other.user_email, other.api));
    }
    out
}

/// `2026-11-21 12:00, in 23 h 59 min`.
fn ends(end: Option<Timestamp>, now: Timestamp, zone: &TimeZone) -> String {
    let Some(end) = end else { return "the token does not say".to_owned() };
    let date = end.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
    let away = format::estimate(end.duration_since(now).unsigned_abs());
    if end > now { format!("{date}, in {away}") } else { format!("{date}, {away} ago") }
}

fn document(who: &Who, around: &Around) -> serde_json::Value {
    json!({
        "user_email": who.me.user.email,
        "user_id": who.me.user.id,
        "user_name": who.me.user.name,
        "customer": who.me.customer,
        "enterprise": who.me.enterprise,
        "api_url": who.api,
        "context": who.context,
        "token_status": who.validity,
        "authenticated_at": who.authenticated_at,
        "expires_at": who.expires_at.map(|end| end.to_string()),
        "kept": who.kept.word(),
        "kept_in": who.kept.words(),
        "others": who.others,
        "local_profiles": around.profiles,
        "cloud_tenants": around.tenants.as_ref().map(Vec::len),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Me, User};
    use crate::ops::login::Kept;
    use jiff::SignedDuration;

    #[test]
    fn a_login_in_its_last_hour_is_told_with_what_to_do() {
        let now = Timestamp::from_second(1_795_176_000).expect("a time");
        let user = User { id: "u1".into(), email: "mara@orchard.example".into(), name: Some("Mara".into()) };
        let who = |seconds: i64| {
            let expires_at = Some(now + SignedDuration::from_secs(seconds));
            Who {
                me: Me { user: user.clone(), customer: None, enterprise: None },
                api: "https://api.example".into(),
                context: None,
                kept: Kept::Keyring,
                authenticated_at: None,
                expires_at,
                validity: Validity::of(expires_at, now),
                others: Vec::new(),
            }
        };
        let nothing = Around { profiles: None, tenants: None, tenants_path: None };
        let text = lines(&who(2580), &nothing, now, &TimeZone::UTC);
        assert_eq!(
            text,
            "user      mara@orchard.example (Mara)\napi       https://api.example\nkept in   the keyring\n\
             ends      2026-11-20 12:43, in 43 min\n          Log in again soon: tenantry login\n"
        );
        assert!(
            lines(&who(-60), &nothing, now, &TimeZone::UTC).contains("1 min ago\n          It says that it is over")
        );
        let some = Around { profiles: Some(2), tenants: Some(Vec::new()), tenants_path: None };
        assert!(lines(&who(60), &some, now, &TimeZone::UTC).ends_with("profiles  2\ntenants   0\n"));
        assert_eq!(document(&who(60), &some)["local_profiles"], 2);
        assert!(!lines(&who(90_000), &nothing, now, &TimeZone::UTC).contains("Log in"));
        assert_eq!(document(&who(60), &nothing)["token_status"], "expiring");
    }
}
