//! Webhooks as Meta sends them, signed, as whole HTTP requests. Each has an id of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The app secret that the ingress is started with.
pub const SECRET: &str = "bench-app-secret";

const NUMBER: &str = "106540352242922";

/// What message ids begin with.
const WAMID: &str = "wamid.HBgLNDIwNzc3MTIzNDU2FQIAEhgU";

/// What senders' phones begin with.
pub const PHONE: &str = "4207771";

/// A text, the `number`th.
pub fn text(number: usize) -> Vec<u8> {
    let mut message = message(number, "text");
    message["text"] = json!({ "body": format!("How do I send a receipt? ({number})") });
    request(&with_messages(&message))
}

/// A photo that Graph has under the id `number`.
pub fn photo(number: usize) -> Vec<u8> {
    let mut message = message(number, "image");
    message["image"] = json!({ "id": number.to_string(), "mime_type": "image/jpeg" });
    request(&with_messages(&message))
}

/// A status of one of our own sends: the three of each send follow one another.
pub fn status(number: usize) -> Vec<u8> {
    let (send, step) = (number / 3 + 1, number % 3);
    let word = ["sent", "delivered", "read"][step];
    let status = json!({
        "id": format!("wamid.HBgLNDIwNzc3MTIzNDU2FQIAERgS{send:020}"),
        "status": word, "timestamp": "1795400000", "recipient_id": "420777123456",
        "biz_opaque_callback_data": attempt(send),
        "pricing": { "billable": true, "pricing_model": "PMP", "category": "service", "type": "regular" },
    });
    let value =
        json!({ "messaging_product": "whatsapp", "metadata": metadata(), "statuses": [status] });
    request(&webhook(&value))
}

/// The id of an attempt to send, as the stage writes it.
fn attempt(send: usize) -> String {
    let digits = format!("{send:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// The number of the message that a wamid of ours names.
pub fn number_in(wamid: &str) -> Option<usize> {
    wamid.strip_prefix(WAMID)?.get(..20)?.parse().ok()
}

/// The number of the message of the sender whose phone stands somewhere in `text`.
pub fn sender_in(text: &str) -> Option<usize> {
    text.get(text.find(PHONE)? + PHONE.len()..)?.get(..5)?.parse().ok()
}

fn message(number: usize, kind: &str) -> Value {
    json!({
        "from": format!("{PHONE}{:05}", number % 100_000),
        "id": format!("{WAMID}{number:020}{}", std::process::id()),
        "timestamp": now(), "type": kind,
    })
}

/// Seconds since 1970: an answer is free within a day.
#[expect(clippy::disallowed_methods, reason = "Meta's clock is the machine's here")]
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().to_string()
}

fn with_messages(message: &Value) -> Value {
    webhook(&json!({
        "messaging_product": "whatsapp", "metadata": metadata(),
        "contacts": [{ "profile": { "name": "Jana" }, "wa_id": message["from"] }],
        "messages": [message],
    }))
}

fn metadata() -> Value {
    json!({ "display_phone_number": "15550783881", "phone_number_id": NUMBER })
}

fn webhook(value: &Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "changes": [{ "field": "messages", "value": value }] }],
    })
}

fn request(payload: &Value) -> Vec<u8> {
    let body = payload.to_string();
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes());
    let digest = mac.map(|it| it.chain_update(&body).finalize().into_bytes());
    let signature = digest.map(hex::encode).unwrap_or_default();
    format!(
        "POST /webhook HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
