//! Works off what the payment provider told, and what it has to be told: kept in the database first, so that neither
//! is lost when the server ends in between. Must not know what an event means.

use std::time::Duration;
use tokio::task::JoinHandle;

use super::notice::{Meaning, Notice};
use super::webhook;
use crate::server::error::Failure;
use crate::server::state::Server;
use crate::server::store::inbox::{self, Told};
use crate::server::store::{self, StoreError, sessions, subscriptions};

/// How often it is looked for what was left.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long events are kept: much longer than any payment provider repeats them.
const KEPT_HOURS: i64 = 90 * 24;
/// The word by which tests make the work of an event fail.
pub const FAULT: &str = "webhook";

/// Keeps an event and begins its work; `None` when the event is known. The payment is marked in the same step, so that
/// nobody is asked to pay again while the work goes on.
pub async fn accept(
    server: &Server,
    notice: &Notice,
    meaning: &Meaning,
    body: &[u8],
) -> Result<Option<JoinHandle<()>>, Failure> {
    let occurred_at = notice.occurred_at()?;
    let body = String::from_utf8(body.to_vec()).map_err(|_| Failure::bad_request("the webhook's body is not UTF-8"))?;
    let told = Told {
        event_id: &notice.event_id,
        event_type: &notice.event_type,
        occurred_at: &occurred_at,
        subject: notice.subject(),
        body: &body,
    };
    let mut tx = server.store.write().await?;
    if !inbox::keep(&mut tx, told).await? {
        return Ok(None);
    }
    if let Meaning::Purchase(purchase) = meaning {
        let session = sessions::get(&mut tx, purchase.session.as_str()).await?;
        if session.is_some_and(|session| purchase.pays_for(&session)) {
            sessions::mark_paid(&mut tx, purchase.session.as_str()).await?;
        }
    }
    tx.commit().await?;
    Ok(Some(begin(server, body)))
}

/// Works off what an earlier run left, before anybody is answered, and whatever fails later.
pub async fn start(server: &Server) -> Result<(), StoreError> {
    work_off(server).await?;
    hurry(server);
    let worker = server.clone();
    drop(server.background(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Err(error) = round(&worker).await {
                tracing::error!(%error, "what the payment provider told cannot be worked off now");
            }
        }
    }));
    Ok(())
}

async fn round(server: &Server) -> Result<(), StoreError> {
    work_off(server).await?;
    if let Some(paddle) = &server.paddle {
        for owed in subscriptions::owed(&mut *server.store.read().await?).await? {
            let mut tx = server.store.write().await?;
            let still = subscriptions::telling(&mut tx, &owed).await?;
            tx.commit().await?;
            if !still {
                continue;
            }
            match paddle.change(&owed.paddle_subscription_id, &owed.owed).await {
                Ok(()) => {
                    let mut tx = server.store.write().await?;
                    subscriptions::told(&mut tx, &owed).await?;
                    tx.commit().await?;
                }
                Err(error) => tracing::error!(change = owed.owed, %error, "Paddle is told again later"),
            }
        }
    }
    let before = jiff::Timestamp::now().saturating_sub(jiff::SignedDuration::from_hours(KEPT_HOURS));
    let mut tx = server.store.write().await?;
    inbox::forget_before(&mut tx, &store::at(before.unwrap_or(jiff::Timestamp::MIN))).await?;
    tx.commit().await?;
    Ok(())
}

/// Works off everything that waits.
pub async fn work_off(server: &Server) -> Result<(), StoreError> {
    let waiting = inbox::waiting(&mut *server.store.read().await?).await?;
    for event in waiting {
        // In the order in which it happened.
        let _ = begin(server, event.body).await;
    }
    Ok(())
}

/// Does an event's work in a task of its own, which nobody cuts off: whoever waits for it may leave, and a server that has
/// to end waits for it.
fn begin(server: &Server, body: String) -> JoinHandle<()> {
    let worker = server.clone();
    server.tasks.spawn(server.operations.running.track_future(async move {
        let done = async {
            let notice = Notice::read(body.as_bytes())?;
            if worker.settings.faults.strike(FAULT) {
                return Err(Failure::unavailable("failed on demand"));
            }
            webhook::perform(&worker, notice).await
        };
        if let Err(failure) = done.await {
            tracing::error!(?failure, "a webhook event waits to be tried again");
        }
    }))
}

/// Tells Paddle soon what it has to be told.
pub fn hurry(server: &Server) {
    if server.paddle.is_none() {
        return;
    }
    let worker = server.clone();
    drop(server.background(async move {
        if let Err(error) = round(&worker).await {
            tracing::warn!(%error, "Paddle is told later");
        }
    }));
}
