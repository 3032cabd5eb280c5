//! What can be done with one tenant now, with the key for it, and why the rest cannot: the same rows and the same reasons
//! that the keys themselves have.

use super::tenant::{
    can_activate, can_change, can_delete, can_open_database, can_restart, can_retry, can_rotate, can_scale, can_suspend,
};
use super::{can_open, context, deploy};
use crate::model::{Problem, Tenant};
use crate::tui::app::Shared;
use crate::tui::commands::table;

/// A command and whether it is possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: &'static str,
    /// Its key as it is shown; nothing where it has none.
    pub key: String,
    /// What it is called.
    pub title: &'static str,
    /// Why it is not possible with this tenant.
    pub refused: Option<Problem>,
    /// Nothing at all may be changed now, and this would.
    pub is_locked: bool,
}

type Check = fn(&Shared, &Tenant) -> Result<(), Problem>;

/// The commands about a tenant, in the order in which they are offered, and what each looks at.
const CHECKS: &[(&str, Check)] = &[
    ("deploy", deploy::check),
    ("open", |_, tenant| can_open(tenant)),
    ("rotate", |_, tenant| can_rotate(tenant)),
    ("tenant.restart", |_, tenant| can_restart(tenant)),
    ("tenant.suspend", |_, tenant| can_suspend(tenant)),
    ("tenant.activate", |_, tenant| can_activate(tenant)),
    ("tenant.retry", |_, tenant| can_retry(tenant)),
    ("tenant.rename", |_, tenant| can_change(tenant)),
    ("tenant.scale", |_, tenant| can_scale(tenant)),
    ("tenant.access", |_, tenant| can_open_database(tenant)),
    ("tenant.cancel", |_, tenant| can_delete(tenant)),
    ("tenant.delete", |_, tenant| can_delete(tenant)),
];

/// What can be done with `tenant`.
#[must_use]
pub fn offers(shared: &Shared, tenant: &Tenant) -> Vec<Offer> {
    let is_locked = context::is_open(shared).is_err();
    let offer = |(id, check): &(&'static str, Check)| {
        let command = table().find(|command| command.id == *id)?;
        Some(Offer {
            id,
            key: shared.key_of(id),
            title: command.title,
            refused: check(shared, tenant).err(),
            is_locked: is_locked && command.changes,
        })
    };
    CHECKS.iter().filter_map(offer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Phase;
    use crate::tui::testing::{Play, tenant};
    use crate::tui::update::keys::allowed;

    #[test]
    fn every_command_about_a_tenant_is_offered() {
        let rows = super::super::tenant::COMMANDS.iter().chain(super::super::change::COMMANDS);
        for command in rows {
            assert!(CHECKS.iter().any(|(id, _)| *id == command.id), "{command:?}");
        }
    }

    #[test]
    fn an_offer_says_what_its_key_would_say() {
        for phase in Phase::ALL {
            let play = Play::ready(120, 36, vec![tenant(1, "orchard", phase.as_str())]);
            let shown = play.app.selected().expect("a tenant");
            let all = offers(&play.app.shared, shown);
            assert_eq!(all.len(), CHECKS.len());
            // A deploy says in its own pane why there is none.
            for offer in all.into_iter().filter(|offer| offer.id != "deploy") {
                let command = table().find(|command| command.id == offer.id).expect("a row");
                assert_eq!(offer.refused, allowed(&play.app, command).err(), "{} while {}", offer.id, phase.as_str());
            }
        }
    }

    #[test]
    fn where_nothing_may_be_changed_only_looking_is_offered() {
        let mut play = Play::ready(120, 36, vec![tenant(1, "orchard", "running")]);
        play.app.shared.lock = crate::tui::lock::Lock::ReadOnly;
        let shown = play.app.selected().expect("a tenant");
        let open: Vec<_> = offers(&play.app.shared, shown)
            .into_iter()
            .filter(|offer| !offer.is_locked)
            .map(|offer| offer.id)
            .collect();
        assert_eq!(open, ["open"]);
    }
}
