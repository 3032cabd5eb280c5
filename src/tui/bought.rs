//! What a person chose for a tenant before there was one, and how far that is done. Plain data: what happens with it is in
//! `update/bought.rs`.

use crate::model::{Problem, Tenant, TenantId, TenantState};
use crate::ops::call::Call;

/// What can be chosen besides plan and region. Nothing of it is asked of the checkout: it is done once the tenant is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Another name than the one that the server gives; empty for that one.
    pub name: String,
    /// The database can be reached from outside. It cannot unless somebody says so.
    pub is_open: bool,
}

impl Choice {
    /// True where nothing has to be done afterwards.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.name.is_empty() && !self.is_open
    }

    /// `shop, its database open`: what is chosen, in a few words; nothing where it is plain.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let open = if self.is_open { "its database open" } else { "" };
        let parts: Vec<&str> = [self.name.as_str(), open].into_iter().filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// A purchase that is being begun.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ordered {
    /// The plan's name and the region's, for people.
    pub words: String,
    /// What else was chosen.
    pub choice: Choice,
}

/// Something that is done once the tenant is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What.
    pub what: What,
    /// How far it is.
    pub state: WishState,
}

/// What is wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Another name.
    Name(String),
    /// A database that can be reached from outside.
    OpenDatabase,
}

/// How far a wish is. It goes only forwards, so that nothing is done twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WishState {
    /// The tenant is not there yet.
    Waits,
    /// The server was asked.
    Runs,
    /// It is so.
    Done,
    /// It is not so, and why.
    Failed(Problem),
}

impl What {
    /// The word that its job has.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Name(_) => "rename",
            Self::OpenDatabase => "access-on",
        }
    }

    /// The command that does the same by hand.
    #[must_use]
    pub fn command(&self) -> &'static str {
        match self {
            Self::Name(_) => "tenant.rename",
            Self::OpenDatabase => "tenant.access",
        }
    }

    /// The operation.
    #[must_use]
    pub fn call(&self, id: &TenantId) -> Call {
        match self {
            Self::Name(name) => Call::Rename { id: id.clone(), name: name.clone() },
            Self::OpenDatabase => Call::ExternalAccess { id: id.clone(), enabled: true },
        }
    }

    /// True where the tenant is so already.
    #[must_use]
    pub fn is_so(&self, tenant: &Tenant) -> bool {
        match self {
            Self::Name(name) => tenant.name == *name,
            Self::OpenDatabase => tenant.external_db_access == Some(true),
        }
    }

    /// What is not so where it failed.
    #[must_use]
    pub fn failure(&self, tenant: &str) -> String {
        match self {
            Self::Name(name) => format!("{tenant} is not called {name}."),
            Self::OpenDatabase => format!("The database of {tenant} is not open to the outside."),
        }
    }
}

/// A tenant that was bought on this screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    /// Which.
    pub id: TenantId,
    /// The plan's name and the region's, for people.
    pub words: String,
    /// What is done for it, in this order, one after the other.
    pub wishes: Vec<Wish>,
    /// Its events said that its infrastructure is there.
    pub is_provisioned: bool,
    /// What comes next was shown, or said.
    pub is_told: bool,
}

impl Bought {
    /// A tenant whose id has just become known.
    #[must_use]
    pub fn new(id: TenantId, words: String, choice: Choice) -> Self {
        let name = Some(choice.name).filter(|name| !name.is_empty()).map(What::Name);
        let wishes = name.into_iter().chain(choice.is_open.then_some(What::OpenDatabase));
        let wishes = wishes.map(|what| Wish { what, state: WishState::Waits }).collect();
        Self { id, words, wishes, is_provisioned: false, is_told: false }
    }

    /// True once the server takes what is wished: its events said so, or the list does.
    #[must_use]
    pub fn is_ready(&self, tenant: &Tenant) -> bool {
        match tenant.state() {
            TenantState::ToDeploy | TenantState::Running | TenantState::Suspended => true,
            TenantState::Failed => tenant.phase.as_deref() == Some("failed_deploy"),
            // A server that says nothing of its phases.
            TenantState::Unknown => self.is_provisioned,
            _ => false,
        }
    }

    /// True while something is still to be done for it.
    #[must_use]
    pub fn has_open_wishes(&self) -> bool {
        self.wishes.iter().any(|wish| matches!(wish.state, WishState::Waits | WishState::Runs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{tenant, tenant_id};

    #[test]
    fn only_what_was_chosen_is_wished_and_the_name_comes_first() {
        let of = |name: &str, is_open| {
            let choice = Choice { name: name.to_owned(), is_open };
            let plain = choice.is_plain();
            let wishes = Bought::new(tenant_id(1), String::new(), choice).wishes;
            assert_eq!(wishes.is_empty(), plain);
            wishes.into_iter().map(|wish| wish.what.action()).collect::<Vec<_>>()
        };
        assert_eq!(of("", false), [] as [&str; 0]);
        assert_eq!(of("shop", true), ["rename", "access-on"]);
        assert_eq!(of("", true), ["access-on"]);
    }

    #[test]
    fn a_tenant_without_infrastructure_is_not_ready_whatever_its_list_leaves_out() {
        let mut bought = Bought::new(tenant_id(1), String::new(), Choice::default());
        for (phase, is_ready) in [
            ("created", false),
            ("provisioning", false),
            ("failed_infra", false),
            ("awaiting_deploy", true),
            ("running", true),
            ("failed_deploy", true),
            ("deleting", false),
        ] {
            assert_eq!(bought.is_ready(&tenant(1, "orchard", phase)), is_ready, "{phase}");
        }
        let silent = crate::model::Tenant { phase: None, ..tenant(1, "orchard", "running") };
        assert!(!bought.is_ready(&silent));
        bought.is_provisioned = true;
        assert!(bought.is_ready(&silent) && !bought.is_ready(&tenant(1, "orchard", "provisioning")));
    }

    #[test]
    fn the_words_name_what_is_not_ordinary() {
        let words = |name: &str, is_open| Choice { name: name.to_owned(), is_open }.words();
        assert_eq!(words("", false), None);
        assert_eq!(words("shop", true).as_deref(), Some("shop, its database open"));
    }
}
