//! The project that is deployed: the sample, with many files in one layer.

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::common::server::Server;
use tenantry::demo::sample;

pub struct Project {
    folder: tempfile::TempDir,
    version: Cell<u32>,
}

impl Project {
    /// `files` files of `size` bytes each, half of which compresses well.
    pub fn write(server: &Server, files: usize, size: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("project");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(sample::write(&root, &server.registry)).expect("the sample project");
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for number in 0..files {
            let directory = root.join(format!("data/{:02}", number % 40));
            std::fs::create_dir_all(&directory).expect("a folder");
            std::fs::write(directory.join(format!("{number:04}.bin")), content(&mut random, size)).expect("a file");
        }
        let project = Self { folder, version: Cell::new(0) };
        project.change();
        let path = project.path().join(".systemprompt/Dockerfile");
        let dockerfile = std::fs::read_to_string(&path).expect("the Dockerfile");
        std::fs::write(&path, with_data(&dockerfile)).expect("the Dockerfile");
        project
    }

    /// Its root.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Where this program remembers its deploys.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Changes one small file in the big layer, to something that was never there before.
    pub fn change(&self) {
        self.version.set(self.version.get() + 1);
        // Never seen by an engine that remembers the builds of earlier benchmarks.
        let words = format!("version {} of {:?}\n", self.version.get(), std::time::SystemTime::now());
        std::fs::write(self.path().join("data/version.txt"), words).expect("the small file");
    }
}

/// The big layer, in front of the last instructions as people write it.
fn with_data(dockerfile: &str) -> String {
    let mut text = String::new();
    for line in dockerfile.lines() {
        let _ = writeln!(text, "{line}");
        if line.starts_with("COPY web") {
            text.push_str("COPY data /app/data\n");
        }
    }
    assert!(text.contains("COPY data"), "the sample's Dockerfile changed");
    text
}

fn content(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size / 2 {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    while bytes.len() < size {
        bytes.extend_from_slice(b"what a program's own files look like: words, again and again; ");
    }
    bytes.truncate(size);
    bytes
}

/// The same noise in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Bytes below `path`.
pub fn size(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
