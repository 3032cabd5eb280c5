//! A panic inside of the full-screen program: the terminal is whole afterwards, and the end is told as what it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::terminal::Terminal;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending};
use std::sync::Arc;
use std::time::Duration;
use tenantry::model::{CheckoutSession, LogEntry, Me, Plan, Problem, ProvisioningEvent, SessionId, TenantId};
use tenantry::ops::call::{Call, Reply};
use tenantry::tui::{self, Backend, DeployNews, Live, Options, OutsideSettings, TenantList, TuiError};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

/// Set for the child alone: this very file, run again below a pseudo-terminal.
const CHILD: &str = "TENANTRY_TEST_CRASH";
/// What the child exits with when the panic was told as one.
const TOLD: i32 = 42;

/// Everything waits for ever, but the tenants: they panic.
struct Panics;

impl Backend for Panics {
    fn load_account(&self) -> BoxFuture<'_, Result<Me, Problem>> {
        pending().boxed()
    }
    fn ping_api(&self) -> BoxFuture<'_, Result<Duration, Problem>> {
        pending().boxed()
    }
    fn ping_engine(&self) -> BoxFuture<'_, Result<String, Problem>> {
        pending().boxed()
    }
    fn plans(&self) -> BoxFuture<'_, Result<Vec<Plan>, Problem>> {
        pending().boxed()
    }
    fn tenants(&self) -> BoxFuture<'_, Result<TenantList, Problem>> {
        async { panic!("on purpose: the tenants cannot be read") }.boxed()
    }
    fn checkout(&self, _: String, _: String) -> BoxFuture<'_, Result<CheckoutSession, Problem>> {
        pending().boxed()
    }
    fn watch_checkout(&self, _: SessionId, _: Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        pending().boxed()
    }
    fn watch_tenant(&self, _: TenantId, _: Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        pending().boxed()
    }
    fn follow_logs(&self, _: TenantId, _: Sender<Live<LogEntry>>) -> BoxFuture<'_, ()> {
        pending().boxed()
    }
    fn deploy(&self, _: Vec<TenantId>, _: Sender<(TenantId, DeployNews)>, _: CancellationToken) -> BoxFuture<'_, ()> {
        pending().boxed()
    }
    fn roll_back(
        &self,
        _: TenantId,
        _: Option<String>,
        _: Sender<(TenantId, DeployNews)>,
        _: CancellationToken,
    ) -> BoxFuture<'_, ()> {
        pending().boxed()
    }
    fn call(&self, _: Call) -> BoxFuture<'_, Result<Reply, Problem>> {
        pending().boxed()
    }
    fn open_url(&self, _: String) -> BoxFuture<'_, Result<(), Problem>> {
        pending().boxed()
    }
    fn auto_pay(&self, _: String) -> BoxFuture<'_, Result<(), Problem>> {
        pending().boxed()
    }
}

#[test]
fn a_panic_gives_the_terminal_back() {
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let outside = OutsideSettings { mouse: true, ..OutsideSettings::default() };
        let options = Options { outside, ..Options::default() };
        let ended = runtime.block_on(tui::run(Arc::new(Panics), options, CancellationToken::new()));
        std::process::exit(if matches!(ended, Err(TuiError::Panicked)) { TOLD } else { 1 });
    }
    let this = std::env::current_exe().expect("a path");
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["a_panic_gives_the_terminal_back", "--exact", "--nocapture"];
    let mut terminal = Terminal::start_program(&this, &arguments, folder.path(), &[(CHILD, "1")], 120, 36);
    // The mouse was moving when the terminal heard that nobody listens any more.
    terminal.send_late("\u{1b}[?1006l", "\u{1b}[<32;40;10M\u{1b}[<32;41;10M\u{1b}[<0;41;10m");
    let text = terminal.wait_for("settings kept");
    assert!(text.contains("on purpose"), "the message is on the restored screen:\n{text}");
    assert_eq!(terminal.wait_for_whole_end(), TOLD);
    let raw = terminal.raw();
    assert!(raw.windows(8).any(|window| window == b"\x1b[?1049h"), "it was on the alternate screen");
    assert!(raw.windows(8).any(|window| window == b"\x1b[?1006h"), "the mouse was on");
}
