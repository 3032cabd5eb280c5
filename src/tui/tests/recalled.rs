//! The list of the last time: on the screen before anything has answered, and gone as soon as the API has.

use super::pictures::at_each_size;
use crate::model::Problem;
use crate::settings::LastTenants;
use crate::tui::app::{App, Options};
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, me, moment, tenant_id, tenants};
use crate::tui::theme::{Depth, Theme};
use crate::tui::{Again, TenantList};

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

#[test]
fn nothing_is_done_to_a_tenant_of_the_last_time() {
    let deploys = |play: &Play| {
        play.effects.iter().filter(|effect| matches!(effect, Effect::Start(_, Request::Deploy(_)))).count()
    };
    let mut play = started(120, 36);
    for keys in [&[Key::Char('d')][..], &[Key::Char('r')], &[Key::Char('t'), Key::Char('d')]] {
        play.keys(keys);
        assert!(play.app.dialog.is_none() && play.text().contains("those of the last time"), "{keys:?}");
    }
    assert_eq!(deploys(&play), 0);
    answered(&mut play, Ok(TenantList { tenants: tenants(), rejected: Vec::new() }));
    play.keys(&[Key::Char('d')]);
    assert_eq!(deploys(&play), 1);
}

#[test]
fn whoever_selects_one_meanwhile_keeps_it() {
    let mut play = started(120, 36);
    play.app.shared.tenants.wanted = Some(tenant_id(6));
    play.keys(&[Key::Down]);
    answered(&mut play, Ok(TenantList { tenants: tenants(), rejected: Vec::new() }));
    assert_eq!(play.app.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(2)));
}

#[test]
fn what_a_login_broke_off_waits_for_the_fresh_list() {
    let last = LastTenants::new(moment(0).wall, tenants().split_off(3));
    let again = Again { command: "tenant.restart", tenant: Some(tenant_id(1)), call: None };
    let options = Options { last_tenants: Some(last), again: Some(again), ..Options::default() };
    let theme = Theme::new(Depth::Sixteen);
    let app = App::new(options, theme, jiff::tz::TimeZone::UTC, moment(0), (120, 36));
    let mut play = Play { app, effects: Vec::new() };
    play.send(Msg::Started);
    play.answer(Slot::Account, Answer::Account(Ok(me())));
    assert!(play.app.dialog.is_none() && play.app.shared.again.is_some(), "the old list does not know it");
    answered(&mut play, Ok(TenantList { tenants: tenants(), rejected: Vec::new() }));
    assert!(matches!(&play.app.dialog, Some(Dialog::Confirm(_))), "{}", play.text());
    assert_eq!(play.app.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(1)));
}
