//! Which tenant a person means.

use crate::model::{Problem, Tenant};
use crate::ops::Session;

/// The tenant with this id or name; the only one where none is named.
pub(super) async fn resolve(session: &Session, wanted: Option<&str>) -> Result<Tenant, Problem> {
    let tenants = session.client().tenants().await.map_err(|error| error.problem())?.tenants;
    let names = tenants.iter().map(|tenant| tenant.name.as_str()).collect::<Vec<_>>().join(", ");
    let known = match names.as_str() {
        "" => "The account has no tenant.".to_owned(),
        names => format!("The account has {names}."),
    };
    let mut found = tenants
        .into_iter()
        .filter(|tenant| wanted.is_none_or(|wanted| tenant.id.as_str() == wanted || tenant.name == wanted));
    match (found.next(), found.next(), wanted) {
        (Some(one), None, _) => Ok(one),
        (None, _, Some(wanted)) => {
            Err(Problem::new(format!("No tenant is called {wanted}.")).detail(known).hint("Give its id or its name."))
        }
        (None, _, None) => {
            Err(Problem::new("There is no tenant yet.").hint("Run `tenantry` and buy one with the key n."))
        }
        (Some(_), Some(_), _) => Err(Problem::new("It is not clear which tenant is meant.")
            .detail(known)
            .hint("Name one: --tenant <id or name>.")),
    }
}
