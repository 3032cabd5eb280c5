//! The end of a profile: first what would go, then exactly that. Its tenant and its database stay.

use super::blocking;
use crate::model::{Problem, text};
use crate::workspace::profile_change::{self, Holdings};
use crate::workspace::{Project, WorkspaceError, profile};

/// What would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// The profile.
    pub name: String,
    /// Its directory. Harmless text.
    pub directory: String,
    /// What is in it, what is not a profile's first.
    pub holdings: Holdings,
    /// The name of the tenant's id that it is for, where it can be read.
    pub tenant: Option<String>,
}

/// What deleting the profile would remove. One whose settings cannot be understood can be deleted, too.
///
/// # Errors
/// Where there is none of that name.
pub async fn doomed(project: &Project, name: &str) -> Result<Doomed, Problem> {
    let (project, name) = (project.clone(), name.to_owned());
    blocking(move || {
        if !profile::names(&project)?.contains(&name) {
            return Err(profile::named(&project, &name).err().map_or_else(gone, |error| error.problem()));
        }
        let directory = profile::place(&project).join(&name);
        let holdings = profile_change::holdings(&directory)?;
        let tenant = profile::named(&project, &name).ok().and_then(|profile| profile.tenant());
        let directory = text::line(&directory.to_string_lossy());
        Ok(Doomed { name, directory, holdings, tenant: tenant.map(|tenant| tenant.to_string()) })
    })
    .await
}

/// Deletes it.
///
/// # Errors
/// Where it has come to hold something else since `doomed` was looked at, or cannot be removed.
pub async fn delete(project: &Project, doomed: Doomed) -> Result<(), Problem> {
    let project = project.clone();
    blocking(move || {
        let directory = profile::place(&project).join(&doomed.name);
        if profile_change::holdings(&directory)? != doomed.holdings {
            return Err(Problem::new(format!("What is in {} has changed meanwhile.", doomed.directory))
                .hint("Look at it again, then delete it."));
        }
        Ok(profile_change::remove(&project, &doomed.name)?)
    })
    .await
}

fn gone() -> Problem {
    WorkspaceError::Read { path: "profile".into(), cause: std::io::ErrorKind::NotFound.into() }.problem()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{in_folder, profile_file};

    #[tokio::test]
    async fn what_goes_is_told_first_and_nothing_else_goes() {
        let files = [("profile.yaml", "cloud: {tenant_id: ten_1}"), ("secrets.json", "{}"), ("notes.txt", "mine")];
        let (folder, session) = in_folder(&files, false);
        let project = session.project();
        let wanted = doomed(project, "prod").await.expect("there");
        assert_eq!(wanted.tenant.as_deref(), Some("ten_1"));
        assert_eq!(wanted.holdings.files.first().map(|held| held.path.as_str()), Some("notes.txt"));
        std::fs::write(profile_file(&folder, "late.txt"), "x").expect("written");
        let problem = delete(project, wanted).await.expect_err("another one than was shown");
        assert!(problem.title.contains("has changed meanwhile"), "{problem}");
        assert!(profile_file(&folder, "profile.yaml").exists());
        let wanted = doomed(project, "prod").await.expect("there");
        delete(project, wanted).await.expect("deleted");
        assert!(!profile_file(&folder, "profile.yaml").exists());
        let problem = doomed(project, "prod").await.expect_err("it is gone");
        assert!(problem.title.contains("No profile prod."), "{problem}");
        assert!(doomed(project, "../profiles").await.is_err());
    }

    #[tokio::test]
    async fn one_that_cannot_be_understood_can_be_deleted() {
        let (folder, session) = in_folder(&[("profile.yaml", "cloud: [")], false);
        let wanted = doomed(session.project(), "prod").await.expect("there");
        assert_eq!(wanted.tenant, None);
        delete(session.project(), wanted).await.expect("deleted");
        assert!(!profile_file(&folder, "profile.yaml").exists());
    }
}
