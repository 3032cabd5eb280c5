//! A Postgres image made from the machine's own Postgres, because no hub can be reached: it takes the same variables as
//! the official one. And small ones that do something else than a database should.

use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use libtest_mimic::Failed;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::postgres::installed;

/// What the official image's script does, as far as a local tenant needs it.
const ENTRY: &str = r#"#!/bin/sh
set -e
as() { setpriv --reuid 70 --regid 70 --clear-groups "$@"; }
mkdir -p "$PGDATA"
chown 70:70 "$PGDATA"
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  chown 70:70 /tmp/password
  as initdb -D "$PGDATA" -U "$POSTGRES_USER" -A scram-sha-256 -E UTF8 --locale=C --no-sync --pwfile=/tmp/password
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | as postgres --single -D "$PGDATA" postgres
fi
# The official image's stop signal is this one; an import cannot say so.
setpriv --reuid 70 --regid 70 --clear-groups postgres -D "$PGDATA" -c listen_addresses='*' -k /tmp -c fsync=off &
server=$!
trap 'kill -INT $server' TERM INT
wait $server || true
wait $server
"#;

/// The folder of the machine's Postgres, where it has one.
pub fn found() -> Option<PathBuf> {
    installed()
        .filter(|bin| bin.join("pg_isready").is_file() && share(bin).is_dir() && Path::new("/usr/bin/setpriv").exists())
}

fn share(bin: &Path) -> PathBuf {
    let version = bin.parent().and_then(Path::file_name).unwrap_or_default();
    Path::new("/usr/share/postgresql").join(version)
}

/// Makes the image of a whole Postgres.
pub async fn postgres(docker: &Docker, reference: &str, label: &str) -> Result<(), Failed> {
    let bin = found().ok_or("no Postgres here")?;
    let mut root = Root::new(label)?;
    for name in ["postgres", "initdb", "pg_isready", "pg_dump", "pg_restore", "psql"] {
        root.program(&bin.join(name))?;
    }
    for name in ["mkdir", "chown", "chmod", "setpriv", "cat"] {
        root.program(&Path::new("/usr/bin").join(name))?;
    }
    let libraries = bin.parent().ok_or("a folder")?.join("lib");
    for name in ["plpgsql.so", "dict_snowball.so"] {
        root.program(&libraries.join(name))?;
    }
    root.folder(&share(&bin))?;
    let zone = Path::new("/usr/share/zoneinfo/UTC");
    root.add(zone, &std::fs::read(zone)?)?;
    root.text("entry", ENTRY)?;
    root.text("etc/passwd", "root:x:0:0::/:/bin/sh\npostgres:x:70:70::/tmp:/bin/sh\n")?;
    let path = format!("ENV PATH={}:/usr/bin:/bin", bin.display());
    root.import(docker, reference, &[&path, "ENTRYPOINT [\"/entry\"]"]).await
}

/// Makes an image that only runs a script.
pub async fn script(docker: &Docker, reference: &str, label: &str, script: &str) -> Result<(), Failed> {
    let mut root = Root::new(label)?;
    root.program(Path::new("/usr/bin/sleep"))?;
    root.text("entry", &format!("#!/bin/sh\n{script}\n"))?;
    root.import(docker, reference, &["ENV PATH=/usr/bin:/bin", "ENTRYPOINT [\"/entry\"]"]).await
}

/// What an image is made of.
struct Root {
    tar: tar::Builder<Vec<u8>>,
    taken: BTreeSet<PathBuf>,
    label: String,
}

impl Root {
    /// With a shell. The content names the label: two tests must not share a layer.
    fn new(label: &str) -> Result<Self, Failed> {
        let mut root = Self { tar: tar::Builder::new(Vec::new()), taken: BTreeSet::new(), label: label.to_owned() };
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        header.set_mode(0o1777);
        root.tar.append_data(&mut header, "tmp/", std::io::empty())?;
        root.program(Path::new("/bin/sh"))?;
        root.text("made-for", label)?;
        Ok(root)
    }

    fn text(&mut self, name: &str, content: &str) -> Result<(), Failed> {
        self.add(Path::new(name), content.as_bytes())
    }

    fn add(&mut self, name: &Path, content: &[u8]) -> Result<(), Failed> {
        let name = name.strip_prefix("/").unwrap_or(name);
        if !self.taken.insert(name.to_owned()) {
            return Ok(());
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        self.tar.append_data(&mut header, name, content)?;
        Ok(())
    }

    /// A program or a library with the libraries that it needs, each at its own place.
    fn program(&mut self, path: &Path) -> Result<(), Failed> {
        self.add(path, &std::fs::read(path)?)?;
        let needed = Command::new("ldd").arg(path).output()?;
        for word in String::from_utf8_lossy(&needed.stdout).split_whitespace().filter(|word| word.starts_with('/')) {
            let library = Path::new(word);
            self.add(library, &std::fs::read(library)?)?;
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<(), Failed> {
        for entry in std::fs::read_dir(path)? {
            let path = entry?.path();
            if path.is_dir() { self.folder(&path)? } else { self.add(&path, &std::fs::read(&path)?)? }
        }
        Ok(())
    }

    async fn import(self, docker: &Docker, reference: &str, changes: &[&str]) -> Result<(), Failed> {
        let (name, tag) = reference.rsplit_once(':').ok_or("a tag")?;
        let label = format!("LABEL {}", self.label);
        let changes: Vec<&str> = std::iter::once(label.as_str()).chain(changes.iter().copied()).collect();
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo(name)
            .tag(tag)
            .changes(vec![changes.join("\n")])
            .build();
        let body = bollard::body_full(self.tar.into_inner()?.into());
        let mut steps = docker.create_image(Some(options), Some(body), None);
        while let Some(step) = steps.next().await {
            step?;
        }
        Ok(())
    }
}
