//! When each user last wrote: the 24 hours in which a free-form answer is allowed. It goes by
//! the `timestamp` of the messages that were delivered to us, as Meta's own window does.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

const WINDOW: TimeDelta = TimeDelta::hours(24);

/// How a free-form message outside the window is refused. Both have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowRefusal {
    /// The send call answers 400 with 131047.
    AtOnce,
    /// The send call succeeds and a `failed` status with 131047 follows.
    ByStatus,
}

/// What is known of the users, by phone (digits) and by user id.
#[derive(Default)]
pub(crate) struct Conversations {
    last_wrote: HashMap<String, DateTime<Utc>>,
    contacts: HashMap<String, Value>,
}

impl Conversations {
    /// Notes every message of a webhook payload, whatever its receiver makes of it.
    pub(crate) fn heard(&mut self, payload: &Value) {
        let entries = payload["entry"].as_array().into_iter().flatten();
        let changes = entries.flat_map(|it| it["changes"].as_array().into_iter().flatten());
        for value in changes.map(|it| &it["value"]) {
            for contact in value["contacts"].as_array().into_iter().flatten() {
                for key in [&contact["wa_id"], &contact["user_id"]] {
                    if let Some(key) = key.as_str() {
                        self.contacts.insert(key.to_owned(), contact.clone());
                    }
                }
            }
            for message in value["messages"].as_array().into_iter().flatten() {
                self.heard_one(message);
            }
        }
    }

    fn heard_one(&mut self, message: &Value) {
        let seconds = message["timestamp"].as_str().and_then(|it| it.parse().ok());
        let Some(at) = seconds.and_then(|it| DateTime::from_timestamp(it, 0)) else {
            return;
        };
        for key in [&message["from"], &message["from_user_id"]] {
            let Some(key) = key.as_str() else { continue };
            let last = self.last_wrote.entry(key.to_owned()).or_insert(at);
            *last = (*last).max(at);
        }
    }

    pub(crate) fn is_open(&self, user: &str, now: DateTime<Utc>) -> bool {
        self.last_wrote.get(user).is_some_and(|last| now - *last < WINDOW)
    }

    /// The contact object under which the user was last seen.
    pub(crate) fn contact(&self, user: &str) -> Option<&Value> {
        self.contacts.get(user)
    }
}
