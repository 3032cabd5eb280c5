//! A new profile for a tenant: its settings, secrets of its own and a signing key, as `init` makes the first one; with the
//! tenant's database, as far as its address can be had.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::blocking;
use crate::model::{LocalTenant, Problem, Secret, Tenant, TenantId, database_url, text};
use crate::ops::init::{of_profile, profile as fresh};
use crate::ops::local::database;
use crate::ops::{Session, credentials};
use crate::workspace::{
    Project, SecretsDraft, StateDirectory, WorkspaceError, atomic, profile, profile_change, tenants_change,
};

/// The database as it is used from this machine.
const MAIN: &str = "database_url";
/// The same as machines reach it.
const INSIDE: &str = "internal_database_url";
/// All that is taken over from what was fetched once and had no profile to go into.
const KEPT: [&str; 7] =
    [MAIN, "internal_database_url", "external_database_url", "jwt_secret", "anthropic", "openai", "gemini"];

/// All that two profiles of one tenant have in common.
const SHARED: [&str; 4] = [MAIN, "internal_database_url", "external_database_url", "jwt_secret"];

/// Which profile is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub whose: Whose,
    /// Values for its secrets, by their names in `secrets.json`.
    pub keys: BTreeMap<&'static str, Secret>,
}

/// The tenant of a profile.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Of the cloud, and who may ask about it.
    Cloud(Session, Box<Tenant>),
    /// On this machine.
    Local(LocalTenant),
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its name.
    pub name: String,
    /// Its directory. Harmless text.
    pub directory: String,
    /// Its tenant.
    pub tenant: TenantId,
    /// The tenant's name. Harmless text.
    pub tenant_name: String,
    /// The tenant is on this machine.
    pub is_local: bool,
    /// What is known of its database.
    pub database: Database,
    /// It has a signing key; false where this machine cannot make one.
    pub has_signing_key: bool,
}

/// What is known of a profile's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// It answers: this version.
    Answers(String),
    /// Its address was known, or was fetched now. Nobody asked it.
    Known,
    /// Its address is known, and it does not answer.
    Silent(Problem),
    /// Its address is not known.
    Missing(Problem),
}

/// Makes the profile.
///
/// # Errors
/// Where anything of that name is there: it stays as it is. What only the database lacks is no error.
pub async fn create(project: &Project, order: Order) -> Result<Created, Problem> {
    if !profile::is_name(&order.name) {
        return Err(no_name(&order.name));
    }
    let Order { name, whose, keys } = order;
    let wanted = Wanted::of(project, &whose);
    let (place, given) = (project.clone(), name.clone());
    let made = blocking(move || Ok(make(&place, &given, &wanted, &keys)?)).await;
    let (directory, known, has_signing_key) = made?.map_err(|()| exists(project, &name))?;
    let database = match (&whose, known) {
        (Whose::Local(_), Some(url)) => asked(&url).await,
        (Whose::Local(tenant), None) => Database::Missing(
            Problem::new(format!("The address of {}'s database is not known.", tenant.name))
                .hint(format!("Set it: tenantry profile edit {name} --set-database-url -")),
        ),
        (Whose::Cloud(..), Some(_)) => Database::Known,
        // What is fetched goes into this profile, because it names the tenant now.
        (Whose::Cloud(session, tenant), None) => match credentials::run(session, &tenant.id).await {
            Ok(_) => Database::Known,
            Err(problem) => Database::Missing(problem),
        },
    };
    let (tenant, tenant_name, is_local) = match whose {
        Whose::Cloud(_, tenant) => (tenant.id, tenant.name, false),
        Whose::Local(tenant) => (tenant.id, tenant.name, true),
    };
    Ok(Created { name, directory, tenant, tenant_name, is_local, database, has_signing_key })
}

/// What is written down about the tenant.
struct Wanted {
    tenant: TenantId,
    is_local: bool,
    address: Option<String>,
    external: bool,
    url: Option<Secret>,
    state: Option<StateDirectory>,
    site: String,
}

impl Wanted {
    fn of(project: &Project, whose: &Whose) -> Self {
        let site = project.name();
        match whose {
            Whose::Local(tenant) => Self {
                tenant: tenant.id.clone(),
                is_local: true,
                address: None,
                external: false,
                url: tenant.database_url.clone().filter(|url| !database_url::is_masked(url.reveal())),
                state: None,
                site,
            },
            Whose::Cloud(session, tenant) => Self {
                tenant: tenant.id.clone(),
                is_local: false,
                address: address(tenant),
                external: tenant.external_db_access == Some(true),
                url: None,
                state: session.state().cloned(),
                site,
            },
        }
    }
}

/// Where a tenant answers (protocol E.4).
fn address(tenant: &Tenant) -> Option<String> {
    let host = tenant.hostname.as_deref().map(str::trim).filter(|host| !host.is_empty());
    let address = match (&tenant.app_url, host) {
        (Some(url), _) if url::Url::parse(url).is_ok_and(|url| url.has_host()) => url.clone(),
        (_, Some(host)) => format!("https://{host}"),
        _ => return None,
    };
    Some(address.trim_end_matches('/').to_owned())
}

type Made = Result<(String, Option<Secret>, bool), ()>;

/// Writes it. The inner error: there is one already.
fn make(
    project: &Project,
    name: &str,
    wanted: &Wanted,
    keys: &BTreeMap<&'static str, Secret>,
) -> Result<Made, WorkspaceError> {
    let root = std::path::absolute(&project.root).unwrap_or_else(|_| project.root.clone());
    let whose = if wanted.is_local {
        fresh::For::Local { tenant: &wanted.tenant, root: &root }
    } else {
        let (address, external) = (wanted.address.as_deref(), wanted.external);
        fresh::For::Cloud { tenant: &wanted.tenant, address, external }
    };
    let settings = fresh::settings_for(name, &wanted.site, &whose);
    // Before anything is made: one that cannot be understood is told first.
    let (kept, taken) = known_elsewhere(project, wanted)?;
    // A list that cannot be read knows nothing.
    let listed = if wanted.is_local {
        (None, None)
    } else {
        tenants_change::addresses(project, &wanted.tenant).unwrap_or_default()
    };
    let mut known = None;
    let docker = if wanted.is_local { Vec::new() } else { of_profile::files(project, name) };
    // It takes its time: nothing with a secret in it lies around meanwhile.
    let signing_key = fresh::signing_key();
    let fill = |folder: &Path| {
        atomic::write_new(&folder.join("profile.yaml"), settings.as_bytes(), 0o644)?;
        let path = folder.join("secrets.json");
        atomic::write_new(&path, fresh::secrets().reveal().as_bytes(), 0o600)?;
        let mut draft = SecretsDraft::open(&path)?;
        for key in taken {
            if let Some(value) = kept.as_ref().and_then(|kept| kept.get(key)) {
                draft.set(key, value);
            }
        }
        if let Some(url) = &wanted.url {
            draft.set(MAIN, url);
        }
        // The platform's own program keeps it in the project's list of tenants.
        if address_in(&draft).is_none() {
            let (inside, main) = &listed;
            for (key, url) in [(INSIDE, inside), (MAIN, &main.clone().or_else(|| inside.clone()))] {
                if let Some(url) = url {
                    draft.set(key, url);
                }
            }
        }
        for (key, value) in keys {
            draft.set(key, value);
        }
        draft.write()?;
        known = address_in(&draft);
        if !docker.is_empty() {
            let folder = folder.join(of_profile::FOLDER);
            std::fs::create_dir(&folder).map_err(|cause| WorkspaceError::Write { path: folder.clone(), cause })?;
            for (name, content, mode) in &docker {
                atomic::write_new(&folder.join(name), content.as_bytes(), *mode)?;
            }
        }
        if let Some(key) = &signing_key {
            atomic::write_new(&folder.join("signing_key.pem"), key.reveal().as_bytes(), 0o600)?;
        }
        Ok(())
    };
    match profile_change::create(project, name, fill) {
        Ok(directory) => Ok(Ok((text::line(&directory.to_string_lossy()), known, signing_key.is_some()))),
        Err(WorkspaceError::Write { cause, .. }) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(Err(())),
        Err(error) => Err(error),
    }
}

/// What is known of the tenant's database already, and what of it is taken over: what was kept when it was fetched, else
/// what another profile of the tenant has.
fn known_elsewhere(
    project: &Project,
    wanted: &Wanted,
) -> Result<(Option<SecretsDraft>, &'static [&'static str]), WorkspaceError> {
    if wanted.is_local {
        return Ok((None, &[]));
    }
    let kept =
        wanted.state.as_ref().map(|state| SecretsDraft::open(state.credentials_file(&wanted.tenant))).transpose()?;
    if kept.as_ref().is_some_and(|kept| address_in(kept).is_some()) {
        return Ok((kept, &KEPT));
    }
    for name in profile::names(project)? {
        // One that cannot be read knows nothing.
        let Ok(other) = profile::named(project, &name) else { continue };
        if other.tenant().as_ref() == Some(&wanted.tenant)
            && let Ok(draft) = SecretsDraft::open(other.secrets_file())
            && address_in(&draft).is_some()
        {
            return Ok((Some(draft), &SHARED));
        }
    }
    Ok((kept, &KEPT))
}

/// The whole address of the database that it holds.
fn address_in(draft: &SecretsDraft) -> Option<Secret> {
    let keys = [MAIN, "internal_database_url"].into_iter();
    keys.filter_map(|key| draft.get(key)).find(|url| !database_url::is_masked(url.reveal())).cloned()
}

async fn asked(url: &Secret) -> Database {
    match database::version(url, database::LIMIT).await {
        Ok(version) => Database::Answers(version),
        Err(silence) => Database::Silent(database::no_answer(url, &silence)),
    }
}

fn no_name(name: &str) -> Problem {
    Problem::new(format!("{:?} cannot be the name of a profile.", text::short(name, 60)))
        .detail("It becomes the name of a folder, here and in the image.")
        .hint(format!("Use letters, digits, dots, dashes and underscores, at most {}.", profile::NAME))
}

fn exists(project: &Project, name: &str) -> Problem {
    let path = profile::place(project).join(name);
    Problem::new(format!("There is a profile {name} already."))
        .detail(format!("{} stays as it is.", text::line(&path.to_string_lossy())))
        .hint(format!("Change it with tenantry profile edit {name}, or take another name."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering, in_folder, refusal, ten_1};
    use crate::workspace::SecretsFile;
    use serde_json::json;
    use wiremock::ResponseTemplate;

    fn local(url: Option<&str>) -> Whose {
        Whose::Local(LocalTenant {
            id: TenantId::new("local_1").expect("an id"),
            name: "local".into(),
            database_url: url.map(Secret::new),
            docker_project: None,
            created_at: None,
            unfinished: false,
        })
    }

    fn cloud(session: &Session) -> Whose {
        let tenant = json!({"id": "ten_1", "name": "orchard", "hostname": "orchard.example"});
        Whose::Cloud(session.clone(), Box::new(serde_json::from_value(tenant).expect("a tenant")))
    }

    fn order(name: &str, whose: Whose) -> Order {
        Order { name: name.into(), whose, keys: BTreeMap::from([("anthropic", Secret::new("sk-hunter2"))]) }
    }

    #[tokio::test]
    async fn one_for_a_local_tenant_has_its_database_and_is_not_made_twice() {
        let (_folder, session) = in_folder::<&str>(&[], false);
        std::fs::create_dir_all(session.project().directory()).expect("made");
        let url = "postgres://u:h8T@127.0.0.1:9/d";
        let made = create(session.project(), order("dev", local(Some(url)))).await.expect("made");
        assert!(matches!(made.database, Database::Silent(_)), "{made:?}");
        assert!(!format!("{made:?}").contains("h8T") && made.is_local);
        let profile = profile::named(session.project(), "dev").expect("a profile");
        assert_eq!((profile.tenant(), profile.is_local()), (TenantId::new("local_1").ok(), true));
        let secrets = SecretsFile::read(&profile).expect("read").expect("secrets");
        assert!(!secrets.is_open);
        assert_eq!(secrets.get(MAIN).map(Secret::reveal), Some(url));
        assert_eq!(secrets.get("anthropic").map(Secret::reveal), Some("sk-hunter2"));
        assert_eq!(secrets.get("jwt_secret").map(|made| made.reveal().len()), Some(64));

        let before = std::fs::read(profile.secrets_file()).expect("read");
        let problem = create(session.project(), order("dev", local(None))).await.expect_err("it is there");
        assert_eq!(problem.title, "There is a profile dev already.");
        assert_eq!(std::fs::read(profile.secrets_file()).expect("read"), before);
        for bad in ["", "a/b", "..", "odd name", "a\u{1b}[2J"] {
            let problem = create(session.project(), order(bad, local(None))).await.expect_err(bad);
            assert!(problem.title.ends_with("cannot be the name of a profile."), "{problem}");
        }
    }

    #[tokio::test]
    async fn stars_are_not_taken_for_an_address() {
        let (_folder, session) = in_folder::<&str>(&[], false);
        std::fs::create_dir_all(session.project().directory()).expect("made");
        let made = create(session.project(), order("dev", local(Some("postgres://u:****@h/d")))).await.expect("made");
        assert!(matches!(made.database, Database::Missing(_)), "{made:?}");
        let profile = profile::named(session.project(), "dev").expect("a profile");
        assert!(SecretsFile::read(&profile).expect("read").expect("secrets").get(MAIN).is_none());
    }

    #[tokio::test]
    async fn what_was_kept_for_a_tenant_of_the_cloud_goes_into_its_first_profile() {
        let (_folder, session) = in_folder::<&str>(&[], true);
        std::fs::create_dir_all(session.project().directory()).expect("made");
        let mut kept = session.state().expect("a state").credentials_draft(&ten_1()).expect("a draft");
        kept.set("internal_database_url", &Secret::new("postgres://t:h8T@inner/d"));
        kept.set("jwt_secret", &Secret::new("theirs"));
        kept.write().expect("written");
        let made = create(session.project(), order("prod", cloud(&session))).await.expect("made");
        assert_eq!(made.database, Database::Known);
        let profile = profile::named(session.project(), "prod").expect("a profile");
        assert_eq!(profile.tenant(), Some(ten_1()));
        let docker = profile.directory.join("docker");
        for name in ["Dockerfile", "Dockerfile.dockerignore", "entrypoint.sh"] {
            assert!(docker.join(name).is_file(), "{name}");
        }
        let server = profile.settings.server.clone().expect("a server");
        assert_eq!(server.api_server_url.as_deref(), Some("https://orchard.example"));
        let secrets = SecretsFile::read(&profile).expect("read").expect("secrets");
        assert_eq!(secrets.get("jwt_secret").map(Secret::reveal), Some("theirs"));
        assert!(session.state().expect("a state").credentials_file(&ten_1()).exists(), "nothing is lost");
    }

    #[tokio::test]
    async fn a_second_profile_of_a_tenant_has_the_address_of_the_first() {
        let first = r#"{"internal_database_url": "postgres://t:h8T@inner/d", "jwt_secret": "theirs", "openai": "own"}"#;
        let (_folder, session) =
            in_folder(&[("profile.yaml", "cloud: {tenant_id: ten_1}"), ("secrets.json", first)], true);
        let made = create(session.project(), order("second", cloud(&session))).await.expect("made");
        assert_eq!(made.database, Database::Known);
        let profile = profile::named(session.project(), "second").expect("a profile");
        let secrets = SecretsFile::read(&profile).expect("read").expect("secrets");
        assert_eq!(secrets.get("internal_database_url").map(Secret::reveal), Some("postgres://t:h8T@inner/d"));
        assert_eq!(secrets.get("jwt_secret").map(Secret::reveal), Some("theirs"));
        assert!(secrets.get("openai").is_none(), "a key is each profile's own");
    }

    #[tokio::test]
    async fn an_address_that_only_the_list_of_tenants_knows_is_taken_over() {
        let (_folder, session) = in_folder::<&str>(&[], true);
        std::fs::create_dir_all(session.project().directory()).expect("made");
        let list = json!({"tenants": [{"id": "ten_1", "name": "orchard", "tenant_type": "cloud",
            "internal_database_url": "postgres://t:h8T@inner/d", "database_url": "postgres://t:***@outer/d"}]});
        let path = crate::workspace::tenants_file::path(session.project());
        std::fs::write(&path, list.to_string()).expect("written");
        let made = create(session.project(), order("prod", cloud(&session))).await.expect("made");
        assert_eq!(made.database, Database::Known);
        let profile = profile::named(session.project(), "prod").expect("a profile");
        let secrets = SecretsFile::read(&profile).expect("read").expect("secrets");
        for key in [INSIDE, MAIN] {
            assert_eq!(secrets.get(key).map(Secret::reveal), Some("postgres://t:h8T@inner/d"), "{key}");
        }
        // A damaged list knows nothing, and stops nobody.
        std::fs::write(&path, "[").expect("written");
        assert!(create(session.project(), order("second", cloud(&session))).await.is_ok());
    }

    #[tokio::test]
    async fn an_unknown_address_is_fetched_and_where_it_is_gone_that_is_said() {
        let link = ResponseTemplate::new(200).set_body_json(json!({"data": {"status": "ready", "secrets_url": null}}));
        let (_server, _folder, session) = answering::<&str>(&[("GET", "/status", link)], &[]).await;
        std::fs::create_dir_all(session.project().directory()).expect("made");
        let made = create(session.project(), order("prod", cloud(&session))).await.expect("made");
        assert!(matches!(&made.database, Database::Missing(problem) if !problem.remedies.is_empty()), "{made:?}");
        let (_server, _folder, session) = answering::<&str>(&[("GET", "/status", refusal(500, "x", None))], &[]).await;
        std::fs::create_dir_all(session.project().directory()).expect("made");
        let made = create(session.project(), order("prod", cloud(&session))).await.expect("made all the same");
        assert!(matches!(made.database, Database::Missing(_)), "{made:?}");
    }
}
