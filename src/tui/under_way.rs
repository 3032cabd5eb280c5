//! What is under way, in a person's words, and what is lost where it is broken off: by leaving, by another login, by another
//! context. Must not know how anybody is asked.

use super::actions::tenant::words;
use super::app::App;
use super::jobs::{Slot, Ticket};
use super::update::local;
use crate::model::{Problem, TenantId};

/// What a person would call a job, and whether it can be stopped from the screen; `None` for what nobody asked for.
#[must_use]
pub fn name(app: &App, slot: &Slot) -> Option<(String, bool)> {
    let tenant =
        |id: &TenantId| app.shared.tenants.get(id).map_or_else(|| id.to_string(), |tenant| tenant.name.clone());
    Some(match slot {
        Slot::Deploy(id) => {
            // Of several the one that the job is named after may have ended before the others.
            let mut running =
                app.shared.deploys.all_running().filter(|(other, _)| app.shared.deploys.job_of(other) == Some(id));
            let first = running.next().map_or(id, |(first, _)| first);
            let more = match running.count() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            (format!("deploy of {}{more}", tenant(first)), true)
        }
        // What the server was asked to do goes on there, whoever waits for it.
        Slot::Action(action, id) => (format!("{} {}", words(action).0, tenant(id)), false),
        Slot::NewLocal => match local::making(app) {
            Some(local::Making::Forth) => ("making a local tenant".to_owned(), true),
            Some(local::Making::Back) => ("taking back a local tenant".to_owned(), false),
            None => return None,
        },
        Slot::Checkout => ("beginning a purchase".to_owned(), false),
        Slot::CheckoutFeed => ("watching a purchase".to_owned(), true),
        Slot::Pay => ("paying".to_owned(), false),
        Slot::EventFeed => {
            let of = app.selected().map_or_else(String::new, |tenant| format!(" of {}", tenant.name));
            (format!("events{of}"), false)
        }
        Slot::LogFeed(id) => (format!("log of {}", tenant(id)), false),
        Slot::SetUp => ("setting the folder up".to_owned(), false),
        Slot::Save => ("writing a file".to_owned(), false),
        Slot::LogOut => ("logging out".to_owned(), false),
        Slot::Account
        | Slot::Api
        | Slot::Engine
        | Slot::Plans
        | Slot::Tenants
        | Slot::LocalTenants
        | Slot::Open
        | Slot::LogIn
        | Slot::FirstDeploy
        | Slot::Pane(..)
        | Slot::Copy
        | Slot::Clear
        | Slot::Notice
        | Slot::Edit
        | Slot::Terminal => return None,
    })
}

/// The jobs that a person would name, in an order that stays: the name of each, whether it can be stopped, and since when.
#[must_use]
pub fn jobs(app: &App) -> Vec<(Ticket, String, bool, std::time::Duration)> {
    let named = |(ticket, job): (Ticket, &super::jobs::Job)| {
        let (name, stops) = name(app, &ticket.slot)?;
        Some((ticket, name, stops, job.since))
    };
    app.shared.jobs.running().filter_map(named).collect()
}

/// Something that is being changed, other than by a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is: `rotating the credentials of orchard`.
    pub words: String,
    /// What becomes of it where nobody waits for its end.
    pub fate: &'static str,
}

/// What is being changed, apart from deploys.
#[must_use]
pub fn changes(app: &App) -> Vec<Change> {
    let change = |(ticket, words, _, _): (Ticket, String, bool, _)| {
        let fate = fate(&ticket.slot)?;
        Some(Change { words, fate })
    };
    jobs(app).into_iter().filter_map(change).collect()
}

fn fate(slot: &Slot) -> Option<&'static str> {
    Some(match slot {
        Slot::Action("rotate", _) => "The server goes on with it, and the new password would be lost.",
        Slot::Action("credentials", _) => "They can be read only once, and would be lost.",
        Slot::Action("local-start" | "local-stop" | "local-delete", _) | Slot::SetUp => {
            "Leaving breaks it off half done."
        }
        Slot::Action(..) => "The server may go on with it; how that ends is seen the next time.",
        Slot::NewLocal => "Leaving stops it, and what was made is taken back.",
        Slot::Checkout => "Its payment page would be lost; nothing is paid.",
        Slot::Pay => "Whether it is paid is seen the next time.",
        Slot::Save => "The file would be left out.",
        Slot::LogOut => "The login may stay.",
        _ => return None,
    })
}

/// Why neither another login nor another context is possible now, if that is so: it would break something off.
pub fn idle(app: &App) -> Result<(), Problem> {
    if app.shared.deploys.any_running() {
        let stop = app.shared.key_of("deploy.cancel");
        let hint = if stop.is_empty() {
            "Wait until it ends.".to_owned()
        } else {
            format!("Wait until it ends, or stop it with {stop}.")
        };
        return Err(Problem::new("A deploy is running with this login.").hint(hint));
    }
    match changes(app).first() {
        Some(change) => Err(Problem::new(format!("{} is still going on.", capital(&change.words)))
            .hint("This would break it off: wait until it has ended.")),
        None => Ok(()),
    }
}

/// With a capital at its beginning.
#[must_use]
pub fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
