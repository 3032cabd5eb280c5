//! The checks that need nothing but the project's files: for `tenantry dockerfile validate`, and for what a folder that was
//! just set up still lacks.

use super::finding::Finding;
use super::project::{self, Look};
use super::{Options, dockerfile};
use crate::model::Check;
use crate::workspace::services;
use crate::workspace::{Dockerfile, Project};

/// Whether the Dockerfile fits the project (protocol E.8): the one at `path` below its root, else the one that a deploy would
/// take. Blocks.
#[must_use]
pub fn dockerfile_of(project: &Project, path: Option<String>) -> Vec<Check> {
    let path = path.map_or_else(|| project.dockerfile(), Ok);
    let will_build = matches!(project.build_command(), Ok(Some(_)));
    let look = Look { project, tenant: None, will_build, is_local_api: true };
    let content = path.as_deref().ok().and_then(|path| dockerfile::content(project, path));
    let read = content.as_deref().map(Dockerfile::parse);
    let extensions = services::extensions(project);
    let mut found = dockerfile::check(&look, path.as_ref(), content.as_deref().zip(read.as_ref()), &extensions);
    found.extend(project::extension_config(&extensions));
    checks(found)
}

/// Everything that the files tell about the next deploy, without a tenant and a profile. Blocks.
#[must_use]
pub fn files(project: &Project) -> Vec<Check> {
    let options = Options { project_build: true, ..Options::default() };
    checks(project::all(project, None, &options, true).0)
}

fn checks(found: Vec<Finding>) -> Vec<Check> {
    found.into_iter().map(|finding| finding.check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CheckResult::{Fail, Pass, Warn};
    use crate::ops::init;

    /// What nobody can know before there is a tenant is all that is left to say.
    #[test]
    fn a_fresh_profile_lacks_its_tenant_and_the_tenants_database() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("Cargo.toml"), "").expect("written");
        let done = init::perform(&init::of_folder(folder.path()).expect("a plan"));
        assert_eq!(done.problem, None);
        let project = Project { root: folder.path().to_owned() };
        let options = Options { profile: Some("production".into()), project_build: true, ..Options::default() };
        let found = checks(project::all(&project, None, &options, false).0);
        let open: Vec<_> = found
            .iter()
            // A machine without openssl has no key either.
            .filter(|check| check.result != Pass && check.name != "signing-key")
            .map(|check| (check.name, check.result))
            .collect();
        assert_eq!(open, [("profile", Warn), ("secrets", Fail)], "{found:?}");
        let secrets = found.iter().find(|check| check.name == "secrets").expect("a check");
        assert!(secrets.detail.contains("Missing: database_url or internal_database_url."), "{secrets:?}");
    }
}
