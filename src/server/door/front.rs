//! The front door itself: a service around another one, which sees by the host's name whose a request is.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::HOST;
use axum::http::{Request, Response};
use futures_util::future::BoxFuture;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::exchange::{self, Runner};
use super::headers::{self, Sender};
use super::host::{Asked, asked};
use super::place::Place;
use super::say::Refusal;
use super::{Addresses, Doors};
use crate::model::{Phase, TenantId};
use crate::server::settings::DoorSettings;
use crate::server::store::{Store, tenants};

/// Who is served at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// The API, and tenants by their names.
    Both,
    /// The API; tenants have a listener of their own.
    Api,
    /// Tenants alone.
    Tenants,
}

#[derive(Debug)]
struct Inner {
    doors: Doors,
    addresses: Addresses,
    store: Store,
    ingress: Vec<IpAddr>,
    runner: Runner,
}

/// The front door. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Front(Arc<Inner>);

/// Whose a request is.
enum Whose {
    Api,
    Tenant(TenantId, Arc<Place>),
    Nobody(Refusal),
}

impl Front {
    /// A door to the tenants that `doors` knows.
    #[must_use]
    pub fn new(doors: Doors, addresses: Addresses, store: Store, settings: &DoorSettings) -> Self {
        let runner = Runner { tasks: TaskTracker::new(), stop: CancellationToken::new(), idle: settings.idle };
        Self(Arc::new(Inner { doors, addresses, store, ingress: settings.ingress.clone(), runner }))
    }

    /// Under which names tenants answer.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    /// A service that serves tenants itself and everything else by `api`.
    pub fn around<S>(&self, api: S, serves: Serves) -> Dispatch<S> {
        Dispatch { front: self.clone(), api, serves }
    }

    /// Cuts what is still under way and waits until that is done.
    pub async fn close(&self) {
        self.0.runner.stop.cancel();
        self.0.runner.tasks.close();
        self.0.runner.tasks.wait().await;
    }

    fn whose(&self, request: &Request<Body>, serves: Serves) -> Whose {
        let (addresses, doors) = (&self.0.addresses, &self.0.doors);
        let name = match asked(request.uri(), request.headers()) {
            Asked::Name(name) => name,
            Asked::Nameless if serves == Serves::Tenants => return Whose::Nobody(Refusal::Unknown),
            Asked::Nameless => return Whose::Api,
            Asked::Unclear(why) => return Whose::Nobody(Refusal::Unclear(why)),
        };
        let found = match addresses.label(&name) {
            _ if addresses.is_api(&name) => None,
            Some(label) => match doors.find(label).filter(|_| !label.contains('.')) {
                None => return Whose::Nobody(Refusal::Unknown),
                found => found,
            },
            None => doors.find(&name).filter(|_| name.contains('.')),
        };
        match (found, serves) {
            // Never the API under a tenant's name.
            (None, Serves::Tenants) | (Some(_), Serves::Api) => Whose::Nobody(Refusal::Unknown),
            (Some((tenant, place)), _) => Whose::Tenant(tenant, place),
            (None, _) => Whose::Api,
        }
    }

    async fn pass(
        &self,
        tenant: &TenantId,
        place: &Arc<Place>,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Refusal> {
        if headers::is_too_large(request.uri(), request.headers()) {
            return Err(Refusal::Head);
        }
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let host = match request.uri().authority() {
            Some(authority) => authority.as_str().to_owned(),
            None => request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
        };
        let upgrade = headers::upgrade(request.headers());
        let sender = Sender {
            peer,
            host: &host,
            scheme: self.0.addresses.scheme(),
            is_ingress: peer.is_some_and(|peer| self.0.ingress.contains(&peer.to_canonical())),
        };
        headers::prepare(request.headers_mut(), sender);
        match exchange::run(&self.0.runner, place, request, upgrade).await {
            Err(Refusal::NoMachine(_)) => Err(Refusal::NoMachine(self.phase(tenant).await)),
            answered => answered,
        }
    }

    /// Why a tenant may have no machine.
    async fn phase(&self, tenant: &TenantId) -> Option<Phase> {
        let found = async { tenants::get(&mut *self.0.store.read().await?, tenant).await };
        // A database that is busy has more important callers.
        let found = tokio::time::timeout(Duration::from_secs(1), found).await.ok()?;
        found.ok().flatten().map(|tenant| tenant.phase())
    }
}

/// See [`Front::around`].
#[derive(Debug, Clone)]
pub struct Dispatch<S> {
    front: Front,
    api: S,
    serves: Serves,
}

impl<S> Service<Request<Body>> for Dispatch<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.api.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.front.whose(&request, self.serves) {
            Whose::Api => {
                // The one that was found ready.
                let ready = self.api.clone();
                let mut api = std::mem::replace(&mut self.api, ready);
                Box::pin(async move { api.call(request).await })
            }
            Whose::Nobody(refusal) => {
                let answer = refusal.answer(request.headers());
                Box::pin(async move { Ok(answer) })
            }
            Whose::Tenant(tenant, place) => {
                let front = self.front.clone();
                Box::pin(async move {
                    let asked = request.headers().clone();
                    let passed = front.pass(&tenant, &place, request).await;
                    Ok(passed.unwrap_or_else(|refusal| refusal.answer(&asked)))
                })
            }
        }
    }
}
