//! An item as one line of a table.

use chrono::{DateTime, Utc};

use super::RECEIVED_AT;
use crate::domain::account::AccountNews;
use crate::domain::ids::PhoneNumberId;
use crate::domain::inbound::{Content, Item};
use crate::domain::sender::{Phone, ProfileName, UserId};

/// Everything that `item` says, `-` for what it does not; what was kept as it came.
pub fn one_line(item: &Item) -> String {
    match item {
        Item::Message(it) => format!(
            "{} to {} from {} {} {} at {}: {}",
            it.wamid.as_str(),
            it.phone_number_id.as_str(),
            or_dash(it.sender.phone().map(Phone::as_str)),
            or_dash(it.sender.user_id().map(UserId::as_str)),
            or_dash(it.profile_name.as_ref().map(ProfileName::as_str)),
            moment(it.sent_at),
            content(&it.content),
        ),
        Item::Status(it) => {
            let line = format!(
                "{} on {} is {} at {}, attempt {}, error {}",
                it.wamid.as_str(),
                or_dash(it.phone_number_id.as_ref().map(PhoneNumberId::as_str)),
                it.delivery.as_str(),
                moment(it.at),
                or_dash(it.attempt),
                or_dash(it.error_code),
            );
            match &it.pricing {
                None => line,
                Some(told) => {
                    let costs = if told.billable { "billed" } else { "free" };
                    let (model, kind) = (or_dash(told.model.as_ref()), or_dash(told.kind.as_ref()));
                    format!("{line}, {costs} as {} {kind} {model}", told.category)
                }
            }
        }
        Item::Account(AccountNews::Template(it)) => format!(
            "template {} {} ({}) at {}: {:?}",
            it.name,
            it.language,
            or_dash(it.id.as_ref()),
            moment(it.at),
            it.change
        ),
        Item::Account(AccountNews::Preference(it)) => format!(
            "{} {} wants {} at {}",
            or_dash(it.sender.phone().map(Phone::as_str)),
            or_dash(it.sender.user_id().map(UserId::as_str)),
            it.wish.as_str(),
            moment(it.at)
        ),
        Item::Kept(it) => {
            let raw = String::from_utf8_lossy(&it.raw.0);
            format!("{} {:?}: {raw}", it.reason.as_str(), it.field.as_str())
        }
    }
}

fn or_dash(it: Option<impl ToString>) -> String {
    it.map_or_else(|| "-".to_owned(), |it| it.to_string())
}

fn moment(at: DateTime<Utc>) -> String {
    if at.timestamp() == RECEIVED_AT { "now".to_owned() } else { at.timestamp().to_string() }
}

fn content(content: &Content) -> String {
    match content {
        Content::Media(it) => {
            let digest = it.sha256.map(|it| hex::encode(&it.as_bytes()[..4]));
            format!("media {} {:?} {}", it.id.as_str(), it.mime, or_dash(digest))
        }
        Content::Text(Some(it)) => format!("text on {}: {}", it.wamid.as_str(), it.words.as_str()),
        Content::Choice(it) => format!("choice {it}"),
        Content::Wish(it) => format!("text {}", it.as_str()),
        Content::Text(None) | Content::OtherMedia | Content::Moved(_) | Content::Silent => {
            content.kind().to_owned()
        }
    }
}
