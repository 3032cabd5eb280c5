//! What is changed about a tenant with a value that is typed or chosen: its name, its memory, whether its database can be
//! reached from outside. Whom it is about is kept with the question, for the selection may move meanwhile.

use super::tenant::{begin, can_change, can_open_database, can_scale, one};
use super::{done, local};
use crate::model::{Problem, Tenant, TenantId};
use crate::ops::call::Call;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::line::Line;
use crate::tui::dialogs::pick::{Entry, Pick};
use crate::tui::effect::Effect;
use Scope::Main;

/// The longest name that servers take, characters.
pub const LONGEST: usize = 64;
/// What a machine can have, MB.
pub const SIZES: [u32; 4] = [256, 512, 1024, 2048];

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("tenant.rename", Main, &["t n"], "rename", "Give the tenant another name; its address stays.", ask_name)
        .changes()
        .when(|app| local::check(app, local::always).unwrap_or_else(|| one(app).and_then(can_change))),
    command(
        "tenant.scale",
        Main,
        &["t m"],
        "memory",
        "Give the tenant's machine other memory; one that runs starts again.",
        |app| {
            let Ok(tenant) = one(app).cloned() else { return done() };
            pick_memory(app, &tenant)
        },
    )
    .changes()
    .when(|app| one(app).and_then(can_scale)),
    command(
        "tenant.access",
        Main,
        &["t x"],
        "external access",
        "Let the tenant's database be reached from outside, or no longer.",
        pick_access,
    )
    .changes()
    .when(|app| one(app).and_then(can_open_database)),
];

fn ask_name(app: &mut App) -> Vec<Effect> {
    if let Some(effects) = local::ask_name(app) {
        return effects;
    }
    let Ok(tenant) = one(app) else { return done() };
    let about = "Another name for people and lists. Its address, its id and its data stay as they are.";
    let line = Line::ask(format!("Rename {}", tenant.name), about, rename).with(&tenant.name).about(tenant.id.as_str());
    app.dialog = Some(Dialog::Line(line));
    done()
}

fn rename(app: &mut App, line: &Line) -> Vec<Effect> {
    let Ok(id) = TenantId::new(line.subject()) else { return done() };
    let name = crate::model::text::line(line.text().trim());
    if app.shared.tenants.get(&id).is_some_and(|tenant| tenant.name == name) {
        return done();
    }
    if name.is_empty() || name.chars().count() > LONGEST {
        app.shared.tell(&Problem::new(format!("A name has 1 to {LONGEST} characters.")).hint("Nothing was changed."));
        return done();
    }
    begin(app, "rename", &id, can_change, Call::Rename { id: id.clone(), name })
}

/// Asks which memory the machine of this tenant gets.
pub fn pick_memory(app: &mut App, tenant: &Tenant) -> Vec<Effect> {
    let most = tenant.plan.as_ref().map(|plan| plan.memory_mb).filter(|most| *most > 0);
    let now = tenant.memory_mb;
    let entry = |size: u32| {
        let refused = match most {
            _ if now == Some(size) => Some("what it has now".to_owned()),
            Some(most) if size > most => Some(format!("above the plan, which has {most} MB")),
            _ => None,
        };
        Entry::new(format!("{size} {}", tenant.id), format!("{size:>4} MB"), "").refused(refused)
    };
    let about = "A machine that runs starts again with it, and does not answer for a moment.";
    let pick = Pick::new(format!("Memory of {}", tenant.name), about, SIZES.map(entry).to_vec(), scale);
    app.dialog = Some(Dialog::Pick(pick));
    done()
}

fn scale(app: &mut App, value: &str) -> Vec<Effect> {
    let Some((size, id)) = value.split_once(' ') else { return done() };
    let (Ok(memory_mb), Ok(id)) = (size.parse(), TenantId::new(id)) else { return done() };
    begin(app, "scale", &id, can_scale, Call::ScaleMemory { id: id.clone(), memory_mb })
}

fn pick_access(app: &mut App) -> Vec<Effect> {
    let Ok(tenant) = one(app) else { return done() };
    let entry = |enabled: bool, name, about| {
        let is_so = tenant.external_db_access == Some(enabled);
        let word = if enabled { "on" } else { "off" };
        Entry::new(format!("{word} {}", tenant.id), name, about).refused(is_so.then(|| "as it is now".to_owned()))
    };
    let entries = vec![
        entry(false, "closed", "only its own machine reaches it"),
        entry(true, "open", "whoever has its password reaches it"),
    ];
    let about = "Whether the tenant's database can be reached from outside. Its password stays the same either way.";
    let pick = Pick::new(format!("Database of {}", tenant.name), about, entries, switch_access);
    app.dialog = Some(Dialog::Pick(pick));
    done()
}

fn switch_access(app: &mut App, value: &str) -> Vec<Effect> {
    let Some((word, id)) = value.split_once(' ') else { return done() };
    let Ok(id) = TenantId::new(id) else { return done() };
    let enabled = word == "on";
    let action = if enabled { "access-on" } else { "access-off" };
    begin(app, action, &id, can_open_database, Call::ExternalAccess { id: id.clone(), enabled })
}

#[cfg(test)]
mod tests {
    use crate::model::{PlanInfo, Tenant};
    use crate::ops::call::{Call, Reply};
    use crate::tui::effect::{Effect, Request};
    use crate::tui::jobs::Slot;
    use crate::tui::key::Key;
    use crate::tui::msg::{Answer, Msg};
    use crate::tui::testing::{Play, tenant, tenant_id, typed};

    fn orchard() -> Tenant {
        let plan = PlanInfo { id: None, name: "Basic".into(), memory_mb: 1024, volume_gb: 10 };
        Tenant { memory_mb: Some(512), plan: Some(plan), ..tenant(1, "orchard", "running") }
    }

    fn play() -> Play {
        let mut play = Play::ready(120, 36, vec![orchard(), tenant(2, "docs", "deleting")]);
        play.take_effects();
        play
    }

    fn calls(play: &mut Play) -> Vec<Call> {
        let call = |effect| match effect {
            Effect::Start(_, Request::Call(call)) => Some(call),
            _ => None,
        };
        play.effects.clone().into_iter().filter_map(call).collect()
    }

    #[test]
    fn a_tenant_gets_another_name() {
        let mut play = play();
        play.keys(&[Key::Char('t'), Key::Char('n')]);
        assert!(play.text().contains("Rename orchard"), "{}", play.text());
        play.send(Msg::Pasted("-2".into()));
        play.keys(&[Key::Enter]);
        assert_eq!(calls(&mut play), [Call::Rename { id: tenant_id(1), name: "orchard-2".into() }]);
        let renamed = Tenant { name: "orchard-2".into(), ..orchard() };
        play.answer(Slot::Action("rename", tenant_id(1)), Answer::Reply(Ok(Reply::Tenant(Box::new(renamed)))));
        assert!(play.text().contains("orchard has its new name."), "{}", play.text());
    }

    #[test]
    fn a_name_that_is_none_is_not_sent() {
        let mut play = play();
        for name in ["", "   ", &"x".repeat(65), "orchard"] {
            play.keys(&[Key::Char('t'), Key::Char('n')]);
            play.keys(&[Key::Ctrl('u')]);
            typed(&mut play, name);
            play.keys(&[Key::Enter]);
            assert_eq!(calls(&mut play), [], "{name:?}");
            assert!(play.app.dialog.is_none());
        }
    }

    #[test]
    fn the_name_goes_to_the_tenant_that_was_asked_about() {
        let mut play = play();
        play.keys(&[Key::Char('R')]);
        play.keys(&[Key::Char('t'), Key::Char('n')]);
        play.send(Msg::Pasted("-2".into()));
        // It is gone before the answer: the next one in its place is not meant.
        play.list(vec![tenant(2, "docs", "running")]);
        play.take_effects();
        play.keys(&[Key::Enter]);
        assert_eq!(calls(&mut play), []);
        assert!(play.text().contains("nothing was done"), "{}", play.text());
    }

    #[test]
    fn memory_is_picked_up_to_the_plan() {
        let mut play = play();
        play.keys(&[Key::Char('t'), Key::Char('m')]);
        insta::assert_snapshot!(play.text());
        play.keys(&[Key::Down, Key::Down, Key::Down, Key::Enter]);
        assert!(play.app.dialog.is_some(), "2048 MB are above the plan");
        play.keys(&[Key::Up, Key::Enter]);
        assert_eq!(calls(&mut play), [Call::ScaleMemory { id: tenant_id(1), memory_mb: 1024 }]);
        play.keys(&[Key::Char('t'), Key::Char('m'), Key::Enter]);
        assert_eq!(calls(&mut play).len(), 1, "one at a time");
        assert!(play.text().contains("Already scaling orchard."), "{}", play.text());
    }

    #[test]
    fn the_database_is_opened_and_closed_by_name() {
        let mut play = play();
        play.app.shared.tenants.take(crate::tui::TenantList {
            tenants: vec![Tenant { external_db_access: Some(false), ..orchard() }],
            rejected: Vec::new(),
        });
        play.keys(&[Key::Char('t'), Key::Char('x'), Key::Enter]);
        assert_eq!(calls(&mut play), [Call::ExternalAccess { id: tenant_id(1), enabled: true }]);
    }

    #[test]
    fn what_is_not_possible_says_why() {
        let mut play = play();
        play.keys(&[Key::Down]);
        play.tick(1);
        play.take_effects();
        for key in ['n', 'm', 'x'] {
            play.keys(&[Key::Esc, Key::Char('t'), Key::Char(key)]);
            assert!(play.app.dialog.is_none() && calls(&mut play).is_empty());
            assert!(play.text().contains("docs is deleting now."), "{key}: {}", play.text());
        }
    }
}
