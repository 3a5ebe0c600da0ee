//! What the other services know in the end: what Meta was told 200 for, what was sent to it, what Stripe
//! holds, what the integrator was told. Told by their process as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::story::What;

/// Everything that is known outside of Paragon.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Truth {
    /// The messages that were written, by their places in the story.
    pub said: Vec<Written>,
    /// What Meta took to be sent, in its order.
    pub sent: Vec<Sent>,
    /// Status webhooks that were answered 200.
    pub echoes: Vec<Echo>,
    /// Stripe's customers: the phone in their metadata, and their id.
    pub customers: Vec<(String, String)>,
    /// What each of the integrator's endpoints took, repetitions too.
    pub told: Vec<Vec<Event>>,
    /// How deliveries of webhooks were answered: status, or `none`.
    pub answers: BTreeMap<String, usize>,
    /// The slowest answer to a webhook, in milliseconds.
    pub slowest_answer_ms: u64,
    /// Calls that Paragon made, and status webhooks, by vendor.
    pub calls: BTreeMap<String, usize>,
    /// Faults that they met, by kind.
    pub faults: BTreeMap<String, usize>,
}

/// A message that somebody wrote.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Written {
    /// Meta's id.
    pub wamid: String,
    /// Digits.
    pub phone: String,
    /// What.
    pub what: What,
    /// Whether a webhook with it was answered 200.
    pub acknowledged: bool,
}

/// A message that Meta took to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// The message that it quotes.
    pub quoted: Option<String>,
    /// The attempt, as Paragon names it in `biz_opaque_callback_data`.
    pub attempt: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A signed event that an endpoint of the integrator's took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its `webhook-id`.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Of which message, by Paragon's own id.
    pub message: i64,
    /// In pence.
    pub total: Option<i64>,
}

/// A status webhook that was answered 200.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Echo {
    /// Of which attempt.
    pub attempt: String,
    /// When the answer was there.
    pub at: DateTime<Utc>,
}
