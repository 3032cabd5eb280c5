//! The end of a server, in order: nothing new is begun, what runs may end, and only then everything stops.
//!
//! What is still running when the time is up is cut off; the next start says what became of it (protocol F.3).

use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::server::state::Server;

/// How long whoever listens may take to hear how it ended. Those who listen for more than that are cut off.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How often is looked whether they have.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until the server is to leave; stops it when what runs has ended, when the time for that is up, or when somebody
/// is in a hurry.
pub async fn until_stopped(server: &Server, leave: CancellationToken) {
    tokio::select! {
        () = leave.cancelled() => {}
        () = server.stop.cancelled() => return,
    }
    let operations = &server.operations;
    operations.draining.cancel();
    operations.running.close();
    let patience = server.settings.drain();
    let something_runs = !operations.running.is_empty();
    if something_runs {
        tracing::info!(operations = operations.running.len(), seconds = patience.as_secs(), "waiting for what runs");
    }
    tokio::select! {
        biased;
        () = async {
            operations.running.wait().await;
            if something_runs {
                let heard = async {
                    while operations.metrics.open_streams() > 0 {
                        tokio::time::sleep(LOOK).await;
                    }
                };
                let _ = tokio::time::timeout(LAST_WORDS.min(patience), heard).await;
            }
        } => {}
        () = server.settings.operations.at_once.cancelled() => tracing::warn!("what runs is cut off, as asked"),
        () = tokio::time::sleep(patience) => {
            tracing::warn!(operations = operations.running.len(), "what still runs is cut off");
        }
    }
    server.stop.cancel();
}
