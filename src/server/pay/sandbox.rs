//! The sandbox's payment provider: a page with a form; "pay" signs a webhook and sends it over HTTP.

use axum::Form;
use axum::extract::{Path, State, rejection::FormRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::page;
use super::signature::HEADER;
use super::webhook::{CustomData, Notice, NoticeData, NoticeItem};
use crate::model::SessionId;
use crate::server::catalogue;
use crate::server::error::Failure;
use crate::server::keys;
use crate::server::purchase;
use crate::server::routes::checkout::way_back;
use crate::server::state::Server;
use crate::server::store::sessions::SessionRow;
use crate::server::store::{accounts, now, sessions};

const PAID: (&str, &str) =
    ("Paid", "The payment is confirmed and your tenant is being made. Go back to the terminal and watch it there.");

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct Decision {
    nonce: String,
    decision: String,
}

/// `GET /pay/{session}`
pub async fn show(State(server): State<Server>, Path(session): Path<String>) -> Result<Response, Failure> {
    let Some(session) = find(&server, &session).await? else { return Ok(unknown()) };
    Ok(match settled(&session) {
        Some(response) => response,
        None => form(StatusCode::OK, &session, "")?,
    })
}

/// `POST /pay/{session}`
pub async fn decide(
    State(server): State<Server>,
    Path(session): Path<String>,
    decision: Result<Form<Decision>, FormRejection>,
) -> Result<Response, Failure> {
    let Some(session) = find(&server, &session).await? else { return Ok(unknown()) };
    let Ok(Form(decision)) = decision else {
        return form(StatusCode::BAD_REQUEST, &session, "The form was not complete. Please choose again.");
    };
    if !bool::from(decision.nonce.as_bytes().ct_eq(session.form_nonce.as_bytes())) {
        return form(StatusCode::FORBIDDEN, &session, "This form is not from this page. Please choose again.");
    }
    // A form sent twice gets the answer of the first time.
    if session.status != "open" || purchase::is_expired(&session) {
        return Ok(go_back(&session).or_else(|| settled(&session)).unwrap_or_else(unknown));
    }
    match decision.decision.as_str() {
        "pay" => pay(&server, &session).await,
        "decline" => {
            let id = SessionId::new(&*session.id).map_err(|error| Failure::internal(error.to_string()))?;
            purchase::decline(&server, &id).await?;
            let declined = SessionRow { status: "declined".into(), ..session };
            Ok(go_back(&declined).or_else(|| settled(&declined)).unwrap_or_else(unknown))
        }
        _ => form(StatusCode::BAD_REQUEST, &session, "Please choose one of the two buttons."),
    }
}

async fn find(server: &Server, raw: &str) -> Result<Option<SessionRow>, Failure> {
    let Ok(id) = SessionId::new(raw) else { return Ok(None) };
    Ok(sessions::get(&mut *server.store.read().await?, id.as_str()).await?)
}

/// Tells the webhook, as a payment provider does, and sends the browser on.
async fn pay(server: &Server, session: &SessionRow) -> Result<Response, Failure> {
    let customer = accounts::customer_of(&mut *server.store.read().await?, &session.user_id).await?;
    let customer = match customer {
        Some(customer) => customer.id,
        None => format!("ctm_{}", keys::random_word(16)?.to_ascii_lowercase()),
    };
    // Made from the session, so that the same payment always has the same ids.
    let stem = session.transaction_id.trim_start_matches("txn_");
    let notice = Notice {
        event_id: format!("evt_{stem}"),
        event_type: "transaction.completed".into(),
        occurred_at: Some(now()),
        data: NoticeData {
            id: session.transaction_id.clone(),
            customer_id: Some(customer),
            subscription_id: Some(format!("sub_{stem}")),
            transaction_id: None,
            status: Some("completed".into()),
            items: vec![NoticeItem { price_id: session.price_id.clone(), quantity: 1 }],
            custom_data: Some(CustomData {
                region: Some(session.region.clone()),
                redirect_uri: session.redirect_uri.clone(),
                checkout_session_id: Some(session.id.clone()),
            }),
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
    let paid = SessionRow { status: "paid".into(), ..session.clone() };
    Ok(go_back(&paid).unwrap_or_else(|| page::message(StatusCode::OK, PAID.0, PAID.1)))
}

/// To the client's callback, by way of the provider's "done" page; `None` where no browser is awaited.
fn go_back(session: &SessionRow) -> Option<Response> {
    way_back(session)?;
    let target = format!("/api/v1/checkout/complete?checkout_session_id={}", session.id);
    Some((StatusCode::SEE_OTHER, [(header::LOCATION, target)]).into_response())
}

/// What to say about a session that cannot be paid any more.
#[must_use]
pub fn settled(session: &SessionRow) -> Option<Response> {
    let (title, text) = match session.status.as_str() {
        "open" if purchase::is_expired(session) => {
            ("Expired", "This checkout is over. Start a new one in the terminal.")
        }
        "open" => return None,
        "declined" => ("Declined", "Nothing was charged. You can start again in the terminal."),
        "failed" => ("Not completed", "The tenant could not be made. The terminal says why, and what to do."),
        _ => PAID,
    };
    Some(page::message(StatusCode::OK, title, text))
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
    Ok(page::form(
        status,
        &page::Form {
            session: &session.id,
            nonce: &session.form_nonce,
            plan: &offer.plan.name,
            description: offer.description,
            size: &format!("{} MB memory, {} GB volume", offer.plan.memory_mb_default, offer.plan.volume_gb),
            region,
            price: &format!("{} {}", offer.price.amount, offer.price.currency),
            interval: offer.price.interval,
            notice,
        },
    ))
}
