//! The front door of each tenant: a loopback port that stays the same while the machine behind it changes.
//!
//! Forwards TCP and knows nothing of what is inside. New connections go to the newest target; those that
//! are under way stay where they are until they end. Must not know containers or the database.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::model::TenantId;

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
pub struct Door {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    traffic: Arc<Traffic>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Door {
    /// Listens on `127.0.0.1:{port}`; 0 takes a free one. Until a target is set every caller gets a 503.
    pub async fn open(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let (target, targets) = watch::channel(None);
        let (traffic, stop) = (Arc::<Traffic>::default(), CancellationToken::new());
        let task = tokio::spawn(accept(listener, targets, Arc::clone(&traffic), stop.clone()));
        Ok(Self { address, target, traffic, stop, task })
    }

    /// Where the door is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where new connections go now.
    #[must_use]
    pub fn target(&self) -> Option<SocketAddr> {
        *self.target.borrow()
    }

    /// Sends every connection that is accepted from now on to `target`.
    pub fn set_target(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
    }

    /// Waits until no connection goes to `machine` any more, at most `limit`. True if none does: after a
    /// switch, the old machine can be stopped without cutting anybody off.
    pub async fn drained(&self, machine: SocketAddr, limit: Duration) -> bool {
        wait_until_idle(&self.traffic, machine, limit).await
    }

    /// Closes the port, ends every connection and waits until that is done.
    pub async fn close(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, address = %self.address, "a door did not close in order");
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// The doors of all tenants. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    open: Arc<Mutex<HashMap<TenantId, Door>>>,
}

impl Doors {
    /// None is open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the tenant's door. Open already on that port is success and changes nothing.
    pub async fn open(&self, tenant: &TenantId, port: u16) -> io::Result<()> {
        if self.table().get(tenant).is_some_and(|door| door.address.port() == port) {
            return Ok(());
        }
        let door = Door::open(port).await?;
        let before = self.table().insert(tenant.clone(), door);
        if let Some(before) = before {
            before.close().await;
        }
        Ok(())
    }

    /// Opens the tenant's door on the first of `candidates` that no other program has; `None` when there is none.
    pub async fn reserve(&self, tenant: &TenantId, candidates: &[u16]) -> Option<u16> {
        for port in candidates {
            match self.open(tenant, *port).await {
                Ok(()) => return Some(*port),
                Err(error) => tracing::info!(port, %error, "a port of the range is taken by another program"),
            }
        }
        None
    }

    /// Where the tenant's door is, if it is open.
    #[must_use]
    pub fn address(&self, tenant: &TenantId) -> Option<SocketAddr> {
        self.table().get(tenant).map(Door::address)
    }

    /// Where the tenant's new connections go now.
    #[must_use]
    pub fn target(&self, tenant: &TenantId) -> Option<SocketAddr> {
        self.table().get(tenant).and_then(Door::target)
    }

    /// Switches the tenant's door. One that is not open has nothing to switch.
    pub fn set_target(&self, tenant: &TenantId, target: Option<SocketAddr>) {
        if let Some(door) = self.table().get(tenant) {
            door.set_target(target);
        } else {
            tracing::warn!(%tenant, "a door that is not open was switched");
        }
    }

    /// Switches the tenant's door if it still leads where the caller thinks; true when it did.
    #[must_use]
    pub fn replace_target(&self, tenant: &TenantId, from: Option<SocketAddr>, to: Option<SocketAddr>) -> bool {
        let table = self.table();
        let Some(door) = table.get(tenant) else { return false };
        door.target.send_if_modified(|target| {
            let expected = *target == from;
            if expected {
                *target = to;
            }
            expected
        })
    }

    /// See [`Door::drained`]. A door that is not open has no connections.
    pub async fn drained(&self, tenant: &TenantId, machine: SocketAddr, limit: Duration) -> bool {
        let traffic = self.table().get(tenant).map(|door| Arc::clone(&door.traffic));
        match traffic {
            Some(traffic) => wait_until_idle(&traffic, machine, limit).await,
            None => true,
        }
    }

    /// Closes the tenant's door without waiting for it: port and connections are gone a moment later. Closed
    /// already is success.
    pub fn close(&self, tenant: &TenantId) {
        drop(self.table().remove(tenant));
    }

    /// Closes all of them and waits until that is done.
    pub async fn close_all(&self) {
        let doors: Vec<Door> = self.table().drain().map(|(_, door)| door).collect();
        for door in doors {
            door.close().await;
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<TenantId, Door>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many connections go to which machine.
#[derive(Debug, Default)]
struct Traffic {
    counts: watch::Sender<HashMap<SocketAddr, usize>>,
}

impl Traffic {
    fn enter(self: &Arc<Self>, machine: SocketAddr) -> Passage {
        self.counts.send_modify(|counts| *counts.entry(machine).or_default() += 1);
        Passage { traffic: Arc::clone(self), machine }
    }
}

/// One connection that is counted; leaves on drop.
#[derive(Debug)]
struct Passage {
    traffic: Arc<Traffic>,
    machine: SocketAddr,
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.traffic.counts.send_modify(|counts| {
            if let Some(count) = counts.get_mut(&self.machine) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&self.machine);
                }
            }
        });
    }
}

async fn wait_until_idle(traffic: &Traffic, machine: SocketAddr, limit: Duration) -> bool {
    let mut counts = traffic.counts.subscribe();
    let idle = counts.wait_for(|counts| !counts.contains_key(&machine));
    matches!(tokio::time::timeout(limit, idle).await, Ok(Ok(_)))
}

/// Owns the listener and every connection until it is told to stop.
async fn accept(
    listener: TcpListener,
    targets: watch::Receiver<Option<SocketAddr>>,
    traffic: Arc<Traffic>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((caller, _)) => {
                    // Counted in the same breath as the target is read: whoever switches and then asks
                    // for the old machine's connections sees this one.
                    let passage = {
                        let target = targets.borrow();
                        target.map(|machine| traffic.enter(machine))
                    };
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
        let door = Door::open(0).await.expect("opens");
        assert_eq!(get(door.address()).await.0, 503);
        let (address, server) = machine("one").await;
        door.set_target(Some(address));
        assert_eq!(get(door.address()).await, (200, "one".into()));
        server.abort();
        let _ = server.await;
        assert_eq!(get(door.address()).await.0, 503);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn switching_under_load_loses_no_request() {
        let door = Arc::new(Door::open(0).await.expect("opens"));
        let ((old, old_server), (new, new_server)) = (machine("old").await, machine("new").await);
        door.set_target(Some(old));
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
        door.set_target(Some(new));
        assert!(door.drained(old, Duration::from_secs(30)).await);
        old_server.abort();
        while let Some(caller) = callers.join_next().await {
            caller.expect("no request is lost");
        }
        new_server.abort();
    }

    #[tokio::test]
    async fn a_connection_under_way_keeps_its_machine_and_closing_ends_it() {
        let door = Door::open(0).await.expect("opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let machine = listener.local_addr().expect("an address");
        door.set_target(Some(machine));
        let mut caller = TcpStream::connect(door.address()).await.expect("connects");
        let (mut inside, _) = listener.accept().await.expect("accepts");
        door.set_target(None);
        caller.write_all(b"still here").await.expect("writes");
        let mut read = [0; 10];
        inside.read_exact(&mut read).await.expect("reads");
        assert_eq!(&read, b"still here");
        assert!(!door.drained(machine, Duration::ZERO).await);
        let address = door.address();
        door.close().await;
        assert!(matches!(caller.read(&mut read).await, Ok(0) | Err(_)));
        Door::open(address.port()).await.expect("the port is free again");
    }

    #[tokio::test]
    async fn each_tenant_has_one_door() {
        let doors = Doors::default();
        let (a, b) = (TenantId::new("a").expect("valid"), TenantId::new("b").expect("valid"));
        let free = Door::open(0).await.expect("opens");
        let port = free.address().port();
        assert!(doors.open(&a, port).await.is_err(), "the port is taken");
        free.close().await;
        doors.open(&a, port).await.expect("opens");
        doors.open(&a, port).await.expect("open already");
        assert!(doors.open(&b, port).await.is_err(), "another tenant's port");
        let (machine, server) = machine("one").await;
        doors.set_target(&a, Some(machine));
        doors.set_target(&b, Some(machine));
        assert_eq!((doors.target(&a), doors.target(&b)), (Some(machine), None));
        assert_eq!(get(doors.address(&a).expect("open")).await, (200, "one".into()));
        doors.close_all().await;
        assert_eq!(doors.address(&a), None);
        doors.close(&a);
        server.abort();
    }
}
