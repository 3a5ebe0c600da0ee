//! A verified webhook into items, tolerantly: every entry, change, message and status of the
//! batch; what cannot be read is kept raw and never costs the others. Only about one real payload
//! in ten fits Meta's own schema, so nothing here is generated from it.

mod account;
mod json;
mod message;
mod status;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use self::json::{Fields, elements, fields};
use super::verify::Verified;
use crate::domain::ids::PhoneNumberId;
use crate::domain::inbound::{Item, Kept, KeptReason, Raw, Word};

/// All items of `webhook`, in its order. A body that cannot be read at all is one item, kept
/// *unreadable*. `received_at` stands in for a message's time where Meta sent none.
pub fn parse<T: AsRef<[u8]>>(webhook: &Verified<T>, received_at: DateTime<Utc>) -> Vec<Item> {
    let body = webhook.bytes();
    let Some(changes) = changes(body) else {
        return vec![kept(KeptReason::Unreadable, "", Word::default(), body)];
    };
    let mut items: Vec<Item> =
        changes.into_iter().flat_map(|change| change_items(change, received_at)).collect();
    if items.is_empty() {
        items.push(kept(KeptReason::NotActedOn, "", Word::default(), body));
    }
    items
}

/// One `changes[]` element, or an `entry[]` element that has none.
enum Change<'a> {
    Readable { field: String, value: Fields<'a>, told_at: Option<DateTime<Utc>>, raw: &'a RawValue },
    Unreadable(&'a RawValue),
}

/// `None` when the body is no JSON object with a list of entries.
fn changes(body: &[u8]) -> Option<Vec<Change<'_>>> {
    let body: &RawValue = serde_json::from_slice(body).ok()?;
    let entries = elements(fields(body)?.get("entry")?)?;
    Some(entries.into_iter().flat_map(entry_changes).collect())
}

fn entry_changes(entry: &RawValue) -> Vec<Change<'_>> {
    let entry_fields = fields(entry);
    let listed = entry_fields.as_ref().and_then(|it| elements(it.get("changes")?));
    let Some(listed) = listed else { return vec![Change::Unreadable(entry)] };
    let told_at = entry_fields.and_then(|it| it.text("time")?.parse().ok());
    let told_at = told_at.and_then(|it| DateTime::from_timestamp(it, 0));
    let change = |raw| readable(raw, told_at).unwrap_or(Change::Unreadable(raw));
    listed.into_iter().map(change).collect()
}

fn readable(raw: &RawValue, told_at: Option<DateTime<Utc>>) -> Option<Change<'_>> {
    let change = fields(raw)?;
    let field = change.text("field")?;
    let value = fields(change.get("value")?)?;
    Some(Change::Readable { field, value, told_at, raw })
}

fn change_items(change: Change<'_>, received_at: DateTime<Utc>) -> Vec<Item> {
    let (field, value, told_at, raw) = match change {
        Change::Readable { field, value, told_at, raw } => (field, value, told_at, raw),
        Change::Unreadable(raw) => {
            return vec![kept_raw(KeptReason::Unreadable, "", Word::default(), raw)];
        }
    };
    if field != "messages" {
        return account_items(&field, &value, told_at.unwrap_or(received_at), received_at)
            .unwrap_or_else(|| {
                vec![kept_raw(KeptReason::NotActedOn, &field, kind_of(&value), raw)]
            });
    }
    let items = messages_and_statuses(&field, &value, received_at);
    if items.is_empty() {
        return vec![kept_raw(KeptReason::NotActedOn, &field, kind_of(&value), raw)];
    }
    items
}

/// What a change of the field `messages` tells, whatever else it tells kept beside.
fn messages_and_statuses(field: &str, value: &Fields<'_>, received_at: DateTime<Utc>) -> Vec<Item> {
    let number = value
        .object("metadata")
        .and_then(|it| it.text("phone_number_id"))
        .and_then(|it| PhoneNumberId::parse(&it));
    let messages = value.list("messages").into_iter().map(|it| {
        message::read(it, number.as_ref(), value, received_at)
            .unwrap_or_else(|reason| kept_raw(reason, field, kind_in(it, "type"), it))
    });
    let statuses = value.list("statuses").into_iter().map(|it| {
        status::read(it, number.as_ref(), received_at)
            .map_or_else(|reason| kept_raw(reason, field, kind_in(it, "status"), it), Item::Status)
    });
    // One object where a list belongs: the other list is read all the same.
    let no_lists = ["messages", "statuses"]
        .into_iter()
        .filter_map(|it| Some((it, value.get(it)?)))
        .filter(|(_, it)| elements(it).is_none())
        .map(|(name, it)| kept_raw(KeptReason::Unreadable, field, Word::of(name), it));
    let mut items: Vec<Item> = messages.chain(statuses).chain(no_lists).collect();
    // Errors of the whole change, and whatever Meta adds tomorrow, stand beside the lists.
    if !items.is_empty() {
        let others = value.others(&OF_A_CHANGE).into_iter();
        items.extend(
            others.map(|(name, it)| kept_raw(KeptReason::NotActedOn, field, Word::of(name), it)),
        );
    }
    items
}

/// News of the account; `None` where `field` brings none.
fn account_items(
    field: &str,
    value: &Fields<'_>,
    told_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
) -> Option<Vec<Item>> {
    if field != "user_preferences" {
        let told_at = told_at.clamp(DateTime::UNIX_EPOCH, received_at);
        return account::template(field, value, told_at).map(|it| vec![Item::Account(it)]);
    }
    let preferences = value.list("user_preferences").into_iter().map(|it| {
        account::preference(it, value, received_at)
            .map_or_else(|reason| kept_raw(reason, field, Word::default(), it), Item::Account)
    });
    Some(preferences.collect()).filter(|it: &Vec<Item>| !it.is_empty())
}

/// What a change of the field `messages` is known to hold; messages and statuses are read with it.
const OF_A_CHANGE: [&str; 5] =
    ["messaging_product", "metadata", "contacts", "messages", "statuses"];

/// What Meta calls a change: its event, or the type of the first thing that it lists.
fn kind_of(value: &Fields<'_>) -> Word {
    let named = |it: &Fields<'_>| {
        ["event", "type", "decision", "alert_type"]
            .into_iter()
            .map(|key| message::word(it, key))
            .find(|it| !it.as_str().is_empty())
    };
    let listed = || {
        let mut others = value.others(&OF_A_CHANGE).into_iter();
        others.find_map(|(_, it)| named(&fields(elements(it)?.first().copied()?)?))
    };
    named(value).or_else(listed).unwrap_or_default()
}

fn kind_in(raw: &RawValue, key: &str) -> Word {
    fields(raw).map(|it| message::word(&it, key)).unwrap_or_default()
}

fn kept_raw(reason: KeptReason, field: &str, kind: Word, raw: &RawValue) -> Item {
    kept(reason, field, kind, raw.get().as_bytes())
}

fn kept(reason: KeptReason, field: &str, kind: Word, raw: &[u8]) -> Item {
    Item::Kept(Kept { reason, field: Word::of(field), kind, raw: Raw(raw.to_vec()) })
}

#[cfg(test)]
mod tests;
