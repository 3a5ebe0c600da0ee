//! News of the account: templates and preferences. What is not told whole is kept raw like any
//! other field.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::json::{Fields, fields};
use super::message::{contact_user, time};
use crate::domain::account::{AccountNews, Preference, TemplateChange, TemplateNews};
use crate::domain::chat::Wish;
use crate::domain::inbound::KeptReason;
use crate::domain::sender::{Phone, Sender, UserId};

/// Longest word of Meta's that is kept: a status, a category, a score.
const WORD_MAX: usize = 40;

/// Longest name or code, and longest reason.
const NAME_MAX: usize = 512;
const REASON_MAX: usize = 1000;

/// The news under `field` of a template; `None` for a field that speaks of something else, or that
/// lacks what it should tell.
pub fn template(field: &str, value: &Fields<'_>, at: DateTime<Utc>) -> Option<AccountNews> {
    let change = match field {
        "message_template_status_update" => {
            TemplateChange::Status { status: status(&word(value, "event")?), reason: reason(value) }
        }
        "template_category_update" => TemplateChange::Category {
            now: word(value, "new_category")?,
            before: word(value, "previous_category")
                .filter(|it| Some(it) != word(value, "new_category").as_ref()),
        },
        "message_template_quality_update" => {
            TemplateChange::Quality(word(value, "new_quality_score")?)
        }
        _ => return None,
    };
    Some(AccountNews::Template(TemplateNews {
        id: value.text("message_template_id").map(|it| plain(&it, NAME_MAX)),
        name: plain(&value.text("message_template_name")?, NAME_MAX),
        language: plain(&value.text("message_template_language")?, NAME_MAX),
        at,
        change,
    }))
}

/// One element of `user_preferences[]`.
pub fn preference(
    raw: &RawValue,
    value: &Fields<'_>,
    received_at: DateTime<Utc>,
) -> Result<AccountNews, KeptReason> {
    let preference = fields(raw).ok_or(KeptReason::Unreadable)?;
    let wish = match preference.text("value").as_deref() {
        Some("stop") => Wish::Stop,
        Some("resume" | "signup") => Wish::Start,
        _ => return Err(KeptReason::NotActedOn),
    };
    let phone = preference.text("wa_id").and_then(|it| Phone::parse(&it).ok());
    let user_id = preference.text("user_id").and_then(|it| UserId::parse(&it));
    // The one contact of the change is the person, also where the preference names nobody.
    let contacts: Vec<Fields<'_>> = value.list("contacts").into_iter().filter_map(fields).collect();
    let contact = contacts.first().filter(|_| contacts.len() == 1);
    let user_id = user_id.or_else(|| contact.and_then(contact_user));
    let sender = Sender::known_by(phone, user_id).ok_or(KeptReason::NobodyToAnswer)?;
    Ok(AccountNews::Preference(Preference { sender, wish, at: time(&preference, received_at) }))
}

/// Meta tells of what happened; what we keep is how it stands after that.
fn status(event: &str) -> String {
    match event {
        "REINSTATED" => "APPROVED".to_owned(),
        other => other.to_owned(),
    }
}

/// Why, in Meta's words: of a rejection, or of a pause. They speak of the template only.
fn reason(value: &Fields<'_>) -> Option<String> {
    let code = value.text("reason").filter(|it| it != "NONE");
    let rejection = value.object("rejection_info");
    let told = |name: &str| rejection.as_ref().and_then(|it| it.text(name));
    let other = value.object("other_info");
    let paused = |name: &str| other.as_ref().and_then(|it| it.text(name));
    let parts =
        [code, told("reason"), told("recommendation"), paused("title"), paused("description")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| plain(&parts.join(": "), REASON_MAX))
}

/// A word such as `APPROVED`.
fn word(value: &Fields<'_>, name: &str) -> Option<String> {
    let word = value.text(name)?.to_ascii_uppercase();
    let sound =
        word.len() <= WORD_MAX && word.bytes().all(|it| it.is_ascii_uppercase() || it == b'_');
    sound.then_some(word)
}

/// For a text column: Postgres refuses NUL there.
fn plain(text: &str, most: usize) -> String {
    text.chars().filter(|it| !it.is_control()).take(most).collect()
}
