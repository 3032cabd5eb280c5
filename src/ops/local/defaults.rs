//! What a new local tenant begins with where nothing is said: a name and a port that nobody has.

use url::Url;

use super::ensure::free_port;
use super::{blocking, create};
use crate::model::local_tenant::POSTGRES_PORT;
use crate::model::{LocalDefaults, LocalTenant, Problem};
use crate::workspace::Project;

/// The name of the first (protocol E.11).
const NAME: &str = "local";

/// What is known of the others.
pub(super) struct Known {
    pub(super) tenants: Vec<LocalTenant>,
}

impl Known {
    /// Blocks.
    pub(super) fn read(project: &Project) -> Result<Self, Problem> {
        Ok(Self { tenants: create::listed(project)? })
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.tenants.iter().any(|tenant| tenant.name == name)
    }

    /// `local`, `local-2`, ...
    pub(super) fn free_name(&self, is_taken: impl Fn(&str) -> bool) -> String {
        let names = std::iter::once(NAME.to_owned()).chain((2..).map(|number: u64| format!("{NAME}-{number}")));
        let mut free = names.filter(|name| !is_taken(name) && !self.has_name(name));
        free.next().unwrap_or_else(|| NAME.to_owned())
    }

    /// A port that nothing listens on and no other tenant will want when it is started again.
    pub(super) fn free_port(&self) -> Option<u16> {
        let port = |tenant: &LocalTenant| Url::parse(tenant.database_url.as_ref()?.reveal().trim()).ok()?.port();
        let others: Vec<u16> = self.tenants.iter().filter_map(port).collect();
        free_port(POSTGRES_PORT, &others)
    }
}

/// What a new one would begin with.
pub async fn defaults(project: &Project) -> Result<LocalDefaults, Problem> {
    let project = project.clone();
    blocking(move || {
        let known = Known::read(&project)?;
        let port = known.free_port().ok_or_else(no_port)?;
        Ok(LocalDefaults { name: known.free_name(|_| false), port })
    })
    .await
}

pub(super) fn no_port() -> Problem {
    Problem::new(format!("No free port was found from {POSTGRES_PORT} on.")).hint("Name one that is free.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, TenantId};

    fn tenant(name: &str, port: u16) -> LocalTenant {
        LocalTenant {
            id: TenantId::new(format!("local_{name}")).expect("an id"),
            name: name.into(),
            database_url: Some(Secret::new(format!("postgres://u:p@localhost:{port}/d"))),
            docker_project: None,
            created_at: None,
            unfinished: false,
        }
    }

    #[test]
    fn names_and_ports_of_others_are_left_to_them() {
        let known = Known { tenants: Vec::new() };
        assert_eq!(known.free_name(|_| false), "local");
        let port = known.free_port().expect("one is free");
        let known = Known { tenants: vec![tenant("local", port), tenant("local-3", port + 1)] };
        assert_eq!(known.free_name(|name| name == "local-2"), "local-4");
        let other = known.free_port().expect("one is free");
        assert!(other != port && other != port + 1);
    }
}
