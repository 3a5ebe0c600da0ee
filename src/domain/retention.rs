//! How long what is kept.

use chrono::TimeDelta;

/// The age at which each is removed; `None` is never. Message ids, entries, customers and what became
/// of each answer are not among them: they stay until a person is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// `RETAIN_PHOTOS_DAYS`: photos and documents, by when their message was accepted.
    pub photos: Option<TimeDelta>,
    /// `RETAIN_RAW_DAYS`: what Meta sent, as it came.
    pub raw: Option<TimeDelta>,
    /// `RETAIN_HISTORY_DAYS`: the words that engines read, done jobs with their attempts, and the counts
    /// behind `ops.throughput`, `ops.latency` and `ops.failures`; events that are not owed any more.
    pub history: Option<TimeDelta>,
}

impl Retention {
    /// The least age, in days: Meta delivers again for 7, and a job is tried for less.
    pub const LEAST_DAYS: u16 = 8;

    /// So many days; 0 is never. `None` for an age that is too young.
    pub fn age(days: u16) -> Option<Option<TimeDelta>> {
        match days {
            0 => Some(None),
            1..Self::LEAST_DAYS => None,
            days => Some(Some(TimeDelta::days(days.into()))),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { photos: None, raw: Some(TimeDelta::days(90)), history: Some(TimeDelta::days(30)) }
    }
}
