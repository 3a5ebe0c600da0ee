//! Reminders: scheduled, listed, shown, cancelled. Workers send them, by template, to nobody who has
//! opted out; what is asked for twice is there once.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::guard::Caller;
use super::once::{Named, content};
use super::page::Pages;
use super::refusal::Refusal;
use super::wanted::{Ready, Wanted};
use crate::domain::access::{Numbers, Scope};
use crate::queue;
use crate::store::api::{ReminderShown, Sought};
use crate::store::{Store, StoreError};

/// What a reminder can be, as `ops.reminders` says it.
const STATES: [&str; 7] =
    ["scheduled", "waiting", "sent", "delivered", "failed", "withheld", "cancelled"];

/// A reminder, and how far it has come. What it says is not repeated.
#[derive(Serialize, ToSchema)]
pub struct Reminder {
    /// Its id.
    id: i64,
    /// Whom it is for.
    sender: i64,
    /// Meta's id of the number that it leaves from.
    number: String,
    /// The template.
    template: String,
    /// Its language.
    language: String,
    /// scheduled, waiting (for its template), sent (Meta took it), delivered, failed (it did not
    /// arrive), withheld (with the reason), cancelled.
    state: String,
    /// Why it is withheld, or what it waits for.
    reason: Option<String>,
    /// Not before then.
    at: DateTime<Utc>,
    /// When Meta took it.
    sent_at: Option<DateTime<Utc>>,
    /// When we heard that the phone has it.
    delivered_at: Option<DateTime<Utc>>,
    /// Meta's code, where it did not arrive.
    error_code: Option<i32>,
}

impl From<ReminderShown> for Reminder {
    fn from(it: ReminderShown) -> Self {
        Self {
            id: it.id,
            sender: it.sender,
            number: it.number,
            template: it.template,
            language: it.language,
            state: it.state,
            reason: it.reason,
            at: it.run_at,
            sent_at: it.sent_at,
            delivered_at: it.delivered_at,
            error_code: it.error_code,
        }
    }
}

/// A page of reminders, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Reminders {
    /// They.
    reminders: Vec<Reminder>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

/// Which reminders.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// In this state.
    state: Option<String>,
    /// For this sender.
    sender: Option<i64>,
    /// Rows on a page; 50 unless told otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Lists reminders.
#[utoipa::path(
    get, path = "/v1/reminders", tag = "reminders", params(Filter), security(("key" = [])),
    responses(
        (status = 200, description = "a page", body = Reminders),
        (status = 400, description = "the query cannot be read"),
    )
)]
pub async fn list(
    desk: Data<Desk>,
    caller: Caller,
    asked: Query<Filter>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::RemindersRead)?;
    let asked = asked.into_inner();
    let pages = Pages::of(asked.limit, asked.cursor.as_ref())?;
    if asked.state.as_deref().is_some_and(|it| !STATES.contains(&it)) {
        return Err(Refusal::BadInput(format!("state: knows {}", STATES.join(", "))));
    }
    let sought = Sought {
        before: pages.before()?,
        state: asked.state,
        sender: asked.sender,
        ..Sought::default()
    };
    let (numbers, at_most) = (caller.key.numbers, pages.asked());
    let mut rows = desk
        .ask(move |store| async move { store.reminders_for(&numbers, &sought, at_most).await })
        .await?;
    let next = pages.cut(&mut rows, |it| it.id);
    let reminders = rows.into_iter().map(Reminder::from).collect();
    Ok(HttpResponse::Ok().json(Reminders { reminders, next }))
}

/// Shows one reminder.
#[utoipa::path(
    get, path = "/v1/reminders/{id}", tag = "reminders",
    params(("id" = i64, Path, description = "the reminder")),
    security(("key" = [])),
    responses((status = 200, description = "the reminder", body = Reminder))
)]
pub async fn one(desk: Data<Desk>, caller: Caller, id: Path<i64>) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::RemindersRead)?;
    let reminder = show(&desk, caller.key.numbers, id.into_inner()).await?;
    Ok(HttpResponse::Ok().json(reminder))
}

async fn show(desk: &Desk, numbers: Numbers, id: i64) -> Result<Reminder, Refusal> {
    let reminder = desk.ask(move |store| async move { found(&store, &numbers, id).await }).await?;
    Ok(Reminder::from(reminder))
}

async fn found(store: &Store, numbers: &Numbers, id: i64) -> Result<ReminderShown, StoreError> {
    let sought = Sought { id: Some(id), ..Sought::default() };
    let reminder = store.reminders_for(numbers, &sought, 1).await?.pop();
    reminder.ok_or(StoreError::Missing { table: "reminders" })
}

/// Schedules a reminder. The same one asked for twice is there once: then that one is shown.
#[utoipa::path(
    post, path = "/v1/reminders", tag = "reminders", request_body = Wanted,
    params(super::description::IdempotencyKey), security(("key" = [])),
    responses(
        (status = 201, description = "the reminder", body = Reminder),
        (status = 400, description = "the body cannot be read"),
        (status = 409, description = "the same was asked for from another number"),
        (status = 413, description = "the body is over 64 KiB"),
        (status = 422, description = "it cannot be sent so"),
    )
)]
pub async fn schedule(
    desk: Data<Desk>,
    caller: Caller,
    named: Named,
    asked: Json<Wanted>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::RemindersWrite)?;
    let asked = asked.into_inner();
    let content = content("remind", &asked)?;
    let ready = Ready::of(&desk, &caller, &asked)?;
    let (numbers, now) = (caller.key.numbers.clone(), desk.clock.now());
    let write = move |store: Store| async move { ready.write(&store, &numbers, now).await };
    let id = desk.once(&caller, &named, &content, write).await?;
    desk.bell.ring(queue::Queue::Reminders);
    let reminder = show(&desk, caller.key.numbers, id).await.map_err(|refusal| match refusal {
        Refusal::NotFound => Refusal::Conflict("the same was asked for from another number"),
        other => other,
    })?;
    Ok(HttpResponse::Created().json(reminder))
}

/// Cancels a reminder that is not sent yet. Cancelled again, nothing changes.
#[utoipa::path(
    post, path = "/v1/reminders/{id}/cancel", tag = "reminders",
    params(("id" = i64, Path, description = "the reminder"), super::description::IdempotencyKey),
    security(("key" = [])),
    responses(
        (status = 200, description = "the reminder", body = Reminder),
        (status = 409, description = "it is sent, or withheld"),
    )
)]
pub async fn cancel(
    desk: Data<Desk>,
    caller: Caller,
    named: Named,
    id: Path<i64>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::RemindersWrite)?;
    let id = id.into_inner();
    let (numbers, now) = (caller.key.numbers.clone(), desk.clock.now());
    let write = move |store: Store| async move {
        let reminder = found(&store, &numbers, id).await?;
        let cancelled = store.cancel_reminders(&[id], now).await?;
        if cancelled.is_empty() && reminder.state != "cancelled" {
            return Err(Refusal::Conflict("it is sent or withheld, and cannot be cancelled"));
        }
        Ok(id)
    };
    desk.once(&caller, &named, &format!("cancel {id}"), write).await?;
    Ok(HttpResponse::Ok().json(show(&desk, caller.key.numbers, id).await?))
}
