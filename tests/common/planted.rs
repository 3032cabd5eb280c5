//! The search for secrets that a test knows: in the process list while it runs, and in every file afterwards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Looks at the command lines of this machine's processes for as long as it lives.
pub struct ProcessList {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, BTreeSet<String>)>,
}

impl ProcessList {
    /// Looks for the words, and for lines that hold all of `seen`, which show that it looked in time.
    pub fn watch(words: Vec<String>, seen: &'static [&'static str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut count, mut found) = (0, BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").expect("processes").filter_map(Result::ok) {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).replace('\0', " ");
                    count += u64::from(seen.iter().all(|word| line.contains(word)));
                    if words.iter().any(|word| line.contains(word)) {
                        found.insert(line);
                    }
                }
            }
            (count, found)
        });
        Self { stop, thread }
    }

    /// Ends it: none had one of the words.
    pub fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (count, found) = self.thread.join().expect("it does not panic");
        assert!(count > 0, "the process list was looked at in time");
        assert!(found.is_empty(), "{found:?}");
    }
}

/// A secret as it is, and as it stands in base64, wherever in a longer text it begins.
pub fn guises(secret: &str) -> Vec<String> {
    let shifted = |by: usize| {
        let padded = [&b"   "[..by], secret.as_bytes()].concat();
        let text = STANDARD_NO_PAD.encode(&padded[..padded.len() - padded.len() % 3]);
        // What the bytes before it reach into.
        text[if by == 0 { 0 } else { 4 }..].to_owned()
    };
    (0..3).map(shifted).chain([secret.to_owned()]).collect()
}

/// The files below a folder that hold a word, relative to it.
pub fn holders(folder: &Path, word: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for path in fs::read_dir(&at).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() && text(&path).contains(word) {
                found.push(path.strip_prefix(folder).expect("below").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned()
}
