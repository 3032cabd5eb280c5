//! What a login that was over broke off, so that it can be gone on with once somebody is logged in again. The screen opens
//! anew in between; this is what is handed over. Must not know how anybody logs in.

use super::app::App;
use super::commands::table;
use super::dialogs::Dialog;
use super::dialogs::confirm::{Confirm, Question};
use super::effect::Effect;
use super::jobs::Slot;
use super::update::keys;
use crate::model::TenantId;

/// A command, and the tenant that it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The command's id.
    pub command: &'static str,
    /// The tenant; `None` for a command about none.
    pub tenant: Option<TenantId>,
}

impl Again {
    /// What the job of `slot` did, where a person had asked for it.
    #[must_use]
    pub fn of(slot: &Slot) -> Option<Self> {
        let (command, tenant) = match slot {
            Slot::Action(action, id) => (command_of(action)?, Some(id)),
            Slot::Deploy(id) => ("deploy", Some(id)),
            Slot::Plans | Slot::Checkout => ("new", None),
            _ => return None,
        };
        Some(Self { command, tenant: tenant.cloned() })
    }
}

/// The command that starts an action of this name. One that wants something typed or chosen first is not begun anew.
fn command_of(action: &str) -> Option<&'static str> {
    let matches = |id: &str| id == action || id.strip_prefix("tenant.") == Some(action);
    table().find(|command| matches(command.id)).map(|command| command.id)
}

/// Once somebody is logged in and what it was for is there, asks whether to go on with it.
pub fn take_up(app: &mut App) -> Vec<Effect> {
    let Some(again) = &app.shared.again else { return Vec::new() };
    // What is broken off on this very screen waits for the login, whatever answers meanwhile.
    if !app.shared.is_again_due {
        return Vec::new();
    }
    if app.dialog.is_some() || !matches!(app.shared.account, Some(Ok(_))) {
        return Vec::new();
    }
    let name = match &again.tenant {
        None => None,
        // What is listed is of the last time, or not there yet.
        Some(_) if app.shared.tenants.is_loading() => return Vec::new(),
        Some(id) => {
            let Some(tenant) = app.shared.tenants.get(id) else {
                // Gone meanwhile.
                app.shared.again = None;
                return Vec::new();
            };
            Some(tenant.name.clone())
        }
    };
    let Some(again) = app.shared.again.take() else { return Vec::new() };
    let is_selected = app.selected().map(|tenant| &tenant.id) == again.tenant.as_ref();
    let Some(command) = table().find(|command| command.id == again.command) else { return Vec::new() };
    if again.tenant.is_some() && !is_selected {
        return Vec::new();
    }
    if let Err(problem) = keys::allowed(app, command) {
        app.shared.tell(&problem);
        return Vec::new();
    }
    // What asks anyhow asks in its own words.
    let question = (command.ask)(app).unwrap_or_else(|| {
        let title = match &name {
            Some(name) => format!("Go on: {} {name}?", command.title),
            None => format!("Go on: {}?", command.title),
        };
        Question::new(title, "Yes, go on")
            .text("It was broken off because the login had ended.")
            .about(again.tenant.clone())
    });
    app.dialog = Some(Dialog::Confirm(Confirm::new(question, command)));
    app.shared.dirty = true;
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::tenant_id;

    #[test]
    fn what_can_be_gone_on_with_is_a_command() {
        let of = |slot: Slot| Again::of(&slot).map(|again| again.command);
        for (action, command) in [
            ("rotate", "rotate"),
            ("restart", "tenant.restart"),
            ("delete", "tenant.delete"),
            ("suspend", "tenant.suspend"),
        ] {
            assert_eq!(of(Slot::Action(action, tenant_id(1))), Some(command));
        }
        assert_eq!(of(Slot::Deploy(tenant_id(1))), Some("deploy"));
        assert_eq!(of(Slot::Plans), Some("new"));
        for slot in [Slot::Action("secret", tenant_id(1)), Slot::Tenants, Slot::Account, Slot::EventFeed] {
            assert_eq!(of(slot), None);
        }
    }
}
