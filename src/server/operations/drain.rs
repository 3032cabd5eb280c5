//! The end of a server, in order: nothing new is begun, what runs may end, and only then everything stops.
//!
//! What is still running when the time is up is cut off; the next start says what became of it (protocol F.3).

use tokio_util::sync::CancellationToken;

use crate::server::state::Server;

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
    if !operations.running.is_empty() {
        tracing::info!(operations = operations.running.len(), seconds = patience.as_secs(), "waiting for what runs");
    }
    tokio::select! {
        biased;
        () = operations.running.wait() => {}
        () = server.settings.operations.at_once.cancelled() => tracing::warn!("what runs is cut off, as asked"),
        () = tokio::time::sleep(patience) => {
            tracing::warn!(operations = operations.running.len(), "what still runs is cut off");
        }
    }
    server.stop.cancel();
}
