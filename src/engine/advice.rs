//! Advice about a Dockerfile that makes every deploy slow: a large `COPY` that a small change makes new each time, with
//! the numbers and the edit that would help.
//!
//! Two shapes of it: the change lies inside a large `COPY`, or the large `COPY` stands behind one that changes. Must not
//! know the engine; it compares two records of a build's inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::build::BuildRequest;
use super::dockerfile::{Copy, Dockerfile};
use super::fingerprint::{InputRecord, Kind};
use super::pattern::Pattern;
use crate::model::amount::bytes;
use crate::model::progress::Advice;
use crate::model::text;

/// A `COPY` of less than this is quick anyway, bytes.
const LARGE: u64 = 20_000_000;

/// How many times larger than the change a `COPY` has to be.
const RATIO: u64 = 10;

/// How many pieces of advice are given at once, the heaviest first.
const MOST: usize = 2;

/// How many entries an edit names.
const NAMED: usize = 3;

/// Longest path that is shown, in characters.
const SHOWN: usize = 80;

/// What would make the next deploy faster, seen from what changed since the one before. Blocks: reads the Dockerfile.
#[must_use]
pub fn advise(request: &BuildRequest, before: &InputRecord, now: &InputRecord) -> Vec<Advice> {
    let Ok(text) = fs::read(request.context.join(&request.dockerfile)) else { return Vec::new() };
    let dockerfile = Dockerfile::parse(&String::from_utf8_lossy(&text));
    judge(&dockerfile.copies(request.target.as_deref()), &files(before, now))
}

/// A file of the context.
#[derive(Debug, PartialEq, Eq)]
struct File {
    path: String,
    /// Bytes; 0 for one that is gone.
    size: u64,
    is_changed: bool,
    is_gone: bool,
}

fn files(before: &InputRecord, now: &InputRecord) -> Vec<File> {
    let are_files = |record: &'_ InputRecord| -> BTreeMap<String, (u64, [u8; 32], u32)> {
        let files = record.entries().iter().filter(|entry| entry.kind != Kind::Directory);
        files
            .map(|entry| {
                let path = String::from_utf8_lossy(&entry.path).into_owned();
                (path, (entry.stat.size, entry.hash, entry.stat.mode))
            })
            .collect()
    };
    let (mut old, now) = (are_files(before), are_files(now));
    let mut all: Vec<File> = now
        .into_iter()
        .map(|(path, state)| {
            let known = old.remove(&path);
            let is_changed = known.is_none_or(|(_, hash, mode)| (hash, mode) != (state.1, state.2));
            File { path, size: state.0, is_changed, is_gone: false }
        })
        .collect();
    all.extend(old.into_keys().map(|path| File { path, size: 0, is_changed: true, is_gone: true }));
    all
}

/// A `COPY` and what it takes.
struct Weighed<'a> {
    copy: &'a Copy,
    size: u64,
    changed: Vec<&'a File>,
    /// What it takes, as it lies in the context.
    tree: Tree,
    /// The paths that its sources stand for.
    roots: BTreeSet<&'a str>,
}

impl<'a> Weighed<'a> {
    fn new(copy: &'a Copy, files: &'a [File]) -> Self {
        let sources: Vec<Source> = copy.sources.iter().filter_map(|source| Source::parse(source)).collect();
        let (mut size, mut changed, mut tree, mut roots) = (0, Vec::new(), Tree::default(), BTreeSet::new());
        for file in files {
            let Some(root) = sources.iter().find_map(|source| source.root_of(&file.path)) else { continue };
            size += file.size;
            if file.is_changed {
                changed.push(file);
            }
            tree.add(root, file);
            roots.insert(root);
        }
        Self { copy, size, changed, tree, roots }
    }

    /// The `COPY`s that take the chosen parts, or everything else, to where this one takes them.
    fn parts(&self, chosen: &[&str], of_the_rest: bool) -> Vec<String> {
        let mut paths = Vec::new();
        self.tree.add_parts("", chosen, of_the_rest, &mut paths);
        paths.iter().map(|path| text::line(&format!("COPY {path} {}", self.destination(path)))).collect()
    }

    fn destination(&self, path: &str) -> String {
        let written = &self.copy.destination;
        let below =
            |root: &&str| if root.is_empty() { Some(path) } else { path.strip_prefix(*root)?.strip_prefix('/') };
        // A source by itself goes where it went.
        let Some(below) = self.roots.iter().rev().find_map(below) else { return written.clone() };
        match written.trim_end_matches('/') {
            "." => below.to_owned(),
            directory => format!("{}/{below}", directory.strip_prefix("./").unwrap_or(directory)),
        }
    }

    fn changed_bytes(&self) -> u64 {
        self.changed.iter().map(|file| file.size).sum()
    }

    fn is_large_beside(&self, changed: u64) -> bool {
        self.size >= LARGE && self.size >= changed.saturating_mul(RATIO)
    }

    /// `1 file of 2 KB changed (web/index.html)`.
    fn change(&self) -> String {
        let first = self.changed.first().map(|file| shown(&file.path)).unwrap_or_default();
        let size = bytes(self.changed_bytes());
        match self.changed.len() {
            1 => format!("1 file of {size} changed ({first})"),
            count => format!("{count} files of {size} changed ({first}, …)"),
        }
    }
}

fn judge(copies: &[Copy], files: &[File]) -> Vec<Advice> {
    let weighed: Vec<Weighed> = copies.iter().map(|copy| Weighed::new(copy, files)).collect();
    let mut found: Vec<(u64, Advice)> = Vec::new();
    for (at, large) in weighed.iter().enumerate() {
        let in_front = || {
            let earlier = weighed.get(..at).unwrap_or_default().iter();
            earlier.filter(|other| other.copy.stage == large.copy.stage).find(|other| !other.changed.is_empty())
        };
        if !large.changed.is_empty() {
            if large.is_large_beside(large.changed_bytes()) {
                found.push((large.size, split(large)));
            }
        } else if let Some(other) = in_front()
            && large.is_large_beside(other.changed_bytes())
        {
            found.push((large.size, swap(large, other)));
        }
    }
    found.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    found.into_iter().take(MOST).map(|(_, advice)| advice).collect()
}

/// The change lies inside: what stays the same is to be copied by itself, in front.
fn split(large: &Weighed) -> Advice {
    let written = shown(&large.copy.written);
    let finding = format!("{written} stores and pushes {} again because {}.", bytes(large.size), large.change());
    let still = large.tree.still(large.size / 20);
    let helped: u64 = still.iter().map(|(_, size)| size).sum();
    let edit = if helped * 2 >= large.size {
        let names: Vec<&str> = still.iter().map(|(name, _)| name.as_str()).collect();
        let (front, rest) = (large.parts(&names, false), large.parts(&names, true));
        let more = rest.len().saturating_sub(NAMED);
        let rest = match more {
            0 => listed(&rest),
            _ => format!("{} and the other {more} the same way", listed(rest.get(..NAMED).unwrap_or_default())),
        };
        format!(
            "Copy what changes rarely first: put {} in front, and in place of {written} copy the rest by name: {rest}.",
            listed(&front)
        )
    } else {
        let file = large.changed.first().map(|file| shown(&file.path)).unwrap_or_default();
        format!("Keep what changes often, such as {file}, in a directory of its own, and copy that one after the rest.")
    };
    Advice { finding, edit }
}

/// The change lies in front: the two are to change places.
fn swap(large: &Weighed, other: &Weighed) -> Advice {
    let (large_copy, other_copy) = (shown(&large.copy.written), shown(&other.copy.written));
    Advice {
        finding: format!(
            "{large_copy} makes {} anew because {other_copy} stands in front of it and {}.",
            bytes(large.size),
            other.change()
        ),
        edit: format!("Put {large_copy} in front of {other_copy}."),
    }
}

/// `a`, `b`.
fn listed(lines: &[String]) -> String {
    lines.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ")
}

fn shown(path: &str) -> String {
    text::short(path, SHOWN)
}

/// A source of a `COPY`: a path or a pattern.
struct Source {
    pattern: Option<Pattern>,
}

impl Source {
    fn parse(source: &str) -> Option<Self> {
        let parts: Vec<&str> = source.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.is_empty() {
            return Some(Self { pattern: None });
        }
        Pattern::parse(&parts.join("/")).ok().map(|pattern| Self { pattern: Some(pattern) })
    }

    /// The part of the path that the source names; the rest is below it. `None` where the file is not taken.
    fn root_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let Some(pattern) = &self.pattern else { return Some("") };
        let mut position = pattern.start();
        let mut from = 0;
        loop {
            let end = path.get(from..)?.find('/').map_or(path.len(), |length| from + length);
            position = pattern.advance(&position, path.get(from..end)?);
            if pattern.accepts(&position) {
                return path.get(..end);
            }
            if end == path.len() {
                return None;
            }
            position = pattern.advance(&position, "/");
            from = end + 1;
        }
    }
}

/// The files of a `COPY` as a tree.
#[derive(Default)]
struct Tree {
    /// Bytes of everything below.
    size: u64,
    is_changed: bool,
    /// True where nothing is left that could be copied.
    is_gone: bool,
    /// True above what a source names: there may be more than the `COPY` takes.
    is_above: bool,
    children: BTreeMap<String, Tree>,
}

impl Tree {
    fn add(&mut self, root: &str, file: &File) {
        let above = root.split('/').filter(|part| !part.is_empty()).count();
        let mut at = self;
        for (depth, part) in file.path.split('/').enumerate() {
            at = at.children.entry(part.to_owned()).or_insert_with(|| Self { is_gone: true, ..Self::default() });
            at.size += file.size;
            at.is_changed |= file.is_changed;
            at.is_gone &= file.is_gone;
            at.is_above |= depth + 1 < above;
        }
    }

    /// The largest parts in which nothing changed, of at least `least` bytes.
    fn still(&self, least: u64) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        self.add_still("", least, &mut found);
        found.sort_by(|(one, size), (other, larger)| larger.cmp(size).then_with(|| one.cmp(other)));
        found.truncate(NAMED);
        found
    }

    fn add_still(&self, path: &str, least: u64, found: &mut Vec<(String, u64)>) {
        for (name, child) in &self.children {
            let path = joined(path, name);
            if child.is_changed || child.is_above {
                child.add_still(&path, least, found);
            } else if child.size >= least {
                found.push((path, child.size));
            }
        }
    }

    /// The paths of the chosen parts, or of the largest parts without them.
    fn add_parts(&self, path: &str, chosen: &[&str], of_the_rest: bool, paths: &mut Vec<String>) {
        for (name, child) in &self.children {
            let path = joined(path, name);
            let is_above = |one: &&str| one.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'));
            if child.is_above || chosen.iter().any(is_above) {
                child.add_parts(&path, chosen, of_the_rest, paths);
            } else if chosen.contains(&path.as_str()) != of_the_rest && !child.is_gone {
                paths.push(path);
            }
        }
    }
}

fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of so many thousand bytes: `web/index.html 2 changed`.
    fn files(lines: &[&str]) -> Vec<File> {
        let file = |line: &&str| {
            let mut words = line.split(' ');
            let path = words.next().unwrap_or_default().to_owned();
            let size = words.next().and_then(|size| size.parse::<u64>().ok()).unwrap_or_default() * 1000;
            let how = words.next();
            File { path, size, is_changed: how.is_some(), is_gone: how == Some("gone") }
        };
        lines.iter().map(file).collect()
    }

    fn advice(dockerfile: &str, lines: &[&str]) -> Vec<Advice> {
        judge(&Dockerfile::parse(dockerfile).copies(None), &files(lines))
    }

    const PROJECT: [&str; 5] =
        ["Dockerfile 1", "vendor/a 150000", "vendor/b 40000", "web/index.html 2 changed", "web/video/x 20000"];

    #[test]
    fn a_small_change_in_a_large_copy_is_said_with_numbers_and_the_edit() {
        let given = advice("FROM scratch\nCOPY . /app", &PROJECT);
        assert_eq!(
            given,
            [Advice {
                finding: "COPY . /app stores and pushes 210 MB again because 1 file of 2.0 kB changed \
                          (web/index.html)."
                    .into(),
                edit: "Copy what changes rarely first: put `COPY vendor /app/vendor`, `COPY web/video \
                       /app/web/video` in front, and in place of COPY . /app copy the rest by name: \
                       `COPY Dockerfile /app/Dockerfile`, `COPY web/index.html /app/web/index.html`."
                    .into(),
            }]
        );
    }

    #[test]
    fn the_edit_keeps_every_file_where_it_was() {
        for (copy, front) in [
            ("COPY . .", "`COPY vendor vendor`"),
            ("COPY ./ ./", "`COPY vendor vendor`"),
            ("COPY . /", "`COPY vendor /vendor`"),
            ("COPY vendor web /app/", "`COPY vendor /app/`"),
            ("COPY [\"v*\", \"web\", \"/app/\"]", "`COPY vendor /app/`"),
        ] {
            let given = advice(&format!("FROM scratch\n{copy}"), &PROJECT);
            assert!(given[0].edit.contains(&format!("put {front}, ")), "{copy}: {}", given[0].edit);
        }
        let one = advice("FROM scratch\nCOPY web /app", &["web/a/big 30000", "web/b 1 changed", "other 90000"]);
        assert!(one[0].finding.contains("30 MB"), "{one:?}");
        assert!(one[0].edit.contains("`COPY web/a /app/a` in front"), "{one:?}");
        assert!(one[0].edit.ends_with("by name: `COPY web/b /app/b`."), "{one:?}");
    }

    #[test]
    fn a_large_copy_behind_a_small_change_is_to_change_places_with_it() {
        let given = advice("FROM scratch\nCOPY web/index.html /\nRUN x\nCOPY vendor /vendor", &PROJECT);
        assert_eq!(
            given,
            [Advice {
                finding: "COPY vendor /vendor makes 190 MB anew because COPY web/index.html / stands in front of it \
                          and 1 file of 2.0 kB changed (web/index.html)."
                    .into(),
                edit: "Put COPY vendor /vendor in front of COPY web/index.html /.".into(),
            }]
        );
        assert!(advice("FROM scratch\nCOPY vendor /vendor\nCOPY web/index.html /", &PROJECT).is_empty());
        let stages = "FROM scratch AS a\nCOPY web/index.html /\nFROM scratch\nCOPY vendor /vendor";
        assert!(advice(stages, &PROJECT).is_empty(), "another stage does not matter");
    }

    #[test]
    fn many_small_files_side_by_side_are_to_be_parted_by_hand() {
        let lines: Vec<String> = (0..200).map(|at| format!("web/{at} 200")).collect();
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.push("web/page 1 changed");
        let given = advice("FROM scratch\nCOPY web /web", &lines);
        assert!(given[0].edit.starts_with("Keep what changes often, such as web/page,"), "{given:?}");
    }

    #[test]
    fn what_is_quick_or_cannot_be_helped_is_not_mentioned() {
        for (copy, lines) in [
            ("COPY . /", &["a 19000", "b 1 changed"][..]),
            ("COPY . /", &["a 30000", "b 4000 changed"]),
            ("COPY app /", &["app 90000 changed"]),
            ("COPY . /", &["a 90000"]),
            ("COPY a /", &["a/x 90000", "ab 1 changed"]),
        ] {
            assert_eq!(advice(&format!("FROM scratch\n{copy}"), lines), [], "{copy} {lines:?}");
        }
        assert_eq!(advice("FROM scratch\nCOPY . /", &["a 90000", "b 0 gone"]).len(), 1, "a removal is a change");
    }

    #[test]
    fn names_that_would_move_the_cursor_are_harmless() {
        let given = advice("FROM scratch\nCOPY . /", &["\u{1b}[2Ja/x 90000", "\u{1b}[2Jb 1 changed"]);
        assert!(!format!("{}{}", given[0].finding, given[0].edit).contains('\u{1b}'), "{given:?}");
    }
}
