//! The session behind the screen: every question of the screen answered by an operation.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::app::Options;
use super::backend::{Backend, DeployNews, TenantList};
use super::theme::Wanted;
use crate::model::progress::LocalProgress;
use crate::model::{CheckoutSession, LocalTenant, LogEntry, Me, Plan, Problem, ProvisioningEvent, SessionId, TenantId};
use crate::ops::call::{self, Call, Reply};
use crate::ops::live::{self, Live};
use crate::ops::login::{self, Failed, How, LoggedIn, News, Store};
use crate::ops::{Session, browser, checkout, deploy, kept_tenants, local};
use crate::settings::ContextKind;

/// How the screen of a session begins.
#[must_use]
pub fn for_session(session: &Session) -> Options {
    let address = session.client().base().to_string();
    let host = address.split_once("://").map_or(address.as_str(), |(_, host)| host);
    let kind = ContextKind::of(session.client().base().url());
    Options {
        api_label: host.to_owned(),
        context_label: kind.word().to_owned(),
        login_ends: session.client().expires_at(),
        look: Wanted { kind, ..Wanted::default() },
        ..Options::default()
    }
}

impl Backend for Session {
    fn load_account(&self) -> BoxFuture<'_, Result<Me, Problem>> {
        async { self.client().me().await.map_err(|error| error.problem()) }.boxed()
    }

    fn ping_api(&self) -> BoxFuture<'_, Result<Duration, Problem>> {
        async { self.client().ping().await.map_err(|error| error.problem()) }.boxed()
    }

    fn ping_engine(&self) -> BoxFuture<'_, Result<String, Problem>> {
        async {
            let engine = self.engine().await?;
            engine.ping().await.map_err(|error| error.problem())?;
            Ok(engine.name().to_owned())
        }
        .boxed()
    }

    fn plans(&self) -> BoxFuture<'_, Result<Vec<Plan>, Problem>> {
        async { self.client().plans().await.map_err(|error| error.problem()) }.boxed()
    }

    fn tenants(&self) -> BoxFuture<'_, Result<TenantList, Problem>> {
        async {
            let list = kept_tenants::list(self).await?;
            Ok(TenantList { tenants: list.tenants, rejected: list.rejected })
        }
        .boxed()
    }

    fn checkout(&self, price_id: String, region: String) -> BoxFuture<'_, Result<CheckoutSession, Problem>> {
        async move { checkout::start(self, &price_id, &region).await }.boxed()
    }

    fn watch_checkout(&self, session: SessionId, events: Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        async move { live::watch_checkout(self, &session, &events).await }.boxed()
    }

    fn watch_tenant(&self, id: TenantId, events: Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        async move { live::watch_tenant(self, &id, &events).await }.boxed()
    }

    fn follow_logs(&self, id: TenantId, lines: Sender<Live<LogEntry>>) -> BoxFuture<'_, ()> {
        async move { live::follow_logs(self, &id, &lines).await }.boxed()
    }

    fn deploy(
        &self,
        tenants: Vec<TenantId>,
        news: Sender<(TenantId, DeployNews)>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, ()> {
        async move { deploy::run_and_tell(self, &tenants, &deploy::Options::default(), &news, &cancel).await }.boxed()
    }

    fn roll_back(
        &self,
        tenant: TenantId,
        wanted: Option<String>,
        news: Sender<(TenantId, DeployNews)>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, ()> {
        async move {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(64);
            let telling = async {
                while let Some(word) = receiver.recv().await {
                    let _ = news.send((tenant.clone(), DeployNews::Moved(word))).await;
                }
            };
            let work = async {
                let sender = sender;
                deploy::roll_back(self, &tenant, wanted.as_deref(), &sender, &cancel).await
            };
            let (result, ()) = tokio::join!(work, telling);
            let _ = news.send((tenant.clone(), DeployNews::Ended(Box::new(result)))).await;
        }
        .boxed()
    }

    fn log_in(&self, how: How, store: Option<Store>, news: Sender<News>) -> BoxFuture<'_, Result<LoggedIn, Failed>> {
        async move { login::log_in(self.seat()?, how, store, &news).await }.boxed()
    }

    fn log_out(&self) -> BoxFuture<'_, Result<(), Problem>> {
        async { self.seat()?.log_out().await.map(drop) }.boxed()
    }

    fn create_local(
        &self,
        order: local::Order,
        progress: Sender<LocalProgress>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, Result<LocalTenant, Problem>> {
        async move { local::create(self.project(), &order, &progress, &cancel).await }.boxed()
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Problem>> {
        async move { call::perform(self, call).await }.boxed()
    }

    fn open_url(&self, url: String) -> BoxFuture<'_, Result<(), Problem>> {
        async move { browser::open(&url).await }.boxed()
    }

    fn auto_pay(&self, url: String) -> BoxFuture<'_, Result<(), Problem>> {
        async move { checkout::auto_pay(&url).await }.boxed()
    }
}
