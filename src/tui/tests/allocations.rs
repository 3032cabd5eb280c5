//! What an unchanged picture costs in allocations: a number that does not grow with what is kept, and that nobody raises
//! without noticing.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::pictures::filled;
use crate::model::Tenant;
use crate::tui::backend::Live;
use crate::tui::testing::{Play, log, log_answer, log_feed, tenant, tenant_id};
use crate::tui::view::view;

/// Allocations of a picture of 120×36 that is drawn again. Fewer are welcome: then this is lowered.
const MOST: u64 = 900;

/// Allocations of drawing the same state a second time.
fn unchanged(play: &Play) -> u64 {
    let (width, height) = play.app.shared.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(&play.app, frame)).unwrap();
    let info = allocation_counter::measure(|| {
        terminal.draw(|frame| view(&play.app, frame)).unwrap();
    });
    info.count_total
}

fn many() -> Vec<Tenant> {
    let id = |number: u32| crate::model::TenantId::new(format!("ten_{number}")).unwrap();
    let first = tenant(1, "orchard", "running");
    let rest =
        (2..10_000u32).map(|number| Tenant { id: id(number), ..tenant(2, &format!("tenant-{number}"), "running") });
    std::iter::once(first).chain(rest).collect()
}

#[test]
fn an_unchanged_picture_allocates_no_more_than_it_did() {
    let count = unchanged(&filled(120, 36));
    assert!(count > 0, "nothing was counted");
    assert!(count <= MOST, "{count} allocations for an unchanged picture, {MOST} were enough before");
}

#[test]
fn it_does_not_grow_with_what_is_kept() {
    let small = unchanged(&filled(120, 36));
    let mut play = Play::ready(120, 36, many());
    play.tick(1);
    assert_eq!(play.app.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(1)));
    for second in 0..5_000 {
        play.answer(log_feed(), log_answer(Live::Item(log(second, "info", &format!("GET /{second} 200")))));
    }
    let large = unchanged(&play);
    // More rows are filled than in the small picture; what is not in sight costs nothing.
    assert!(large < small * 3, "{large} allocations with 10,000 tenants and 5,000 lines, {small} with a few");
}
