//! What a login that was over broke off, so that it can be gone on with once somebody is logged in again. The screen opens
//! anew in between; this is what is handed over. Must not know how anybody logs in.

use super::actions::tenant::begin_asked;
use super::app::{App, Shared};
use super::commands::{Command, Scope, command, table};
use super::dialogs::Dialog;
use super::dialogs::confirm::{Confirm, Question, beneath};
use super::effect::{Effect, Request};
use super::jobs::Slot;
use super::panes::{Pane, plan};
use super::update::keys;
use crate::model::{Problem, Tenant, TenantId};
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

/// What has to be so of a tenant before something is done to it.
pub type Check = fn(&Tenant) -> Result<(), Problem>;

/// A call about one tenant, with what its beginning needs, also the next one.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What it is called among the jobs.
    pub action: &'static str,
    /// Looked at before it is sent.
    pub check: Check,
    /// The call.
    pub call: Call,
    /// The plan that is asked for: its id and name. The call has only its price, and a screen that has just opened knows no
    /// plans.
    pub plan: Option<(String, String)>,
}

impl Asked {
    /// A call of this name among the jobs.
    #[must_use]
    pub fn new(action: &'static str, check: Check, call: Call) -> Self {
        Self { action, check, call, plan: None }
    }
}

/// The check goes with the action.
impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        (self.action, &self.call, &self.plan) == (other.action, &other.call, &other.plan)
    }
}

impl Eq for Asked {}

/// Does what was asked for before the login. Not in the table: no key and no palette leads to it, only its question.
static GO_ON: Command = command("again", Scope::Main, &[], "go on", "Go on with what a login broke off.", |app| {
    let Some((id, asked)) = app.shared.go_on.take() else { return Vec::new() };
    if asked.plan.is_none() {
        return begin_asked(app, &id, asked);
    }
    let effects = plan::ask_for(app, &id, asked);
    if !effects.is_empty() {
        // Where its page to pay on will stand.
        app.show(Pane::Plan);
    }
    effects
})
.changes();

/// Starts a call of which nothing that was typed is lost where the login turns out to be over.
pub fn start(shared: &mut Shared, id: &TenantId, asked: Asked) -> Effect {
    let slot = Slot::Action(asked.action, id.clone());
    let request = Request::Call(asked.call.clone());
    shared.asked.retain(|(known, _)| *known != slot);
    shared.asked.push((slot.clone(), asked));
    shared.start(slot, request)
}

/// What was asked for in this way, once its answer is there.
pub fn kept(shared: &mut Shared, slot: &Slot) -> Option<Asked> {
    let at = shared.asked.iter().position(|(known, _)| known == slot)?;
    Some(shared.asked.swap_remove(at).1)
}

/// Lets go of what was typed where nobody can go on with it any more: its job has ended without a word, or the question
/// whether to go on is gone.
pub fn review(app: &mut App) {
    let jobs = &app.shared.jobs;
    app.shared.asked.retain(|(slot, _)| jobs.is_running(slot));
    let is_asked = matches!(beneath(&mut app.dialog), Some(Dialog::Confirm(confirm)) if confirm.is_about(GO_ON.id));
    if !is_asked {
        app.shared.go_on = None;
    }
}

/// Lets go of everything: nothing is to be changed any more, or not by whoever asked for it.
pub fn forget(shared: &mut Shared) {
    shared.asked.clear();
    shared.go_on = None;
    shared.again = None;
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
            (Some(name), Some(asked)) => format!("Go on with {name}: {}?", words(asked)),
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
fn words(asked: &Asked) -> String {
    if let Some((_, name)) = &asked.plan {
        return format!("change to the plan {name}");
    }
    match &asked.call {
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
