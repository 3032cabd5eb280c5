//! Which tenant a person means.

use std::collections::BTreeSet;

use super::Session;
use crate::model::{Problem, Tenant, TenantId};
use crate::workspace::{Project, profile};

/// The most names that a message lists.
const LISTED: usize = 12;

/// The tenant that `wanted` names: by its id, its name, or the beginning of either where that fits only one.
/// Without it: the only tenant of the account, else the only one that a profile of the project is for.
///
/// # Errors
/// A problem that lists the names to choose from; the API's, where it does not answer.
pub async fn resolve(session: &Session, wanted: Option<&str>) -> Result<Tenant, Problem> {
    let tenants = session.client().tenants().await.map_err(|error| error.problem())?.tenants;
    match wanted {
        Some(wanted) => named(&tenants, wanted),
        None => only(&tenants, &of_profiles(session.project()).await),
    }
    .cloned()
}

/// The same, where none of that name is no failure.
///
/// # Errors
/// Where several are meant; the API's, where it does not answer.
pub async fn find(session: &Session, wanted: &str) -> Result<Option<Tenant>, Problem> {
    let tenants = session.client().tenants().await.map_err(|error| error.problem())?.tenants;
    Ok(meant(&tenants, wanted)?.cloned())
}

fn named<'a>(tenants: &'a [Tenant], wanted: &str) -> Result<&'a Tenant, Problem> {
    let none = || {
        Problem::new(format!("No tenant is called {wanted}.")).detail(yours(tenants)).hint("Give its id or its name.")
    };
    meant(tenants, wanted)?.ok_or_else(none)
}

fn meant<'a>(tenants: &'a [Tenant], wanted: &str) -> Result<Option<&'a Tenant>, Problem> {
    let plain = |id: &str| id.replace('-', "");
    let begins = |text: &str| !wanted.is_empty() && text.starts_with(wanted);
    let begins_id = |tenant: &Tenant| {
        let wanted = plain(wanted);
        !wanted.is_empty() && plain(tenant.id.as_str()).starts_with(&wanted)
    };
    let ways: [&dyn Fn(&Tenant) -> bool; 3] = [
        &|tenant| tenant.id.as_str() == wanted,
        &|tenant| tenant.name == wanted,
        // The screen and the lists below show ids without their dashes.
        &|tenant| begins(&tenant.name) || begins_id(tenant),
    ];
    for way in ways {
        let found: Vec<&Tenant> = tenants.iter().filter(|tenant| way(tenant)).collect();
        match found[..] {
            [] => {}
            [one] => return Ok(Some(one)),
            _ => {
                return Err(Problem::new(format!("More than one tenant is meant by {wanted}."))
                    .detail(format!("They are {}.", list(&found)))
                    .hint("Name one by its id."));
            }
        }
    }
    Ok(None)
}

fn only<'a>(tenants: &'a [Tenant], of_profiles: &BTreeSet<TenantId>) -> Result<&'a Tenant, Problem> {
    if let [one] = tenants {
        return Ok(one);
    }
    let known: Vec<&Tenant> = tenants.iter().filter(|tenant| of_profiles.contains(&tenant.id)).collect();
    match known[..] {
        [one] => Ok(one),
        _ if tenants.is_empty() => Err(Problem::new("There is no tenant yet.")
            .hint("Buy one: `tenantry tenant create`, or the key n of the screen.")),
        _ => Err(Problem::new("It is not clear which tenant is meant.")
            .detail(yours(tenants))
            .hint("Name one: --tenant <id or name>.")),
    }
}

fn yours(tenants: &[Tenant]) -> String {
    if tenants.is_empty() {
        return "The account has none.".to_owned();
    }
    format!("The account has {}.", list(&tenants.iter().collect::<Vec<_>>()))
}

/// `orchard (3f6c1b8e52d4), meadow (9a0c55d1e2f3) and 3 more`.
fn list(tenants: &[&Tenant]) -> String {
    let names = tenants.iter().take(LISTED).map(|tenant| {
        let short = tenant.id.short();
        if tenant.name == short { short } else { format!("{} ({short})", tenant.name) }
    });
    let names = names.collect::<Vec<_>>().join(", ");
    match tenants.len().saturating_sub(LISTED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// The tenants that the project's profiles name (protocol E.4). What cannot be read names none: this is a convenience,
/// and the profiles are checked where they are used.
async fn of_profiles(project: &Project) -> BTreeSet<TenantId> {
    let project = project.clone();
    let look = move || {
        let names = profile::names(&project).unwrap_or_default();
        names.iter().filter_map(|name| profile::named(&project, name).ok()?.tenant()).collect()
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(all: &[(&str, &str)]) -> Vec<Tenant> {
        let read = |(id, name): &(&str, &str)| serde_json::json!({"id": id, "name": name});
        all.iter().map(|one| serde_json::from_value(read(one)).expect("a tenant")).collect()
    }

    #[test]
    fn a_name_an_id_or_the_beginning_of_one_is_enough() {
        let all = tenants(&[
            ("3f6c1b8e-52d4-4c0a", "orchard"),
            ("3f6c0000-1111-4c0a", "orchard-staging"),
            ("9a0c55d1-e2f3-4c0a", "meadow"),
            ("meadow", "barn"),
            ("twin-1", "twin"),
            ("twin-2", "twin"),
        ]);
        let found = |wanted: &str| named(&all, wanted).map(|tenant| tenant.id.to_string()).ok();
        for (wanted, id) in [
            ("3f6c1b8e-52d4-4c0a", "3f6c1b8e-52d4-4c0a"),
            ("orchard", "3f6c1b8e-52d4-4c0a"),
            ("orchard-", "3f6c0000-1111-4c0a"),
            ("3f6c1", "3f6c1b8e-52d4-4c0a"),
            ("3f6c1b8e52d4", "3f6c1b8e-52d4-4c0a"),
            // An id wins over another's name.
            ("meadow", "meadow"),
            ("b", "meadow"),
            ("twin-2", "twin-2"),
        ] {
            assert_eq!(found(wanted).as_deref(), Some(id), "{wanted}");
        }
        for (wanted, title) in [
            ("3f6c", "More than one tenant is meant by 3f6c."),
            ("twin", "More than one tenant is meant by twin."),
            ("", "No tenant is called ."),
            ("-", "No tenant is called -."),
            ("x\u{1b}[2J", "No tenant is called x."),
        ] {
            let problem = named(&all, wanted).expect_err(wanted);
            assert_eq!(problem.title, title);
            assert!(problem.detail.is_some_and(|detail| detail.contains("twin1") || detail.contains("orchard")));
        }
    }

    #[test]
    fn without_a_name_it_is_the_only_one_or_the_only_one_with_a_profile() {
        let two = tenants(&[("a-1", "orchard"), ("b-2", "meadow")]);
        let of = |ids: &[&str]| ids.iter().map(|id| TenantId::new(*id).expect("an id")).collect();
        let chosen = |all: &[Tenant], profiles: &[&str]| only(all, &of(profiles)).map(|tenant| tenant.name.clone());
        assert_eq!(chosen(&two[..1], &["gone"]).ok().as_deref(), Some("orchard"));
        assert_eq!(chosen(&two, &["b-2", "gone"]).ok().as_deref(), Some("meadow"));
        for profiles in [&["a-1", "b-2"][..], &[]] {
            let problem = chosen(&two, profiles).expect_err("two");
            assert_eq!(problem.detail.as_deref(), Some("The account has orchard (a1), meadow (b2)."));
        }
        assert_eq!(chosen(&[], &[]).expect_err("none").title, "There is no tenant yet.");
    }

    #[tokio::test]
    async fn profiles_name_their_tenant_in_either_notation() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("block", "name: a\n# tenant_id: no\ncloud:\n  tenant_id: \"3f6c1b8e-52d4\" # the real one\n"),
            ("flow", "cloud: { tenant_id: 9a0c55d1, enabled: true }\r\n"),
            ("last", "cloud: {tenant_id: 'ten_1'}"),
            ("none", "cloud: {}\n"),
            ("odd", "cloud: { tenant_id: ${TENANT} }"),
        ] {
            let profile = folder.path().join(".systemprompt/profiles").join(name);
            std::fs::create_dir_all(&profile).expect("made");
            std::fs::write(profile.join("profile.yaml"), text).expect("written");
        }
        let found = of_profiles(&Project { root: folder.path().to_owned() }).await;
        let ids: Vec<_> = found.iter().map(TenantId::as_str).collect();
        assert_eq!(ids, ["3f6c1b8e-52d4", "9a0c55d1", "ten_1"]);
    }
}
