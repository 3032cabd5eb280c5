//! How everything of an account stands: its tenants, each with what the server says of it now, and which profile of the
//! project names which.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::{Session, kept_tenants, tenants};
use crate::model::{Problem, Tenant, TenantId, TenantStatus};
use crate::workspace::{Project, profile};

/// How many tenants are asked for at a time.
const AT_ONCE: usize = 8;

/// A tenant and how it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its record.
    pub tenant: Tenant,
    /// How it stands, or why nobody knows.
    pub status: Result<TenantStatus, Problem>,
}

/// A profile of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The tenant that it names.
    pub tenant: Option<TenantId>,
    /// Why it cannot be read.
    pub problem: Option<Problem>,
}

/// The account's tenants.
#[derive(Debug, Clone, Default)]
pub struct Standings {
    /// In the server's order.
    pub all: Vec<Standing>,
    /// That some cannot be read, where that is so.
    pub unreadable: Option<Problem>,
}

/// Asks how each tenant of the account stands.
///
/// # Errors
/// The server's refusal of the list. Of one tenant it is said there.
pub async fn standings(session: &Session) -> Result<Standings, Problem> {
    let list = kept_tenants::list(session).await?;
    let unreadable = tenants::unreadable(&list.rejected);
    let ask = |tenant: Tenant| async {
        let status = session.client().status(&tenant.id).await.map_err(|error| error.problem());
        Standing { tenant, status }
    };
    let all = stream::iter(list.tenants.into_iter().map(ask)).buffered(AT_ONCE).collect().await;
    Ok(Standings { all, unreadable })
}

/// The project's profiles, by name.
///
/// # Errors
/// Their directory cannot be read. Of one profile it is said there.
pub async fn profiles(project: &Project) -> Result<Vec<Profile>, Problem> {
    let project = project.clone();
    super::stored::blocking(move || {
        let read = |name: String| match profile::named(&project, &name) {
            Ok(found) => Profile { name, tenant: found.tenant(), problem: None },
            Err(error) => Profile { name, tenant: None, problem: Some(error.problem()) },
        };
        Ok(profile::names(&project)?.into_iter().map(read).collect())
    })
    .await
}
