//! The backend of a folder without a login: it can be set up, Docker can be asked for, and everything else says that a login
//! is missing.

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::app::{BareFolder, Options};
use super::backend::{Backend, Deployed, Live, TenantList};
use crate::model::progress::DeployProgress;
use crate::model::{CheckoutSession, LogEntry, Me, Plan, Problem, ProvisioningEvent, SessionId, TenantId};
use crate::ops::bare::{Bare, no_login};
use crate::ops::browser;
use crate::ops::call::{Call, Reply};

/// How the screen begins in a folder without a login.
#[must_use]
pub fn for_folder(folder: BareFolder) -> Options {
    Options {
        api_label: folder.shown.clone(),
        context_label: "no project".to_owned(),
        bare_folder: Some(folder),
        ..Options::default()
    }
}

fn refused<T: Send + 'static>() -> BoxFuture<'static, Result<T, Problem>> {
    future::ready(Err(no_login())).boxed()
}

impl Backend for Bare {
    fn load_account(&self) -> BoxFuture<'_, Result<Me, Problem>> {
        refused()
    }

    /// There is none to ask: whether it answers is not known, and stays so.
    fn ping_api(&self) -> BoxFuture<'_, Result<Duration, Problem>> {
        future::pending().boxed()
    }

    fn ping_engine(&self) -> BoxFuture<'_, Result<String, Problem>> {
        self.engine().boxed()
    }

    fn plans(&self) -> BoxFuture<'_, Result<Vec<Plan>, Problem>> {
        refused()
    }

    fn tenants(&self) -> BoxFuture<'_, Result<TenantList, Problem>> {
        refused()
    }

    fn checkout(&self, _: String, _: String) -> BoxFuture<'_, Result<CheckoutSession, Problem>> {
        refused()
    }

    fn watch_checkout(&self, _: SessionId, _: Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        future::ready(()).boxed()
    }

    fn watch_tenant(&self, _: TenantId, _: Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()> {
        future::ready(()).boxed()
    }

    fn follow_logs(&self, _: TenantId, _: Sender<Live<LogEntry>>) -> BoxFuture<'_, ()> {
        future::ready(()).boxed()
    }

    fn deploy(
        &self,
        tenants: Vec<TenantId>,
        _: Sender<(TenantId, DeployProgress)>,
        _: CancellationToken,
    ) -> BoxFuture<'_, Deployed> {
        future::ready(tenants.into_iter().map(|id| (id, Err(no_login()))).collect()).boxed()
    }

    fn roll_back(
        &self,
        tenant: TenantId,
        _: Option<String>,
        _: Sender<(TenantId, DeployProgress)>,
        _: CancellationToken,
    ) -> BoxFuture<'_, Deployed> {
        future::ready(vec![(tenant, Err(no_login()))]).boxed()
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Problem>> {
        async move { Bare::call(self, call).await }.boxed()
    }

    fn open_url(&self, url: String) -> BoxFuture<'_, Result<(), Problem>> {
        async move { browser::open(&url).await }.boxed()
    }

    fn auto_pay(&self, _: String) -> BoxFuture<'_, Result<(), Problem>> {
        refused()
    }
}
