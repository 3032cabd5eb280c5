//! Which database is meant, and where it is.

use std::path::PathBuf;

use crate::model::{LocalTenant, Problem, Secret, Tenant, database_url, text};
use crate::ops::local::{self, database};
use crate::ops::profiles;
use crate::ops::stored::blocking;
use crate::workspace::{Profile, Project, SecretsDraft, SecretsFile, StateDirectory, WorkspaceError, profile};

/// Keys of a profile's secrets that hold an address of the database, the one that is for this machine first.
const ADDRESSES: [&str; 3] = [DATABASE, EXTERNAL, INTERNAL];
const DATABASE: &str = "database_url";
const EXTERNAL: &str = "external_database_url";
const INTERNAL: &str = "internal_database_url";
/// How the ids of tenants on a machine begin.
const LOCAL: &str = "local_";

/// A database. `Debug` shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What its copies are called after: the profile's or the tenant's name.
    pub name: String,
    /// Whose it is, in words: `profile dev`, `local tenant local`.
    pub words: String,
    /// Its address.
    pub url: Secret,
    /// The tenant on this machine that it is of.
    pub local: Option<LocalTenant>,
    /// The project's folder.
    pub root: PathBuf,
    /// It is of a tenant of the cloud: what protects a context protects it.
    pub is_cloud: bool,
}

impl Target {
    /// The address without its password. Harmless text.
    #[must_use]
    pub fn address(&self) -> String {
        database_url::masked(&self.url)
    }
}

/// The database of the profile called `name`.
///
/// # Errors
/// Where there is no such profile, or no whole address of its database.
pub async fn of_profile(project: &Project, name: &str) -> Result<Target, Problem> {
    let (place, wanted) = (project.clone(), name.to_owned());
    let read = move || {
        let profile = profile::named(&place, &wanted)?;
        let url = in_secrets(&profile)?;
        Ok::<_, WorkspaceError>((profile, url))
    };
    let (profile, url) = blocking(read).await?;
    let locals = local::all(project).await;
    let tenant = match (&url, locals) {
        (_, Ok(locals)) => locals.into_iter().find(|tenant| profile.tenant().as_ref() == Some(&tenant.id)),
        // The list is not needed where the profile knows the address itself.
        (Some(_), Err(_)) => None,
        (None, Err(problem)) => return Err(problem),
    };
    let url = url.or_else(|| tenant.as_ref().and_then(whole));
    let Some(url) = url else {
        return Err(Problem::new(format!("Profile {name} has no whole address of its database."))
            .detail(format!("Looked in {}.", text::line(&profile.secrets_file().to_string_lossy())))
            .hint(format!("Set it: tenantry profile edit {name} --set-database-url -")));
    };
    let is_cloud = tenant.is_none() && profile.tenant().is_some_and(|id| !id.as_str().starts_with(LOCAL));
    // Its container holds the data only where both are the same database.
    let local = tenant.filter(|tenant| tenant.database_url.as_ref().is_some_and(|own| same_place(own, &url)));
    let (name, words) = (name.to_owned(), format!("profile {name}"));
    Ok(Target { name, words, url: database::checked(&url)?, local, root: project.root.clone(), is_cloud })
}

/// The database of a tenant on this machine.
///
/// # Errors
/// Where the list has no whole address for it.
pub fn of_local(project: &Project, tenant: LocalTenant) -> Result<Target, Problem> {
    let url = whole(&tenant).ok_or_else(|| {
        Problem::new(format!("The list of tenants has no whole address of {}'s database.", tenant.name))
            .hint("Give one: tenantry tenant create --database-url -")
    })?;
    let words = format!("local tenant {}", tenant.name);
    let name = file_name(&tenant.name);
    let (url, root) = (database::checked(&url)?, project.root.clone());
    Ok(Target { name, words, url, local: Some(tenant), root, is_cloud: false })
}

/// The database of a tenant of the cloud: by the profile that names it, else by what was kept when it was fetched.
///
/// # Errors
/// Where neither has an address that can be reached from here.
pub async fn of_cloud(project: &Project, state: Option<StateDirectory>, tenant: &Tenant) -> Result<Target, Problem> {
    let (place, id) = (project.clone(), tenant.id.clone());
    let read = move || {
        let secrets = match profile::of_tenant(&place, &id, None)? {
            Some(profile) => SecretsFile::read(&profile)?,
            None => None,
        };
        let kept = state.map(|state| SecretsDraft::open(state.credentials_file(&id))).transpose()?;
        Ok::<_, WorkspaceError>(of_tenant(
            |key| secrets.as_ref().and_then(|secrets| secrets.get(key).cloned()),
            |key| kept.as_ref().and_then(|kept| kept.get(key).cloned()),
        ))
    };
    let url = blocking(read).await?.ok_or_else(|| {
        Problem::new(format!("The address of {}'s database is not known here.", tenant.name))
            .detail(
                "No profile of this project names the tenant and has one; what has another name may be somebody's own.",
            )
            .hint(format!("Make a profile for it: tenantry profile create NAME --tenant {}", tenant.name))
    })?;
    let words = format!("tenant {}", tenant.name);
    let name = file_name(&tenant.name);
    let (url, root) = (database::checked(&url)?, project.root.clone());
    Ok(Target { name, words, url, local: None, root, is_cloud: true })
}

/// The one that is meant where nobody says which: of the active profile, else of the only tenant on this machine.
///
/// # Errors
/// Where it is not clear.
pub async fn usual(project: &Project, active: Option<String>) -> Result<Target, Problem> {
    let profiles = profiles::list(project, active).await?;
    if let Some(name) = profiles.active_profile {
        return of_profile(project, &name).await;
    }
    let mut locals = local::all(project).await?;
    if let (1, Some(tenant), 0) = (locals.len(), locals.pop(), profiles.total) {
        return of_local(project, tenant);
    }
    let names: Vec<&str> = profiles.profiles.iter().map(|profile| profile.name.as_str()).collect();
    let there =
        if names.is_empty() { "The project has none.".to_owned() } else { format!("There are: {}.", names.join(", ")) };
    Err(Problem::new("It is not clear which database is meant.")
        .detail(format!("Profiles: {there}"))
        .hint("Name one: --profile <name>, or --tenant <name> for one on this machine."))
}

fn whole(tenant: &LocalTenant) -> Option<Secret> {
    tenant.database_url.clone().filter(|url| !database_url::is_masked(url.reveal()))
}

fn in_secrets(profile: &Profile) -> Result<Option<Secret>, WorkspaceError> {
    let Some(file) = SecretsFile::read(profile)? else { return Ok(None) };
    Ok(first(|key| file.get(key).cloned()))
}

/// The first address that is whole, as it is reached from here.
fn first(get: impl Fn(&str) -> Option<Secret>) -> Option<Secret> {
    let whole = ADDRESSES.into_iter().filter_map(get).find(|url| !database_url::is_masked(url.reveal()))?;
    Some(database_url::outside(&whole).unwrap_or(whole))
}

/// The tenant's own database, by its profile's secrets or by what was kept of it. What a profile has as `database_url` may be
/// a developer's: it is taken only where another address says that it is the same one.
fn of_tenant(profile: impl Fn(&str) -> Option<Secret>, kept: impl Fn(&str) -> Option<Secret>) -> Option<Secret> {
    let all = |key: &str| [profile(key), kept(key)].into_iter().flatten().collect::<Vec<_>>();
    let is_whole = |url: &Secret| !database_url::is_masked(url.reveal());
    let (outer, inner) = (all(EXTERNAL), all(INTERNAL));
    let own = all(DATABASE).into_iter().filter(|url| {
        outer.iter().chain(&inner).any(|known| database_url::same_database(known.reveal(), url.reveal()))
    });
    let outer_of_inner = inner.iter().filter_map(database_url::outside);
    let found = outer.iter().cloned().chain(outer_of_inner).chain(own).chain(inner.iter().cloned()).find(is_whole)?;
    Some(database_url::outside(&found).unwrap_or(found))
}

/// True where both are the same database at the same port of this machine.
fn same_place(one: &Secret, other: &Secret) -> bool {
    let place = |url: &Secret| {
        let options = database::options(url).ok()?;
        let (host, port) = (database::host(&options), options.get_port());
        // A socket's folder is of a server of this machine itself, and never a container's.
        let is_here = database::is_here(&host) && !host.starts_with('/');
        is_here.then(|| (port, options.get_database().map(ToOwned::to_owned)))
    };
    matches!((place(one), place(other)), (Some(one), Some(other)) if one == other)
}

/// A name that can be a file's.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    name.chars().take(64).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::in_folder;

    #[tokio::test]
    async fn the_first_whole_address_is_taken_and_stars_are_none() {
        let inner = "postgres://t:h8T@sp-postgres.internal:5432/site?sslmode=disable";
        for (secrets, expected) in [
            (
                r#"{"database_url": "postgres://t:h8T@h/d", "internal_database_url": "x"}"#.to_owned(),
                "postgres://t:h8T@h/d",
            ),
            (
                r#"{"database_url": "postgres://t:***@h/d", "external_database_url": "postgres://t:h8T@out/d"}"#
                    .to_owned(),
                "postgres://t:h8T@out/d",
            ),
            (
                format!(r#"{{"internal_database_url": "{inner}"}}"#),
                "postgres://t:h8T@db.systemprompt.io:5432/site?sslmode=require",
            ),
        ] {
            let (_folder, session) = in_folder(&[("profile.yaml", "name: prod"), ("secrets.json", &secrets)], false);
            let target = of_profile(session.project(), "prod").await.expect(&secrets);
            assert_eq!(target.url.reveal(), expected);
            assert!(!format!("{target:?} {}", target.address()).contains("h8T"));
            assert_eq!(usual(session.project(), None).await, Ok(target));
        }
        for secrets in ["{}", r#"{"database_url": "postgres://t:***@h/d"}"#] {
            let (_folder, session) = in_folder(&[("profile.yaml", "name: prod"), ("secrets.json", secrets)], false);
            let problem = of_profile(session.project(), "prod").await.expect_err("no address");
            assert!(problem.hint.is_some_and(|hint| hint.contains("--set-database-url")));
        }
    }

    #[tokio::test]
    async fn a_local_profile_without_one_uses_its_tenants() {
        let files = [("profile.yaml", "cloud: {tenant_id: local_1}"), ("secrets.json", "{}")];
        let (_folder, session) = in_folder(&files, false);
        let project = session.project();
        let list = r#"{"tenants": [{"id": "local_1", "name": "my own", "type": "local", "docker_project": "p",
            "database_url": "postgres://u:h8T@localhost:5433/d"}]}"#;
        std::fs::write(project.directory().join("tenants.json"), list).expect("written");
        let target = of_profile(project, "prod").await.expect("found");
        assert!(target.local.is_some() && target.url.reveal().ends_with("5433/d"));
        let tenant = target.local.expect("a tenant");
        assert_eq!(of_local(project, tenant).expect("found").name, "my_own");
    }

    #[test]
    fn a_container_is_asked_only_for_its_own_database() {
        let own = "postgres://u:p@localhost:5433/d";
        let same = |other: &str| same_place(&Secret::new(own), &Secret::new(other));
        assert!(same("postgres://other:q@127.0.0.1:5433/d") && same("postgres://u@localhost/x?dbname=d&port=5433"));
        for other in [
            "postgres://u:p@localhost:5434/d",
            "postgres://u:p@localhost:5433/e",
            "postgres://u:p@db:5433/d",
            "postgres://u:p@localhost:5433/d?host=db",
            "postgres://u:p@localhost:5433/d?hostaddr=10.0.0.1",
            "postgres://u:p@localhost:5433/d?port=1",
            "postgres://u:p@localhost:5433/d?dbname=e",
            "postgres://u:p@localhost:5433/d?host=/run/postgresql",
            "x",
        ] {
            assert!(!same(other), "{other}");
        }
    }

    #[test]
    fn a_developers_own_database_is_not_the_tenants() {
        let (mine, outer, inner) =
            ("postgres://me:h8T@localhost/dev", "postgres://t:h8T@out/site", "postgres://t:h8T@a.internal/site");
        let masked = "postgres://t:***@out/site";
        let found = |profile: &[(&str, &str)], kept: &[(&str, &str)]| {
            let get = |all: &[(&str, &str)], key: &str| {
                all.iter().find(|(name, _)| *name == key).map(|(_, url)| Secret::new(*url))
            };
            of_tenant(|key| get(profile, key), |key| get(kept, key)).map(|url| url.reveal().to_owned())
        };
        let by = |url: &str| Some(url.to_owned());
        assert_eq!(found(&[(DATABASE, mine)], &[]), None);
        assert_eq!(found(&[(DATABASE, mine), (EXTERNAL, outer)], &[]), by(outer));
        assert_eq!(found(&[(DATABASE, mine), (EXTERNAL, masked)], &[]), None);
        assert_eq!(found(&[(DATABASE, mine)], &[(EXTERNAL, outer)]), by(outer));
        assert_eq!(found(&[(DATABASE, "postgres://t:h8T@out/site"), (EXTERNAL, masked)], &[]), by(outer));
        let made = by("postgres://t:h8T@db.systemprompt.io/site");
        assert_eq!(found(&[(DATABASE, mine), (INTERNAL, inner)], &[]), made);
        assert_eq!(found(&[(DATABASE, inner), (INTERNAL, "postgres://t:***@a.internal/site")], &[]), made);
    }
}
