//! Entries: listed, shown, corrected, confirmed, counted. The acts are the dashboard's, with the same
//! rules and the same line in the audit log.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::amend::Correction;
use super::guard::Caller;
use super::once::{Named, content};
use super::page::Pages;
use super::refusal::Refusal;
use crate::app::correction;
use crate::domain::access::{Numbers, Scope};
use crate::domain::ids::EntryId;
use crate::domain::reply::EntryState;
use crate::store::api::{EntryShown, Sought};
use crate::store::audit_log::{Act, Action};
use crate::store::{Store, StoreError};

/// An entry. `null` is unknown, never a guess.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    /// Its id.
    id: i64,
    /// The photo's message: its photo is `/v1/photos/{message}`.
    message: i64,
    /// Who sent it.
    sender: i64,
    /// Whose it is, at Stripe.
    customer: String,
    /// Meta's id of the number that was written to.
    number: String,
    /// booked (it counts), incomplete (total or currency is unknown), duplicate (it looks like
    /// `duplicate_of`, and does not count until somebody says that it is new).
    state: String,
    /// Where it was paid.
    merchant: Option<String>,
    /// What was paid, in minor units of the currency (JPY has no decimals, KWD three).
    total_minor: Option<i64>,
    /// The tax within it, in minor units.
    tax_minor: Option<i64>,
    /// ISO 4217.
    currency: Option<String>,
    /// The day on the receipt.
    date: Option<NaiveDate>,
    /// For what.
    category: Option<String>,
    /// The entry that it repeats, or seemed to.
    duplicate_of: Option<i64>,
    /// When it was written.
    booked_at: DateTime<Utc>,
    /// When somebody said that it is right.
    confirmed_at: Option<DateTime<Utc>>,
    /// Its last change: give it with a correction, so that nobody's is undone unseen.
    revision: i64,
}

impl From<EntryShown> for Entry {
    fn from(it: EntryShown) -> Self {
        Self {
            id: it.id,
            message: it.message,
            sender: it.sender,
            customer: it.customer,
            number: it.number,
            state: it.state,
            merchant: it.merchant,
            total_minor: it.total_minor,
            tax_minor: it.tax_minor,
            currency: it.currency,
            date: it.date,
            category: it.category,
            duplicate_of: it.duplicate_of,
            booked_at: it.booked_at,
            confirmed_at: it.confirmed_at,
            revision: it.revision,
        }
    }
}

/// A page of entries, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Entries {
    /// They.
    entries: Vec<Entry>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// In this state: booked, incomplete, duplicate.
    state: Option<String>,
    /// Of this customer of Stripe's.
    customer: Option<String>,
    /// Of this sender.
    sender: Option<i64>,
    /// Written from then on.
    since: Option<DateTime<Utc>>,
    /// Written before.
    until: Option<DateTime<Utc>>,
    /// Rows on a page; 50 unless told otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Lists entries.
#[utoipa::path(
    get, path = "/v1/entries", tag = "entries", params(Filter), security(("key" = [])),
    responses(
        (status = 200, description = "a page", body = Entries),
        (status = 400, description = "the query cannot be read"),
    )
)]
pub async fn list(
    desk: Data<Desk>,
    caller: Caller,
    asked: Query<Filter>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EntriesRead)?;
    let asked = asked.into_inner();
    let pages = Pages::of(asked.limit, asked.cursor.as_ref())?;
    if asked.state.as_deref().is_some_and(|it| EntryState::parse(it).is_none()) {
        return Err(Refusal::BadInput("state: want booked, incomplete or duplicate".to_owned()));
    }
    let sought = Sought {
        before: pages.before()?,
        state: asked.state,
        customer: asked.customer,
        sender: asked.sender,
        since: asked.since,
        until: asked.until,
        ..Sought::default()
    };
    let (numbers, at_most) = (caller.key.numbers, pages.asked());
    let mut rows = desk
        .ask(move |store| async move { store.entries_for(&numbers, &sought, at_most).await })
        .await?;
    let next = pages.cut(&mut rows, |it| it.id);
    let entries = rows.into_iter().map(Entry::from).collect();
    Ok(HttpResponse::Ok().json(Entries { entries, next }))
}

/// Shows one entry.
#[utoipa::path(
    get, path = "/v1/entries/{id}", tag = "entries",
    params(("id" = i64, Path, description = "the entry")),
    security(("key" = [])),
    responses((status = 200, description = "the entry", body = Entry))
)]
pub async fn one(desk: Data<Desk>, caller: Caller, id: Path<i64>) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EntriesRead)?;
    show(&desk, caller.key.numbers, id.into_inner()).await
}

async fn show(desk: &Desk, numbers: Numbers, id: i64) -> Result<HttpResponse, Refusal> {
    let entry = desk.ask(move |store| async move { found(&store, &numbers, id).await }).await?;
    Ok(HttpResponse::Ok().json(Entry::from(entry)))
}

async fn found(store: &Store, numbers: &Numbers, id: i64) -> Result<EntryShown, StoreError> {
    let sought = Sought { id: Some(id), ..Sought::default() };
    let entry = store.entries_for(numbers, &sought, 1).await?.pop();
    entry.ok_or(StoreError::Missing { table: "entries" })
}

/// Corrects an entry, and keeps what it was. An incomplete one whose total becomes known is booked.
#[utoipa::path(
    post, path = "/v1/entries/{id}/correct", tag = "entries",
    params(("id" = i64, Path, description = "the entry"),
    super::description::IdempotencyKey),
    request_body = Correction, security(("key" = [])),
    responses(
        (status = 200, description = "the entry as it is now", body = Entry),
        (status = 400, description = "the body cannot be read"),
        (status = 409, description = "it was changed since `revision`"),
        (status = 413, description = "the body is over 64 KiB"),
        (status = 422, description = "an entry cannot be so"),
    )
)]
pub async fn correct(
    desk: Data<Desk>,
    caller: Caller,
    named: Named,
    id: Path<i64>,
    asked: Json<Correction>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EntriesWrite)?;
    let (id, asked) = (id.into_inner(), asked.into_inner());
    let (actor, now, numbers) = (caller.actor(), desk.clock.now(), caller.key.numbers.clone());
    let content = content(&format!("correct {id}"), &asked)?;
    let write = move |store: Store| async move {
        let shown = found(&store, &numbers, id).await?;
        let entry = store.shown_entry(EntryId(id)).await?;
        let standing = entry.wanted();
        let wanted = asked.applied(&standing, entry.currency)?;
        correction::check(&wanted, &standing, now.date_naive())?;
        let (action, subject) = (Action::CorrectEntry, format!("entry {id}"));
        let act = Act { actor: &actor, action, subject, details: None, now };
        let seen = asked.revision.unwrap_or(shown.revision);
        store.amend_entry(EntryId(id), seen, &wanted, &act).await?;
        Ok(id)
    };
    desk.once(&caller, &named, &content, write).await?;
    desk.tell_workers();
    show(&desk, caller.key.numbers, id).await
}

/// Says that an entry is right; of a duplicate, that it is the same receipt indeed. Said again, nothing
/// changes.
#[utoipa::path(
    post, path = "/v1/entries/{id}/confirm", tag = "entries",
    params(("id" = i64, Path, description = "the entry"),
    super::description::IdempotencyKey),
    security(("key" = [])),
    responses((status = 200, description = "the entry as it is now", body = Entry))
)]
pub async fn confirm(
    desk: Data<Desk>,
    caller: Caller,
    named: Named,
    id: Path<i64>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EntriesWrite)?;
    let id = id.into_inner();
    let (actor, now, numbers) = (caller.actor(), desk.clock.now(), caller.key.numbers.clone());
    let write = move |store: Store| async move {
        let entry = found(&store, &numbers, id).await?;
        if entry.confirmed_at.is_none() {
            let (action, subject) = (Action::ConfirmEntry, format!("entry {id}"));
            let act = Act { actor: &actor, action, subject, details: None, now };
            match store.confirm_as_operator(EntryId(id), &act).await {
                // Somebody said so at the same moment.
                Ok(()) | Err(StoreError::Overtaken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(id)
    };
    desk.once(&caller, &named, &format!("confirm {id}"), write).await?;
    desk.tell_workers();
    show(&desk, caller.key.numbers, id).await
}

/// Says that a duplicate is a receipt of its own: it counts from now on.
#[utoipa::path(
    post, path = "/v1/entries/{id}/count", tag = "entries",
    params(("id" = i64, Path, description = "the entry"),
    super::description::IdempotencyKey),
    security(("key" = [])),
    responses(
        (status = 200, description = "the entry as it is now", body = Entry),
        (status = 409, description = "it is no duplicate (any more)"),
    )
)]
pub async fn count(
    desk: Data<Desk>,
    caller: Caller,
    named: Named,
    id: Path<i64>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::EntriesWrite)?;
    let id = id.into_inner();
    let (actor, now, numbers) = (caller.actor(), desk.clock.now(), caller.key.numbers.clone());
    let write = move |store: Store| async move {
        found(&store, &numbers, id).await?;
        let (action, subject) = (Action::CountEntry, format!("entry {id}"));
        let act = Act { actor: &actor, action, subject, details: None, now };
        store.count_duplicate(EntryId(id), &act).await?;
        Ok(id)
    };
    desk.once(&caller, &named, &format!("count {id}"), write).await?;
    desk.tell_workers();
    show(&desk, caller.key.numbers, id).await
}
