//! How many people the account may write to who have not written to it: `GET /{phone-number-id}`
//! tells the limit, and a send beyond it is refused. All numbers share it.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::messages::Sent;
use super::{Memory, Meta, MetaRoute, State, errors, object_id};
use crate::answer::Answer;
use crate::asked::Asked;

/// Fields of a number that are known here, and what is not told of them otherwise.
const FIELDS: [&str; 6] = [
    "id",
    "verified_name",
    "display_phone_number",
    "quality_rating",
    "whatsapp_business_manager_messaging_limit",
    "messaging_limit_tier",
];

/// `GET /{version}/{phone-number-id}[?fields=…]`
pub(crate) fn number(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let fields = asked.param("fields").unwrap_or_else(|| "id,display_phone_number".to_owned());
    let limit = state.memory().messaging_limit.clone();
    let mut told = Map::new();
    told.insert("id".to_owned(), json!(object_id(asked)));
    for field in fields.split(',') {
        if !FIELDS.contains(&field) {
            let details = format!("Tried accessing nonexisting field ({field})");
            return errors::error(400, 100, &details, &details);
        }
        let value = match field {
            "display_phone_number" => json!(state.options.display_phone_number),
            "verified_name" => json!("Paragon"),
            "quality_rating" => json!("GREEN"),
            "id" => json!(object_id(asked)),
            _ => json!(limit),
        };
        told.insert(field.to_owned(), value);
    }
    Answer::json(200, &Value::Object(told))
}

/// How many people a tier's word stands for; `None` for no limit.
fn people(tier: &str) -> Option<usize> {
    let size = tier.strip_prefix("TIER_")?;
    match size.strip_suffix('K') {
        Some(thousands) => thousands.parse::<usize>().ok().map(|it| it * 1_000),
        None => size.parse().ok(),
    }
}

/// Whether one more person, who has not written to us, is within the limit.
pub(crate) fn allows(memory: &Memory, user: &str, now: DateTime<Utc>) -> bool {
    let Some(most) = people(&memory.messaging_limit) else { return true };
    let reached = reached(&memory.sent, now);
    reached.contains(user) || reached.len() < most
}

fn reached(sent: &[Sent], now: DateTime<Utc>) -> HashSet<String> {
    let day = TimeDelta::hours(24);
    let counts = |it: &&Sent| it.outside_window && now - it.at < day;
    sent.iter().filter(counts).map(Sent::user).collect()
}

impl Meta {
    /// From now on this tier holds: `TIER_250`, `TIER_2K`, `TIER_UNLIMITED` …
    pub fn messaging_limit(&self, tier: &str) {
        tier.clone_into(&mut self.vendor().state.memory().messaging_limit);
    }

    /// How many people were written to in the last 24 hours who had not written before.
    pub fn people_reached(&self) -> usize {
        let state = &self.vendor().state;
        let now = state.now();
        reached(&state.memory().sent, now).len()
    }
}
