//! The profiles of the project, and which of them is the active one.

use serde::Serialize;
use std::path::Path;

use super::blocking;
use crate::model::Problem;
use crate::workspace::{Project, profile};

/// The variable that names the active profile: by its name, its directory or its file.
pub const ACTIVE: &str = "SYSTEMPROMPT_PROFILE";

/// The profiles of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profiles {
    /// By their names.
    pub profiles: Vec<Listed>,
    /// How many there are.
    pub total: usize,
    /// The active one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_profile: Option<String>,
}

/// A profile of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// It has a file for its secrets.
    pub has_secrets: bool,
    /// It is the one that the environment names, or the only one.
    pub is_active: bool,
    /// `cloud` or `local`, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The tenant that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// All of them. `active` is what the environment says in [`ACTIVE`].
pub async fn list(project: &Project, active: Option<String>) -> Result<Profiles, Problem> {
    let project = project.clone();
    blocking(move || {
        let names = profile::names(&project)?;
        let active_profile = named(&names, active.as_deref());
        let profiles: Vec<Listed> =
            names.iter().map(|name| look(&project, name, active_profile.as_ref() == Some(name))).collect();
        Ok(Profiles { total: profiles.len(), profiles, active_profile })
    })
    .await
}

fn look(project: &Project, name: &str, is_active: bool) -> Listed {
    let mut listed =
        Listed { name: name.to_owned(), has_secrets: false, is_active, target: None, tenant_id: None, problem: None };
    match profile::named(project, name) {
        Ok(profile) => {
            listed.has_secrets = profile.secrets_file().is_file();
            listed.target = profile.settings.target.as_deref().map(|target| crate::model::text::short(target, 40));
            listed.tenant_id = profile.tenant().map(|tenant| tenant.to_string());
        }
        Err(error) => {
            listed.has_secrets = profile::place(project).join(name).join("secrets.json").is_file();
            listed.problem = Some(error.problem());
        }
    }
    listed
}

/// The name that is meant: the value's last part that is one of them, else the only one.
fn named(names: &[String], active: Option<&str>) -> Option<String> {
    let Some(active) = active.map(str::trim).filter(|active| !active.is_empty()) else {
        return if let [one] = names { Some(one.clone()) } else { None };
    };
    Some(name_in(active)).filter(|name| names.contains(name))
}

/// The name in a value of [`ACTIVE`], whether there is such a profile or not: the value's last part. What has none is taken as it
/// is, and is no profile's name.
pub(in crate::ops) fn name_in(active: &str) -> String {
    let path = Path::new(active.trim().trim_end_matches('/'));
    let last = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = match last(path) {
        Some(file) if file == "profile.yaml" => path.parent().and_then(last),
        other => other,
    };
    name.unwrap_or_else(|| active.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::in_folder;

    #[test]
    fn the_active_one_is_named_or_the_only_one() {
        let names = ["dev".to_owned(), "prod".to_owned()];
        for (active, expected) in [
            (None, None),
            (Some(" "), None),
            (Some("prod"), Some("prod")),
            (Some("/p/.systemprompt/profiles/prod"), Some("prod")),
            (Some("/p/.systemprompt/profiles/dev/profile.yaml"), Some("dev")),
            (Some("nobody"), None),
        ] {
            assert_eq!(named(&names, active).as_deref(), expected, "{active:?}");
        }
        assert_eq!(named(&names[..1], None).as_deref(), Some("dev"));
        assert_eq!(named(&[], None), None);
    }

    #[tokio::test]
    async fn one_that_cannot_be_read_is_listed_with_the_reason() {
        let (_folder, session) = in_folder(&[("profile.yaml", "cloud: ["), ("secrets.json", "{}")], false);
        let found = list(session.project(), None).await.expect("a list");
        assert_eq!((found.total, found.active_profile.as_deref()), (1, Some("prod")));
        assert!(found.profiles[0].has_secrets && found.profiles[0].problem.is_some(), "{found:?}");
        let (_folder, session) = in_folder(&[("profile.yaml", "target: local\ncloud: {tenant_id: local_1}")], false);
        let found = list(session.project(), None).await.expect("a list");
        assert_eq!(found.profiles[0].tenant_id.as_deref(), Some("local_1"));
        assert!(!found.profiles[0].has_secrets && found.profiles[0].problem.is_none(), "{found:?}");
    }
}
