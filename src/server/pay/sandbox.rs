//! The sandbox's payment provider: a page with a form; "pay" signs a webhook and sends it over HTTP.

use axum::Form;
use axum::extract::{Path, State, rejection::FormRejection};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::notice::{CustomData, Notice, NoticeData, NoticeItem, Period};
use super::opening::way_back;
use super::signature::HEADER;
use super::{page, progress};
use crate::model::{SessionId, TenantId};
use crate::server::catalogue;
use crate::server::error::Failure;
use crate::server::keys;
use crate::server::purchase;
use crate::server::state::Server;
use crate::server::store::sessions::SessionRow;
use crate::server::store::{accounts, now, sessions};

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct Decision {
    nonce: String,
    decision: String,
}

/// `GET /pay/{session}`. Where everybody pays at once, so does this.
pub async fn show(
    method: Method,
    State(server): State<Server>,
    Path(session): Path<String>,
) -> Result<Response, Failure> {
    let Some(session) = find(&server, &session).await? else { return Ok(unknown()) };
    if session.status != "open" {
        return settled(&server, &session).await;
    }
    if is_elsewhere(&server, &session) {
        return Ok(elsewhere());
    }
    // Not by a look at the page's head alone.
    if server.settings.payment.auto_pay && method == Method::GET {
        return pay(&server, &session).await;
    }
    form(StatusCode::OK, &session, "")
}

/// `GET /pay/{session}/later`: the session stays open.
pub async fn later(State(server): State<Server>, Path(session): Path<String>) -> Result<Response, Failure> {
    let Some(session) = find(&server, &session).await? else { return Ok(unknown()) };
    if session.status != "open" {
        return settled(&server, &session).await;
    }
    Ok(if is_elsewhere(&server, &session) { elsewhere() } else { page::later(&session) })
}

/// `POST /pay/{session}`
pub async fn decide(
    State(server): State<Server>,
    Path(session): Path<String>,
    decision: Result<Form<Decision>, FormRejection>,
) -> Result<Response, Failure> {
    let Some(session) = find(&server, &session).await? else { return Ok(unknown()) };
    if is_elsewhere(&server, &session) {
        return Ok(elsewhere());
    }
    let Ok(Form(decision)) = decision else {
        return form(StatusCode::BAD_REQUEST, &session, "The form was not complete. Please choose again.");
    };
    if !bool::from(decision.nonce.as_bytes().ct_eq(session.form_nonce.as_bytes())) {
        return form(StatusCode::FORBIDDEN, &session, "This form is not from this page. Please choose again.");
    }
    // A form sent twice gets the answer of the first time.
    if session.status != "open" {
        return Ok(go_back(&session));
    }
    match decision.decision.as_str() {
        "pay" => pay(&server, &session).await,
        "decline" => {
            let id = SessionId::new(&*session.id).map_err(|error| Failure::internal(error.to_string()))?;
            purchase::decline(&server, &id).await?;
            Ok(go_back(&session))
        }
        _ => form(StatusCode::BAD_REQUEST, &session, "Please choose one of the two buttons."),
    }
}

/// The session as it is now; one whose time is over has ended.
pub(super) async fn find(server: &Server, raw: &str) -> Result<Option<SessionRow>, Failure> {
    let Ok(id) = SessionId::new(raw) else { return Ok(None) };
    let session = sessions::get(&mut *server.store.read().await?, id.as_str()).await?;
    match session {
        Some(session) if purchase::expire(server, &session).await? => {
            Ok(sessions::get(&mut *server.store.read().await?, id.as_str()).await?)
        }
        other => Ok(other),
    }
}

/// Tells the webhook, as a payment provider does, and sends the browser on.
async fn pay(server: &Server, session: &SessionRow) -> Result<Response, Failure> {
    let customer = accounts::customer_of(&mut *server.store.read().await?, &session.user_id).await?;
    let customer = match customer {
        Some(customer) => customer.id,
        None => format!("ctm_{}", keys::random_word(16)?.to_ascii_lowercase()),
    };
    // Made from the session, so that the same payment always has the same ids.
    let paid_at = now();
    let stem = session.transaction_id.trim_start_matches("txn_");
    let notice = Notice {
        event_id: format!("evt_{stem}"),
        event_type: "transaction.completed".into(),
        occurred_at: Some(paid_at.clone()),
        notification_id: None,
        data: NoticeData {
            id: session.transaction_id.clone(),
            customer_id: Some(customer),
            subscription_id: Some(format!("sub_{stem}")),
            transaction_id: None,
            status: Some("completed".into()),
            items: vec![NoticeItem { price_id: Some(session.price_id.clone()), price: None, quantity: 1 }],
            billing_period: catalogue::month_after(&paid_at).map(|ends_at| Period { starts_at: paid_at, ends_at }),
            custom_data: Some(CustomData {
                region: Some(session.region.clone()),
                redirect_uri: session.redirect_uri.clone(),
                checkout_session_id: Some(session.id.clone()),
            }),
            ..NoticeData::default()
        },
    };
    let body = serde_json::to_vec(&notice).map_err(|error| Failure::internal(format!("webhook: {error}")))?;
    let signature = server.webhook.sign(jiff::Timestamp::now().as_second(), &body);
    let sent = server
        .http
        .post(format!("{}/api/v1/webhooks/paddle", server.local))
        .header(header::CONTENT_TYPE, "application/json")
        .header(HEADER, signature)
        .body(body)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    if let Err(error) = sent {
        tracing::error!(error = %error.without_url(), "the webhook was not accepted");
        let notice = "The payment could not be confirmed, and nothing was charged. Please try again.";
        return form(StatusCode::BAD_GATEWAY, session, notice);
    }
    Ok(go_back(session))
}

/// After a decision: to the client's callback by way of the provider's "done" page, or to what became of it.
fn go_back(session: &SessionRow) -> Response {
    if way_back(session).is_none() {
        return to_page(session);
    }
    let target = format!("/api/v1/checkout/complete?checkout_session_id={}", session.id);
    (StatusCode::SEE_OTHER, [(header::LOCATION, target)]).into_response()
}

/// To the session's page, so that nothing is sent again when it is looked at again.
#[must_use]
pub fn to_page(session: &SessionRow) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/pay/{}", session.id))]).into_response()
}

/// What to say about a session that cannot be paid any more.
async fn settled(server: &Server, session: &SessionRow) -> Result<Response, Failure> {
    Ok(page::paid(&session.id, &progress::of(server, session).await?))
}

/// True when nobody may pay for it here: at Paddle it costs money, and where Paddle takes the money, what was opened on
/// the sandbox's page before is not to be had for nothing.
fn is_elsewhere(server: &Server, session: &SessionRow) -> bool {
    session.provider != "sandbox" || server.paddle.is_some()
}

/// The page for a session that cannot be paid here.
fn elsewhere() -> Response {
    let text = "This checkout is paid at the payment provider. Open the address that the terminal shows, or start a new \
                checkout there.";
    page::message(StatusCode::OK, "Not here", text)
}

/// The page for a session that nobody opened.
#[must_use]
pub fn unknown() -> Response {
    page::message(StatusCode::NOT_FOUND, "Not found", "There is no such checkout. Start one in the terminal.")
}

fn form(status: StatusCode, session: &SessionRow, notice: &str) -> Result<Response, Failure> {
    let offer = catalogue::by_plan(&session.plan_id);
    let offer = offer.ok_or_else(|| Failure::internal("the session's plan is not on offer any more"))?;
    let region = catalogue::region(&session.region).map_or(session.region.as_str(), |region| region.name);
    let tenant = session.for_tenant.as_deref().and_then(|id| TenantId::new(id).ok());
    let purpose = tenant.map_or_else(|| "A new tenant".to_owned(), |id| format!("Tenant {}", id.short()));
    Ok(page::form(
        status,
        &page::Form {
            session,
            plan: &offer.plan.name,
            description: offer.description,
            purpose: &purpose,
            size: &format!("{} MB memory, {} GB volume", offer.plan.memory_mb_default, offer.plan.volume_gb),
            region,
            price: &format!("{} {}", offer.price.amount, offer.price.currency),
            interval: offer.price.interval,
            notice,
        },
    ))
}
