//! What a key of the API may do, and links to photos that expire. Decides; keeps nothing.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::ids::{MessageId, PhoneNumberId};

/// Something that a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// See entries.
    EntriesRead,
    /// Correct and confirm them.
    EntriesWrite,
    /// See photos.
    PhotosRead,
    /// See senders, with their numbers.
    SendersRead,
    /// See reminders.
    RemindersRead,
    /// Schedule and cancel them.
    RemindersWrite,
    /// See events.
    EventsRead,
    /// Have them delivered again.
    EventsWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::EntriesRead,
        Self::EntriesWrite,
        Self::PhotosRead,
        Self::SendersRead,
        Self::RemindersRead,
        Self::RemindersWrite,
        Self::EventsRead,
        Self::EventsWrite,
    ];

    /// Our word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntriesRead => "entries:read",
            Self::EntriesWrite => "entries:write",
            Self::PhotosRead => "photos:read",
            Self::SendersRead => "senders:read",
            Self::RemindersRead => "reminders:read",
            Self::RemindersWrite => "reminders:write",
            Self::EventsRead => "events:read",
            Self::EventsWrite => "events:write",
        }
    }

    /// Reads [`Scope::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// Whose a key may see: what was written to these numbers, or left from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// To all of them.
    All,
    /// To these.
    These(Vec<PhoneNumberId>),
}

impl Numbers {
    /// Whether `number` is one of them.
    pub fn include(&self, number: &PhoneNumberId) -> bool {
        match self {
            Self::All => true,
            Self::These(numbers) => numbers.contains(number),
        }
    }

    /// As SQL takes them; `None` is all.
    pub fn texts(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::These(numbers) => Some(numbers.iter().map(|it| it.as_str().to_owned()).collect()),
        }
    }
}

/// How long a link to a photo holds.
pub const LINK_HOLDS: TimeDelta = TimeDelta::hours(24);

/// What signs links to photos.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

impl LinkKey {
    /// Takes any bytes.
    pub fn new(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// The query of a link to the photo of `message` that holds until `expires`.
    pub fn query(&self, message: MessageId, expires: DateTime<Utc>) -> String {
        let expires = expires.timestamp();
        let signature = hex::encode(self.mac(message, expires).finalize().into_bytes());
        format!("expires={expires}&signature={signature}")
    }

    /// Whether this link is ours and holds at `now`.
    pub fn holds(
        &self,
        message: MessageId,
        expires: i64,
        signature: &str,
        now: DateTime<Utc>,
    ) -> bool {
        let Ok(signature) = hex::decode(signature) else { return false };
        expires >= now.timestamp() && self.mac(message, expires).verify_slice(&signature).is_ok()
    }

    fn mac(&self, message: MessageId, expires: i64) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("photo {message} until {expires}").as_bytes());
        mac
    }
}

/// Never shows the key.
impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_holds_for_its_photo_until_it_expires_and_cannot_be_altered() {
        let key = LinkKey::new(b"a key of some length, for a test".to_vec());
        let now: DateTime<Utc> = "2026-11-26T10:00:00Z".parse().unwrap();
        let query = key.query(MessageId(7), now + LINK_HOLDS);
        let (expires, signature) = query.split_once('&').unwrap();
        let expires: i64 = expires.strip_prefix("expires=").unwrap().parse().unwrap();
        let signature = signature.strip_prefix("signature=").unwrap();
        let holds = |message, expires, signature: &str, now| {
            key.holds(MessageId(message), expires, signature, now)
        };
        assert!(holds(7, expires, signature, now + LINK_HOLDS));
        assert!(!holds(7, expires, signature, now + LINK_HOLDS + TimeDelta::seconds(1)));
        assert!(!holds(8, expires, signature, now));
        assert!(!holds(7, expires + 1, signature, now));
        let first = if signature.starts_with('0') { "1" } else { "0" };
        assert!(!holds(7, expires, &format!("{first}{}", &signature[1..]), now));
        assert!(!holds(7, expires, "", now));
        let other = LinkKey::new(b"another key of the same length..".to_vec());
        assert!(!other.holds(MessageId(7), expires, signature, now));
    }

    #[test]
    fn every_scope_is_read_back() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("entries"), None);
    }
}
