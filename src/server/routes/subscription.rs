//! A tenant's subscription: what it is, another plan for it, and its end (protocol B.34 to B.36).

use axum::Json;
use axum::extract::{Path, State};

use crate::model::envelope::Data;
use crate::model::{CheckoutSession, Phase, Renewal, Subscription};
use crate::server::auth::{Owned, TenantCaller};
use crate::server::error::{Body, Failure};
use crate::server::openapi::TenantRefusals;
use crate::server::pay::opening::{self, Wish};
use crate::server::pay::{inbox, prices};
use crate::server::provisioner::removal;
use crate::server::state::Server;
use crate::server::store::{audit, subscriptions};
use crate::server::view;

/// `GET /api/v1/tenants/{id}/subscription`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/subscription", tag = "payment",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "What is paid for", body = Data<Subscription>), TenantRefusals),
    security(("login" = [])))]
pub async fn show(State(server): State<Server>, owned: Owned) -> Result<Json<Data<Subscription>>, Failure> {
    let row = subscriptions::get(&mut *server.store.read().await?, &owned.tenant.subscription_id).await?;
    let row = row.ok_or_else(|| Failure::internal("the tenant's subscription is not there"))?;
    let data = Subscription {
        id: row.id,
        customer_id: Some(row.customer_id),
        paddle_subscription_id: Some(row.paddle_subscription_id),
        status: row.status,
        plan: Some(view::plan_of(&owned.tenant)),
        current_period_start: Some(row.current_period_start),
        current_period_end: row.current_period_end,
        cancel_at_period_end: row.cancel_at_period_end != 0,
        management_url: None,
    };
    Ok(Json(Data { data }))
}

/// `POST /api/v1/tenants/{id}/subscription`: a checkout whose payment changes this tenant and makes no other.
#[utoipa::path(post, path = "/api/v1/tenants/{id}/subscription", tag = "payment",
    params(("id" = String, Path, description = "The tenant")),
    request_body = Renewal,
    responses((status = 200, description = "A page to pay on", body = CheckoutSession), TenantRefusals),
    security(("login" = [])))]
pub async fn renew(
    State(server): State<Server>,
    owned: Owned,
    Body(renewal): Body<Renewal>,
) -> Result<Json<CheckoutSession>, Failure> {
    let offer = prices::by_price(&server, &renewal.price_id)
        .ok_or_else(|| Failure::validation("there is no plan with this price_id").reason("unknown_price"))?;
    let Owned { tenant, caller } = owned;
    if tenant.phase() == Phase::Deleting {
        return Err(Failure::operation_running());
    }
    // Paused by a suspension counts as active: activating brings it back, and costs nothing.
    let active = matches!(tenant.subscription_status.as_str(), "active" | "trialing") || tenant.paused_by_suspend != 0;
    if active && tenant.plan_id == offer.plan.id {
        return Err(Failure::conflict("the tenant has this plan, and its subscription is active").reason("same_plan"));
    }
    let wish = Wish {
        user_id: caller.id,
        offer,
        region: tenant.region.clone(),
        redirect_uri: renewal.redirect_uri,
        for_tenant: Some(tenant.id().clone()),
    };
    Ok(Json(opening::open(&server, wish).await?))
}

/// `POST /api/v1/tenants/{id}/subscription/cancel`: ends the subscription at once, and removes everything.
#[utoipa::path(post, path = "/api/v1/tenants/{id}/subscription/cancel", tag = "payment",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Ended, and everything removed: `null`"), TenantRefusals),
    security(("login" = [])))]
pub async fn cancel(
    State(server): State<Server>,
    TenantCaller(caller): TenantCaller,
    Path(id): Path<String>,
    owned: Result<Owned, Failure>,
) -> Result<Json<()>, Failure> {
    let ended = || Failure::invalid_state("the subscription has ended already");
    let owned = match owned {
        Ok(owned) => owned,
        Err(failure) => {
            let over = subscriptions::is_over(&mut *server.store.read().await?, &id, &caller.id).await?;
            return Err(if over { ended() } else { failure });
        }
    };
    if owned.tenant.phase() == Phase::Deleting {
        return Err(ended());
    }
    // The removal ends the subscription with everything else, and where it is refused nothing ends.
    let (worker, id, user) = (server.clone(), owned.tenant.id().clone(), caller.id);
    let begun = server.unbroken(async move {
        let removal = removal::start(&worker, &id, &user).await?;
        let mut tx = worker.store.write().await?;
        audit::record(&mut tx, &user, Some(id.as_str()), "subscription_cancel").await?;
        tx.commit().await?;
        Ok(removal)
    });
    match begun.await?.await {
        Ok(Some(())) => {
            inbox::hurry(&server);
            Ok(Json(()))
        }
        Ok(None) => Err(Failure::unavailable("the server is stopping; it goes on with the removal at its next start")),
        Err(error) => Err(Failure::internal(format!("removal: {error}"))),
    }
}
