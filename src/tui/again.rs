//! What a login that was over broke off, so that it can be gone on with once somebody is logged in again. The screen opens
//! anew in between; this is what is handed over. Must not know how anybody logs in.

use super::app::{App, Shared};
use super::commands::{Command, Scope, command, table};
use super::dialogs::Dialog;
use super::dialogs::confirm::{Confirm, Question};
use super::effect::{Effect, Request};
use super::jobs::Slot;
use super::update::keys;
use crate::model::TenantId;
use crate::ops::call::Call;

/// A command, and the tenant that it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The command's id.
    pub command: &'static str,
    /// The tenant; `None` for a command about none.
    pub tenant: Option<TenantId>,
    /// What was asked for with all that was typed for it, where a command alone would ask for it again. Held in memory alone.
    pub call: Option<Box<Asked>>,
}

/// A call, and what it is called among the jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    action: &'static str,
    call: Call,
}

/// Does what was asked for before the login. Not in the table: no key and no palette leads to it, only its question.
static GO_ON: Command = command("again", Scope::Main, &[], "go on", "Go on with what a login broke off.", |app| {
    let Some((id, asked)) = app.shared.go_on.take() else { return Vec::new() };
    vec![start(&mut app.shared, asked.action, &id, asked.call)]
})
.changes();

/// Starts a call of which nothing that was typed is lost where the login turns out to be over.
pub fn start(shared: &mut Shared, action: &'static str, id: &TenantId, call: Call) -> Effect {
    let slot = Slot::Action(action, id.clone());
    shared.asked.retain(|(known, _)| *known != slot);
    shared.asked.push((slot.clone(), Asked { action, call: call.clone() }));
    shared.start(slot, Request::Call(call))
}

/// What was asked for in this way, once its answer is there.
pub fn kept(shared: &mut Shared, slot: &Slot) -> Option<Asked> {
    let at = shared.asked.iter().position(|(known, _)| known == slot)?;
    Some(shared.asked.swap_remove(at).1)
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
        Some(Self { command, tenant: tenant.cloned(), call: None })
    }

    /// The same for what was kept of it.
    #[must_use]
    pub fn of_kept(asked: Asked) -> Self {
        let tenant = asked.call.tenant().cloned();
        Self { command: GO_ON.id, tenant, call: Some(Box::new(asked)) }
    }
}

/// The command that starts an action of this name. One that wants something typed or chosen first is not begun anew.
fn command_of(action: &str) -> Option<&'static str> {
    let matches = |id: &str| id == action || id.strip_prefix("tenant.") == Some(action);
    table().find(|command| matches(command.id)).map(|command| command.id)
}

/// Once somebody is logged in and what it was for is there, asks whether to go on with it.
pub fn take_up(app: &mut App) -> Vec<Effect> {
    if app.dialog.is_none() {
        // Its question was answered with no: what was typed is not kept any longer.
        app.shared.go_on = None;
    }
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
    if again.tenant.is_some() && !is_selected {
        return Vec::new();
    }
    let command = match &again.call {
        Some(_) => &GO_ON,
        None => match table().find(|command| command.id == again.command) {
            Some(command) => command,
            None => return Vec::new(),
        },
    };
    if let Err(problem) = keys::allowed(app, command) {
        app.shared.tell(&problem);
        return Vec::new();
    }
    // What asks anyhow asks in its own words.
    let question = (command.ask)(app).unwrap_or_else(|| {
        let title = match (&name, &again.call) {
            (Some(name), Some(asked)) => format!("Go on with {name}: {}?", words(&asked.call)),
            (Some(name), None) => format!("Go on: {} {name}?", command.title),
            (None, _) => format!("Go on: {}?", command.title),
        };
        Question::new(title, "Yes, go on")
            .text("It was broken off because the login had ended.")
            .about(again.tenant.clone())
    });
    app.shared.go_on = again.tenant.zip(again.call.map(|asked| *asked));
    app.dialog = Some(Dialog::Confirm(Confirm::new(question, command)));
    app.shared.dirty = true;
    Vec::new()
}

/// What it is, without any value.
fn words(call: &Call) -> String {
    match call {
        Call::SetSecrets { secrets, .. } => {
            format!("set {}", secrets.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
        Call::UnsetSecret { key, .. } => format!("remove {key}"),
        Call::Rename { name, .. } => format!("rename it to {name}"),
        Call::ScaleMemory { memory_mb, .. } => format!("give it {memory_mb} MB"),
        Call::SetDomain { domain, .. } => format!("set the domain {domain}"),
        other => other.title().to_owned(),
    }
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
