//! One element of `statuses[]`.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::json::{Fields, fields};
use super::message::time;
use crate::domain::delivery::{Delivery, Pricing, StatusUpdate};
use crate::domain::ids::{AttemptId, PhoneNumberId, Wamid};
use crate::domain::inbound::KeptReason;

/// Reads the status, or says why it is kept raw instead.
pub fn read(
    raw: &RawValue,
    number: Option<&PhoneNumberId>,
    received_at: DateTime<Utc>,
) -> Result<StatusUpdate, KeptReason> {
    let status = fields(raw).ok_or(KeptReason::Unreadable)?;
    let wamid = status.text("id").and_then(|it| Wamid::parse(&it)).ok_or(KeptReason::Unreadable)?;
    let word = status.text("status").ok_or(KeptReason::Unreadable)?;
    let delivery = Delivery::parse(&word).ok_or(KeptReason::NotActedOn)?;
    let errors = status.list("errors");
    let error_code =
        errors.first().and_then(|it| fields(it)?.text("code")).and_then(|it| it.parse().ok());
    Ok(StatusUpdate {
        wamid,
        phone_number_id: number.cloned(),
        delivery,
        at: time(&status, received_at),
        attempt: status.text("biz_opaque_callback_data").and_then(|it| AttemptId::parse(&it)),
        error_code,
        pricing: status.object("pricing").and_then(|it| pricing(&it)),
    })
}

/// What it is charged as. Without a category nothing can be counted.
fn pricing(told: &Fields<'_>) -> Option<Pricing> {
    Some(Pricing {
        billable: told.get("billable")?.get() == "true",
        model: word(told, "pricing_model"),
        kind: word(told, "type"),
        category: word(told, "category")?,
    })
}

/// A short word such as `utility`.
fn word(told: &Fields<'_>, name: &str) -> Option<String> {
    let word = told.text(name)?;
    let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    (word.len() <= 40 && word.bytes().all(plain)).then_some(word)
}
