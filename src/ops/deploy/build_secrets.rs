//! Secrets for the image's build out of the tenant's profile: those that the Dockerfile asks for by name and nobody gave on
//! the way in. They reach the step that mounts them, and no layer.

use crate::engine::BuildSecret;
use crate::model::Problem;
use crate::ops::Session;
use crate::workspace::{Profile, SecretsFile};

/// What the steps of `dockerfile` (below the project's root) mount and the profile has.
pub(super) async fn of_profile(
    session: &Session,
    profile: &Profile,
    dockerfile: &str,
    given: &[BuildSecret],
) -> Result<Vec<BuildSecret>, Problem> {
    let (path, profile) = (session.project().root.join(dockerfile), profile.clone());
    let work = move || {
        // One that cannot be read is the build's to tell.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let wanted = mounted(&text);
        if wanted.is_empty() {
            return Ok::<_, Problem>(Vec::new());
        }
        let secrets = SecretsFile::read(&profile).map_err(|error| error.problem())?;
        let found = wanted.into_iter().filter_map(|id| {
            let value = secrets.as_ref()?.get(&id)?.clone();
            Some(BuildSecret { id, value })
        });
        Ok(found.collect::<Vec<_>>())
    };
    let found = match tokio::task::spawn_blocking(work).await {
        Ok(found) => found?,
        Err(stopped) => return Err(Problem::new("The build's secrets could not be read.").detail(stopped.to_string())),
    };
    Ok(found.into_iter().filter(|one| given.iter().all(|other| other.id != one.id)).collect())
}

/// The ids of all `--mount=type=secret`, each once.
fn mounted(dockerfile: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mounts = dockerfile.split_whitespace().filter_map(|word| word.strip_prefix("--mount="));
    for mount in mounts.filter(|mount| mount.split(',').any(|option| option == "type=secret")) {
        let option = |name| mount.split(',').find_map(|option| option.strip_prefix(name));
        // Without an id, the name of the file is it.
        let target = || option("target=").and_then(|target| target.rsplit('/').next());
        if let Some(id) = option("id=").or_else(target)
            && ids.iter().all(|known| known != id)
        {
            ids.push(id.to_owned());
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_steps_mount_is_found() {
        let text = "FROM a\nRUN --mount=type=secret,id=github --mount=type=cache,id=x cat /run/secrets/github\n\
                    RUN --mount=id=npm,type=secret \\\n  --mount=type=secret,target=/etc/token true\n\
                    RUN --mount=type=secret,id=github true\n";
        assert_eq!(mounted(text), ["github", "npm", "token"]);
        assert!(mounted("FROM a\nRUN echo type=secret,id=x\n").is_empty());
    }
}
