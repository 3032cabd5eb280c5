//! The Docker files of a profile's own (protocol E.1, E.7), for a project that has none: `profile create` writes them.
//!
//! Must not know where they are written.

use std::path::Path;

use super::{found, ignores, image, plan};
use crate::workspace::{Project, project};

/// A file: its name, its text and its permission bits.
pub(in crate::ops) type File = (&'static str, String, u32);

/// The folder of them, in the profile's.
pub(in crate::ops) const FOLDER: &str = "docker";

/// The files for the new profile `name`; none where the project has a Dockerfile, which a profile's own would go before.
/// Blocks: small files only.
pub(in crate::ops) fn files(project: &Project, name: &str) -> Vec<File> {
    if project.dockerfile().is_ok() {
        return Vec::new();
    }
    let mut found = found::look(&project.root);
    // It will be there by then.
    if !found.profiles.iter().any(|known| known == name) {
        found.profiles.push(name.to_owned());
    }
    let entrypoint = format!("{}/profiles/{name}/{FOLDER}/{ENTRYPOINT}", project::DIRECTORY);
    let dockerfile = image::dockerfile(&found).replace(image::ENTRYPOINT, &entrypoint);
    vec![
        ("Dockerfile", dockerfile, 0o644),
        ("Dockerfile.dockerignore", rules(&project.root, &found), 0o644),
        (ENTRYPOINT, plan::ENTRYPOINT.to_owned(), 0o755),
    ]
}

const ENTRYPOINT: &str = "entrypoint.sh";

fn rules(root: &Path, found: &found::Found) -> String {
    let theirs = std::fs::read_to_string(root.join(".dockerignore")).ok();
    ignores::beside_new_dockerfile(root, found, theirs.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Sent;
    use crate::ops::init::tests::folder;
    use crate::workspace::Dockerfile;

    #[test]
    fn they_copy_what_is_sent_and_stand_back_where_there_are_others() {
        let (_guard, root) = folder(&[("Cargo.toml", ""), ("services/config/config.yaml", "agents: {}")]);
        let project = Project { root: root.clone() };
        let made = files(&project, "prod");
        assert_eq!(
            made.iter().map(|file| file.0).collect::<Vec<_>>(),
            ["Dockerfile", "Dockerfile.dockerignore", ENTRYPOINT]
        );
        let read = Dockerfile::parse(&made[0].1);
        let sent = Sent::by_rules(&root, &made[1].1).expect("rules");
        let entrypoint = ".systemprompt/profiles/prod/docker/entrypoint.sh";
        assert!(read.copies_path(entrypoint) && sent.has_file(entrypoint), "{}", made[0].1);
        assert!(!made[0].1.contains(" .systemprompt/entrypoint.sh"), "{}", made[0].1);
        assert!(!sent.has_file(".systemprompt/profiles/prod/secrets.json"));
        std::fs::write(root.join("Dockerfile"), "FROM a\n").expect("written");
        assert_eq!(files(&project, "prod"), []);
    }
}
