//! What an item of a webhook can mean to us. What we cannot read or do not act on is kept raw.

use chrono::{DateTime, Utc};

use super::account::AccountNews;
use super::chat::{Press, Quoting, Wish};
use super::delivery::StatusUpdate;
use super::ids::{MediaId, MediaUrl, PhoneNumberId, Sha256, Wamid};
use super::sender::{Profile, ProfileName, Sender};

/// One item of a webhook's batch.
#[derive(Clone, Debug)]
pub enum Item {
    /// Somebody wrote to us.
    Message(Box<Inbound>),
    /// Meta tells how far one of our sends has come.
    Status(StatusUpdate),
    /// Meta tells of a template, or of what a person wants to be sent.
    Account(AccountNews),
    /// Nothing to do now, but nothing to lose either.
    Kept(Kept),
}

impl Item {
    /// The message's id, of a message.
    pub fn wamid(&self) -> Option<&Wamid> {
        match self {
            Self::Message(message) => Some(&message.wamid),
            Self::Status(_) | Self::Account(_) | Self::Kept(_) => None,
        }
    }
}

/// A message from a sender whom we can answer.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Meta's id: unique, and the only defence against a second delivery.
    pub wamid: Wamid,
    /// The number that was written to; the answer leaves from it.
    pub phone_number_id: PhoneNumberId,
    /// Who wrote.
    pub sender: Sender,
    /// The name of their profile, where told.
    pub profile_name: Option<ProfileName>,
    /// What else is told of them.
    pub profile: Profile,
    /// Meta's time of writing: the 24-hour window opens here, not when we heard of it.
    pub sent_at: DateTime<Utc>,
    /// What they sent.
    pub content: Content,
    /// Meta's word for it: `image`, `reaction`, `revoke` …
    pub message_type: Word,
    /// The item as it came.
    pub raw: Raw,
}

/// What a message holds, as far as we act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A photo or a document that may be a receipt.
    Media(MediaRef),
    /// Words; `raw` has them. Those that reply to a message may be a correction.
    Text(Option<Quoting>),
    /// A button of ours was pressed.
    Choice(Press),
    /// STOP or START, and nothing else.
    Wish(Wish),
    /// A voice message, video, sticker, location, contact card: we ask for a photo instead.
    OtherMedia,
    /// The sender is somebody else from now on: another number, another user id.
    Moved(Sender),
    /// A reaction, a revoke, a system message …: nothing is answered.
    Silent,
}

impl Content {
    /// Our word for it, in SQL and in views.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Media(_) => "media",
            Self::Text(_) | Self::Wish(_) => "text",
            Self::Choice(_) => "choice",
            Self::OtherMedia => "other_media",
            Self::Moved(_) => "moved",
            Self::Silent => "silent",
        }
    }
}

/// Where a photo is to be had, and how to know that it is the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRef {
    /// Valid 7 days; each look-up of it gives a fresh URL of 5 minutes.
    pub id: MediaId,
    /// What the sender's phone called it.
    pub mime: String,
    /// The digest that the webhook promised.
    pub sha256: Option<Sha256>,
    /// Where the webhook itself said that it is, for the first 5 minutes.
    pub url: Option<MediaUrl>,
}

/// An item that is not acted on, and why it was kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Why.
    pub reason: KeptReason,
    /// The subscribed field that it came under, empty where there is none.
    pub field: Word,
    /// What Meta calls it within the field: a type, an event or a status; empty where it has no name.
    pub kind: Word,
    /// The item as it came.
    pub raw: Raw,
}

/// A name that Meta gave to something, such as `account_update`: letters, digits, `_`, `.` and `-`
/// only, at most 64 of them, so that it may be logged and counted by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word(Box<str>);

impl Word {
    /// What of `text` may stand in a name.
    pub fn of(text: &str) -> Self {
        let plain = |it: &char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-');
        Self(text.chars().filter(plain).take(64).collect())
    }

    /// The name; may be empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why an item was kept raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptReason {
    /// Not JSON, or JSON of a shape that we cannot read.
    Unreadable,
    /// A field or a kind that we do not act on.
    NotActedOn,
    /// A message with neither phone nor user id: nobody to answer.
    NobodyToAnswer,
}

impl KeptReason {
    /// Our word for it, in SQL and in views.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NotActedOn => "not_acted_on",
            Self::NobodyToAnswer => "nobody_to_answer",
        }
    }
}

/// Bytes as Meta sent them. `Debug` shows their number only: they hold what people wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(pub Vec<u8>);

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}
