//! Senders: the one place of the API where somebody's number is shown. It is asked for in a body, never
//! in an address.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Desk;
use super::guard::Caller;
use super::page::Pages;
use super::refusal::Refusal;
use crate::domain::access::Scope;
use crate::domain::sender::Phone;
use crate::store::api::{SenderShown, Sought};

/// Somebody who writes to us, or whom we write to.
#[derive(Serialize, ToSchema)]
pub struct Sender {
    /// Their id.
    id: i64,
    /// Digits, country code first.
    phone: Option<String>,
    /// Business-scoped user id.
    user_id: Option<String>,
    /// Theirs at Stripe; `null` before their first receipt.
    customer: Option<String>,
    /// They want no reminders.
    opted_out: bool,
}

impl From<SenderShown> for Sender {
    fn from(it: SenderShown) -> Self {
        let SenderShown { id, phone, user_id, customer, opted_out } = it;
        Self { id, phone, user_id, customer, opted_out }
    }
}

/// A page of senders, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Senders {
    /// They.
    senders: Vec<Sender>,
    /// The cursor of the next page; `null` on the last.
    next: Option<String>,
}

/// Which senders.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// With this customer at Stripe.
    customer: Option<String>,
    /// Rows on a page; 50 unless told otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Who is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SenderSearch)]
pub struct Whom {
    /// Digits, country code first, in any of the number's ways of writing.
    #[schema(example = "420777123456")]
    phone: String,
}

/// Lists senders: those who wrote to a number of the key's, or are reminded from it.
#[utoipa::path(
    get, path = "/v1/senders", tag = "senders", params(Filter), security(("key" = [])),
    responses(
        (status = 200, description = "a page", body = Senders),
        (status = 400, description = "the query cannot be read"),
    )
)]
pub async fn list(
    desk: Data<Desk>,
    caller: Caller,
    asked: Query<Filter>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::SendersRead)?;
    let asked = asked.into_inner();
    let pages = Pages::of(asked.limit, asked.cursor.as_ref())?;
    let sought = Sought { before: pages.before()?, customer: asked.customer, ..Sought::default() };
    page(&desk, caller, sought, &pages).await
}

/// Looks for a sender by their number: one, or none.
#[utoipa::path(
    post, path = "/v1/senders/search", tag = "senders", request_body = Whom, security(("key" = [])),
    responses(
        (status = 200, description = "whoever it is", body = Senders),
        (status = 400, description = "the body cannot be read"),
        (status = 413, description = "the body is over 64 KiB"),
        (status = 422, description = "that is no number"),
    )
)]
pub async fn search(
    desk: Data<Desk>,
    caller: Caller,
    asked: Json<Whom>,
) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::SendersRead)?;
    let phone = Phone::parse(&asked.phone);
    let phone = phone.map_err(|_| Refusal::Invalid("phone: want 6 to 15 digits".to_owned()))?;
    let sought = Sought { phone: Some(phone.key().as_str().to_owned()), ..Sought::default() };
    page(&desk, caller, sought, &Pages::default()).await
}

/// Shows one sender.
#[utoipa::path(
    get, path = "/v1/senders/{id}", tag = "senders",
    params(("id" = i64, Path, description = "the sender")),
    security(("key" = [])),
    responses((status = 200, description = "the sender", body = Sender))
)]
pub async fn one(desk: Data<Desk>, caller: Caller, id: Path<i64>) -> Result<HttpResponse, Refusal> {
    caller.may(Scope::SendersRead)?;
    let sought = Sought { id: Some(id.into_inner()), ..Sought::default() };
    let numbers = caller.key.numbers;
    let found = desk
        .ask(move |store| async move { store.senders_for(&numbers, &sought, 1).await })
        .await?
        .pop();
    Ok(HttpResponse::Ok().json(Sender::from(found.ok_or(Refusal::NotFound)?)))
}

async fn page(
    desk: &Desk,
    caller: Caller,
    sought: Sought,
    pages: &Pages,
) -> Result<HttpResponse, Refusal> {
    let (numbers, at_most) = (caller.key.numbers, pages.asked());
    let mut rows = desk
        .ask(move |store| async move { store.senders_for(&numbers, &sought, at_most).await })
        .await?;
    let next = pages.cut(&mut rows, |it| it.id);
    let senders = rows.into_iter().map(Sender::from).collect();
    Ok(HttpResponse::Ok().json(Senders { senders, next }))
}
