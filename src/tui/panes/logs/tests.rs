//! Pictures of the logs pane, and what its keys do.

mod flows;
mod random;

use super::State;
use crate::model::{LogEntry, Problem, TenantId};
use crate::tui::backend::Live;
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use crate::tui::testing::{Play, log, log_feed, tenant, tenant_id, tenants, typed};
use crate::tui::theme::{Depth, Theme};

fn at_each_size(name: &str, make: impl Fn(u16, u16) -> Play) {
    for (width, height) in [(80, 24), (120, 36), (200, 60)] {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), make(width, height).picture());
    }
}

/// Lines of a tenant.
fn lines_of(play: &mut Play, id: &TenantId, entries: impl IntoIterator<Item = LogEntry>) {
    let news = entries.into_iter().map(Live::Item).collect();
    play.answer(Slot::LogFeed(id.clone()), Answer::Logs(id.clone(), news));
}

fn lines(play: &mut Play, entries: impl IntoIterator<Item = LogEntry>) {
    lines_of(play, &tenant_id(1), entries);
}

fn said(play: &mut Play, live: Live<LogEntry>) {
    play.answer(log_feed(), Answer::Logs(tenant_id(1), vec![live]));
}

/// The pane has the focus, and its stream is on its way.
fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('l')]);
    play
}

fn requests(second: i64) -> impl Iterator<Item = LogEntry> {
    (0..40).map(move |number| {
        let status = if number % 9 == 4 { 500 } else { 200 };
        let level = if status == 500 { "error" } else { "info" };
        log(second + number, level, &format!("GET /api/v1/agents/{number}/runs {status} {} ms", 3 + number % 7))
    })
}

/// Lines of every kind.
pub(in crate::tui) fn filled(width: u16, height: u16) -> Play {
    let mut play = opened(width, height);
    said(&mut play, Live::Connected);
    lines(&mut play, requests(-60));
    lines(
        &mut play,
        [
            log(1, "info", "migrations: 12 applied"),
            log(
                2,
                "debug",
                "\u{1b}[32mDEBUG\u{1b}[0m \u{1b}[2morchard::http\u{1b}[0m request \u{1b}[3mmethod\u{1b}[0m=GET \u{1b}[38;5;208mpath\u{1b}[0m=/",
            ),
            log(3, "warn", "WARN  openai: no key, provider disabled"),
            log(4, "error", "anthropic: 401 invalid key"),
            log(5, "info", "果樹園のリクエストを処理しました 経路=/api/v1/health 所要時間=3ミリ秒"),
            LogEntry {
                timestamp: String::new(),
                message: "a line without a time, of the one before".to_owned(),
                level: None,
            },
            log(6, "info", &format!("a long line: {}", "GET /api/v1/agents ".repeat(14))),
            log(7, "fatal", "the database system is shutting down"),
        ],
    );
    play
}

fn state(play: &Play) -> &State {
    &play.app.panes.logs
}

#[test]
fn nobody_logs() {
    at_each_size("empty", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.keys(&[Key::Char('l')]);
        play
    });
    let mut play = Play::ready(120, 36, vec![tenant(1, "archive", "suspended")]);
    play.keys(&[Key::Char('l')]);
    assert!(play.text().contains("It is suspended and logs nothing."));
    let mut play = opened(120, 36);
    said(&mut play, Live::Connected);
    assert!(play.text().contains("It has logged nothing yet."));
}

#[test]
fn on_its_way() {
    at_each_size("loading", opened);
}

#[test]
fn lines_of_every_kind() {
    at_each_size("filled", filled);
}

#[test]
fn without_colours_weights_are_left() {
    let mut play = filled(120, 36);
    play.app.shared.theme = Theme::new(Depth::Plain);
    insta::assert_snapshot!("plain_120x36", play.picture());
}

#[test]
fn lost() {
    at_each_size("error", |width, height| {
        let mut play = filled(width, height);
        let problem =
            Problem::new("The log cannot be read.").hint("Its machine is gone: deploy it again, then press R.");
        said(&mut play, Live::Failed(problem));
        play
    });
}

#[test]
fn searching_while_it_is_typed_and_after() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('/')]);
    typed(&mut play, "agents/3[0-9]");
    insta::assert_snapshot!("searching_120x36", play.picture());
    play.keys(&[Key::Enter]);
    insta::assert_snapshot!("found_120x36", play.picture());
    let mut play = filled(80, 24);
    play.keys(&[Key::Char('/')]);
    typed(&mut play, "(api");
    insta::assert_snapshot!("mistake_80x24", play.picture());
}

#[test]
fn filtered() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('&')]);
    typed(&mut play, "!GET");
    play.keys(&[Key::Enter]);
    insta::assert_snapshot!("filtered_120x36", play.picture());
    play.keys(&[Key::Char('&'), Key::Ctrl('u')]);
    typed(&mut play, "nothing of that kind");
    assert!(play.text().contains("No line fits the filter."));
}

#[test]
fn wrapped() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut play = filled(width, height);
        play.keys(&[Key::Char('w')]);
        insta::assert_snapshot!(format!("wrapped_{width}x{height}"), play.picture());
    }
}

#[test]
fn lines_that_were_chosen() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('v'), Key::Up, Key::Up, Key::Up]);
    insta::assert_snapshot!("selection_120x36", play.picture());
}

/// Three tenants that log at the same time.
fn merged(width: u16, height: u16) -> Play {
    let list =
        vec![tenant(1, "orchard", "running"), tenant(2, "orchard-staging", "running"), tenant(3, "docs", "running")];
    let mut play = Play::ready(width, height, list);
    play.keys(&[Key::Char('a'), Key::Char('l'), Key::Char('m')]);
    for (number, name) in [(1, "orchard"), (2, "staging"), (3, "docs")] {
        let id = tenant_id(number);
        let entries = (0..6).map(|n| log(n * 3 + i64::from(number), "info", &format!("GET /{name}/{n} 200")));
        lines_of(&mut play, &id, entries);
    }
    play
}

#[test]
fn several_tenants_together() {
    for (width, height) in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("merged_{width}x{height}"), merged(width, height).picture());
    }
}

#[test]
fn paused_while_lines_arrive() {
    at_each_size("paused", |width, height| {
        let mut play = filled(width, height);
        play.keys(&[Key::PageUp]);
        lines(&mut play, requests(100));
        play
    });
}

#[test]
fn lines_that_were_dropped_are_counted() {
    let mut play = Play::new(120, 36);
    play.app.shared.options.log_megabytes = Some(1);
    play.list(tenants());
    play.keys(&[Key::Char('l')]);
    said(&mut play, Live::Connected);
    lines(&mut play, (0..20_000).map(|number| log(number, "info", &format!("line {number} {}", "x".repeat(90)))));
    assert!(state(&play).log.bytes() <= 1 << 20);
    insta::assert_snapshot!("dropped_120x36", play.picture());
}

#[test]
fn read_only_writes_no_file_and_copies_all_the_same() {
    let mut play = filled(120, 36);
    play.app.shared.lock = Lock::ReadOnly;
    play.keys(&[Key::Char('W')]);
    assert!(play.app.dialog.is_none());
    insta::assert_snapshot!("read_only_120x36", play.picture());
    for (width, height) in [(80, 24), (200, 60)] {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        insta::assert_snapshot!(format!("read_only_{width}x{height}"), play.picture());
    }
    play.app.shared.lock = Lock::Protected;
    play.keys(&[Key::Char('W')]);
    assert!(play.app.dialog.is_some(), "nothing is changed in the context");
}
