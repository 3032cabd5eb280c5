//! What docs/commands.md and docs/json.md promise of every command, tried with the program: one document also where nothing
//! works, no field that is not described, and an option of the table that no test says is not there.

use crate::world::{Said, World};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).expect("the page")
}

/// The lines of the table of commands, with `x` for what is left open.
fn table() -> Vec<String> {
    let page = page("commands.md");
    let tables = page.split_once("## Beside the platform's own tool").expect("the tables").1;
    let filled = |line: &str| {
        let words = line.split(' ').map(|word| if word.starts_with('<') { "x" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    let rows = tables.lines().filter(|line| line.starts_with('|'));
    let lines = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next()?.split('`').nth(1));
    lines.filter(|line| line.starts_with("tenantry ")).map(filled).collect()
}

/// What has a way of its own.
const OWN_WAY: [&str; 4] = ["serve", "demo", "completions", "man"];

/// The described fields, by the command.
pub fn described() -> BTreeMap<String, Vec<String>> {
    let page = page("json.md");
    let table = page.split_once("| Command | Fields |").expect("the table").1.to_owned();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let (commands, fields) = row.trim_matches('|').split_once(" | ").expect("two cells");
        for command in quoted(commands) {
            all.entry(command).or_default().extend(quoted(fields));
        }
    }
    all
}

/// Fails where a document has a field that the page does not describe.
#[track_caller]
pub fn check_document(arguments: &[&str], said: &Said) {
    let words = arguments.iter().take_while(|word| !word.starts_with('-')).copied().collect::<Vec<_>>().join(" ");
    let all = described();
    let is_meant = |command: &&String| words == **command || words.starts_with(&format!("{command} "));
    let Some(fields) = all.keys().filter(is_meant).max_by_key(|command| command.len()).map(|command| &all[command])
    else {
        return;
    };
    if ["deploy", "rollback"].iter().any(|command| words.starts_with(command)) {
        return;
    }
    let document: Value = serde_json::from_str(&said.out).expect("one document");
    for field in document.as_object().expect("an object").keys() {
        let is_common = ["tenant_id", "tenant_name", "problem"].contains(&field.as_str());
        assert!(is_common || fields.contains(field), "docs/json.md does not describe {field} of {words}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_works_there_is_one_document_and_the_right_code() {
    let world = World::new().await;
    let empty = world.path("empty");
    std::fs::create_dir(&empty).expect("made");
    let mut tried = 0;
    for line in table() {
        let mut words: Vec<&str> = line.split(' ').skip(1).collect();
        // These print lines, or are for shells and readers; a Dockerfile of nothing is printed as it is.
        if words.is_empty() || words.contains(&"--events") || OWN_WAY.contains(&words[0]) {
            continue;
        }
        let has_form = words.iter().any(|word| ["--json", "--yaml"].contains(word));
        if words.contains(&"--yaml") {
            continue;
        }
        if !has_form {
            words.push("--json");
        }
        let mut command = world.command(&words);
        command.current_dir(&empty).stdin(std::process::Stdio::null());
        let said = world.end(command.spawn().expect("it starts")).await;
        let document: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{line}: {error} {said:?}"));
        assert_eq!(said.out.lines().count(), 1, "{line}: {said:?}");
        match said.code {
            // It sets up what is not there, says what it would do, or lists what is on this machine.
            Some(0) => {
                let is_fine = words[0] == "init" || words.contains(&"logout") || words.starts_with(&["tenant", "list"]);
                assert!(is_fine, "{line}: {said:?}");
            }
            Some(1..=4) => {
                let problem = document.get("problem").or_else(|| document["credentials"].get("problem"));
                assert!(problem.is_some_and(|problem| problem["title"].is_string()), "{line}: {said:?}");
                let needs_login = problem.is_some_and(|problem| problem["requires_login"] == true);
                assert_eq!(said.code == Some(3), needs_login, "{line}: {said:?}");
            }
            _ => panic!("{line}: {said:?}"),
        }
        let _ = std::fs::remove_dir_all(&empty);
        std::fs::create_dir(&empty).expect("made");
        tried += 1;
    }
    assert!(tried > 70, "{tried}");
}

/// The command lines of the tests: every list of words in them, the first ones being the command's.
fn lists() -> Vec<String> {
    fn below(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("promises.rs") {
                let source = std::fs::read_to_string(&path).expect("text");
                // Their `run` says the first word itself.
                let before = match path.file_name().and_then(|name| name.to_str()) {
                    Some("profiles.rs") if !source.contains("World::new") => "profile ",
                    Some("database.rs") => "db ",
                    Some("local_tenants.rs") => "tenant ",
                    Some("doctor.rs") => "doctor ",
                    _ => "",
                };
                let joined = source.split_whitespace().collect::<Vec<_>>().join(" ").replace("[ \"", "[\"");
                let lists = joined.split(']').filter_map(|part| part.rsplit_once('[')).map(|(_, list)| list);
                // One blank behind every word, whatever stands there.
                let words = |list: &str| list.replace("\", \"", " ").replace('"', " ");
                found.extend(lists.map(|list| format!("{before}{} ", words(list).trim_start())));
            }
        }
    }
    let mut found = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut found);
    found
}

#[test]
fn every_option_of_the_table_is_said_in_a_test_of_its_command() {
    let lists = lists();
    let mut missing = Vec::new();
    for line in table() {
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        if words.is_empty() || OWN_WAY.contains(&words[0]) {
            continue;
        }
        let known = described();
        let is_word = |word: &&&str| word.starts_with(|c: char| c.is_ascii_lowercase());
        let command: Vec<&str> = words.iter().take_while(is_word).copied().collect();
        let name =
            (1..=command.len()).rev().map(|count| command[..count].join(" ")).find(|name| known.contains_key(name));
        let name = name.unwrap_or_else(|| panic!("{line}: docs/json.md does not know it"));
        let options = words.iter().filter(|word| word.starts_with('-') && word.len() > 1);
        let of_command: Vec<&String> = lists.iter().filter(|list| list.starts_with(&format!("{name} "))).collect();
        if of_command.is_empty() {
            missing.push(name.clone());
        }
        for option in options {
            if !of_command.iter().any(|list| list.contains(&format!(" {option} "))) {
                missing.push(format!("{name} {option}"));
            }
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "no test says: {missing:#?}");
}
