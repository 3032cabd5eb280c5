//! The list of the last time: on the screen before anything has answered, and gone as soon as the API has.

use super::pictures::at_each_size;
use crate::model::Problem;
use crate::settings::LastTenants;
use crate::tui::TenantList;
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;
use crate::tui::testing::{Play, moment, tenants};

/// A start before any answer, two hours after the last time.
fn started(width: u16, height: u16) -> Play {
    let mut play = Play::new(width, height);
    let two_hours = jiff::SignedDuration::from_hours(2);
    play.app.shared.tenants.recall(LastTenants::new(moment(0).wall - two_hours, tenants()));
    play
}

fn answered(play: &mut Play, list: Result<TenantList, Problem>) {
    play.answer(Slot::Tenants, Answer::Tenants(list));
}

#[test]
fn the_list_of_the_last_time() {
    at_each_size("recalled", started);
    at_each_size("recalled_and_api_down", |width, height| {
        let mut play = started(width, height);
        let refused = Problem::new("The Management API is not reachable.").hint("Check the network.");
        answered(&mut play, Err(refused));
        play
    });
}

#[test]
fn a_fresh_list_takes_its_place() {
    let mut play = started(120, 36);
    assert!(play.text().contains("as of 2h ago"));
    answered(&mut play, Ok(TenantList { tenants: tenants().split_off(2), rejected: Vec::new() }));
    let text = play.text();
    assert!(!text.contains("as of") && !text.contains("orchard"), "{text}");
    let ids: Vec<_> = tenants().split_off(2).into_iter().map(|tenant| tenant.id).collect();
    assert_eq!(play.app.shared.tenants.list().iter().map(|tenant| tenant.id.clone()).collect::<Vec<_>>(), ids);
}
