//! Idempotency keys as Stripe's v1 API keeps them: the first answer that came out of performing
//! a call is replayed for 24 hours, a 500 like any other. Refusals before performing (4xx for
//! bad parameters, 401, 429) are not remembered.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{StripeRoute, errors, form};
use crate::answer::Answer;
use crate::asked::Asked;

const KEPT: TimeDelta = TimeDelta::hours(24);

#[derive(Default)]
pub(crate) struct Keys {
    known: HashMap<String, Known>,
}

struct Known {
    fingerprint: String,
    since: DateTime<Utc>,
    answer: Option<Answer>,
}

impl Keys {
    /// The answer that is due because of the key alone.
    pub(crate) fn stored(
        &mut self,
        asked: &Asked<StripeRoute>,
        now: DateTime<Utc>,
    ) -> Option<Answer> {
        let key = key(asked)?;
        if key.is_empty() || key.len() > 255 {
            let message = "Idempotency keys must be between 1 and 255 characters long.";
            return Some(errors::invalid("Idempotency-Key", message));
        }
        self.known.retain(|_, known| now - known.since < KEPT);
        let known = self.known.get(key)?;
        if known.fingerprint != form::fingerprint(asked) {
            return Some(errors::other_parameters(key));
        }
        match &known.answer {
            None => Some(errors::key_in_use()),
            Some(answer) => {
                let answer = answer.clone().with("idempotent-replayed", "true");
                Some(answer.with("idempotency-key", key))
            }
        }
    }

    /// The key is in use from now on.
    pub(crate) fn begin(&mut self, asked: &Asked<StripeRoute>, now: DateTime<Utc>) {
        if let Some(key) = key(asked) {
            let fingerprint = form::fingerprint(asked);
            let known = Known { fingerprint, since: now, answer: None };
            self.known.entry(key.to_owned()).or_insert(known);
        }
    }

    /// The call is over: its answer is remembered, or the key free again.
    pub(crate) fn end(&mut self, asked: &Asked<StripeRoute>, answer: &Answer) {
        let Some(key) = key(asked) else { return };
        match answer.status {
            200..=299 | 500.. => {
                if let Some(known) = self.known.get_mut(key) {
                    known.answer = Some(answer.clone());
                }
            }
            _ => drop(self.known.remove(key)),
        }
    }
}

/// Stripe looks at keys of POST requests only.
fn key(asked: &Asked<StripeRoute>) -> Option<&str> {
    match asked.method.as_str() {
        "POST" => asked.header("idempotency-key"),
        _ => None,
    }
}
