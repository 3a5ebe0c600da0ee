//! Names of things. Each is a type of its own, so that one cannot be passed for another.
//! A [`Wamid`] is personal data (it contains the sender's phone number) and never shows itself.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Our own row id of a message: what logs, spans and views name a message by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub i64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Our own row id of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SenderId(pub i64);

/// Our own row id of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyId(pub i64);

/// Our own row id of a reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReminderId(pub i64);

/// Our own row id of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryId(pub i64);

/// Our own row id of an endpoint that events go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointId(pub i64);

/// Our own row id of one event's way to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryId(pub i64);

/// The id of one attempt to send; travels to Meta and back as `biz_opaque_callback_data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId(pub uuid::Uuid);

impl AttemptId {
    /// Reads what a status webhook echoes. Anything that is not one of ours is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Meta's id of a message. Base64 of a structure that holds the sender's phone number:
/// it stays between Postgres and Meta.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wamid(String);

impl Wamid {
    /// Takes visible ASCII up to 1 KiB; Meta does not document the shape.
    pub fn parse(text: &str) -> Option<Self> {
        let sound =
            (1..=1024).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic());
        sound.then(|| Self(text.to_owned()))
    }

    /// As Meta wrote it, for Postgres and Meta only.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What outlives the message: enough to know it again, too little to tell whose it was.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Wamid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wamid(…)")
    }
}

/// Meta's id of a photo or document: valid 7 days when it came by webhook.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaId(String);

impl MediaId {
    /// Takes letters, digits, `.`, `_` and `-` only: the id becomes part of a URL.
    pub fn parse(text: &str) -> Option<Self> {
        let safe = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-');
        let sound =
            (1..=256).contains(&text.len()) && text.bytes().all(safe) && !text.contains("..");
        sound.then(|| Self(text.to_owned()))
    }

    /// As Meta wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URL that a webhook names for a photo, besides its id: valid 5 minutes, and whoever has it and a
/// token has the photo. It is asked only where its host is one of Meta's.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaUrl(Box<str>);

impl MediaUrl {
    /// Takes `http…` of visible ASCII up to 4 KiB.
    pub fn parse(text: &str) -> Option<Self> {
        let sound = text.len() <= 4096
            && text.starts_with("http")
            && text.bytes().all(|it| it.is_ascii_graphic());
        sound.then(|| Self(text.into()))
    }

    /// As Meta wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MediaUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaUrl(…)")
    }
}

/// Meta's id of a business phone number: the one that was written to, and that answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneNumberId(String);

impl PhoneNumberId {
    /// Takes 1 to 64 ASCII letters and digits: the id becomes part of a URL.
    pub fn parse(text: &str) -> Option<Self> {
        let sound =
            (1..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric());
        sound.then(|| Self(text.to_owned()))
    }

    /// As Meta wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Meta's id of a WhatsApp business account: templates belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// Takes 1 to 64 digits: the id becomes part of a URL.
    pub fn parse(text: &str) -> Option<Self> {
        let sound = (1..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        sound.then(|| Self(text.to_owned()))
    }

    /// As Meta wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A Stripe customer's id (`cus_…`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomerId(pub String);

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SHA-256 digest, of a photo's bytes or of a wamid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Takes over 32 bytes, for example from Postgres.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads hex (as the Graph API writes it) or base64 (as webhooks do).
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).or_else(|_| STANDARD.decode(text)).ok()?;
        Self::from_bytes(&bytes)
    }

    /// The raw digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({}…)", hex::encode(&self.0[..4]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_from_hex_and_from_base64() {
        let digest = Sha256::of(b"receipt");
        let as_hex = hex::encode(digest.as_bytes());
        assert_eq!(Sha256::parse(&as_hex), Some(digest));
        assert_eq!(Sha256::parse(&as_hex.to_uppercase()), Some(digest));
        assert_eq!(Sha256::parse(&STANDARD.encode(digest.as_bytes())), Some(digest));
        assert_eq!(Sha256::parse("deadbeef"), None);
        assert_eq!(Sha256::parse(""), None);
    }

    #[test]
    fn a_wamid_never_shows_itself() {
        let wamid = Wamid::parse("wamid.HBgMNDIwNzc3MTIzNDU2").unwrap();
        assert_eq!(format!("{wamid:?}"), "Wamid(…)");
    }

    #[test]
    fn an_id_that_would_change_the_url_is_refused() {
        for bad in ["", "../me", "a/b", "a?b", "a b", "a..b"] {
            assert_eq!(MediaId::parse(bad), None, "{bad}");
        }
        assert!(MediaId::parse("2754859441498128").is_some());
        assert_eq!(PhoneNumberId::parse("1/messages"), None);
    }
}
