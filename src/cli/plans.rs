//! `tenantry plans`: what can be bought, and where it can run.

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::frame::{Failure, Output, Place, table};
use crate::model::{Plan, Problem, REGIONS};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tenantry plans --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let session = arguments.place.open().await?;
    let plans = session.client().plans().await.map_err(|error| error.problem())?;
    let regions: Vec<_> = REGIONS.iter().map(|region| json!({ "code": region.code, "name": region.name })).collect();
    let regions_told = REGIONS.iter().map(|region| format!("{} {}", region.code, region.name)).collect::<Vec<_>>();
    let text = format!("{}\nRegions: {}\n", told(&plans), regions_told.join(", "));
    arguments.output.answer(&json!({ "plans": plans, "regions": regions }), &text)?;
    Ok(Exit::Done)
}

fn told(plans: &[Plan]) -> String {
    let head = ["PLAN", "MEMORY", "VOLUME", "COST", "ID", "PRICE"].map(str::to_owned);
    let row = |plan: &Plan| {
        let known = |value: u32, unit: &str| if value == 0 { "-".to_owned() } else { format!("{value} {unit}") };
        [
            plan.name.clone(),
            known(plan.memory_mb_default, "MB"),
            known(plan.volume_gb, "GB"),
            plan.cost().unwrap_or_else(|| "-".to_owned()),
            plan.id.clone(),
            crate::model::text::line(&plan.paddle_price_id),
        ]
    };
    table(&std::iter::once(head).chain(plans.iter().map(row)).collect::<Vec<_>>())
}

/// The plan that a person means: by its name, its id or its price.
pub(super) fn named<'a>(plans: &'a [Plan], wanted: &str) -> Result<&'a Plan, Problem> {
    let by_id = plans.iter().find(|plan| plan.id == wanted || plan.paddle_price_id == wanted);
    by_id.or_else(|| plans.iter().find(|plan| plan.name.eq_ignore_ascii_case(wanted))).ok_or_else(|| {
        Problem::new(format!("There is no plan {}.", crate::model::text::short(wanted, 60)))
            .detail(format!("There are {}.", names(plans)))
            .hint("`tenantry plans` lists them.")
    })
}

/// `Starter, Pro`
pub(super) fn names(plans: &[Plan]) -> String {
    plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_three_names() {
        let plan = |id: &str, name: &str| Plan {
            id: id.into(),
            name: name.into(),
            paddle_price_id: format!("pri_{id}"),
            memory_mb_default: 512,
            volume_gb: 0,
            max_tenants: None,
            ..Plan::default()
        };
        let plans = [plan("a", "Starter"), plan("b", "Pro")];
        for (wanted, id) in [("pro", "b"), ("pri_a", "a"), ("a", "a")] {
            assert_eq!(named(&plans, wanted).expect("found").id, id);
        }
        let problem = named(&plans, "gold").expect_err("none");
        assert_eq!(problem.detail.as_deref(), Some("There are Starter, Pro."));
        assert!(told(&plans).contains("Starter  512 MB  -       -     a   pri_a\n"), "{}", told(&plans));
    }
}
