//! A deploy as JSON, for scripts. `docs/json.md` describes it with samples that a test keeps right.

use serde::Serialize;
use std::collections::HashMap;

use super::{Ended, Shows};
use crate::cli::frame::{line_of_json, print};
use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{Problem, TenantId};

/// What the tenants are called.
#[derive(Default)]
pub(super) struct Names(HashMap<TenantId, String>);

impl Names {
    pub(super) fn new(names: Vec<(TenantId, String)>) -> Self {
        Self(names.into_iter().collect())
    }

    fn of(&self, tenant: &TenantId) -> &str {
        self.0.get(tenant).map_or("", String::as_str)
    }
}

/// One thing that happened.
#[derive(Serialize)]
struct Event<'a> {
    tenant_id: &'a TenantId,
    tenant_name: &'a str,
    #[serde(flatten)]
    said: &'a DeployProgress,
}

/// How one deploy ended.
#[derive(Serialize)]
struct End<'a> {
    tenant_id: &'a TenantId,
    tenant_name: &'a str,
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
    fn new((tenant_id, result): &'a Ended, names: &'a Names) -> Self {
        let outcome = result.as_ref().ok().and_then(Option::as_ref);
        let ready = matches!(result, Ok(None)).then_some(true);
        Self {
            tenant_id,
            tenant_name: names.of(tenant_id),
            event: None,
            outcome,
            ready,
            problem: result.as_ref().err(),
        }
    }
}

/// Several of them.
#[derive(Serialize)]
struct Ends<'a> {
    deploys: Vec<End<'a>>,
}

/// An object on a line of its own for everything that happens.
#[derive(Default)]
pub(super) struct Events {
    pub(super) names: Names,
    /// Why a line could not be printed. The deploy goes on all the same.
    pub(super) failed: Option<Problem>,
}

impl Events {
    fn print(&mut self, line: &str) {
        if let Err(problem) = print(line) {
            self.failed.get_or_insert(problem);
        }
    }
}

fn event(tenant_id: &TenantId, said: &DeployProgress, names: &Names) -> String {
    line_of_json(&Event { tenant_id, tenant_name: names.of(tenant_id), said })
}

fn end_event(ended: &Ended, names: &Names) -> String {
    line_of_json(&End { event: Some("ended"), ..End::new(ended, names) })
}

impl Shows for Events {
    fn take(&mut self, tenant: &TenantId, said: DeployProgress) {
        self.print(&event(tenant, &said, &self.names));
    }

    fn end(&mut self, ended: &[Ended]) -> Result<(), Problem> {
        for one in ended {
            self.print(&end_event(one, &self.names));
        }
        self.failed.take().map_or(Ok(()), Err)
    }
}

/// One document at the end.
pub(super) struct Document {
    /// True where several tenants could have been asked for: the document then is a list, whatever was found.
    pub(super) several: bool,
    pub(super) names: Names,
}

fn document(ended: &[Ended], several: bool, names: &Names) -> String {
    match ended {
        [one] if !several => line_of_json(&End::new(one, names)),
        all => line_of_json(&Ends { deploys: all.iter().map(|one| End::new(one, names)).collect() }),
    }
}

impl Shows for Document {
    fn take(&mut self, _: &TenantId, _: DeployProgress) {}

    fn end(&mut self, ended: &[Ended]) -> Result<(), Problem> {
        print(&document(ended, self.several, &self.names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;
    use serde_json::json;
    use std::path::Path;

    /// Set by `just readme-picture`: the samples are written instead of compared.
    const UPDATE: &str = "TENANTRY_UPDATE_PICTURES";

    fn tenant() -> TenantId {
        TenantId::new("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15").expect("an id")
    }

    fn names() -> Names {
        Names::new(vec![(tenant(), "orchard".to_owned())])
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
        let (tenant, names) = (tenant(), names());
        let good: Ended = (tenant.clone(), Ok(Some(samples::outcome())));
        let bad: Ended = (tenant.clone(), Err(samples::not_healthy()));
        let ready: Ended = (tenant.clone(), Ok(None));
        let mut events: Vec<String> = samples::deploy().iter().map(|(_, said)| event(&tenant, said, &names)).collect();
        events.extend(samples::unhealthy().iter().take(5).map(|said| event(&tenant, said, &names)));
        events.push(end_event(&good, &names));
        let kinds = [
            "started", "check", "output", "finished", "skipped", "failed", "advice", "began", "context", "vertex",
            "push", "ended",
        ];
        let lines: Vec<_> = kinds.iter().map(|name| of(&events, name)).collect();
        let problem = Problem::new("Not logged in.").hint("Log in: tenantry login").needs_login();
        let refused = line_of_json(&serde_json::json!({ "problem": problem }));
        vec![
            ("success", document(std::slice::from_ref(&good), false, &names)),
            ("failure", document(std::slice::from_ref(&bad), false, &names)),
            ("check", document(&[ready], false, &names)),
            ("several", document(&[good, bad], true, &names)),
            ("not-begun", refused),
            ("events", lines.concat()),
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
            page = format!("{head}<!-- sample {name} -->\n```json\n{sample}```\n{tail}");
        }
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &page).expect("written");
        }
        assert!(page == kept || std::env::var_os(UPDATE).is_some(), "docs/json.md is stale: run `just readme-picture`");
    }

    #[test]
    fn every_event_is_one_line_with_its_tenant() {
        for (_, said) in samples::deploy() {
            let line = event(&tenant(), &said, &names());
            assert_eq!(line.lines().count(), 1);
            let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!((&value["tenant_id"], &value["tenant_name"]), (&json!(tenant()), &json!("orchard")));
            assert!(value["event"].is_string(), "{line}");
        }
    }

    #[test]
    fn a_list_stays_a_list_with_one_tenant_in_it() {
        let one: Ended = (tenant(), Ok(Some(samples::outcome())));
        let value: serde_json::Value = serde_json::from_str(&document(&[one], true, &names())).expect("JSON");
        assert_eq!(value["deploys"].as_array().map(Vec::len), Some(1));
    }
}
