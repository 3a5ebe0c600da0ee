//! Events: listed as they were told, and owed to the endpoints once more.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::guard::Caller;
use super::once::Named;
use super::page::Pages;
use super::refusal::Refusal;
use crate::domain::access::{Numbers, Scope};
use crate::domain::event::{EventId, EventKind, VERSION};
use crate::store::Store;
use crate::store::event_log::{Listed, Wanted};

/// An event, as endpoints are told it but for the link to the photo, and how far it has come.
#[derive(Serialize, ToSchema)]
pub struct Event {
    /// Its id: the `webhook-id` of every try.
    #[schema(example = "evt_6f1c1bd0c2a64b0f9d1b6a1f6c1f5f0e")]
    id: String,
    /// What happened: entry.booked, entry.corrected, entry.confirmed, entry.failed, `sender.opted_out`.
    #[serde(rename = "type")]
    kind: String,
    /// The version of what it says.
    version: u32,
    /// When it happened.
    timestamp: DateTime<Utc>,
    /// Of what, as it stood then; docs/events.md has the members.
    #[schema(value_type = Object)]
    data: Value,
    /// To each endpoint: endpoint, state, attempts, `delivered_at`, reason.
    #[schema(value_type = Vec<Object>)]
    deliveries: Value,
}

impl From<Listed> for Event {
    fn from(it: Listed) -> Self {
        Self {
            id: it.event.id.to_string(),
            kind: it.event.kind.as_str().to_owned(),
            version: VERSION,
            timestamp: it.event.occurred_at,
            data: it.event.data,
            deliveries: it.deliveries,
        }
    }
}

/// A page of events, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Events {
    /// They.
    events: Vec<Event>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this type, as entry.booked.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// That happened from then on.
    since: Option<DateTime<Utc>>,
    /// That happened before.
    until: Option<DateTime<Utc>>,
    /// Rows on a page; 50 unless told otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Lists events.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", params(Filter), security(("key" = [])),
    responses(
        (status = 200, description = "a page", body = Events),
        (status = 400, description = "the query cannot be read"),
    )
)]
pub async fn list(
    desk: Data<Desk>,
    caller: Caller,
    asked: Query<Filter>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EventsRead)?;
    let asked = asked.into_inner();
    let pages = Pages::of(asked.limit, asked.cursor.as_ref())?;
    let kind = asked.kind.as_deref().map(|it| {
        EventKind::parse(it).ok_or(Refusal::BadInput("type: there is no such one".to_owned()))
    });
    let wanted = Wanted {
        kind: kind.transpose()?,
        since: asked.since,
        until: asked.until,
        before: pages.before()?,
        ..about(&caller.key.numbers)
    };
    let at_most = pages.asked();
    let mut rows =
        desk.ask(move |store| async move { store.list_events(&wanted, at_most).await }).await?;
    let next = pages.cut(&mut rows, |it| it.row);
    let events = rows.into_iter().map(Event::from).collect();
    Ok(HttpResponse::Ok().json(Events { events, next }))
}

/// Shows one event.
#[utoipa::path(
    get, path = "/v1/events/{id}", tag = "events",
    params(("id" = String, Path, description = "the event")),
    security(("key" = [])),
    responses((status = 200, description = "the event", body = Event))
)]
pub async fn one(
    desk: Data<Desk>,
    caller: Caller,
    id: Path<String>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EventsRead)?;
    show(&desk, &caller, &id).await
}

/// Owes an event to every endpoint again, under its old id. An endpoint that is owed it already is left
/// as it is.
#[utoipa::path(
    post, path = "/v1/events/{id}/redeliver", tag = "events",
    params(("id" = String, Path, description = "the event"), super::description::IdempotencyKey),
    security(("key" = [])),
    responses((status = 200, description = "the event, with what is owed", body = Event))
)]
pub async fn redeliver(
    desk: Data<Desk>,
    caller: Caller,
    named: Named,
    id: Path<String>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EventsWrite)?;
    let wanted = named_in(&id, &caller.key.numbers)?;
    let write = move |store: Store| async move {
        let found = store.list_events(&wanted, 1).await?.pop().ok_or(Refusal::NotFound)?;
        store.redeliver(&wanted, None).await?;
        Ok(found.row)
    };
    desk.once(&caller, &named, &format!("redeliver {}", *id), write).await?;
    desk.tell_workers();
    show(&desk, &caller, &id).await
}

async fn show(desk: &Desk, caller: &Caller, id: &str) -> Result<HttpResponse, Refusal> {
    let wanted = named_in(id, &caller.key.numbers)?;
    let found = desk.ask(move |store| async move { store.list_events(&wanted, 1).await });
    let found = found.await?.pop().ok_or(Refusal::NotFound)?;
    Ok(HttpResponse::Ok().json(Event::from(found)))
}

fn named_in(id: &str, numbers: &Numbers) -> Result<Wanted, Refusal> {
    let id = EventId::parse(id).ok_or(Refusal::NotFound)?;
    Ok(Wanted { ids: Some(vec![id]), ..about(numbers) })
}

fn about(numbers: &Numbers) -> Wanted {
    let numbers = match numbers {
        Numbers::All => None,
        Numbers::These(numbers) => Some(numbers.clone()),
    };
    Wanted { numbers, ..Wanted::default() }
}
