//! A signed body of any bytes: it is read without harm, it is at least one item, and what is kept of it
//! are bytes of it.
#![no_main]

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use paragon::domain::inbound::Item;
use paragon::pipeline::ingress::parse::parse;
use paragon::pipeline::ingress::verify::{SigningSecrets, verify};

fuzz_target!(|body: &[u8]| {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").expect("any length will do");
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let secrets = SigningSecrets::parse("secret").expect("one secret");
    let verified = verify(&secrets, Some(signature.as_bytes()), body).expect("just signed");
    let received_at = DateTime::from_timestamp(1_795_435_200, 0).expect("a time");
    let items = parse(&verified, received_at);
    assert!(!items.is_empty());
    for item in &items {
        let raw = match item {
            Item::Message(message) => &message.raw.0,
            Item::Kept(kept) => &kept.raw.0,
            Item::Status(_) | Item::Account(_) => continue,
        };
        assert!(raw.is_empty() || body.windows(raw.len()).any(|it| it == raw.as_slice()));
    }
});
