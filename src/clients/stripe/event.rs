//! What Stripe's webhooks tell of customers. Reads verified bytes; of everything else that Stripe
//! may tell it says so and keeps nothing.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::query;
use crate::domain::ids::CustomerId;
use crate::domain::sender::Sender;

/// One event about one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`: the same however often it is delivered.
    pub id: String,
    /// When it happened, in whole seconds: two of the same second have no order.
    pub created: DateTime<Utc>,
    /// Whose.
    pub customer: CustomerId,
    /// What happened.
    pub news: News,
}

/// What happened to a customer.
#[derive(Clone, PartialEq, Eq)]
pub enum News {
    /// It was changed, and has this metadata since.
    Updated(Metadata),
    /// It was deleted, which is for ever.
    Deleted,
}

/// A customer's metadata: who it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Metadata(HashMap<String, String>);

impl News {
    /// Whether the customer is still one of `sender` after this.
    pub fn names(&self, sender: &Sender) -> bool {
        match self {
            Self::Updated(Metadata(metadata)) => query::names(metadata, sender),
            Self::Deleted => false,
        }
    }
}

/// Shows what happened, not to whom.
impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Updated(_) => "Updated",
            Self::Deleted => "Deleted",
        })
    }
}

/// Signed by Stripe, and not what an event about a customer looks like. Says nothing of its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event of Stripe's that this version can read")]
pub struct EventError;

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    created: i64,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    #[serde(default)]
    metadata: Option<HashMap<String, String>>,
}

impl Event {
    /// Reads a webhook's body. `None` for events of other types, which are nobody's concern here.
    pub fn read(body: &[u8]) -> Result<Option<Self>, EventError> {
        let Kind { r#type: kind } = serde_json::from_slice(body).map_err(|_| EventError)?;
        let is_deleted = match kind.as_str() {
            "customer.updated" => false,
            "customer.deleted" => true,
            _ => return Ok(None),
        };
        let Wire { id, created, data } = serde_json::from_slice(body).map_err(|_| EventError)?;
        let news = if is_deleted {
            News::Deleted
        } else {
            News::Updated(Metadata(data.object.metadata.unwrap_or_default()))
        };
        let created = DateTime::from_timestamp(created, 0).ok_or(EventError)?;
        Ok(Some(Self { id, created, customer: CustomerId(data.object.id), news }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sender::Phone;

    fn event(kind: &str) -> String {
        format!(
            r#"{{"id":"evt_1","object":"event","created":1790000000,"type":"{kind}","data":{{"object":
               {{"id":"cus_1","metadata":{{"whatsapp_phone":"+420777123456"}}}}}}}}"#
        )
    }

    #[test]
    fn a_change_tells_whose_customer_it_is_now() {
        let sender = |it| Sender::known_by(Phone::parse(it).ok(), None).unwrap();
        let told = Event::read(event("customer.updated").as_bytes()).unwrap().unwrap();
        assert_eq!((told.id.as_str(), told.customer.0.as_str()), ("evt_1", "cus_1"));
        assert_eq!(told.created.timestamp(), 1_790_000_000);
        assert!(told.news.names(&sender("420777123456")));
        assert!(!told.news.names(&sender("420777123457")));
        assert!(!format!("{told:?}").contains("420777123456"));

        let gone = Event::read(event("customer.deleted").as_bytes()).unwrap().unwrap();
        assert!(!gone.news.names(&sender("420777123456")));
    }

    #[test]
    fn what_is_not_about_a_customer_is_told_apart_from_what_cannot_be_read() {
        for other in ["customer.created", "customer.subscription.deleted", "invoice.paid"] {
            assert_eq!(Event::read(event(other).as_bytes()), Ok(None), "{other}");
        }
        let thin = br#"{"id":"evt_1","object":"v2.core.event","type":"v1.x","created":"2026"}"#;
        assert_eq!(Event::read(thin), Ok(None));
        for bad in ["", "[]", "{}", r#"{"type":"customer.updated","id":"evt_1"}"#] {
            assert_eq!(Event::read(bad.as_bytes()), Err(EventError), "{bad}");
        }
    }
}
