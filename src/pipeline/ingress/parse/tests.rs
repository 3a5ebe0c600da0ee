//! What webhooks of every shape are parsed into: `check(body, one line for each item)`, so that
//! the tables survive a change of types. Each body is signed and verified, as there is no other way.

use hmac::{Hmac, KeyInit, Mac};
use pretty::one_line;

use super::*;
use crate::pipeline::ingress::verify::{SigningSecrets, verify};

mod pretty;
mod senders;
mod contents;
mod statuses;
mod account;
mod shapes;
mod anything;

/// When every webhook of these tests reached us: 2026-11-23, noon.
const RECEIVED_AT: i64 = 1_795_435_200;

/// What the tables' webhooks say besides.
const NUMBER: &str = r#""metadata":{"phone_number_id":"106540352242922"}"#;

fn items(body: &[u8]) -> Vec<Item> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let secrets = SigningSecrets::parse("secret").unwrap();
    let verified = verify(&secrets, Some(signature.as_bytes()), body).unwrap();
    parse(&verified, DateTime::from_timestamp(RECEIVED_AT, 0).unwrap())
}

/// Parsed, `body` is these items, and each keeps bytes of `body` unchanged.
#[track_caller]
fn check(body: impl AsRef<[u8]>, expected: &[&str]) {
    let body = body.as_ref();
    let items = items(body);
    let lines: Vec<String> = items.iter().map(one_line).collect();
    assert_eq!(lines, expected, "of {}", String::from_utf8_lossy(body));
    let is_inside = |raw: &[u8]| raw.is_empty() || body.windows(raw.len()).any(|it| it == raw);
    assert!(items.iter().filter_map(raw).all(is_inside), "an item's bytes are not as they came");
}

fn raw(item: &Item) -> Option<&[u8]> {
    match item {
        Item::Message(message) => Some(&message.raw.0),
        Item::Kept(kept) => Some(&kept.raw.0),
        Item::Status(_) | Item::Account(_) => None,
    }
}

/// A webhook of one change of the field `messages`, with `value` besides the number.
fn webhook(value: &str) -> String {
    entries(&format!("[{}]", entry(&[&change(value)])))
}

fn entries(list: &str) -> String {
    format!(r#"{{"object":"whatsapp_business_account","entry":{list}}}"#)
}

fn entry(changes: &[&str]) -> String {
    format!(r#"{{"id":"1","changes":[{}]}}"#, changes.join(","))
}

fn change(value: &str) -> String {
    format!(r#"{{"field":"messages","value":{{{NUMBER},{value}}}}}"#)
}
