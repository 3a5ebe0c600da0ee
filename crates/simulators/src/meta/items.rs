//! What Meta's webhooks say: messages of senders and statuses of sends, put together in entries
//! and changes. It builds JSON only and delivers nothing.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::messages::Sent;
use super::{MediaId, Meta, MetaOptions, statuses};
use crate::ids::{self, Direction};

/// Somebody with a phone. `Debug` shows nothing of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sender {
    /// Digits, country code first; absent for a user who hides it.
    pub phone: Option<String>,
    /// Business-scoped user id, e.g. `US.13491208655302741918`.
    pub user_id: Option<String>,
    /// Profile name.
    pub name: Option<String>,
}

impl Sender {
    /// Somebody with a phone number and a profile name.
    pub fn with_phone(phone: &str, name: &str) -> Self {
        Self { phone: Some(phone.to_owned()), user_id: None, name: Some(name.to_owned()) }
    }

    /// Somebody who hides the number behind a username.
    pub fn with_user_id(user_id: &str, name: &str) -> Self {
        Self { phone: None, user_id: Some(user_id.to_owned()), name: Some(name.to_owned()) }
    }

    fn key(&self) -> &str {
        self.phone.as_deref().or(self.user_id.as_deref()).unwrap_or_default()
    }

    fn contact(&self) -> Value {
        let mut contact = json!({});
        if let Some(name) = &self.name {
            contact["profile"] = json!({ "name": name });
        }
        if let Some(phone) = &self.phone {
            contact["wa_id"] = json!(phone);
        }
        if let Some(user_id) = &self.user_id {
            contact["user_id"] = json!(user_id);
        }
        contact
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// One message or status of a webhook. `body` may be changed at will before it is sent.
#[derive(Clone)]
pub struct Item {
    /// The message's id; the status names it too.
    pub wamid: String,
    /// The item as Meta writes it.
    pub body: Value,
    /// The entry of `contacts[]` that goes with it.
    pub contact: Option<Value>,
    pub(crate) list: &'static str,
}

impl Item {
    /// With Meta's timestamp of when it was written (whole seconds).
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.body["timestamp"] = json!(at.timestamp().to_string());
        self
    }

    /// With this id instead of a random one.
    #[must_use]
    pub fn with_wamid(mut self, wamid: &str) -> Self {
        wamid.clone_into(&mut self.wamid);
        self.body["id"] = json!(wamid);
        self
    }

    /// With words under the picture or document.
    #[must_use]
    pub fn caption(self, caption: &str) -> Self {
        self.in_medium("caption", json!(caption))
    }

    /// With the medium's URL inline, as recent webhooks have it.
    #[must_use]
    pub fn with_url(self, url: &str) -> Self {
        self.in_medium("url", json!(url))
    }

    /// As an answer that quotes a message of the business.
    #[must_use]
    pub fn quoting(mut self, wamid: &str, from: &str) -> Self {
        self.body["context"] = json!({ "from": from, "id": wamid });
        self
    }

    fn in_medium(mut self, key: &str, value: Value) -> Self {
        let kind = self.body["type"].as_str().unwrap_or_default().to_owned();
        self.body[kind][key] = value;
        self
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("list", &self.list).finish_non_exhaustive()
    }
}

/// One element of `entry[].changes[]`.
#[derive(Clone)]
pub struct Change(pub Value);

impl Meta {
    /// A photo.
    pub fn photo(&self, from: &Sender, media: &MediaId) -> Item {
        self.medium(from, media, "image")
    }

    /// A document, typically a PDF.
    pub fn document(&self, from: &Sender, media: &MediaId, filename: &str) -> Item {
        self.medium(from, media, "document").in_medium("filename", json!(filename))
    }

    /// A voice message.
    pub fn voice(&self, from: &Sender, media: &MediaId) -> Item {
        self.medium(from, media, "audio").in_medium("voice", json!(true))
    }

    /// A sticker.
    pub fn sticker(&self, from: &Sender, media: &MediaId) -> Item {
        self.medium(from, media, "sticker").in_medium("animated", json!(false))
    }

    /// A text.
    pub fn text(&self, from: &Sender, body: &str) -> Item {
        self.message(from, "text", json!({ "body": body }))
    }

    /// The press of a button under `on`. Which ids are there is for the caller to know: a made-up
    /// one is delivered too.
    pub fn button_reply(&self, from: &Sender, on: &Sent, id: &str) -> Item {
        let title = on.buttons.iter().find(|it| it.id == id).map(|it| it.title.as_str());
        let reply = json!({ "id": id, "title": title.unwrap_or("?") });
        let content = json!({ "type": "button_reply", "button_reply": reply });
        let item = self.message(from, "interactive", content);
        item.quoting(&on.wamid, &self.options().display_phone_number)
    }

    /// The press of a template's quick-reply button.
    pub fn quick_reply(&self, from: &Sender, on: &Sent, payload: &str) -> Item {
        let item = self.message(from, "button", json!({ "payload": payload, "text": "?" }));
        item.quoting(&on.wamid, &self.options().display_phone_number)
    }

    /// A reaction; an empty `emoji` takes it back, which Meta shows by leaving it out.
    pub fn reaction(&self, from: &Sender, to_wamid: &str, emoji: &str) -> Item {
        let mut reaction = json!({ "message_id": to_wamid });
        if !emoji.is_empty() {
            reaction["emoji"] = json!(emoji);
        }
        self.message(from, "reaction", reaction)
    }

    /// Something the Cloud API does not pass on, a deleted message for example (131051).
    pub fn unsupported(&self, from: &Sender) -> Item {
        let mut item = self.message(from, "unsupported", json!({ "type": "unknown" }));
        item.body["errors"] = json!([{
            "code": 131_051,
            "title": "Message type unknown",
            "message": "Message type unknown",
            "error_data": { "details": "Message type is currently not supported." },
        }]);
        item
    }

    /// `from` has another number from now on. Meta sends no contact with it.
    pub fn changed_number(&self, from: &Sender, to_phone: &str) -> Item {
        let old = from.phone.as_deref().unwrap_or_default();
        let content = json!({
            "body": format!("User changed from {old} to {to_phone}"),
            "wa_id": to_phone,
            "type": "user_changed_number",
        });
        Item { contact: None, ..self.message(from, "system", content) }
    }

    /// `from` has another user id from now on. Meta names neither a number nor a sender with it.
    pub fn changed_user_id(&self, from: &Sender, to_user_id: &str) -> Item {
        let content = json!({
            "type": "user_changed_user_id",
            "previous_user_id": from.user_id,
            "user_id": to_user_id,
        });
        let mut item = self.message(from, "system", content);
        if let Some(body) = item.body.as_object_mut() {
            body.retain(|name, _| !name.starts_with("from"));
        }
        Item { contact: None, ..item }
    }

    /// A status (`sent`, `delivered`, `read`, …) of a message that was sent.
    pub fn status(&self, of: &Sent, status: &str) -> Item {
        statuses::item(&self.vendor().state, of, status, 131_000)
    }

    /// `failed` with an error code.
    pub fn failed_status(&self, of: &Sent, code: i64) -> Item {
        statuses::item(&self.vendor().state, of, "failed", code)
    }

    /// A payload with one entry and one change.
    pub fn webhook(&self, items: impl IntoIterator<Item = Item>) -> Value {
        self.batch([vec![self.change(items)]])
    }

    /// One change on the account's first number.
    pub fn change(&self, items: impl IntoIterator<Item = Item>) -> Change {
        change(self.options(), &self.options().phone_number_id, items)
    }

    /// One change on another number of the account.
    pub fn change_on(
        &self,
        phone_number_id: &str,
        items: impl IntoIterator<Item = Item>,
    ) -> Change {
        change(self.options(), phone_number_id, items)
    }

    /// A payload of several entries, each with its changes.
    pub fn batch(&self, entries: impl IntoIterator<Item = Vec<Change>>) -> Value {
        batch(self.options(), entries)
    }

    fn medium(&self, from: &Sender, media: &MediaId, kind: &str) -> Item {
        let (mime_type, sha256) = self.declared(media);
        let medium = json!({ "id": media.as_str(), "mime_type": mime_type, "sha256": sha256 });
        self.message(from, kind, medium)
    }

    fn message(&self, from: &Sender, kind: &str, content: Value) -> Item {
        let wamid = ids::wamid(from.key(), Direction::Inbound);
        let mut body = json!({
            "id": wamid,
            "timestamp": self.now().timestamp().to_string(),
            "type": kind,
        });
        body[kind] = content;
        if let Some(phone) = &from.phone {
            body["from"] = json!(phone);
        }
        if let Some(user_id) = &from.user_id {
            body["from_user_id"] = json!(user_id);
        }
        Item { wamid, body, contact: Some(from.contact()), list: "messages" }
    }
}

pub(crate) fn change(
    options: &MetaOptions,
    phone_number_id: &str,
    items: impl IntoIterator<Item = Item>,
) -> Change {
    let mut contacts = Vec::new();
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": options.display_phone_number,
            "phone_number_id": phone_number_id,
        },
    });
    for item in items {
        contacts.extend(item.contact.filter(|it| !contacts.contains(it)));
        match &mut value[item.list] {
            Value::Array(list) => list.push(item.body),
            empty => *empty = json!([item.body]),
        }
    }
    if !contacts.is_empty() {
        value["contacts"] = json!(contacts);
    }
    Change(json!({ "field": "messages", "value": value }))
}

pub(crate) fn batch(
    options: &MetaOptions,
    entries: impl IntoIterator<Item = Vec<Change>>,
) -> Value {
    let entry = |changes: Vec<Change>| {
        let changes: Vec<Value> = changes.into_iter().map(|it| it.0).collect();
        json!({ "id": options.waba_id, "changes": changes })
    };
    let entries: Vec<Value> = entries.into_iter().map(entry).collect();
    json!({ "object": "whatsapp_business_account", "entry": entries })
}
