//! A webhook of our own, signed as Meta signs: does the ingress take it, with everything that stands
//! before it? It tells of a status that concerns nobody: one row in `parked_statuses`, gone after 7
//! days, however often it is sent.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Escapes as Meta writes them and letters as they are: whoever writes the body anew on its way
/// changes it, and the signature does not hold.
pub const BODY: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"0","phone_number_id":"0","note":"\u00e4 \/ ä"},"statuses":[{"id":"wamid.paragon-doctor","status":"sent","timestamp":"1767225600","recipient_id":"0"}]}}]}]}"#;

/// [`BODY`]'s `X-Hub-Signature-256` under each of the comma-separated `secrets`.
pub fn signatures(secrets: &str) -> Vec<String> {
    let secrets = secrets.split(',').map(str::trim).filter(|it| !it.is_empty());
    secrets.map(signature).collect()
}

/// A signature that nobody's secret makes.
pub fn wrong_signature() -> String {
    format!("sha256={}", "0".repeat(64))
}

fn signature(secret: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(BODY.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}
