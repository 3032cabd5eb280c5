//! The machine's log (protocol B.23): the last lines as JSON, or a stream that goes on.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde::Deserialize;

use super::need_infrastructure;
use super::tenants::is_yes;
use crate::model::LogEntry;
use crate::server::auth::Owned;
use crate::server::error::Failure;
use crate::server::openapi::TenantRefusals;
use crate::server::provider::{LogPlace, LogStart};
use crate::server::routes::answers::LogLines;
use crate::server::sse;
use crate::server::state::Server;

/// Lines when the query does not say.
const LINES: u32 = 100;
/// Most lines that one call answers.
const MOST: u32 = 5000;

/// The query.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    lines: Option<String>,
    follow: Option<String>,
}

/// The id of a line: `{machine}-{nanoseconds since 1970}.{number within that moment}`. Whoever comes back with it in
/// `Last-Event-ID` gets what is behind that line.
fn event_id(machine: &str, place: LogStart) -> String {
    format!("{machine}-{}.{}", place.from.as_nanosecond(), place.known)
}

/// The machine and the place that the last line's id names; another id is none.
fn last_place(headers: &HeaderMap) -> Option<(String, LogStart)> {
    let (machine, place) = headers.get("last-event-id")?.to_str().ok()?.trim().split_once('-')?;
    let (moment, known) = place.split_once('.')?;
    let from = Timestamp::from_nanosecond(moment.parse().ok()?).ok()?;
    Some((machine.to_owned(), LogStart { from, known: known.parse().ok()? }))
}

/// Enough of a machine's id to tell it from the one before.
fn short(machine: &str) -> String {
    let letters: Vec<char> = machine.chars().filter(char::is_ascii_alphanumeric).collect();
    letters.iter().skip(letters.len().saturating_sub(12)).collect()
}

/// `GET /api/v1/tenants/{id}/logs`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/logs", tag = "machine",
    params(("id" = String, Path, description = "The tenant"),
        ("lines" = Option<u32>, Query, description = "How many; 100 where absent"),
        ("follow" = Option<String>, Query, description = "`true`: a stream of events named `log`")),
    responses((status = 200, description = "The last lines, oldest first; with `follow` a stream of them", body = LogLines), TenantRefusals),
    security(("login" = [])))]
pub async fn read(
    State(server): State<Server>,
    owned: Owned,
    query: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Query(wish) = query.map_err(|_| Failure::bad_request("the query cannot be read"))?;
    let lines = match wish.lines {
        None => LINES,
        Some(raw) => raw.parse().map_err(|_| Failure::bad_request("lines must be a number, 0 or more"))?,
    };
    need_infrastructure(&owned.tenant)?;
    let machine = owned.tenant.machine_id.as_deref().ok_or_else(Failure::no_machine)?;
    let follow = is_yes(wish.follow.as_deref()) || sse::wants_stream(&headers);
    // Of a machine that was replaced meanwhile: all of the new one's log is news.
    let (lines, start) = match follow.then(|| last_place(&headers)).flatten() {
        Some((of, place)) if of == short(machine) => (lines, Some(place)),
        Some(_) => (MOST, None),
        None => (lines, None),
    };
    let entries = server.provider.logs(machine, lines.min(MOST), start, follow).await?;
    if follow {
        let (machine, mut place) = (short(machine), LogPlace::at(start));
        let entries = entries.map(move |entry| {
            let id = place.pass(&entry).map(|place| event_id(&machine, place));
            (id, entry)
        });
        return Ok(sse::log_lines(entries.boxed(), sse::End::new(&server.stop, &headers)));
    }
    let logs: Vec<LogEntry> = entries.collect().await;
    Ok(Json(LogLines { logs }).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(id: &str) -> HeaderMap {
        let value = HeaderValue::from_str(id).expect("a value");
        HeaderMap::from_iter([(HeaderName::from_static("last-event-id"), value)])
    }

    #[test]
    fn an_id_comes_back_as_the_place_it_names() {
        let place = LogStart { from: "2026-01-09T10:09:31.123456789Z".parse().expect("a time"), known: 3 };
        let id = event_id(&short("machine_sp-a_1"), place);
        assert_eq!(last_place(&headers(&id)), Some(("machinespa1".to_owned(), place)));
        assert_ne!(short("0123456789abcdef01"), short("0123456789abcdef02"));
        for bad in ["7", "", "a-1", "a-b.c", "a-1.-1", "a-99999999999999999999999999999999999999999.1"] {
            assert_eq!(last_place(&headers(bad)), None, "{bad}");
        }
    }
}
