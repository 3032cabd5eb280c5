//! What can be done in the secrets pane. A value is typed into a line that hides it, and goes from there into a `Secret`;
//! the dialogs remember whose secret they are about, whatever is selected when they are answered.

use std::collections::BTreeMap;

use super::Status;
use crate::model::{Problem, Secret, Tenant, TenantId, secret_name};
use crate::ops::call::Call;
use crate::ops::editor::Edited;
use crate::tui::actions::context::may_change;
use crate::tui::actions::local::always;
use crate::tui::actions::{done, no_tenant, project};
use crate::tui::again::{Asked, start};
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::confirm::Question;
use crate::tui::dialogs::{Dialog, line};
use crate::tui::effect::Effect;
use crate::tui::jobs::Slot;
use crate::tui::outside::{Errand, Text};
use crate::tui::panes::Pane;
use crate::tui::update::copy_secret;

const HERE: Scope = Scope::Pane(Pane::Secrets);

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "secrets.add",
        HERE,
        &["a"],
        "set a secret",
        "Set a secret, new or not: first its name, then its value.",
        add,
    )
    .hinted()
    .changes()
    .when(|app| own(app).and_then(|tenant| free(app, tenant, "secret"))),
    command("secrets.edit", HERE, &["enter", "e"], "new value", "Give the selected secret another value.", |app| {
        let (Ok(tenant), Some(name)) = (own(app), app.panes.secrets.name()) else { return done() };
        let dialog = ask_value(&tenant.id.clone(), &tenant.name.clone(), &name);
        app.dialog = Some(dialog);
        done()
    })
    .hinted()
    .changes()
    .when(|app| own(app).and_then(|tenant| free(app, tenant, "secret")).and_then(|()| named(app))),
    command(
        "secrets.edit-long",
        HERE,
        &["E"],
        "in the editor",
        "Give it a value of several lines in your editor.",
        in_editor,
    )
    .changes()
    .when(|app| {
        own(app).and_then(|tenant| free(app, tenant, "secret")).and_then(|()| named(app)).and_then(|()| no_editor(app))
    }),
    command("secrets.unset", HERE, &["x"], "remove", "Remove the selected secret.", |app| {
        let (Ok(tenant), Some(key)) = (own(app), app.panes.secrets.name()) else { return done() };
        let (id, name) = (tenant.id.clone(), tenant.name.clone());
        app.shared.say(format!("Removing {key} of {name}"));
        vec![start(&mut app.shared, &id, Asked::new("unset", always, Call::UnsetSecret { id: id.clone(), key }))]
    })
    .hinted()
    .changes()
    .when(|app| own(app).and_then(|tenant| free(app, tenant, "unset")).and_then(|()| named(app)))
    .asking(|app| {
        let (tenant, key) = (own(app).ok()?, app.panes.secrets.name()?);
        let name = &tenant.name;
        let text = format!("{key} is removed from {name}. From its next start on the machine has to do without it.");
        Some(Question::new(format!("Remove {key}?"), "Yes, remove").text(text).about([tenant.id.clone()]))
    }),
    command(
        "secrets.sync",
        HERE,
        &["S"],
        "sync",
        "Send what the profile's secrets.json holds, as a deploy does.",
        |app| {
            let Ok(tenant) = own(app) else { return done() };
            let (id, name) = (tenant.id.clone(), tenant.name.clone());
            app.shared.say(format!("Sending the profile's secrets to {name}"));
            vec![start(&mut app.shared, &id, Asked::new("sync", always, Call::SyncSecrets(id.clone())))]
        },
    )
    .changes()
    .when(|app| {
        let tenant = own(app)?;
        project::needed(&app.shared, "sending a profile's secrets")?;
        free(app, tenant, "sync")
    })
    .asking(|app| {
        let tenant = own(app).ok()?;
        let text = format!(
            "What its profile's secrets.json holds is set on {}, over values of the same name. Others stay.",
            tenant.name
        );
        Some(Question::new("Send the profile's secrets?", "Yes, send").text(text).about([tenant.id.clone()]))
    }),
    command(
        "secrets.once",
        HERE,
        &["c"],
        "fetch credentials",
        "Fetch the one-time credentials: they can be read only once, and are stored at once.",
        |app| {
            let Ok(tenant) = own(app) else { return done() };
            let (id, name) = (tenant.id.clone(), tenant.name.clone());
            app.shared.say(format!("Fetching the credentials of {name}"));
            vec![start(&mut app.shared, &id, Asked::new("credentials", always, Call::OneTimeCredentials(id.clone())))]
        },
    )
    .hinted()
    .changes()
    .when(|app| own(app).and_then(|tenant| free(app, tenant, "credentials")).and_then(|()| waiting(app)))
    .asking(|app| {
        let tenant = own(app).ok()?;
        let text = format!(
            "The credentials of {} can be read only once. They are stored on this machine first, then shown masked.",
            tenant.name
        );
        Some(Question::new("Fetch the one-time credentials?", "Yes, fetch").text(text).about([tenant.id.clone()]))
    }),
    command(
        "secrets.reveal",
        HERE,
        &["v"],
        "show",
        "Show the selected credential for 30 seconds, or hide it.",
        |app| {
            let now = app.shared.now.running;
            let secrets = &mut app.panes.secrets;
            if let (Some((place, _)), Some(id)) = (secrets.value(), secrets.of.clone()) {
                secrets.values.toggle(&id, place, now);
            }
            done()
        },
    )
    .hinted()
    .when(valued),
    command("secrets.copy", HERE, &["y"], "copy", "Copy the selected credential.", |app| {
        let Some((_, value)) = app.panes.secrets.value() else { return done() };
        let (secret, what) = (value.secret.clone(), value.label);
        copy_secret(&mut app.shared, secret, what)
    })
    .hinted()
    .when(valued),
    command("secrets.filter", HERE, &["/"], "filter", "Show the secrets whose name holds a few letters.", |app| {
        let text = app.panes.secrets.filter.clone();
        let live = |app: &mut App, text: &str| app.panes.secrets.filter_by(text);
        app.dialog = Some(Dialog::Line(line::Line::live("filter", &text, live)));
        done()
    }),
];

/// The tenant whose secrets these are. Nothing here is done to several, or to another one than is shown.
fn own(app: &App) -> Result<&Tenant, Problem> {
    let tenant = app.selected().ok_or_else(no_tenant)?;
    let marked = app.shared.tenants.marked();
    if marked.iter().any(|id| *id != tenant.id) {
        return Err(Problem::new("Other tenants are marked.").hint(format!(
            "Secrets are set on one at a time: {} to take the marks away.",
            app.shared.press("dismiss")
        )));
    }
    if app.panes.secrets.is_current(&app.shared) {
        Ok(tenant)
    } else {
        Err(Problem::new(format!("The secrets of {} are not loaded yet.", tenant.name)))
    }
}

/// Two of a kind at a time would end each other.
fn free(app: &App, tenant: &Tenant, action: &'static str) -> Result<(), Problem> {
    if app.shared.jobs.is_running(&Slot::Action(action, tenant.id.clone())) {
        let (words, _) = crate::tui::actions::tenant::words(action);
        return Err(Problem::new(format!("Still {words} {}.", tenant.name)).hint("Wait until that has ended."));
    }
    Ok(())
}

fn named(app: &App) -> Result<(), Problem> {
    match app.panes.secrets.name() {
        Some(name) if secret_name::is_managed(&name) => {
            Err(Problem::new(format!("{name} is set by the platform itself.")))
        }
        Some(_) => Ok(()),
        None => Err(Problem::new("No secret is selected.")
            .hint(format!("Select its name, or {} to set a new one.", app.shared.press("secrets.add")))),
    }
}

/// What is written in one editor goes to one secret.
fn no_editor(app: &App) -> Result<(), Problem> {
    if waits_for_editor(app) {
        return Err(Problem::new("Your editor is open for a value already.").hint("End it first."));
    }
    Ok(())
}

fn valued(app: &App) -> Result<(), Problem> {
    match app.panes.secrets.value() {
        Some(_) => Ok(()),
        None => Err(Problem::new("No credential is selected.")
            .hint("The value of a secret is never shown: the server does not give it out.")),
    }
}

fn waiting(app: &App) -> Result<(), Problem> {
    match app.panes.secrets.status.value {
        Some(Status { waits: true, .. }) => Ok(()),
        Some(_) => Err(Problem::new("No one-time credentials wait.")
            .hint(format!("They were read already: {} to make new ones.", app.shared.press("rotate")))),
        None => Err(Problem::new("Whether one-time credentials wait is not known yet.")),
    }
}

fn add(app: &mut App) -> Vec<Effect> {
    let Ok(tenant) = own(app) else { return done() };
    let (id, name) = (tenant.id.clone(), tenant.name.clone());
    app.dialog = Some(ask_name(&id, &name, ""));
    done()
}

fn ask_name(id: &TenantId, tenant: &str, typed: &str) -> Dialog {
    let about =
        "Its name: letters, digits and underscores. It is written in capitals. One that is there gets a new value.";
    let line = line::Line::ask(format!("Set a secret of {tenant}"), about, took_name).with(typed).about(id.as_str());
    Dialog::Line(line)
}

fn took_name(app: &mut App, line: &line::Line) -> Vec<Effect> {
    let Some((id, tenant)) = meant(app, line.subject()) else { return done() };
    match secret_name::read(line.text()) {
        Ok(name) => app.dialog = Some(ask_value(&id, &tenant, &name)),
        Err(problem) => {
            // What was typed is not lost: it can be put right.
            app.dialog = Some(ask_name(&id, &tenant, line.text()));
            app.shared.tell(&problem);
        }
    }
    done()
}

fn ask_value(id: &TenantId, tenant: &str, name: &str) -> Dialog {
    let about = format!(
        "The value for {tenant}, typed or pasted. It is not shown, and replaces the one before. In a paste of several \
         lines the line ends become blanks."
    );
    // An id holds no blank.
    Dialog::Line(line::Line::ask(name, about, took_value).hidden().about(format!("{id} {name}")))
}

fn took_value(app: &mut App, line: &line::Line) -> Vec<Effect> {
    send(app, line.subject(), Secret::new(line.text()))
}

/// Sends a value; `subject` is the tenant's id, a blank, and the name.
fn send(app: &mut App, subject: &str, value: Secret) -> Vec<Effect> {
    let Some((id, name)) = subject.split_once(' ') else { return done() };
    let Some((id, tenant)) = meant(app, id) else { return done() };
    // The lock may have closed while somebody typed, and another value may be on its way.
    let is_free = |app: &App| app.shared.tenants.get(&id).map_or(Ok(()), |tenant| free(app, tenant, "secret"));
    let allowed = secret_name::check_value(&value).and_then(|()| may_change(app)).and_then(|()| is_free(app));
    if let Err(problem) = allowed {
        app.shared.tell(&problem);
        return done();
    }
    app.shared.say(format!("Setting {name} of {tenant}"));
    let secrets = BTreeMap::from([(name.to_owned(), value)]);
    let call = Call::SetSecrets { id: id.clone(), secrets, restart: false };
    vec![start(&mut app.shared, &id, Asked::new("secret", always, call))]
}

/// The tenant that a dialog was opened about, as long as it is there.
fn meant(app: &mut App, id: &str) -> Option<(TenantId, String)> {
    let id = TenantId::new(id).ok()?;
    let name = app.shared.tenants.get(&id).map(|tenant| tenant.name.clone());
    if name.is_none() {
        app.shared.warn("The tenant is not listed any more: nothing was done.");
    }
    Some((id, name?))
}

/// A value of several lines, in the person's editor. What is set now nobody knows, so the editor begins empty.
fn in_editor(app: &mut App) -> Vec<Effect> {
    let (Ok(tenant), Some(name)) = (own(app), app.panes.secrets.name()) else { return done() };
    let what = format!("the new value of {name} of {}", tenant.name);
    app.panes.secrets.editing = Some(format!("{} {name}", tenant.id));
    vec![app.shared.errand(Errand::Edit { text: Text::secret(Secret::new("")), suffix: ".txt".to_owned(), what })]
}

/// True while a value is being written in the person's editor.
pub fn waits_for_editor(app: &App) -> bool {
    app.panes.secrets.editing.is_some()
}

/// The editor has ended: what was written is sent, and nothing where nothing was.
pub fn edited(app: &mut App, result: Result<Edited, Problem>) -> Vec<Effect> {
    let Some(subject) = app.panes.secrets.editing.take() else { return done() };
    match result {
        Ok(edited) if edited.changed && !edited.text.reveal().is_empty() => {
            // Editors end the last line; a value that is one line has none.
            let text = edited.text.reveal();
            let value = Secret::new(text.strip_suffix('\n').unwrap_or(text));
            send(app, &subject, value)
        }
        Ok(_) => {
            app.shared.say("Nothing was written: the secret stays as it is.");
            done()
        }
        Err(problem) => {
            app.shared.tell(&problem);
            done()
        }
    }
}
