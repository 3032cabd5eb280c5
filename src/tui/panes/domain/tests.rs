//! What the domain pane shows, and how a domain is set, watched and removed.

use proptest::prelude::*;
use std::time::Duration;

use super::name;
use crate::model::{CustomDomain, DnsRecord, DomainStatus, Problem};
use crate::ops::call::{Call, Reply};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::pictures::at_each_size;
use crate::tui::panes::{Pane, PaneView};
use crate::tui::testing::{Play, at, tenant, tenant_id, tenants, typed};

const DOMAIN: Slot = Slot::Pane(Pane::Domain, "domain");

fn domain(status: DomainStatus) -> CustomDomain {
    let is_active = status == DomainStatus::Active;
    CustomDomain {
        domain: "app.orchard.example".into(),
        verified: is_active,
        dns_target: "3f6c1b8e52d4.systemprompt.io".into(),
        dns_instructions: Some(DnsRecord {
            record_type: "CNAME".into(),
            host: "app".into(),
            value: "3f6c1b8e52d4.systemprompt.io".into(),
            ttl: 300,
        }),
        message: (status == DomainStatus::Error).then(|| "It leads to 203.0.113.9, which is not this server.".into()),
        created_at: Some(at(-86_400)),
        verified_at: is_active.then(|| at(-3600)),
        status,
    }
}

fn reply(status: DomainStatus) -> Answer {
    Answer::Reply(Ok(Reply::Domain(Some(Box::new(domain(status))))))
}

fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('8')]);
    play
}

fn with(width: u16, height: u16, status: DomainStatus) -> Play {
    let mut play = opened(width, height);
    play.answer(DOMAIN, reply(status));
    play
}

fn without(width: u16, height: u16) -> Play {
    let mut play = opened(width, height);
    play.answer(DOMAIN, Answer::Reply(Ok(Reply::Domain(None))));
    play
}

fn calls(play: &Play) -> Vec<Call> {
    let call = |effect: &Effect| match effect {
        Effect::Start(_, Request::Call(call)) => Some(call.clone()),
        _ => None,
    };
    play.effects.iter().filter_map(call).collect()
}

#[test]
fn nobody_is_selected() {
    at_each_size("domain_empty", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.keys(&[Key::Char('8')]);
        play
    });
}

#[test]
fn it_loads() {
    at_each_size("domain_loading", opened);
}

#[test]
fn there_is_none() {
    at_each_size("domain_none", without);
}

#[test]
fn it_waits_for_its_record() {
    at_each_size("domain_pending", |width, height| with(width, height, DomainStatus::PendingDns));
}

#[test]
fn it_leads_here() {
    insta::assert_snapshot!("domain_active_120x36", with(120, 36, DomainStatus::Active).picture());
}

#[test]
fn it_leads_elsewhere() {
    insta::assert_snapshot!("domain_elsewhere_120x36", with(120, 36, DomainStatus::Error).picture());
}

#[test]
fn it_cannot_be_loaded() {
    at_each_size("domain_error", |width, height| {
        let mut play = opened(width, height);
        let problem = Problem::new("The domain cannot be shown.")
            .detail("GET /api/v1/tenants: 500 internal")
            .hint("Try again in a moment.");
        play.answer(DOMAIN, Answer::Reply(Err(problem)));
        play
    });
}

#[test]
fn nothing_may_be_changed() {
    at_each_size("domain_read_only", |width, height| {
        let mut play = with(width, height, DomainStatus::PendingDns);
        play.app.shared.lock = Lock::ReadOnly;
        play
    });
    let mut play = without(120, 36);
    play.app.shared.lock = Lock::ReadOnly;
    play.keys(&[Key::Char('a')]);
    assert!(play.app.dialog.is_none() && play.text().contains("read-only"));
}

#[test]
fn a_domain_is_set_and_its_record_shown() {
    let mut play = without(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('a')]);
    typed(&mut play, "https://App.Orchard.example/");
    insta::assert_snapshot!("domain_ask_120x36", play.picture());
    play.keys(&[Key::Enter]);
    assert_eq!(calls(&play), [Call::SetDomain { id: tenant_id(1), domain: "app.orchard.example".into() }]);
    play.answer(Slot::Action("domain", tenant_id(1)), reply(DomainStatus::PendingDns));
    let text = play.text();
    assert!(text.contains("CNAME") && text.contains("300 s"), "{text}");
    assert!(text.contains("orchard has a domain: its DNS record comes next."), "{text}");
}

#[test]
fn what_is_no_name_is_not_sent() {
    let mut play = without(120, 36);
    play.take_effects();
    for text in ["", "orchard", "app.orchard.example/path", "a b.example", "..."] {
        play.keys(&[Key::Char('a')]);
        typed(&mut play, text);
        play.keys(&[Key::Enter]);
        assert_eq!(calls(&play), [], "{text}");
        assert!(play.text().contains("That is no domain."), "{text}");
    }
}

#[test]
fn a_domain_that_is_set_is_removed_first() {
    let mut play = with(120, 36, DomainStatus::PendingDns);
    play.take_effects();
    play.keys(&[Key::Char('a')]);
    assert!(play.text().contains("app.orchard.example is set. Remove it first: press x."), "{}", play.text());
    play.keys(&[Key::Esc, Key::Char('x'), Key::Enter]);
    assert_eq!(calls(&play), [], "the answer of Enter is no");
    play.keys(&[Key::Char('x')]);
    insta::assert_snapshot!("domain_remove_120x36", play.picture());
    play.keys(&[Key::Char('y')]);
    assert_eq!(calls(&play), [Call::RemoveDomain(tenant_id(1))]);
    let gone = Answer::Reply(Ok(Reply::DomainRemoved { already: false }));
    play.answer(Slot::Action("domain-off", tenant_id(1)), gone);
    assert!(play.text().contains("No domain of its own."), "{}", play.text());
    play.keys(&[Key::Esc, Key::Char('x')]);
    assert!(play.text().contains("There is no domain to remove."), "{}", play.text());
}

#[test]
fn it_is_looked_for_while_it_is_pending_and_no_longer() {
    let mut play = with(120, 36, DomainStatus::PendingDns);
    play.take_effects();
    assert_eq!(play.app.panes.domain.wake(), Some(Duration::from_secs(30)));
    play.tick(29);
    assert!(!calls(&play).contains(&Call::Domain(tenant_id(1))));
    play.tick(30);
    assert!(calls(&play).contains(&Call::Domain(tenant_id(1))));
    assert_eq!(play.app.panes.domain.wake(), None, "nothing is due while the answer is on its way");
    play.answer(DOMAIN, Answer::Reply(Err(Problem::new("Not now."))));
    assert_eq!(play.app.panes.domain.wake(), Some(Duration::from_mins(1)), "a failure is no reason to stop");
    assert!(play.text().contains("Not up to date: Not now.") && play.text().contains("CNAME"), "{}", play.text());
    play.tick(60);
    play.answer(DOMAIN, reply(DomainStatus::Active));
    assert!(play.text().contains("app.orchard.example leads here now."), "{}", play.text());
    assert_eq!(play.app.panes.domain.wake(), None);
}

#[test]
fn the_value_is_copied() {
    let mut play = with(120, 36, DomainStatus::PendingDns);
    play.keys(&[Key::Char('y')]);
    assert!(play.copied().is_some_and(|(text, secret)| !text.is_empty() && !secret));
    let mut play = without(120, 36);
    play.keys(&[Key::Char('y')]);
    assert!(play.text().contains("There is no DNS record to copy."), "{}", play.text());
}

#[test]
fn one_that_is_being_deleted_gets_none() {
    let mut play = Play::ready(120, 36, vec![tenant(1, "orchard", "deleting")]);
    play.keys(&[Key::Char('8')]);
    play.answer(DOMAIN, Answer::Reply(Ok(Reply::Domain(None))));
    play.keys(&[Key::Char('a')]);
    assert!(play.app.dialog.is_none() && play.text().contains("orchard is deleting now."), "{}", play.text());
}

#[test]
fn a_late_answer_is_not_shown_at_the_next_tenant() {
    let mut play = opened(120, 36);
    play.keys(&[Key::BackTab, Key::Down]);
    play.answer(DOMAIN, reply(DomainStatus::PendingDns));
    assert!(!play.text().contains("CNAME"), "{}", play.text());
    play.tick(1);
    assert!(!play.text().contains("CNAME"), "{}", play.text());
    assert_eq!(play.app.panes.domain.wake(), None);
}

#[test]
fn every_small_size_can_be_drawn() {
    let mut play = with(120, 36, DomainStatus::Error);
    play.keys(&[Key::End]);
    for width in (60..70).chain([99, 100, 101]) {
        for height in [16, 17, 30] {
            play.send(Msg::Resized { width, height });
            play.text();
        }
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_a_name_and_stays_one(typed in "\\PC{0,30}|(https?://)?[a-zA-Z0-9.-]{1,20}/?") {
        if let Some(found) = name(&typed) {
            prop_assert!(!found.contains(['/', ' ', ':']) && found.contains('.'));
            prop_assert_eq!(name(&found), Some(found.clone()));
        }
    }
}
