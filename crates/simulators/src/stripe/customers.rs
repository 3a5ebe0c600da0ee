//! The customers: created, listed, read, changed and deleted, each with its past, because search
//! shows the past. Reading by id and listing are true at once, as at Stripe.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::form::Form;
use super::record::{WRITABLE, apply, blank};
use super::{StripeRoute, errors};
use crate::answer::Answer;
use crate::asked::Asked;

const LISTABLE: [&str; 7] =
    ["created", "email", "ending_before", "expand", "limit", "starting_after", "test_clock"];

/// A customer made by a test rather than through the API.
#[derive(Clone, Default)]
pub struct NewCustomer {
    /// Display name.
    pub name: Option<String>,
    /// Stripe's own phone field, not the metadata.
    pub phone: Option<String>,
    /// Address of the customer's mailbox.
    pub email: Option<String>,
    /// Metadata, up to 50 keys.
    pub metadata: BTreeMap<String, String>,
    /// When it was created; now if absent.
    pub created: Option<DateTime<Utc>>,
}

impl NewCustomer {
    /// A customer with one metadata value and nothing else.
    pub fn with_metadata(key: &str, value: &str) -> Self {
        let metadata = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        Self { metadata, ..Self::default() }
    }

    /// The same, named.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

/// All customers, in the order of their creation.
#[derive(Default)]
pub(crate) struct Books {
    kept: Vec<Kept>,
}

struct Kept {
    id: String,
    /// Oldest first; `None` says it was deleted then.
    past: Vec<(DateTime<Utc>, Option<Value>)>,
}

impl Kept {
    fn now(&self) -> Option<&Value> {
        self.past.last().and_then(|(_, it)| it.as_ref())
    }

    fn then(&self, at: DateTime<Utc>) -> Option<&Value> {
        self.past.iter().rev().find(|(since, _)| *since <= at).and_then(|(_, it)| it.as_ref())
    }
}

impl Books {
    pub(crate) fn all(&self) -> Vec<Value> {
        self.kept.iter().filter_map(Kept::now).cloned().collect()
    }

    /// What search can see, newest first.
    pub(crate) fn indexed(&self, now: DateTime<Utc>, lag: TimeDelta) -> Vec<Value> {
        let Some(at) = now.checked_sub_signed(lag) else {
            return Vec::new();
        };
        self.kept.iter().rev().filter_map(|it| it.then(at)).cloned().collect()
    }

    pub(crate) fn add(&mut self, new: &NewCustomer, now: DateTime<Utc>) -> String {
        let created = new.created.unwrap_or(now);
        let mut customer = blank(created);
        customer["name"] = json!(new.name);
        customer["phone"] = json!(new.phone);
        customer["email"] = json!(new.email);
        customer["metadata"] = json!(new.metadata);
        self.keep(customer, created)
    }

    /// Sets one metadata value, or removes it when empty; `None` when there is no such customer.
    pub(crate) fn set_metadata(
        &mut self,
        id: &str,
        key: &str,
        value: &str,
        now: DateTime<Utc>,
    ) -> Option<()> {
        let kept = self.kept.iter_mut().find(|it| it.id == id)?;
        let mut customer = kept.now()?.clone();
        let metadata = customer["metadata"].as_object_mut()?;
        if value.is_empty() {
            metadata.remove(key);
        } else {
            metadata.insert(key.to_owned(), json!(value));
        }
        kept.past.push((now, Some(customer)));
        Some(())
    }

    /// The id of the customer that was created last.
    pub(crate) fn newest(&self) -> Option<String> {
        self.kept.last().map(|it| it.id.clone())
    }

    /// What was last true of a customer, deleted or not.
    pub(crate) fn last_known(&self, id: &str) -> Option<Value> {
        self.find(id)?.past.iter().rev().find_map(|(_, it)| it.clone())
    }

    fn keep(&mut self, customer: Value, at: DateTime<Utc>) -> String {
        let id = customer["id"].as_str().unwrap_or_default().to_owned();
        self.kept.push(Kept { id: id.clone(), past: vec![(at, Some(customer))] });
        id
    }

    fn find(&self, id: &str) -> Option<&Kept> {
        self.kept.iter().find(|it| it.id == id)
    }
}

/// `POST /v1/customers`
pub(crate) fn create(
    books: &mut Books,
    asked: &Asked<StripeRoute>,
    now: DateTime<Utc>,
) -> Result<Answer, Answer> {
    let form = Form::of_body(asked)?.only(&WRITABLE)?;
    let mut customer = blank(now);
    apply(&mut customer, &form)?;
    books.keep(customer.clone(), now);
    Ok(Answer::json(200, &customer))
}

/// `GET /v1/customers`
pub(crate) fn list(books: &Books, asked: &Asked<StripeRoute>) -> Result<Answer, Answer> {
    let form = Form::of_query(asked)?.only(&LISTABLE)?;
    let limit = form.number("limit", 10)?;
    let created = form.under("created");
    let mut found: Vec<Value> = books.all();
    found.reverse();
    for (comparison, bound) in created {
        let bound: i64 = bound.parse().map_err(|_| {
            errors::parameter("parameter_invalid_integer", "created", "Invalid integer")
        })?;
        let holds: fn(i64, i64) -> bool = match comparison.as_str() {
            "" => |it, bound| it == bound,
            "gt" => |it, bound| it > bound,
            "gte" => |it, bound| it >= bound,
            "lt" => |it, bound| it < bound,
            "lte" => |it, bound| it <= bound,
            _ => return Err(errors::invalid("created", "Unknown comparison.")),
        };
        found.retain(|it| it["created"].as_i64().is_some_and(|it| holds(it, bound)));
    }
    if let Some(email) = form.get("email") {
        found.retain(|it| it["email"] == email);
    }
    if let Some(after) = form.get("starting_after") {
        let at = found.iter().position(|it| it["id"] == after);
        found.drain(..=at.ok_or_else(|| errors::no_such_customer(after))?);
    }
    if let Some(before) = form.get("ending_before") {
        let at = found.iter().position(|it| it["id"] == before);
        found.truncate(at.ok_or_else(|| errors::no_such_customer(before))?);
        found.drain(..found.len().saturating_sub(limit));
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok(Answer::json(
        200,
        &json!({
            "object": "list", "url": "/v1/customers", "has_more": has_more, "data": found,
        }),
    ))
}

/// `GET /v1/customers/{id}`; a deleted one is shown as deleted.
pub(crate) fn get(books: &Books, id: &str) -> Result<Answer, Answer> {
    match books.find(id).map(Kept::now) {
        None => Err(errors::no_such_customer(id)),
        Some(Some(customer)) => Ok(Answer::json(200, customer)),
        Some(None) => Ok(Answer::json(200, &deleted(id))),
    }
}

/// `POST /v1/customers/{id}`
pub(crate) fn update(
    books: &mut Books,
    id: &str,
    asked: &Asked<StripeRoute>,
    now: DateTime<Utc>,
) -> Result<Answer, Answer> {
    let form = Form::of_body(asked)?.only(&[&WRITABLE[..], &["default_source"]].concat())?;
    let kept = books.kept.iter_mut().find(|it| it.id == id);
    let kept = kept.ok_or_else(|| errors::no_such_customer(id))?;
    let Some(mut customer) = kept.now().cloned() else {
        return Err(errors::no_such_customer(id));
    };
    apply(&mut customer, &form)?;
    kept.past.push((now, Some(customer.clone())));
    Ok(Answer::json(200, &customer))
}

/// `DELETE /v1/customers/{id}`
pub(crate) fn delete(books: &mut Books, id: &str, now: DateTime<Utc>) -> Result<Answer, Answer> {
    let kept = books.kept.iter_mut().find(|it| it.id == id && it.now().is_some());
    let kept = kept.ok_or_else(|| errors::no_such_customer(id))?;
    kept.past.push((now, None));
    Ok(Answer::json(200, &deleted(id)))
}

fn deleted(id: &str) -> Value {
    json!({ "id": id, "object": "customer", "deleted": true })
}
