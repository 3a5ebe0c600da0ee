//! How an attempt ended, as data: what a handler returns, and what becomes of panics, timeouts and
//! plain errors. Decides nothing about time (that is `backoff`) and writes nothing.

use std::fmt;
use std::time::Duration;

use apalis_core::error::{AbortError, BoxDynError, RetryAfterError};
use apalis_core::task::into_response::IntoResponse;
use chrono::{DateTime, Utc};

/// What a handler says of its job.
///
/// `()` is [`Outcome::Done`] too, and an error that a handler returns is a retry with the error's
/// text as its reason (`apalis`' `AbortError` gives up, its `RetryAfterError` keeps its delay).
/// Reasons are kept in Postgres, shortened to 500 characters, and never logged; `Debug` leaves
/// them out.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The job is finished.
    Done,
    /// It failed and may do better later. Counts as an attempt: the last allowed one ends dead.
    Retry {
        /// For whoever reads the attempts.
        reason: String,
        /// How long to wait; without it, the worker's [`crate::Backoff`] says.
        after: Option<Duration>,
    },
    /// It must not be tried before a moment that somebody else has set, such as `Retry-After`.
    /// Does not count as an attempt, so whoever answers so for ever is never dead.
    NotBefore {
        /// By Postgres's clock; a moment nearer than 100 ms counts as 100 ms from now.
        at: DateTime<Utc>,
        /// For whoever reads the attempts.
        reason: String,
    },
    /// Neither it nor its like can succeed before a person or a program mends something, such as a
    /// dead token: its group is paused, or its whole queue where it has no group, and it waits with
    /// the others for [`crate::resume_group`] or [`crate::resume_queue`]. Does not count as an
    /// attempt. What runs already goes on; a run that began before the last resumption pauses
    /// nothing again, since it may have met what is mended by now.
    Halt {
        /// For whoever reads the pauses and the attempts.
        reason: String,
    },
    /// It will never succeed: dead at once, and visible.
    GiveUp {
        /// For whoever reads the dead jobs.
        reason: String,
    },
}

impl Outcome {
    /// A retry after the worker's backoff.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Outcome::Retry { reason: reason.to_string(), after: None }
    }

    /// A retry after `after`.
    pub fn retry_after(after: Duration, reason: impl fmt::Display) -> Self {
        Outcome::Retry { reason: reason.to_string(), after: Some(after) }
    }

    /// Not before `at`, and not counted.
    pub fn not_before(at: DateTime<Utc>, reason: impl fmt::Display) -> Self {
        Outcome::NotBefore { at, reason: reason.to_string() }
    }

    /// Pauses the job's group, or its queue, and is not counted.
    pub fn halt(reason: impl fmt::Display) -> Self {
        Outcome::Halt { reason: reason.to_string() }
    }

    /// Dead at once.
    pub fn give_up(reason: impl fmt::Display) -> Self {
        Outcome::GiveUp { reason: reason.to_string() }
    }

    /// The word for it in `apalis_lease.attempts`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Retry { .. } => "retry",
            Outcome::NotBefore { .. } => "not_before",
            Outcome::Halt { .. } => "halt",
            Outcome::GiveUp { .. } => "give_up",
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done => f.write_str("Done"),
            Outcome::Retry { after, .. } => {
                f.debug_struct("Retry").field("after", after).finish_non_exhaustive()
            }
            Outcome::NotBefore { at, .. } => {
                f.debug_struct("NotBefore").field("at", at).finish_non_exhaustive()
            }
            Outcome::Halt { .. } => f.debug_struct("Halt").finish_non_exhaustive(),
            Outcome::GiveUp { .. } => f.debug_struct("GiveUp").finish_non_exhaustive(),
        }
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Outcome::Done
    }
}

impl IntoResponse for Outcome {
    type Output = Outcome;

    fn into_response(self) -> Result<Outcome, BoxDynError> {
        Ok(self)
    }
}

/// What an error that came out of the handler or a layer means.
pub(crate) fn of_error(error: &BoxDynError) -> Outcome {
    if error.downcast_ref::<AbortError>().is_some() {
        return Outcome::give_up(error);
    }
    match error.downcast_ref::<RetryAfterError>() {
        Some(later) => Outcome::retry_after(later.get_duration(), error),
        None => Outcome::retry(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_retry_unless_it_says_otherwise() {
        let plain: BoxDynError = "no luck".into();
        assert_eq!(of_error(&plain), Outcome::retry("no luck"));
        let abort: BoxDynError = AbortError::new("never").into();
        assert!(matches!(of_error(&abort), Outcome::GiveUp { .. }));
        let later: BoxDynError = RetryAfterError::new("busy", Duration::from_secs(7)).into();
        let after = Some(Duration::from_secs(7));
        assert!(matches!(of_error(&later), Outcome::Retry { after: it, .. } if it == after));
    }

    #[test]
    fn a_reason_is_not_printed() {
        let outcome = Outcome::retry("somebody's secret");
        assert!(!format!("{outcome:?}").contains("secret"));
    }
}
