//! Which local tenant a person means.

use super::{blocking, create};
use crate::model::{LocalTenant, Problem};
use crate::workspace::Project;

/// All of the project, in the order of its list.
pub async fn all(project: &Project) -> Result<Vec<LocalTenant>, Problem> {
    let project = project.clone();
    blocking(move || create::listed(&project)).await
}

/// The one that `wanted` names: by its id, its name, or the beginning of either where that fits only one.
///
/// # Errors
/// A problem that names those that there are.
pub async fn find(project: &Project, wanted: &str) -> Result<LocalTenant, Problem> {
    let tenants = all(project).await?;
    found(&tenants, wanted)?.cloned().ok_or_else(|| {
        let names: Vec<&str> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
        let there = if names.is_empty() {
            "There is none yet.".to_owned()
        } else {
            format!("There are: {}.", names.join(", "))
        };
        Problem::new(format!("No local tenant is called {wanted}.")).detail(there).hint("Give its id or its name.")
    })
}

/// The same among those that are known; `None` where none fits.
///
/// # Errors
/// Where more than one fits.
pub fn found<'a>(tenants: &'a [LocalTenant], wanted: &str) -> Result<Option<&'a LocalTenant>, Problem> {
    let begins = |text: &str| !wanted.is_empty() && text.starts_with(wanted);
    let ways: [&dyn Fn(&LocalTenant) -> bool; 3] =
        [&|tenant| tenant.id.as_str() == wanted, &|tenant| tenant.name == wanted, &|tenant| {
            begins(&tenant.name) || begins(tenant.id.as_str())
        }];
    for way in ways {
        let found: Vec<&LocalTenant> = tenants.iter().filter(|tenant| way(tenant)).collect();
        match found[..] {
            [] => {}
            [one] => return Ok(Some(one)),
            _ => {
                let names: Vec<String> = found.iter().map(|one| format!("{} ({})", one.name, one.id)).collect();
                return Err(Problem::new(format!("More than one local tenant is meant by {wanted}."))
                    .detail(format!("They are {}.", names.join(", ")))
                    .hint("Name one by its id."));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TenantId;

    #[test]
    fn a_name_an_id_or_the_beginning_of_one_is_enough() {
        let tenant = |id: &str, name: &str| LocalTenant {
            id: TenantId::new(id).expect("an id"),
            name: name.into(),
            database_url: None,
            docker_project: None,
            created_at: None,
            unfinished: false,
        };
        let all = [tenant("local_1a", "local"), tenant("local_2b", "local-2"), tenant("local_3c", "shop")];
        let name = |wanted: &str| found(&all, wanted).map(|one| one.map(|one| one.id.as_str()));
        assert_eq!(name("local"), Ok(Some("local_1a")), "a whole name goes before a beginning");
        assert_eq!(name("local_2b"), Ok(Some("local_2b")));
        assert_eq!(name("sh"), Ok(Some("local_3c")));
        assert_eq!(name("orchard"), Ok(None));
        assert_eq!(name(""), Ok(None));
        let problem = name("local_").expect_err("three of them");
        assert!(problem.detail.as_deref().is_some_and(|detail| detail.contains("shop (local_3c)")), "{problem:?}");
    }
}
