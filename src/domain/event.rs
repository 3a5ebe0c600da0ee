//! What is told to the integrator's program, and how long is tried to tell it. Knows nothing of how
//! it gets there.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ids::{MessageId, Sha256};
use super::retry::LONGEST_WAIT;

/// The version of what an event says. Members may be added to one; what is there keeps its meaning.
pub const VERSION: u32 = 1;

/// An endpoint that has failed for so long without a success is paused; an event that it alone refuses
/// for so long is given up.
pub const PATIENCE: TimeDelta = TimeDelta::days(5);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An entry counts from now on.
    EntryBooked,
    /// One that counts was changed.
    EntryCorrected,
    /// Somebody said that it is right.
    EntryConfirmed,
    /// A photo became no entry, and needs a hand.
    EntryFailed,
    /// A sender wants no more reminders.
    SenderOptedOut,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::EntryBooked,
        Self::EntryCorrected,
        Self::EntryConfirmed,
        Self::EntryFailed,
        Self::SenderOptedOut,
    ];

    /// Our word for it, on the wire and in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntryBooked => "entry.booked",
            Self::EntryCorrected => "entry.corrected",
            Self::EntryConfirmed => "entry.confirmed",
            Self::EntryFailed => "entry.failed",
            Self::SenderOptedOut => "sender.opted_out",
        }
    }

    /// Reads [`EventKind::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// Why a photo became no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It cannot be had, opened or read; the sender was asked for another.
    Unreadable,
    /// The work on it gave up. Tried again by the operator, it may be booked after all.
    GaveUp,
}

impl Failed {
    /// Our word for it, on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::GaveUp => "gave_up",
        }
    }
}

/// What an event is known by, here and at the integrator's; the same in every try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId(pub Uuid);

impl EventId {
    /// Reads `evt_` and 32 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("evt_").filter(|it| it.len() == 32)?;
        Uuid::try_parse(digits).ok().map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt_{}", self.0.simple())
    }
}

/// An event as it was written down.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// Which.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Of what, as it stood then.
    pub data: Value,
}

impl Event {
    /// What goes to the integrator.
    pub fn document(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "type": self.kind.as_str(),
            "version": VERSION,
            "timestamp": self.occurred_at,
            "data": self.data,
        })
    }

    /// The message whose photo it is about.
    pub fn message(&self) -> Option<MessageId> {
        self.data["message"].as_i64().map(MessageId)
    }
}

/// The photo of an event, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Its type.
    pub mime: String,
    /// Its digest.
    pub sha256: Sha256,
    /// Where it is to be had, and until when; `None` where the API is not reached from outside.
    pub link: Option<(String, DateTime<Utc>)>,
}

impl Photo {
    /// Members of `photo` in an event.
    pub fn document(&self) -> Value {
        json!({
            "mime": self.mime,
            "sha256": hex::encode(self.sha256.as_bytes()),
            "url": self.link.as_ref().map(|it| &it.0),
            "expires_at": self.link.as_ref().map(|it| it.1),
        })
    }
}

/// Shows which it is, not of what.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}, {})", self.id, self.kind.as_str())
    }
}

/// What becomes of a delivery that was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not its turn.
    Wait(Duration),
    /// It failed, and is tried again after this long.
    Again(Duration),
    /// Nothing is sent to its endpoint until somebody resumes it.
    PauseEndpoint,
    /// The endpoint takes others, and not this one.
    GiveUp,
}

/// After so many failures in a row, of whatever events, an endpoint is down: then one event at a time
/// is sent to see whether it is back.
pub const DOWN_AFTER: u32 = 3;

/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(30));

/// How long to wait after failure number `failures` (from 1): 5 s, doubling, to half an hour, less
/// up to half by `roll` (0 to 1); and no less than the endpoint asked for, up to a day.
pub fn pause_after(failures: u32, asked: Option<Duration>, roll: f64) -> Duration {
    let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
    let whole = PAUSES.0.saturating_mul(factor).min(PAUSES.1);
    let ours = whole.mul_f64(0.5 + 0.5 * roll.clamp(0.0, 1.0));
    ours.max(asked.unwrap_or_default().min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_an_hour_and_heed_what_was_asked_for() {
        let seconds = |failures| pause_after(failures, None, 1.0).as_secs();
        assert_eq!([1, 2, 3, 9, 10, 99].map(seconds), [5, 10, 20, 1280, 1800, 1800]);
        assert_eq!(pause_after(1, None, 0.0), Duration::from_millis(2500));
        let asked = |seconds| pause_after(1, Some(Duration::from_secs(seconds)), 1.0).as_secs();
        assert_eq!([asked(1), asked(600), asked(u64::MAX)], [5, 600, 86_400]);
    }

    #[test]
    fn an_event_is_known_by_its_id_in_hex() {
        let id = EventId(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "evt_00000000000000000000000000000007");
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        for bad in ["", "evt_", "evt_7", "7", "evt_0000000-0000-0000-0000-00000000007"] {
            assert_eq!(EventId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_happened_stays_out_of_logs() {
        let event = Event {
            id: EventId(Uuid::from_u128(7)),
            kind: EventKind::EntryBooked,
            occurred_at: DateTime::UNIX_EPOCH,
            data: json!({ "merchant": "Kettle" }),
        };
        assert!(!format!("{event:?}").contains("Kettle"));
        assert_eq!(event.document()["type"], "entry.booked");
    }
}
