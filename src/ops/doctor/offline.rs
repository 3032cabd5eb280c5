//! The checks that need nothing but the project's files: for `tenantry dockerfile validate`, for what a folder that was just
//! set up still lacks, and for what a tenant's first deploy does.

use super::finding::Finding;
use super::project::{self, Look};
use super::{Options, dockerfile};
use crate::model::{Check, CheckResult, TenantId};
use crate::workspace::services;
use crate::workspace::{Dockerfile, Profile, Project, profile};

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

/// What a first deploy to this tenant lacks: the checks that warn or fail, and that no profile is the tenant's where none
/// is. Blocks.
#[must_use]
pub fn first_deploy(project: &Project, tenant: &TenantId, is_local_api: bool) -> Vec<Check> {
    let options = Options { project_build: true, ..Options::default() };
    let (found, files) = project::all(project, Some(tenant), &options, is_local_api);
    let mut lacks = checks(found);
    lacks.retain(|check| check.result != CheckResult::Pass);
    // One that cannot be read has said so itself.
    if files.profile.is_none() && lacks.iter().all(|check| check.name != "profile") {
        lacks.insert(0, no_profile(project, tenant));
    }
    lacks
}

/// That no profile names the tenant, and what to do about it: the one that names nobody yet is the likeliest.
fn no_profile(project: &Project, tenant: &TenantId) -> Check {
    let names = profile::names(project).unwrap_or_default();
    let mut all = names.iter().filter_map(|name| profile::named(project, name).ok());
    let is_free = |profile: &Profile| profile.tenant().is_none() && !profile.is_local();
    let hint = match all.find(is_free) {
        Some(free) => {
            let file = free.file();
            let file = file.strip_prefix(&project.root).unwrap_or(&file);
            format!(
                "Write {tenant} as cloud.tenant_id into {}. Its credentials are stored there from then on.",
                project::shown(file)
            )
        }
        None if names.is_empty() => {
            format!("`tenantry init` makes one; write {tenant} into it as cloud.tenant_id.")
        }
        None => format!("Copy a profile below .systemprompt/profiles, and write {tenant} into it as cloud.tenant_id."),
    };
    Check::warn("profile", "No profile names this tenant: a deploy sends it no secrets.", hint)
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

    #[test]
    fn a_first_deploy_without_a_profile_of_the_tenant_is_told_which_one_to_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        let tenant = TenantId::new("ten_1").expect("an id");
        let said = |project: &Project| {
            let lacks = first_deploy(project, &tenant, true);
            assert!(lacks.iter().all(|check| check.result != Pass), "{lacks:?}");
            lacks.into_iter().find(|check| check.name == "profile").map(|check| (check.result, check.hint))
        };
        let hint = |project: &Project| said(project).and_then(|(_, hint)| hint).unwrap_or_default();
        assert!(hint(&project).contains("`tenantry init`"), "{}", hint(&project));
        let write = |name: &str, text: &str| {
            let place = folder.path().join(".systemprompt/profiles").join(name);
            std::fs::create_dir_all(&place).expect("made");
            std::fs::write(place.join("profile.yaml"), text).expect("written");
        };
        write("dev", "target: local");
        write("other", "cloud: {tenant_id: ten_2}");
        assert!(hint(&project).starts_with("Copy a profile"), "{}", hint(&project));
        write("production", "cloud: {tenant_id: ''}");
        assert_eq!(
            hint(&project),
            "Write ten_1 as cloud.tenant_id into .systemprompt/profiles/production/profile.yaml. Its credentials are stored \
             there from then on."
        );
        // Its own says what it lacks itself.
        write("production", "cloud: {tenant_id: ten_1}");
        assert_eq!(said(&project).map(|(result, _)| result), Some(Fail));
        assert!(!hint(&project).contains("Write"), "{}", hint(&project));
    }
}
