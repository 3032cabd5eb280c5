//! A Dockerfile, read as far as others need it: its instructions, the images that it stands on, and what it copies
//! from the context.
//!
//! Must not know the engine or any file. It judges nothing: a mistake is the builder's to tell.

use std::collections::{BTreeMap, BTreeSet};

use super::expansion;

/// A parsed Dockerfile.
#[derive(Debug)]
pub(super) struct Dockerfile {
    /// What `# syntax=` names.
    syntax: Option<String>,
    instructions: Vec<Instruction>,
}

/// One instruction, its lines joined.
#[derive(Debug, PartialEq, Eq)]
struct Instruction {
    /// In upper case.
    keyword: String,
    /// Without the two dashes.
    flags: Vec<String>,
    /// What follows them.
    rest: String,
}

/// The images that a build stands on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foundation {
    /// As they are written, with arguments put in; without `scratch` and the Dockerfile's own stages.
    pub(super) images: BTreeSet<String>,
    /// False where the build depends on something that can only be seen by building: an `ADD` of an address, or an
    /// image whose name cannot be worked out from here.
    pub(super) is_complete: bool,
}

/// A `COPY` or `ADD` out of the context.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// The whole instruction on one line.
    pub(super) written: String,
    /// Paths and patterns in the context.
    pub(super) sources: Vec<String>,
    /// Where to, in the image.
    pub(super) destination: String,
    /// In which stage, from 0.
    pub(super) stage: usize,
}

/// Names of stages so far, in lower case; none where a stage has no name.
#[derive(Default)]
struct Stages(Vec<Option<String>>);

impl Dockerfile {
    /// Reads the text. Never fails: what is no instruction is kept as one that nobody asks for.
    pub(super) fn parse(text: &str) -> Self {
        let lines: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(text).lines().collect();
        let (mut syntax, mut escape) = (None, '\\');
        for line in &lines {
            let Some((key, value)) = line.trim().strip_prefix('#').and_then(|line| line.split_once('=')) else { break };
            match key.trim().to_ascii_lowercase().as_str() {
                "syntax" => syntax = Some(value.trim().to_owned()),
                "escape" => escape = value.trim().chars().next().unwrap_or(escape),
                "check" => {}
                // A remark, and behind one there are no more of them.
                _ => break,
            }
        }
        let mut instructions = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let joined = join(&lines, &mut at, escape);
            if let Some(instruction) = Instruction::parse(&joined) {
                at = instruction.end_of_documents(&lines, at);
                instructions.push(instruction);
            }
        }
        Self { syntax, instructions }
    }

    /// The images that a build with these arguments stands on.
    pub(super) fn foundation(&self, args: &[(String, String)]) -> Foundation {
        let mut found = Foundation { images: BTreeSet::new(), is_complete: true };
        if let Some(syntax) = &self.syntax {
            // What another frontend makes of the file nobody knows.
            found.is_complete &= is_ordinary_frontend(syntax);
            found.add(Some(syntax.clone()));
        }
        let mut global = BTreeMap::new();
        let mut stages = Stages::default();
        for instruction in &self.instructions {
            match instruction.keyword.as_str() {
                "ARG" if stages.0.is_empty() => declare(&instruction.rest, args, &mut global),
                "FROM" => {
                    let mut words = instruction.rest.split_whitespace();
                    let name = words.next().and_then(|word| {
                        expansion::expand(word, &|name| look_up(name, args, &global)).filter(|name| !name.is_empty())
                    });
                    if name.as_deref() != Some("scratch") && !name.as_deref().is_some_and(|name| stages.has(name)) {
                        found.add(name);
                    }
                    stages.0.push(alias(words));
                }
                "COPY" | "ADD" => {
                    for from in instruction.flags.iter().filter_map(|flag| flag.strip_prefix("from=")) {
                        found.add_source(from, &stages);
                    }
                    found.is_complete &= !instruction.adds_an_address();
                }
                "RUN" => {
                    let mounts = instruction.flags.iter().filter_map(|flag| flag.strip_prefix("mount="));
                    let options = mounts.flat_map(|mount| mount.split(','));
                    for from in options.filter_map(|option| option.trim_matches('"').strip_prefix("from=")) {
                        found.add_source(from, &stages);
                    }
                }
                // It works in whatever stands on this stage later.
                "ONBUILD" => found.is_complete = false,
                _ => {}
            }
        }
        found
    }

    /// What the stages that end in the image copy from the context, in their order. `target` is the stage that is
    /// built; the last one where none is named.
    pub(super) fn copies(&self, target: Option<&str>) -> Vec<Copy> {
        let (mut stages, mut bases) = (Stages::default(), Vec::new());
        let mut copies = Vec::new();
        for instruction in &self.instructions {
            match instruction.keyword.as_str() {
                "FROM" => {
                    let mut words = instruction.rest.split_whitespace();
                    bases.push(words.next().and_then(|name| stages.index(name)));
                    stages.0.push(alias(words));
                }
                "COPY" | "ADD" => {
                    let stage = bases.len().saturating_sub(1);
                    copies.extend(instruction.copy(stage));
                }
                _ => {}
            }
        }
        let last = bases.len().checked_sub(1);
        let built = target.map_or(last, |target| stages.index(target).or_else(|| target.parse().ok()));
        let chain: Vec<usize> =
            std::iter::successors(built, |stage| bases.get(*stage).copied().flatten().filter(|base| base < stage))
                .collect();
        copies.retain(|copy| chain.contains(&copy.stage));
        copies
    }
}

impl Foundation {
    fn add(&mut self, name: Option<String>) {
        match name.filter(|name| is_reference(name)) {
            Some(name) => drop(self.images.insert(name)),
            None => self.is_complete = false,
        }
    }

    /// The place that a `COPY` or a mount takes files from: a stage, by name or number, or an image.
    fn add_source(&mut self, from: &str, stages: &Stages) {
        if !stages.has(from) && from.parse::<usize>().is_err() && from != "scratch" {
            self.add(Some(from.to_owned()));
        }
    }
}

impl Stages {
    fn has(&self, name: &str) -> bool {
        self.index(name).is_some()
    }

    /// The last stage of this name.
    fn index(&self, name: &str) -> Option<usize> {
        self.0.iter().rposition(|known| known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }
}

impl Instruction {
    fn parse(line: &str) -> Option<Self> {
        let (keyword, mut rest) = split_word(line.trim())?;
        let mut flags = Vec::new();
        while let Some((flag, behind)) = split_word(rest)
            && let Some(flag) = flag.strip_prefix("--")
        {
            flags.push(flag.to_owned());
            rest = behind;
        }
        Some(Self { keyword: keyword.to_ascii_uppercase(), flags, rest: rest.trim().to_owned() })
    }

    /// The line behind the here-documents that begin in this instruction, when they begin at `at`.
    fn end_of_documents(&self, lines: &[&str], at: usize) -> usize {
        if !matches!(self.keyword.as_str(), "RUN" | "COPY" | "ADD") {
            return at;
        }
        let mut at = at;
        for (name, strips_tabs) in self.rest.split_whitespace().filter_map(document) {
            let is_end = |line: &&str| if strips_tabs { line.trim_start_matches('\t') == name } else { *line == name };
            // Without its end it is none.
            if let Some(length) = lines.get(at..).and_then(|rest| rest.iter().position(is_end)) {
                at += length + 1;
            }
        }
        at
    }

    /// Sources and destination, from the plain form or the one in brackets.
    fn paths(&self) -> Vec<String> {
        serde_json::from_str(&self.rest)
            .unwrap_or_else(|_| self.rest.split_whitespace().map(str::to_owned).collect::<Vec<String>>())
    }

    fn adds_an_address(&self) -> bool {
        if self.keyword != "ADD" || self.flags.iter().any(|flag| flag.starts_with("checksum=")) {
            return false;
        }
        let paths = self.paths();
        let sources = paths.split_last().map_or(&[][..], |(_, sources)| sources);
        // What a variable stands for may be an address.
        sources.iter().any(|source| source.contains("://") || source.contains("git@") || source.contains('$'))
    }

    fn copy(&self, stage: usize) -> Option<Copy> {
        let mut sources = self.paths();
        let destination = sources.pop()?;
        let is_from_context = !self.flags.iter().any(|flag| flag.starts_with("from="))
            && !sources.is_empty()
            && sources.iter().all(|source| !source.contains(['$', '<']) && !source.contains("://"));
        let flags = self.flags.iter().map(|flag| format!("--{flag}"));
        let words = flags.chain(self.rest.split_whitespace().map(str::to_owned));
        let written = format!("{} {}", self.keyword, words.collect::<Vec<_>>().join(" "));
        is_from_context.then_some(Copy { written, sources, destination, stage })
    }
}

/// The instruction that begins at `at`, or an empty line, or a comment. Moves `at` behind it.
fn join(lines: &[&str], at: &mut usize, escape: char) -> String {
    let mut joined = String::new();
    let mut is_continued = false;
    while let Some(line) = lines.get(*at) {
        *at += 1;
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            // Both may stand in the middle of an instruction.
            if is_continued {
                continue;
            }
            return String::new();
        }
        let Some(begun) = line.trim_end().strip_suffix(escape) else {
            joined.push_str(line);
            return joined;
        };
        joined.push_str(begun);
        is_continued = true;
    }
    joined
}

/// The first word, and what is behind it.
fn split_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `<<NAME`, `<<-NAME`, `<<"NAME"`: the name, and whether tabs in front of it do not count.
fn document(word: &str) -> Option<(&str, bool)> {
    let behind = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (name, strips_tabs) = behind.strip_prefix('-').map_or((behind, false), |name| (name, true));
    let name = name.trim_matches(['"', '\'']);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c));
    is_name.then_some((name, strips_tabs))
}

/// What stands behind `AS`, in lower case.
fn alias<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<String> {
    words.next().filter(|word| word.eq_ignore_ascii_case("as")).and(words.next()).map(str::to_ascii_lowercase)
}

/// Takes in an `ARG` in front of the first stage. A value that cannot be worked out is kept as none.
fn declare(rest: &str, args: &[(String, String)], global: &mut BTreeMap<String, Option<String>>) {
    for word in expansion::words(rest) {
        let (name, default) = match word.split_once('=') {
            Some((name, default)) => (name, Some(default)),
            None => (word, None),
        };
        let value = match (given(name, args), default) {
            (Some(given), _) => Some(given.to_owned()),
            (None, Some(default)) => expansion::expand(default, &|name| look_up(name, args, global)),
            (None, None) => Some(String::new()),
        };
        global.insert(name.to_owned(), value);
    }
}

/// The value of a name in front of, or in, a `FROM`; `None` where only the builder knows it.
fn look_up(name: &str, args: &[(String, String)], global: &BTreeMap<String, Option<String>>) -> Option<String> {
    const AUTOMATIC: [&str; 2] = ["TARGET", "BUILD"];
    const PARTS: [&str; 5] = ["PLATFORM", "OS", "ARCH", "VARIANT", "STAGE"];
    let is_automatic = AUTOMATIC.iter().filter_map(|side| name.strip_prefix(side)).any(|part| PARTS.contains(&part));
    if is_automatic {
        return None;
    }
    match global.get(name) {
        Some(value) => value.clone(),
        // Not declared: empty to one builder; another may take what is given.
        None => given(name, args).is_none().then(String::new),
    }
}

/// The value that a build argument gets; the last one counts.
fn given<'a>(name: &str, args: &'a [(String, String)]) -> Option<&'a str> {
    args.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The characters of image names, tags and digests, and nothing that could mean something in a URL's path.
fn is_reference(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    !name.is_empty() && name.bytes().all(is_plain) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn is_ordinary_frontend(syntax: &str) -> bool {
    let name = syntax.strip_prefix("docker.io/").unwrap_or(syntax);
    let name = name.split([':', '@']).next().unwrap_or(name);
    matches!(name, "docker/dockerfile" | "docker/dockerfile-upstream")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn foundation(text: &str, args: &[(&str, &str)]) -> (Vec<String>, bool) {
        let args: Vec<_> = args.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let found = Dockerfile::parse(text).foundation(&args);
        (found.images.into_iter().collect(), found.is_complete)
    }

    #[test]
    fn every_way_to_name_an_image_is_found() {
        for (text, images) in [
            ("FROM scratch\nCOPY a /", vec![]),
            ("from debian:12 as Base\nFROM base\nCOPY --from=BASE a b\nCOPY --from=0 a b", vec!["debian:12"]),
            ("FROM --platform=$BUILDPLATFORM debian@sha256:00 AS x", vec!["debian@sha256:00"]),
            (
                "# syntax=docker/dockerfile:1\nFROM scratch\nADD --from=tools:2 a b",
                vec!["docker/dockerfile:1", "tools:2"],
            ),
            (
                "FROM a\nRUN --mount=type=cache,target=/c --mount=type=bind,from=b:1,target=/b \\\n  make",
                vec!["a", "b:1"],
            ),
            ("FROM \\\n# a remark\n\n  a:1 \\\n AS x\nFROM x", vec!["a:1"]),
            ("# escape=`\nFROM a`\n:1\nRUN dir c:\\\nFROM b", vec!["a:1", "b"]),
            ("FROM a\nRUN <<EOF\nFROM b\nEOF\nCOPY <<-\"X\" /y\nFROM c\n\tX\nFROM d", vec!["a", "d"]),
            ("FROM a\nRUN cat <<EOF\nFROM b", vec!["a", "b"]),
            ("# by = me\n# escape=`\nFROM \\\n a", vec!["a"]),
            ("FROM a\nCOPY --from=later x y\nFROM b AS later", vec!["a", "b", "later"]),
        ] {
            assert_eq!(foundation(text, &[]), (images.into_iter().map(str::to_owned).collect(), true), "{text}");
        }
    }

    #[test]
    fn arguments_in_front_of_the_first_stage_are_put_in() {
        let text = "ARG A=debian B='12'\nARG TAG=${B}-slim\nFROM $A:${TAG}\nARG A=other\nFROM ${A}:${C:-x}";
        assert_eq!(foundation(text, &[]).0, ["debian:12-slim", "debian:x"]);
        assert_eq!(foundation(text, &[("B", "13"), ("A", "ubuntu")]).0, ["ubuntu:13-slim", "ubuntu:x"]);
        assert_eq!(foundation("ARG A\nFROM a:${A:-none}${A:+some}", &[("A", "1")]).0, ["a:1some"]);
    }

    #[test]
    fn what_cannot_be_worked_out_is_admitted() {
        for text in [
            "FROM base-$TARGETARCH",
            "ARG TARGETARCH=amd64\nFROM base-$TARGETARCH",
            "FROM ${A%%-*}",
            "FROM $A",
            "FROM a b?c=$\\x",
            "FROM ../../v1.41/info",
            "FROM a\nCOPY --from=$X a b",
            "FROM a\nRUN --mount=from=$X ls",
            "FROM a\nADD https://example.com/x /x",
            "FROM a\nADD [\"git@example.com:x.git\", \"/x\"]",
            "FROM a\nADD $ADDRESS /x",
            "# syntax=example.com/own:1\nFROM a",
        ] {
            let is_complete = foundation(text, &[]).1;
            assert!(!is_complete || text.contains("b?c"), "{text}");
        }
        assert!(!foundation("FROM $GIVEN", &[("GIVEN", "x")]).1, "not declared");
        assert!(foundation("FROM a\nADD --checksum=sha256:00 https://example.com/x /x", &[]).1);
    }

    #[test]
    fn copies_are_those_of_the_stages_that_end_in_the_image() {
        let text = "FROM a AS build\nCOPY . /src\nFROM b AS base\nCOPY --chown=app web  vendor /app/\n\
                    FROM base AS final\nCOPY [\"a b\", \"/c\"]\nCOPY --from=build /x /y\nADD https://e.com/x /\n\
                    COPY $X /\nFROM scratch AS other\nCOPY other /";
        let written =
            |target| Dockerfile::parse(text).copies(target).into_iter().map(|copy| copy.written).collect::<Vec<_>>();
        assert_eq!(written(Some("final")), ["COPY --chown=app web vendor /app/", "COPY [\"a b\", \"/c\"]"]);
        assert_eq!(written(Some("Build")), ["COPY . /src"]);
        assert_eq!(written(None), ["COPY other /"]);
        assert!(written(Some("none")).is_empty());
        let copies = Dockerfile::parse(text).copies(Some("final"));
        assert_eq!((copies[0].sources.len(), copies[0].destination.as_str(), copies[0].stage), (2, "/app/", 1));
        assert_eq!(copies[1].sources, ["a b"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(FROM|COPY|ADD|RUN|ARG|#|\\\\|\\$|\\{|\\}|:-|<<E|E|\"|'|=|--from=|[a-z]|\n| ){0,40}") {
            let dockerfile = Dockerfile::parse(&text);
            dockerfile.foundation(&[]);
            dockerfile.copies(Some("a"));
        }
    }
}
