//! What is made for a local tenant with a container: its names, its image, its port, its password. Pure data and the
//! rules for it (protocol E.11).

use rand::Rng as _;
use url::Url;

use crate::model::local_tenant::{LONGEST_NAME, POSTGRES_IMAGE};
use crate::model::{LocalTenant, Problem, Secret, TenantId, text};
use crate::workspace::compose_file::{self, ComposeFile};

/// The longest part of a Compose project's name that is the tenant's, characters.
const LONGEST_PART: usize = 40;

/// See the module. `Debug` shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) id: TenantId,
    pub(super) name: String,
    /// The Compose project.
    pub(super) project: String,
    pub(super) image: String,
    pub(super) port: u16,
    /// True where another port would not do.
    pub(super) port_is_fixed: bool,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Secret,
    pub(super) created_at: Option<String>,
    pub(super) unfinished: bool,
}

impl Plan {
    /// A new tenant's.
    pub(super) fn new(name: &str, image: &str, port: u16, port_is_fixed: bool) -> Result<Self, Problem> {
        let now = jiff::Timestamp::now();
        let id = format!("local_{}", uuid::Uuid::new_v4());
        // 32 hex digits, as the platform makes them (protocol E.11).
        let hex = format!("{:032x}", rand::rng().random::<u128>());
        Ok(Self {
            id: TenantId::new(id).map_err(|error| Problem::new("No id could be made.").detail(error.to_string()))?,
            name: name.to_owned(),
            project: format!("{}_{:x}", sanitised(name), now.as_millisecond()),
            image: image.to_owned(),
            port,
            port_is_fixed,
            user: compose_file::USER.to_owned(),
            database: compose_file::USER.to_owned(),
            password: Secret::new(hex),
            created_at: Some(format!("{now:.0}")),
            unfinished: true,
        })
    }

    /// The one of a tenant that is written down, with the image of its Compose file. `None` where it has no container, or
    /// its address does not say how it was made.
    pub(super) fn of(tenant: &LocalTenant, image: Option<String>) -> Option<Self> {
        let url = Url::parse(tenant.database_url.as_ref()?.reveal().trim()).ok()?;
        let plain = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        Some(Self {
            id: tenant.id.clone(),
            name: tenant.name.clone(),
            project: tenant.docker_project.clone().filter(|project| is_project(project))?,
            image: image.unwrap_or_else(|| POSTGRES_IMAGE.to_owned()),
            port: url.port().unwrap_or(compose_file::PORT),
            port_is_fixed: true,
            user: plain(url.username()),
            database: plain(url.path().trim_start_matches('/')),
            password: Secret::new(plain(url.password().unwrap_or_default())),
            created_at: tenant.created_at.clone(),
            unfinished: tenant.unfinished,
        })
    }

    /// The database's address as this machine reaches it.
    pub(super) fn url(&self) -> Secret {
        let encoded =
            |part: &str| percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string();
        // What is made here is hex and plain words, which stay as they are.
        let plain = |part: &str| {
            if part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') { part.to_owned() } else { encoded(part) }
        };
        let (user, password, database) = (plain(&self.user), plain(self.password.reveal()), plain(&self.database));
        Secret::new(format!("postgres://{user}:{password}@localhost:{}/{database}", self.port))
    }

    /// The entry of the list.
    pub(super) fn tenant(&self) -> LocalTenant {
        LocalTenant {
            id: self.id.clone(),
            name: self.name.clone(),
            database_url: Some(self.url()),
            docker_project: Some(self.project.clone()),
            created_at: self.created_at.clone(),
            unfinished: self.unfinished,
        }
    }

    /// The Compose file.
    pub(super) fn file(&self) -> ComposeFile {
        ComposeFile {
            project: self.project.clone(),
            id: self.id.clone(),
            image: self.image.clone(),
            port: self.port,
            password: self.password.clone(),
        }
    }

    /// The container's name, as Compose gives it.
    pub(super) fn container(&self) -> String {
        format!("{}-{}-1", self.project, compose_file::SERVICE)
    }

    /// The volume's name, as Compose gives it.
    pub(super) fn volume(&self) -> String {
        volume(&self.project)
    }
}

/// The name of the volume of a Compose project.
pub(super) fn volume(project: &str) -> String {
    format!("{project}_{}", compose_file::VOLUME)
}

/// A name as Compose and files take it: everything else becomes `_`, and it begins with a letter.
fn sanitised(name: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let part: String = name.chars().map(clean).take(LONGEST_PART).collect();
    if part.starts_with(|c: char| c.is_ascii_lowercase()) { part } else { format!("db_{part}") }
}

/// True for a name that means nothing in a path, a label or a volume's name.
pub(super) fn is_project(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=128).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with(['-', '_'])
}

/// A name as it is kept.
///
/// # Errors
/// One that is empty, too long, or more than one line of plain text.
pub(super) fn checked_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count()) && text::line(name) == name;
    if fits {
        return Ok(name.to_owned());
    }
    Err(Problem::new(format!("A name has 1 to {LONGEST_NAME} characters of plain text."))
        .hint("Choose another one; nothing was changed."))
}

/// An image's reference as it is kept.
///
/// # Errors
/// One that cannot be a reference.
pub(super) fn checked_image(image: &str) -> Result<String, Problem> {
    let image = image.trim();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    let begins = image.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && image.len() <= 255 && image.bytes().all(fits) {
        return Ok(image.to_owned());
    }
    Err(Problem::new("That is no name of an image.")
        .detail(text::short(image, 80))
        .hint(format!("Write one as docker does: {POSTGRES_IMAGE}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_made_as_the_platform_makes_them() {
        for (name, part) in [
            ("local", "local"),
            ("My Shop-2", "my_shop_2"),
            ("2nd", "db_2nd"),
            ("果樹園", "db____"),
            ("_x", "db__x"),
            ("../etc", "db____etc"),
        ] {
            assert_eq!(sanitised(name), part);
            assert!(is_project(&sanitised(name)));
        }
    }

    proptest! {
        #[test]
        fn whatever_the_name_the_rest_is_plain(name in "\\PC{1,64}") {
            let plan = Plan::new(&name, POSTGRES_IMAGE, 5432, false).expect("a plan");
            prop_assert!(is_project(&plan.project), "{}", plan.project);
            prop_assert!(plan.id.as_str().starts_with("local_"));
        }
    }

    #[test]
    fn a_plan_is_found_again_from_what_is_written_down() {
        let plan = Plan::new("local", "postgres:17", 5433, true).expect("a plan");
        assert_eq!(plan.password.reveal().len(), 32);
        assert!(!format!("{plan:?}").contains(plan.password.reveal()));
        assert_eq!(Plan::of(&plan.tenant(), Some("postgres:17".into())), Some(plan.clone()));
        let odd = Plan { password: Secret::new("p@ss/wörd"), ..plan };
        assert_eq!(Plan::of(&odd.tenant(), Some("postgres:17".into())), Some(odd));
    }

    #[test]
    fn a_project_that_means_something_elsewhere_is_none() {
        let plan = Plan::new("local", "postgres:17", 5433, true).expect("a plan");
        for bad in ["", "../x", "a/b", "A", "a b", "-x"] {
            let tenant = LocalTenant { docker_project: Some(bad.into()), ..plan.tenant() };
            assert_eq!(Plan::of(&tenant, None), None, "{bad}");
        }
    }

    #[test]
    fn what_is_typed_is_looked_at() {
        assert_eq!(checked_name("  my shop ").as_deref(), Ok("my shop"));
        for bad in ["", "  ", "a\u{1b}[2Jb", &"x".repeat(65)] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
        for good in ["postgres", "postgres:18-alpine", "r.example:5000/a/b@sha256:00"] {
            assert!(checked_image(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", "a b", "a\nb", "a;b", &"x".repeat(256)] {
            assert!(checked_image(bad).is_err(), "{bad:?}");
        }
    }
}
