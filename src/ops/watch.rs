//! Waiting for a tenant to come to rest: what its stream says until the operation under way has ended, and how it stands
//! then.

use std::collections::HashSet;
use tokio::sync::mpsc::Sender;

use super::Session;
use super::live::{self, Live};
use crate::model::{Problem, ProvisioningEvent, TenantId, TenantStatus};

/// Pause before the next look where the stream ended and the operation has not, seconds.
const PAUSE: u32 = 1;

/// Passes on what the stream says, each event once, until nothing is under way. Where nothing is to begin with, no stream
/// is opened. Ends also where nobody listens any more.
///
/// # Errors
/// The server's refusal, or that it does not answer.
pub async fn until_at_rest(
    session: &Session,
    tenant: &TenantId,
    events: &Sender<ProvisioningEvent>,
) -> Result<TenantStatus, Problem> {
    let mut seen = HashSet::new();
    loop {
        let status = session.client().status(tenant).await.map_err(|error| error.problem())?;
        if !status.state().is_moving() || events.is_closed() {
            return Ok(status);
        }
        let (sender, mut said) = tokio::sync::mpsc::channel(16);
        let watch = async {
            let sender = sender;
            live::watch_operation(session, tenant, &sender).await;
        };
        let pass_on = async {
            while let Some(said) = said.recv().await {
                match said {
                    Live::Item(event) => {
                        let is_new = event.event_key.as_ref().is_none_or(|key| seen.insert(key.clone()));
                        if is_new && events.send(event).await.is_err() {
                            return Ok(());
                        }
                    }
                    Live::Failed(problem) => return Err(problem),
                    Live::Connected | Live::Interrupted { .. } | Live::Ended => {}
                }
            }
            Ok(())
        };
        tokio::select! {
            ((), passed) = async { tokio::join!(watch, pass_on) } => passed?,
            () = events.closed() => {}
            // The end of an operation is not always the end of its stream: the first phase ends without a last word.
            () = rests(session, tenant) => {}
        }
        tokio::time::sleep(session.client().pace().seconds(PAUSE)).await;
    }
}

/// Looks now and then until nothing is under way, and leaves the stream a moment for what it has still to say. What goes
/// wrong meanwhile the stream tells.
async fn rests(session: &Session, tenant: &TenantId) {
    let pause = session.client().pace().seconds(PAUSE);
    loop {
        tokio::time::sleep(pause * 2).await;
        let status = session.client().status(tenant).await;
        if status.is_ok_and(|status| !status.state().is_moving()) {
            tokio::time::sleep(pause).await;
            return;
        }
    }
}
