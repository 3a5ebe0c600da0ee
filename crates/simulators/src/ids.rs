//! Identifiers that look like the vendors' own. Random, never derived from time or content.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` letters and digits, as behind `cus_` or `req_`.
pub(crate) fn alphanumeric(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let random = Uuid::new_v4();
        let letters = random.as_bytes().iter().map(|byte| usize::from(*byte) % ALPHABET.len());
        text.extend(letters.take(length - text.len()).map(|at| char::from(ALPHABET[at])));
    }
    text
}

/// Sixteen digits, as Meta numbers its media and templates.
pub(crate) fn digits() -> String {
    let random = Uuid::new_v4().as_u128() % 9_000_000_000_000_000;
    (random + 1_000_000_000_000_000).to_string()
}

/// Who wrote the message that a wamid names.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

/// A `WhatsApp` message id as Meta builds them: base64 around the *user's* number and a random
/// part. Whoever holds it can read the number, which is why it is personal data.
pub(crate) fn wamid(user: &str, direction: Direction) -> String {
    let random = Uuid::new_v4().simple().to_string().to_uppercase();
    let (kind, random) = match direction {
        Direction::Inbound => (0x12, &random[..20]),
        Direction::Outbound => (0x11, &random[..18]),
    };
    let length = |text: &str| u8::try_from(text.len()).unwrap_or(u8::MAX);
    let mut bytes = vec![0x1d, 0x18, length(user)];
    bytes.extend_from_slice(user.as_bytes());
    bytes.extend_from_slice(&[0x15, 0x02, 0x00, kind, 0x18, length(random)]);
    bytes.extend_from_slice(random.as_bytes());
    bytes.push(0x00);
    format!("wamid.{}", STANDARD.encode(bytes))
}
