//! The loop and the runner against a scripted backend, with a scripted keyboard and a counted screen.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::model::{CheckoutSession, LogEntry, Me, Plan, Problem, ProvisioningEvent, SessionId, Tenant, TenantId};
use crate::ops::call::{Call, Reply};
use crate::tui::app::App;
use crate::tui::backend::{Backend, DeployNews, Live, TenantList};
use crate::tui::runtime::testing::{Loop, drive};
use crate::tui::testing::{event, log, me, tenant, tenant_id};

/// Answers at once; its streams say a little and stay open, its deploy waits until it is stopped.
#[derive(Default)]
pub(super) struct Script {
    stopped_deploys: AtomicUsize,
    /// There is a second tenant.
    two: bool,
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, T> {
    std::future::ready(value).boxed()
}

impl Backend for Script {
    fn load_account(&self) -> BoxFuture<'_, Result<Me, Problem>> {
        ready(Ok(me()))
    }
    fn ping_api(&self) -> BoxFuture<'_, Result<Duration, Problem>> {
        ready(Ok(Duration::from_millis(1)))
    }
    fn ping_engine(&self) -> BoxFuture<'_, Result<String, Problem>> {
        ready(Ok("default".to_owned()))
    }
    fn plans(&self) -> BoxFuture<'_, Result<Vec<Plan>, Problem>> {
        ready(Ok(Vec::new()))
    }
    fn tenants(&self) -> BoxFuture<'_, Result<TenantList, Problem>> {
        let mut tenants: Vec<Tenant> = vec![tenant(1, "orchard", "running")];
        tenants.extend(self.two.then(|| tenant(2, "docs", "running")));
        ready(Ok(TenantList { tenants, rejected: Vec::new() }))
    }
    fn checkout(&self, _: String, _: String) -> BoxFuture<'_, Result<CheckoutSession, Problem>> {
        ready(Err(Problem::new("Not for sale.")))
    }
    fn watch_checkout(&self, _: SessionId, _: mpsc::Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        ready(())
    }
    fn watch_tenant(&self, _: TenantId, events: mpsc::Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        async move {
            for live in [Live::Connected, Live::Item(event("k", "tenant_ready", 1))] {
                let _ = events.send(live).await;
            }
            std::future::pending::<()>().await;
        }
        .boxed()
    }
    fn follow_logs(&self, _: TenantId, lines: mpsc::Sender<Live<LogEntry>>) -> BoxFuture<'_, ()> {
        async move {
            for number in 0..5_000 {
                let _ = lines.send(Live::Item(log(number, "info", &format!("line {number}")))).await;
            }
        }
        .boxed()
    }
    fn deploy(
        &self,
        mut tenants: Vec<TenantId>,
        news: mpsc::Sender<(TenantId, DeployNews)>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, ()> {
        async move {
            if tenants.len() > 1 {
                let failed = Err(Problem::new("This one has no room."));
                let _ = news.send((tenants.remove(0), DeployNews::Ended(Box::new(failed)))).await;
            }
            cancel.cancelled().await;
            self.stopped_deploys.fetch_add(1, Ordering::SeqCst);
            for id in tenants {
                let stopped = Err(Problem::new("The deploy was stopped."));
                let _ = news.send((id, DeployNews::Ended(Box::new(stopped)))).await;
            }
        }
        .boxed()
    }
    fn roll_back(
        &self,
        _: TenantId,
        _: Option<String>,
        _: mpsc::Sender<(TenantId, DeployNews)>,
        _: CancellationToken,
    ) -> BoxFuture<'_, ()> {
        ready(())
    }
    fn call(&self, _: Call) -> BoxFuture<'_, Result<Reply, Problem>> {
        ready(Err(Problem::new("Not in this test.")))
    }
    fn open_url(&self, _: String) -> BoxFuture<'_, Result<(), Problem>> {
        ready(Ok(()))
    }
    fn auto_pay(&self, _: String) -> BoxFuture<'_, Result<(), Problem>> {
        ready(Ok(()))
    }
}

fn key(c: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
}

/// A keyboard on which a key is pressed when the picture says so.
struct Keyboard {
    sender: mpsc::UnboundedSender<io::Result<Event>>,
}

fn keyboard() -> (Keyboard, impl futures_util::Stream<Item = io::Result<Event>> + Unpin) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let input = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|event| (event, receiver)) });
    (Keyboard { sender }, input.boxed())
}

#[tokio::test]
async fn a_flood_of_lines_arrives_whole_in_few_pictures_and_q_leaves() {
    let (keyboard, input) = keyboard();
    let mut pictures = 0;
    let mut lines = 0;
    let stop = CancellationToken::new();
    let draw = |app: &App| {
        pictures += 1;
        lines = app.panes.logs.seen();
        if lines == 5_000 && *app.panes.logs.feed() == crate::tui::panes::feed::Feed::Ended {
            let _ = keyboard.sender.send(Ok(key('q')));
        }
        Ok(())
    };
    let result = Box::pin(drive(Loop::default(), Arc::new(Script::default()), input, stop, draw)).await;
    assert!(result.is_ok());
    assert_eq!(lines, 5_000);
    assert!(pictures < 1_000, "{pictures} pictures for 5,000 lines");
}

#[tokio::test]
async fn stop_leaves_at_once_and_lets_the_deploy_tidy_up() {
    let (keyboard, input) = keyboard();
    let script = Arc::new(Script::default());
    let stop = CancellationToken::new();
    let fire = stop.clone();
    let mut pressed = false;
    let draw = |app: &App| {
        if app.shared.deploys.any_running() {
            fire.cancel();
        } else if app.selected().is_some() && !pressed {
            pressed = true;
            let _ = keyboard.sender.send(Ok(key('d')));
        }
        Ok(())
    };
    let result = Box::pin(drive(Loop::default(), Arc::clone(&script) as Arc<dyn Backend>, input, stop, draw)).await;
    assert!(result.is_ok());
    assert_eq!(script.stopped_deploys.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn several_deploys_end_one_by_one() {
    let (keyboard, input) = keyboard();
    let script = Arc::new(Script { two: true, ..Script::default() });
    let stop = CancellationToken::new();
    let fire = stop.clone();
    let (mut pressed, mut told) = (false, false);
    let draw = |app: &App| {
        if app.shared.tenants.count() == 2 && !pressed {
            pressed = true;
            // Both are marked, and the question is answered.
            for c in [' ', ' ', 'd', 'y'] {
                let _ = keyboard.sender.send(Ok(key(c)));
            }
        }
        let ended = |number| app.shared.deploys.of(&tenant_id(number)).is_some_and(|run| run.result().is_some());
        if ended(1) && !ended(2) {
            told = true;
            fire.cancel();
        }
        Ok(())
    };
    let result = Box::pin(drive(Loop::default(), Arc::clone(&script) as Arc<dyn Backend>, input, stop, draw)).await;
    assert!(result.is_ok());
    assert!(told, "the end of one is told while the other runs");
}

#[tokio::test]
async fn a_terminal_that_is_gone_ends_the_loop() {
    let input = stream::empty();
    let result =
        Box::pin(drive(Loop::default(), Arc::new(Script::default()), input, CancellationToken::new(), |_| Ok(())))
            .await;
    assert!(result.is_ok());
    let broken = stream::pending();
    let result =
        Box::pin(drive(Loop::default(), Arc::new(Script::default()), broken, CancellationToken::new(), |_| {
            Err(io::Error::other("no terminal"))
        }))
        .await;
    assert!(matches!(result, Err(crate::tui::TuiError::Terminal(_))));
}
