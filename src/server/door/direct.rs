//! A tenant's own loopback port, for programs on this machine that cannot resolve its host name.
//!
//! Forwards TCP and knows nothing of what is inside. New connections go to the newest target; those that
//! are under way stay where they are until they end.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::traffic::Passage;

/// Connections through one door at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 512;

/// How long the machine may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long a caller without a machine may take to say what it wants, before it is told that there is none.
const REQUEST_LIMIT: Duration = Duration::from_secs(2);

/// Longest request head that is read before answering that there is no machine, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// One tenant's port. Dropping it closes the port and every connection.
#[derive(Debug)]
pub(super) struct Direct {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Direct {
    /// Listens on `127.0.0.1:{port}`; 0 takes a free one. While there is no target every caller gets a 503.
    pub(super) async fn open(port: u16, place: Arc<Place>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(listener, place, stop.clone()));
        Ok(Self { address, stop, task })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port, ends every connection and waits until that is done.
    pub(super) async fn close(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, address = %self.address, "a door did not close in order");
        }
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// Owns the listener and every connection until it is told to stop.
async fn accept(listener: TcpListener, place: Arc<Place>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((caller, _)) => {
                    let passage = place.enter();
                    connections.spawn(serve(caller, passage));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    // Out of file handles, most likely: let some be closed.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// One connection, to its end.
async fn serve(mut caller: TcpStream, passage: Option<Passage>) {
    let Some(passage) = passage else {
        return turn_away(caller, "This tenant has no running machine.").await;
    };
    let connected = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(passage.machine)).await;
    let Ok(Ok(mut machine)) = connected else {
        return turn_away(caller, "This tenant's machine does not answer.").await;
    };
    // Small answers must not wait for each other's acknowledgement.
    let _ = (caller.set_nodelay(true), machine.set_nodelay(true));
    if let Err(error) = tokio::io::copy_bidirectional(&mut caller, &mut machine).await {
        tracing::debug!(%error, "a forwarded connection broke off");
    }
}

/// Answers 503. The request is read first: closing with unread bytes would reset the connection, and the
/// caller might never see the answer.
async fn turn_away(mut caller: TcpStream, why: &str) {
    let exchange = async {
        let mut head = Vec::new();
        while !head.windows(4).any(|window| window == b"\r\n\r\n") && head.len() < MAX_HEAD {
            if caller.read_buf(&mut head).await? == 0 {
                break;
            }
        }
        let answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
             retry-after: 2\r\nconnection: close\r\n\r\n{why}\n",
            why.len() + 1
        );
        caller.write_all(answer.as_bytes()).await?;
        caller.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(REQUEST_LIMIT, exchange).await {
        tracing::debug!(%error, "a caller left before it was told that there is no machine");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::watch;

    async fn open() -> (Direct, Arc<Place>) {
        let place = Arc::<Place>::default();
        (Direct::open(0, Arc::clone(&place)).await.expect("opens"), place)
    }

    /// A machine that answers every request with its name.
    async fn machine(name: &'static str) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("an address");
        let app = axum::Router::new().route("/", axum::routing::get(move || async move { name }));
        (address, tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") }))
    }

    async fn get(door: SocketAddr) -> (u16, String) {
        // A new connection each time, as from different callers.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        let answer = client.get(format!("http://{door}/")).send().await.expect("answers");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    #[tokio::test]
    async fn without_a_machine_there_is_a_503_and_then_there_is_the_machine() {
        let (door, place) = open().await;
        assert_eq!(get(door.address()).await.0, 503);
        let (address, server) = machine("one").await;
        place.set_target(Some(address));
        assert_eq!(get(door.address()).await, (200, "one".into()));
        server.abort();
        let _ = server.await;
        assert_eq!(get(door.address()).await.0, 503);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn switching_under_load_loses_no_request() {
        let (door, place) = open().await;
        let ((old, old_server), (new, new_server)) = (machine("old").await, machine("new").await);
        place.set_target(Some(old));
        let mut callers = JoinSet::new();
        let (progress, mut seen) = watch::channel((0, 0));
        for _ in 0..4 {
            let (address, progress) = (door.address(), progress.clone());
            callers.spawn(async move {
                let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
                // Until each caller met the new machine a few times.
                let mut met_new = 0;
                while met_new < 5 {
                    let answer = client.get(format!("http://{address}/")).send().await.expect("no request is lost");
                    assert_eq!(answer.status(), 200);
                    let is_new = answer.text().await.expect("text") == "new";
                    met_new += usize::from(is_new);
                    progress.send_modify(|(old, new)| if is_new { *new += 1 } else { *old += 1 });
                }
            });
        }
        seen.wait_for(|(old, _)| *old >= 20).await.expect("the callers run");
        place.set_target(Some(new));
        assert!(place.traffic.drained(old, Duration::from_secs(30)).await);
        old_server.abort();
        while let Some(caller) = callers.join_next().await {
            caller.expect("no request is lost");
        }
        new_server.abort();
    }

    #[tokio::test]
    async fn a_connection_under_way_keeps_its_machine_and_closing_ends_it() {
        let (door, place) = open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let machine = listener.local_addr().expect("an address");
        place.set_target(Some(machine));
        let mut caller = TcpStream::connect(door.address()).await.expect("connects");
        let (mut inside, _) = listener.accept().await.expect("accepts");
        place.set_target(None);
        caller.write_all(b"still here").await.expect("writes");
        let mut read = [0; 10];
        inside.read_exact(&mut read).await.expect("reads");
        assert_eq!(&read, b"still here");
        assert!(!place.traffic.drained(machine, Duration::ZERO).await);
        let address = door.address();
        door.close().await;
        assert!(matches!(caller.read(&mut read).await, Ok(0) | Err(_)));
        Direct::open(address.port(), Arc::default()).await.expect("the port is free again");
    }
}
