//! Performs effects: a task for each, with a token to stop it and the ticket that its answers carry. Must
//! not know the state or the screen.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, DeployNews, Live};
use super::effect::Request;
use super::jobs::{Slot, Ticket};
use super::msg::{Answer, Msg};
use crate::model::{ProvisioningEvent, TenantId};
use crate::ops::local;
use crate::ops::login::{How, Store};

/// Items of a stream, or words of a deploy, that may wait between its task and the messages.
const WAITING: usize = 256;
/// Items of a stream that become one message.
const AT_ONCE: usize = 256;
/// How long a deploy may take to tidy up when the program is left.
const GRACE: Duration = Duration::from_secs(5);

/// Owns every task that runs for the screen.
pub struct Runner {
    backend: Arc<dyn Backend>,
    messages: mpsc::Sender<Msg>,
    tasks: JoinSet<()>,
    tokens: HashMap<Slot, CancellationToken>,
}

impl Runner {
    /// A runner that answers over `messages`.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, messages: mpsc::Sender<Msg>) -> Self {
        Self { backend, messages, tasks: JoinSet::new(), tokens: HashMap::new() }
    }

    /// Starts a job; an older one of the same kind is stopped.
    pub fn start(&mut self, ticket: Ticket, request: Request) {
        while self.tasks.try_join_next().is_some() {}
        let token = CancellationToken::new();
        if let Some(old) = self.tokens.insert(ticket.slot.clone(), token.clone()) {
            old.cancel();
        }
        let job = Job { backend: Arc::clone(&self.backend), messages: self.messages.clone(), ticket, token };
        self.tasks.spawn(job.run(request));
    }

    /// Starts something whose answer is all that it has to say, and that can be left at any time.
    pub fn answer(&mut self, ticket: Ticket, work: impl Future<Output = Answer> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        let messages = self.messages.clone();
        let token = CancellationToken::new();
        if let Some(old) = self.tokens.insert(ticket.slot.clone(), token.clone()) {
            old.cancel();
        }
        self.tasks.spawn(async move {
            if let Some(answer) = token.run_until_cancelled(work).await {
                // Nobody listens any more when the program is being left.
                let _ = messages.send(Msg::Answer(ticket, answer)).await;
            }
        });
    }

    /// Asks the current job of this kind to stop.
    pub fn stop(&self, slot: &Slot) {
        if let Some(token) = self.tokens.get(slot) {
            token.cancel();
        }
    }

    /// Stops everything: a deploy may tidy up for a moment, then what is left is dropped.
    pub async fn shut_down(mut self) {
        for token in self.tokens.values() {
            token.cancel();
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Too late is as good as done: the set aborts what is left.
        let _ = tokio::time::timeout(GRACE, all).await;
        self.tasks.shutdown().await;
    }
}

struct Job {
    backend: Arc<dyn Backend>,
    messages: mpsc::Sender<Msg>,
    ticket: Ticket,
    token: CancellationToken,
}

impl Job {
    async fn run(self, request: Request) {
        let backend = Arc::clone(&self.backend);
        match request {
            Request::Account => self.once(backend.load_account(), Answer::Account).await,
            Request::PingApi => self.once(backend.ping_api(), Answer::Api).await,
            Request::PingEngine => self.once(backend.ping_engine(), Answer::Engine).await,
            Request::Plans => self.once(backend.plans(), Answer::Plans).await,
            Request::Tenants => self.once(backend.tenants(), Answer::Tenants).await,
            Request::Checkout { price_id, region } => {
                self.once(backend.checkout(price_id, region), Answer::Checkout).await;
            }
            Request::NewLocal(order) => self.make_local(order).await,
            Request::Open(url) => self.once(backend.open_url(url), Answer::Opened).await,
            Request::Pay(url) => self.once(backend.auto_pay(url), Answer::Paid).await,
            Request::WatchCheckout(session) => {
                let (sender, items) = mpsc::channel(WAITING);
                self.follow(backend.watch_checkout(session, sender), items, one_by_one).await;
            }
            Request::WatchTenant(id) => {
                let (sender, items) = mpsc::channel(WAITING);
                self.follow(backend.watch_tenant(id, sender), items, |news| vec![Answer::TenantEvents(news)]).await;
            }
            Request::FollowLogs(id) => {
                let (sender, items) = mpsc::channel(WAITING);
                let of = id.clone();
                self.follow(backend.follow_logs(id, sender), items, |news| vec![Answer::Logs(of.clone(), news)]).await;
            }
            Request::Deploy(tenants) => self.deploy(Deploying::Project(tenants)).await,
            Request::RollBack { tenant, wanted } => self.deploy(Deploying::Earlier(tenant, wanted)).await,
            Request::LogIn { how, store } => self.log_in(how, store).await,
            Request::LogOut => self.once(backend.log_out(), Answer::LoggedOut).await,
            Request::Call(call) => self.once(backend.call(call), Answer::Reply).await,
        }
    }

    async fn say(&self, answer: Answer) {
        // Nobody listens any more when the program is being left.
        let _ = self.messages.send(Msg::Answer(self.ticket.clone(), answer)).await;
    }

    async fn once<T>(&self, work: impl Future<Output = T>, answer: fn(T) -> Answer) {
        if let Some(result) = self.token.run_until_cancelled(work).await {
            self.say(answer(result)).await;
        }
    }

    /// Says what happens on the way, and then how it ended.
    async fn log_in(&self, how: How, store: Option<Store>) {
        let (sender, mut news) = mpsc::channel(8);
        let forward = async {
            while let Some(word) = news.recv().await {
                self.say(Answer::LogIn(word)).await;
            }
        };
        let work = async { tokio::join!(self.backend.log_in(how, store, sender), forward).0 };
        self.once(work, Answer::LoggedIn).await;
    }

    /// Forwards a stream until it ends, as much at once as has come; its last word is always an end.
    async fn follow<T>(
        &self,
        stream: impl Future<Output = ()>,
        mut items: mpsc::Receiver<Live<T>>,
        answer: impl Fn(Vec<Live<T>>) -> Vec<Answer>,
    ) {
        let forward = async {
            let mut ended = false;
            let mut news = Vec::new();
            while items.recv_many(&mut news, AT_ONCE).await > 0 {
                ended = matches!(news.last(), Some(Live::Ended | Live::Failed(_)));
                for answer in answer(std::mem::take(&mut news)) {
                    self.say(answer).await;
                }
            }
            if !ended {
                for answer in answer(vec![Live::Ended]) {
                    self.say(answer).await;
                }
            }
        };
        self.token.run_until_cancelled(async { tokio::join!(stream, forward) }).await;
    }

    /// As a deploy: it takes back what it made, and then answers.
    async fn make_local(&self, order: local::Order) {
        let (sender, mut progress) = mpsc::channel(WAITING);
        let work = self.backend.create_local(order, sender, self.token.clone());
        let forward = async {
            while let Some(said) = progress.recv().await {
                self.say(Answer::LocalProgress(said)).await;
            }
        };
        let (result, ()) = tokio::join!(work, forward);
        self.say(Answer::LocalMade(result)).await;
    }

    /// A deploy is asked to stop and answers itself; it is not dropped in the middle of something.
    async fn deploy(&self, what: Deploying) {
        let (sender, mut news) = mpsc::channel(WAITING);
        let cancel = self.token.clone();
        let work = async {
            match what {
                Deploying::Project(tenants) => self.backend.deploy(tenants, sender, cancel).await,
                Deploying::Earlier(tenant, wanted) => self.backend.roll_back(tenant, wanted, sender, cancel).await,
            }
        };
        let forward = async {
            while let Some((id, word)) = news.recv().await {
                self.say(match word {
                    DeployNews::Moved(progress) => Answer::DeployProgress(id, progress),
                    DeployNews::Ended(result) => Answer::Deployed(id, *result),
                })
                .await;
            }
        };
        tokio::join!(work, forward);
    }
}

/// What is deployed.
enum Deploying {
    Project(Vec<TenantId>),
    Earlier(TenantId, Option<String>),
}

fn one_by_one(news: Vec<Live<ProvisioningEvent>>) -> Vec<Answer> {
    news.into_iter().map(Answer::CheckoutEvent).collect()
}
