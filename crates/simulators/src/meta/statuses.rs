//! The status webhooks that follow a send: what they say, in which order, and when. They echo
//! the send's `biz_opaque_callback_data` and are delivered again until they are answered 200.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::items::{self, Item};
use super::messages::Sent;
use super::{MetaRoute, State, delivery, errors};
use crate::faults::Fault;

/// Which statuses follow a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// `sent`, then `delivered`: the usual.
    SentThenDelivered,
    /// `sent`, `delivered`, `read`.
    UntilRead,
    /// The same two in the wrong order.
    DeliveredThenSent,
    /// `sent` and `delivered`, both answered before the send call is.
    BeforeTheAnswer,
    /// `failed` with this error code.
    Failed(i64),
    /// Nothing is ever heard of it.
    Never,
}

/// A status webhook that was answered 200. `Debug` shows neither message nor recipient.
#[derive(Clone)]
pub struct Echo {
    /// The `biz_opaque_callback_data` that came with the send.
    pub callback_data: Option<String>,
    /// `sent`, `delivered`, …
    pub status: String,
    /// When the 200 was there, by the simulator's clock.
    pub at: DateTime<Utc>,
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Echo");
        shown.field("status", &self.status).field("at", &self.at).finish_non_exhaustive()
    }
}

type Job = Option<LocalBoxFuture<'static, ()>>;

/// What to do before and after the answer to the send call.
pub(crate) fn follow(state: &Arc<State>, sent: Sent, plan: &Statuses) -> (Job, Job) {
    let (names, code): (&[&'static str], i64) = match plan {
        Statuses::SentThenDelivered | Statuses::BeforeTheAnswer => (&["sent", "delivered"], 0),
        Statuses::UntilRead => (&["sent", "delivered", "read"], 0),
        Statuses::DeliveredThenSent => (&["delivered", "sent"], 0),
        Statuses::Failed(code) => (&["failed"], *code),
        Statuses::Never => (&[], 0),
    };
    let delay = match plan {
        Statuses::BeforeTheAnswer => Duration::ZERO,
        _ => state.options.status_delay,
    };
    let state = Arc::clone(state);
    let job: LocalBoxFuture<'static, ()> = Box::pin(async move {
        for name in names {
            tokio::time::sleep(delay).await;
            if matches!(*name, "delivered" | "read") {
                let now = state.now();
                state.memory().bill.arrived(&sent, now);
            }
            deliver(&state, &item(&state, &sent, name, code), &sent.phone_number_id).await;
        }
    });
    match plan {
        Statuses::BeforeTheAnswer => (Some(job), None),
        _ => (None, Some(job)),
    }
}

async fn deliver(state: &State, item: &Item, phone_number_id: &str) {
    let change = items::change(&state.options, phone_number_id, [item.clone()]);
    let payload = items::batch(&state.options, [vec![change]]);
    let times = match state.faults.next(MetaRoute::StatusWebhook) {
        None => 1,
        Some(Fault::Twice) => 2,
        Some(Fault::Slow(by)) => {
            tokio::time::sleep(by).await;
            1
        }
        Some(_) => 0,
    };
    for _ in 0..times {
        if delivery::until_accepted(state, &payload).await.accepted() {
            let word = |key: &str| item.body[key].as_str().map(str::to_owned);
            let (callback_data, at) = (word("biz_opaque_callback_data"), state.now());
            let echo = Echo { callback_data, status: word("status").unwrap_or_default(), at };
            state.memory().echoes.push(echo);
        }
    }
}

/// One status of a sent message; `code` matters to `failed` only.
pub(crate) fn item(state: &State, sent: &Sent, status: &str, code: i64) -> Item {
    let user = sent.user();
    let recipient = match sent.to {
        Some(_) => "recipient_id",
        None => "recipient_user_id",
    };
    let now = state.now();
    let mut body = json!({
        "id": sent.wamid,
        "status": status,
        "timestamp": now.timestamp().to_string(),
        recipient: user,
    });
    if let Some(data) = &sent.callback_data {
        body["biz_opaque_callback_data"] = json!(data);
    }
    if status == "failed" {
        body["errors"] = json!([errors::in_status(code)]);
    } else {
        bill(&mut body, sent, status, (now + TimeDelta::hours(24)).timestamp());
    }
    let contact = state.memory().conversations.contact(&user).cloned();
    let contact = contact.filter(|it| it.get("user_id").is_some());
    Item { wamid: sent.wamid.clone(), body, contact, list: "statuses" }
}

fn bill(body: &mut Value, sent: &Sent, status: &str, expires: i64) {
    let mut conversation = json!({
        "id": format!("{:032x}", fold(&sent.wamid)),
        "origin": { "type": sent.category },
    });
    if status == "sent" {
        conversation["expiration_timestamp"] = json!(expires.to_string());
    }
    body["conversation"] = conversation;
    body["pricing"] = sent.pricing.as_json();
}

/// The same conversation id for all statuses of one message.
fn fold(text: &str) -> u128 {
    text.bytes().fold(7, |sum: u128, byte| sum.wrapping_mul(131).wrapping_add(u128::from(byte)))
}
