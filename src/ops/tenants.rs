//! Which tenant a person means.

use std::collections::BTreeSet;

use super::{Session, profiles};
use crate::api::TenantList;
use crate::model::{Problem, Tenant, TenantId};
use crate::workspace::{Project, profile};

/// The most names that a message lists.
const LISTED: usize = 12;

/// What is said to do where it is not clear which tenant is meant; commands that take it otherwise say it otherwise.
pub const WHICH: &str = "Name one: --tenant <id or name>.";

/// Whom a command is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The tenant.
    pub tenant: Tenant,
    /// The profile of it that is meant, where somebody said so: several may name the same tenant.
    pub profile: Option<String>,
}

/// The tenant that `wanted` names: by its id, its name, or the beginning of either where that fits only one.
/// Without it: that of the profile that the environment names, else the only tenant of the account, else the only one that a
/// profile of the project is for.
///
/// # Errors
/// A problem that lists the names to choose from, or says what is wrong with the profile that the environment names; the API's,
/// where it does not answer.
pub async fn resolve(session: &Session, wanted: Option<&str>) -> Result<Tenant, Problem> {
    Ok(choose(session, wanted, None).await?.tenant)
}

/// The same, where a profile may be named too: then its tenant is meant.
///
/// # Errors
/// Besides those, where there is no such profile, where it is for a tenant on this machine, or for another one than `wanted`.
pub async fn choose(session: &Session, wanted: Option<&str>, profile: Option<&str>) -> Result<Chosen, Problem> {
    let set = match profile {
        Some(name) => of_profile(session.project(), name).await?,
        None => None,
    };
    let list = session.client().tenants().await.map_err(|error| error.problem())?;
    let by_name = wanted.map(|wanted| named(&list, wanted)).transpose()?;
    if let (Some(name), Some(id)) = (profile, set) {
        if let Some(other) = by_name.filter(|tenant| tenant.id != id) {
            return Err(Problem::new(format!("Profile {name} belongs to another tenant."))
                .detail(format!("It names {id}, and {} is {}.", other.name, other.id))
                .hint("Leave out one of --profile and --tenant."));
        }
        let tenant = there(&list, name, &id)?.clone();
        return Ok(Chosen { tenant, profile: Some(name.to_owned()) });
    }
    let active = match active(session.project()).await {
        Ok(active) => active,
        // Whose tenant is named otherwise needs no profile of the environment.
        Err(_) if by_name.is_some() || profile.is_some() => None,
        Err(problem) => return Err(problem),
    };
    let tenant = match (by_name, &active) {
        (Some(tenant), _) => tenant.clone(),
        // What the environment says never falls to another tenant.
        (None, Some((name, id))) if profile.is_none() => there(&list, name, id).map_err(of_environment)?.clone(),
        (None, _) => only(&list, &of_profiles(session.project()).await)?.clone(),
    };
    let active = active.filter(|(_, id)| *id == tenant.id).map(|(name, _)| name);
    Ok(Chosen { tenant, profile: profile.map(str::to_owned).or(active) })
}

/// The tenant `id` of the profile called `name`.
fn there<'a>(list: &'a TenantList, name: &str, id: &TenantId) -> Result<&'a Tenant, Problem> {
    list.tenants.iter().find(|tenant| tenant.id == *id).ok_or_else(|| {
        Problem::new(format!("The tenant of profile {name} is not there."))
            .detail(format!("It names {id}. {}", yours(list)))
            .hint("Correct cloud.tenant_id in it, or use another login.")
    })
}

/// Says where the profile was named that something is wrong with.
fn of_environment(problem: Problem) -> Problem {
    let detail = problem.detail.as_ref().map_or_else(String::new, |detail| format!("{detail} "));
    problem.detail(format!("{detail}{} names it.", profiles::ACTIVE))
}

/// The tenant of the cloud that the profile is for; `None` where it names none, which says nothing.
async fn of_profile(project: &Project, name: &str) -> Result<Option<TenantId>, Problem> {
    let (project, wanted) = (project.clone(), name.to_owned());
    let profile = super::stored::blocking(move || profile::named(&project, &wanted)).await?;
    match profile.tenant() {
        Some(id) if profile.is_local() || is_local(&id) => {
            Err(Problem::new(format!("Profile {name} is for no tenant of the cloud."))
                .detail(format!("It is for {id}, on this machine."))
                .hint("Name a profile of a tenant of the cloud, or the tenant itself: --tenant <id or name>."))
        }
        named => Ok(named),
    }
}

/// True for the ids of databases on this machine (protocol E.11).
pub(super) fn is_local(id: &TenantId) -> bool {
    id.as_str().starts_with("local_")
}

/// The profile that the environment names, and its tenant of the cloud; `None` where it names no profile, or one that names no
/// tenant.
///
/// # Errors
/// Where there is no such profile, or where it is for a tenant on this machine.
async fn active(project: &Project) -> Result<Option<(String, TenantId)>, Problem> {
    let Some(set) = std::env::var_os(profiles::ACTIVE).map(|set| set.to_string_lossy().into_owned()) else {
        return Ok(None);
    };
    if set.trim().is_empty() {
        return Ok(None);
    }
    let name = profiles::name_in(&set);
    let id = of_profile(project, &name).await.map_err(of_environment)?;
    Ok(id.map(|id| (name, id)))
}

/// The same as [`resolve`], where none of that name is no failure.
///
/// # Errors
/// Where several are meant, or where one that cannot be read may be; the API's, where it does not answer.
pub async fn find(session: &Session, wanted: &str) -> Result<Option<Tenant>, Problem> {
    let list = session.client().tenants().await.map_err(|error| error.problem())?;
    match (meant(&list.tenants, wanted)?, unreadable(&list.rejected)) {
        (None, Some(problem)) => Err(problem),
        (found, _) => Ok(found.cloned()),
    }
}

/// What is told where the server lists tenants that this program cannot read; `rejected` says what is wrong with each.
#[must_use]
pub fn unreadable(rejected: &[String]) -> Option<Problem> {
    let first = rejected.first()?;
    let title = match rejected.len() {
        1 => "A tenant of the account cannot be read.".to_owned(),
        count => format!("{count} tenants of the account cannot be read."),
    };
    Some(Problem::new(title).detail(first.clone()).hint("A newer version of this program may understand the server."))
}

fn named<'a>(list: &'a TenantList, wanted: &str) -> Result<&'a Tenant, Problem> {
    let none =
        || Problem::new(format!("No tenant is called {wanted}.")).detail(yours(list)).hint("Give its id or its name.");
    meant(&list.tenants, wanted)?.ok_or_else(none)
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

fn only<'a>(list: &'a TenantList, of_profiles: &BTreeSet<TenantId>) -> Result<&'a Tenant, Problem> {
    // Of a list that is not whole nobody knows which is the only one.
    if let ([one], []) = (&list.tenants[..], &list.rejected[..]) {
        return Ok(one);
    }
    let known: Vec<&Tenant> = list.tenants.iter().filter(|tenant| of_profiles.contains(&tenant.id)).collect();
    match known[..] {
        [one] => Ok(one),
        _ if list.tenants.is_empty() => Err(unreadable(&list.rejected).unwrap_or_else(|| {
            Problem::new("There is no tenant yet.")
                .hint("Buy one: `tenantry tenant create`, or the key n of the screen.")
        })),
        _ => Err(Problem::new("It is not clear which tenant is meant.").detail(yours(list)).hint(WHICH)),
    }
}

fn yours(found: &TenantList) -> String {
    let readable = if found.tenants.is_empty() {
        "The account has none.".to_owned()
    } else {
        format!("The account has {}.", list(&found.tenants.iter().collect::<Vec<_>>()))
    };
    match unreadable(&found.rejected) {
        Some(problem) if found.tenants.is_empty() => problem.title,
        Some(problem) => format!("{readable} {}", problem.title),
        None => readable,
    }
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

    fn tenants(all: &[(&str, &str)]) -> TenantList {
        let read = |(id, name): &(&str, &str)| serde_json::json!({"id": id, "name": name});
        let tenants = all.iter().map(|one| serde_json::from_value(read(one)).expect("a tenant")).collect();
        TenantList { tenants, rejected: Vec::new() }
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
        let chosen = |all: &TenantList, profiles: &[&str]| only(all, &of(profiles)).map(|tenant| tenant.name.clone());
        let one = tenants(&[("a-1", "orchard")]);
        assert_eq!(chosen(&one, &["gone"]).ok().as_deref(), Some("orchard"));
        assert_eq!(chosen(&two, &["b-2", "gone"]).ok().as_deref(), Some("meadow"));
        for profiles in [&["a-1", "b-2"][..], &[]] {
            let problem = chosen(&two, profiles).expect_err("two");
            assert_eq!(problem.detail.as_deref(), Some("The account has orchard (a1), meadow (b2)."));
        }
        assert_eq!(chosen(&tenants(&[]), &[]).expect_err("none").title, "There is no tenant yet.");

        // One that cannot be read may be the one that is meant.
        let torn = |list: TenantList| TenantList { rejected: vec!["the 2nd has no id".into()], ..list };
        let problem = chosen(&torn(one), &[]).expect_err("not the only one");
        let detail = "The account has orchard (a1). A tenant of the account cannot be read.";
        assert_eq!(problem.detail.as_deref(), Some(detail));
        let problem = chosen(&torn(tenants(&[])), &[]).expect_err("not empty");
        assert_eq!(problem.title, "A tenant of the account cannot be read.");
    }

    #[tokio::test]
    async fn a_profile_says_which_tenant_is_meant() {
        let listed =
            serde_json::json!({"data": [{"id": "ten_1", "name": "orchard"}, {"id": "ten_2", "name": "meadow"}]});
        let server = wiremock::MockServer::start().await;
        wiremock::Mock::given(wiremock::matchers::path("/api/v1/tenants"))
            .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(listed))
            .mount(&server)
            .await;
        let files = [("profile.yaml", "cloud: {tenant_id: ten_2}")];
        let (folder, session) = crate::ops::testing::answering_at(&server, &[], &files).await;
        let local = folder.path().join(".systemprompt/profiles/dev");
        std::fs::create_dir_all(&local).expect("made");
        std::fs::write(local.join("profile.yaml"), "target: local\ncloud: {tenant_id: local_1}").expect("written");
        let chosen = choose(&session, None, Some("prod")).await.expect("chosen");
        assert_eq!((chosen.tenant.name.as_str(), chosen.profile.as_deref()), ("meadow", Some("prod")));
        let same = choose(&session, Some("meadow"), Some("prod")).await.expect("the same");
        assert_eq!(same, chosen);
        for (wanted, profile, title) in [
            (Some("orchard"), "prod", "Profile prod belongs to another tenant."),
            (None, "dev", "Profile dev is for no tenant of the cloud."),
        ] {
            assert_eq!(choose(&session, wanted, Some(profile)).await.expect_err(title).title, title);
        }
        assert!(choose(&session, None, Some("nobody")).await.is_err());
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
