//! A deploy as JSON, for scripts. `docs/json.md` describes it with samples that a test keeps right.

use serde::Serialize;
use std::io::Write;

use super::{Ended, Shows};
use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{Problem, TenantId};

/// One thing that happened.
#[derive(Serialize)]
struct Event<'a> {
    tenant_id: &'a TenantId,
    #[serde(flatten)]
    said: &'a DeployProgress,
}

/// How one deploy ended.
#[derive(Serialize)]
struct End<'a> {
    tenant_id: &'a TenantId,
    /// `ended`, where it stands among events.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a DeployOutcome>,
    /// True where `--check` found nothing in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
}

impl<'a> End<'a> {
    fn new((tenant_id, result): &'a Ended) -> Self {
        let outcome = result.as_ref().ok().and_then(Option::as_ref);
        let ready = matches!(result, Ok(None)).then_some(true);
        Self { tenant_id, event: None, outcome, ready, problem: result.as_ref().err() }
    }
}

/// Several of them.
#[derive(Serialize)]
struct Ends<'a> {
    deploys: Vec<End<'a>>,
}

/// What kept all of them from beginning.
#[derive(Serialize)]
struct NotBegun<'a> {
    problem: &'a Problem,
}

fn text(value: &impl Serialize) -> String {
    // Plain data: there is nothing in it that JSON cannot say.
    serde_json::to_string(value).unwrap_or_default()
}

fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Says why nothing began.
pub(super) fn not_begun(problem: &Problem) {
    print(&text(&NotBegun { problem }));
}

/// An object on a line of its own for everything that happens.
pub(super) struct Events;

fn event(tenant_id: &TenantId, said: &DeployProgress) -> String {
    text(&Event { tenant_id, said })
}

fn end_event(ended: &Ended) -> String {
    text(&End { event: Some("ended"), ..End::new(ended) })
}

impl Shows for Events {
    fn take(&mut self, tenant: &TenantId, said: DeployProgress) {
        print(&event(tenant, &said));
    }

    fn end(&mut self, ended: &[Ended]) {
        for one in ended {
            print(&end_event(one));
        }
    }
}

/// One document at the end.
pub(super) struct Document {
    /// True where several tenants could have been asked for: the document then is a list, whatever was found.
    pub(super) several: bool,
}

fn document(ended: &[Ended], several: bool) -> String {
    match ended {
        [one] if !several => text(&End::new(one)),
        all => text(&Ends { deploys: all.iter().map(End::new).collect() }),
    }
}

impl Shows for Document {
    fn take(&mut self, _: &TenantId, _: DeployProgress) {}

    fn end(&mut self, ended: &[Ended]) {
        print(&document(ended, self.several));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;
    use std::path::Path;

    /// Set by `just readme-picture`: the samples are written instead of compared.
    const UPDATE: &str = "TENANTRY_UPDATE_PICTURES";

    fn tenant() -> TenantId {
        TenantId::new("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15").expect("an id")
    }

    fn of(events: &[String], name: &str) -> String {
        let has = |line: &&String| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            value["event"] == name || value["progress"]["kind"] == name
        };
        events.iter().rev().find(has).unwrap_or_else(|| panic!("no {name}")).clone()
    }

    /// The samples of the page, by their headings.
    fn samples_of_page() -> Vec<(&'static str, String)> {
        let tenant = tenant();
        let good: Ended = (tenant.clone(), Ok(Some(samples::outcome())));
        let bad: Ended = (tenant.clone(), Err(samples::not_healthy()));
        let ready: Ended = (tenant.clone(), Ok(None));
        let mut events: Vec<String> = samples::deploy().iter().map(|(_, said)| event(&tenant, said)).collect();
        events.extend(samples::unhealthy().iter().take(5).map(|said| event(&tenant, said)));
        events.push(end_event(&good));
        let names = [
            "started", "check", "output", "finished", "skipped", "failed", "advice", "began", "context", "vertex",
            "push", "ended",
        ];
        let lines: Vec<_> = names.iter().map(|name| of(&events, name)).collect();
        let refused = text(&NotBegun { problem: &Problem::new("Not logged in.").hint("Log in.").needs_login() });
        vec![
            ("success", document(std::slice::from_ref(&good), false)),
            ("failure", document(std::slice::from_ref(&bad), false)),
            ("check", document(&[ready], false)),
            ("several", document(&[good, bad], true)),
            ("not-begun", refused),
            ("events", lines.join("\n")),
        ]
    }

    #[test]
    fn the_page_shows_the_json_as_it_is() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
        let kept = std::fs::read_to_string(&path).expect("the page");
        let mut page = kept.clone();
        for (name, sample) in samples_of_page() {
            let (head, rest) = page.split_once(&format!("<!-- sample {name} -->\n```json\n")).expect(name);
            let (_, tail) = rest.split_once("```\n").expect("the sample's end");
            page = format!("{head}<!-- sample {name} -->\n```json\n{sample}\n```\n{tail}");
        }
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &page).expect("written");
        }
        assert!(page == kept || std::env::var_os(UPDATE).is_some(), "docs/json.md is stale: run `just readme-picture`");
    }

    #[test]
    fn every_event_is_one_line_with_its_tenant() {
        for (_, said) in samples::deploy() {
            let line = event(&tenant(), &said);
            assert!(!line.contains('\n'));
            let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(value["tenant_id"], tenant().as_str());
            assert!(value["event"].is_string(), "{line}");
        }
    }

    #[test]
    fn a_list_stays_a_list_with_one_tenant_in_it() {
        let one: Ended = (tenant(), Ok(Some(samples::outcome())));
        let value: serde_json::Value = serde_json::from_str(&document(&[one], true)).expect("JSON");
        assert_eq!(value["deploys"].as_array().map(Vec::len), Some(1));
    }
}
