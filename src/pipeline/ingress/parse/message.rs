//! One element of `messages[]`.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::json::{Fields, fields};
use crate::domain::chat::{Press, Quoting, Wish, Words};
use crate::domain::ids::{MediaId, MediaUrl, PhoneNumberId, Sha256, Wamid};
use crate::domain::inbound::{Content, Inbound, Item, KeptReason, MediaRef, Raw, Word};
use crate::domain::sender::{Phone, Profile, ProfileName, Sender, UserId, Username};

/// Reads the message, or says why it is kept raw instead.
pub fn read(
    raw: &RawValue,
    number: Option<&PhoneNumberId>,
    value: &Fields<'_>,
    received_at: DateTime<Utc>,
) -> Result<Item, KeptReason> {
    let message = fields(raw).ok_or(KeptReason::Unreadable)?;
    let wamid =
        message.text("id").and_then(|it| Wamid::parse(&it)).ok_or(KeptReason::Unreadable)?;
    let told = match moved(&message) {
        Some((from, to)) => Told { sender: from, content: Content::Moved(to), contact: None },
        None => told(&message, value).ok_or(KeptReason::NobodyToAnswer)?,
    };
    let contact = told.contact.as_ref();
    let number = number.ok_or(KeptReason::NobodyToAnswer)?;
    Ok(Item::Message(Box::new(Inbound {
        wamid,
        phone_number_id: number.clone(),
        sender: told.sender,
        profile_name: contact.and_then(profile_name),
        profile: profile(&message, contact),
        sent_at: time(&message, received_at),
        content: told.content,
        message_type: word(&message, "type"),
        raw: Raw(raw.get().as_bytes().to_vec()),
    })))
}

/// Meta's time in whole seconds. Absent, unreadable, in the future or not after 1970 (Postgres has
/// no room for all that a number can say): when we received it.
pub fn time(item: &Fields<'_>, received_at: DateTime<Utc>) -> DateTime<Utc> {
    item.text("timestamp")
        .and_then(|it| it.parse().ok())
        .filter(|seconds| *seconds > 0)
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .map_or(received_at, |it| it.min(received_at))
}

/// Who says what.
struct Told<'a> {
    sender: Sender,
    content: Content,
    contact: Option<Fields<'a>>,
}

/// Who wrote: told by the message, completed by the contact that it belongs to.
fn told<'a>(message: &Fields<'a>, value: &Fields<'a>) -> Option<Told<'a>> {
    let mut phone = message.text("from").and_then(|it| Phone::parse(&it).ok());
    let mut user_id = message.text("from_user_id").and_then(|it| UserId::parse(&it));
    let mut contacts: Vec<Fields<'a>> =
        value.list("contacts").into_iter().filter_map(fields).collect();
    let nobody_yet = phone.is_none() && user_id.is_none();
    let is_alone = contacts.len() == 1;
    let place = contacts.iter().position(|it| {
        let same_phone = phone.is_some() && contact_phone(it) == phone;
        let same_user = user_id.is_some() && contact_user(it) == user_id;
        same_phone || same_user || (nobody_yet && is_alone)
    });
    let contact = place.map(|it| contacts.swap_remove(it));
    if let Some(contact) = &contact {
        phone = phone.or_else(|| contact_phone(contact));
        user_id = user_id.or_else(|| contact_user(contact));
    }
    let sender = Sender::known_by(phone, user_id)?;
    Some(Told { sender, content: content(message), contact })
}

fn profile_name(contact: &Fields<'_>) -> Option<ProfileName> {
    ProfileName::parse(&contact.object("profile")?.text("name")?)
}

fn profile(message: &Fields<'_>, contact: Option<&Fields<'_>>) -> Profile {
    let parent = message.text("from_parent_user_id");
    let parent = parent.or_else(|| contact.and_then(|it| it.text("parent_user_id")));
    let username = contact.and_then(|it| it.object("profile")).and_then(|it| it.text("username"));
    Profile {
        parent_user_id: parent.and_then(|it| UserId::parse(&it)),
        username: username.and_then(|it| Username::parse(&it)),
    }
}

/// Who somebody was and who they are now, of a system message that says so. A contact beside it is
/// of whoever they are now. Names of the fields as seen in collected payloads.
fn moved(message: &Fields<'_>) -> Option<(Sender, Sender)> {
    if message.text("type")? != "system" {
        return None;
    }
    let system = message.object("system")?;
    let kind = system.text("type")?;
    if !matches!(kind.as_str(), "user_changed_number" | "user_changed_user_id") {
        return None;
    }
    let first = |names: [&str; 2]| names.into_iter().find_map(|it| system.text(it));
    let phone = |text: Option<String>| text.and_then(|it| Phone::parse(&it).ok());
    let user = |text: Option<String>| text.and_then(|it| UserId::parse(&it));
    let from_user = system.text("previous_user_id").or_else(|| message.text("from_user_id"));
    let from = Sender::known_by(phone(message.text("from")), user(from_user))?;
    let to = Sender::known_by(phone(first(["wa_id", "new_wa_id"])), user(system.text("user_id")))?;
    Some((from, to))
}

fn contact_phone(contact: &Fields<'_>) -> Option<Phone> {
    Phone::parse(&contact.text("wa_id")?).ok()
}

pub fn contact_user(contact: &Fields<'_>) -> Option<UserId> {
    UserId::parse(&contact.text("user_id")?)
}

/// The name that `item` has under `key`; empty where it has none.
pub fn word(item: &Fields<'_>, key: &str) -> Word {
    item.text(key).map(|it| Word::of(&it)).unwrap_or_default()
}

fn content(message: &Fields<'_>) -> Content {
    let kind = message.text("type").unwrap_or_default();
    match kind.as_str() {
        "image" => media(message, "image").map_or(Content::OtherMedia, Content::Media),
        "document" => media(message, "document")
            .filter(|it| may_be_a_receipt(&it.mime))
            .map_or(Content::OtherMedia, Content::Media),
        "text" => wish(message, "text", "body")
            .map_or_else(|| Content::Text(quoting(message)), Content::Wish),
        "interactive" | "button" => pressed(message)
            .map(Content::Choice)
            .or_else(|| wish(message, "button", "text").map(Content::Wish))
            .unwrap_or(Content::Silent),
        "audio" | "video" | "sticker" | "location" | "contacts" => Content::OtherMedia,
        _ => Content::Silent,
    }
}

/// STOP or START, typed or on a template's button.
fn wish(message: &Fields<'_>, object: &str, words: &str) -> Option<Wish> {
    Wish::parse(&message.object(object)?.text(words)?)
}

/// What a text says to the message that it replies to.
fn quoting(message: &Fields<'_>) -> Option<Quoting> {
    let wamid = Wamid::parse(&message.object("context")?.text("id")?)?;
    let words = message.object("text")?.text("body")?;
    Some(Quoting { wamid, words: Words::new(&words) })
}

/// The button of ours that was pressed: of a message, or of a template.
fn pressed(message: &Fields<'_>) -> Option<Press> {
    let of_message =
        || message.object("interactive")?.object("button_reply").and_then(|it| it.text("id"));
    let of_template = || message.object("button").and_then(|it| it.text("payload"));
    Press::parse(&of_message().or_else(of_template)?)
}

/// Whether a document of this mime is worth fetching: then its first bytes decide. Phones send PDFs
/// as `application/octet-stream` or without a mime.
fn may_be_a_receipt(mime: &str) -> bool {
    matches!(mime, "" | "application/octet-stream" | "application/pdf")
        || mime.starts_with("image/")
}

fn media(message: &Fields<'_>, kind: &str) -> Option<MediaRef> {
    let media = message.object(kind)?;
    let mime = media.text("mime_type").unwrap_or_default().trim().to_ascii_lowercase();
    let plain = |it: &char| it.is_ascii_alphanumeric() || matches!(it, '/' | '.' | '+' | '-');
    Some(MediaRef {
        id: MediaId::parse(&media.text("id")?)?,
        // Without parameters such as `; codecs=opus`.
        mime: mime.chars().take_while(plain).take(100).collect(),
        sha256: media.text("sha256").and_then(|it| Sha256::parse(&it)),
        url: media.text("url").and_then(|it| MediaUrl::parse(&it)),
    })
}
