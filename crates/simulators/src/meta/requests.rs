//! Reads the body of `POST …/messages` as strictly as Meta does and says what is asked. It knows
//! neither the recipient's window nor the account's templates.

use serde_json::{Map, Value};

use super::{errors, interactive};
use crate::answer::Answer;

const KEYS: [&str; 11] = [
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "context",
    "biz_opaque_callback_data",
    "status",
    "message_id",
    "typing_indicator",
    "recipient_identity_key_hash",
];

const KINDS: [&str; 11] = [
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "template",
    "reaction",
];

/// What a well-formed body asks for.
pub(crate) enum Request {
    /// "I have read this", perhaps with "and I am typing".
    Mark { message_id: String, typing: Typing },
    /// A message to be sent.
    Message(Box<Message>),
}

/// Whether a read mark came with a typing indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Only the blue ticks.
    No,
    /// The dots, for 25 seconds or until the answer.
    Yes,
}

/// A message as it was asked for.
pub(crate) struct Message {
    /// `to` as written.
    pub(crate) to: Option<String>,
    /// `recipient`, a business-scoped user id.
    pub(crate) recipient: Option<String>,
    pub(crate) kind: String,
    /// The object under the key named by the type.
    pub(crate) content: Value,
    pub(crate) quoted: Option<String>,
    pub(crate) callback_data: Option<String>,
}

impl Message {
    /// Phone digits or user id: the key of the conversation.
    pub(crate) fn user(&self) -> String {
        match (&self.to, &self.recipient) {
            (Some(to), _) => to.chars().filter(char::is_ascii_alphanumeric).collect(),
            (None, recipient) => recipient.clone().unwrap_or_default(),
        }
    }
}

/// Understands the body, or answers as Meta would.
pub(crate) fn read(body: &[u8]) -> Result<Request, Answer> {
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        return Err(errors::parameter("The body is not a JSON object."));
    };
    if let Some(key) = body.keys().find(|key| !is_known(key)) {
        return Err(errors::parameter(&format!("Unexpected key \"{key}\" on param \"body\".")));
    }
    if body.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
        return Err(errors::parameter("The parameter messaging_product is required."));
    }
    if body.contains_key("status") {
        return mark(&body);
    }
    message(&body).map(|it| Request::Message(Box::new(it)))
}

fn is_known(key: &str) -> bool {
    KEYS.contains(&key) || KINDS.contains(&key)
}

fn mark(body: &Map<String, Value>) -> Result<Request, Answer> {
    if body["status"] != "read" {
        return Err(errors::parameter("Param status must be one of {READ}."));
    }
    let message_id = wamid(body.get("message_id"), "message_id")?
        .ok_or_else(|| errors::parameter("The parameter message_id is required."))?;
    let typing = match body.get("typing_indicator").map(|it| &it["type"]) {
        None => Typing::No,
        Some(Value::String(kind)) if kind == "text" => Typing::Yes,
        Some(_) => {
            return Err(errors::parameter("Param typing_indicator['type'] must be one of {TEXT}."));
        }
    };
    Ok(Request::Mark { message_id, typing })
}

fn message(body: &Map<String, Value>) -> Result<Message, Answer> {
    let (to, user_id) = (text(body, "to")?, text(body, "recipient")?);
    match (&to, &user_id) {
        (None, None) => return Err(errors::parameter("The parameter to is required.")),
        (Some(phone), _) if !is_phone(phone) => {
            return Err(invalid("Recipient phone number not valid"));
        }
        (None, Some(id)) if !is_user_id(id) => return Err(invalid("recipient is not a user id")),
        _ => {}
    }
    let kind = text(body, "type")?.unwrap_or_else(|| kind_by_content(body).to_owned());
    let content = body.get(&kind).cloned().unwrap_or_default();
    check_content(&kind, &content)?;
    let quoted = match body.get("context") {
        None => None,
        Some(quoting) => wamid(quoting.get("message_id"), "context['message_id']")?,
    };
    let callback_data = text(body, "biz_opaque_callback_data")?;
    if callback_data.as_ref().is_some_and(|it| it.chars().count() > 512) {
        let details = "Param biz_opaque_callback_data must be at most 512 characters long.";
        return Err(errors::parameter(details));
    }
    Ok(Message { to, recipient: user_id, kind, content, quoted, callback_data })
}

/// Meta's own samples leave `type` out now and then.
fn kind_by_content(body: &Map<String, Value>) -> &'static str {
    KINDS.into_iter().find(|it| body.contains_key(*it)).unwrap_or("text")
}

fn check_content(kind: &str, content: &Value) -> Result<(), Answer> {
    let has = |key: &str| content.get(key).is_some_and(|it| !it.is_null());
    let fits = match kind {
        "text" => return check_text(content),
        "image" | "audio" | "video" | "document" | "sticker" => has("id") || has("link"),
        "location" => has("latitude") && has("longitude"),
        "contacts" => content.as_array().is_some_and(|it| !it.is_empty()),
        "interactive" => return interactive::check(content),
        "template" => has("name") && has("language"),
        "reaction" => has("message_id"),
        other => {
            return Err(errors::parameter(&format!(
                "Param type must be a known type, not {other}."
            )));
        }
    };
    if fits {
        return Ok(());
    }
    Err(errors::parameter(&format!("The parameter {kind} is required or incomplete.")))
}

fn check_text(content: &Value) -> Result<(), Answer> {
    let unknown = content.as_object().into_iter().flat_map(Map::keys);
    if let Some(key) = unknown.into_iter().find(|it| *it != "body" && *it != "preview_url") {
        return Err(errors::parameter(&format!("Unexpected key \"{key}\" on param \"text\".")));
    }
    match content["body"].as_str() {
        None | Some("") => Err(errors::parameter("The parameter text['body'] is required.")),
        Some(body) if body.chars().count() > 4096 => {
            Err(errors::parameter("Param text['body'] must be at most 4096 characters long."))
        }
        Some(_) => Ok(()),
    }
}

fn text(body: &Map<String, Value>, key: &str) -> Result<Option<String>, Answer> {
    match body.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(errors::parameter(&format!("Param {key} must be a non-empty string."))),
    }
}

fn wamid(value: Option<&Value>, name: &str) -> Result<Option<String>, Answer> {
    match value {
        None => Ok(None),
        Some(Value::String(id)) if id.starts_with("wamid.") => Ok(Some(id.clone())),
        Some(_) => Err(invalid(&format!("Invalid WhatsApp message id in {name}"))),
    }
}

fn invalid(details: &str) -> Answer {
    errors::error(400, 131_009, "Parameter value is not valid", details)
}

fn is_phone(to: &str) -> bool {
    let digits = to.chars().filter(char::is_ascii_digit).count();
    (5..=15).contains(&digits) && to.chars().all(|it| it.is_ascii_digit() || "+-() ".contains(it))
}

fn is_user_id(id: &str) -> bool {
    let Some((country, rest)) = id.split_once('.') else {
        return false;
    };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|it| it.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|it| it.is_ascii_alphanumeric())
}
