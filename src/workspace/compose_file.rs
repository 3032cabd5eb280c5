//! The Compose file of a local tenant's database (protocol E.11), written as the platform writes it, so that its command
//! line and `docker compose` can go on with what this program made. This program itself needs no Compose.
//!
//! Must not know the engine.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Project, WorkspaceError, aside, atomic, reading, yaml};
use crate::model::{Secret, TenantId, text};

/// The folder of them, below `.systemprompt`.
const FOLDER: &str = "docker";
/// The one service.
pub const SERVICE: &str = "postgres";
/// The volume's name in the file; the engine's has the project in front.
pub const VOLUME: &str = "data";
/// Where the volume is mounted: what the image makes below is the volume's, whatever its version.
pub const MOUNT: &str = "/var/lib/postgresql";
/// Where the data are: a place of our own, because images before 18 mount a volume without a name on the usual one.
pub const DATA: &str = "/var/lib/postgresql/pgdata";
/// The port inside.
pub const PORT: u16 = 5432;
/// User and database (protocol E.11).
pub const USER: &str = "systemprompt";

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeFile {
    /// The project's name, which names the file, the container and the volume.
    pub project: String,
    /// The tenant.
    pub id: TenantId,
    /// The image.
    pub image: String,
    /// The port of 127.0.0.1.
    pub port: u16,
    /// The password of [`USER`].
    pub password: Secret,
}

/// What is read of one.
#[derive(Deserialize)]
struct Read {
    services: BTreeMap<String, ReadService>,
}

#[derive(Deserialize)]
struct ReadService {
    image: Option<String>,
}

impl ComposeFile {
    /// Where the file of a Compose project is.
    #[must_use]
    pub fn path(project: &Project, name: &str) -> PathBuf {
        project.directory().join(FOLDER).join(format!("{name}.yaml"))
    }

    /// Writes it for its owner alone. One that is there and that this program did not make so is put aside as `.bak`: somebody
    /// changed it. Blocks.
    pub fn write(&self, project: &Project) -> Result<PathBuf, WorkspaceError> {
        let path = Self::path(project, &self.project);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|cause| WorkspaceError::Write { path: folder.to_owned(), cause })?;
        }
        let content = self.content();
        // What is no file, or too long for one of ours, is nothing of ours either.
        let is_ours = match reading::small_file(&path) {
            Ok(None) => path.symlink_metadata().is_err(),
            Ok(Some(known)) => String::from_utf8(known).is_ok_and(|known| shape(&known).eq(shape(&content))),
            Err(_) => false,
        };
        if !is_ours {
            aside::put(&path)?;
        }
        atomic::write(&path, content.as_bytes(), 0o600)?;
        Ok(path)
    }

    /// Removes the file of a Compose project. None is no error. Blocks.
    pub fn remove(project: &Project, name: &str) -> Result<(), WorkspaceError> {
        let path = Self::path(project, name);
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(WorkspaceError::Write { path, cause }),
            _ => Ok(()),
        }
    }

    /// The image that the file of a Compose project names; `None` where there is no such file or it names none. Blocks.
    pub fn image(project: &Project, name: &str) -> Result<Option<String>, WorkspaceError> {
        let read: Option<Read> = yaml::file(&Self::path(project, name))?;
        let images = read.into_iter().flat_map(|read| read.services.into_values().filter_map(|one| one.image));
        Ok(images.map(|image| text::line(image.trim())).find(|image| !image.is_empty()))
    }

    fn content(&self) -> String {
        let Self { project, id, image, port, password } = self;
        let (image, password) = (quoted(image), quoted(password.reveal()));
        let mut out = String::new();
        let _ = write!(
            out,
            "# The database of a local tenant, made by tenantry. Docker Compose can go on with it:\n\
             #   docker compose -p {project} -f .systemprompt/{FOLDER}/{project}.yaml up -d\n\
             # It holds the database's password: do not commit it.\n\
             services:\n  {SERVICE}:\n    image: {image}\n    restart: unless-stopped\n    environment:\n\
             \x20     POSTGRES_USER: {USER}\n      POSTGRES_PASSWORD: {password}\n      POSTGRES_DB: {USER}\n\
             \x20     PGDATA: {DATA}\n    ports:\n      - \"127.0.0.1:{port}:{PORT}\"\n    volumes:\n\
             \x20     - {VOLUME}:{MOUNT}\n    healthcheck:\n\
             \x20     test: [\"CMD-SHELL\", \"pg_isready -h 127.0.0.1 -U {USER} -d {USER}\"]\n\
             \x20     interval: 5s\n      timeout: 5s\n      retries: 5\n    labels:\n\
             \x20     dev.tenantry.local: {id}\n\
             volumes:\n  {VOLUME}:\n    labels:\n      dev.tenantry.local: {id}\n"
        );
        out
    }
}

/// As YAML quotes text, which for this is as JSON does; a dollar sign is doubled, because Compose would fill it in.
fn quoted(value: &str) -> String {
    serde_json::Value::from(value.replace('$', "$$")).to_string()
}

/// What two files of one tenant have in common, whatever its image, password and port.
fn shape(content: &str) -> impl Iterator<Item = &str> {
    // Each stands there once: a second port is somebody's own.
    content.lines().map(|line| {
        let begins = ["image: ", "POSTGRES_PASSWORD: ", "- \"127.0.0.1:"];
        begins.into_iter().find(|begin| line.trim_start().starts_with(begin)).unwrap_or(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(image: &str) -> ComposeFile {
        ComposeFile {
            project: "local_19b9".into(),
            id: TenantId::new("local_1").expect("an id"),
            image: image.into(),
            port: 5433,
            password: Secret::new("0f9c"),
        }
    }

    #[test]
    fn it_is_as_the_platform_writes_it_and_on_loopback_alone() {
        insta::assert_snapshot!(file("postgres:18-alpine").content());
    }

    #[test]
    fn what_somebody_changed_is_put_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        let path = file("postgres:17").write(&project).expect("written");
        let aside = path.with_extension("yaml.bak");
        let other = ComposeFile { port: 5499, password: Secret::new("new"), ..file("postgres:18-alpine") };
        other.write(&project).expect("written");
        assert!(!aside.exists(), "what this program wrote is no loss");
        let theirs = format!("{}# mine\n", other.content());
        std::fs::write(&path, &theirs).expect("written");
        other.write(&project).expect("written");
        assert_eq!(std::fs::read_to_string(&aside).ok(), Some(theirs));
        assert_eq!(std::fs::read_to_string(&path).ok(), Some(other.content()));
        let ports = "    ports:\n";
        let second = other.content().replace(ports, &format!("{ports}      - \"127.0.0.1:7000:7000\"\n"));
        std::fs::write(&path, &second).expect("written");
        other.write(&project).expect("written");
        assert_eq!(std::fs::read_to_string(path.with_extension("yaml.bak.2")).ok(), Some(second));
    }

    #[test]
    fn it_is_written_read_and_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        assert_eq!(ComposeFile::image(&project, "local_19b9").expect("none"), None);
        let odd = "registry.example:5000/a\"b: #x";
        let path = file(odd).write(&project).expect("written");
        assert_eq!(ComposeFile::image(&project, "local_19b9").expect("read").as_deref(), Some(odd));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        ComposeFile::remove(&project, "local_19b9").expect("removed");
        ComposeFile::remove(&project, "local_19b9").expect("gone already");
        assert!(!path.exists());
    }
}
